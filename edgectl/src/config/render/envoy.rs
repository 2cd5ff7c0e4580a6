//! The bootstrap of Envoy: the production file, with the places of the site changed and everything
//! else, its comments included, as it is.

use serde_json::{Value, json};

use super::{Names, RenderError, realm_path};
use crate::config::edit::Document;
use crate::config::place::Origin;
use crate::config::site::Site;
use crate::config::url::Url;

/// The file that the local stack and the tests of the filter run as well.
const PRODUCTION: &str = include_str!("../../../../envoy/envoy.yaml");

const LISTENER: &str = "static_resources.listeners[name=registry]";
const POOL: &str = "static_resources.clusters[name=registry]";
const GITLAB: &str = "static_resources.clusters[name=gitlab]";
const HEAD: &str = "\
# Envoy in front of a container registry, with the registry token filter.
#
# Made by edgectl. What it could not know is marked with SITE.
#
# Try it without serving:  envoy --mode validate -c envoy.yaml
# That also runs the filter's own configuration, so a wrong realm or certificate shows here.
";

/// The bootstrap for a site.
///
/// # Errors
/// [`RenderError`].
pub fn bootstrap(site: &Site, names: &Names) -> Result<String, RenderError> {
    let mut document = Document::parse(PRODUCTION)?;
    document.set_head(HEAD);
    listener(&mut document, site, names)?;
    pool(&mut document, site)?;
    match &site.realm_route {
        Some(gitlab) => realm(&mut document, site, gitlab)?,
        None => {
            let route = "route_config.virtual_hosts[name=registry].routes[name=realm]";
            document.remove(&hcm(route))?;
            document.remove(GITLAB)?;
        }
    }
    Ok(document.finish())
}

fn listener(document: &mut Document<'_>, site: &Site, names: &Names) -> Result<(), RenderError> {
    let registry = &site.registry.value;
    let port = format!("{LISTENER}.address.socket_address.port_value");
    document.set(&port, registry.port)?;
    let chain = format!("{LISTENER}.filter_chains[0]");
    if registry.tls {
        let pair =
            format!("{chain}.transport_socket.typed_config.common_tls_context.tls_certificates[0]");
        let file = |half: &str| format!("{pair}.{half}.filename");
        let tls = &site.tls.value;
        let guessed = matches!(site.tls.origin, Origin::Default(_));
        document.put(
            &file("certificate_chain"),
            tls.certificate.as_str(),
            !guessed,
        )?;
        document.put(&file("private_key"), tls.key.as_str(), !guessed)?;
    } else {
        document.remove(&format!("{chain}.transport_socket"))?;
    }
    let plugin = "http_filters[name=registry_token_filter].typed_config.config";
    let code = format!("{plugin}.vm_config.code.local.filename");
    let known = names.wasm != Names::default().wasm;
    document.put(&hcm(&code), names.wasm.as_str(), known)?;
    let value = hcm(&format!("{plugin}.configuration.value"));
    document.set_block(&value, &site.token.to_json())?;
    let domains = hcm("route_config.virtual_hosts[name=registry].domains");
    document.set(&domains, json!([registry.host]))?;
    Ok(())
}

fn pool(document: &mut Document<'_>, site: &Site) -> Result<(), RenderError> {
    let registry = &site.registry.value;
    let nodes: Vec<&Url> = site.nodes.iter().map(|node| &node.value).collect();
    endpoints(document, POOL, &nodes)?;
    let host = format!("{POOL}.health_checks[0].http_health_check.host");
    document.set(&host, registry.authority())?;
    if nodes.iter().all(|node| !node.tls) {
        document.remove(&format!("{POOL}.transport_socket"))?;
        return Ok(());
    }
    if nodes.iter().any(|node| !node.tls) {
        return Err(RenderError::Site(
            "some nodes speak TLS and some do not: give them with --node, all with https:// or \
             all without"
                .to_owned(),
        ));
    }
    tls_to(document, POOL, &registry.host)
}

fn realm(document: &mut Document<'_>, site: &Site, gitlab: &Url) -> Result<(), RenderError> {
    let route = hcm("route_config.virtual_hosts[name=registry].routes[name=realm]");
    document.set(&format!("{route}.match.path"), realm_path(site))?;
    let rewrite = format!("{route}.route.host_rewrite_literal");
    document.set(&rewrite, gitlab.authority())?;
    endpoints(document, GITLAB, &[gitlab])?;
    if gitlab.tls {
        tls_to(document, GITLAB, &gitlab.host)
    } else {
        Ok(document.remove(&format!("{GITLAB}.transport_socket"))?)
    }
}

