//! One request: read its head, decide, apply.

use std::borrow::Cow;
use std::rc::Rc;

use log::{debug, info};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, Bytes, MapType};

use super::kind::HostKind;
use crate::authorizer::Authorizer;
use crate::config::PERMITTED;
use crate::credentials::CredentialsError;
use crate::decision::{Challenge, ChallengeReason, Decision};
use crate::request::{Body, RequestHead};

/// What requests are decided by, and where.
pub(super) struct Edge {
    pub(super) authorizer: Authorizer,
    pub(super) host: Rc<HostKind>,
}

/// A request under one configuration. Without one, a host that routes requests all the same gets
/// every one of them refused.
pub(super) struct Filter {
    edge: Option<Rc<Edge>>,
}

impl Filter {
    pub(super) const fn new(edge: Option<Rc<Edge>>) -> Self {
        Self { edge }
    }
}

impl Edge {
    /// Lets a request go on, with the header that tells a guard behind the filter so. A client's own
    /// is replaced.
    fn forward(&self) -> Action {
        let Some(name) = self.authorizer.config().permit_header() else {
            return Action::Continue;
        };
        let map = MapType::HttpRequestHeaders;
        match hostcalls::set_map_value(map, name, Some(PERMITTED)) {
            Ok(()) => Action::Continue,
            Err(_) => unavailable("the host took no header"),
        }
    }

    /// The request target as the registry will get it.
    ///
    /// Envoy forwards what it shows as `:path`. ngx_wasm_module shows NGINX's reading of it there,
    /// decoded and cleaned, while `proxy_pass` without a path of its own forwards the target as it
    /// was sent; that is what its property `request.path` holds (measured).
    fn target<'a>(&self, fields: &Fields<'a>) -> Option<Cow<'a, [u8]>> {
        if self.host.is_envoy() {
            return fields.first(":path").map(Cow::Borrowed);
        }
        let sent = hostcalls::get_property(vec!["request", "path"]);
        sent.ok().flatten().map(Cow::Owned)
    }

    /// The values of the client's `Host`, where they matter. Envoy makes it `:authority` on every
    /// version of HTTP; on ngx_wasm_module that is the server's own name (measured).
    fn client_host<'a>(&self, fields: &Fields<'a>) -> Vec<&'a [u8]> {
        if self.authorizer.config().autoredirect().is_none() {
            return Vec::new();
        }
        let mut host = fields.all("host");
        if self.host.is_envoy() {
            host.extend(fields.named(":authority"));
        }
        host
    }

    /// The values of `X-Forwarded-Proto`, where they matter.
    fn forwarded_proto<'a>(&self, fields: &Fields<'a>) -> Vec<&'a [u8]> {
        match self.authorizer.config().autoredirect() {
            Some(_) => fields.all("x-forwarded-proto"),
            None => Vec::new(),
        }
    }
}

impl Context for Filter {}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let Some(edge) = &self.edge else {
            return unavailable("the token filter has no configuration");
        };
        // One read of the whole map: it costs about as much as two single reads, and it alone
        // shows repeated fields. Bytes, since a field need not be UTF-8.
        let Ok(fields) = hostcalls::get_map_bytes(MapType::HttpRequestHeaders) else {
            return refuse_unreadable();
        };
        let fields = Fields(&fields);
        let authorization = fields.all("authorization");
        let content_type = fields.all("content-type");
        let (Some(method), Some(target)) = (fields.first(":method"), edge.target(&fields)) else {
            return refuse_unreadable();
        };
        let head = RequestHead {
            method,
            target: &target,
            host: &edge.client_host(&fields),
            forwarded_proto: &edge.forwarded_proto(&fields),
            authorization: &authorization,
            content_type: &content_type,
            body: fields.body(end_of_stream),
        };
        let decision = edge.authorizer.decide(&head, super::now());
        let Some(response) = edge.authorizer.response(&decision, &head) else {
            return edge.forward();
        };
        log(&decision);
        let headers = response
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        send(response.status, headers, &response.body)
    }
}

/// The header map as the host gave it.
struct Fields<'a>(&'a [(String, Bytes)]);

impl<'a> Fields<'a> {
    /// The values of every field of this name, in order.
    fn all(&self, name: &str) -> Vec<&'a [u8]> {
        self.named(name).collect()
    }

    fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.named(name).next()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// Whether a body may follow. NGINX does not say that a message ended with its head, so
    /// `Content-Length: 0` alone says it too.
    fn body(&self, end_of_stream: bool) -> Body {
        let is_chunked = self.first("transfer-encoding").is_some();
        let is_zero = self
            .first("content-length")
            .is_some_and(|length| length == b"0");
        if end_of_stream || (is_zero && !is_chunked) {
            Body::Empty
        } else {
            Body::Expected
        }
    }
}

/// A plain request for a token is how every pull begins; other refusals are worth a look.
fn log(decision: &Decision) {
    match decision {
        Decision::Challenge(Challenge {
            reason: ChallengeReason::Credentials(CredentialsError::Absent),
            ..
        }) => debug!("{decision}"),
        _ => info!("{decision}"),
    }
}

fn refuse_unreadable() -> Action {
    unavailable("the host gave no request head")
}

/// The registry's envelope for a service that cannot answer now.
fn unavailable(message: &str) -> Action {
    let body = format!("{{\"errors\":[{{\"code\":\"UNAVAILABLE\",\"message\":\"{message}\"}}]}}\n");
    send(
        503,
        vec![("content-type", "application/json")],
        body.as_bytes(),
    )
}

fn send(status: u16, headers: Vec<(&str, &str)>, body: &[u8]) -> Action {
    if hostcalls::send_http_response(u32::from(status), headers, Some(body)).is_err() {
        log::error!("the host took no response");
    }
    // Whatever the host made of it, the request does not go on.
    Action::Pause
}
