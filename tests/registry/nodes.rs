//! Registries with their own token check: one for each release and configuration, started when it
//! is first asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use corpus::{Answer, Configuration, Implementation, Message, Setting};
use testbed::process::{Folder, free_port};
use testbed::registry::{self, Node, Release, Settings, TokenAuth, content, is_refusal};
use testbed::tools::{Progress, Tools};
use testbed::wire::{self, Connection};
use tokio::runtime::Runtime;

/// The running registries.
#[derive(Default)]
pub(crate) struct Nodes {
    running: Mutex<BTreeMap<String, Running>>,
}

/// A registry, and its storage. The process ends first.
struct Running {
    node: Node,
    _folder: Folder,
}

/// One release, as an implementation.
pub(crate) struct Registry {
    pub(crate) release: Release,
    pub(crate) nodes: Arc<Nodes>,
}

impl Nodes {
    /// The port of the registry with this configuration.
    fn port(&self, release: Release, configuration: &Configuration) -> u16 {
        // What is written to a registry's configuration is what tells two apart.
        let key = format!("{release:?} {configuration:?}");
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let running = running
            .entry(key)
            .or_insert_with(|| start(release, configuration));
        running.node.settings().port
    }
}

fn start(release: Release, configuration: &Configuration) -> Running {
    let tools = Tools::open(Progress::stderr()).unwrap();
    let folder = Folder::temporary("corpus-registry-").unwrap();
    let path = folder.path();
    let bundle = path.join("bundle.pem");
    std::fs::write(&bundle, configuration.rootcertbundle()).unwrap();
    let node = |name: &str, token: Option<TokenAuth>| {
        let settings = Settings {
            name: name.to_owned(),
            release,
            port: free_port().unwrap(),
            storage: path.join("storage"),
            secret: "one".to_owned(),
            certificate: None,
            nosniff: false,
            token,
        };
        Node::start(&tools, settings, path).unwrap()
    };
    let open = node("open", None);
    runtime()
        .block_on(content::push(open.settings().port))
        .unwrap();
    drop(open);
    let mut further = configuration.further();
    if let Some(set) = &configuration.jwks {
        let file = path.join("jwks.json");
        std::fs::write(&file, set).unwrap();
        further.insert("jwks".to_owned(), file.to_str().unwrap().into());
    }
    let token = registry::TokenAuth {
        realm: configuration.realm.clone(),
        service: configuration.service.clone(),
        issuer: configuration.issuer.clone(),
        rootcertbundle: bundle,
        further,
    };
    Running {
        node: node("guarded", Some(token)),
        _folder: folder,
    }
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

impl Implementation for Registry {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_secs()).unwrap()
    }

    fn orders_scopes(&self) -> bool {
        false
    }

    fn answer(&self, setting: &Setting<'_>, message: &Message) -> Answer {
        let port = self.nodes.port(self.release, setting.configuration);
        let request = wire::Request {
            method: message.method.clone(),
            target: message.target.clone(),
            host: message.host.clone(),
            fields: message.fields.clone(),
            body: message.body.clone(),
        };
        let exchange = async { Connection::to(port).exchange_whole(&request).await };
        match runtime().block_on(exchange).unwrap() {
            wire::Answer::Closed => Answer::Closed,
            wire::Answer::Responded(response) if is_refusal(&response) => Answer::Responded {
                status: response.status,
                headers: response.fields,
                body: response.body,
                reason: None,
            },
            wire::Answer::Responded(response) => Answer::Served {
                status: response.status,
                headers: response.fields,
            },
        }
    }
}
