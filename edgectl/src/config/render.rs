//! Configurations for an edge, of one [`Site`].
//!
//! Envoy's bootstrap is the production file of this repository with the places of the site changed;
//! the others are templates beside this file.

mod envoy;

use std::net::IpAddr;

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::gitlab_rb;
use super::place::Origin;
use super::site::{Site, TokenAuth};
use super::url::Url;

pub use envoy::bootstrap;

/// Names that only the operator knows, with what is written until then.
#[derive(Debug, Clone)]
pub struct Names {
    /// Path of the filter on the edge.
    pub wasm: String,
    /// The filter's image, in the form of Istio and Envoy Gateway.
    pub image: String,
    /// The namespace of manifests.
    pub namespace: String,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            wasm: "/etc/envoy/registry_token_filter.wasm".to_owned(),
            image: "oci://registry.example.com/registry-token-filter:latest".to_owned(),
            namespace: "registry".to_owned(),
        }
    }
}

/// A configuration could not be rendered: a fault of this program, not of the site.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The production bootstrap lacks a place.
    #[error(transparent)]
    Place(#[from] super::edit::NoPlace),
    /// A template does not fit.
    #[error("a template cannot be filled: {0}")]
    Template(#[from] minijinja::Error),
    /// The site cannot be expressed.
    #[error("{0}")]
    Site(String),
}

/// NGINX with the native module.
///
/// # Errors
/// [`RenderError`], as all of these.
pub fn nginx(site: &Site) -> Result<String, RenderError> {
    fill(
        include_str!("render/nginx.conf"),
        context_of(site, &Names::default())?,
    )
}

/// How Istio is told of the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IstioApi {
    /// `WasmPlugin`: what every Istio of today knows.
    WasmPlugin,
    /// `TrafficExtension`, which replaces it from 1.31 on.
    TrafficExtension,
    /// `EnvoyFilter`: from a file in the proxies, in gateways and sidecars.
    EnvoyFilter,
}

/// Istio: the filter, and what its proxies have to do about paths.
///
/// # Errors
/// [`RenderError`].
pub fn istio(api: IstioApi, token: &TokenAuth, names: &Names) -> Result<String, RenderError> {
    const PATHS: &str = include_str!("render/istio-paths.yaml");
    let template = match api {
        IstioApi::WasmPlugin => format!("{}{PATHS}", include_str!("render/istio.yaml")),
        IstioApi::TrafficExtension => {
            format!(
                "{}{PATHS}",
                include_str!("render/istio-traffic-extension.yaml")
            )
        }
        IstioApi::EnvoyFilter => include_str!("render/istio-envoy-filter.yaml").to_owned(),
    };
    let context = context! {
        namespace => names.namespace.as_str(),
        image => names.image.as_str(),
        wasm => names.wasm.as_str(),
        plugin => plugin_mapping(token, 4),
        plugin_deep => plugin_mapping(token, 6),
        json => token.to_json(),
    };
    fill(&template, context)
}

/// Envoy Gateway: `EnvoyExtensionPolicy`, routes and traffic policies.
///
/// # Errors
/// [`RenderError`].
pub fn envoy_gateway(site: &Site, names: &Names) -> Result<String, RenderError> {
    // A host name of Gateway API is none of numbers: the route would answer 500 (measured).
    if let Some(gitlab) = &site.realm_route
        && gitlab
            .host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok()
    {
        return Err(RenderError::Site(format!(
            "GitLab is at the address {}, and Envoy Gateway sends requests to a name: give GitLab's \
             URL by its host name with --gitlab-url",
            gitlab.host
        )));
    }
    // Envoy Gateway writes an image without a scheme.
    let image = names.image.strip_prefix("oci://").unwrap_or(&names.image);
    let context = context! { image, ..context_of(site, names)? };
    fill(include_str!("render/envoy-gateway.yaml"), context)
}

/// `gitlab.rb` of a registry node.
///
/// # Errors
/// [`RenderError`].
pub fn registry_node(site: &Site) -> Result<String, RenderError> {
    fill(
        include_str!("render/registry-node.rb"),
        context_of(site, &Names::default())?,
    )
}

/// `gitlab.rb` where all is on one machine. `own_key` as in [`gitlab_node`].
///
/// # Errors
/// [`RenderError`].
pub fn single_node(site: &Site, gitlab: &Url, own_key: bool) -> Result<String, RenderError> {
    let context = context! {
        gitlab_port => gitlab.port,
        own_key,
        ..context_of(site, &Names::default())?
    };
    fill(include_str!("render/single-node.rb"), context)
}

