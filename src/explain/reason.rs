//! The reason of a refusal, apart from the refusal.

use crate::credentials::CredentialsError;
use crate::decision::{ChallengeReason, Decision, Rejection};
use crate::form::FormError;
use crate::permit::InsufficientScope;
use crate::route::{Api, RouteError};
use crate::target::TargetError;
use crate::token::{ClaimsError, HeaderError, TokenError};

use super::Verdict;
use super::step::Step;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A token could help.
    Challenge(ChallengeReason),
    /// No token could help.
    Reject(Rejection),
}

impl Reason {
    /// The reason of a decision; `None` for a forward.
    #[must_use]
    pub fn of(decision: &Decision) -> Option<Self> {
        match decision {
            Decision::Forward(_) => None,
            Decision::Challenge(challenge) => Some(Self::Challenge(challenge.reason.clone())),
            Decision::Reject(rejection) => Some(Self::Reject(rejection.clone())),
        }
    }

    /// The reason that has this name in logs, with nothing known of its particulars.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::all().into_iter().find(|reason| reason.tag() == tag)
    }

    /// The name in logs.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::Challenge(reason) => reason.tag(),
            Self::Reject(rejection) => rejection.tag(),
        }
    }

    /// The step that gives it.
    #[must_use]
    pub const fn step(&self) -> Step {
        match self {
            Self::Challenge(reason) => Step::of_challenge(reason),
            Self::Reject(rejection) => Step::of_rejection(rejection),
        }
    }

    /// What it makes of a request.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Challenge(_) => Verdict::Challenge,
            Self::Reject(_) => Verdict::Reject,
        }
    }

    /// One of every name. A test holds it against the names in the sources.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use HeaderError::{Ambiguous, ContentType, Critical, EmbeddedKey, Json, UnknownAlgorithm};
        let (location, key_id) = (Vec::new, String::new);
        let rejections = [
            Rejection::Target(TargetError::TooLong),
            Rejection::Target(TargetError::NotAPath),
            Rejection::Target(TargetError::ControlByte),
            Rejection::Target(TargetError::BadEscape),
            Rejection::Target(TargetError::AmbiguousEscape),
            Rejection::Route(RouteError::NotClean {
                location: location(),
            }),
            Rejection::Route(RouteError::TrailingSlash {
                location: location(),
                api: Api::Distribution,
            }),
            Rejection::Route(RouteError::Unknown),
            Rejection::Route(RouteError::GitlabApi),
            Rejection::Form(FormError::RepeatedContentType),
            Rejection::Form(FormError::UnreadableContentType),
            Rejection::Form(FormError::UrlEncoded),
            Rejection::Form(FormError::Multipart),
            Rejection::Form(FormError::Namespace),
        ];
        let credentials = [
            CredentialsError::Absent,
            CredentialsError::NotBearer,
            CredentialsError::Shape,
            CredentialsError::Repeated,
        ];
        let headers = [
            Json,
            ContentType,
            Ambiguous,
            UnknownAlgorithm,
            EmbeddedKey,
            Critical,
        ];
        let tokens = [
            TokenError::TooLong,
            TokenError::Structure,
            TokenError::NoKeyId,
            TokenError::UnknownKey { key_id: key_id() },
            TokenError::AlgorithmNotForKey,
            TokenError::Signature,
            TokenError::ClaimsJson(ClaimsError::Json),
            TokenError::NullAccess,
            TokenError::Issuer,
            TokenError::Audience,
            TokenError::NoExpiry,
            TokenError::Expired { exp: 0, now: 0 },
            TokenError::NotYetValid { nbf: 0, now: 0 },
        ];
        let tokens = headers.map(TokenError::Header).into_iter().chain(tokens);
        let challenges = credentials
            .map(ChallengeReason::Credentials)
            .into_iter()
            .chain(tokens.map(ChallengeReason::Token))
            .chain([ChallengeReason::Scope(InsufficientScope)]);
        rejections
            .map(Self::Reject)
            .into_iter()
            .chain(challenges.map(Self::Challenge))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names in the sources: every string in a `const fn tag`.
    fn written() -> BTreeSet<&'static str> {
        [
            include_str!("../credentials.rs"),
            include_str!("../decision.rs"),
            include_str!("../form.rs"),
            include_str!("../permit.rs"),
            include_str!("../route.rs"),
            include_str!("../target.rs"),
            include_str!("../token.rs"),
            include_str!("../token/header.rs"),
        ]
        .into_iter()
        .flat_map(|source| source.split("pub const fn tag(").skip(1))
        .filter_map(|rest| rest.split_once("\n    }\n"))
        // The route's name in logs, which is no reason.
        .filter(|(body, _)| !body.contains("\"upload-session\""))
        .flat_map(|(body, _)| body.split('"').skip(1).step_by(2))
        .collect()
    }

    #[test]
    fn every_name_in_the_sources_has_its_reason_and_no_name_has_two() {
        let known: Vec<&str> = Reason::all().iter().map(Reason::tag).collect();
        let distinct: BTreeSet<&str> = known.iter().copied().collect();
        assert_eq!(distinct.len(), known.len());
        assert_eq!(distinct, written());
        for tag in known {
            assert_eq!(Reason::from_tag(tag).map(|reason| reason.tag()), Some(tag));
        }
        assert_eq!(Reason::from_tag("token"), None);
    }
}
