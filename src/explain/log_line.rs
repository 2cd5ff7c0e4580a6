//! A line of the filter's log, explained.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::advice::{self, Cause};
use super::finding;
use super::printable::{shown, shown_once};
use super::reason::Reason;
use super::{Step, Verdict};
use crate::decision::ChallengeReason;
use crate::token::{ClaimsError, TokenError};

/// What the filter says of a refused request, in its own words ([`crate::Decision`]'s display).
///
/// What a host puts before and after it is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Why the request was refused.
    pub reason: Reason,
    /// The route, for a challenge.
    pub route: Option<String>,
    /// What the request needs, for a challenge.
    pub required: Option<String>,
    /// What the filter says of the reason.
    words: String,
}

/// Why a line cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogLineError {
    /// No line of the filter's about a request.
    NotOfTheFilter,
    /// A reason that this version does not know.
    UnknownReason(String),
    /// A line of an access log, which says who answered and not why.
    AccessLog(AccessLogLine),
}

/// A line of the access log of `envoy/envoy.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLogLine {
    /// The filter answered.
    Filter,
    /// The registry answered.
    Registry,
    /// Envoy answered, for this reason.
    Envoy(String),
}

/// A log line's explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogExplanation {
    /// Challenged or rejected.
    pub verdict: Verdict,
    /// The tag.
    pub reason: &'static str,
    /// The step that failed; those before it have passed.
    pub step: Step,
    /// Its name for people.
    pub title: &'static str,
    /// The reason in a sentence.
    pub summary: String,
    /// The route, for a challenge.
    pub route: Option<String>,
    /// The scope the request needs, for a challenge.
    pub required: Option<String>,
    /// What may be behind it, the likeliest first.
    pub causes: Vec<Cause>,
}

impl LogLine {
    /// Reads a line.
    ///
    /// ```
    /// use registry_token_filter::explain::LogLine;
    ///
    /// let line = "challenged reason=token-expired route=manifest \
    ///             required=\"repository:group/app:pull\": exp 1799999700 is past at 1800000000";
    /// let explanation = LogLine::parse(line)?.explain();
    /// assert!(explanation.summary.contains("expired 5 minutes ago"));
    /// # Ok::<(), registry_token_filter::explain::LogLineError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LogLineError`], which says what the line is instead.
    pub fn parse(line: &str) -> Result<Self, LogLineError> {
        let Some((before, after)) = line.split_once("reason=") else {
            return Err(
                access_log(line).map_or(LogLineError::NotOfTheFilter, LogLineError::AccessLog)
            );
        };
        let verb = before.split_whitespace().next_back();
        if !matches!(verb, Some("challenged" | "rejected")) {
            return Err(LogLineError::NotOfTheFilter);
        }
        let end = after.find([' ', ':']).unwrap_or(after.len());
        let (tag, rest) = after.split_at(end);
        let reason = Reason::from_tag(tag)
            .ok_or_else(|| LogLineError::UnknownReason(shown(tag.as_bytes())))?;
        let (route, rest) = match rest.strip_prefix(" route=") {
            Some(rest) => rest
                .split_once(' ')
                .map_or((Some(rest), ""), |(route, rest)| (Some(route), rest)),
            None => (None, rest),
        };
        let (required, rest) = match rest.strip_prefix("required=\"").map(until_quote) {
            Some((required, rest)) => (Some(required), rest),
            None => (None, rest),
        };
        let words = rest.trim_start_matches(':').trim();
        let text = |text: &str| shown(text.as_bytes());
        Ok(Self {
            reason: with_particulars(reason, words),
            route: route.map(text),
            required: required.map(shown_once),
            words: shown_once(words),
        })
    }

    /// Explains it.
    #[must_use]
    pub fn explain(&self) -> LogExplanation {
        let step = self.reason.step();
        LogExplanation {
            verdict: self.reason.verdict(),
            reason: self.reason.tag(),
            step,
            title: step.title(),
            summary: self.summary(),
            route: self.route.clone(),
            required: self.required.clone(),
            causes: advice::causes(&self.reason, None),
        }
    }

    fn summary(&self) -> String {
        match &self.reason {
            Reason::Challenge(ChallengeReason::Token(TokenError::Expired { exp, now }))
                if *now > 0 =>
            {
                finding::expired(*exp, *now)
            }
            Reason::Challenge(ChallengeReason::Token(TokenError::NotYetValid { nbf, now }))
                if *now > 0 =>
            {
                finding::not_yet_valid(*nbf, *now)
            }
            Reason::Challenge(ChallengeReason::Token(TokenError::UnknownKey { key_id }))
                if !key_id.is_empty() =>
            {
                let key_id = shown(key_id.as_bytes());
                format!(
                    "The token says it is signed by key {key_id}, which is not in the edge's bundle."
                )
            }
            Reason::Challenge(ChallengeReason::Scope(_)) => match &self.required {
                Some(required) => format!(
                    "The token is genuine, but does not grant all of what the request needs: {required}."
                ),
                None => finding::sentence(&self.words),
            },
            Reason::Reject(rejection) => finding::rejected(rejection),
            Reason::Challenge(reason) => finding::sentence(&reason.to_string()),
        }
    }
}

/// The text up to the quote that ends it, and what follows.
fn until_quote(text: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = text.find(|letter| {
        let is_end = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        is_end
    });
    match end {
        Some(end) => (
            text.get(..end).unwrap_or_default(),
            text.get(end + 1..).unwrap_or_default(),
        ),
        None => (text, ""),
    }
}