/// `gitlab.rb` of GitLab. `own_key`: GitLab is to sign with a key that was made for it.
///
/// # Errors
/// [`RenderError`].
pub fn gitlab_node(site: &Site, gitlab: &Url, own_key: bool) -> Result<String, RenderError> {
    let context = context! {
        gitlab_url => gitlab.to_string(),
        own_key,
        ..context_of(site, &Names::default())?
    };
    fill(include_str!("render/gitlab-node.rb"), context)
}

fn context_of(site: &Site, names: &Names) -> Result<Value, RenderError> {
    let registry = &site.registry.value;
    let Some(first) = site.nodes.first() else {
        return Err(RenderError::Site("there is no node".to_owned()));
    };
    let tls = first.value.tls;
    if site.nodes.iter().any(|node| node.value.tls != tls) {
        return Err(RenderError::Site(
            "some nodes speak TLS and some do not: an edge connects to all in one way; give them \
             with --node, all with https:// or all without"
                .to_owned(),
        ));
    }
    let nodes: Vec<Value> = site
        .nodes
        .iter()
        .map(|node| context! { address => node.value.address() })
        .collect();
    let realm = site.realm_route.as_ref().map(|gitlab| {
        context! {
            path => realm_path(site),
            origin => gitlab.origin(),
            authority => gitlab.authority(),
            host => gitlab.host.as_str(),
            port => gitlab.port,
            tls => gitlab.tls,
        }
    });
    let token_realm = site.token.realm.value.strip_suffix(gitlab_rb::TOKEN_PATH);
    Ok(context! {
        namespace => names.namespace.as_str(),
        image => names.image.as_str(),
        plugin => plugin_mapping(&site.token, 6),
        host => registry.host.as_str(),
        port => registry.port,
        tls => registry.tls,
        tls_guessed => matches!(site.tls.origin, Origin::Default(_)),
        tls_certificate => site.tls.value.certificate.as_str(),
        tls_key => site.tls.value.key.as_str(),
        scheme => if tls { "https" } else { "http" },
        nodes,
        node_port => first.value.port,
        realm,
        // A node listens where others reach it; which of its addresses that is, is its own matter.
        listen => format!("0.0.0.0:{}", first.value.port),
        node_address => first.value.address(),
        single => site.is_single(),
        // On one machine nobody has said yet where a registry of its own would be.
        api_url => if site.is_single() {
            format!("http://registry-1.internal.example.com:{}", first.value.port)
        } else {
            first.value.origin()
        },
        token_realm => token_realm.unwrap_or(&site.token.realm.value),
        issuer => site.token.issuer.value.as_str(),
        certificate_path => gitlab_rb::CERTIFICATE_PATH,
        key_path => gitlab_rb::KEY_PATH,
        bundle_indented => site
            .token
            .bundle
            .as_ref()
            .map(|bundle| indented(&bundle.value, 2)),
    })
}

/// The path under which the edge serves the realm.
fn realm_path(site: &Site) -> String {
    Url::parse(&site.token.realm.value)
        .map_or_else(|_| gitlab_rb::TOKEN_PATH.to_owned(), |realm| realm.path)
}

/// The configuration as a YAML mapping, with the certificates as a block that can be read.
fn plugin_mapping(token: &TokenAuth, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut lines = vec![
        format!("{margin}profile: {}", quoted(&token.profile.value)),
        format!("{margin}realm: {}", quoted(&token.realm.value)),
        format!("{margin}service: {}", quoted(&token.service.value)),
        format!("{margin}issuer: {}", quoted(&token.issuer.value)),
    ];
    if let Some(bundle) = &token.bundle {
        lines.push(format!("{margin}rootcertbundle: |"));
        lines.push(indented(&bundle.value, indent + 2));
    }
    let further = token.further.iter();
    lines.extend(further.map(|(name, value)| format!("{margin}{name}: {value}")));
    lines.extend(
        token
            .headers
            .as_ref()
            .map(|headers| format!("{margin}headers: {headers}")),
    );
    lines.join("\n")
}

fn indented(text: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let lines: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("{margin}{line}"))
        .collect();
    lines.join("\n")
}

fn fill(template: &str, context: Value) -> Result<String, RenderError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("yaml", |text: &str| {
        serde_json::Value::from(text).to_string()
    });
    environment.add_filter("ruby", |text: &str| {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
    });
    environment.add_filter("nginx", nginx_word);
    let text = environment.render_str(template, context)?;
    Ok(format!("{}\n", text.trim_end()))
}

/// A word of NGINX's configuration, quoted where its grammar asks for it.
fn nginx_word(text: &str) -> String {
    let is_plain = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/.:_-[]".contains(&byte));
    if is_plain {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
