//! Whether a running edge enforces: questions from outside, with answers that are judged.
//!
//! ```text
//! connection ─▶ certificate ─▶ registry? ─▶ forged.rs, genuine.rs: questions ─▶ fates ─▶ findings
//!                                    └────▶ realm.rs, latency
//! ```
//!
//! It only ever reads. Every request is one that changes nothing even where nothing is enforced
//! (`forged` says why), and whatever names a repository names one that does not exist.

mod challenge;
mod fate;
mod forged;
mod genuine;
mod question;
mod realm;

pub use challenge::Challenge;
pub use question::{Finding, Probe, Question, Verdict};

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::certificate::Dated;
use crate::http::{Answer, Client, Connection, Handshake, NoAnswer, Origin, Request, Trust};
use crate::signing_key::SignError;
use crate::{KeyIdKind, Parties, SigningKey};
use fate::{Fate, shown};
use question::mute_finding;

/// A certificate that ends sooner is wrong: somebody has to act.
const RENEW: i64 = 14;

/// How often the first question is asked while the server answers that it cannot answer.
const ATTEMPTS: usize = 3;

/// What the edge is expected to be, from its configuration.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The realm.
    pub realm: String,
    /// The service.
    pub service: String,
    /// The issuer.
    pub issuer: String,
    /// A trusted key, as tokens name it.
    pub key_id: String,
    /// What is public of it: the certificates in PEM, or the key in DER.
    pub public: Vec<u8>,
}

/// The key that GitLab signs with.
#[derive(Debug)]
pub struct Signer {
    /// The key.
    pub key: SigningKey,
    /// How tokens name it.
    pub key_id: KeyIdKind,
    /// Issuer and service.
    pub parties: Parties,
}

/// Examines one edge.
#[derive(Debug)]
pub struct Doctor {
    client: Client,
    trust: Trust,
    limit: Duration,
    /// Requests on one connection whose times are taken; 0 for none.
    pub samples: usize,
    /// Issuer and service that forged tokens name.
    pub parties: Parties,
    /// What the configuration says.
    pub expected: Option<Expected>,
    /// The key, where it may be used.
    pub signer: Option<Signer>,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub check: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// What was sent for it.
    pub sent: Vec<String>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The edge.
    pub url: String,
    /// The worst of the verdicts: wrong, else unknown, else right.
    pub verdict: Verdict,
    /// In the order of asking.
    pub checks: Vec<Check>,
}

impl Check {
    fn of(check: &'static str, sent: Vec<String>, finding: Finding) -> Self {
        Self {
            check,
            finding,
            sent,
        }
    }
}

impl Doctor {
    /// Of an edge, with a time limit for each request.
    #[must_use]
    pub fn new(edge: Origin, trust: Trust, limit: Duration) -> Self {
        Self {
            client: Client::new(edge, &trust, limit),
            trust,
            limit,
            samples: 20,
            parties: Parties::default(),
            expected: None,
            signer: None,
        }
    }

