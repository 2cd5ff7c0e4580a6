//! Where the edge answers otherwise than the registry on purpose, each with a name and a reason.
//!
//! A rule says of a request whether it applies, from the request and its token alone, and how the
//! edge then answers. It never excuses a request that was forwarded. The cases of `tests/corpus`
//! have their divergences listed one by one; these are for requests nobody wrote down.

use testbed::registry::Release;

use crate::facts::{Facts, Json};

/// A named divergence.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// Why the edge answers otherwise.
    pub(crate) reason: &'static str,
    /// Where it holds; empty: everywhere.
    pub(crate) releases: &'static [Release],
    /// What the edge answers.
    pub(crate) ours: Ours,
    pub(crate) applies: fn(&Facts<'_>) -> bool,
}

/// The edge's own answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// A refusal with this status, and no challenge.
    Status(u16),
    /// The challenge for what the request needs, without an error.
    Bare,
    /// The same with `invalid_token`.
    Invalid,
    /// The same with `invalid_token`, but without an error for Distribution 3, which does not name
    /// what its libraries refuse.
    Library,
    /// A refusal by Envoy itself, before the filter.
    Proxy,
    /// The registry's answer, without its `Content-Type`.
    Untyped,
}

impl Ours {
    /// In a few words.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::Bare => "challenge without an error".to_owned(),
            Self::Invalid => "challenge, `invalid_token`".to_owned(),
            Self::Library => {
                "challenge, `invalid_token`; without an error for distribution-3".to_owned()
            }
            Self::Proxy => "refused by Envoy itself".to_owned(),
            Self::Untyped => "the same without a Content-Type".to_owned(),
        }
    }
}

/// The methods of RFC 9110 section 9.3 and RFC 5789.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
];

/// The last second that Go's `time.Unix` takes without wrapping.
const LAST_OF_GO: i64 = i64::MAX - 62_135_596_800;

/// The media types in which Go looks for parameters.
const FORMS: [&str; 2] = ["application/x-www-form-urlencoded", "multipart/form-data"];

/// The members of a JOSE header, of the claims and of an entry of `access` that registries read.
const HEADER: [&str; 8] = ["alg", "b64", "crit", "cty", "jwk", "kid", "typ", "x5c"];
const CLAIMS: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access"];
const ENTRY: [&str; 4] = ["type", "class", "name", "actions"];

