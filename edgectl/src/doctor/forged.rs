//! Questions without a genuine token: nothing of this may be answered by the registry.
//!
//! Every request here changes nothing, whoever answers it: GET, HEAD and OPTIONS; an unknown method on `/v2/`,
//! which registries answer alike for every method; and POST on a manifest, which no registry has a handler for
//! (the OCI distribution specification has none, Distribution answers 405 after the token check).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::json;

use super::Expected;
use super::fate::Fate;
use super::question::{Finding, OTHER, Probe, Question, REPOSITORY, mute_finding};
use crate::http::Request;
use crate::signing_key::SignError;
use crate::{Access, Claims, Parties, SigningKey, Validity};

const OPEN: &str = "Requests reach the registry without a token. Put the filter in front of every route under /v2/, \
    with failure_policy FAIL_RELOAD, and keep auth.token in the registry's own configuration.";
const FORGERY: &str = "The edge believes a token that nobody signed. Take it out of service, and see that the filter is \
    configured on this route and that nothing else answers for it.";
const PATHS: &str = "A path that is written differently passes the check. Keep normalize_path, merge_slashes and \
    path_with_escaped_slashes_action: REJECT_REQUEST, and let no route bypass the filter.";
const MOUNT: &str = "A mount would copy blobs out of a repository that the client may not read. Requests with `from` \
    must need pull on it, and form bodies must be refused: use the filter, or auth.token in the registry.";
const ELSEWHERE: &str =
    "Only what the registry's clients use belongs to the edge: take routes for other paths away.";

/// Spellings of the catalog and its neighbourhood that two readers could take differently.
const TRICKS: [&str; 13] = [
    "/v2/../v2/_catalog",
    "/v2/./_catalog",
    "//v2/_catalog",
    "/v2//_catalog",
    "/v2/%2e%2e/v2/_catalog",
    "/v2%2F_catalog",
    "/v2/_catalog%2F",
    "/v2/%5Fcatalog",
    "/v2/%255Fcatalog",
    "/v2/edgectl-doctor%2Fprobe/tags/list",
    "/v2/edgectl-doctor/..%2F..%2F_catalog",
    "/v2/_catalog;x=1",
    "/V2/_catalog",
];

/// The questions that need no key.
pub(super) fn questions(
    parties: &Parties,
    realm: Option<&str>,
    expected: Option<&Expected>,
) -> Result<Vec<Question>, SignError> {
    let tags = format!("/v2/{REPOSITORY}/tags/list");
    let mut questions = vec![
        scope("no token", &tags, REPOSITORY),
        Question::refused(
            "catalog without a token",
            vec![Probe::nobody(Request::get("/v2/_catalog?n=1"))],
            OPEN,
        ),
        Question::refused(
            "garbage for a token",
            vec![Probe::bearing("garbage", "garbage", Request::get(&*tags))],
            FORGERY,
        ),
    ];
    questions.push(forged(parties, expected, &tags)?);
    questions.extend([
        Question::refused(
            "repeated Authorization",
            vec![Probe {
                bearing: "two Authorization fields",
                ..Probe::nobody(
                    Request::get(&*tags)
                        .field("authorization", "Basic eDp4")
                        .field("authorization", "Bearer garbage"),
                )
            }],
            FORGERY,
        ),
        Question::refused(
            "path tricks",
            TRICKS
                .iter()
                .map(|target| Probe::nobody(Request::get(*target)))
                .collect(),
            PATHS,
        ),
        mount(),
        Question::refused(
            "form bodies",
            vec![
                Probe::nobody(Request::get(&*tags).body(
                    "multipart/form-data; boundary=b",
                    "--b\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\nedgectl-doctor/other\r\n--b--\r\n",
                )),
                Probe::nobody(
                    Request::new("POST", format!("/v2/{REPOSITORY}/manifests/none")).body(
                        "application/x-www-form-urlencoded",
                        "from=edgectl-doctor/other",
                    ),
                ),
            ],
            MOUNT,
        ),
        Question::refused(
            "other methods",
            vec![
                Probe::nobody(Request::new("OPTIONS", format!("/v2/{REPOSITORY}/manifests/none"))),
                Probe::nobody(Request::new("HEAD", format!("/v2/{REPOSITORY}/manifests/none"))),
                Probe::nobody(Request::new("PROBE", "/v2/")),
            ],
            OPEN,
        ),
        Question::refused(
            "GitLab's own API",
            vec![Probe::nobody(Request::get("/gitlab/v1/"))],
            ELSEWHERE,
        ),
        Question::refused(
            "other paths",
            ["/debug/vars", "/metrics"]
                .map(|target| Probe::nobody(Request::get(target)))
                .to_vec(),
            ELSEWHERE,
        ),
    ]);
    questions.extend(realm.map(|realm| forwarded(realm.to_owned())));
    Ok(questions)
}

