//! Envoy's bootstrap for one chain: a listener, at most one filter, and an answer from Envoy itself,
//! so that nothing but the chain is measured.

use std::path::Path;

use edgectl::Parties;
use serde_json::{Value, json};

/// The filter between listener and router.
#[derive(Debug, Clone)]
pub enum Filter<'a> {
    /// None.
    Absent,
    /// A wasm module, with its plugin configuration.
    Wasm {
        /// The module.
        module: &'a Path,
        /// The plugin configuration, a text.
        configuration: String,
        /// The functions the host withholds from it.
        withheld: &'a [&'a str],
    },
    /// Envoy's own filter for JSON Web Tokens.
    JwtAuthn {
        /// Keys, as a JWKS.
        jwks: Value,
        /// How many verified tokens it keeps (`jwt_cache_config`), if any.
        cached: Option<u32>,
    },
}

/// What answers behind the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// Envoy, 200 and two bytes.
    DirectResponse,
    /// Envoy, 200 and as many bytes.
    Body(usize),
    /// A server on this port of 127.0.0.1.
    Server(u16),
}

/// Where an Envoy listens, on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// For requests.
    pub listener: u16,
    /// For its counters.
    pub admin: u16,
}

/// The bootstrap of an Envoy, in JSON.
#[must_use]
pub fn bootstrap(ports: Ports, filter: &Filter<'_>, behind: Behind) -> Value {
    let mut filters: Vec<Value> = http_filter(filter).into_iter().collect();
    filters.push(extension(
        "envoy.filters.http.router",
        "envoy.extensions.filters.http.router.v3.Router",
        json!({}),
    ));
    let route = match behind {
        Behind::DirectResponse => direct_response("ok"),
        Behind::Body(length) => direct_response(&"b".repeat(length)),
        Behind::Server(_) => json!({
            "match": {"prefix": "/"},
            "route": {"cluster": "server", "timeout": "0s"},
        }),
    };
    let clusters = match behind {
        Behind::DirectResponse | Behind::Body(_) => json!([]),
        Behind::Server(port) => json!([{
            "name": "server",
            "type": "STATIC",
            "load_assignment": {
                "cluster_name": "server",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}],
            },
        }]),
    };
    let manager = extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        json!({
            "stat_prefix": "bench",
            // A token with a thousand `access` entries is longer than the usual 60 KiB.
            "max_request_headers_kb": 1024,
            "http_filters": filters,
            "route_config": {
                "max_direct_response_body_size_bytes": 16 << 20,
                "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}],
            },
        }),
    );
    json!({
        "admin": {"address": address(ports.admin)},
        "static_resources": {
            "listeners": [{
                "name": "bench",
                "address": address(ports.listener),
                "filter_chains": [{"filters": [manager]}],
            }],
            "clusters": clusters,
        },
    })
}

fn direct_response(body: &str) -> Value {
    json!({
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": body}},
    })
}

fn address(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}

/// A named extension: its configuration with its type.
fn extension(name: &str, message: &str, mut configuration: Value) -> Value {
    if let Some(members) = configuration.as_object_mut() {
        members.insert(
            "@type".to_owned(),
            format!("type.googleapis.com/{message}").into(),
        );
    }
    json!({"name": name, "typed_config": configuration})
}

fn http_filter(filter: &Filter<'_>) -> Option<Value> {
    match filter {
        Filter::Absent => None,
        Filter::Wasm {
            module,
            configuration,
            withheld,
        } => {
            let mut vm = json!({
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": module}},
            });
            if let (false, Some(members)) = (withheld.is_empty(), vm.as_object_mut()) {
                members.insert(
                    "capability_restriction_config".to_owned(),
                    allowed(withheld),
                );
            }
            Some(extension(
                "wasm",
                "envoy.extensions.filters.http.wasm.v3.Wasm",
                json!({"config": {
                    "name": "bench",
                    "failure_policy": "FAIL_RELOAD",
                    "vm_config": vm,
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": configuration,
                    },
                }}),
            ))
        }
        Filter::JwtAuthn { jwks, cached } => {
            let parties = Parties::default();
            let mut provider = json!({
                "issuer": parties.issuer,
                "audiences": [parties.service],
                "forward": true,
                "local_jwks": {"inline_string": jwks.to_string()},
            });
            if let (Some(size), Some(members)) = (cached, provider.as_object_mut()) {
                members.insert(
                    "jwt_cache_config".to_owned(),
                    json!({"jwt_cache_size": size, "jwt_max_token_size": 1 << 20}),
                );
            }
            Some(extension(
                "jwt_authn",
                "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
                json!({
                    "providers": {"gitlab": provider},
                    "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "gitlab"}}],
                }),
            ))
        }
    }
}

