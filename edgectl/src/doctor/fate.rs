//! What became of a request: refused at the edge, or let through to something that served it.

use serde_json::Value;

use super::challenge::Challenge;
use crate::http::{Answer, NoAnswer};

/// What became of a request.
#[derive(Debug, Clone)]
pub(super) enum Fate {
    /// 401, with its challenge or a few words about what stands in its place.
    Challenged(Result<Challenge, String>),
    /// A refusal that says nothing about what lies behind.
    Refused(u16),
    /// A redirect, and where to.
    Redirected(u16, String),
    /// A success.
    Served(u16),
    /// A refusal by the registry's handlers, which come after the token check; with the registry's code.
    Handled(u16, String),
    /// The server is not able to answer at the moment.
    Failed(u16),
    /// No answer.
    Silent(NoAnswer),
}

impl From<Result<Answer, NoAnswer>> for Fate {
    fn from(result: Result<Answer, NoAnswer>) -> Self {
        let answer = match result {
            Ok(answer) => answer,
            Err(silence) => return Self::Silent(silence),
        };
        let status = answer.status;
        match status {
            401 => Self::Challenged(Challenge::of(&answer)),
            200..=299 => Self::Served(status),
            300..=399 => {
                let location = answer.field("location").unwrap_or_default();
                Self::Redirected(status, location.to_owned())
            }
            429 | 500 | 502..=599 => Self::Failed(status),
            // Go's router, inside the registry: the filter and Envoy never answer with `Allow`.
            405 if answer.field("allow").is_some() => {
                Self::Handled(status, "Method not allowed".to_owned())
            }
            _ => handler_code(&answer)
                .map_or(Self::Refused(status), |code| Self::Handled(status, code)),
        }
    }
}

/// The code of an error that only a handler of the registry has (Distribution's `errcode`).
fn handler_code(answer: &Answer) -> Option<String> {
    const HANDLERS: [&str; 4] = ["BLOB_", "MANIFEST_", "NAME_", "TAG_"];
    const ALSO: [&str; 3] = [
        "DIGEST_INVALID",
        "PAGINATION_NUMBER_INVALID",
        "SIZE_INVALID",
    ];
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let code = body.pointer("/errors/0/code")?.as_str()?;
    let is_handlers =
        HANDLERS.iter().any(|family| code.starts_with(family)) || ALSO.contains(&code);
    is_handlers.then(|| code.chars().take(40).collect())
}

impl Fate {
    /// Whether something behind the check answered.
    pub(super) fn is_through(&self) -> bool {
        matches!(self, Self::Served(_) | Self::Handled(..))
    }

    /// Whether nothing can be concluded.
    pub(super) fn is_mute(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Silent(_))
    }
}

/// A few words, after "the answer is".
impl std::fmt::Display for Fate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Challenged(Ok(challenge)) if challenge.scopes.is_empty() => {
                formatter.write_str("401")
            }
            Self::Challenged(Ok(challenge)) => {
                write!(
                    formatter,
                    "401, asking for {}",
                    shown(&challenge.scopes.join(" "))
                )
            }
            Self::Challenged(Err(what)) => write!(formatter, "401 {}", shown(what)),
            Self::Refused(status) | Self::Served(status) | Self::Failed(status) => {
                write!(formatter, "{status}")
            }
            Self::Redirected(status, location) => {
                write!(formatter, "{status} to {}", shown(location))
            }
            Self::Handled(status, code) => write!(formatter, "{status} {}", shown(code)),
            Self::Silent(silence) => write!(formatter, "{}", shown(&silence.to_string())),
        }
    }
}

/// A server's words on a terminal: without control characters, and not too many.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 160;
    let mut shown: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().count() > MOST {
        shown.push('…');
    }
    shown.replace("\\'", "'").replace("\\\"", "\"")
}
