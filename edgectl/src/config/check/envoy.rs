//! Envoy's own settings around the filter: a bootstrap, a listener of its own (LDS), or the part of a
//! manifest that becomes one.

use super::Checker;
use super::finding::{self, Rule};
use super::plugin::Plugin;
use crate::config::url::Url;
use crate::config::yaml::{Node, Value};

const MANAGER: &str = "http_connection_manager.v3.HttpConnectionManager";
const WASM: &str = "filters.http.wasm.v3.Wasm";
const ROUTER: &str = "filters.http.router.v3.Router";
/// Shorter silences of a registry that finishes a large blob have been seen to be cut off.
const SHORTEST_SILENCE: f64 = 60.0;

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

    fn paths(&mut self, at: At<'_>) {
        let switches = [
            (
                finding::NORMALIZE_PATH,
                "normalize_path",
                "paths are not normalized: what Envoy routes by and what the registry serves may \
                 differ; the filter refuses such paths by itself",
            ),
            (
                finding::MERGE_SLASHES,
                "merge_slashes",
                "`//` in a path stays as it is: the filter answers it with a redirect, which \
                 clients do not follow for uploads",
            ),
        ];
        for (rule, key, message) in switches {
            if at.node.get(key).and_then(Node::truth) != Some(true) {
                self.find(
                    rule,
                    at.member(key).at(),
                    message,
                    format!("Write `{key}: true`."),
                );
            }
        }
        let key = "path_with_escaped_slashes_action";
        let action = at
            .node
            .get(key)
            .and_then(Node::text)
            .unwrap_or("KEEP_UNCHANGED");
        if action != "REJECT_REQUEST" {
            let message = match action {
                "UNESCAPE_AND_REDIRECT" => {
                    "an escaped slash is answered with a redirect, and registry clients do not \
                     repeat an upload after one"
                }
                "UNESCAPE_AND_FORWARD" => {
                    "an escaped slash becomes one that the client did not send"
                }
                _ => "escaped slashes are passed on; the filter refuses them by itself",
            };
            self.find(
                finding::ESCAPED_SLASHES,
                at.member(key).at(),
                message,
                format!("Write `{key}: REJECT_REQUEST`."),
            );
        }
        for key in ["strip_matching_host_port", "strip_any_host_port"] {
            if at.node.get(key).and_then(Node::truth) == Some(true) {
                self.find(
                    finding::STRIP_PORT,
                    at.member(key).at(),
                    "the port is taken off the Host field: the registry's Location headers then \
                     name another port, and an upload goes on where the edge is not",
                    "Take this out, and write `ignore_port_in_host_matching: true` in the route \
                     configuration.",
                );
            }
        }
    }

    fn deadlines(&mut self, at: At<'_>) {
        let limits = [
            at.member("request_timeout"),
            at.path_member(&["common_http_protocol_options", "max_stream_duration"]),
        ];
        for limit in limits {
            if limit.is_there && seconds(limit.node) != Some(0.0) {
                self.find(
                    finding::UPLOAD_TIMEOUT,
                    limit.at(),
                    "every request ends at this deadline, an upload that makes progress too",
                    "Take it out, or write 0s; stream_idle_timeout ends what is silent.",
                );
            }
        }
        let idle = at.member("stream_idle_timeout");
        let short = seconds(idle.node).is_some_and(|time| time > 0.0 && time < SHORTEST_SILENCE);
        if idle.is_there && short {
            self.find(
                finding::IDLE_TIMEOUT,
                idle.at(),
                "a registry may be silent for longer while it finishes a large blob",
                "Write 300s, Envoy's default.",
            );
        }
    }

    fn routes(&mut self, path: &str, vhost: &Node, names: &[String]) {
        let whole = At { node: vhost, path };
        self.switched_off(whole, names, "this virtual host");
        let routes = vhost.get("routes").map(Node::items).unwrap_or_default();
        for (index, route) in routes.iter().enumerate() {
            let path = format!("{path}.routes[{index}]");
            let at = At {
                node: route,
                path: &path,
            };
            if !covers_registry(route) {
                continue;
            }
            self.switched_off(at, names, "this route, which covers /v2/,");
            let Some(action) = route.get("route") else {
                continue;
            };
            let path = format!("{path}.route");
            let at = At {
                node: action,
                path: &path,
            };
            for key in ["prefix_rewrite", "regex_rewrite", "path_rewrite_policy"] {
                if action.get(key).is_some() {
                    self.find(
                        finding::REWRITE,
                        at.member(key).at(),
                        "the path is changed after the filter decided about it: what is served is \
                         not what was authorized",
                        "Take the rewrite out; registry paths need none.",
                    );
                }
            }
            let timeout = at.member("timeout");
            if !timeout.is_there || seconds(timeout.node) != Some(0.0) {
                let message = if timeout.is_there {
                    "every request on this route ends at this deadline, an upload that makes \
                     progress too"
                } else {
                    "this route has no `timeout`, which means 15 seconds: longer uploads and \
                     downloads are cut off"
                };
                self.find(
                    finding::UPLOAD_TIMEOUT,
                    timeout.at(),
                    message,
                    "Write `timeout: 0s`.",
                );
            }
            let idle = at.member("idle_timeout");
            let short =
                seconds(idle.node).is_some_and(|time| time > 0.0 && time < SHORTEST_SILENCE);
            if idle.is_there && short {
                self.find(
                    finding::IDLE_TIMEOUT,
                    idle.at(),
                    "a registry may be silent for longer while it finishes a large blob",
                    "Write 300s or more.",
                );
            }
        }
    }

    fn switched_off(&mut self, at: At<'_>, names: &[String], what: &str) {
        if let Some(switch) = off_switch(at.node, names) {
            self.find(
                finding::FILTER_DISABLED,
                At {
                    node: switch,
                    path: &format!("{}.typed_per_filter_config", at.path),
                },
                format!("{what} switches the filter off: it is open to everyone"),
                "Take the switch out; only the one exact path of the realm may have it.",
            );
        }
    }

    /// A realm on a host of this manager needs a route that clients reach without a token.
    fn realm_routes(&mut self, vhosts: &[(String, Node)], names: &[String]) {
        let said: Vec<_> = self.said.iter().rev().take(1).cloned().collect();
        for said in said {
            let Ok(realm) = Url::parse(&said.realm) else {
                continue;
            };
            for (path, vhost) in vhosts {
                let is_here = domains(vhost)
                    .iter()
                    .any(|domain| domain.eq_ignore_ascii_case(&realm.host));
                let routes = vhost.get("routes").map(Node::items).unwrap_or_default();
                let is_open = routes.iter().any(|route| {
                    let exact = route.at(&["match", "path"]).and_then(Node::text);
                    exact == Some(realm.path.as_str()) && off_switch(route, names).is_some()
                });
                // At another port it is another server's.
                let port = self.port_of(path);
                if is_here && !is_open && port.is_none_or(|port| port == realm.port) {
                    self.find(
                        finding::REALM_ROUTE,
                        At { node: vhost, path },
                        format!(
                            "the realm {} is on this host, and no route leads there without the \
                             filter: clients get 404 instead of a token",
                            said.realm
                        ),
                        format!(
                            "Add a route with `match: {{path: {}}}` to GitLab on which the filter \
                             is disabled, before the others.",
                            realm.path
                        ),
                    );
                }
            }
        }
    }

    fn admin(&mut self, root: &Node) {
        let path = ["admin", "address", "socket_address", "address"];
        let Some(node) = root.at(&path) else { return };
        let address = node.text().unwrap_or_default();
        let exposed =
            Url::parse_address(&format!("{address}:1")).is_ok_and(|url| !url.is_loopback());
        if exposed {
            self.find(
                finding::ADMIN_EXPOSED,
                At {
                    node,
                    path: &path.join("."),
                },
                "whoever reaches the admin interface can read everything and stop the proxy",
                "Bind it to 127.0.0.1.",
            );
        }
    }

    fn clusters(&mut self, root: &Node) {
        let clusters = root.at(&["static_resources", "clusters"]).map(Node::items);
        for (index, cluster) in clusters.unwrap_or_default().iter().enumerate() {
            let tls = ["transport_socket", "typed_config"];
            let Some(context) = cluster.at(&tls) else {
                continue;
            };
            let validation = ["common_tls_context", "validation_context"];
            let has = |key: &str| {
                context
                    .at(&validation)
                    .and_then(|node| node.get(key))
                    .is_some()
            };
            let names = has("match_typed_subject_alt_names") || has("match_subject_alt_names");
            let secret =
                context.at(&["common_tls_context", "validation_context_sds_secret_config"]);
            let combined = context.at(&["common_tls_context", "combined_validation_context"]);
            if secret.or(combined).is_some() || has("trusted_ca") && names {
                continue;
            }
            let message = if has("trusted_ca") {
                "any certificate of this CA is accepted from the node, whatever its name"
            } else {
                "the node's certificate is not verified: whoever is in between can read tokens and \
                 layers"
            };
            self.find(
                finding::UPSTREAM_UNVERIFIED,
                At {
                    node: context,
                    path: &format!("static_resources.clusters[{index}].{}", tls.join(".")),
                },
                message,
                "Write `trusted_ca` and `match_typed_subject_alt_names` in validation_context.",
            );
        }
    }

    /// The port of the listener that a path of the document is below.
    fn port_of(&self, path: &str) -> Option<u16> {
        let listener = path.split(".filter_chains").next()?;
        let mut node = &self.root;
        for step in listener
            .split(['.', '[', ']'])
            .filter(|step| !step.is_empty())
        {
            node = node
                .get(step)
                .or_else(|| node.items().get(step.parse::<usize>().ok()?))?;
        }
        let port = node.at(&["address", "socket_address", "port_value"])?;
        port.text()?.parse().ok()
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

/// A member that is there, or the place where it is missing.
struct Member<'a> {
    node: &'a Node,
    path: String,
    is_there: bool,
}

