//! What a stack is made of, and making it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::{HOST, REALM_PATH, Stack};
use crate::artifact;
use crate::certs::{Authority, ServerCertificate};
use crate::envoy::{self, Document, Envoy, Site};
use crate::error::{Error, Result};
use crate::issuer::{self, Issuer, KeyId, Namespace, SigningKey, User};
use crate::process::{Folder, free_port};
use crate::registry::{self, Node, Release, TokenAuth};
use crate::tools::Tools;

/// Nodes are asked for their health every five seconds.
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
    users_file: Option<PathBuf>,
    port: Option<u16>,
    key: Option<SigningKey>,
    key_id: Option<KeyId>,
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
    pub(super) fn new(tools: &Tools) -> Self {
        Self {
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
            users_file: None,
            port: None,
            key: None,
            key_id: None,
            plugin: Map::new(),
            envoy: envoy::Settings::default(),
            adjust: Box::new(|_| Ok(())),
        }
    }

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

    /// Which registry the nodes run; the default is Distribution 2.8. The filter's `profile` follows,
    /// unless [`Builder::plugin`] sets it.
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

    /// Users and namespaces from a file of `edgectl issuer`, instead of the added ones. Taken while it runs
    /// when it changes.
    #[must_use]
    pub fn users_file(mut self, file: &Path) -> Self {
        self.users_file = Some(file.to_owned());
        self
    }

    /// Listens on this port of 127.0.0.1, instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Signs tokens with this key, instead of a new one.
    #[must_use]
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.key = Some(key);
        self
    }

    /// How the issuer's tokens name that key; the default is the way the nodes know
    /// ([`Release::key_id`]).
    #[must_use]
    pub fn key_id(mut self, key_id: KeyId) -> Self {
        self.key_id = Some(key_id);
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
    pub fn start(mut self) -> Result<Stack> {
        let built = match self.wasm.take() {
            Some(file) => file,
            None => artifact::filter(&self.tools)?,
        };
        let edgectl = match self.edgectl.take() {
            Some(file) => file,
            None => artifact::edgectl(&self.tools)?,
        };
        let folder = match &self.folder {
            Some(folder) => Folder::kept(folder)?,
            None => Folder::temporary("registry-stack-")?,
        };
        let path = folder.path();
        // Envoy reads the file again at every update; a build meanwhile must not change this stack.
        let wasm = path.join("registry_token_filter.wasm");
        std::fs::copy(&built, &wasm).map_err(Error::io("copy", &built))?;
        // Before everything else: the realm, which every part is told, contains the port.
        let port = match self.port {
            Some(port) => port,
            None => free_port()?,
        };
        let realm = format!("https://{HOST}:{port}{REALM_PATH}");

        let tls = Tls::new(path)?;
        let key = match self.key.take() {
            Some(key) => key,
            None => issuer::signing_key(&edgectl, path)?,
        };
        let issuer = Issuer::start(&edgectl, &self.issuer_settings(&key), path)?;
        let nodes = self.start_nodes(path, &tls, &realm, &key)?;
        let plugin = self.plugin_configuration(&realm, &key)?;
        let site = Site {
            host: HOST.to_owned(),
            admin_port: free_port()?,
            port,
            certificate: tls.issue("edge")?,
            wasm: wasm.clone(),
            plugin_configuration: plugin.to_string(),
            nodes: nodes.iter().map(|node| node.settings().port).collect(),
            ca: tls.ca.clone(),
            issuer_port: issuer.address().port(),
        };
        let mut envoy = Envoy::start(&self.tools, &site, &self.envoy, path, self.adjust)?;
        // Without nodes of its own the pool is the caller's to wait for.
        if !nodes.is_empty() {
            envoy.wait_for_nodes(u64::try_from(nodes.len()).unwrap_or(u64::MAX), HEALTHY)?;
        }
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
            ca: tls.ca,
            wasm,
            edgectl,
            folder,
        })
    }

    fn issuer_settings(&self, key: &SigningKey) -> issuer::Settings {
        issuer::Settings {
            issuer: self.issuer.clone(),
            service: self.service.clone(),
            key: key.clone(),
            key_id: self.key_id.unwrap_or_else(|| self.release.key_id()),
            users: self.users.clone(),
            namespaces: self.namespaces.clone(),
            users_file: self.users_file.clone(),
        }
    }

    fn start_nodes(
        &self,
        path: &Path,
        tls: &Tls,
        realm: &str,
        key: &SigningKey,
    ) -> Result<Vec<Node>> {
        let secret = secret()?;
        let token = self.node_auth.then(|| TokenAuth {
            realm: realm.to_owned(),
            service: self.service.clone(),
            issuer: self.issuer.clone(),
            rootcertbundle: key.certificate.clone(),
            further: Default::default(),
        });
        let start = |number: usize| {
            let name = format!("registry-{number}");
            let settings = registry::Settings {
                release: self.release,
                port: free_port()?,
                storage: path.join("storage"),
                secret: secret.clone(),
                certificate: Some(tls.issue(&name)?),
                token: token.clone(),
                nosniff: true,
                name,
            };
            Node::start(&self.tools, settings, path)
        };
        (1..=self.nodes).map(start).collect()
    }

    /// The filter's configuration, with what [`Builder::plugin`] set on top.
    fn plugin_configuration(&self, realm: &str, key: &SigningKey) -> Result<Value> {
        let bundle = std::fs::read_to_string(&key.certificate)
            .map_err(Error::io("read", &key.certificate))?;
        let mut members = Map::new();
        for (name, value) in [
            ("profile", self.release.profile()),
            ("realm", realm),
            ("service", &self.service),
            ("issuer", &self.issuer),
            ("rootcertbundle", &bundle),
        ] {
            members.insert(name.to_owned(), value.into());
        }
        members.extend(self.plugin.clone());
        members.retain(|_, value| !value.is_null());
        Ok(Value::Object(members))
    }
}

/// Certificates of the edge and the nodes.
struct Tls {
    authority: Authority,
    folder: PathBuf,
    ca: PathBuf,
}

impl Tls {
    fn new(path: &Path) -> Result<Self> {
        // Clients are given the CA's folder whole: nothing else may be in it.
        let (ca_folder, folder) = (path.join("tls"), path.join("certificates"));
        for folder in [&ca_folder, &folder] {
            std::fs::create_dir_all(folder).map_err(Error::io("make folder", folder))?;
        }
        let authority = Authority::new()?;
        let ca = ca_folder.join("ca.crt");
        std::fs::write(&ca, authority.pem()).map_err(Error::io("write", &ca))?;
        Ok(Self {
            authority,
            folder,
            ca,
        })
    }

    fn issue(&self, name: &str) -> Result<ServerCertificate> {
        self.authority
            .issue(&self.folder, name, &[HOST, "127.0.0.1"])
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
