//! Questions with the key that GitLab signs with: one token that must be believed, and its twins that must not.
//!
//! No token grants more than pull on a repository that does not exist, and none lives longer than a minute.

use super::Signer;
use super::fate::{Fate, shown};
use super::question::{Finding, OTHER, Probe, Question, REPOSITORY, mute_finding};
use crate::claims::unix_now;
use crate::http::Request;
use crate::signing_key::SignError;
use crate::{Access, Account, Algorithm, Claims, Parties, UserToken, Validity};

const CLAIMS: &str = "The edge believes a token that it has to refuse: compare issuer and service of its configuration \
    with the registry's auth.token, and the clocks of both machines.";
const GRANTS: &str = "A token opens more than it grants. Take the edge out of service, and see that the filter is \
    configured on this route and that nothing else answers for it.";

/// The questions that need the key.
pub(super) fn questions(signer: &Signer) -> Result<Vec<Question>, SignError> {
    let tags = format!("/v2/{REPOSITORY}/tags/list");
    let tags = || Request::get(&*tags);
    let nothing = signer.token(Vec::new())?;
    let pull = signer.token(vec![Access::repository(REPOSITORY, ["pull"])])?;
    let mut questions = vec![
        believed(
            "a good token",
            vec![Probe::bearing(
                "a good token",
                &nothing,
                Request::get("/v2/"),
            )],
        ),
        Question::refused(
            "too little access",
            vec![Probe::bearing(
                "a token that grants nothing",
                &nothing,
                tags(),
            )],
            GRANTS,
        ),
    ];
    let mut twins = Vec::new();
    for (bearing, token) in signer.twins()? {
        twins.push(Probe::bearing(bearing, &token, Request::get("/v2/")));
    }
    questions.push(Question::refused(
        "tokens with a wrong claim",
        twins,
        CLAIMS,
    ));
    questions.push(Question::refused(
        "repeated Authorization, the second good",
        vec![Probe {
            bearing: "garbage and then a good token",
            ..Probe::nobody(
                Request::get("/v2/")
                    .field("authorization", "Bearer garbage")
                    .bearer(&nothing),
            )
        }],
        GRANTS,
    ));
    let beside =
        |target: &str| Probe::bearing("pull on the probe alone", &pull, Request::get(target));
    questions.push(Question::refused(
        "path tricks with a token",
        vec![
            beside(&format!("/v2/{REPOSITORY}/../other/tags/list")),
            beside(&format!("/v2/{REPOSITORY}/%2e%2e/other/tags/list")),
            beside(&format!("/v2/{REPOSITORY}%2F..%2Fother/tags/list")),
            beside("/v2/edgectl-doctor/Probe/tags/list"),
        ],
        GRANTS,
    ));
    questions.push(Question::refused(
        "mount with a token",
        vec![
            beside(&format!("/v2/{REPOSITORY}/tags/list?from={OTHER}")),
            Probe::bearing(
                "pull on the probe alone",
                &pull,
                tags().body(
                    "multipart/form-data; boundary=b",
                    "--b\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\nedgectl-doctor/other\r\n--b--\r\n",
                ),
            ),
        ],
        GRANTS,
    ));
    Ok(questions)
}

/// A token that must be believed.
pub(super) fn believed(name: &'static str, probes: Vec<Probe>) -> Question {
    Question::new(name, probes, |fates| match fates {
        [fate @ Fate::Served(_)] => Finding::right(format!("believed: {fate}")),
        [fate] if fate.is_mute() => mute_finding(&fate.to_string()),
        fates => Finding::wrong(
            format!(
                "refused: {}",
                shown(
                    &fates
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join("; ")
                )
            ),
            "The signer's key, issuer or service is not the one the edge knows, or the clocks differ: `edgectl keys show` \
             names the key of each file, `edgectl explain` says what is wrong with a token, and the edge's log has the \
             reason.",
        ),
    })
}

impl Signer {
    fn token(&self, access: Vec<Access>) -> Result<String, SignError> {
        self.sign(&Claims::background(
            &self.parties,
            access,
            Validity::minutes(1),
        ))
    }

    fn sign(&self, claims: &Claims) -> Result<String, SignError> {
        self.key.sign_with(claims, Algorithm::RS256, self.key_id)
    }

    /// Tokens that differ from a good one in one fact.
    fn twins(&self) -> Result<Vec<(&'static str, String)>, SignError> {
        let now = unix_now();
        let claims =
            |parties: &Parties, validity| Claims::background(parties, Vec::new(), validity);
        let minute = Validity::starting(now, 60);
        let other = |issuer: &str, service: &str| Parties {
            issuer: issuer.to_owned(),
            service: service.to_owned(),
        };
        let Parties { issuer, service } = &self.parties;
        let nested = UserToken::new(Some(&Account::named("edgectl-doctor")), now);
        let signed = [
            (
                "an expired token",
                claims(&self.parties, Validity::starting(now - 600, 300)),
            ),
            (
                "a token of the next hour",
                claims(&self.parties, Validity::starting(now + 3600, 60)),
            ),
            (
                "a token of another issuer",
                claims(&other("edgectl-doctor", service), minute),
            ),
            (
                "a token for another service",
                claims(&other(issuer, "edgectl-doctor"), minute),
            ),
        ];
        let mut tokens = Vec::new();
        for (bearing, claims) in signed {
            tokens.push((bearing, self.sign(&claims)?));
        }
        tokens.push((
            "GitLab's nested user token",
            self.key.sign_with(&nested, Algorithm::RS256, self.key_id)?,
        ));
        Ok(tokens)
    }
}
