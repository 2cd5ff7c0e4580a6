//! The two hosts the filter is made for, where they differ.
//!
//! Each difference was measured on Envoy 1.40 or on NGINX 1.27 with ngx_wasm_module, or read in
//! its source.

use super::request::{Field, Head, Request};
use super::target;

/// Which host is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Envoy,
    /// NGINX with ngx_wasm_module.
    WasmX,
}

/// Functions of ABI 0.2.1 that both hosts have, with their parameters: `i` is 32 bits wide and `I`
/// is 64. Each returns a status.
const FUNCTIONS: [(&str, &str); 36] = [
    ("proxy_add_header_map_value", "iiiii"),
    ("proxy_call_foreign_function", "iiiiii"),
    ("proxy_close_stream", "i"),
    ("proxy_continue_stream", "i"),
    ("proxy_define_metric", "iiii"),
    ("proxy_dequeue_shared_queue", "iii"),
    ("proxy_done", ""),
    ("proxy_enqueue_shared_queue", "iii"),
    ("proxy_get_buffer_bytes", "iiiii"),
    ("proxy_get_current_time_nanoseconds", "i"),
    ("proxy_get_header_map_pairs", "iii"),
    ("proxy_get_header_map_value", "iiiii"),
    ("proxy_get_metric", "ii"),
    ("proxy_get_property", "iiii"),
    ("proxy_get_shared_data", "iiiii"),
    ("proxy_get_status", "iii"),
    ("proxy_grpc_call", "iiiiiiiiiiii"),
    ("proxy_grpc_cancel", "i"),
    ("proxy_grpc_close", "i"),
    ("proxy_grpc_send", "iiii"),
    ("proxy_grpc_stream", "iiiiiiiii"),
    ("proxy_http_call", "iiiiiiiiii"),
    ("proxy_increment_metric", "iI"),
    ("proxy_log", "iii"),
    ("proxy_record_metric", "iI"),
    ("proxy_register_shared_queue", "iii"),
    ("proxy_remove_header_map_value", "iii"),
    ("proxy_replace_header_map_value", "iiiii"),
    ("proxy_resolve_shared_queue", "iiiii"),
    ("proxy_send_local_response", "iiiiiiii"),
    ("proxy_set_buffer_bytes", "iiiii"),
    ("proxy_set_effective_context", "i"),
    ("proxy_set_header_map_pairs", "iii"),
    ("proxy_set_property", "iiii"),
    ("proxy_set_shared_data", "iiiii"),
    ("proxy_set_tick_period_milliseconds", "i"),
];

/// What Envoy has besides.
const ENVOY_FUNCTIONS: [(&str, &str); 3] = [
    ("proxy_get_buffer_status", "iii"),
    ("proxy_get_header_map_size", "ii"),
    ("proxy_get_log_level", "i"),
];

/// What ngx_wasm_module has besides: of another type than the ABI says, so that a module which
/// imports it does not load.
const WASMX_FUNCTIONS: [(&str, &str); 1] = [("proxy_get_log_level", "ii")];

/// What every module has to export.
const EXPORTS: [&str; 6] = [
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_request_headers",
];

/// What ngx_wasm_module calls whether it is there or not.
const WASMX_EXPORTS: [&str; 4] = [
    "proxy_on_done",
    "proxy_on_log",
    "proxy_on_response_headers",
    "proxy_on_vm_start",
];

/// How many fields ngx_wasm_module hands over at most.
const WASMX_MAX_FIELDS: usize = 100;

/// How exact ngx_wasm_module's clock is, in nanoseconds.
const WASMX_CLOCK: u64 = 1_000_000;

impl Dialect {
    pub(crate) const ALL: [Self; 2] = [Self::Envoy, Self::WasmX];

    /// The name in test names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::WasmX => "wasmx",
        }
    }

    /// The functions that can be imported.
    pub(crate) fn functions(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let own: &[_] = match self {
            Self::Envoy => &ENVOY_FUNCTIONS,
            Self::WasmX => &WASMX_FUNCTIONS,
        };
        FUNCTIONS.into_iter().chain(own.iter().copied())
    }

    /// The functions that have to be exported.
    pub(crate) fn exports(self) -> impl Iterator<Item = &'static str> {
        let own: &[_] = match self {
            Self::Envoy => &[],
            Self::WasmX => &WASMX_EXPORTS,
        };
        EXPORTS.into_iter().chain(own.iter().copied())
    }

    /// What the guest gets to see of a request.
    pub(crate) fn head(self, request: &Request) -> Head {
        match self {
            Self::Envoy => envoy_head(request),
            Self::WasmX => wasmx_head(request),
        }
    }

    /// A property in the middle of a request; `None` if the host answers "not found". A name that
    /// is not listed here is nothing the guest may ask for.
    pub(crate) fn property(self, name: &str, head: &Head) -> Option<Option<Vec<u8>>> {
        match (self, name) {
            // 1: inbound. Envoy 1.40 has it here alone.
            (Self::Envoy, "xds.listener_direction") => Some(Some(1_i64.to_le_bytes().to_vec())),
            (_, "xds.listener_direction" | "listener_direction") => Some(None),
            (_, "request.path") => Some(head.raw_target.clone()),
            _ => None,
        }
    }

    /// The clock as the host tells it.
    pub(crate) fn time(self, now: u64) -> u64 {
        match self {
            Self::Envoy => now,
            Self::WasmX => now - now % WASMX_CLOCK,
        }
    }
}

/// Pseudo fields first; the path exactly as it was sent; several fields joined where there can be
/// one only; `Host` as the authority.
fn envoy_head(request: &Request) -> Head {
    const JOINED: [&str; 3] = [":authority", "authorization", "x-forwarded-proto"];
    let mut fields: Vec<Field> = vec![
        (":path".to_owned(), request.target.clone()),
        (":method".to_owned(), request.method.clone()),
        (":scheme".to_owned(), b"https".to_vec()),
    ];
    let hosts = request.hosts().into_iter();
    let hosts = hosts.map(|host| (":authority".to_owned(), host));
    for (name, value) in hosts.chain(request.all_fields()) {
        let joined = JOINED
            .contains(&name.as_str())
            .then(|| fields.iter_mut().find(|(known, _)| *known == name))
            .flatten();
        match joined {
            Some((_, known)) => *known = [known.as_slice(), &value].join(&b','),
            None => fields.push((name, value)),
        }
    }
    // Said by Envoy itself, where no proxy in front of it has said it.
    if fields.iter().all(|(name, _)| name != "x-forwarded-proto") {
        fields.push(("x-forwarded-proto".to_owned(), b"https".to_vec()));
    }
    Head {
        fields,
        end_of_stream: request.body.is_empty(),
        raw_target: Some(request.target.clone()),
    }
}

/// The path decoded and cleaned; the machine's name for the authority; never the end of a stream.
fn wasmx_head(request: &Request) -> Head {
    let path = target::as_nginx_reads(&request.target).unwrap_or_default();
    let mut fields: Vec<Field> = vec![
        (":authority".to_owned(), b"edge-1:443".to_vec()),
        (":path".to_owned(), path),
        (":method".to_owned(), request.method.clone()),
        (":scheme".to_owned(), b"https".to_vec()),
    ];
    let hosts = request.hosts().into_iter();
    fields.extend(hosts.map(|host| ("host".to_owned(), host)));
    fields.extend(request.all_fields());
    fields.truncate(WASMX_MAX_FIELDS);
    Head {
        fields,
        end_of_stream: false,
        raw_target: Some(request.target.clone()),
    }
}
