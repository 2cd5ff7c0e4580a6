//! Tokens that are wrong in one thing, each with its twin that is right.

use std::time::Duration;

use edgectl::Algorithm;
use registry_token_filter::profile::Profile;
use serde_json::Value;

use crate::support::edge::{APP, Edge};
use crate::support::http::{Request, Version};
use crate::support::image::read_manifest;
use crate::support::lab::Lab;
use crate::support::mint::{Draft, Mint, seconds_from_now};
use crate::support::suite::Test;

mod faults;

pub(crate) use faults::FAULTS;

use faults::Named::{ByDistribution3AsSignature, NotByDistribution3};

pub(crate) const TESTS: &[Test] = &[
    (
        "each fault of a token is refused with its profile's exact challenge, its twin served",
        twins,
    ),
    (
        "every algorithm that fits the key is accepted, every other refused",
        algorithms,
    ),
    (
        "a token is accepted for a minute past its end, and not for longer",
        |lab| {
            boundary(lab, "exp", -55, -75);
        },
    ),
    (
        "a token is accepted a minute before its start, and not earlier",
        |lab| {
            boundary(lab, "nbf", 55, 75);
        },
    ),
    ("a token that was served ends all the same", ends),
];

const PULL: &str = "repository:group/app:pull";

pub(crate) fn with_header(mint: &Mint, name: &str, value: Value) -> Draft {
    let mut draft = mint.draft(&[PULL]);
    draft.header[name] = value;
    draft
}

pub(crate) fn with_claim(mint: &Mint, name: &str, value: Value) -> String {
    let mut draft = mint.draft(&[PULL]);
    draft.claims[name] = value;
    mint.sign(&draft)
}

fn twins(lab: &Lab) {
    for edge in lab.profiles() {
        for fault in FAULTS {
            let (reason, error) = match (edge.profile, fault.named) {
                (Profile::Distribution3, NotByDistribution3) => (fault.reason, None),
                (Profile::Distribution3, ByDistribution3AsSignature) => ("token-signature", None),
                _ => (fault.reason, Some("invalid_token")),
            };
            for version in Version::BOTH {
                let mark = edge.mark();
                let token = (fault.refused)(&edge.mint);
                refused(edge, version, fault.fault, &token, error);
                mark.wait_for(&format!("challenged reason={reason} "));
                accepted(edge, version, fault.fault, &(fault.accepted)(&edge.mint));
                // What was proven of the twin says nothing of it.
                refused(edge, version, fault.fault, &token, error);
            }
        }
        edge.assert_alive();
    }
}

/// The answer to a token that is not believed, to the byte.
fn refused(edge: &Edge, version: Version, fault: &str, token: &str, error: Option<&str>) {
    let context = format!("{} {version:?}: {fault}", edge.profile);
    let request = Request::get("/v2/group/app/manifests/latest").bearer(token);
    let answer = edge.client.send(version, &request);
    assert_eq!(answer.status, 401, "{context}: {answer}");
    let challenge = edge.challenge(PULL, error);
    assert_eq!(
        answer.header("www-authenticate"),
        Some(challenge.as_str()),
        "{context}"
    );
    assert_eq!(
        answer.header("docker-distribution-api-version"),
        Some("registry/2.0")
    );
    let (content_type, record) = match edge.profile {
        Profile::Gitlab => (
            "application/json",
            r#"{"Type":"repository","Class":"","Name":"group/app","ProjectPath":"","Action":"pull"}"#,
        ),
        Profile::Distribution28 => (
            "application/json; charset=utf-8",
            r#"{"Type":"repository","Class":"","Name":"group/app","Action":"pull"}"#,
        ),
        Profile::Distribution3 => (
            "application/json",
            r#"{"Type":"repository","Class":"","Name":"group/app","Action":"pull"}"#,
        ),
    };
    let body = format!(
        "{{\"errors\":[{{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\",\
         \"detail\":[{record}]}}]}}\n"
    );
    assert_eq!(
        answer.header("content-type"),
        Some(content_type),
        "{context}"
    );
    assert_eq!(answer.text(), body, "{context}");
}

fn accepted(edge: &Edge, version: Version, fault: &str, token: &str) {
    let context = format!("{} {version:?}: the twin of: {fault}", edge.profile);
    let answer = edge
        .client
        .send(version, &read_manifest(APP, "latest").bearer(token));
    assert_eq!(
        (answer.status, answer.text()),
        (200, edge.app.manifest.clone()),
        "{context}"
    );
}

/// An RSA key signs RS256, RS384 and RS512 for all three registries, and PSS for Distribution 3.
fn algorithms(lab: &Lab) {
    for edge in lab.profiles() {
        for algorithm in Algorithm::ALL {
            let name = algorithm.name();
            let token = edge.mint.sign(&with_header(&edge.mint, "alg", name.into()));
            if name.starts_with("RS") || edge.profile == Profile::Distribution3 {
                accepted(edge, Version::Http2, name, &token);
            } else {
                refused(edge, Version::Http2, name, &token, Some("invalid_token"));
            }
        }
        // A name in another case is another name.
        let token = edge
            .mint
            .sign(&with_header(&edge.mint, "alg", "rs256".into()));
        refused(edge, Version::Http2, "rs256", &token, Some("invalid_token"));
    }
}

fn boundary(lab: &Lab, claim: &str, within: i64, beyond: i64) {
    for edge in lab.profiles() {
        let token = |offset| with_claim(&edge.mint, claim, seconds_from_now(offset).into());
        accepted(edge, Version::Http11, claim, &token(within));
        refused(
            edge,
            Version::Http11,
            claim,
            &token(beyond),
            Some("invalid_token"),
        );
    }
}

/// Proven tokens are kept for a while; their end is not.
fn ends(lab: &Lab) {
    let edges = lab.profiles();
    // The leeway of a minute ends in eight seconds.
    let tokens = edges.map(|edge| with_claim(&edge.mint, "exp", seconds_from_now(-52).into()));
    for _ in 0..4 {
        for (edge, token) in edges.iter().zip(&tokens) {
            accepted(edge, Version::Http2, "at its end", token);
        }
    }
    std::thread::sleep(Duration::from_secs(10));
    for (edge, token) in edges.iter().zip(&tokens) {
        refused(
            edge,
            Version::Http2,
            "after its end",
            token,
            Some("invalid_token"),
        );
    }
}
