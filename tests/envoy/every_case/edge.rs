//! One Envoy with two listeners for each configuration of the corpus, as an implementation.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use corpus::{Answer, Corpus, Implementation, Message, Setting};
use testbed::artifact;
use testbed::certs::ServerCertificate;
use testbed::envoy::listeners::{self, Listener, Origin, Shape};
use testbed::envoy::{Envoy, Settings, Site};
use testbed::process::{Folder, free_port};
use testbed::registry::{Node, Release, content};
use testbed::wire::{self, Connection};
use tokio::runtime::Runtime;

use crate::support::lab::Lab;

/// The reason of what Envoy answers by itself: none that a case expects.
pub(super) const ENVOY: &str = "envoy";

/// The running programs, which end in this order, and where each configuration is.
pub(super) struct Listeners {
    /// By the listener's shape and the filter's configuration.
    ports: BTreeMap<(Shape, String), u16>,
    _envoy: Envoy,
    _node: Node,
    _folder: Folder,
}

impl Listeners {
    pub(super) fn start(lab: &Lab, corpus: &Corpus) -> Self {
        let folder = Folder::temporary("corpus-envoy-").unwrap();
        let path = folder.path();
        let node = testbed::registry::Settings {
            name: "node".to_owned(),
            release: Release::Distribution2,
            port: free_port().unwrap(),
            storage: path.join("storage"),
            secret: "one".to_owned(),
            certificate: None,
            nosniff: false,
            token: None,
        };
        let node = Node::start(lab.tools(), node, path).unwrap();
        runtime()
            .block_on(content::push(node.settings().port))
            .unwrap();

        let mut ports = BTreeMap::new();
        for trial in corpus.trials() {
            let configuration = trial.setting().filter_configuration().to_string();
            for shape in Shape::ALL {
                ports
                    .entry((shape, configuration.clone()))
                    .or_insert_with(|| free_port().unwrap());
            }
        }
        let all: Vec<Listener> = ports
            .iter()
            .map(|((shape, configuration), port)| Listener {
                shape: *shape,
                port: *port,
                plugin_configuration: configuration.clone(),
            })
            .collect();
        let unused = |name: &str| path.join(name);
        let site = Site {
            host: "localhost".to_owned(),
            admin_port: free_port().unwrap(),
            port: all[0].port,
            certificate: ServerCertificate {
                certificate: unused("unused.crt"),
                key: unused("unused.key"),
            },
            wasm: artifact::filter(lab.tools()).unwrap(),
            plugin_configuration: String::new(),
            nodes: vec![node.settings().port],
            ca: unused("unused.crt"),
            issuer_port: free_port().unwrap(),
        };
        let settings = Settings {
            concurrency: 1,
            log_level: "warning".to_owned(),
            ..Settings::default()
        };
        let mut envoy = Envoy::start(lab.tools(), &site, &settings, path, |document| {
            listeners::replace(document, &all)
        })
        .unwrap();
        envoy.wait_for_nodes(1, Duration::from_secs(30)).unwrap();
        Self {
            ports,
            _envoy: envoy,
            _node: node,
            _folder: folder,
        }
    }
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// The edge by one shape of listener.
pub(super) struct Edge<'a> {
    listeners: &'a Listeners,
    shape: Shape,
    runtime: Runtime,
}

impl<'a> Edge<'a> {
    pub(super) fn new(listeners: &'a Listeners, shape: Shape) -> Self {
        Self {
            listeners,
            shape,
            runtime: runtime(),
        }
    }
}

impl Implementation for Edge<'_> {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_secs()).unwrap()
    }

    fn answer(&self, setting: &Setting<'_>, message: &Message) -> Answer {
        let configuration = setting.filter_configuration().to_string();
        let port = self.listeners.ports[&(self.shape, configuration)];
        let request = wire::Request {
            method: message.method.clone(),
            target: message.target.clone(),
            host: message.host.clone(),
            fields: message.fields.clone(),
            body: message.body.clone(),
        };
        let exchange = async { Connection::to(port).exchange_whole(&request).await };
        let answer = self.runtime.block_on(exchange).unwrap();
        let origin = Origin::of(&answer);
        let wire::Answer::Responded(response) = answer else {
            return Answer::Closed;
        };
        if origin == Origin::Pool {
            return Answer::Forwarded;
        }
        Answer::Responded {
            status: response.status,
            headers: response.fields,
            body: response.body,
            reason: (origin == Origin::Proxy).then_some(ENVOY),
        }
    }
}
