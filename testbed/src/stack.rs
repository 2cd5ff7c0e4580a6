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

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::artifact;
use crate::certs::Authority;
use crate::clients::Target;
use crate::envoy::{self, Document, Envoy, Site, Update};
use crate::error::{Error, Result};
use crate::issuer::{self, Issuer, Namespace, SigningKey, User};
use crate::process::{Folder, free_port, output};
use crate::registry::{self, Node, Release, TokenAuth};
use crate::tools::Tools;

/// The one host name of edge, realm and nodes. Not an address: several clients refuse a realm whose
/// host is a loopback address unless it is the registry's own name.
pub const HOST: &str = "localhost";

/// Path of the realm at the edge.
pub const REALM_PATH: &str = "/jwt/auth";

const HEALTHY: Duration = Duration::from_secs(30);

type Adjust = Box<dyn FnOnce(&mut Document) -> Result<()>>;

/// What a stack is made of; see [`Stack::builder`].
pub struct Builder {
    tools: Tools,
    folder: Option<PathBuf>,
    wasm: Option<PathBuf>,
    edgectl: Option<PathBuf>,
    release: Release,
    nodes: usize,
    node_auth: bool,
    issuer: String,
    service: String,
    users: Vec<User>,
    namespaces: Vec<Namespace>,
    key: Option<SigningKey>,
    plugin: Map<String, Value>,
    envoy: envoy::Settings,
    adjust: Adjust,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("release", &self.release)
            .field("nodes", &self.nodes)
            .field("node_auth", &self.node_auth)
            .field("plugin", &self.plugin)
            .field("envoy", &self.envoy)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Keeps configuration, logs and storage in this folder, instead of a temporary one.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Uses this filter, instead of building it.
    #[must_use]
    pub fn wasm(mut self, file: &Path) -> Self {
        self.wasm = Some(file.to_owned());
        self
    }

    /// Uses this `edgectl`, instead of building it.
    #[must_use]
    pub fn edgectl(mut self, file: &Path) -> Self {
        self.edgectl = Some(file.to_owned());
        self
    }

    /// Which registry the nodes run; the default is Distribution 2.8. The filter's `profile` (unless
    /// [`Builder::plugin`] sets it) and the `kid` of tokens follow.
    #[must_use]
    pub fn release(mut self, release: Release) -> Self {
        self.release = release;
        self
    }

    /// Number of nodes; the default is 2.
    #[must_use]
    pub fn nodes(mut self, count: usize) -> Self {
        self.nodes = count;
        self
    }

    /// Whether the nodes check tokens too (defence in depth). The default is that they do not, so
    /// that whatever the filter lets through is served.
    #[must_use]
    pub fn node_auth(mut self, on: bool) -> Self {
        self.node_auth = on;
        self
    }

