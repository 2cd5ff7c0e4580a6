//! What stands around the filter: the connection manager's switches and deadlines, the admin
//! interface, TLS to the nodes.

use super::At;
use crate::config::check::Checker;
use crate::config::check::finding;
use crate::config::url::Url;
use crate::config::yaml::Node;

/// Shorter silences of a registry that finishes a large blob have been seen to be cut off.
pub(super) const SHORTEST_SILENCE: f64 = 60.0;

impl Checker<'_> {
    pub(super) fn paths(&mut self, at: At<'_>) {
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

    pub(super) fn deadlines(&mut self, at: At<'_>) {
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

    pub(super) fn admin(&mut self, root: &Node) {
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

    pub(super) fn clusters(&mut self, root: &Node) {
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
}

/// A member that is there, or the place where it is missing.
pub(super) struct Member<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
    pub(super) is_there: bool,
}

impl Member<'_> {
    pub(super) fn at(&self) -> At<'_> {
        At {
            node: self.node,
            path: &self.path,
        }
    }
}

impl<'a> At<'a> {
    pub(super) fn member(self, key: &str) -> Member<'a> {
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

/// A duration of protobuf's JSON form, `1.5s`.
pub(super) fn seconds(node: &Node) -> Option<f64> {
    node.text()?.strip_suffix('s')?.parse().ok()
}
