//! Routes to the registry: what they change, end or leave open.

use super::settings::{SHORTEST_SILENCE, seconds};
use super::{At, domains};
use crate::config::check::Checker;
use crate::config::check::finding;
use crate::config::url::Url;
use crate::config::yaml::Node;

impl Checker<'_> {
    pub(super) fn routes(&mut self, path: &str, vhost: &Node, names: &[String]) {
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
    pub(super) fn realm_routes(&mut self, vhosts: &[(String, Node)], names: &[String]) {
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

    /// The port of the listener that a path of the document is below.
    fn port_of(&self, path: &str) -> Option<u16> {
        self.address_of(path)?
            .get("port_value")?
            .text()?
            .parse()
            .ok()
    }

    /// Whether the listener that a path of the document is below is for this machine alone.
    pub(super) fn is_loopback(&self, path: &str) -> bool {
        let address = self
            .address_of(path)
            .and_then(|address| address.get("address"));
        let host = address.and_then(Node::text).unwrap_or_default();
        Url::parse_address(&format!("{host}:1")).is_ok_and(|url| url.is_loopback())
    }

    fn address_of(&self, path: &str) -> Option<&Node> {
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
        node.at(&["address", "socket_address"])
    }
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
