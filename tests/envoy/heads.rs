//! Heads that no client sends: bytes that are not text, repeated fields, sizes.
//!
//! Each gets its answer, and after each the filter is as alive as before.

use crate::support::edge::{APP, Edge};
use crate::support::http::{Answer, Request, Version};
use crate::support::image::MANIFEST;
use crate::support::lab::Lab;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[
    (
        "bytes that are not UTF-8 are answered like any other text",
        not_text,
    ),
    (
        "several Authorization values are challenged, be each of them good",
        repeated,
    ),
    (
        "credentials in any other form are challenged without an error",
        credentials,
    ),
    (
        "a token of 50 KB is read, a head beyond the limit is refused",
        sizes,
    ),
    (
        "what is no request head at all is refused by Envoy",
        no_heads,
    ),
];

const NOT_UTF8: &[u8] = b"caf\xe9 \xff\xfe\x80";

fn request() -> Request {
    Request::get("/v2/group/app/manifests/latest").field("accept", MANIFEST)
}

fn good(edge: &Edge) -> String {
    edge.mint.token(&["repository:group/app:pull"])
}

/// The answer is a challenge with this error.
fn challenged(edge: &Edge, answer: &Answer, error: Option<&str>, context: &str) {
    assert_eq!(answer.status, 401, "{context}: {answer}");
    let challenge = edge.challenge("repository:group/app:pull", error);
    assert_eq!(
        answer.header("www-authenticate"),
        Some(challenge.as_str()),
        "{context}"
    );
}

fn served(edge: &Edge, answer: &Answer, context: &str) {
    assert_eq!(
        (answer.status, answer.text()),
        (200, edge.app.manifest.clone()),
        "{context}"
    );
}

fn not_text(lab: &Lab) {
    for edge in lab.profiles() {
        let good = good(edge);
        for version in Version::BOTH {
            let send = |request| edge.client.send(version, &request);
            let context = format!("{} {version:?}", edge.profile);
            for name in [
                "x-anything",
                "user-agent",
                "cookie",
                "content-type",
                "referer",
            ] {
                let answer = send(request().field(name, NOT_UTF8));
                challenged(edge, &answer, None, &context);
                let answer = send(request().field(name, NOT_UTF8).bearer(&good));
                served(edge, &answer, &context);
            }
            let answer = send(request().field("authorization", NOT_UTF8));
            challenged(edge, &answer, None, &context);
            let mut bearer = b"Bearer ".to_vec();
            bearer.extend(b"\xff\xfe.\xe9.\x80");
            let answer = send(request().field("authorization", &bearer));
            challenged(edge, &answer, Some("invalid_token"), &context);
            let mut bearer = format!("Bearer {good}").into_bytes();
            bearer.push(0xff);
            let answer = send(request().field("authorization", &bearer));
            challenged(edge, &answer, Some("invalid_token"), &context);
        }
        edge.assert_alive();
    }
}

fn repeated(lab: &Lab) {
    for edge in lab.profiles() {
        let good = format!("Bearer {}", good(edge));
        let bad = "Bearer a.b.c".to_owned();
        let basic = "Basic YWxpY2U6cGFzc3dvcmQ=".to_owned();
        let lines: &[&[&String]] = &[
            &[&good, &good],
            &[&good, &bad],
            &[&bad, &good],
            &[&basic, &good],
            &[&good, &basic],
        ];
        for version in Version::BOTH {
            for values in lines {
                let context = format!("{} {version:?} {} lines", edge.profile, values.len());
                let separate = values.iter().fold(request(), |request, value| {
                    request.field("authorization", value)
                });
                challenged(edge, &edge.client.send(version, &separate), None, &context);
                for joint in [",", ", "] {
                    let texts: Vec<&str> = values.iter().map(|value| value.as_str()).collect();
                    let joined = request().field("authorization", texts.join(joint));
                    challenged(edge, &edge.client.send(version, &joined), None, &context);
                }
            }
            let one = request().field("authorization", &good);
            served(edge, &edge.client.send(version, &one), "one line");
        }
        edge.assert_alive();
    }
}

