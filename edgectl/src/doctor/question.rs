//! A question to the edge: the requests that ask it, and how their fates answer it.

use serde::Serialize;

use super::fate::Fate;
use crate::http::Request;

/// A repository that no registry has. Everything that names one names this.
pub(super) const REPOSITORY: &str = "edgectl-doctor/probe";
/// Another one, as the source of a mount.
pub(super) const OTHER: &str = "edgectl-doctor/other";

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it must be.
    Right,
    /// Not as it must be.
    Wrong,
    /// Could not be found out.
    Unknown,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The result.
    pub verdict: Verdict,
    /// What was seen, as a sentence.
    pub found: String,
    /// What to do, as a sentence; always there unless all is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// As it must be.
    pub(super) fn right(found: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Right,
            found: found.into(),
            remedy: None,
        }
    }

    /// Not as it must be.
    pub(super) fn wrong(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Wrong,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// Could not be found out.
    pub(super) fn unknown(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            ..Self::wrong(found, remedy)
        }
    }
}

/// A request, and in words who seems to send it.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The request.
    pub request: Request,
    /// "no token", "a token of another key".
    pub bearing: &'static str,
}

impl Probe {
    pub(super) fn nobody(request: Request) -> Self {
        Self {
            request,
            bearing: "no token",
        }
    }

    pub(super) fn bearing(bearing: &'static str, token: &str, request: Request) -> Self {
        Self {
            request: request.bearer(token),
            bearing,
        }
    }
}

/// `GET /v2/ with no token`; no token is ever shown.
impl std::fmt::Display for Probe {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Request {
            method,
            target,
            fields,
            body,
        } = &self.request;
        write!(formatter, "{method} {target} with {}", self.bearing)?;
        for (name, value) in fields.iter().filter(|(name, _)| *name != "authorization") {
            write!(formatter, ", {name}: {value}")?;
        }
        if !body.is_empty() {
            write!(formatter, ", body {:?}", body)?;
        }
        Ok(())
    }
}

/// How the fates of a question's probes, in their order, answer it.
type Judge = Box<dyn Fn(&[Fate]) -> Finding + Send + Sync>;

/// A question to the edge.
pub struct Question {
    /// Name of the check.
    pub name: &'static str,
    /// What is sent.
    pub probes: Vec<Probe>,
    judge: Judge,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

impl Question {
    pub(super) fn new(
        name: &'static str,
        probes: Vec<Probe>,
        judge: impl Fn(&[Fate]) -> Finding + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            probes,
            judge: Box::new(judge),
        }
    }

    /// One that is answered rightly when every request is refused before the registry's handlers.
    pub(super) fn refused(name: &'static str, probes: Vec<Probe>, remedy: &'static str) -> Self {
        let asked: Vec<String> = probes
            .iter()
            .map(|probe| probe.request.target.clone())
            .collect();
        Self::new(name, probes, move |fates| {
            all_refused(&asked, fates, remedy)
        })
    }

    /// Judges the fates of the probes.
    pub(super) fn judge(&self, fates: &[Fate]) -> Finding {
        (self.judge)(fates)
    }
}

fn all_refused(asked: &[String], fates: &[Fate], remedy: &str) -> Finding {
    let described = |is: fn(&Fate) -> bool| -> Vec<String> {
        let cases = asked.iter().zip(fates).filter(|(_, fate)| is(fate));
        cases
            .map(|(target, fate)| format!("{target}: {fate}"))
            .collect()
    };
    let through = described(Fate::is_through);
    if !through.is_empty() {
        return Finding::wrong(format!("let through: {}", through.join("; ")), remedy);
    }
    let mute = described(Fate::is_mute);
    if !mute.is_empty() {
        return mute_finding(&mute.join("; "));
    }
    match fates {
        [fate] => Finding::right(format!("refused: {fate}")),
        _ => Finding::right(format!("{} of {} refused", fates.len(), fates.len())),
    }
}

/// That of a request without an answer, or with one that says nothing.
pub(super) fn mute_finding(said: &str) -> Finding {
    Finding::unknown(
        format!("cannot be told: {said}"),
        "Ask again when the edge and the registry behind it answer; a slow one may need --timeout.",
    )
}
