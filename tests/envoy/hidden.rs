//! What stays hidden: no byte of a client reaches a response header but through the registry's own
//! escaping, on either version of HTTP.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::http::{Answer, Client, Version};
use crate::support::lab::Lab;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[
    (
        "no control byte and none that is not text reaches a response header over HTTP/1.1",
        over_http11,
    ),
    (
        "no control byte and none that is not text reaches a response header over HTTP/2",
        over_http2,
    ),
    (
        "an answer does not depend on what came before on the connection",
        one_connection,
    ),
    (
        "a request without Host is answered by its version of HTTP",
        without_host,
    ),
];

/// Control bytes, and what is no UTF-8: those that something is known to do with, and others.
const ODD_BYTES: [u8; 13] = [
    0x00, 0x01, b'\t', b'\n', 0x0b, 0x0c, b'\r', 0x1b, 0x1f, 0x7f, 0x80, 0xc0, 0xff,
];

const TARGET: &[u8] = b"/v2/group/app/tags/list";

/// Targets with the byte as it is and percent-encoded, in path and query.
fn targets(byte: u8) -> Vec<Vec<u8>> {
    let encoded = format!("%{byte:02x}");
    let mut targets = Vec::new();
    for byte in [&[byte], encoded.as_bytes()] {
        targets.push([b"/v2/group/a", byte, b"x-injected: 1/tags/list"].concat());
        targets.push([b"/v2/group/app", byte].concat());
        targets.push([b"/v2//group/", byte, b"x-injected: 1"].concat());
        targets.push([b"/v2/group/app/tags/list/?", byte, b"x-injected: 1"].concat());
        targets.push([TARGET, b"?from=a", byte, b"x-injected: 1"].concat());
    }
    for target in &mut targets {
        // A blank would end a target of HTTP/1.1 before the server sees the rest.
        target.retain(|byte| *byte != b' ');
    }
    targets
}

/// Field values with the byte.
fn value(byte: u8) -> Vec<u8> {
    [b"Bearer a.b", &[byte][..], b"x-injected:1"].concat()
}

const FIELDS: [&str; 6] = [
    "authorization",
    "content-type",
    "x-forwarded-proto",
    "x-forwarded-host",
    "user-agent",
    "accept",
];

/// No field of the answer came from the request, and each is printable.
fn assert_clean(answer: &Answer, context: &str) {
    assert!(answer.header("x-injected").is_none(), "{context}: {answer}");
    for (name, value) in &answer.headers {
        let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
        assert!(
            value.as_bytes().iter().all(is_printable),
            "{context}: {name}: {value:?}"
        );
    }
    assert!((300..500).contains(&answer.status), "{context}: {answer}");
}

/// The head of a response, line by line, without anything that is no line of it.
fn clean_head(response: &[u8], context: &str) {
    let text = String::from_utf8_lossy(response);
    let (head, _) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{context}: not a response: {text:?}"));
    for line in head.split("\r\n") {
        assert!(
            line.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            "{context}: {line:?}"
        );
        assert!(!line.starts_with("x-injected"), "{context}: {line:?}");
    }
    let status = head.split(' ').nth(1);
    assert!(
        status.is_some_and(|status| status.starts_with(['3', '4'])),
        "{context}: {head}"
    );
}

fn over_http11(lab: &Lab) {
    let edge = lab.gitlab();
    let send = |client: &Client, target: &[u8], field: &str, value: &[u8]| {
        let head = [
            b"GET ",
            target,
            b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
            field.as_bytes(),
            b": ",
            value,
            b"\r\n\r\n",
        ]
        .concat();
        client.send_raw(&head)
    };
    let of_byte = |byte: u8| {
        for target in targets(byte) {
            let context = target.escape_ascii().to_string();
            clean_head(&send(&edge.client, &target, "accept", b"*/*"), &context);
        }
        for field in FIELDS.into_iter().chain(["host"]) {
            let context = format!("{field} with {byte:#04x}");
            clean_head(&send(&edge.client, TARGET, field, &value(byte)), &context);
        }
    };
    // Envoy keeps a connection for a second after it has said that it closes it.
    std::thread::scope(|threads| {
        for byte in ODD_BYTES {
            let of_byte = &of_byte;
            threads.spawn(move || of_byte(byte));
        }
    });
    edge.assert_alive();
}

fn over_http2(lab: &Lab) {
    let edge = lab.gitlab();
    let answered = AtomicUsize::new(0);
    let send = |target: &[u8], field: &str, value: &[u8], context: &str| {
        // A stream that is reset carries no header.
        if let Ok(answer) = edge.client.smuggle(target, (field, value)) {
            assert_clean(&answer, context);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let of_byte = |byte: u8| {
        for target in targets(byte) {
            let context = target.escape_ascii().to_string();
            send(&target, "accept", b"any/thing", &context);
        }
        for field in FIELDS {
            let context = format!("{field} with {byte:#04x}");
            send(TARGET, field, &value(byte), &context);
        }
    };
    std::thread::scope(|threads| {
        for byte in ODD_BYTES {
            let of_byte = &of_byte;
            threads.spawn(move || of_byte(byte));
        }
    });
    let answered = answered.into_inner();
    // Those that are no control bytes, and all that are percent-encoded.
    assert!(answered > 60, "only {answered} requests were answered");
    edge.assert_alive();
}

/// E45 of the registry's measurement.
fn one_connection(lab: &Lab) {
    let edge = lab.gitlab();
    let token = edge.mint.token(&["repository:group/app:pull"]);
    let head = |more: &str| {
        format!("GET /v2/group/app/tags/list HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
    };
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let both = head(&bearer) + &head("Connection: close\r\n");
    let responses = edge.client.send_raw(both.as_bytes());
    let responses = String::from_utf8_lossy(&responses).into_owned();
    let statuses: Vec<&str> = responses
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|rest| &rest[..3])
        .collect();
    assert_eq!(statuses, ["200", "401"], "{responses}");
}

/// A78 and A79: the registry answers 400 to HTTP/1.1, and as ever to HTTP/1.0, which Envoy does not
/// speak.
fn without_host(lab: &Lab) {
    let edge = lab.gitlab();
    for (version, status) in [("HTTP/1.1", 400), ("HTTP/1.0", 426)] {
        let head = format!("GET /v2/ {version}\r\nConnection: close\r\n\r\n");
        let answer = edge.client.send_bytes(head.as_bytes());
        assert_eq!(answer.status, status, "{version}: {answer}");
    }
    // With the host, over the version that is spoken.
    let request = crate::support::http::Request::get("/v2/");
    assert_eq!(edge.client.send(Version::Http11, &request).status, 401);
}
