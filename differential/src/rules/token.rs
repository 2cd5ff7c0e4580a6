//! Rules about the token.

use corpus::key::Key;
use corpus::profile::KeyIdForm;
use testbed::registry::Release;

use super::{Ours, Rule};
use crate::facts::Json;

/// The last second that Go's `time.Unix` takes without wrapping.
const LAST_OF_GO: i64 = i64::MAX - 62_135_596_800;

/// The members of a JOSE header, of the claims and of an entry of `access` that registries read.
const HEADER: [&str; 8] = ["alg", "b64", "crit", "cty", "jwk", "kid", "typ", "x5c"];
const CLAIMS: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access"];
const ENTRY: [&str; 4] = ["type", "class", "name", "actions"];

pub(super) const RULES: &[Rule] = &[
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
                    || entries(claims)
                        .iter()
                        .any(|entry| entry.is_ambiguous(&ENTRY))
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
        applies: |facts| {
            facts.token(|token| {
                let times = ["exp", "nbf", "iat"].iter();
                times
                    .filter_map(|name| token.claims.json.member(name))
                    .any(|time| *time == Json::Plain("-0".to_owned()))
            })
        },
    },
    Rule {
        name: "null-action",
        reason: "A null among the actions is no action; the registry takes it for an empty one.",
        releases: &[],
        ours: Ours::Library,
        applies: |facts| {
            facts.token(|token| {
                entries(&token.claims.json)
                    .iter()
                    .any(|entry| match entry.member("actions") {
                        Some(Json::List(actions)) => actions.iter().any(Json::is_null),
                        _ => false,
                    })
            })
        },
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
                let header = &token.header.json;
                let is_there = |name: &&str| header.member(name).is_some();
                let is_odd = |name: &&str| header.member(name).is_some_and(|url| !is_string(url));
                ["x5t", "x5t#S256"].iter().any(is_there) || ["jku", "x5u"].iter().any(is_odd)
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
                names
                    .iter()
                    .any(|name| token.header.json.member(name).is_some())
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
        name: "algorithm-of-another-curve",
        reason: "A curve has one algorithm (RFC 7518 section 3.4); the registry's library looks at \
                 the key and the algorithm apart.",
        releases: &[Release::Distribution3],
        ours: Ours::Bare,
        applies: |facts| facts.token(|token| is_of_another_curve(&token.header.json)),
    },
    Rule {
        name: "null-access",
        reason: "The registry dereferences the null and closes the connection.",
        releases: &[],
        ours: Ours::Invalid,
        applies: |facts| facts.token(|token| entries(&token.claims.json).iter().any(Json::is_null)),
    },
];

/// Whether a header names a key on a curve and the ECDSA algorithm of another curve.
fn is_of_another_curve(header: &Json) -> bool {
    let is = |member: &str, text: &str| {
        let quoted = format!("\"{text}\"");
        matches!(header.member(member), Some(Json::Plain(found)) if *found == quoted)
    };
    let ecdsa = ["ES256", "ES384", "ES512"];
    let key = Key::names()
        .map(Key::named)
        .find(|key| is("kid", &key.id(KeyIdForm::Rfc7638)));
    key.is_some_and(|key| {
        let own = key.algorithm().name();
        let mut others = ecdsa.iter().filter(|name| **name != own);
        ecdsa.contains(&own) && others.any(|name| is("alg", name))
    })
}

/// The elements of the `access` claim.
fn entries(claims: &Json) -> &[Json] {
    match claims.member("access") {
        Some(Json::List(entries)) => entries,
        _ => &[],
    }
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
