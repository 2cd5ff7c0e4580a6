//! Many listeners in one Envoy, to put one request to many filter configurations, and marks that
//! tell who gave an answer.
//!
//! Listeners speak plain HTTP: TLS would cost time, and what is compared behind it is the same.

use serde_json::{Value, json};

use super::bootstrap::{hcm, plugin, plugin_configuration};
use super::document::Document;
use crate::error::Result;
use crate::wire::Answer;

/// Set by Envoy to the cluster a request is for, and to the node that answered it if one did.
pub const FORWARDED: &str = "x-testbed-forwarded";

/// Set by Envoy on what it answered by itself, to the reason. What the filter answers has none.
pub const DETAILS: &str = "x-testbed-details";

/// The cluster of the pool behind every listener.
pub const POOL: &str = "registry";

const LISTENERS: &str = "static_resources.listeners";
const PRODUCTION: &str = "static_resources.listeners[name=registry]";

/// What a listener does besides running the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Nothing: a connection manager with Envoy's defaults.
    Plain,
    /// What the production listener does.
    Hardened,
}

impl Shape {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Hardened];
}

/// A listener to be.
#[derive(Debug, Clone)]
pub struct Listener {
    /// What it does.
    pub shape: Shape,
    /// Port on 127.0.0.1.
    pub port: u16,
    /// The JSON text that its filter reads.
    pub plugin_configuration: String,
}

/// Who gave an answer that came through one of these listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The pool behind the edge.
    Pool,
    /// The filter.
    Filter,
    /// Envoy itself.
    Proxy,
}

impl Origin {
    /// Tells by the marks.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        let Answer::Responded(response) = answer else {
            return Self::Proxy;
        };
        let says = |name| {
            response
                .field(name)
                .filter(|value| !matches!(value.as_str(), "" | "-"))
        };
        // What Envoy refuses before it has a head to speak of comes without any mark; the filter
        // names a type for every refusal but that for an unclean path, which has a Location.
        let is_bare =
            response.field("content-type").is_none() && response.field("location").is_none();
        let is_from_pool = says(FORWARDED).is_some_and(|value| match value.split_once(' ') {
            Some((cluster, node)) => cluster == POOL && !matches!(node, "" | "-"),
            None => false,
        });
        if is_from_pool {
            Self::Pool
        } else if says(DETAILS).is_some() || is_bare && response.status != 301 {
            Self::Proxy
        } else {
            Self::Filter
        }
    }
}

/// Puts these listeners in the place of the one of a bootstrap that was made local.
///
/// # Errors
/// [`crate::Error::Yaml`] when the bootstrap lacks a place that this is about.
pub fn replace(document: &mut Document, listeners: &[Listener]) -> Result<()> {
    let pool = format!("static_resources.clusters[name={POOL}]");
    document.take(&pool, "transport_socket")?;
    // Handlers answer 500 to some of what is sent here; the nodes must stay in the pool.
    document.take(&pool, "outlier_detection")?;
    document.take(
        &format!("{PRODUCTION}.filter_chains[0]"),
        "transport_socket",
    )?;
    document.take(hcm("").trim_end_matches('.'), "access_log")?;
    mark_replies(document)?;
    let host = hcm("route_config.virtual_hosts[name=registry]");
    insert(
        document,
        &host,
        "response_headers_to_add",
        json!([forwarded()]),
    )?;

    // Requests name many hosts here.
    document.set(&format!("{host}.domains"), json!(["*"]))?;

    let mut all = Vec::new();
    for (index, listener) in listeners.iter().enumerate() {
        document.set(
            &plugin_configuration(),
            listener.plugin_configuration.as_str(),
        )?;
        let mut built = match listener.shape {
            Shape::Plain => plain(document)?,
            Shape::Hardened => document.at(PRODUCTION)?.clone(),
        };
        if let Some(members) = built.as_object_mut() {
            let address = json!({"address": "127.0.0.1", "port_value": listener.port});
            members.insert("name".to_owned(), json!(format!("listener-{index}")));
            members.insert("address".to_owned(), json!({"socket_address": address}));
        }
        all.push(built);
    }
    document.set(LISTENERS, all)
}

