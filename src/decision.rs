//! The three answers to a request, and the reasons for two of them.

use std::fmt;

use crate::access::RequiredAccess;
use crate::challenge::ErrorCode;
use crate::credentials::CredentialsError;
use crate::form::FormError;
use crate::permit::{InsufficientScope, Permit};
use crate::route::{Api, RouteError};
use crate::target::TargetError;
use crate::token::TokenError;

/// What is to be done with a request.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// Pass it to the registry, unchanged.
    ///
    /// There is no way here without a [`Permit`]:
    ///
    /// ```compile_fail,E0308
    /// use registry_token_filter::decision::Decision;
    /// let open_door = Decision::Forward(());
    /// ```
    Forward(Permit),
    /// Answer 401 and say how to get a token.
    Challenge(Challenge),
    /// Answer what the registry would answer whatever the token, or refuse what cannot be judged.
    Reject(Rejection),
}

/// A refusal that a token could lift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What the request needs.
    pub required: RequiredAccess<'static>,
    /// The route's name in logs.
    pub route: &'static str,
    /// Of which API the route is.
    pub api: Api,
    /// Why it is refused.
    pub reason: ChallengeReason,
    /// What the client is told of it.
    pub error: Option<ErrorCode>,
}

/// Why a request is challenged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeReason {
    /// There is no usable token.
    Credentials(CredentialsError),
    /// The token is not believed.
    Token(TokenError),
    /// The token is believed and does not grant enough.
    Scope(InsufficientScope),
}

/// A refusal that no token could lift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The target cannot be read in one way only.
    Target(TargetError),
    /// The target is no route of the registry.
    Route(RouteError),
    /// The body might change what the request needs.
    Form(FormError),
}

impl Decision {
    /// The stable name of a refusal's reason, for logs, counters and tests; `None` for a forward.
    #[must_use]
    pub const fn reason_tag(&self) -> Option<&'static str> {
        match self {
            Self::Forward(_) => None,
            Self::Challenge(challenge) => Some(challenge.reason.tag()),
            Self::Reject(rejection) => Some(rejection.tag()),
        }
    }
}

impl ChallengeReason {
    /// The reason's name in logs.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::Credentials(error) => error.tag(),
            Self::Token(error) => error.tag(),
            Self::Scope(error) => error.tag(),
        }
    }
}

impl Rejection {
    /// The reason's name in logs.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::Target(error) => error.tag(),
            Self::Route(error) => error.tag(),
            Self::Form(error) => error.tag(),
        }
    }
}

impl fmt::Display for ChallengeReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(error) => error.fmt(formatter),
            Self::Token(error) => error.fmt(formatter),
            Self::Scope(error) => error.fmt(formatter),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(error) => error.fmt(formatter),
            Self::Route(error) => error.fmt(formatter),
            Self::Form(error) => error.fmt(formatter),
        }
    }
}

impl fmt::Display for Decision {
    /// One log line. Everything a client sent stands in it escaped, and no part of a token but
    /// the id of a key that is not known.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(permit) => write!(formatter, "forwarded basis={:?}", permit.basis()),
            Self::Challenge(Challenge {
                required,
                route,
                reason,
                ..
            }) => write!(
                formatter,
                "challenged reason={} route={route} required=\"{required}\": {reason}",
                reason.tag()
            ),
            Self::Reject(rejection) => {
                write!(
                    formatter,
                    "rejected reason={}: {rejection}",
                    rejection.tag()
                )
            }
        }
    }
}

impl From<TargetError> for Rejection {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<RouteError> for Rejection {
    fn from(error: RouteError) -> Self {
        Self::Route(error)
    }
}

impl From<FormError> for Rejection {
    fn from(error: FormError) -> Self {
        Self::Form(error)
    }
}

impl From<CredentialsError> for ChallengeReason {
    fn from(error: CredentialsError) -> Self {
        Self::Credentials(error)
    }
}

impl From<TokenError> for ChallengeReason {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<InsufficientScope> for ChallengeReason {
    fn from(error: InsufficientScope) -> Self {
        Self::Scope(error)
    }
}