/// The reason with what the filter's words say of it.
fn with_particulars(reason: Reason, words: &str) -> Reason {
    let Reason::Challenge(ChallengeReason::Token(error)) = reason else {
        return reason;
    };
    let error = match (error, finding::numbers(words)) {
        (TokenError::Expired { .. }, Some((exp, now))) => TokenError::Expired { exp, now },
        (TokenError::NotYetValid { .. }, Some((nbf, now))) => TokenError::NotYetValid { nbf, now },
        (TokenError::UnknownKey { .. }, _) => {
            let quoted = words.split_once('"').map(|(_, rest)| until_quote(rest).0);
            TokenError::UnknownKey {
                key_id: quoted.unwrap_or_default().to_owned(),
            }
        }
        (TokenError::ClaimsJson(_), _) => {
            let mut known = ClaimsError::ALL.into_iter();
            let error = known.find(|error| error.to_string() == words);
            TokenError::ClaimsJson(error.unwrap_or(ClaimsError::Json))
        }
        (error, _) => error,
    };
    Reason::Challenge(ChallengeReason::Token(error))
}

/// Who answered, by a line of the access log.
fn access_log(line: &str) -> Option<AccessLogLine> {
    let start = line.find('{')?;
    let entry: Value = serde_json::from_str(line.get(start..)?.trim()).ok()?;
    let details = entry
        .get("details")
        .or_else(|| entry.get("response_code_details"));
    entry.get("status").or_else(|| entry.get("response_code"))?;
    Some(match details.and_then(Value::as_str).unwrap_or_default() {
        "" | "-" => AccessLogLine::Filter,
        "via_upstream" => AccessLogLine::Registry,
        other => AccessLogLine::Envoy(shown(other.as_bytes())),
    })
}

impl fmt::Display for LogLineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOfTheFilter => formatter.write_str(
                "the line is not the filter's about a request: expected `challenged reason=…` or \
                 `rejected reason=…`",
            ),
            Self::UnknownReason(tag) => write!(
                formatter,
                "the reason \"{tag}\" is not known here: use the edgectl of the filter's own version"
            ),
            Self::AccessLog(AccessLogLine::Filter) => formatter.write_str(
                "the line is of the access log, and the filter answered: give the line of the \
                 proxy's own log at the same time, which has `reason=`",
            ),
            Self::AccessLog(AccessLogLine::Registry) => formatter.write_str(
                "the line is of the access log, and the registry answered, not the filter: look \
                 into the registry's log. A 401 from there is about a protected or immutable tag, \
                 or its issuer, service or certificate differs from the edge's",
            ),
            Self::AccessLog(AccessLogLine::Envoy(why)) => write!(
                formatter,
                "the line is of the access log, and neither filter nor registry answered but \
                 Envoy, for \"{why}\""
            ),
        }
    }
}

impl std::error::Error for LogLineError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tag, summary, route and required scope; or the error.
    fn told(line: &str) -> Result<(&'static str, String, String), String> {
        let told = LogLine::parse(line)
            .map_err(|error| error.to_string())?
            .explain();
        let needs = format!("{:?} {:?}", told.route, told.required);
        Ok((told.reason, told.summary, needs))
    }

    #[test]
    fn lines_are_read_with_what_hosts_put_around_them() {
        let envoy = "[2026-11-25 03:00:00.123][17][info][wasm] [source/extensions/common/wasm/context.cc:1195] wasm log edge: ";
        let line = "challenged reason=token-expired route=manifest required=\"repository:group/app:pull\": exp 1799999700 is past at 1800000000";
        for prefix in ["", envoy, "2026/11/25 03:00:00 [info] 17#17: "] {
            let (reason, summary, needs) = told(&format!("{prefix}{line}")).unwrap();
            assert_eq!(reason, "token-expired");
            assert_eq!(
                summary,
                "The token expired 5 minutes ago, at 2027-01-15T07:55:00Z; the leeway of 60 seconds is over too."
            );
            assert_eq!(
                needs,
                "Some(\"manifest\") Some(\"repository:group/app:pull\")"
            );
        }
        let (reason, _, needs) =
            told("rejected reason=route-unknown: the registry has no such route").unwrap();
        assert_eq!((reason, needs.as_str()), ("route-unknown", "None None"));
        // Cut short, as by a terminal.
        assert_eq!(
            told("challenged reason=token-signature").unwrap().0,
            "token-signature"
        );
        let (_, summary, _) = told("challenged reason=token-unknown-key route=base required=\"any token\": no trusted key has the id \"344E:2ID3\"").unwrap();
        assert_eq!(
            summary,
            "The token says it is signed by key 344E:2ID3, which is not in the edge's bundle."
        );
    }

    #[test]
    fn other_lines_are_told_for_what_they_are() {
        for (line, said) in [
            ("", "not the filter's"),
            ("reason=token-expired", "not the filter's"),
            (
                "challenged reason=token-of-tomorrow route=base",
                "\"token-of-tomorrow\" is not known",
            ),
            (
                r#"{"status":401,"details":"","path":"/v2/"}"#,
                "the filter answered",
            ),
            (
                r#"{"status":401,"details":"via_upstream"}"#,
                "the registry answered",
            ),
            (
                r#"{"status":503,"details":"no_healthy_upstream\u001b"}"#,
                r"no_healthy_upstream\x1b",
            ),
        ] {
            let error = told(line).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
