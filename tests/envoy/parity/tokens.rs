//! The tokens, as data: besides the faults, what registries read differently.

use registry_token_filter::profile::Profile;
use serde_json::{Value, json};

use super::difference::Differs::{self, Each, Everywhere, Nowhere, Only};
use super::difference::{challenge, refusal};
use super::requests::PULL;
use crate::support::edge::APP;
use crate::support::mint::{Mint, x5c};
use crate::tokens::{with_claim, with_header};

/// A token that registries read differently, or more loosely than the filter.
pub(super) struct Token {
    pub(super) name: &'static str,
    pub(super) make: fn(&Mint) -> String,
    pub(super) differs: Differs,
}

const CHAIN: &str = "the filter builds no chain of certificates: one in a token is a trusted one";

pub(super) const TOKENS: &[Token] = &[
    Token {
        name: "no typ",
        make: |mint| {
            let mut draft = mint.draft(PULL);
            draft.header.as_object_mut().unwrap().remove("typ");
            mint.sign(&draft)
        },
        differs: Nowhere,
    },
    Token {
        name: "a list of audiences",
        make: |mint| with_claim(mint, "aud", json!(["other", "container_registry"])),
        differs: Nowhere,
    },
    Token {
        name: "a list of audiences without ours",
        make: |mint| with_claim(mint, "aud", json!(["other"])),
        differs: Nowhere,
    },
    Token {
        name: "members that are ignored",
        make: |mint| {
            let mut draft = mint.draft(PULL);
            for (name, value) in [
                ("jku", json!("https://example.com")),
                ("zip", json!("DEF")),
                ("nonce", json!("1")),
            ] {
                draft.header[name] = value;
            }
            draft.claims["anything"] = json!({"a": [1]});
            mint.sign(&draft)
        },
        differs: Nowhere,
    },
    Token {
        name: "a critical extension",
        make: |mint| mint.sign(&with_header(mint, "crit", json!(["x"]))),
        differs: Only(
            Profile::Distribution28,
            challenge(
                "invalid_token",
                "RFC 7515 section 4.1.11: what is critical must be understood",
            ),
        ),
    },
    Token {
        name: "PS256",
        make: |mint| mint.sign(&with_header(mint, "alg", json!("PS256"))),
        differs: Nowhere,
    },
    Token {
        name: "actions null",
        make: |mint| {
            with_claim(
                mint,
                "access",
                json!([{"type": "repository", "name": APP, "actions": null}]),
            )
        },
        differs: Nowhere,
    },
    Token {
        name: "no access",
        make: |mint| with_claim(mint, "access", Value::Null),
        differs: Nowhere,
    },
    Token {
        name: "a signature with padding",
        make: |mint| format!("{}==", mint.token(PULL)),
        differs: Only(
            Profile::Distribution28,
            challenge(
                "invalid_token",
                "RFC 7515 section 2: base64url without padding",
            ),
        ),
    },
    Token {
        name: "claims in another case",
        make: |mint| {
            let mut draft = mint.draft(PULL);
            let issuer = draft.claims["iss"].take();
            draft.claims.as_object_mut().unwrap().remove("iss");
            draft.claims["ISS"] = issuer;
            mint.sign(&draft)
        },
        differs: Each(challenge("invalid_token", CASE), refusal(401, CASE)),
    },
    Token {
        name: "an algorithm for another kind of key",
        make: |mint| mint.sign(&with_header(mint, "alg", json!("ES256"))),
        differs: Nowhere,
    },
    Token {
        name: "x5c that is no list",
        make: |mint| mint.sign(&with_header(mint, "x5c", json!("x"))),
        differs: Nowhere,
    },
    Token {
        name: "x5c of the trusted certificate, and no kid",
        make: |mint| {
            let mut draft = with_header(mint, "x5c", x5c(&mint.certificate));
            draft.header.as_object_mut().unwrap().remove("kid");
            mint.sign(&draft)
        },
        differs: Nowhere,
    },
    Token {
        name: "x5c of the trusted certificate twice",
        make: |mint| {
            let one = x5c(&mint.certificate)[0].clone();
            mint.sign(&with_header(mint, "x5c", json!([one, one])))
        },
        differs: Everywhere(challenge("invalid_token", CHAIN)),
    },
    Token {
        name: "a jwk of the trusted key without an id",
        make: |mint| {
            let mut jwk = mint.jwk_with_trusted_kid(&mint.certificate);
            jwk.as_object_mut().unwrap().remove("kid");
            mint.sign(&with_header(mint, "jwk", jwk))
        },
        differs: Nowhere,
    },
];

const CASE: &str = "readers that heed case and readers that do not must not see different claims";

/// What stands in Authorization, with `T` for a good token.
pub(super) const AUTHORIZATIONS: &[(&[&str], Differs)] = &[
    (&["Bearer T"], Nowhere),
    (&["bearer T"], Nowhere),
    (&["Bearer  T"], Nowhere),
    (&["Bearer T x"], Nowhere),
    (&["Bearer Bearer T"], Nowhere),
    (&["Bearer \"T\""], Nowhere),
    (&["Bearer"], Nowhere),
    (&["Bearer:T"], Nowhere),
    (&["T"], Nowhere),
    (&["Basic eA=="], Nowhere),
    (&[""], Nowhere),
    (&["Bearer T", "Bearer T"], Everywhere(refusal(401, SEVERAL))),
    (
        &["Bearer T", "Bearer a.b.c"],
        Everywhere(refusal(401, SEVERAL)),
    ),
    (
        &["Bearer a.b.c", "Bearer T"],
        Everywhere(refusal(401, SEVERAL)),
    ),
    (&["Basic eA==", "Bearer T"], Nowhere),
    (&["Bearer T,"], Everywhere(refusal(401, SEVERAL))),
    (&["Basic eA==, Bearer T"], Nowhere),
];

const SEVERAL: &str = "Envoy joins several values, so one that holds a comma is none";
