//! A decision in one sentence, with what was seen and what was needed.

use crate::credentials::CredentialsError;
use crate::decision::{ChallengeReason, Decision, Rejection};
use crate::permit::{Basis, Exemption};
use crate::route::RouteError;
use crate::time::date;
use crate::token::{HeaderError, TokenError};

use super::evidence::Evidence;
use super::moment::length;
use super::printable::{in_quotes, listed, shown};

/// The sentence of a decision.
pub(super) fn summary(decision: &Decision, evidence: &Evidence<'_>) -> String {
    match decision {
        Decision::Forward(permit) => match permit.basis() {
            Basis::Token => format!(
                "The token is proven and grants what the request needs ({}); it goes to the registry.",
                evidence.required_scopes()
            ),
            Basis::Exemption(Exemption::Root) => {
                "The registry answers / to anyone; the request goes there, no token is looked at."
                    .to_owned()
            }
        },
        Decision::Challenge(challenge) => challenged(&challenge.reason, evidence),
        Decision::Reject(rejection) => rejected(rejection),
    }
}

fn challenged(reason: &ChallengeReason, evidence: &Evidence<'_>) -> String {
    match reason {
        ChallengeReason::Credentials(CredentialsError::Absent) => format!(
            "The request has no token. That is how every pull and push begins: the client now asks \
             {} for one.",
            shown(evidence.config.realm().as_bytes())
        ),
        ChallengeReason::Credentials(error) => sentence(&error.to_string()),
        ChallengeReason::Token(error) => token(error, evidence),
        ChallengeReason::Scope(_) => {
            let granted = match &evidence.token.granted()[..] {
                [] => "The token is genuine, but grants nothing".to_owned(),
                granted => format!("The token is genuine and grants {}", listed(granted)),
            };
            format!(
                "{granted}; the request needs {}. Missing: {}.",
                evidence.required_scopes(),
                listed(&evidence.missing())
            )
        }
    }
}

fn token(error: &TokenError, evidence: &Evidence<'_>) -> String {
    let (seen, verifier) = (&evidence.token, evidence.config.verifier());
    let claim = |name: &str| match seen.claim(name) {
        None => format!("has no {name}"),
        Some(serde_json::Value::String(text)) => format!("has {name} {}", in_quotes(text)),
        Some(other) => format!("has {name} {}", shown(other.to_string().as_bytes())),
    };
    match error {
        TokenError::UnknownKey { key_id } => format!(
            "The token says it is signed by key {}, which is not in the bundle; the bundle holds {}.",
            shown(key_id.as_bytes()),
            listed(&evidence.trusted_keys())
        ),
        TokenError::Header(HeaderError::EmbeddedKey) => format!(
            "{} The bundle holds {}.",
            sentence(&error.to_string()),
            listed(&evidence.trusted_keys())
        ),
        TokenError::AlgorithmNotForKey => format!(
            "The token's algorithm, {}, does not fit the key it names.",
            in_quotes(seen.header_text("alg").unwrap_or_default())
        ),
        TokenError::Signature => format!(
            "The token names key {}, which is in the bundle, but its signature is not that key's \
             over this header and these claims.",
            shown(seen.header_text("kid").unwrap_or_default().as_bytes())
        ),
        TokenError::Issuer => format!(
            "The token {}; the configuration expects iss {}.",
            claim("iss"),
            in_quotes(&verifier.issuer)
        ),
        TokenError::Audience => format!(
            "The token {}; the configuration expects aud {}.",
            claim("aud"),
            in_quotes(&verifier.service)
        ),
        TokenError::Expired { exp, now } => expired(*exp, *now),
        TokenError::NotYetValid { nbf, now } => not_yet_valid(*nbf, *now),
        TokenError::TooLong
        | TokenError::Structure
        | TokenError::Header(_)
        | TokenError::NoKeyId
        | TokenError::ClaimsJson(_)
        | TokenError::NullAccess
        | TokenError::NoExpiry => sentence(&error.to_string()),
    }
}

/// "The token expired 3 minutes ago, at …".
pub(super) fn expired(exp: i64, now: i64) -> String {
    format!(
        "The token expired {} ago, at {}; the leeway of 60 seconds is over too.",
        length(now.abs_diff(exp)),
        date(exp)
    )
}

/// "The token is valid in 4 minutes only, from …".
pub(super) fn not_yet_valid(nbf: i64, now: i64) -> String {
    format!(
        "The token is valid in {} only, from {} on; that is more than the leeway of 60 seconds.",
        length(nbf.abs_diff(now)),
        date(nbf)
    )
}

/// The sentence of a rejection.
pub(super) fn rejected(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Route(RouteError::NotClean { location }) if !location.is_empty() => format!(
            "The path is not clean; the client is redirected to {}, as by the registry.",
            shown(location)
        ),
        Rejection::Route(RouteError::TrailingSlash { location, .. }) if !location.is_empty() => {
            format!(
                "The path has a slash too many or too few at its end; the client is redirected to {}, \
             as by the registry.",
                shown(location)
            )
        }
        other => sentence(&other.to_string()),
    }
}

/// A reason's own words as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// The reading of `exp {exp} is past at {now}` and `nbf …`, the two numbers of a log line.
pub(super) fn numbers(words: &str) -> Option<(i64, i64)> {
    let mut numbers = words.split(' ').filter_map(|word| word.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}