/// Marks what Envoy answers by itself with the reason.
fn mark_replies(document: &mut Document) -> Result<()> {
    let mappers = hcm("local_reply_config.mappers");
    if let Some(mappers) = document.at(&mappers)?.as_array_mut() {
        // The first mapper that fits is the only one.
        for given in mappers.iter_mut() {
            let added = given.get_mut("headers_to_add");
            if let Some(added) = added.and_then(Value::as_array_mut) {
                added.push(mark(DETAILS, "%RESPONSE_CODE_DETAILS%"));
            }
        }
        mappers.push(any_reply());
    }
    Ok(())
}

/// A listener with the filter of the document, and defaults.
fn plain(document: &mut Document) -> Result<Value> {
    let filter = plugin("");
    let place = filter.trim_end_matches(".typed_config.config.");
    let filter = document.at(place)?.clone();
    let router = json!({
        "name": "router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    });
    Ok(json!({"filter_chains": [{"filters": [{
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "plain",
            "http_filters": [filter, router],
            "local_reply_config": {"mappers": [any_reply()]},
            "route_config": {
                "name": "plain",
                "virtual_hosts": [{
                    "name": "plain",
                    "domains": ["*"],
                    "response_headers_to_add": [forwarded()],
                    "routes": [{"match": {"prefix": ""}, "route": {"cluster": POOL}}],
                }],
            },
        },
    }]}]}))
}

fn insert(document: &mut Document, place: &str, name: &str, value: Value) -> Result<()> {
    if let Some(members) = document.at(place)?.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    Ok(())
}

/// Fits every answer of Envoy's own, and marks it with the reason.
fn any_reply() -> Value {
    let any = json!({"op": "GE", "value": {"default_value": 100, "runtime_key": "testbed.any"}});
    json!({
        "filter": {"status_code_filter": {"comparison": any}},
        "headers_to_add": [mark(DETAILS, "%RESPONSE_CODE_DETAILS%")],
    })
}

fn forwarded() -> Value {
    mark(FORWARDED, "%UPSTREAM_CLUSTER% %UPSTREAM_HOST%")
}

fn mark(name: &str, value: &str) -> Value {
    json!({"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envoy::bootstrap::production;

    #[test]
    fn every_listener_has_its_own_port_and_configuration() {
        let mut document = production().unwrap();
        let listeners = Shape::ALL.map(|shape| Listener {
            shape,
            port: if shape == Shape::Plain { 1 } else { 2 },
            plugin_configuration: format!("{{\"is\":\"{shape:?}\"}}"),
        });
        replace(&mut document, &listeners).unwrap();
        let manager = "filter_chains[0].filters[0].typed_config";
        for (index, (port, text, normalizes)) in [
            (1, "{\"is\":\"Plain\"}", false),
            (2, "{\"is\":\"Hardened\"}", true),
        ]
        .into_iter()
        .enumerate()
        {
            let listener = format!("{LISTENERS}[{index}]");
            let address = format!("{listener}.address.socket_address.port_value");
            assert_eq!(document.at(&address).unwrap(), &json!(port));
            let filter = format!("{listener}.{manager}.http_filters[0].typed_config.config");
            let configuration = format!("{filter}.configuration.value");
            assert_eq!(document.at(&configuration).unwrap(), text);
            let setting = format!("{listener}.{manager}.normalize_path");
            assert_eq!(document.at(&setting).is_ok(), normalizes);
        }
        assert!(document.at(&format!("{LISTENERS}[2]")).is_err());
        let text = document.to_yaml().unwrap();
        assert!(!text.contains("transport_socket: "), "TLS is left");
    }
}