/// What stands before and after the token, and the error of the challenge; `Served` if none.
enum Form {
    Served,
    Challenged(Option<&'static str>),
}

use Form::{Challenged, Served};

const FORMS: &[(&str, &str, Form)] = &[
    ("Bearer ", "", Served),
    ("bearer ", "", Served),
    ("BEARER ", "", Served),
    ("bEaReR ", "", Served),
    ("", "", Challenged(None)),
    ("Bearer", "", Challenged(None)),
    ("Bearer:", "", Challenged(None)),
    ("Bearer=", "", Challenged(None)),
    ("Bearer\t", "", Challenged(None)),
    ("Token ", "", Challenged(None)),
    ("Basic ", "", Challenged(None)),
    ("Bearer \"", "\"", Challenged(Some("invalid_token"))),
    ("Bearer =", "", Challenged(Some("invalid_token"))),
];

fn credentials(lab: &Lab) {
    for edge in lab.profiles() {
        let good = good(edge);
        for version in Version::BOTH {
            for (before, after, form) in FORMS {
                let value = format!("{before}{good}{after}");
                let answer = edge
                    .client
                    .send(version, &request().field("authorization", value));
                let context = format!("{} {version:?} {before}T{after}", edge.profile);
                match form {
                    Served => served(edge, &answer, &context),
                    Challenged(error) => challenged(edge, &answer, *error, &context),
                }
            }
            // Nor is a token looked for elsewhere.
            let answer = edge.client.send(
                version,
                &Request::get(&format!("/v2/{APP}/manifests/latest?access_token={good}"))
                    .field("cookie", format!("access_token={good}")),
            );
            challenged(edge, &answer, None, "in query and cookie");
        }
    }
}

/// Tokens of GitLab grow with the projects that a client asks for at once.
fn sizes(lab: &Lab) {
    for edge in lab.profiles() {
        let token = |scopes: usize| {
            let names: Vec<String> = (0..scopes)
                .map(|number| format!("repository:group/other-{number:04}:pull"))
                .collect();
            let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
            all.push("repository:group/app:pull");
            edge.mint.token(&all)
        };
        let large = token(550);
        assert!(
            (48_000..56_000).contains(&large.len()),
            "{} bytes",
            large.len()
        );
        let too_large = token(750);
        assert!(too_large.len() > 61_440, "{} bytes", too_large.len());
        for version in Version::BOTH {
            let context = format!("{} {version:?}", edge.profile);
            served(
                edge,
                &edge.client.send(version, &request().bearer(&large)),
                &context,
            );
            let cut = large.get(..large.len() - 4).unwrap();
            let answer = edge.client.send(version, &request().bearer(cut));
            assert_eq!(answer.status, 401, "{context}: {answer}");
            refused_by_envoy(edge, version, &request().bearer(&too_large));
            let many = (0..120).fold(request(), |r, number| r.field(&format!("x-{number}"), "1"));
            refused_by_envoy(edge, version, &many.bearer(&good(edge)));
        }
        edge.assert_alive();
    }
}

/// On HTTP/2 Envoy may reset the stream instead of answering it.
fn refused_by_envoy(edge: &Edge, version: Version, request: &Request) {
    match edge.client.try_send(version, request) {
        Ok(answer) => assert_eq!(answer.status, 431, "{version:?}: {answer}"),
        Err(error) => {
            let is_reset = version == Version::Http2 && error.contains("stream error received");
            assert!(is_reset, "{version:?}: {error}");
        }
    }
}

/// Bytes instead of a head, and the status of the answer.
const NO_HEADS: &[(&[u8], u16)] = &[
    (b"GET /v2/ HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    (b"GET v2/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 400),
    (b"GET /v2/ HTTP/1.1\r\nHost: h\r\nX: a\0b\r\nConnection: close\r\n\r\n", 400),
    (b"GET /v2/ HTTP/1.1\r\nHost: h\r\nAuthorization : Bearer x\r\nConnection: close\r\n\r\n", 400),
    (b"GET /v2/\xff HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 400),
    (b"GET /v2/ x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 400),
    (b"get /v2/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 400),
    (b"GET /v2/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", 400),
    (b"\x16\x03\x01\r\n\r\n", 400),
];

/// The profile has no part in it; one edge is enough.
fn no_heads(lab: &Lab) {
    let edge = lab.gitlab();
    for &(bytes, status) in NO_HEADS {
        let answer = edge.client.send_bytes(bytes);
        assert_eq!(
            answer.status,
            status,
            "{}: {answer}",
            String::from_utf8_lossy(bytes)
        );
    }
    // The same way of sending, with a head: the filter answers.
    let head = format!(
        "GET /v2/ HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        edge.client.authority()
    );
    assert_eq!(edge.client.send_bytes(head.as_bytes()).status, 401);
    edge.assert_alive();
}
