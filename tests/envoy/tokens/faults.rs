//! The faults, as data.

use edgectl::{Access, Account, Algorithm, Claims, Validity};
use serde_json::{Value, json};

use super::{PULL, with_claim, with_header};
use crate::support::edge::APP;
use crate::support::mint::{Draft, Mint, seconds_from_now, x5c};

/// What a challenge says of a fault. Distribution 3 names its own findings only, not those of the
/// JOSE and JSON libraries below it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    ByAll,
    NotByDistribution3,
    /// Distribution 3 takes the key that it knows by the id, and then the signature is wrong.
    ByDistribution3AsSignature,
}

use Named::{ByAll, ByDistribution3AsSignature, NotByDistribution3};

/// One fault: what it is, its reason in the log, how it is named to the client, the token with it,
/// and the same token without.
pub(crate) struct Fault {
    pub(crate) fault: &'static str,
    pub(super) reason: &'static str,
    pub(super) named: Named,
    pub(crate) refused: fn(&Mint) -> String,
    pub(crate) accepted: fn(&Mint) -> String,
}

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        fault: "signed by a stranger under the trusted key's id",
        reason: "token-signature",
        named: NotByDistribution3,
        refused: |mint| by_stranger(mint, &mint.draft(&[PULL])),
        accepted: plain,
    },
    Fault {
        fault: "a stranger's key and key id",
        reason: "token-unknown-key",
        named: ByAll,
        refused: |mint| {
            let kid = mint.stranger.key.id(mint.kid).to_owned();
            by_stranger(mint, &with_header(mint, "kid", kid.into()))
        },
        accepted: plain,
    },
    Fault {
        fault: "expired",
        reason: "token-expired",
        named: ByAll,
        refused: |mint| with_claim(mint, "exp", seconds_from_now(-90).into()),
        accepted: |mint| with_claim(mint, "exp", seconds_from_now(30).into()),
    },
    Fault {
        fault: "never expires",
        reason: "token-no-expiry",
        named: ByAll,
        refused: |mint| without_claim(mint, "exp"),
        accepted: plain,
    },
    Fault {
        fault: "not yet valid",
        reason: "token-not-yet-valid",
        named: ByAll,
        refused: |mint| with_claim(mint, "nbf", seconds_from_now(90).into()),
        accepted: |mint| without_claim(mint, "nbf"),
    },
    Fault {
        fault: "another issuer",
        reason: "token-issuer",
        named: ByAll,
        refused: |mint| with_claim(mint, "iss", "gitlab-issuer".into()),
        accepted: |mint| with_claim(mint, "iss", "omnibus-gitlab-issuer".into()),
    },
    Fault {
        fault: "no issuer",
        reason: "token-issuer",
        named: ByAll,
        refused: |mint| without_claim(mint, "iss"),
        accepted: plain,
    },
    Fault {
        fault: "for another service",
        reason: "token-audience",
        named: ByAll,
        refused: |mint| with_claim(mint, "aud", "dependency_proxy".into()),
        accepted: |mint| with_claim(mint, "aud", "container_registry".into()),
    },
    Fault {
        fault: "for no service",
        reason: "token-audience",
        named: ByAll,
        refused: |mint| without_claim(mint, "aud"),
        accepted: plain,
    },
    Fault {
        fault: "GitLab's token about a user, sent as the bearer's",
        reason: "token-issuer",
        named: ByAll,
        refused: Mint::nested_user_token,
        accepted: |mint| {
            let access = vec![Access::repository(APP, ["pull"])];
            let account = Account::named("alice");
            let validity = Validity::minutes(5);
            let claims = Claims::for_account(&mint.key, &mint.parties, &account, access, validity);
            mint.key
                .sign_with(&claims.unwrap(), Algorithm::RS256, mint.kid)
                .unwrap()
        },
    },
    Fault {
        fault: "alg none, unsigned",
        reason: "token-algorithm-unknown",
        named: ByAll,
        refused: |mint| Mint::unsigned(&with_header(mint, "alg", "none".into())),
        accepted: plain,
    },
    Fault {
        fault: "alg none over a good signature",
        reason: "token-algorithm-unknown",
        named: ByAll,
        refused: |mint| mint.sign(&with_header(mint, "alg", "none".into())),
        accepted: plain,
    },
    Fault {
        fault: "unsigned",
        reason: "token-signature",
        named: NotByDistribution3,
        refused: |mint| Mint::unsigned(&mint.draft(&[PULL])),
        accepted: plain,
    },
    Fault {
        fault: "HS256 keyed with the certificate",
        reason: "token-algorithm-not-for-key",
        named: NotByDistribution3,
        refused: |mint| {
            let draft = with_header(mint, "alg", "HS256".into());
            Mint::sign_with_secret(&draft, mint.certificate.as_bytes())
        },
        accepted: plain,
    },
    Fault {
        fault: "a payload other than the signed one",
        reason: "token-signature",
        named: NotByDistribution3,
        refused: |mint| {
            let all = mint.token(&["repository:group/app:*"]);
            let signed = mint.token(&["repository:group/secret:pull"]);
            let payload = all.split('.').nth(1).unwrap();
            let [header, _, signature] = parts(&signed);
            format!("{header}.{payload}.{signature}")
        },
        accepted: |mint| mint.token(&["repository:group/app:*"]),
    },
    Fault {
        fault: "a signature one byte short",
        reason: "token-signature",
        named: NotByDistribution3,
        refused: |mint| {
            let token = plain(mint);
            // 256 bytes are 342 characters; 340 of them are 255 bytes.
            token.get(..token.len() - 2).unwrap().to_owned()
        },
        accepted: plain,
    },
    Fault {
        fault: "two parts",
        reason: "token-structure",
        named: ByAll,
        refused: |mint| plain(mint).rsplit_once('.').unwrap().0.to_owned(),
        accepted: plain,
    },
    Fault {
        fault: "four parts",
        reason: "token-structure",
        named: ByAll,
        refused: |mint| format!("{}.e30", plain(mint)),
        accepted: plain,
    },
    Fault {
        fault: "a stranger's certificate in the token (x5c)",
        reason: "token-embedded-key",
        named: ByAll,
        refused: |mint| {
            mint.sign(&with_header(
                mint,
                "x5c",
                x5c(&mint.stranger.certificate_pem),
            ))
        },
        accepted: |mint| mint.sign(&with_header(mint, "x5c", x5c(&mint.certificate))),
    },
    Fault {
        fault: "a stranger's certificate in the token (x5c), and signed by it",
        reason: "token-embedded-key",
        named: ByAll,
        refused: |mint| {
            let certificate = x5c(&mint.stranger.certificate_pem);
            by_stranger(mint, &with_header(mint, "x5c", certificate))
        },
        accepted: |mint| mint.sign(&with_header(mint, "x5c", json!([]))),
    },
    Fault {
        fault: "the trusted certificate in the token (x5c), signed by a stranger",
        reason: "token-signature",
        named: NotByDistribution3,
        refused: |mint| by_stranger(mint, &with_header(mint, "x5c", x5c(&mint.certificate))),
        accepted: |mint| mint.sign(&with_header(mint, "x5c", Value::Null)),
    },
    Fault {
        // CVE-2025-24976: a Distribution 3 that believed the key because it knew the id.
        fault: "a stranger's key in the token (jwk) under the trusted key's id",
        reason: "token-embedded-key",
        named: ByDistribution3AsSignature,
        refused: |mint| {
            let jwk = mint.jwk_with_trusted_kid(&mint.stranger.certificate_pem);
            by_stranger(mint, &with_header(mint, "jwk", jwk))
        },
        accepted: |mint| {
            mint.sign(&with_header(
                mint,
                "jwk",
                mint.jwk_with_trusted_kid(&mint.certificate),
            ))
        },
    },
    Fault {
        fault: "an empty key in the token (jwk)",
        reason: "token-embedded-key",
        named: ByAll,
        refused: |mint| mint.sign(&with_header(mint, "jwk", json!({}))),
        accepted: |mint| mint.sign(&with_header(mint, "jwk", Value::Null)),
    },
    Fault {
        fault: "no key id, the right key",
        reason: "token-no-key-id",
        named: ByAll,
        refused: |mint| {
            let mut draft = mint.draft(&[PULL]);
            draft.header.as_object_mut().unwrap().remove("kid");
            mint.sign(&draft)
        },
        accepted: plain,
    },
    Fault {
        fault: "an empty key id",
        reason: "token-no-key-id",
        named: ByAll,
        refused: |mint| mint.sign(&with_header(mint, "kid", "".into())),
        accepted: plain,
    },
    Fault {
        fault: "the key id in lower case",
        reason: "token-unknown-key",
        named: ByAll,
        refused: |mint| {
            let kid = mint.key.id(mint.kid).to_lowercase();
            mint.sign(&with_header(mint, "kid", kid.into()))
        },
        accepted: plain,
    },
    Fault {
        fault: "the right key, by the id that the other registry knows it by",
        reason: "token-unknown-key",
        named: ByAll,
        refused: |mint| {
            let other = match mint.kid {
                edgectl::KeyIdKind::Libtrust => edgectl::KeyIdKind::Rfc7638,
                edgectl::KeyIdKind::Rfc7638 => edgectl::KeyIdKind::Libtrust,
            };
            mint.sign(&with_header(mint, "kid", mint.key.id(other).into()))
        },
        accepted: plain,
    },
    Fault {
        fault: "an end that is no whole number",
        reason: "token-claims",
        named: NotByDistribution3,
        refused: |mint| with_claim(mint, "exp", json!(4e9)),
        accepted: |mint| with_claim(mint, "exp", json!(4_000_000_000_u64)),
    },
    Fault {
        fault: "access that is no list",
        reason: "token-claims",
        named: NotByDistribution3,
        refused: |mint| {
            let access = mint.draft(&[PULL]).claims["access"][0].clone();
            with_claim(mint, "access", access)
        },
        accepted: plain,
    },
    Fault {
        fault: "a payload that is not JSON",
        reason: "token-claims",
        named: NotByDistribution3,
        refused: |mint| {
            let Draft { header, claims } = mint.draft(&[PULL]);
            let (header, payload) = (header.to_string(), format!("{claims}x"));
            mint.key
                .sign_bytes(header.as_bytes(), payload.as_bytes(), Algorithm::RS256)
                .unwrap()
        },
        accepted: |mint| {
            let Draft { header, claims } = mint.draft(&[PULL]);
            let (header, payload) = (header.to_string(), format!("{claims} "));
            mint.key
                .sign_bytes(header.as_bytes(), payload.as_bytes(), Algorithm::RS256)
                .unwrap()
        },
    },
];

fn plain(mint: &Mint) -> String {
    mint.token(&[PULL])
}

fn by_stranger(mint: &Mint, draft: &Draft) -> String {
    mint.stranger
        .key
        .sign_raw(&draft.header, &draft.claims)
        .unwrap()
}

fn without_claim(mint: &Mint, name: &str) -> String {
    let mut draft = mint.draft(&[PULL]);
    draft.claims.as_object_mut().unwrap().remove(name).unwrap();
    mint.sign(&draft)
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}
