//! Manifests of Istio and Envoy Gateway that carry the filter.

use super::Checker;
use super::envoy::At;
use super::finding;
use super::plugin::Plugin;
use crate::config::yaml::Node;

impl Checker<'_> {
    /// Whether a document is a manifest of which only its own fields are checked.
    pub(super) fn manifest(&mut self, root: &Node) -> bool {
        let kind = root.get("kind").and_then(Node::text).unwrap_or_default();
        match kind {
            "WasmPlugin" => {
                if let Some(spec) = root.get("spec") {
                    self.istio(
                        spec,
                        At {
                            node: spec,
                            path: "spec",
                        },
                    );
                }
                true
            }
            "TrafficExtension" => {
                if let (Some(spec), Some(wasm)) = (root.get("spec"), root.at(&["spec", "wasm"])) {
                    self.istio(
                        spec,
                        At {
                            node: wasm,
                            path: "spec.wasm",
                        },
                    );
                }
                true
            }
            "EnvoyExtensionPolicy" => {
                let filters = root.at(&["spec", "wasm"]).map(Node::items);
                for (index, wasm) in filters.unwrap_or_default().iter().enumerate() {
                    self.envoy_gateway(At {
                        node: wasm,
                        path: &format!("spec.wasm[{index}]"),
                    });
                }
                true
            }
            _ => false,
        }
    }

    /// `at` holds the filter, `spec` says when it runs: the same in a `WasmPlugin` alone.
    fn istio(&mut self, spec: &Node, at: At<'_>) {
        let Some(config) = at.node.get("pluginConfig") else {
            return;
        };
        let path = |key: &str| format!("{}.{key}", at.path);
        let strategy = at.node.get("failStrategy");
        match strategy.and_then(Node::text) {
            Some("FAIL_RELOAD") => {}
            Some("FAIL_OPEN") => self.find(
                finding::FAIL_OPEN,
                At {
                    node: strategy.unwrap_or(at.node),
                    path: &path("failStrategy"),
                },
                "after a failure of the filter, or when its image cannot be fetched, every request \
                 goes through unchecked",
                "Write `failStrategy: FAIL_RELOAD`.",
            ),
            _ => self.find(
                finding::FAIL_CLOSED,
                At {
                    node: strategy.unwrap_or(at.node),
                    path: &path("failStrategy"),
                },
                "after a failure of the filter a worker answers 503 until the proxy is started anew",
                "Write `failStrategy: FAIL_RELOAD`.",
            ),
        }
        let phase = spec.get("phase");
        if phase.and_then(Node::text) != Some("AUTHN") {
            self.find(
                finding::PHASE,
                At {
                    node: phase.unwrap_or(spec),
                    path: "spec.phase",
                },
                "the filter does not run in the phase AUTHN: others decide about a request, or \
                 answer it, before",
                "Write `phase: AUTHN`.",
            );
        }
        let pinned = at.node.get("sha256").is_some();
        self.image(at.node.get("url").filter(|_| !pinned), &path("url"));
        self.mapping(config, &path("pluginConfig"));
    }

    fn envoy_gateway(&mut self, at: At<'_>) {
        let Some(config) = at.node.get("config") else {
            return;
        };
        let path = |key: &str| format!("{}.{key}", at.path);
        let open = at
            .node
            .get("failOpen")
            .filter(|open| open.truth() == Some(true));
        if let Some(node) = open {
            self.find(
                finding::FAIL_OPEN,
                At {
                    node,
                    path: &path("failOpen"),
                },
                "after a failure of the filter every request goes through unchecked",
                "Write `failOpen: false`.",
            );
        }
        if config.get("permit_header").is_none() {
            self.find(
                finding::UNGUARDED,
                At {
                    node: config,
                    path: &path("config"),
                },
                "when an image that was missing comes, Envoy has the route before it has the filter, \
                 and requests pass unchecked meanwhile (measured)",
                "Set `permit_header: x-registry-permit`, have a SecurityPolicy deny what lacks it, and \
                 a ClientTrafficPolicy remove the client's: as `edgectl config render` does.",
            );
        }
        let image = at.node.at(&["code", "image", "url"]);
        let pinned = at.node.at(&["code", "image", "sha256"]).is_some();
        self.image(image.filter(|_| !pinned), &path("code.image.url"));
        self.mapping(config, &path("config"));
    }

    fn image(&mut self, url: Option<&Node>, path: &str) {
        let Some(node) = url else { return };
        let text = node.text().unwrap_or_default();
        if !text.contains("@sha256:") && !text.starts_with("file:") {
            self.find(
                finding::IMAGE_TAG,
                At { node, path },
                "the filter's image is named by a tag, which may name another image tomorrow",
                "Name it by its digest, `@sha256:…`.",
            );
        }
    }

    fn mapping(&mut self, config: &Node, path: &str) {
        let json = config.to_json().to_string();
        let plugin = Plugin {
            place: self.place(At { node: config, path }),
            json: &json,
            node: Some(config),
            start: None,
            tls: None,
            hosts: Vec::new(),
        };
        self.plugin(&plugin);
    }
}
