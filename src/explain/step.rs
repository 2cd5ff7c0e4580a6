//! The steps of a decision, in the order of [`crate::Authorizer::decide`].

use serde::Serialize;

use crate::decision::{ChallengeReason, Rejection};
use crate::token::{HeaderError, TokenError};

/// One step. Their order is that of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The request target is read.
    Target,
    /// The route and the repository are found.
    Route,
    /// The body is ruled out as a place for parameters.
    Body,
    /// What the request needs is looked up. Never fails.
    Access,
    /// One bearer token is taken from the Authorization fields.
    Credentials,
    /// The token is taken apart.
    Structure,
    /// The token's header is read.
    Header,
    /// The key that the header names is looked up.
    Key,
    /// The algorithm is one of the key's.
    Algorithm,
    /// The signature is verified.
    Signature,
    /// The claims are read. Only from here on does anything the token says count.
    Claims,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// `exp`.
    Expiry,
    /// `nbf`.
    Start,
    /// What the token grants is compared with what the request needs.
    Grants,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it must.
    Passed,
    /// The decision was made here.
    Failed,
    /// The decision was made before.
    NotReached,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 16] = [
        Self::Target,
        Self::Route,
        Self::Body,
        Self::Access,
        Self::Credentials,
        Self::Structure,
        Self::Header,
        Self::Key,
        Self::Algorithm,
        Self::Signature,
        Self::Claims,
        Self::Issuer,
        Self::Audience,
        Self::Expiry,
        Self::Start,
        Self::Grants,
    ];

    /// The name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Target => "Request target",
            Self::Route => "Route",
            Self::Body => "Body",
            Self::Access => "Required access",
            Self::Credentials => "Credentials",
            Self::Structure => "Token structure",
            Self::Header => "Token header",
            Self::Key => "Signing key",
            Self::Algorithm => "Algorithm",
            Self::Signature => "Signature",
            Self::Claims => "Claims",
            Self::Issuer => "Issuer",
            Self::Audience => "Audience",
            Self::Expiry => "Expiry",
            Self::Start => "Start",
            Self::Grants => "Granted access",
        }
    }

    /// The step that gives this reason for a challenge.
    #[must_use]
    pub const fn of_challenge(reason: &ChallengeReason) -> Self {
        match reason {
            ChallengeReason::Credentials(_) => Self::Credentials,
            ChallengeReason::Token(error) => Self::of_token(error),
            ChallengeReason::Scope(_) => Self::Grants,
        }
    }

    /// The step that gives this reason for a rejection.
    #[must_use]
    pub const fn of_rejection(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::Target(_) => Self::Target,
            Rejection::Route(_) => Self::Route,
            Rejection::Form(_) => Self::Body,
        }
    }

    const fn of_token(error: &TokenError) -> Self {
        match error {
            TokenError::TooLong | TokenError::Structure => Self::Structure,
            TokenError::Header(
                HeaderError::Json
                | HeaderError::ContentType
                | HeaderError::Ambiguous
                | HeaderError::UnknownAlgorithm
                | HeaderError::Critical,
            ) => Self::Header,
            TokenError::Header(HeaderError::EmbeddedKey)
            | TokenError::NoKeyId
            | TokenError::UnknownKey { .. } => Self::Key,
            TokenError::AlgorithmNotForKey => Self::Algorithm,
            TokenError::Signature => Self::Signature,
            TokenError::ClaimsJson(_) | TokenError::NullAccess => Self::Claims,
            TokenError::Issuer => Self::Issuer,
            TokenError::Audience => Self::Audience,
            TokenError::NoExpiry | TokenError::Expired { .. } => Self::Expiry,
            TokenError::NotYetValid { .. } => Self::Start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_stand_in_their_order() {
        assert!(Step::ALL.is_sorted());
        assert_eq!(Step::ALL.len(), Step::Grants as usize + 1);
    }
}