fn tls_to(document: &mut Document<'_>, cluster: &str, name: &str) -> Result<(), RenderError> {
    let tls = format!("{cluster}.transport_socket.typed_config");
    document.set(&format!("{tls}.sni"), name)?;
    let matcher =
        "common_tls_context.validation_context.match_typed_subject_alt_names[0].matcher.exact";
    document.set(&format!("{tls}.{matcher}"), name)?;
    Ok(())
}

fn endpoints(
    document: &mut Document<'_>,
    cluster: &str,
    nodes: &[&Url],
) -> Result<(), RenderError> {
    let endpoints: Vec<Value> = nodes
        .iter()
        .map(|node| {
            json!({"endpoint": {"address": {"socket_address": {
                "address": node.host, "port_value": node.port,
            }}}})
        })
        .collect();
    let place = format!("{cluster}.load_assignment.endpoints[0].lb_endpoints");
    document.set_items(&place, &endpoints)?;
    Ok(())
}

fn hcm(place: &str) -> String {
    format!("{LISTENER}.filter_chains[0].filters[0].typed_config.{place}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::facts::TlsFiles;
    use crate::config::place::Found;
    use crate::config::site::TokenAuth;
    use crate::config::yaml;

    fn said<T>(value: T) -> Found<T> {
        Found {
            value,
            origin: Origin::Option("--test"),
        }
    }

    fn site(nodes: &[&str], gitlab: Option<&str>) -> Site {
        let text = |text: &str| said(text.to_owned());
        Site {
            token: TokenAuth {
                realm: text("https://r.test/jwt/auth"),
                service: text("container_registry"),
                issuer: text("issuer"),
                bundle: Some(text("PEM")),
                profile: text("gitlab"),
                further: Default::default(),
                headers: None,
            },
            registry: said(Url::parse("https://r.test:5050").unwrap()),
            realm_route: gitlab.map(|url| Url::parse(url).unwrap()),
            nodes: nodes
                .iter()
                .map(|node| said(Url::parse(node).unwrap()))
                .collect(),
            tls: said(TlsFiles {
                certificate: "/t.crt".to_owned(),
                key: "/t.key".to_owned(),
            }),
        }
    }

    /// The path of every value, list items by their names where they have one.
    fn leaves(value: &Value, path: &str, into: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    leaves(member, &format!("{path}.{key}"), into);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let name = item.get("name").and_then(Value::as_str);
                    let step = name.map_or_else(|| index.to_string(), str::to_owned);
                    leaves(item, &format!("{path}[{step}]"), into);
                }
            }
            other => into.push(format!("{path} = {other}")),
        }
    }

    #[test]
    fn only_places_of_the_site_differ_from_the_production_file() {
        let document = |text: &str| {
            let mut found = Vec::new();
            leaves(
                &yaml::parse(text).unwrap().remove(0).to_json(),
                "",
                &mut found,
            );
            found
        };
        let production = document(PRODUCTION);
        let sites = [
            site(
                &["https://n1:1", "https://n2:2", "https://n3:3"],
                Some("https://g.test"),
            ),
            site(&["http://10.0.0.1:5000"], Some("http://g.test:81")),
            site(&["http://n1:1"], None),
        ];
        let names = Names {
            wasm: "/f.wasm".to_owned(),
            ..Names::default()
        };
        for site in sites {
            let text = bootstrap(&site, &names).unwrap();
            assert!(
                !text.contains("example.com\"") && !text.contains("example.com}"),
                "{text}"
            );
            let rendered = document(&text);
            let differing = rendered
                .iter()
                .filter(|leaf| !production.contains(leaf))
                .chain(production.iter().filter(|leaf| !rendered.contains(leaf)));
            for leaf in differing {
                let of_the_site = [
                    "address",
                    "port_value",
                    "filename",
                    "configuration.value",
                    "domains",
                    "[realm]",
                    "[gitlab]",
                    "lb_endpoints",
                    "http_health_check.host",
                    "transport_socket",
                ];
                assert!(
                    of_the_site.iter().any(|place| leaf.contains(place)),
                    "{leaf}"
                );
            }
            // Its comments are there as well, but for those of what was taken out.
            let comments = |text: &str| text.matches("# ").count();
            assert!(
                comments(&text) + 30 > comments(PRODUCTION),
                "{}",
                comments(&text)
            );
        }
    }
}