/// Every rule, in the order in which the filter looks.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "proxy-head",
        reason: "Envoy refuses by itself what is no proper HTTP: unknown methods, and a target \
                 with a fragment, a raw byte outside printable ASCII, or in another form than a path.",
        releases: &[],
        ours: Ours::Proxy,
        applies: |facts| {
            let is_odd = |byte: &u8| !(b'!'..=b'~').contains(byte) || *byte == b'#';
            let target = facts.request.target();
            target.first() != Some(&b'/')
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
        name: "realm",
        reason: "The production listener serves GitLab's token endpoint on the registry's host name.",
        releases: &[],
        ours: Ours::Proxy,
        applies: |facts| facts.path == b"/jwt/auth",
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
        name: "not-a-path",
        reason: "A host hands over the target in origin form; another form is not read.",
        releases: &[],
        ours: Ours::Status(400),
        applies: |facts| facts.path.first() != Some(&b'/'),
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
        name: "loose-base64",
        reason: "A part is base64url without padding and without stray bits (RFC 7515 section \
                 2): one token, one text.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| facts.token(|token| token.is_loose),
    },
    Rule {
        name: "header-not-utf-8",
        reason: "JSON is UTF-8 (RFC 8259 section 8.1); the registry replaces what is not.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| facts.token(|token| !is_text(&token.header.bytes, &token.header.json)),
    },
    Rule {
        name: "claims-not-utf-8",
        reason: "JSON is UTF-8 (RFC 8259 section 8.1), and half of a surrogate pair is no \
                 character; the registry replaces what is not.",
        releases: &[],
        ours: Ours::Library,
        applies: |facts| facts.token(|token| !is_text(&token.claims.bytes, &token.claims.json)),
    },
    Rule {
        name: "header-ambiguous",
        reason: "A member twice, or one in another case, is read in two ways by the registries: \
                 it is taken in none.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| {
            facts.token(|token| {
                token.header.json.is_ambiguous(&HEADER) || has_duplicates(&token.header.json)
            })
        },
    },
    Rule {
        name: "claims-ambiguous",
        reason: "A claim twice, or one in another case, is read in two ways by the registries: it \
                 is taken in none.",
        releases: &[],
        ours: Ours::Library,
        applies: |facts| {
            facts.token(|token| {
                let claims = &token.claims.json;
                claims.is_ambiguous(&CLAIMS)
                    || entries(claims).iter().any(|entry| entry.is_ambiguous(&ENTRY))
                    || has_duplicates(claims)
            })
        },
    },
    Rule {
        name: "header-numbers-and-depth",
        reason: "A number beyond what a double holds, and JSON nested deeper than 127, are \
                 refused also where the registry would skip them.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| facts.token(|token| is_extreme(&token.header.json)),
    },
    Rule {
        name: "claims-numbers-and-depth",
        reason: "A number beyond what a double holds, and JSON nested deeper than 127, are \
                 refused also where the registry would skip them.",
        releases: &[],
        ours: Ours::Library,
        applies: |facts| facts.token(|token| is_extreme(&token.claims.json)),
    },
    Rule {
        name: "minus-zero",
        reason: "`-0` is no integer to the filter; the registry takes it for 0.",
        releases: &[],
        ours: Ours::Library,
        applies: |facts| facts.token(|token| {
            let times = ["exp", "nbf", "iat"].iter();
            times.filter_map(|name| token.claims.json.member(name)).any(|time| *time == Json::Plain("-0".to_owned()))
        }),
    },
    Rule {
        name: "null-action",
        reason: "A null among the actions is no action; the registry takes it for an empty one.",
        releases: &[],
        ours: Ours::Library,
        applies: |facts| facts.token(|token| {
            entries(&token.claims.json).iter().any(|entry| match entry.member("actions") {
                Some(Json::List(actions)) => actions.iter().any(Json::is_null),
                _ => false,
            })
        }),
    },
    Rule {
        name: "typ-not-a-string",
        reason: "A typ is a string (RFC 7515 section 4.1.9).",
        releases: &[Release::Distribution3],
        ours: Ours::Invalid,
        applies: |facts| {
            facts.token(|token| {
                let typ = token.header.json.member("typ");
                typ.is_some_and(|typ| !is_string(typ) && !typ.is_null())
            })
        },
    },
    Rule {
        name: "content-type-of-token",
        reason: "A token whose content says that it is something else than claims is not read as \
                 claims.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| facts.token(|token| token.header.json.member("cty").is_some()),
    },
    Rule {
        name: "thumbprints-and-urls",
        reason: "What names a certificate or a key set in a header (RFC 7515 section 4.1) is a \
                 string, and a thumbprint is one; the registry ignores them.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| {
            facts.token(|token| {
                let member = |name| token.header.json.member(name);
                let has_thumbprint = ["x5t", "x5t#S256"].iter().any(|name| member(name).is_some());
                let is_odd = |name: &&str| member(name).is_some_and(|url| !is_string(url));
                has_thumbprint || ["jku", "x5u"].iter().any(is_odd)
            })
        },
    },
    Rule {
        name: "critical-type",
        reason: "crit is a list of strings (RFC 7515 section 4.1.11), b64 is true or false (RFC \
                 7797 section 3).",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| {
            facts.token(|token| {
                let is_name = |element: &Json| is_string(element);
                let is_odd_list = match token.header.json.member("crit") {
                    Some(Json::List(names)) => !names.iter().all(is_name),
                    Some(other) => !other.is_null(),
                    None => false,
                };
                let is_odd = |b64: &Json| !b64.is_bool() && !b64.is_null();
                is_odd_list || token.header.json.member("b64").is_some_and(is_odd)
            })
        },
    },
    Rule {
        name: "critical",
        reason: "What a token calls critical must be understood (RFC 7515 section 4.1.11, RFC \
                 7797 section 6).",
        releases: &[],
        ours: Ours::Library,
        applies: |facts| {
            facts.token(|token| {
                let names = ["crit", "b64"];
                names.iter().any(|name| token.header.json.member(name).is_some())
            })
        },
    },
    Rule {
        name: "pss-salt",
        reason: "The salt of RSASSA-PSS is as long as the hash (RFC 7518 section 3.5); the \
                 registry's library takes any.",
        releases: &[Release::Distribution3],
        ours: Ours::Library,
        applies: |facts| facts.salt.is_some(),
    },
    Rule {
        name: "start-beyond-the-clock",
        reason: "An nbf beyond what Go's clock counts wraps to long ago for the registry; to the \
                 filter it is in the far future.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| {
            facts.token(|token| match token.claims.json.member("nbf") {
                Some(Json::Plain(number)) => {
                    number.parse::<i64>().is_ok_and(|nbf| nbf > LAST_OF_GO)
                }
                _ => false,
            })
        },
    },
    Rule {
        name: "embedded-key",
        reason: "A key or certificate in a token only ever names a trusted one; a chain is not \
                 built, and a key that is not a plain RSA key of the bundle is refused before \
                 anything is verified.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| {
            facts.token(|token| {
                let has = |name| {
                    let member = token.header.json.member(name);
                    member.is_some_and(|member| !member.is_null())
                };
                has("x5c") || has("jwk")
            })
        },
    },
    Rule {
        name: "null-access",
        reason: "The registry dereferences the null and closes the connection.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| {
            facts.token(|token| entries(&token.claims.json).iter().any(Json::is_null))
        },
    },
    Rule {
        name: "head-too-long",
        reason: "Envoy reads heads of up to 60 KiB, as it is configured; the registry's server reads 1 MiB.",
        releases: &[],
        ours: Ours::Proxy,
        applies: |facts| {
            let fields: usize = facts.authorization.iter().map(Vec::len).sum();
            fields + facts.path.len() > 59 << 10
        },
    },
];

