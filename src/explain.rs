//! Why a request is forwarded or refused, step by step.
//!
//! There is no second policy here. [`Authorizer::decide`] decides; each of its reasons belongs to
//! exactly one [`Step`], and the steps stand in the order in which `decide` takes them. So the steps
//! before that one have passed, it has failed, and those after it were not reached. What a step saw
//! is read with the pipeline's own types.
//!
//! This is for people and their tools, natively and in a browser. The artifact for hosts is built
//! without it, and a host's log stays the one line of [`crate::decision`]: an explanation shows
//! what a token says, which a log never does. It shows no signature and no part of a token's text.

mod advice;
mod evidence;
mod finding;
mod inquiry;
mod log_line;
mod moment;
mod printable;
mod reason;
mod step;
mod unproven;

pub use advice::Cause;
pub use inquiry::{Inquiry, InquiryError, RequestText, TokenText};
pub use log_line::{AccessLogLine, LogExplanation, LogLine, LogLineError};
pub use moment::{MomentError, date, parse_moment};
pub use reason::Reason;
pub use step::{Outcome, Step};
pub use unproven::{Member, Standing, TokenSays};

use serde::Serialize;

use crate::authorizer::Authorizer;
use crate::decision::Decision;
use crate::permit::Basis;
use crate::request::RequestHead;
use crate::time::UnixTime;

use evidence::Evidence;

/// What became of a request, and why.
///
/// Every text in it is safe to print: what a client sent stands in it escaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Forwarded, challenged or rejected.
    pub verdict: Verdict,
    /// The tag of the reason, as in the filter's log; none if the request is forwarded.
    pub reason: Option<&'static str>,
    /// The verdict in one sentence.
    pub summary: String,
    /// The time that was decided for, RFC 3339.
    pub at: String,
    /// Every step in the order of the filter.
    pub steps: Vec<StepReport>,
    /// What may be behind a refusal, the likeliest first; empty if the request is forwarded.
    pub causes: Vec<Cause>,
    /// What the client gets, unless the registry answers.
    pub answer: Option<Answer>,
    /// What the token says, if there is one that can be read.
    pub token: Option<TokenSays>,
}

/// The kind of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The request goes to the registry.
    Forward,
    /// 401: a token could help.
    Challenge,
    /// No token could help.
    Reject,
}

/// What one step of the filter did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// The step.
    pub step: Step,
    /// Its name for people.
    pub title: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What it found; none if it was not reached.
    pub seen: Option<String>,
    /// What it asks for.
    pub needed: String,
}

/// The response of the filter itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names and values, as sent.
    pub headers: Vec<(String, String)>,
}

impl Explanation {
    /// Explains what `authorizer` decides about a request at `now`.
    ///
    /// ```
    /// use registry_token_filter::explain::{Explanation, Outcome, Step};
    /// use registry_token_filter::{Authorizer, Body, Config, RequestHead, UnixTime};
    ///
    /// # let config = serde_json::json!({
    /// #     "realm": "https://gitlab.example.com/jwt/auth",
    /// #     "service": "container_registry",
    /// #     "issuer": "omnibus-gitlab-issuer",
    /// #     "rootcertbundle": include_str!("../tests/fixtures/keys/registry.crt"),
    /// # });
    /// # let config = Config::from_json(config.to_string().as_bytes(), &[])?;
    /// let head = RequestHead {
    ///     method: b"GET",
    ///     target: b"/v2/group/app/manifests/latest",
    ///     host: &[],
    ///     forwarded_proto: &[],
    ///     authorization: &[b"Basic YTpi"],
    ///     content_type: &[],
    ///     body: Body::Empty,
    /// };
    /// let now = UnixTime::from_seconds(1_800_000_000);
    /// let explanation = Explanation::of(&Authorizer::new(config), &head, now);
    ///
    /// assert_eq!(explanation.reason, Some("credentials-not-bearer"));
    /// let failed = explanation.steps.iter().find(|report| report.outcome == Outcome::Failed);
    /// assert_eq!(failed.map(|report| report.step), Some(Step::Credentials));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of(authorizer: &Authorizer, head: &RequestHead<'_>, now: UnixTime) -> Self {
        let decision = authorizer.decide(head, now);
        let end = End::of(&decision);
        Evidence::gather(authorizer.config(), head, now, |evidence| {
            let steps = Step::ALL
                .into_iter()
                .map(|step| {
                    let outcome = end.outcome(step);
                    StepReport {
                        step,
                        title: step.title(),
                        outcome,
                        seen: (outcome != Outcome::NotReached)
                            .then(|| evidence.seen(step, outcome)),
                        needed: evidence.needed(step),
                    }
                })
                .collect();
            let reason = Reason::of(&decision);
            let answer = authorizer.response(&decision, head);
            Self {
                verdict: Verdict::of(&decision),
                reason: decision.reason_tag(),
                summary: finding::summary(&decision, evidence),
                at: date(now.seconds()),
                steps,
                causes: reason
                    .map(|reason| advice::causes(&reason, Some(evidence)))
                    .unwrap_or_default(),
                answer: answer.map(|response| Answer {
                    status: response.status,
                    headers: response.headers,
                }),
                token: evidence.token_says(end.outcome(Step::Signature), end.outcome(Step::Claims)),
            }
        })
    }
}

impl Verdict {
    const fn of(decision: &Decision) -> Self {
        match decision {
            Decision::Forward(_) => Self::Forward,
            Decision::Challenge(_) => Self::Challenge,
            Decision::Reject(_) => Self::Reject,
        }
    }
}

/// Where a decision was made.
#[derive(Clone, Copy, Debug)]
enum End {
    /// By this step, which everything before it led to.
    Failed(Step),
    /// After this step, with a permit.
    Passed(Step),
}

impl End {
    fn of(decision: &Decision) -> Self {
        match decision {
            Decision::Forward(permit) => Self::Passed(match permit.basis() {
                Basis::Token => Step::Grants,
                Basis::Exemption(_) => Step::Target,
            }),
            Decision::Challenge(challenge) => Self::Failed(Step::of_challenge(&challenge.reason)),
            Decision::Reject(rejection) => Self::Failed(Step::of_rejection(rejection)),
        }
    }

    fn outcome(self, step: Step) -> Outcome {
        let (end, at_end) = match self {
            Self::Failed(end) => (end, Outcome::Failed),
            Self::Passed(end) => (end, Outcome::Passed),
        };
        match step.cmp(&end) {
            std::cmp::Ordering::Less => Outcome::Passed,
            std::cmp::Ordering::Equal => at_end,
            std::cmp::Ordering::Greater => Outcome::NotReached,
        }
    }
}
