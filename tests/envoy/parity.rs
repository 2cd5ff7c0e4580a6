//! The same request to the edge and to a registry that checks tokens itself: the same answer.
//!
//! Edge and reference have the same realm, service, issuer and certificates, and their nodes the
//! same storage. Where they differ on purpose, the difference stands here with its reason.

use serde_json::{Value, json};

use crate::support::challenge::Challenge;
use crate::support::edge::Edge;
use crate::support::http::{Answer, Request, Version};
use crate::support::image::MANIFEST;
use crate::support::suite::Test;
use crate::tokens::FAULTS;

mod difference;
mod requests;
mod tokens;

use difference::Differs::{self, Nowhere};
use requests::{CASES, PULL};
use tokens::{AUTHORIZATIONS, TOKENS, Token};

pub(crate) const TESTS: &[Test] = &[
    (
        "requests are answered as Distribution 2.8 answers them",
        |lab| answer_requests(lab.distribution_2()),
    ),
    (
        "requests are answered as Distribution 3 answers them",
        |lab| answer_requests(lab.distribution_3()),
    ),
    ("tokens are judged as Distribution 2.8 judges them", |lab| {
        judge_tokens(lab.distribution_2())
    }),
    ("tokens are judged as Distribution 3 judges them", |lab| {
        judge_tokens(lab.distribution_3())
    }),
];

fn answer_requests(edge: &Edge) {
    let mut faults = Vec::new();
    for case in CASES {
        let mut request = Request::new(case.method, case.target).field("accept", MANIFEST);
        for (name, value) in case.fields {
            request = request.field(name, value);
        }
        if let Some(scopes) = case.scopes {
            request = request.bearer(&edge.mint.token(scopes));
        }
        let request = request.body(case.body);
        let name = format!("{} {} {:?}", case.method, case.target, case.scopes);
        faults.extend(compare(edge, &name, &request, case.differs));
    }
    assert!(
        faults.is_empty(),
        "{} of {}:\n{}",
        faults.len(),
        CASES.len(),
        faults.join("\n")
    );
}

/// What of an answer a client can tell apart.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    challenge: Option<Challenge>,
    body: Value,
    fields: Vec<(&'static str, Option<String>)>,
}

/// Fields that are compared as they are.
const FIELDS: &[&str] = &[
    "allow",
    "cache-control",
    "content-length",
    "content-type",
    "docker-content-digest",
    "docker-distribution-api-version",
    "x-content-type-options",
];

impl Seen {
    fn of(answer: &Answer) -> Self {
        let header = |name: &str| answer.header(name).map(str::to_owned);
        let is_json = header("content-type").is_some_and(|kind| kind.contains("json"));
        let body = match serde_json::from_slice(&answer.body) {
            Ok(json) if is_json => json,
            _ => json!(answer.text()),
        };
        let mut fields: Vec<_> = FIELDS.iter().map(|name| (*name, header(name))).collect();
        // HTTP/2 has another way to say that there is no body.
        let is_empty = |(name, value): &(&str, Option<String>)| {
            *name == "content-length" && value.as_deref() == Some("0")
        };
        fields.retain(|field| !is_empty(field) && field.1.is_some());
        fields.push((
            "location",
            header("location").map(|place| comparable(&place)),
        ));
        Self {
            status: answer.status,
            challenge: header("www-authenticate").map(|value| Challenge::parse(&value)),
            body,
            fields,
        }
    }
}

/// A Location without what is new each time: the host that was asked, and the upload.
fn comparable(location: &str) -> String {
    let path = match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |start| &rest[start..]),
        None => location,
    };
    match path.split_once("/blobs/uploads/") {
        Some((before, upload)) if !upload.is_empty() => format!("{before}/blobs/uploads/…"),
        _ => path.to_owned(),
    }
}

/// Sends the request to both, and says how the answers differ where they should not.
fn compare(edge: &Edge, name: &str, request: &Request, differs: Differs) -> Vec<String> {
    let registry = Seen::of(&edge.reference().send(Version::Http11, request));
    let mut faults = Vec::new();
    for version in Version::BOTH {
        let seen = Seen::of(&edge.client.send(version, request));
        match differs.at(edge.profile, version) {
            None if seen != registry => faults.push(format!(
                "{} {version:?} {name}\n  edge:     {seen:?}\n  registry: {registry:?}",
                edge.profile
            )),
            Some(meant) => {
                let error = seen
                    .challenge
                    .as_ref()
                    .and_then(|challenge| challenge.error.as_deref());
                if (seen.status, error) != (meant.status, meant.error) {
                    faults.push(format!(
                        "{} {version:?} {name}: not the meant difference ({}): {seen:?}",
                        edge.profile, meant.why
                    ));
                }
                if seen == registry {
                    faults.push(format!("{} {name}: no difference any more", edge.profile));
                }
            }
            None => {}
        }
    }
    faults
}

fn judge_tokens(edge: &Edge) {
    let mut faults = Vec::new();
    let mut judge = |name: &str, token: &str, differs: Differs| {
        let request = Request::get("/v2/group/app/tags/list").bearer(token);
        faults.extend(compare(edge, name, &request, differs));
    };
    for Token {
        name,
        make,
        differs,
    } in TOKENS
    {
        judge(name, &make(&edge.mint), *differs);
    }
    for fault in FAULTS {
        judge(fault.fault, &(fault.refused)(&edge.mint), Nowhere);
        judge(
            &format!("the twin of: {}", fault.fault),
            &(fault.accepted)(&edge.mint),
            Nowhere,
        );
    }
    let good = edge.mint.token(PULL);
    for (values, differs) in AUTHORIZATIONS {
        let request =
            values
                .iter()
                .fold(Request::get("/v2/group/app/tags/list"), |request, value| {
                    // Only the token itself, not the T of a word.
                    let value = match value.rsplit_once('T') {
                        Some((before, after)) => format!("{before}{good}{after}"),
                        None => (*value).to_owned(),
                    };
                    request.field("authorization", value)
                });
        faults.extend(compare(edge, &format!("{values:?}"), &request, *differs));
    }
    assert!(
        faults.is_empty(),
        "{}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