    /// What would be sent, one request a line; nothing is sent.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn plan(&self) -> Result<Vec<String>, SignError> {
        let mut lines = vec!["GET /v2/ with no token".to_owned()];
        let questions = self.questions(Some("(the realm)"))?;
        lines.extend(
            questions
                .iter()
                .flat_map(|question| &question.probes)
                .map(ToString::to_string),
        );
        lines.push("GET (the realm)?service=(the service) with no credentials".to_owned());
        lines.push("GET /v2/ with the token that the realm gives to nobody, if it does".to_owned());
        if self.samples > 0 {
            lines.push(format!(
                "GET /v2/ with no token, {} times on one connection",
                self.samples
            ));
        }
        Ok(lines)
    }

    fn questions(&self, realm: Option<&str>) -> Result<Vec<Question>, SignError> {
        let mut questions = forged::questions(&self.parties, realm, self.expected.as_ref())?;
        if let Some(signer) = &self.signer {
            questions.extend(genuine::questions(signer)?);
        }
        Ok(questions)
    }

    /// Asks everything. Where the edge cannot be reached, or is no registry, the rest is not asked.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub async fn examine(&self) -> Result<Report, SignError> {
        let mut checks = Vec::new();
        let connection = match self.client.connect().await {
            Ok(connection) => connection,
            Err(silence) => {
                checks.push(Check::of("connection", Vec::new(), unreachable(&silence)));
                return Ok(self.report(checks));
            }
        };
        checks.push(Check::of(
            "connection",
            Vec::new(),
            self.encrypted(&connection),
        ));
        if let Some(handshake) = &connection.handshake {
            checks.push(Check::of("certificate", Vec::new(), certificate(handshake)));
        }
        let base = Request::get("/v2/");
        let sent = vec![Probe::nobody(base.clone()).to_string()];
        let answer = self.persist(&base).await;
        let is_registry = answer.as_ref().is_ok_and(speaks_registry);
        let fate = Fate::from(answer);
        let is_open = is_registry && matches!(fate, Fate::Served(_));
        checks.push(Check::of("registry", sent, registry(&fate, is_registry)));
        let challenge = match fate {
            Fate::Challenged(Ok(challenge)) => Some(challenge),
            // Nothing is enforced; how far that goes is worth knowing.
            _ if is_open => None,
            _ => return Ok(self.report(checks)),
        };
        checks.extend(self.compare(challenge.as_ref()));
        let realm = challenge.as_ref().map(|challenge| challenge.realm.as_str());
        for question in self.questions(realm)? {
            checks.push(self.ask(&question).await);
        }
        if let Some(challenge) = &challenge {
            checks.extend(realm::checks(self, challenge).await);
        }
        checks.extend(self.latency(connection).await);
        Ok(self.report(checks))
    }

    /// Asks again while the answer is that the server cannot answer. A filter that traps is one such answer, and
    /// where it fails open the next request is let through.
    async fn persist(&self, request: &Request) -> Result<Answer, NoAnswer> {
        let mut answer = self.client.send(request).await;
        for _ in 1..ATTEMPTS {
            if !answer.as_ref().is_ok_and(|answer| answer.status >= 500) {
                break;
            }
            answer = self.client.send(request).await;
        }
        answer
    }

    async fn ask(&self, question: &Question) -> Check {
        let mut fates = Vec::with_capacity(question.probes.len());
        for probe in &question.probes {
            fates.push(Fate::from(self.client.send(&probe.request).await));
        }
        let sent = question.probes.iter().map(ToString::to_string).collect();
        Check::of(question.name, sent, question.judge(&fates))
    }

    fn report(&self, checks: Vec<Check>) -> Report {
        let has = |verdict| checks.iter().any(|check| check.finding.verdict == verdict);
        let verdict = [Verdict::Wrong, Verdict::Unknown]
            .into_iter()
            .find(|verdict| has(*verdict))
            .unwrap_or(Verdict::Right);
        Report {
            url: self.client.origin().to_string(),
            verdict,
            checks,
        }
    }

    fn encrypted(&self, connection: &Connection) -> Finding {
        let origin = self.client.origin();
        let is_local =
            origin.host == "localhost" || origin.host.starts_with("127.") || origin.host == "::1";
        match &connection.handshake {
            Some(handshake) => Finding::right(handshake.version.replace("TLSv1_", "TLS 1.")),
            None if is_local => Finding::right("plain http, on this machine alone"),
            None => Finding::wrong(
                "plain http: tokens go out in clear",
                "Let the edge terminate TLS, and give its https URL; if something before it does, ask that.",
            ),
        }
    }

    /// The challenge against the configuration; nothing without one.
    fn compare(&self, challenge: Option<&Challenge>) -> Option<Check> {
        let (expected, challenge) = (self.expected.as_ref()?, challenge?);
        let differences: Vec<String> = [
            ("realm", &expected.realm, &challenge.realm),
            ("service", &expected.service, &challenge.service),
        ]
        .into_iter()
        .filter(|(_, expected, found)| expected != found)
        .map(|(name, expected, found)| {
            format!("the {name} is {} and not {}", shown(found), shown(expected))
        })
        .collect();
        let finding = if differences.is_empty() {
            Finding::right("realm and service are those of the configuration")
        } else {
            Finding::wrong(
                differences.join("; "),
                "The edge runs another configuration than this file: reload it, or ask with the file that it runs.",
            )
        };
        Some(Check::of("configuration", Vec::new(), finding))
    }

    async fn latency(&self, mut connection: Connection) -> Option<Check> {
        if self.samples == 0 {
            return None;
        }
        let sent = vec![format!(
            "GET /v2/ with no token, {} times on one connection",
            self.samples
        )];
        let mut times = Vec::with_capacity(self.samples);
        for _ in 0..self.samples {
            match connection.send(&Request::get("/v2/")).await {
                Ok(answer) => times.push(answer.took),
                Err(silence) => {
                    return Some(Check::of(
                        "latency",
                        sent,
                        mute_finding(&silence.to_string()),
                    ));
                }
            }
        }
        times.sort_unstable();
        let milliseconds = |time: Option<&Duration>| {
            time.map_or_else(String::new, |time| {
                format!("{:.1} ms", time.as_secs_f64() * 1e3)
            })
        };
        let found = format!(
            "median {}, slowest {} of {}; {} to connect",
            milliseconds(times.get(times.len() / 2)),
            milliseconds(times.last()),
            times.len(),
            milliseconds(Some(&connection.took)),
        );
        Some(Check::of("latency", sent, Finding::right(found)))
    }
}

