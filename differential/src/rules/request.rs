//! Rules about the request itself.

use super::{Ours, Rule};
use crate::facts::Facts;

/// The methods of RFC 9110 section 9.3 and RFC 5789.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
];

/// The media types in which Go looks for parameters.
const FORMS: [&str; 2] = ["application/x-www-form-urlencoded", "multipart/form-data"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "proxy-head",
        reason: "Envoy refuses by itself what is no proper HTTP/1.1: HTTP/1.0, a Host that is none, \
                 unknown methods, and a target with a fragment, a raw byte outside printable ASCII, or in another form than a path.",
        releases: &[],
        ours: Ours::Proxy,
        applies: |facts| {
            let is_odd = |byte: &u8| !(b'!'..=b'~').contains(byte) || *byte == b'#';
            let target = facts.request.target.to_vec();
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
            let is_host = |hosts: &Vec<String>| match hosts.as_slice() {
                [host] => !host.is_empty() && host.bytes().all(is_plain),
                _ => false,
            };
            facts
                .request
                .host
                .as_ref()
                .is_some_and(|hosts| !is_host(hosts))
                || target.first() != Some(&b'/')
                || target.iter().any(is_odd)
                || !METHODS.contains(&facts.request.method.as_str())
        },
    },
    Rule {
        name: "head-without-type",
        reason: "Envoy drops the Content-Type of an answer of its own that has no body.",
        releases: &[],
        ours: Ours::Untyped,
        applies: |facts| facts.request.method == "HEAD",
    },
    Rule {
        name: "location-not-ascii",
        reason: "A Location is a URI, and a URI is ASCII (RFC 3986 section 2); the registry writes \
                 other bytes into it as they came.",
        releases: &[],
        ours: Ours::Escaped,
        applies: |facts| !facts.request.target.to_vec().is_ascii(),
    },
    Rule {
        name: "realm",
        reason: "The production listener serves GitLab's token endpoint on the registry's host name.",
        releases: &[],
        ours: Ours::Proxy,
        applies: |facts| facts.taken == b"/jwt/auth",
    },
    Rule {
        name: "ambiguous-escape",
        reason: "An encoded slash, backslash, percent sign or control byte in a path may be read \
                 otherwise by the next hop, so it is never interpreted.",
        releases: &[],
        ours: Ours::Status(400),
        applies: |facts| {
            escapes(&facts.path).any(|byte| matches!(byte, b'/' | b'\\' | b'%' | 0..=0x20 | 0x7f))
        },
    },
    Rule {
        name: "content-type-repeated",
        reason: "Of two content types the registry reads the first, and another hop may read the \
                 last.",
        releases: &[],
        ours: Ours::Status(415),
        applies: |facts| {
            let types = &facts.request.content_type;
            types.len() > 1 || types.iter().any(|value| value.contains(','))
        },
    },
    Rule {
        name: "content-type-unreadable",
        reason: "Go reads a media type by Unicode, another hop may not: outside printable ASCII \
                 there is none.",
        releases: &[],
        ours: Ours::Status(415),
        applies: |facts| {
            let is_odd = |byte: u8| !matches!(byte, b'\t' | b' '..=b'~');
            has_body(facts)
                && facts
                    .request
                    .content_type
                    .iter()
                    .any(|value| value.bytes().any(is_odd))
        },
    },
    Rule {
        name: "form-body",
        reason: "The registry looks for a mount's source in a form body, and the filter decides \
                 on the head.",
        releases: &[],
        ours: Ours::Status(415),
        applies: |facts| {
            let is_form = |value: &String| {
                let media_type = value.split(';').next().unwrap_or_default().trim();
                FORMS
                    .iter()
                    .any(|form| media_type.eq_ignore_ascii_case(form))
            };
            has_body(facts) && facts.request.content_type.iter().any(is_form)
        },
    },
    Rule {
        name: "several-credentials",
        reason: "Of several credentials the registry reads the first, and a proxy may join them \
                 with a comma: none is taken.",
        releases: &[],
        ours: Ours::Bare,
        applies: |facts| {
            let values = &facts.authorization;
            values.len() > 1 || values.iter().any(|value| value.contains(&b','))
        },
    },
    Rule {
        name: "head-too-long",
        reason: "Envoy reads heads of up to 60 KiB, as it is configured; the registry's server reads 1 MiB.",
        releases: &[],
        ours: Ours::Proxy,
        applies: |facts| {
            let fields: usize = facts.authorization.iter().map(Vec::len).sum();
            fields + facts.target_length > 59 << 10
        },
    },
];

/// Whether a body follows, or may.
fn has_body(facts: &Facts<'_>) -> bool {
    let request = facts.request;
    !request.body.is_empty()
        || request
            .headers
            .iter()
            .any(|(name, _)| name == "transfer-encoding")
}

/// The values of the percent-escapes of a path.
fn escapes(path: &[u8]) -> impl Iterator<Item = u8> {
    path.windows(3).filter_map(|window| match window {
        [b'%', high, low] => {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
        }
        _ => None,
    })
}
