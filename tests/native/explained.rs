//! Every decision of the corpus, explained: the explanation ends as the decision does, and at the
//! step that the reason belongs to.

use registry_token_filter::access::RequiredAccess;
use registry_token_filter::credentials::Credentials;
use registry_token_filter::explain::{
    Explanation, LogLine, Outcome, Reason, Standing, Step, Verdict,
};
use registry_token_filter::form;
use registry_token_filter::keys::signature::Portable;
use registry_token_filter::permit::Permit;
use registry_token_filter::route::Route;
use registry_token_filter::target::Target;
use registry_token_filter::token::{UntrustedToken, VerifiedToken};
use registry_token_filter::{Authorizer, Decision, RequestHead, UnixTime};

/// Fails if the explanation of a decision differs from it.
pub(crate) fn compare(
    authorizer: &Authorizer,
    head: &RequestHead<'_>,
    now: UnixTime,
    decision: &Decision,
) {
    let explanation = Explanation::of(authorizer, head, now);
    let reason = decision.reason_tag();
    assert_eq!(explanation.reason, reason);
    let verdict = match decision {
        Decision::Forward(_) => Verdict::Forward,
        Decision::Challenge(_) => Verdict::Challenge,
        Decision::Reject(_) => Verdict::Reject,
    };
    assert_eq!(explanation.verdict, verdict);
    let answer = authorizer.response(decision, head);
    let explained = explanation.answer.as_ref();
    assert_eq!(
        explained.map(|answer| (answer.status, &answer.headers)),
        answer
            .as_ref()
            .map(|answer| (answer.status, &answer.headers)),
    );

    let steps: Vec<Step> = explanation.steps.iter().map(|report| report.step).collect();
    assert_eq!(steps, Step::ALL);
    let failed: Vec<Step> = having(&explanation, Outcome::Failed).collect();
    assert_eq!(failed, reason.map(step_of).into_iter().collect::<Vec<_>>());
    assert_eq!(explanation.causes.is_empty(), reason.is_none());
    for report in &explanation.steps {
        assert_eq!(report.seen.is_none(), report.outcome == Outcome::NotReached);
    }
    // Each step by itself, in the order of the types: what passes here has passed there.
    let passed: Vec<Step> = having(&explanation, Outcome::Passed).collect();
    let walked = walk(authorizer, head, now);
    assert!(
        walked.iter().all(|step| passed.contains(step)),
        "{walked:?} hold, told as passed: {passed:?}"
    );
    let proven = passed.contains(&Step::Claims);
    if let Some(token) = &explanation.token {
        assert_eq!(token.standing == Standing::Proven, proven);
        let signed = passed.contains(&Step::Signature);
        assert_eq!(token.standing == Standing::Unproven, !signed);
    }
    secrets_stay_out(head, &explanation);
    if let Some(reason) = reason {
        told_by_the_log(decision, reason);
    }
}

/// The filter's own line about a decision is read back as that decision.
fn told_by_the_log(decision: &Decision, reason: &str) {
    let line = format!("[2027-01-15 08:00:00.000][12][info][wasm] wasm log edge: {decision}");
    let read = LogLine::parse(&line).expect("a line of the filter is one");
    let told = read.explain();
    assert_eq!((told.reason, told.step), (reason, step_of(reason)));
    assert!(!told.causes.is_empty());
    if let Decision::Challenge(challenge) = decision {
        assert_eq!(told.route.as_deref(), Some(challenge.route));
        assert_eq!(read.reason, Reason::Challenge(challenge.reason.clone()));
        if let Some(required) = told.required.filter(|required| !required.contains('…')) {
            assert_eq!(required, challenge.required.to_string());
        }
    }
}

fn having(explanation: &Explanation, outcome: Outcome) -> impl Iterator<Item = Step> {
    let steps = explanation.steps.iter();
    steps
        .filter(move |report| report.outcome == outcome)
        .map(|report| report.step)
}

/// Which step a reason belongs to, by its name, written down apart from the library.
fn step_of(reason: &str) -> Step {
    match reason {
        "token-too-long" | "token-structure" => Step::Structure,
        "token-no-key-id" | "token-unknown-key" | "token-embedded-key" => Step::Key,
        "token-algorithm-not-for-key" => Step::Algorithm,
        "token-signature" => Step::Signature,
        "token-claims" | "token-null-access" => Step::Claims,
        "token-issuer" => Step::Issuer,
        "token-audience" => Step::Audience,
        "token-no-expiry" | "token-expired" => Step::Expiry,
        "token-not-yet-valid" => Step::Start,
        "insufficient-scope" => Step::Grants,
        _ if reason.starts_with("token-") => Step::Header,
        _ if reason.starts_with("target-") => Step::Target,
        _ if reason.starts_with("credentials-") => Step::Credentials,
        _ if reason.starts_with("form-") || reason.starts_with("content-type-") => Step::Body,
        "path-not-clean" | "path-trailing-slash" | "route-unknown" | "gitlab-api-denied" => {
            Step::Route
        }
        other => panic!("no step for {other}"),
    }
}

/// The last step of each stage that holds, one stage after the other, without `decide`.
fn walk(authorizer: &Authorizer, head: &RequestHead<'_>, now: UnixTime) -> Vec<Step> {
    let mut held = Vec::new();
    let _ = stages(authorizer, head, now, &mut held);
    held
}

fn stages(
    authorizer: &Authorizer,
    head: &RequestHead<'_>,
    now: UnixTime,
    held: &mut Vec<Step>,
) -> Option<()> {
    let config = authorizer.config();
    let target = Target::parse(head.target).ok()?;
    held.push(Step::Target);
    if Permit::exempt(&target).is_some() {
        return None;
    }
    let route = Route::parse(&target, config.profile(), config.gitlab_api()).ok()?;
    held.push(Step::Route);
    if route.repository().is_some() {
        form::refuse_form_body(head).ok()?;
    }
    if route.reads_body(head.method) {
        form::refuse_namespace_body(head).ok()?;
    }
    held.push(Step::Body);
    let required: RequiredAccess<'_> = route.required_access(head.method, &target);
    held.push(Step::Access);
    let form = config.profile().credentials_form();
    let Credentials::Bearer(token) = Credentials::from_fields(head.authorization, form) else {
        return None;
    };
    held.push(Step::Credentials);
    let untrusted = UntrustedToken::parse(token).ok()?;
    held.push(Step::Structure);
    let proven = config.verifier().prove(&untrusted, &Portable, now).ok()?;
    held.push(Step::Audience);
    let verified = VerifiedToken::at(&proven, now).ok()?;
    held.push(Step::Start);
    let _permit = Permit::for_token(&verified, &required).ok()?;
    held.push(Step::Grants);
    Some(())
}

/// Nothing in an explanation can be used as a token.
fn secrets_stay_out(head: &RequestHead<'_>, explanation: &Explanation) {
    let told = serde_json::to_string(explanation).expect("an explanation is JSON");
    for field in head.authorization {
        let parts = field.split(|byte| b". ".contains(byte));
        for part in parts.filter(|part| part.len() > 40) {
            let part = std::str::from_utf8(part).unwrap_or_default();
            assert!(part.is_empty() || !told.contains(part), "{told}");
        }
    }
}