/// How often an edge is asked about one token: its workers and machines need not all have the same configuration yet.
const VOTES: usize = 12;

/// Whether an edge believes a token, asked on several connections; `/v2/` needs any token and changes nothing.
///
/// # Errors
/// A sentence when it cannot be told, or when not all of the edge is of one mind.
pub async fn believes(client: &Client, token: &str) -> Result<bool, String> {
    let request = Request::get("/v2/").bearer(token);
    let mut believed = 0;
    for _ in 0..VOTES {
        match Fate::from(client.send(&request).await) {
            Fate::Served(_) => believed += 1,
            Fate::Challenged(_) => {}
            fate => return Err(format!("{} answers {fate}", client.origin())),
        }
    }
    match believed {
        0 => Ok(false),
        VOTES => Ok(true),
        some => Err(format!(
            "{} believes it in {some} of {VOTES} requests: a part of it has another configuration",
            client.origin()
        )),
    }
}

fn unreachable(silence: &NoAnswer) -> Finding {
    let remedy = match silence {
        NoAnswer::Name { .. } => "Correct the URL, or the name service of this machine.",
        NoAnswer::Tls(_) => {
            "Give the edge a certificate for this name from an authority that clients know; when the authority is your \
             own, name its certificate with --ca. Nothing else was asked."
        }
        NoAnswer::TimeLimit(_) => {
            "See that nothing between here and the edge drops packets; --timeout waits longer."
        }
        _ => {
            "See that the edge runs and listens on this address, and that the URL's scheme and port are its own."
        }
    };
    match silence {
        NoAnswer::TimeLimit(_) => Finding::unknown(silence.to_string(), remedy),
        _ => Finding::wrong(shown(&silence.to_string()), remedy),
    }
}

fn certificate(handshake: &Handshake) -> Finding {
    // The chain and the name were verified; when it ends is what is left to say.
    let Ok(dated) = Dated::from_der(&handshake.certificate) else {
        return Finding::unknown(
            "trusted, but its dates cannot be read",
            "Look at it with `openssl x509 -noout -dates`.",
        );
    };
    let days = dated.not_after.duration_since(Timestamp::now()).as_hours() / 24;
    let found = format!(
        "trusted, for this name, until {} ({days} days)",
        dated.not_after
    );
    if days < RENEW {
        Finding::wrong(found, "Renew the edge's certificate now.")
    } else {
        Finding::right(found)
    }
}

/// Whether the answer to `/v2/` is that of a registry (the OCI distribution specification, "end-1").
fn speaks_registry(answer: &Answer) -> bool {
    answer.field("docker-distribution-api-version").is_some()
        || (answer.status == 200 && answer.body.as_ref().trim_ascii() == b"{}")
}

fn registry(fate: &Fate, is_registry: bool) -> Finding {
    const URL: &str =
        "Give the URL under which clients reach the registry: the edge answers 401 to /v2/.";
    match fate {
        Fate::Challenged(Ok(challenge)) => Finding::right(format!(
            "401, realm {}, service {}",
            shown(&challenge.realm),
            shown(&challenge.service)
        )),
        Fate::Challenged(Err(_)) => Finding::wrong(
            fate.to_string(),
            "The edge has to answer with `Bearer realm=…,service=…`: put the filter there, and take other authentication away.",
        ),
        Fate::Served(status) if is_registry => Finding::wrong(
            format!("{status} without a token: this registry is open to everybody"),
            "Put the filter in front of it, and auth.token into its own configuration.",
        ),
        fate if fate.is_mute() => mute_finding(&fate.to_string()),
        fate => Finding::wrong(
            format!("the answer to /v2/ is {fate}: this is no registry"),
            URL,
        ),
    }
}
