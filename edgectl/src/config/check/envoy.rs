//! Envoy's own settings around the filter: a bootstrap, a listener of its own (LDS), or the part of a
//! manifest that becomes one.

mod routes;
mod settings;

use super::Checker;
use super::finding::{self, Rule};
use super::plugin::Plugin;
use crate::config::yaml::{Node, Value};

const MANAGER: &str = "http_connection_manager.v3.HttpConnectionManager";
const WASM: &str = "filters.http.wasm.v3.Wasm";
const ROUTER: &str = "filters.http.router.v3.Router";

/// A node and its path in the document.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub node: &'a Node,
    pub path: &'a str,
}

impl Checker<'_> {
    /// Every connection manager and every filter of a document.
    pub(super) fn envoy(&mut self, root: &Node) {
        let mut chains = Vec::new();
        let mut loose = Vec::new();
        visit(root, String::new(), &mut |path, node| {
            let managers = node.get("filters").map(Node::items).unwrap_or_default();
            let mut inside = managers.iter().enumerate();
            if let Some((index, filter)) = inside.find(|(_, filter)| is_kind(filter, MANAGER)) {
                let path = format!("{path}.filters[{index}].typed_config");
                let tls = node.get("transport_socket").is_some();
                if let Some(manager) = filter.get("typed_config") {
                    chains.push((path, manager.clone(), tls));
                }
            }
            if is_kind(node, WASM) {
                loose.push((path.to_owned(), node.clone()));
            }
        });
        let guarded = chains
            .iter()
            .filter(|(_, manager, _)| filters(manager).any(is_ours))
            .count();
        for (path, manager, tls) in &chains {
            let at = At {
                node: manager,
                path: path.trim_start_matches('.'),
            };
            if filters(manager).any(is_ours) {
                self.manager(at, *tls);
            } else if guarded == 0 {
                self.find(
                    finding::FILTER_MISSING,
                    at,
                    "this HTTP connection manager has no registry token filter: it lets everyone \
                     through to what it routes to",
                    "Add the filter to http_filters, before the router.",
                );
            }
        }
        // In a patch of Istio's, say, a filter stands without its connection manager.
        for (path, filter) in &loose {
            let path = path.trim_start_matches('.');
            if is_ours(filter)
                && chains
                    .iter()
                    .all(|(chain, ..)| !path.starts_with(chain.trim_start_matches('.')))
            {
                self.filter(At { node: filter, path }, None, Vec::new());
            }
        }
        self.admin(root);
        self.clusters(root);
    }

    fn manager(&mut self, at: At<'_>, tls: bool) {
        let manager = at.node;
        let mut after_router = false;
        let mut names = Vec::new();
        let vhosts = vhosts(manager, at.path);
        let hosts = vhosts
            .iter()
            .flat_map(|(_, vhost)| domains(vhost))
            .collect::<Vec<_>>();
        for (index, filter) in filters(manager).enumerate() {
            let path = format!("{}.http_filters[{index}]", at.path);
            let filter_at = At {
                node: filter,
                path: &path,
            };
            if is_kind(filter, ROUTER) {
                after_router = true;
            }
            if !is_ours(filter) {
                continue;
            }
            names.extend(filter.get("name").and_then(Node::text).map(str::to_owned));
            if after_router {
                self.find(
                    finding::FILTER_AFTER_ROUTER,
                    filter_at,
                    "the filter stands behind the router, which ends the chain: it never runs",
                    "Move it before envoy.filters.http.router.",
                );
            }
            if filter.get("disabled").and_then(Node::truth) == Some(true) {
                self.find(
                    finding::FILTER_DISABLED,
                    filter_at,
                    "the filter is disabled here, and runs only on routes that enable it",
                    "Take `disabled: true` off the filter, and switch it off on the one route of \
                     the realm instead.",
                );
            }
            self.filter(filter_at, Some(tls), hosts.clone());
        }
        if !tls && !self.is_loopback(at.path) {
            self.find(
                finding::PLAIN_LISTENER,
                at,
                "this listener has no TLS: tokens cross the network in clear text, unless a proxy in \
                 front terminates it",
                "Add a `transport_socket` with a certificate; behind a proxy, let only that one \
                 reach the listener.",
            );
        }
        self.paths(at);
        self.deadlines(at);
        if vhosts.is_empty() && manager.get("route_config").is_none() {
            self.find(
                finding::ROUTES_ELSEWHERE,
                at,
                "the routes come from elsewhere (`rds`) and were not checked",
                "Check them where they are: no rewrite, timeout 0s, the filter on.",
            );
        }
        for (path, vhost) in &vhosts {
            self.routes(path, vhost, &names);
        }
        self.realm_routes(&vhosts, &names);
    }

    /// The filter's own entry: failure policy and configuration.
    fn filter(&mut self, at: At<'_>, tls: Option<bool>, hosts: Vec<String>) {
        let Some(config) = at.node.at(&["typed_config", "config"]) else {
            return;
        };
        let path = format!("{}.typed_config.config", at.path);
        let at = |key: &str| format!("{path}.{key}");
        let policy = config.get("failure_policy");
        let text = policy.and_then(Node::text);
        let open = config
            .get("fail_open")
            .filter(|open| open.truth() == Some(true));
        if let Some(node) = open.or_else(|| policy.filter(|_| text == Some("FAIL_OPEN"))) {
            let key = if open.is_some() {
                "fail_open"
            } else {
                "failure_policy"
            };
            self.find(
                finding::FAIL_OPEN,
                At {
                    node,
                    path: &at(key),
                },
                "after a failure of the filter every later request goes through unchecked",
                "Write `failure_policy: FAIL_RELOAD`, and no `fail_open`.",
            );
        } else if text != Some("FAIL_RELOAD") {
            self.find(
                finding::FAIL_CLOSED,
                At {
                    node: policy.unwrap_or(config),
                    path: &at("failure_policy"),
                },
                "after a failure of the filter a worker answers 503 until Envoy is started anew",
                "Write `failure_policy: FAIL_RELOAD`: the next request gets a new VM (Envoy 1.33 \
                 and later).",
            );
        }
        let Some(configuration) = config.get("configuration") else {
            self.find(
                finding::CONFIGURATION,
                At {
                    node: config,
                    path: &path,
                },
                "the filter has no configuration, and does not start without one",
                "Add `configuration`, a google.protobuf.StringValue; `edgectl config render --for \
                 json` makes its value.",
            );
            return;
        };
        let value_path = at("configuration.value");
        let kind = configuration
            .get("@type")
            .and_then(Node::text)
            .unwrap_or_default();
        let value = configuration
            .get("value")
            .filter(|value| matches!(value.value, Value::Scalar { .. }));
        match value {
            Some(value) if kind.ends_with("google.protobuf.StringValue") => {
                self.embedded(
                    At {
                        node: value,
                        path: &value_path,
                    },
                    tls,
                    hosts,
                );
            }
            _ => self.find(
                finding::AS_STRUCT,
                At {
                    node: configuration,
                    path: &at("configuration"),
                },
                "the configuration is not a StringValue: Envoy hands a Struct to the filter as \
                 protobuf, which the filter refuses",
                "Write `\"@type\": type.googleapis.com/google.protobuf.StringValue` and the JSON \
                 text as `value`.",
            ),
        }
    }

    /// A configuration as text inside the document.
    pub(super) fn embedded(&mut self, at: At<'_>, tls: Option<bool>, hosts: Vec<String>) {
        let json = at.node.text().unwrap_or_default();
        let place = self.place(at);
        // Lines of a literal block are lines of the file, shifted by its indent; in quotes they are not.
        let raw = self.text.get(at.node.bytes.start..).unwrap_or_default();
        let start = Some(at.node.position).filter(|_| raw.starts_with('{'));
        let plugin = Plugin {
            place,
            json,
            node: None,
            start,
            tls,
            hosts,
        };
        self.plugin(&plugin);
    }

    pub(super) fn find(
        &mut self,
        rule: Rule,
        at: At<'_>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let finding = rule.at(self.place(at), message, remedy);
        self.findings.push(finding);
    }
}

