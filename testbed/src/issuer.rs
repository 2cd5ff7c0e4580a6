//! The token issuer that stands in for GitLab's `/jwt/auth`: `edgectl issuer`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::process::{Process, output};

const READY: Duration = Duration::from_secs(10);

/// Someone who can ask for tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: String,
    /// Password.
    pub password: String,
    /// Everything everywhere, and the catalog.
    pub admin: bool,
    /// Rights by namespace: a group, a user or a project, with everything below it.
    pub access: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user without rights.
    #[must_use]
    pub fn new(name: &str, password: &str) -> Self {
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            admin: false,
            access: BTreeMap::new(),
        }
    }

    /// The same user, who also may do `actions` (of `pull`, `push`, `delete`) in `namespace` and
    /// below.
    #[must_use]
    pub fn may(mut self, namespace: &str, actions: &[&str]) -> Self {
        let actions = actions.iter().map(|&action| action.to_owned());
        self.access
            .entry(namespace.to_owned())
            .or_default()
            .extend(actions);
        self
    }

    /// The same user as an administrator.
    #[must_use]
    pub fn admin(mut self) -> Self {
        self.admin = true;
        self
    }
}

/// Who may pull from a namespace without rights of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody, without credentials too.
    Public,
    /// Everybody who signs in.
    Internal,
    /// Nobody.
    Private,
}

/// A group, a user or a project of the stand-in GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Path, such as `team/app`.
    pub name: String,
    /// Who may pull.
    pub visibility: Visibility,
    /// Whether only administrators push (403 for others).
    pub push_protected: bool,
}

/// The key that signs tokens and the certificate by which registry and filter know it.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// Private key, PEM.
    pub key: PathBuf,
    /// Certificate, PEM; also the `rootcertbundle`.
    pub certificate: PathBuf,
}

/// How tokens name the key that signed them (`kid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyId {
    /// libtrust's fingerprint: GitLab, and what Distribution 2.8 and GitLab's registry know.
    #[default]
    Libtrust,
    /// The thumbprint of RFC 7638: what Distribution 3 knows.
    Rfc7638,
}

/// What the issuer is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `iss` of the tokens.
    pub issuer: String,
    /// `aud` of the tokens.
    pub service: String,
    /// Key that signs.
    pub key: SigningKey,
    /// How tokens name it.
    pub key_id: KeyId,
    /// Who may ask.
    pub users: Vec<User>,
    /// What there is. Namespaces in which a user has rights exist (private) without being named.
    pub namespaces: Vec<Namespace>,
    /// A users file that is there already, instead of both.
    pub users_file: Option<PathBuf>,
}

/// A running issuer.
#[derive(Debug)]
pub struct Issuer {
    process: Process,
    address: SocketAddr,
}

impl Issuer {
    /// Starts `edgectl issuer --json` on a port of its choice and waits until it listens.
    ///
    /// # Errors
    /// When it does not start; its log says why.
    pub fn start(edgectl: &Path, settings: &Settings, folder: &Path) -> Result<Self> {
        let users = match &settings.users_file {
            Some(file) => file.clone(),
            None => {
                let users = folder.join("users.toml");
                let text = users_file(settings)?;
                std::fs::write(&users, text).map_err(Error::io("write", &users))?;
                users
            }
        };
        let mut command = Command::new(edgectl);
        command
            .args(["issuer", "--listen", "127.0.0.1:0", "--key"])
            .arg(&settings.key.key);
        command.args(["--issuer", &settings.issuer, "--service", &settings.service]);
        command.arg("--users").arg(&users).arg("--json");
        if settings.key_id == KeyId::Rfc7638 {
            command.args(["--kid", "rfc7638"]);
        }
        let mut process = Process::spawn("issuer", command, &folder.join("issuer.log"))?;
        let address = process.wait_for_line("its address", READY, listening)?;
        Ok(Self { process, address })
    }

    /// Where it listens, plain HTTP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL of its token endpoint, past the edge.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/jwt/auth", self.address)
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// What it logged so far.
    #[must_use]
    pub fn log_text(&self) -> String {
        self.process.log_text()
    }
}

/// The address out of the issuer's first line, `{"listening":"127.0.0.1:PORT", …}`.
fn listening(line: &str) -> Option<SocketAddr> {
    serde_json::from_str::<Value>(line)
        .ok()?
        .get("listening")?
        .as_str()?
        .parse()
        .ok()
}

/// The file that `edgectl issuer --users` reads.
fn users_file(settings: &Settings) -> Result<String> {
    let private = settings.users.iter().flat_map(|user| user.access.keys());
    let mut namespaces: BTreeMap<&str, Value> = private
        .map(|name| (name.as_str(), json!({"visibility": "private"})))
        .collect();
    for namespace in &settings.namespaces {
        let visibility = match namespace.visibility {
            Visibility::Public => "public",
            Visibility::Internal => "internal",
            Visibility::Private => "private",
        };
        let entry = json!({"visibility": visibility, "push_protected": namespace.push_protected});
        namespaces.insert(&namespace.name, entry);
    }
    if namespaces.is_empty() {
        // The issuer takes a file without any for a mistake.
        namespaces.insert("nobody", json!({"visibility": "private"}));
    }
    let users: Vec<Value> = settings
        .users
        .iter()
        .map(|user| {
            json!({
                "name": user.name,
                "password": user.password,
                "admin": user.admin,
                "access": user.access,
            })
        })
        .collect();
    toml::to_string(&json!({"namespaces": namespaces, "users": users}))
        .map_err(|error| Error::Other(format!("users file: {error}")))
}

/// Size of a new key in bits: the smallest that is made, because a stack should start fast.
const BITS: &str = "2048";

/// A key pair in `folder`, `token.key` and `token.crt`: made with `edgectl keys`, or that of an
/// earlier stack in the same folder.
///
/// # Errors
/// When `edgectl` fails.
pub fn signing_key(edgectl: &Path, folder: &Path) -> Result<SigningKey> {
    let pair = SigningKey {
        key: folder.join("token.key"),
        certificate: folder.join("token.crt"),
    };
    if !(pair.key.is_file() && pair.certificate.is_file()) {
        let mut command = Command::new(edgectl);
        command
            .args(["keys", "--name", "token", "--bits", BITS, "--out"])
            .arg(folder);
        output(&mut command)?;
    }
    Ok(pair)
}
