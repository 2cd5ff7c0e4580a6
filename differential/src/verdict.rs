//! How two answers to the same request compare.

use std::fmt;

use serde_json::Value;

use crate::challenge::Challenge;
use testbed::registry::is_refusal;
use testbed::wire::{Answer, Response};

/// What the comparison of a case came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Nothing a client could tell apart.
    Identical(Kind),
    /// The edge refuses, or refuses otherwise, by a named rule.
    Listed(&'static str),
    /// It must not be: what, and the difference.
    Failed(Failure, String),
}

/// What was identical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Forwarded,
    Challenge,
    Redirect,
    NotFound,
    BadRequest,
    /// `/`, which the registry answers to anyone.
    Root,
}

/// What must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// The registry refuses and the edge forwarded.
    Looser,
    /// The registry lets pass what the edge refuses, by no rule.
    Stricter,
    /// Both refuse, and a client sees another answer, by no rule.
    RefusedOtherwise,
    /// Both let pass, and the pool saw another request.
    ServedOtherwise,
}

impl Failure {
    pub(crate) const ALL: [Self; 4] = [
        Self::Looser,
        Self::Stricter,
        Self::RefusedOtherwise,
        Self::ServedOtherwise,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Looser => "looser than the registry",
            Self::Stricter => "stricter, by no rule",
            Self::RefusedOtherwise => "refused otherwise, by no rule",
            Self::ServedOtherwise => "served otherwise",
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Forwarded,
        Self::Challenge,
        Self::Redirect,
        Self::NotFound,
        Self::BadRequest,
        Self::Root,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Challenge => "challenged",
            Self::Redirect => "redirected",
            Self::NotFound => "not found",
            Self::BadRequest => "bad request",
            Self::Root => "`/` forwarded to anyone",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What the registry with its own token check made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Authentication is passed; whatever the handler answers.
    Passed,
    /// Refused before, in this way.
    Refused(Kind),
    /// The connection was closed: a defect of the registry, and no way through.
    Closed,
    /// `/` alone.
    Root,
}

impl Standing {
    /// Tells by the answer.
    pub(crate) fn of(answer: &Answer) -> Self {
        let Answer::Responded(response) = answer else {
            return Self::Closed;
        };
        match response.status {
            _ if !is_refusal(response) => match response.field(API_VERSION) {
                None if response.status == 200 => Self::Root,
                _ => Self::Passed,
            },
            401 => Self::Refused(Kind::Challenge),
            301 => Self::Refused(Kind::Redirect),
            404 => Self::Refused(Kind::NotFound),
            _ => Self::Refused(Kind::BadRequest),
        }
    }
}

const API_VERSION: &str = "docker-distribution-api-version";

/// Fields that a client may act on, compared as they are.
const FIELDS: [&str; 6] = [
    "allow",
    "content-type",
    API_VERSION,
    "location",
    "retry-after",
    "x-content-type-options",
];

/// How two refusals differ, for a person; empty if no client can tell them apart.
pub(crate) fn difference(registry: &Response, edge: &Response) -> String {
    let mut differences = Vec::new();
    if registry.status != edge.status {
        differences.push(format!("status {} not {}", edge.status, registry.status));
    }
    // The words of a server that reads no further are its own.
    if registry.status == 400 && edge.status == 400 && !is_json(registry) {
        return differences.join("; ");
    }
    let (theirs, ours) = (challenge(registry), challenge(edge));
    if theirs != ours {
        let shown = |response: &Response| {
            response
                .field("www-authenticate")
                .unwrap_or_else(|| "none".to_owned())
        };
        differences.push(format!("challenge {} not {}", shown(edge), shown(registry)));
    }
    for name in FIELDS {
        let (theirs, ours) = (registry.field(name), edge.field(name));
        if theirs != ours {
            differences.push(format!("{name} {ours:?} not {theirs:?}"));
        }
    }
    if body(registry) != body(edge) {
        differences.push(format!("body {:?} not {:?}", edge.text(), registry.text()));
    }
    differences.join("; ")
}

/// The parsed challenge; the raw value where it is none.
fn challenge(response: &Response) -> Result<Option<Challenge>, String> {
    match response.field("www-authenticate") {
        None => Ok(None),
        Some(value) => match Challenge::parse(value.as_bytes()) {
            Some(challenge) => Ok(Some(challenge)),
            None => Err(value),
        },
    }
}

/// The challenge of a 401.
pub(crate) fn challenge_of(answer: &Answer) -> Option<Challenge> {
    match answer {
        Answer::Responded(response) if response.status == 401 => challenge(response).ok()?,
        _ => None,
    }
}

/// JSON as a value, anything else as text.
pub(crate) fn body(response: &Response) -> Value {
    match serde_json::from_slice(&response.body) {
        Ok(json) if is_json(response) => json,
        _ => response.text().into(),
    }
}

pub(crate) fn is_json(response: &Response) -> bool {
    let kind = response.field("content-type");
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}
