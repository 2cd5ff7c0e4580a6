//! `envoy/envoy.yaml` for a local stack: the production file with its site-specific places replaced.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::document::Document;
use crate::certs::ServerCertificate;
use crate::error::Result;

/// Name of the listener, of the filter and of the pool in `envoy/envoy.yaml`.
const LISTENER: &str = "static_resources.listeners[name=registry]";
const POOL: &str = "static_resources.clusters[name=registry]";
const GITLAB: &str = "static_resources.clusters[name=gitlab]";

/// What takes the place of the production site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Host name of edge and nodes, as in their certificates.
    pub host: String,
    /// Port of the admin interface.
    pub admin_port: u16,
    /// Port of the edge.
    pub port: u16,
    /// Certificate of the edge.
    pub certificate: ServerCertificate,
    /// The filter.
    pub wasm: PathBuf,
    /// The filter's configuration, a JSON text.
    pub plugin_configuration: String,
    /// Ports of the nodes.
    pub nodes: Vec<u16>,
    /// CA that signed the nodes' certificates.
    pub ca: PathBuf,
    /// Port of the issuer that stands in for GitLab, plain HTTP.
    pub issuer_port: u16,
}

/// The production file, as it was when this crate was compiled.
///
/// # Errors
/// When it is not YAML.
pub fn production() -> Result<Document> {
    Document::parse(
        "envoy/envoy.yaml",
        include_str!("../../../envoy/envoy.yaml"),
    )
}

/// Replaces every place of `document` that depends on the site.
///
/// # Errors
/// [`Error::Yaml`](crate::Error::Yaml) when one of them is missing.
pub fn localize(document: &mut Document, site: &Site) -> Result<()> {
    let address = |port: u16| json!({"address": "127.0.0.1", "port_value": port});
    document.set("admin.address.socket_address", address(site.admin_port))?;
    document.set(
        &format!("{LISTENER}.address.socket_address"),
        address(site.port),
    )?;

    let pair = format!(
        "{LISTENER}.filter_chains[0].transport_socket.typed_config.common_tls_context.tls_certificates[0]"
    );
    let ServerCertificate { certificate, key } = &site.certificate;
    document.set(
        &format!("{pair}.certificate_chain.filename"),
        text(certificate),
    )?;
    document.set(&format!("{pair}.private_key.filename"), text(key))?;

    document.set(&plugin("vm_config.code.local.filename"), text(&site.wasm))?;
    document.set(&plugin_configuration(), site.plugin_configuration.as_str())?;

    let host = hcm("route_config.virtual_hosts[name=registry]");
    document.set(&format!("{host}.domains"), json!([site.host]))?;
    document.set(
        &format!("{host}.routes[name=realm].route.host_rewrite_literal"),
        "localhost",
    )?;

    pool(document, site)?;

    endpoints(document, GITLAB, &[site.issuer_port])?;
    // The stand-in speaks plain HTTP.
    document.take(GITLAB, "transport_socket")?;
    Ok(())
}

fn pool(document: &mut Document, site: &Site) -> Result<()> {
    endpoints(document, POOL, &site.nodes)?;
    document.set(
        &format!("{POOL}.health_checks[0].http_health_check.host"),
        site.host.as_str(),
    )?;
    let tls = format!("{POOL}.transport_socket.typed_config");
    document.set(&format!("{tls}.sni"), site.host.as_str())?;
    let validation = format!("{tls}.common_tls_context.validation_context");
    document.set(&format!("{validation}.trusted_ca.filename"), text(&site.ca))?;
    let name = format!("{validation}.match_typed_subject_alt_names[0].matcher.exact");
    document.set(&name, site.host.as_str())
}

fn endpoints(document: &mut Document, cluster: &str, ports: &[u16]) -> Result<()> {
    document.set(&format!("{cluster}.type"), "STATIC")?;
    let endpoints: Vec<Value> = ports
        .iter()
        .map(|port| {
            json!({"endpoint": {"address": {"socket_address": {
                "address": "127.0.0.1", "port_value": port,
            }}}})
        })
        .collect();
    let place = format!("{cluster}.load_assignment.endpoints[0].lb_endpoints");
    document.set(&place, endpoints)
}

/// Path of a place in the HTTP connection manager.
#[must_use]
pub fn hcm(place: &str) -> String {
    format!("{LISTENER}.filter_chains[0].filters[0].typed_config.{place}")
}

/// Path of a place in the filter's plugin configuration.
#[must_use]
pub fn plugin(place: &str) -> String {
    hcm(&format!(
        "http_filters[name=registry_token_filter].typed_config.config.{place}"
    ))
}

/// Path of the JSON text that the filter reads.
#[must_use]
pub fn plugin_configuration() -> String {
    plugin("configuration.value")
}

/// Moves the listener out of `document` into a file that Envoy watches, and answers the listener as
/// a document of its own (`resources[0]`).
///
/// # Errors
/// [`Error::Yaml`](crate::Error::Yaml) when there is no listener.
pub fn listener_from_file(document: &mut Document, file: &Path) -> Result<Document> {
    let mut listener = document.at(LISTENER)?.take();
    if let Some(members) = listener.as_object_mut() {
        let kind = "type.googleapis.com/envoy.config.listener.v3.Listener";
        members.insert("@type".to_owned(), kind.into());
    }
    document.take("static_resources", "listeners")?;
    if let Some(members) = document.root_mut().as_object_mut() {
        let source =
            json!({"path_config_source": {"path": text(file)}, "resource_api_version": "V3"});
        members.insert(
            "dynamic_resources".to_owned(),
            json!({"lds_config": source}),
        );
    }
    let mut resources = Document::parse("listener", "{}")?;
    *resources.root_mut() = json!({"resources": [listener]});
    Ok(resources)
}

