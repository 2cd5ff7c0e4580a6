//! The head of a request, as NGINX has it.

use ngx::ffi::{ngx_http_request_t, ngx_table_elt_t};
use registry_token_filter::{Body, RequestHead};

/// The head of a request that is in the access phase, by reference.
#[derive(Debug)]
pub(crate) struct Head<'r> {
    method: &'r [u8],
    target: &'r [u8],
    host: Vec<&'r [u8]>,
    forwarded_proto: Vec<&'r [u8]>,
    authorization: Vec<&'r [u8]>,
    content_type: Vec<&'r [u8]>,
    body: Body,
}

impl<'r> Head<'r> {
    /// Reads the fields that a decision needs, every value of them, as bytes.
    pub(crate) fn of(request: &'r ngx_http_request_t) -> Self {
        let mut host = Vec::new();
        let mut forwarded_proto = Vec::new();
        let mut authorization = Vec::new();
        let mut content_type = Vec::new();
        for field in fields(request) {
            let (name, value) = (field.key.as_bytes(), field.value.as_bytes());
            if name.eq_ignore_ascii_case(b"authorization") {
                authorization.push(value);
            } else if name.eq_ignore_ascii_case(b"content-type") {
                content_type.push(value);
            } else if name.eq_ignore_ascii_case(b"host") {
                host.push(value);
            } else if name.eq_ignore_ascii_case(b"x-forwarded-proto") {
                forwarded_proto.push(value);
            }
        }
        Self {
            // What the client wrote; `method` is a number, and knows only some.
            method: request.method_name.as_bytes(),
            target: request.unparsed_uri.as_bytes(),
            host,
            forwarded_proto,
            authorization,
            content_type,
            body: body(request),
        }
    }

    /// For the core.
    pub(crate) fn as_request_head(&self) -> RequestHead<'_> {
        RequestHead {
            method: self.method,
            target: self.target,
            host: &self.host,
            forwarded_proto: &self.forwarded_proto,
            authorization: &self.authorization,
            content_type: &self.content_type,
            body: self.body,
        }
    }
}

/// Whether a body may follow. NGINX marks HTTP/2 and HTTP/3 requests that are not at their end,
/// and have no length, as chunked, from version 1.21.
fn body(request: &ngx_http_request_t) -> Body {
    let headers = &request.headers_in;
    if headers.content_length_n <= 0 && headers.chunked() == 0 {
        Body::Empty
    } else {
        Body::Expected
    }
}

/// The fields of the head, in the order they came.
fn fields(request: &ngx_http_request_t) -> impl Iterator<Item = &ngx_table_elt_t> {
    let mut part = Some(&request.headers_in.headers.part);
    std::iter::from_fn(move || {
        let current = part?;
        let elements = if current.nelts == 0 {
            &[]
        } else {
            // SAFETY: a part of the list of fields holds `nelts` of them.
            unsafe { std::slice::from_raw_parts(current.elts.cast(), current.nelts) }
        };
        // SAFETY: the next part is one, or null.
        part = unsafe { current.next.as_ref() };
        Some(elements)
    })
    .flatten()
}
