//! Requests as bytes, and what came back.

use testbed::wire::{Answer, Connection, Http2, Request, Response};

/// A request without fields.
pub(crate) fn request(method: &str, target: &str) -> Request {
    Request {
        method: method.into(),
        target: target.into(),
        ..Request::default()
    }
}

pub(crate) fn get(target: &str) -> Request {
    request("GET", target)
}

/// The same with one more field.
pub(crate) fn field(mut request: Request, name: &str, value: &[u8]) -> Request {
    request.fields.push((name.to_owned(), value.to_vec()));
    request
}

/// The same with a token.
pub(crate) fn bearer(request: Request, token: &str) -> Request {
    field(
        request,
        "authorization",
        format!("Bearer {token}").as_bytes(),
    )
}

/// Sends it to a port of this machine; for HEAD the answer has the body that is announced.
pub(crate) fn send(port: u16, request: &Request) -> Response {
    let exchange = async { Connection::to(port).exchange_whole(request).await };
    response(runtime().block_on(exchange).unwrap())
}

/// The same over HTTP/2, where a body needs no length.
pub(crate) fn send_http2(port: u16, request: &Request) -> Response {
    let exchange = async { Http2::to(port).exchange(request).await };
    let answer = runtime().block_on(exchange).unwrap();
    response(answer.expect("it can be said over HTTP/2"))
}

/// The same for bytes that are not all of a request.
pub(crate) fn send_bytes(port: u16, bytes: &[u8]) -> Response {
    let exchange = async { Connection::to(port).exchange_bytes(bytes, b"PATCH").await };
    response(runtime().block_on(exchange).unwrap())
}

/// A connection that was closed has no status.
fn response(answer: Answer) -> Response {
    match answer {
        Answer::Responded(response) => response,
        Answer::Closed => Response::default(),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}