/// Everything of the proxy-wasm ABI 0.2.1 and of WASI that Envoy offers, but for `withheld`: the
/// list is one of what is allowed.
fn allowed(withheld: &[&str]) -> Value {
    const PROXY: [&str; 53] = [
        "add_header_map_value",
        "call_foreign_function",
        "clear_route_cache",
        "close_stream",
        "continue_stream",
        "define_metric",
        "dequeue_shared_queue",
        "done",
        "enqueue_shared_queue",
        "get_buffer_bytes",
        "get_buffer_status",
        "get_current_time_nanoseconds",
        "get_header_map_pairs",
        "get_header_map_size",
        "get_header_map_value",
        "get_log_level",
        "get_metric",
        "get_property",
        "get_shared_data",
        "get_status",
        "grpc_call",
        "grpc_cancel",
        "grpc_close",
        "grpc_send",
        "grpc_stream",
        "http_call",
        "increment_metric",
        "log",
        "on_configure",
        "on_context_create",
        "on_delete",
        "on_done",
        "on_http_call_response",
        "on_log",
        "on_request_body",
        "on_request_headers",
        "on_request_trailers",
        "on_response_body",
        "on_response_headers",
        "on_response_trailers",
        "on_tick",
        "on_vm_start",
        "record_metric",
        "register_shared_queue",
        "remove_header_map_value",
        "replace_header_map_value",
        "resolve_shared_queue",
        "send_local_response",
        "set_buffer_bytes",
        "set_effective_context",
        "set_header_map_pairs",
        "set_property",
        "set_shared_data",
    ];
    const WASI: [&str; 7] = [
        "fd_write",
        "proc_exit",
        "environ_get",
        "environ_sizes_get",
        "clock_time_get",
        "random_get",
        "proxy_set_tick_period_milliseconds",
    ];
    let names = PROXY
        .iter()
        .map(|name| format!("proxy_{name}"))
        .chain(WASI.iter().map(|name| (*name).to_owned()));
    let allowed: serde_json::Map<String, Value> = names
        .filter(|name| !withheld.contains(&name.as_str()))
        .map(|name| (name, json!({})))
        .collect();
    json!({"allowed_capabilities": allowed})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter_names(filter: &Filter<'_>) -> Vec<String> {
        let bootstrap = bootstrap(
            Ports {
                listener: 1,
                admin: 2,
            },
            filter,
            Behind::DirectResponse,
        );
        let filters = bootstrap
            .pointer(
                "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters",
            )
            .unwrap();
        let names = filters.as_array().unwrap().iter();
        names
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_filter_stands_in_front_of_the_router() {
        assert_eq!(filter_names(&Filter::Absent), ["envoy.filters.http.router"]);
        let jwt = Filter::JwtAuthn {
            jwks: json!({"keys": []}),
            cached: Some(1),
        };
        assert_eq!(
            filter_names(&jwt),
            ["jwt_authn", "envoy.filters.http.router"]
        );
    }

    #[test]
    fn what_is_withheld_is_missing_from_what_is_allowed() {
        let all = allowed(&[]);
        assert!(all["allowed_capabilities"]["proxy_call_foreign_function"].is_object());
        let some = allowed(&["proxy_call_foreign_function"]);
        assert!(some["allowed_capabilities"]["proxy_call_foreign_function"].is_null());
        assert!(some["allowed_capabilities"]["proxy_log"].is_object());
    }
}
