//! The programs that are compared: a registry that checks tokens by itself, and Envoy with the
//! filter in front of the same registry without a check, on the same storage.
//!
//! ```text
//! case ─┬─► registry with auth.token ───────────────┐
//!       ├─► Envoy, nothing but the filter ─► registry ─► storage
//!       └─► Envoy, the production listener ─► ┘
//! ```
//!
//! Every answer that came from the pool through Envoy carries [`FORWARDED`].

use std::path::Path;

use serde_json::{Value, json};
use testbed::Result;
use testbed::certs::ServerCertificate;
use testbed::envoy::bootstrap::hcm;
use testbed::envoy::{self, Document, Envoy, Site};
use testbed::process::{Folder, free_port};
use testbed::registry::{self, Node, Release, TokenAuth};
use testbed::tools::Tools;

use crate::files;
use crate::keys::Keys;
use crate::mint::{ISSUER, SERVICE};

pub(crate) mod content;

/// Set by Envoy to the cluster a request is for, and to the node that answered it if one did.
pub(crate) const FORWARDED: &str = "x-differential-forwarded";

/// Set by Envoy on what it answered by itself: to the reason. What the filter answers has none.
pub(crate) const DETAILS: &str = "x-differential-details";

/// The pool's cluster in `envoy/envoy.yaml`.
pub(crate) const POOL: &str = "registry";

pub(crate) const REALM: &str = "https://gitlab.example.com/jwt/auth";

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
    pub(crate) fn start(tools: &Tools, release: Release, keys: &Keys, wasm: &Path) -> Result<Self> {
        let folder = Folder::temporary("differential-")?;
        let path = folder.path();
        let bundle = path.join("bundle.pem");
        files::write(&bundle, &keys.bundle()?)?;
        let token = TokenAuth {
            realm: REALM.to_owned(),
            service: SERVICE.to_owned(),
            issuer: ISSUER.to_owned(),
            rootcertbundle: bundle,
        };
        let node = |name: &str, token: Option<TokenAuth>| {
            let settings = registry::Settings {
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
        let site = site(release, keys, wasm, path, &ports, open.settings().port)?;
        let settings = envoy::Settings {
            log_level: "warning".to_owned(),
            ..Default::default()
        };
        let mut envoy = Envoy::start(tools, &site, &settings, path, |document| {
            adjust(document, ports.plain)
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

fn site(
    release: Release,
    keys: &Keys,
    wasm: &Path,
    path: &Path,
    ports: &Ports,
    node: u16,
) -> Result<Site> {
    let plugin = json!({
        "profile": release.profile(),
        "realm": REALM,
        "service": SERVICE,
        "issuer": ISSUER,
        "rootcertbundle": keys.bundle()?,
        // As in the registries' own configuration.
        "headers": {"X-Content-Type-Options": ["nosniff"]},
    });
    Ok(Site {
        host: "localhost".to_owned(),
        admin_port: free_port()?,
        port: ports.hardened,
        // TLS is taken out again: it would cost time and change nothing that is compared.
        certificate: ServerCertificate {
            certificate: path.join("unused.crt"),
            key: path.join("unused.key"),
        },
        wasm: wasm.to_owned(),
        plugin_configuration: plugin.to_string(),
        nodes: vec![node],
        ca: path.join("unused.crt"),
        issuer_port: free_port()?,
    })
}

/// The production bootstrap without TLS and access log, with marks on what is forwarded, and with
/// a second listener that has the filter and defaults.
fn adjust(document: &mut Document, plain: u16) -> Result<()> {
    const LISTENER: &str = "static_resources.listeners[name=registry]";
    const POOL: &str = "static_resources.clusters[name=registry]";
    document.take(&format!("{LISTENER}.filter_chains[0]"), "transport_socket")?;
    document.take(POOL, "transport_socket")?;
    // Handlers answer 500 to some of what is sent here; the only node must stay in the pool.
    document.take(POOL, "outlier_detection")?;
    document.take(&manager(""), "access_log")?;
    let mapper = json!({
        "filter": {"status_code_filter": {"comparison": {
            "op": "GE", "value": {"default_value": 100, "runtime_key": "differential.any"},
        }}},
        "headers_to_add": [mark(DETAILS, "%RESPONSE_CODE_DETAILS%")],
    });
    let mappers = manager("local_reply_config.mappers");
    if let Some(mappers) = document.at(&mappers)?.as_array_mut() {
        // The first mapper that fits is the only one.
        for given in mappers.iter_mut() {
            if let Some(added) = given
                .get_mut("headers_to_add")
                .and_then(Value::as_array_mut)
            {
                added.push(mark(DETAILS, "%RESPONSE_CODE_DETAILS%"));
            }
        }
        mappers.push(mapper.clone());
    }
    let virtual_host = manager("route_config.virtual_hosts[name=registry]");
    if let Some(host) = document.at(&virtual_host)?.as_object_mut() {
        let marks = json!([mark(FORWARDED, "%UPSTREAM_CLUSTER% %UPSTREAM_HOST%")]);
        host.insert("response_headers_to_add".to_owned(), marks);
    }

    let mut filters = document.at(&manager("http_filters"))?.clone();
    let router =
        json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"});
    if let Some(last) = filters
        .as_array_mut()
        .and_then(|filters| filters.last_mut())
        && let Some(last) = last.as_object_mut()
    {
        last.insert("typed_config".to_owned(), router);
    }
    let listener = json!({
        "name": "plain",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": plain}},
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "plain",
                "http_filters": filters,
                "local_reply_config": {"mappers": [mapper]},
                "route_config": {
                    "name": "plain",
                    "virtual_hosts": [{
                        "name": "plain",
                        "domains": ["*"],
                        "response_headers_to_add": [mark(FORWARDED, "%UPSTREAM_CLUSTER% %UPSTREAM_HOST%")],
                        "routes": [{"match": {"prefix": ""}, "route": {"cluster": "registry"}}],
                    }],
                },
            },
        }]}],
    });
    let listeners = document.at("static_resources.listeners")?;
    if let Some(listeners) = listeners.as_array_mut() {
        listeners.push(listener);
    }
    Ok(())
}

fn mark(name: &str, value: &str) -> Value {
    json!({"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"})
}

fn manager(place: &str) -> String {
    hcm(place).trim_end_matches('.').to_owned()
}
