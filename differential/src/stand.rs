//! The programs that are compared: a registry that checks tokens by itself, and Envoy with the
//! filter in front of the same registry without a check, on the same storage.
//!
//! ```text
//! case ─┬─► registry with auth.token ───────────────┐
//!       ├─► Envoy, nothing but the filter ─► registry ─► storage
//!       └─► Envoy, the production listener ─► ┘
//! ```
//!
//! Every answer that came from the pool through Envoy carries [`listeners::FORWARDED`].

use std::path::Path;

use corpus::profile::Configuration;
use serde_json::json;
use testbed::Result;
use testbed::certs::ServerCertificate;
use testbed::envoy::listeners::{self, Listener, Shape};
use testbed::envoy::{self, Envoy, Site};
use testbed::process::{Folder, free_port};
use testbed::registry::{self, Node, Release, TokenAuth};
use testbed::tools::Tools;

use crate::files;

/// The running programs. Fields end in this order: the edge first, the folder last.
pub(crate) struct Stand {
    envoy: Envoy,
    guarded: Node,
    open: Node,
    ports: Ports,
    _folder: Folder,
}

/// Where to send a case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// The registry with its own token check.
    pub(crate) registry: u16,
    /// Envoy with the filter and nothing else: no normalization, defaults everywhere.
    pub(crate) plain: u16,
    /// Envoy with the production listener.
    pub(crate) hardened: u16,
}

impl Stand {
    /// Starts everything, with an image in `group/app` and one in `group/secret`.
    ///
    /// # Errors
    /// That of the first part that fails.
    pub(crate) fn start(
        tools: &Tools,
        release: Release,
        configuration: &Configuration,
        wasm: &Path,
    ) -> Result<Self> {
        let folder = Folder::temporary("differential-")?;
        let path = folder.path();
        let bundle = path.join("bundle.pem");
        files::write(&bundle, &configuration.rootcertbundle())?;
        let token = TokenAuth {
            realm: configuration.realm.clone(),
            service: configuration.service.clone(),
            issuer: configuration.issuer.clone(),
            rootcertbundle: bundle,
            further: Default::default(),
        };
        let node = |name: &str, token: Option<TokenAuth>| {
            let settings = registry::Settings {
                nosniff: true,
                name: name.to_owned(),
                release,
                port: free_port()?,
                storage: path.join("storage"),
                secret: "the same for both".to_owned(),
                certificate: None,
                token,
            };
            Node::start(tools, settings, path)
        };
        let guarded = node("registry-guarded", Some(token))?;
        let open = node("registry-open", None)?;
        let ports = Ports {
            registry: guarded.settings().port,
            plain: free_port()?,
            hardened: free_port()?,
        };
        let site = site(wasm, path, &ports, open.settings().port)?;
        let plugin = json!({
            "profile": release.profile(),
            "realm": configuration.realm,
            "service": configuration.service,
            "issuer": configuration.issuer,
            "rootcertbundle": configuration.rootcertbundle(),
            // As in the registries' own configuration.
            "headers": {"X-Content-Type-Options": ["nosniff"]},
        });
        let listeners = [
            (Shape::Plain, ports.plain),
            (Shape::Hardened, ports.hardened),
        ];
        let listeners = listeners.map(|(shape, port)| Listener {
            shape,
            port,
            plugin_configuration: plugin.to_string(),
        });
        let settings = envoy::Settings {
            log_level: "warning".to_owned(),
            ..Default::default()
        };
        let mut envoy = Envoy::start(tools, &site, &settings, path, |document| {
            listeners::replace(document, &listeners)
        })?;
        envoy.wait_for_nodes(1, std::time::Duration::from_secs(30))?;
        Ok(Self {
            envoy,
            guarded,
            open,
            ports,
            _folder: folder,
        })
    }

    pub(crate) fn ports(&self) -> Ports {
        self.ports
    }

    /// The port of the node behind Envoy.
    pub(crate) fn open_port(&self) -> u16 {
        self.open.settings().port
    }

    /// Which of the programs has ended, if one has.
    pub(crate) fn ended(&mut self) -> Option<&'static str> {
        [
            ("Envoy", self.envoy.is_running()),
            (
                "the registry with its token check",
                self.guarded.is_running(),
            ),
            ("the registry behind Envoy", self.open.is_running()),
        ]
        .into_iter()
        .find_map(|(name, is_running)| (!is_running).then_some(name))
    }
}

/// What the listeners do not replace of the production site.
fn site(wasm: &Path, path: &Path, ports: &Ports, node: u16) -> Result<Site> {
    Ok(Site {
        host: "localhost".to_owned(),
        admin_port: free_port()?,
        port: ports.hardened,
        certificate: ServerCertificate {
            certificate: path.join("unused.crt"),
            key: path.join("unused.key"),
        },
        wasm: wasm.to_owned(),
        plugin_configuration: String::new(),
        nodes: vec![node],
        ca: path.join("unused.crt"),
        issuer_port: free_port()?,
    })
}
