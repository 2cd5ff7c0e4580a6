//! Tokens of an independent signer: PyJWT with the registry's key.

use std::process::Command;

use registry_token_filter::profile::Profile;
use testbed::tools::PYJWT;

use crate::support::edge::{APP, Edge};
use crate::support::http::Version;
use crate::support::image::read_manifest;
use crate::support::lab::Lab;
use crate::support::mint::seconds_from_now;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[(
    "tokens signed by PyJWT are accepted, and refused when one fact of them is wrong",
    pyjwt,
)];

/// Reads `{"key", "kid", "algorithm", "claims"}` on the command line and prints a token.
const SCRIPT: &str = r#"
import json, jwt, sys
order = json.loads(sys.argv[1])
key = open(order["key"]).read()
headers = {"kid": order["kid"]}
print(jwt.encode(order["claims"], key, algorithm=order["algorithm"], headers=headers), end="")
"#;

/// What of the order is changed, and by which profiles the token is accepted then.
type Case = (&'static str, fn(&mut serde_json::Value), &'static [Profile]);

const ALL: &[Profile] = &Profile::ALL;

const CASES: &[Case] = &[
    ("as it should be", |_| {}, ALL),
    ("RS512", |order| order["algorithm"] = "RS512".into(), ALL),
    (
        "expired",
        |order| order["claims"]["exp"] = seconds_from_now(-90).into(),
        &[],
    ),
    (
        "not yet valid",
        |order| order["claims"]["nbf"] = seconds_from_now(90).into(),
        &[],
    ),
    (
        "another issuer",
        |order| order["claims"]["iss"] = "other".into(),
        &[],
    ),
    (
        "another audience",
        |order| order["claims"]["aud"] = "other".into(),
        &[],
    ),
    (
        "another kid",
        |order| order["kid"] = "AAAA:BBBB".into(),
        &[],
    ),
    (
        "PS256",
        |order| order["algorithm"] = "PS256".into(),
        &[Profile::Distribution3],
    ),
];

fn pyjwt(lab: &Lab) {
    let python = lab.tools().ensure(&PYJWT).unwrap();
    for edge in lab.profiles() {
        for (case, change, accepted) in CASES {
            let mut order = order(edge);
            change(&mut order);
            let out = Command::new(&python)
                .args(["-c", SCRIPT, &order.to_string()])
                .output()
                .unwrap();
            assert!(
                out.status.success(),
                "{}",
                String::from_utf8_lossy(&out.stderr)
            );
            let token = String::from_utf8(out.stdout).unwrap();
            for version in Version::BOTH {
                let request = read_manifest(APP, "latest").bearer(&token);
                let answer = edge.client.send(version, &request);
                let wanted = if accepted.contains(&edge.profile) {
                    200
                } else {
                    401
                };
                assert_eq!(answer.status, wanted, "{} {case}: {answer}", edge.profile);
            }
        }
    }
}

fn order(edge: &Edge) -> serde_json::Value {
    serde_json::json!({
        "key": edge.stack.signing_key().key,
        "kid": edge.mint.key.id(edge.mint.kid),
        "algorithm": "RS256",
        "claims": edge.mint.draft(&["repository:group/app:pull"]).claims,
    })
}
