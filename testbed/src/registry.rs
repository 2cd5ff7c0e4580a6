//! Registry nodes: real Distribution processes over TLS, all on one storage folder.
//!
//! They share `http.secret` too, so that every node can go on with an upload another one began, as
//! nodes behind a load balancer must. With [`TokenAuth`] a node enforces the token by itself (defence
//! in depth, or the reference to compare the filter with); without, it serves whoever reaches it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::certs::ServerCertificate;
use crate::error::{Error, Result};
use crate::issuer::KeyId;
use crate::process::Process;
use crate::tools::{DISTRIBUTION_2, DISTRIBUTION_3, Tools};
use crate::wire::Response;

pub mod content;

/// Whether a registry that checks tokens gave this answer before or instead of passing
/// authentication.
///
/// What passed came from a handler, which writes errors as JSON; the router's 404 and the server's
/// 400 are plain text, and no handler redirects on the storage of a [`Node`].
#[must_use]
pub fn is_refusal(response: &Response) -> bool {
    let kind = response.field("content-type");
    let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
    match response.status {
        301 | 401 => true,
        400 | 404 | 431 | 501 | 505 => !is_json,
        _ => false,
    }
}

const READY: Duration = Duration::from_secs(20);

/// Which Distribution a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// 2.8.2, as Debian builds it.
    #[default]
    Distribution2,
    /// 3.1.2.
    Distribution3,
}

impl Release {
    /// The filter's `profile` for this release.
    #[must_use]
    pub fn profile(self) -> &'static str {
        match self {
            Self::Distribution2 => "distribution-2.8",
            Self::Distribution3 => "distribution-3",
        }
    }

    /// The `kid` that this release looks for when its keys come from a `rootcertbundle`.
    #[must_use]
    pub fn key_id(self) -> KeyId {
        match self {
            Self::Distribution2 => KeyId::Libtrust,
            Self::Distribution3 => KeyId::Rfc7638,
        }
    }

    fn program(self, tools: &Tools) -> Result<PathBuf> {
        tools.ensure(match self {
            Self::Distribution2 => &DISTRIBUTION_2,
            Self::Distribution3 => &DISTRIBUTION_3,
        })
    }
}

/// A node's `auth.token` section.
#[derive(Debug, Clone)]
pub struct TokenAuth {
    /// Where clients are sent for a token.
    pub realm: String,
    /// Expected `aud`.
    pub service: String,
    /// Expected `iss`.
    pub issuer: String,
    /// Certificates whose keys sign tokens, PEM.
    pub rootcertbundle: PathBuf,
    /// Further keys of the section.
    pub further: serde_json::Map<String, Value>,
}

/// What a node is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name in messages, of the configuration file and of the log.
    pub name: String,
    /// Which program.
    pub release: Release,
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Storage folder; the same for all nodes of a pool.
    pub storage: PathBuf,
    /// `http.secret`; the same for all nodes of a pool.
    pub secret: String,
    /// TLS certificate; plain HTTP without.
    pub certificate: Option<ServerCertificate>,
    /// Whether the node checks tokens itself.
    pub token: Option<TokenAuth>,
    /// Whether its answers carry `X-Content-Type-Options: nosniff`, as in Distribution's example of
    /// a configuration.
    pub nosniff: bool,
}

/// A registry process that can be crashed and brought back on the same port.
#[derive(Debug)]
pub struct Node {
    settings: Settings,
    program: PathBuf,
    configuration: PathBuf,
    log: PathBuf,
    process: Option<Process>,
}

impl Node {
    /// Writes the configuration to `folder` and starts the node. Installs the program when it is
    /// not there.
    ///
    /// # Errors
    /// When the program cannot be had, or the node does not listen within 20 seconds.
    pub fn start(tools: &Tools, settings: Settings, folder: &Path) -> Result<Self> {
        let mut node = Self {
            program: settings.release.program(tools)?,
            configuration: folder.join(format!("{}.yml", settings.name)),
            log: folder.join(format!("{}.log", settings.name)),
            settings,
            process: None,
        };
        let text = yaml_serde::to_string(&configuration(&node.settings))
            .map_err(|error| Error::Other(format!("registry configuration: {error}")))?;
        std::fs::write(&node.configuration, text)
            .map_err(Error::io("write", &node.configuration))?;
        node.restart()?;
        Ok(node)
    }

    /// Starts the node (again), on the same port with the same configuration, and waits until it
    /// listens.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.process = None;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg(&self.configuration);
        // Distribution 3 otherwise looks for a trace collector on this machine.
        command.env("OTEL_TRACES_EXPORTER", "none");
        for (name, _) in std::env::vars_os() {
            // Every REGISTRY_* variable would override the configuration.
            if name.to_string_lossy().starts_with("REGISTRY_") {
                command.env_remove(name);
            }
        }
        let mut process = Process::spawn(&self.settings.name, command, &self.log)?;
        process.wait_for_port(self.settings.port, READY)?;
        self.process = Some(process);
        Ok(())
    }

    /// Crashes the node (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Whether the node runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(Process::is_running)
    }

    /// Process id while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// What it was started with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Host and port, past the edge: `localhost:20001`.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("localhost:{}", self.settings.port)
    }

    /// URL of the node itself, past the edge: `https://localhost:20001`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.settings.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.authority())
    }

    /// The node's log file; it holds one line for every request.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What the node logged so far, over all its lives.
    #[must_use]
    pub fn log_text(&self) -> String {
        crate::process::read_lossy(&self.log)
    }
}

fn configuration(settings: &Settings) -> Value {
    let mut configuration = json!({
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": false}},
        "storage": {
            "filesystem": {"rootdirectory": settings.storage},
            "delete": {"enabled": true},
            "maintenance": {"uploadpurging": {"enabled": false}},
        },
        "http": {
            "addr": format!("127.0.0.1:{}", settings.port),
            "secret": settings.secret,
        },
        "health": {"storagedriver": {"enabled": true, "interval": "10s", "threshold": 3}},
    });
    if let Some(certificate) = &settings.certificate
        && let Some(http) = configuration.get_mut("http").and_then(Value::as_object_mut)
    {
        let tls = json!({"certificate": certificate.certificate, "key": certificate.key});
        http.insert("tls".to_owned(), tls);
    }
    if settings.nosniff
        && let Some(http) = configuration.get_mut("http").and_then(Value::as_object_mut)
    {
        let headers = json!({"X-Content-Type-Options": ["nosniff"]});
        http.insert("headers".to_owned(), headers);
    }
    if let Some(token) = &settings.token
        && let Some(root) = configuration.as_object_mut()
    {
        let section = json!({
            "realm": token.realm,
            "service": token.service,
            "issuer": token.issuer,
            "rootcertbundle": token.rootcertbundle,
        });
        let mut section = section.as_object().cloned().unwrap_or_default();
        section.extend(token.further.clone());
        root.insert("auth".to_owned(), json!({"token": section}));
    }
    configuration
}
