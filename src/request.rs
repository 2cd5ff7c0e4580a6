//! The head of a request, as bytes from a host. Nothing in it has been decoded or believed.

/// What a host read of a request before its body.
///
/// Repeated fields are listed in the order they came; a host that joins them gives the joined
/// value as one.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method, compared with case.
    pub method: &'a [u8],
    /// The request target in origin form (`:path`), exactly as the upstream will get it.
    pub target: &'a [u8],
    /// The values of `Host`, or of HTTP/2's `:authority`. Read for `autoredirect` only; a host may
    /// leave them out where that is off.
    pub host: &'a [&'a [u8]],
    /// The values of the `X-Forwarded-Proto` fields, for the same purpose.
    pub forwarded_proto: &'a [&'a [u8]],
    /// The values of the `Authorization` fields.
    pub authorization: &'a [&'a [u8]],
    /// The values of the `Content-Type` fields.
    pub content_type: &'a [&'a [u8]],
    /// Whether a body may follow.
    pub body: Body,
}

/// What is known of a request's body before it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Certainly none: the message ended with its head, or `Content-Length` is 0.
    Empty,
    /// Some, or not known.
    Expected,
}