/// The elements of the `access` claim.
fn entries(claims: &Json) -> &[Json] {
    match claims.member("access") {
        Some(Json::List(entries)) => entries,
        _ => &[],
    }
}

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

/// Whether JSON is UTF-8 throughout and no string holds half of a surrogate pair.
fn is_text(bytes: &[u8], json: &Json) -> bool {
    let is_halved = |value: &Json| match value {
        Json::Plain(text) if text.starts_with('"') => serde_json::from_str::<String>(text).is_err(),
        // A member's name is read as text already.
        Json::Unreadable => holds_surrogate(bytes),
        _ => false,
    };
    std::str::from_utf8(bytes).is_ok() && !json.any(&is_halved)
}

fn holds_surrogate(bytes: &[u8]) -> bool {
    let mut windows = bytes.windows(4);
    windows.any(|window| {
        window.eq_ignore_ascii_case(b"\\ud8") || window.eq_ignore_ascii_case(b"\\udc")
    })
}

/// Whether any object in it holds a name twice.
fn has_duplicates(json: &Json) -> bool {
    json.any(&|value| value.is_ambiguous(&[]))
}

/// Whether a number is beyond a double, or the nesting too deep.
fn is_extreme(json: &Json) -> bool {
    let is_beyond = |value: &Json| match value {
        Json::Plain(text) => text.parse::<f64>().is_ok_and(f64::is_infinite),
        _ => false,
    };
    json.any(&is_beyond) || json.any(&|value| *value == Json::Deep)
}

fn is_string(json: &Json) -> bool {
    matches!(json, Json::Plain(text) if text.starts_with('"'))
}

/// The rules that apply to a request, by the facts alone.
pub(crate) fn applying<'f>(facts: &'f Facts<'f>) -> impl Iterator<Item = &'static Rule> + use<'f> {
    RULES.iter().filter(move |rule| {
        let is_here = rule.releases.is_empty() || rule.releases.iter().any(|&here| facts.is(here));
        is_here && (rule.applies)(facts)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::case::{Case, Request};

    fn names(release: Release, request: &Request, token: Option<&str>) -> Vec<&'static str> {
        let case = Case {
            request: request.clone(),
            token: None,
        };
        let facts = Facts::new(release, &case, token.map(str::as_bytes));
        applying(&facts).map(|rule| rule.name).collect()
    }

    #[test]
    fn each_rule_has_a_name_of_its_own_and_a_reason() {
        let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
        assert!(RULES.iter().all(|rule| rule.reason.ends_with('.')));
    }

    #[test]
    fn nothing_applies_to_a_plain_request() {
        let request = Request::default();
        // {"alg":"RS256"} and {"iss":"a"}
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.AAAA";
        for release in [Release::Distribution2, Release::Distribution3] {
            assert!(names(release, &request, None).is_empty());
            assert!(names(release, &request, Some(token)).is_empty());
        }
    }

    #[test]
    fn rules_apply_to_what_they_say() {
        let target = |target: &str| Request {
            target: target.into(),
            ..Request::default()
        };
        let typed = |method: &str, content_type: &[&str], body: &str| Request {
            method: method.to_owned(),
            content_type: content_type.iter().map(|&value| value.to_owned()).collect(),
            body: body.to_owned(),
            ..Request::default()
        };
        for (request, rule, applies) in [
            (target("/v2/a%2Fb/tags/list"), "ambiguous-escape", true),
            (target("/v2/a%252fb/tags/list"), "ambiguous-escape", true),
            (target("/v2/a/tags/list?x=%2F"), "ambiguous-escape", false),
            (target("/v2/%61/tags/list"), "ambiguous-escape", false),
            (
                typed("POST", &["multipart/form-data; boundary=b"], "x"),
                "form-body",
                true,
            ),
            (
                typed("POST", &["multipart/form-data; boundary=b"], ""),
                "form-body",
                false,
            ),
            (
                typed("POST", &["a/b", "a/b"], ""),
                "content-type-repeated",
                true,
            ),
            (typed("POST", &["a/b"], "x"), "content-type-repeated", false),
            (typed("get", &[], ""), "proxy-head", true),
            (target("/v2/#x"), "proxy-head", true),
            (typed("GET", &[], ""), "proxy-head", false),
        ] {
            let found = names(Release::Distribution2, &request, None).contains(&rule);
            assert_eq!(found, applies, "{rule}: {request:?}");
        }
    }
}