/// Every node, parents first.
pub(super) fn visit(node: &Node, path: String, see: &mut impl FnMut(&str, &Node)) {
    see(&path, node);
    for (key, member) in node.entries() {
        visit(member, format!("{path}.{}", key.text), see);
    }
    for (index, item) in node.items().iter().enumerate() {
        visit(item, format!("{path}[{index}]"), see);
    }
}

fn filters(manager: &Node) -> impl Iterator<Item = &Node> {
    manager
        .get("http_filters")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
}

fn is_kind(node: &Node, kind: &str) -> bool {
    let found = node.at(&["typed_config", "@type"]).and_then(Node::text);
    found.is_some_and(|found| found.ends_with(kind))
}

/// Whether a filter is this one: by its names, its file, or what it is configured with.
fn is_ours(filter: &Node) -> bool {
    let config = filter.at(&["typed_config", "config"]);
    let says = |path: &[&str], what: &str| {
        let text = config
            .and_then(|config| config.at(path))
            .and_then(Node::text);
        text.is_some_and(|text| text.contains(what))
    };
    is_kind(filter, WASM)
        && (says(&["name"], "registry_token_filter")
            || says(&["root_id"], "registry_token_filter")
            || says(
                &["vm_config", "code", "local", "filename"],
                "registry_token_filter",
            )
            || says(&["configuration", "value"], "\"realm\"")
            || config
                .and_then(|config| config.at(&["configuration", "value", "realm"]))
                .is_some())
}

fn vhosts(manager: &Node, path: &str) -> Vec<(String, Node)> {
    let vhosts = manager
        .at(&["route_config", "virtual_hosts"])
        .map(Node::items);
    let vhosts = vhosts.unwrap_or_default().iter().enumerate();
    vhosts
        .map(|(index, vhost)| {
            (
                format!("{path}.route_config.virtual_hosts[{index}]"),
                vhost.clone(),
            )
        })
        .collect()
}

fn domains(vhost: &Node) -> Vec<String> {
    let domains = vhost.get("domains").map(Node::items).unwrap_or_default();
    let names = domains.iter().filter_map(Node::text);
    names
        .map(|name| name.split(':').next().unwrap_or(name).to_owned())
        .collect()
}