/// Puts another registry into the place of the nodes: one that is there already. Over TLS its certificate has to
/// be of `ca` (a PEM file) and for its name.
///
/// # Errors
/// [`Error::Yaml`](crate::Error::Yaml) when the pool is not as it was.
pub fn upstream(document: &mut Document, host: &str, port: u16, ca: Option<&Path>) -> Result<()> {
    document.set(&format!("{POOL}.type"), "STRICT_DNS")?;
    // `localhost` is an address of IPv6 first, on which a local registry need not listen.
    if let Some(pool) = document.at(POOL)?.as_object_mut() {
        pool.insert("dns_lookup_family".to_owned(), "V4_PREFERRED".into());
    }
    let address = json!({"address": host, "port_value": port});
    let endpoint = json!({"endpoint": {"address": {"socket_address": address}}});
    document.set(
        &format!("{POOL}.load_assignment.endpoints[0].lb_endpoints"),
        json!([endpoint]),
    )?;
    document.set(
        &format!("{POOL}.health_checks[0].http_health_check.host"),
        host,
    )?;
    let Some(ca) = ca else {
        return document.take(POOL, "transport_socket").map(drop);
    };
    let tls = format!("{POOL}.transport_socket.typed_config");
    document.set(&format!("{tls}.sni"), host)?;
    let validation = format!("{tls}.common_tls_context.validation_context");
    document.set(&format!("{validation}.trusted_ca.filename"), text(ca))?;
    let name = format!("{validation}.match_typed_subject_alt_names[0].matcher.exact");
    document.set(&name, host)
}

fn text(path: &Path) -> Value {
    path.to_string_lossy().into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn site() -> Site {
        Site {
            host: "localhost".to_owned(),
            admin_port: 1,
            port: 2,
            certificate: ServerCertificate {
                certificate: "/l/edge.crt".into(),
                key: "/l/edge.key".into(),
            },
            wasm: "/l/filter.wasm".into(),
            plugin_configuration: "{\"local\":true}".to_owned(),
            nodes: vec![3, 4],
            ca: "/l/ca.crt".into(),
            issuer_port: 5,
        }
    }

    #[test]
    fn nothing_of_the_production_site_is_left() {
        let mut document = production().unwrap();
        let text = document.to_yaml().unwrap();
        let of_the_site = [
            "example.com",
            "/etc/envoy",
            "/etc/ssl",
            "0.0.0.0",
            "9901",
            "SITE",
        ];
        for part in of_the_site {
            assert!(text.contains(part), "production has {part}");
        }
        localize(&mut document, &site()).unwrap();
        let text = document.to_yaml().unwrap();
        for part in of_the_site {
            assert!(!text.contains(part), "{part} is left in\n{text}");
        }
        for part in [
            "/l/edge.crt",
            "/l/edge.key",
            "/l/filter.wasm",
            "/l/ca.crt",
            "{\"local\":true}",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn a_production_file_without_a_place_is_refused_by_the_name_of_the_place() {
        let places = [
            ("admin.address", "socket_address"),
            (LISTENER, "address"),
            (LISTENER, "name"),
            (POOL, "name"),
            (POOL, "health_checks"),
            (POOL, "transport_socket"),
            (GITLAB, "transport_socket"),
            (&plugin("configuration"), "value"),
            (&plugin("vm_config"), "code"),
            (&hcm("route_config.virtual_hosts[0]"), "domains"),
            (
                &hcm("route_config.virtual_hosts[0].routes[name=realm].route"),
                "host_rewrite_literal",
            ),
        ];
        for (path, key) in places {
            let mut document = production().unwrap();
            document.take(path, key).unwrap();
            let error = localize(&mut document, &site()).unwrap_err();
            assert!(matches!(error, Error::Yaml { .. }), "{path}.{key}: {error}");
            assert!(
                error
                    .to_string()
                    .starts_with("envoy/envoy.yaml: nothing at `"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_realm_is_the_only_route_without_the_filter() {
        let mut document = production().unwrap();
        let text = document.to_yaml().unwrap();
        assert_eq!(text.matches("disabled").count(), 1);
        let realm = hcm("route_config.virtual_hosts[0].routes[name=realm]");
        let switch = format!("{realm}.typed_per_filter_config.registry_token_filter.disabled");
        assert_eq!(document.at(&switch).unwrap(), &json!(true));
        assert_eq!(
            document.at(&format!("{realm}.match")).unwrap(),
            &json!({"path": "/jwt/auth"})
        );
    }

    #[test]
    fn a_listener_from_a_file_is_the_same_listener() {
        let mut document = production().unwrap();
        let mut listener = document.at(LISTENER).unwrap().clone();
        let mut moved = listener_from_file(&mut document, Path::new("/l/listener.json")).unwrap();
        assert!(document.at("static_resources.listeners").is_err());
        let source = "dynamic_resources.lds_config.path_config_source.path";
        assert_eq!(document.at(source).unwrap(), "/l/listener.json");
        listener["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener".into();
        assert_eq!(moved.at("resources[0]").unwrap(), &listener);
    }
}