impl Member<'_> {
    fn at(&self) -> At<'_> {
        At {
            node: self.node,
            path: &self.path,
        }
    }
}

impl<'a> At<'a> {
    fn member(self, key: &str) -> Member<'a> {
        self.path_member(&[key])
    }

    fn path_member(self, keys: &[&str]) -> Member<'a> {
        let found = self.node.at(keys);
        Member {
            node: found.unwrap_or(self.node),
            path: format!("{}.{}", self.path, keys.join(".")),
            is_there: found.is_some(),
        }
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

/// Whether a route may take requests to the registry's API; one that cannot be told is taken to.
fn covers_registry(route: &Node) -> bool {
    let text = |key| route.at(&["match", key]).and_then(Node::text);
    if let Some(path) = text("path") {
        return path.starts_with("/v2");
    }
    if let Some(prefix) = text("prefix").or_else(|| text("path_separated_prefix")) {
        return "/v2/".starts_with(prefix) || prefix.starts_with("/v2");
    }
    true
}

fn off_switch<'a>(node: &'a Node, names: &[String]) -> Option<&'a Node> {
    let switches = node.get("typed_per_filter_config")?;
    names.iter().find_map(|name| {
        let disabled = switches.get(name)?.get("disabled")?;
        (disabled.truth() == Some(true)).then_some(disabled)
    })
}

/// A duration of protobuf's JSON form, `1.5s`.
fn seconds(node: &Node) -> Option<f64> {
    node.text()?.strip_suffix('s')?.parse().ok()
}