    /// `iss` of tokens; the default is GitLab's, `omnibus-gitlab-issuer`.
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.issuer);
        self
    }

    /// `aud` of tokens; the default is GitLab's, `container_registry`.
    #[must_use]
    pub fn service(mut self, service: &str) -> Self {
        service.clone_into(&mut self.service);
        self
    }

    /// Adds a user of the issuer.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Adds a namespace of the issuer; those in which a user has rights exist anyway.
    #[must_use]
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespaces.push(namespace);
        self
    }

    /// Signs tokens with this key, instead of a new one.
    #[must_use]
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets a key of the filter's configuration; `null` leaves the key out.
    #[must_use]
    pub fn plugin(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.plugin.insert(key.to_owned(), value.into());
        self
    }

    /// How Envoy is run.
    #[must_use]
    pub fn envoy(mut self, settings: envoy::Settings) -> Self {
        self.envoy = settings;
        self
    }

    /// Changes Envoy's bootstrap last, after it was made local.
    #[must_use]
    pub fn adjust(mut self, change: impl FnOnce(&mut Document) -> Result<()> + 'static) -> Self {
        self.adjust = Box::new(change);
        self
    }

    /// Builds what is to be built, starts everything, and waits until the edge serves from all
    /// nodes.
    ///
    /// # Errors
    /// That of the first part that fails; the parts already started end.
    pub fn start(self) -> Result<Stack> {
        let tools = &self.tools;
        let wasm = self.wasm.map_or_else(|| artifact::filter(tools), Ok)?;
        let edgectl = self.edgectl.map_or_else(|| artifact::edgectl(tools), Ok)?;
        let folder = match &self.folder {
            Some(folder) => Folder::kept(folder)?,
            None => Folder::temporary("registry-stack-")?,
        };
        let path = folder.path().to_owned();
        // Envoy reads the file again at every update; a build meanwhile must not change this stack.
        let own_wasm = path.join("registry_token_filter.wasm");
        std::fs::copy(&wasm, &own_wasm).map_err(Error::io("copy", &wasm))?;
        let wasm = own_wasm;
        // Before the first log line: the realm, which many parts are told, contains the port.
        let port = free_port()?;
        let realm = format!("https://{HOST}:{port}{REALM_PATH}");

        let tls = path.join("tls");
        std::fs::create_dir_all(&tls).map_err(Error::io("make folder", &tls))?;
        let authority = Authority::new()?;
        let ca = tls.join("ca.crt");
        std::fs::write(&ca, authority.pem()).map_err(Error::io("write", &ca))?;
        // Folders for certificates are given to clients whole: only the CA may be in there.
        let certificates = path.join("certificates");
        std::fs::create_dir_all(&certificates).map_err(Error::io("make folder", &certificates))?;
        let names = [HOST, "127.0.0.1"];
        let edge_certificate = authority.issue(&certificates, "edge", &names)?;

        let key = self
            .key
            .map_or_else(|| issuer::signing_key(&edgectl, &path), Ok)?;
        let issuer_settings = issuer::Settings {
            issuer: self.issuer.clone(),
            service: self.service.clone(),
            key: key.clone(),
            key_id: self.release.key_id(),
            users: self.users.clone(),
            namespaces: self.namespaces,
        };
        let issuer = Issuer::start(&edgectl, &issuer_settings, &path)?;

        let token = self.node_auth.then(|| TokenAuth {
            realm: realm.clone(),
            service: self.service.clone(),
            issuer: self.issuer.clone(),
            rootcertbundle: key.certificate.clone(),
        });
        let secret = secret()?;
        let nodes = (1..=self.nodes)
            .map(|number| {
                let name = format!("registry-{number}");
                let settings = registry::Settings {
                    release: self.release,
                    port: free_port()?,
                    storage: path.join("storage"),
                    secret: secret.clone(),
                    certificate: Some(authority.issue(&certificates, &name, &names)?),
                    token: token.clone(),
                    name,
                };
                Node::start(tools, settings, &path)
            })
            .collect::<Result<Vec<Node>>>()?;

        let bundle = std::fs::read_to_string(&key.certificate)
            .map_err(Error::io("read", &key.certificate))?;
        let mut plugin = json!({
            "profile": self.release.profile(),
            "realm": realm,
            "service": self.service,
            "issuer": self.issuer,
            "rootcertbundle": bundle,
        });
        if let Some(members) = plugin.as_object_mut() {
            members.extend(self.plugin);
            members.retain(|_, value| !value.is_null());
        }
        let site = Site {
            host: HOST.to_owned(),
            admin_port: free_port()?,
            port,
            certificate: edge_certificate,
            wasm: wasm.clone(),
            plugin_configuration: plugin.to_string(),
            nodes: nodes.iter().map(|node| node.settings().port).collect(),
            ca: ca.clone(),
            issuer_port: issuer.address().port(),
        };
        let mut envoy = Envoy::start(tools, &site, &self.envoy, &path, self.adjust)?;
        envoy.wait_for_nodes(u64::try_from(nodes.len()).unwrap_or(u64::MAX), HEALTHY)?;
        Ok(Stack {
            envoy,
            nodes,
            issuer,
            users: self.users,
            key,
            parties: (self.issuer, self.service),
            plugin,
            realm,
            port,
            ca,
            wasm,
            edgectl,
            folder,
        })
    }
}

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
        Builder {
            tools: tools.clone(),
            folder: None,
            wasm: None,
            edgectl: None,
            release: Release::default(),
            nodes: 2,
            node_auth: false,
            issuer: "omnibus-gitlab-issuer".to_owned(),
            service: "container_registry".to_owned(),
            users: Vec::new(),
            namespaces: Vec::new(),
            key: None,
            plugin: Map::new(),
            envoy: envoy::Settings::default(),
            adjust: Box::new(|_| Ok(())),
        }
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
    /// service, which `arguments` must not set.
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
    /// Without [`envoy::Settings::listener_from_file`], or when Envoy does not react.
    pub fn update_plugin(&mut self, configuration: &Value) -> Result<Update> {
        let update = self.envoy.update_plugin(&configuration.to_string())?;
        if update == Update::Accepted {
            self.plugin = configuration.clone();
        }
        Ok(update)
    }
}

/// `http.secret` of this stack's nodes.
fn secret() -> Result<String> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 32];
    std::fs::File::open(source)
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes))
        .map_err(Error::io("read", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
