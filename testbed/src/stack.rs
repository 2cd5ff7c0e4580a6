//! The whole local stack in one value.
//!
//! ```no_run
//! use testbed::clients::{Skopeo, Target};
//! use testbed::issuer::User;
//! use testbed::{Stack, tools::{Progress, Tools}};
//!
//! # fn main() -> testbed::Result<()> {
//! let tools = Tools::open(Progress::stderr())?;
//! let alice = User::new("alice", "secret").may("team/app", &["pull", "push"]);
//! let stack = Stack::builder(&tools).user(alice.clone()).start()?;
//! let skopeo = Skopeo::new(&tools, &stack.target())?;
//! skopeo.login(&alice)?.success()?;
//! # Ok(()) }
//! ```
//!
//! Everything ends with the value, and its folder with it.

mod builder;

pub use builder::Builder;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::clients::Target;
use crate::envoy::{Envoy, Update};
use crate::error::Result;
use crate::issuer::{Issuer, SigningKey, User};
use crate::process::{Folder, output};
use crate::registry::Node;
use crate::tools::Tools;

/// The one host name of edge, realm and nodes. Not an address: several clients refuse a realm whose
/// host is a loopback address unless it is the registry's own name.
pub const HOST: &str = "localhost";

/// Path of the realm at the edge.
pub const REALM_PATH: &str = "/jwt/auth";

/// A running stack. Fields end in this order: the edge first, the folder last.
#[derive(Debug)]
pub struct Stack {
    envoy: Envoy,
    nodes: Vec<Node>,
    issuer: Issuer,
    users: Vec<User>,
    key: SigningKey,
    /// Issuer and service.
    parties: (String, String),
    plugin: Value,
    realm: String,
    port: u16,
    ca: PathBuf,
    wasm: PathBuf,
    edgectl: PathBuf,
    folder: Folder,
}

impl Stack {
    /// A stack of two Distribution 2.8 nodes without authentication of their own, GitLab's issuer
    /// and service names, and no users.
    #[must_use]
    pub fn builder(tools: &Tools) -> Builder {
        Builder::new(tools)
    }

    /// Host and port of the edge, as in image names: `localhost:20443`.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    /// URL of the edge, without a trailing slash: `https://localhost:20443`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// Port of the edge on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The realm, served at the edge: `https://localhost:20443/jwt/auth`.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// What [`clients`](crate::clients) have to know.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            authority: self.authority(),
            cert_dir: self.ca.parent().unwrap_or(&self.ca).to_owned(),
            ca_file: self.ca.clone(),
        }
    }

    /// What [`clients`](crate::clients) have to know to talk to one node, past the edge.
    #[must_use]
    pub fn node_target(&self, node: &Node) -> Target {
        Target {
            authority: node.authority(),
            ..self.target()
        }
    }

    /// Certificate of the CA that signed the edge's and the nodes' certificates, PEM.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca
    }

    /// The issuer's users.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// Key that signs tokens, and its certificate.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.key
    }

    /// The filter's configuration.
    #[must_use]
    pub fn plugin_configuration(&self) -> &Value {
        &self.plugin
    }

    /// The filter that runs.
    #[must_use]
    pub fn wasm(&self) -> &Path {
        &self.wasm
    }

    /// The `edgectl` that was used.
    #[must_use]
    pub fn edgectl(&self) -> &Path {
        &self.edgectl
    }

    /// Mints a token past the issuer: `edgectl token ARGUMENTS` with this stack's key, issuer and
    /// service. `mint(&["user", "--user", "alice", "--access", "repository:team/app:pull"])`.
    ///
    /// # Errors
    /// When `edgectl` refuses.
    pub fn mint(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.edgectl);
        command
            .arg("token")
            .args(arguments)
            .arg("--key")
            .arg(&self.key.key);
        command.args(["--issuer", &self.parties.0, "--service", &self.parties.1]);
        Ok(output(&mut command)?.trim_end().to_owned())
    }

    /// Envoy.
    #[must_use]
    pub fn envoy(&self) -> &Envoy {
        &self.envoy
    }

    /// Envoy, to update or wait for it.
    pub fn envoy_mut(&mut self) -> &mut Envoy {
        &mut self.envoy
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes, to crash and restart them.
    pub fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.nodes
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Folder with configuration, logs and storage.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All logs with a name for each.
    #[must_use]
    pub fn logs(&self) -> Vec<(String, PathBuf)> {
        let mut logs = vec![
            ("envoy".to_owned(), self.envoy.log().to_owned()),
            ("issuer".to_owned(), self.issuer.log().to_owned()),
        ];
        logs.extend(
            self.nodes
                .iter()
                .map(|node| (node.settings().name.clone(), node.log().to_owned())),
        );
        logs
    }

    /// Gives the running filter another configuration; see [`Envoy::update_plugin`].
    ///
    /// # Errors
    /// Without [`Settings::listener_from_file`](crate::envoy::Settings::listener_from_file), or when Envoy does not react.
    pub fn update_plugin(&mut self, configuration: &Value) -> Result<Update> {
        let update = self.envoy.update_plugin(&configuration.to_string())?;
        if update == Update::Accepted {
            self.plugin = configuration.clone();
        }
        Ok(update)
    }
}