/// The challenge of a repository has to name it.
fn scope(name: &'static str, target: &str, repository: &'static str) -> Question {
    let probes = vec![Probe::nobody(Request::get(target))];
    Question::new(name, probes, move |fates| match fates {
        [fate @ Fate::Challenged(Ok(challenge))] if challenge.asks_for(repository, "pull") => {
            Finding::right(fate.to_string())
        }
        [fate] if fate.is_through() => Finding::wrong(format!("let through: {fate}"), OPEN),
        [fate] if fate.is_mute() => mute_finding(&fate.to_string()),
        fates => Finding::wrong(
            format!(
                "refused, but not with a challenge for pull on {repository}: {}",
                listed(fates)
            ),
            "Clients ask the realm for the scope of the challenge: let the filter or the registry answer, no page or \
             redirect of another layer.",
        ),
    })
}

/// A mount needs pull on its source: seen in the challenge, without beginning an upload.
fn mount() -> Question {
    let target = format!("/v2/{REPOSITORY}/manifests/none?mount=sha256:0&from={OTHER}");
    let probes = vec![Probe::nobody(Request::new("POST", target))];
    Question::new("mount", probes, |fates| match fates {
        [fate @ Fate::Challenged(Ok(challenge))] if challenge.asks_for(OTHER, "pull") => {
            Finding::right(fate.to_string())
        }
        [fate @ Fate::Challenged(Ok(_))] => Finding::wrong(
            format!("{fate}, which leaves the source {OTHER} out"),
            MOUNT,
        ),
        [fate] if fate.is_through() => Finding::wrong(format!("let through: {fate}"), OPEN),
        [fate] if fate.is_mute() => mute_finding(&fate.to_string()),
        fates => Finding::right(format!("refused: {}", listed(fates))),
    })
}

/// A realm that follows the request would send passwords wherever a request says.
fn forwarded(realm: String) -> Question {
    let request = Request::get("/v2/")
        .field("x-forwarded-host", "doctor.invalid")
        .field("x-forwarded-proto", "http")
        .field("forwarded", "host=doctor.invalid;proto=http");
    Question::new(
        "forwarded headers",
        vec![Probe::nobody(request)],
        move |fates| match fates {
            [Fate::Challenged(Ok(challenge))] if challenge.realm == realm => {
                Finding::right("the realm stays the same")
            }
            [Fate::Challenged(Ok(challenge))] => Finding::wrong(
                format!("the realm becomes {}", super::fate::shown(&challenge.realm)),
                "Clients send passwords to the realm: configure it, switch autoredirect off, and let the edge overwrite \
             X-Forwarded-* of clients.",
            ),
            fates if fates.iter().any(Fate::is_through) => {
                Finding::wrong(format!("let through: {}", listed(fates)), OPEN)
            }
            fates => mute_finding(&listed(fates)),
        },
    )
}

/// Tokens that look right and that GitLab did not sign.
fn forged(
    parties: &Parties,
    expected: Option<&Expected>,
    tags: &str,
) -> Result<Question, SignError> {
    let stranger = SigningKey::generate(2048).map_err(|_| SignError::Signature)?;
    let access = vec![Access::repository(REPOSITORY, ["pull", "push"])];
    let claims = Claims::background(parties, access, Validity::minutes(1));
    let payload = serde_json::to_vec(&claims)?;
    let part = |bytes: &[u8]| BASE64URL.encode(bytes);
    let unsigned = format!(
        "{}.{}.",
        part(json!({"alg": "none", "typ": "JWT"}).to_string().as_bytes()),
        part(&payload)
    );
    let mut tokens = vec![
        ("a token of another key", stranger.sign(&claims)?),
        ("a token with alg none", unsigned),
    ];
    if let Some(expected) = expected {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": expected.key_id});
        tokens.push((
            "a token of another key under a trusted kid",
            stranger.sign_raw(&header, &serde_json::to_value(&claims)?)?,
        ));
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": expected.key_id});
        let message = format!("{}.{}", part(header.to_string().as_bytes()), part(&payload));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &expected.public);
        let tag = hmac::sign(&key, message.as_bytes());
        tokens.push((
            "a token signed with the public key as an HMAC secret",
            format!("{message}.{}", part(tag.as_ref())),
        ));
    }
    let probes = tokens
        .iter()
        .map(|(bearing, token)| Probe::bearing(bearing, token, Request::get(tags)))
        .collect();
    Ok(Question::refused("forged tokens", probes, FORGERY))
}

fn listed(fates: &[Fate]) -> String {
    let fates: Vec<String> = fates.iter().map(ToString::to_string).collect();
    fates.join("; ")
}
