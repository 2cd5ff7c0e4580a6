//! What may be behind a refusal, and what to do about it.
//!
//! The likeliest cause comes first. What the evidence shows comes before what is likely in general;
//! of a log line alone, only the latter is known.

mod request;
mod shown;
mod token;

use serde::Serialize;

use crate::credentials::CredentialsError;
use crate::decision::{ChallengeReason, Rejection};

use super::evidence::Evidence;
use super::reason::Reason;

/// A cause and its remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// What may be the case.
    pub what: String,
    /// What to do then.
    pub remedy: String,
    /// A command that tells more, or does it.
    pub command: Option<&'static str>,
}

/// A cause that is known without evidence: what, remedy, command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Likely(&'static str, &'static str, Option<&'static str>);

impl From<&Likely> for Cause {
    fn from(likely: &Likely) -> Self {
        let Likely(what, remedy, command) = *likely;
        Self {
            what: what.to_owned(),
            remedy: remedy.to_owned(),
            command,
        }
    }
}

/// The causes of a refusal, the likeliest first.
pub(super) fn causes(reason: &Reason, evidence: Option<&Evidence<'_>>) -> Vec<Cause> {
    let seen = evidence.map(|evidence| shown::causes(reason, evidence));
    let is_possible =
        |likely: &&Likely| !evidence.is_some_and(|evidence| shown::rules_out(likely, evidence));
    let likely = likely(reason).iter().filter(is_possible).map(Cause::from);
    seen.unwrap_or_default().into_iter().chain(likely).collect()
}

/// What is likely in general. No wildcard: a new reason asks for its text here.
const fn likely(reason: &Reason) -> &'static [Likely] {
    match reason {
        Reason::Reject(Rejection::Target(error)) => request::target(*error),
        Reason::Reject(Rejection::Route(error)) => request::route(error),
        Reason::Reject(Rejection::Form(error)) => request::form(*error),
        Reason::Challenge(ChallengeReason::Credentials(error)) => credentials(*error),
        Reason::Challenge(ChallengeReason::Token(error)) => token::token(error),
        Reason::Challenge(ChallengeReason::Scope(_)) => token::SCOPE,
    }
}

const fn credentials(error: CredentialsError) -> &'static [Likely] {
    match error {
        CredentialsError::Absent => &[
            Likely(
                "A client asks without a token, as every client does first.",
                "Nothing. It asks the realm for a token and comes back.",
                None,
            ),
            Likely(
                "The client does not come back: it cannot reach the realm.",
                "Open the realm from the client's machine; it has to answer with a token or 401, over a certificate that the client trusts.",
                Some("curl -i \"$REALM?service=container_registry\""),
            ),
            Likely(
                "A proxy in front of the edge takes the Authorization field away.",
                "Let it pass the field, or take its own login off this host name.",
                None,
            ),
        ],
        CredentialsError::NotBearer => &[
            Likely(
                "A script sends user and password (Basic) to the registry itself.",
                "Let it ask the realm for a token with them, as docker login does, and send that as `Authorization: Bearer`.",
                None,
            ),
            Likely(
                "A monitoring check or a proxy in front adds a login of its own.",
                "Take that login off this host name; the registry would not take it either.",
                None,
            ),
        ],
        CredentialsError::Shape => &[Likely(
            "A script builds the field with two blanks, quotes, or an empty variable in the token's place.",
            "Send `Authorization: Bearer `, one blank, and the token alone.",
            None,
        )],
        CredentialsError::Repeated => &[Likely(
            "A client or a proxy adds a second Authorization, and two hops could take different ones.",
            "Send one. In curl, use either --user or --header, and look for a .netrc.",
            None,
        )],
    }
}
