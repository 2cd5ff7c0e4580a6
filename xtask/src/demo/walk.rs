//! The five steps by which a client comes to a token and in, as plain HTTP requests.
//!
//! They are the five of the [token authentication specification][spec], which GitLab describes in the
//! same words: ask, be challenged, go to the realm, get a token, ask again.
//!
//! [spec]: https://distribution.github.io/distribution/spec/auth/token/

use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use testbed::Stack;
use ureq::http::Method;

use super::cast::Cast;
use super::http::{Answer, Authorization, Http, with_query};
use super::narrator::Narrator;
use super::token::Opened;
use crate::paint;

/// Tokens of GitLab live 5 to 15 minutes; one of an hour is not short-lived.
const SHORT: i64 = 60 * 60;

/// What a challenge says.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    realm: String,
    service: String,
    scope: String,
}

/// Walks, and says how long after `start` the first challenge was there. A step that goes wrong ends
/// the walk: each needs what the one before brought.
///
/// # Errors
/// When the walk cannot begin; a wrong outcome is the narrator's.
pub(super) fn five_steps(
    narrator: &mut Narrator,
    stack: &Stack,
    cast: &Cast,
    start: Instant,
) -> Result<()> {
    let http = Http::new(stack.ca_file())?;
    // The first request of every push.
    let url = format!("{}/v2/{}/blobs/uploads/", stack.url(), cast.repository);
    let walk = Walk {
        narrator,
        stack,
        cast,
        http: &http,
        url: &url,
        start,
    };
    // The narrator has told what went wrong, if it did.
    let _ = walk.go();
    Ok(())
}

struct Walk<'a> {
    narrator: &'a mut Narrator,
    stack: &'a Stack,
    cast: &'a Cast,
    http: &'a Http,
    url: &'a str,
    start: Instant,
}

impl Walk<'_> {
    fn go(mut self) -> Option<()> {
        let refusal = self.ask()?;
        let challenge = self.read_challenge(&refusal)?;
        let answer = self.go_to_realm(&challenge)?;
        let token = self.open_token(&answer)?;
        self.ask_again(&token)
    }

    fn ask(&mut self) -> Option<Answer> {
        let title = "The client asks the edge, without a token: may I push?";
        let (http, url, start) = (self.http, self.url, self.start);
        self.narrator.step(title, |step| {
            step.sent(&format!("POST {url}"));
            step.detail(&Authorization::None.shown());
            let answer = http.send(&Method::POST, url, Authorization::None)?;
            let took = paint::seconds(start.elapsed());
            step.remark(&format!("answered {took} after the start of the demo"));
            Ok(answer)
        })
    }

    fn read_challenge(&mut self, refusal: &Answer) -> Option<Challenge> {
        let title = "The filter refuses and says where tokens come from";
        let (stack, cast) = (self.stack, self.cast);
        self.narrator.step(title, |step| {
            step.answered(&refusal.status_line());
            let value = refusal.header("www-authenticate").unwrap_or_default();
            step.detail(&format!(
                "WWW-Authenticate: {}",
                value.replace("\",", "\", ")
            ));
            let status = refusal.status_line();
            step.holds("the answer is 401", refusal.status == 401, &status)?;
            let found = challenge(value)?;
            let wanted = Challenge {
                realm: stack.realm().to_owned(),
                service: "container_registry".to_owned(),
                scope: format!("repository:{}:pull,push", cast.repository),
            };
            step.holds(
                "the challenge names realm, service and the scope that the request needs",
                found == wanted,
                &format!("{found:?}"),
            )?;
            Ok(found)
        })
    }

    fn go_to_realm(&mut self, challenge: &Challenge) -> Option<Answer> {
        let title = "The client goes to the token endpoint with its credentials";
        let (http, alice) = (self.http, &self.cast.alice);
        self.narrator.step(title, |step| {
            let url = with_query(
                &challenge.realm,
                &[
                    ("account", &alice.name),
                    ("service", &challenge.service),
                    ("scope", &challenge.scope),
                ],
            )?;
            let authorization = Authorization::Basic(alice);
            step.sent(&format!("GET {url}"));
            step.detail(&authorization.shown());
            http.send(&Method::GET, &url, authorization)
        })
    }

    fn open_token(&mut self, answer: &Answer) -> Option<String> {
        let title = "The token endpoint signs a short-lived token";
        let cast = self.cast;
        self.narrator.step(title, |step| {
            step.answered(&answer.status_line());
            let status = answer.status_line();
            step.holds("the answer is 200", answer.status == 200, &status)?;
            let body: Value = serde_json::from_slice(&answer.body).context("not JSON")?;
            let token = body
                .get("token")
                .and_then(Value::as_str)
                .context("the answer has no token")?;
            let opened = Opened::new(token)?;
            step.remark(&format!(
                "inside the token ({} bytes, not shown itself):",
                token.len()
            ));
            for line in opened.lines() {
                step.detail(&line);
            }
            step.holds(
                &format!("it grants pull and push on {}", cast.repository),
                opened.grants(cast.repository, &["pull", "push"]),
                &opened
                    .claims
                    .get("access")
                    .map(Value::to_string)
                    .unwrap_or_default(),
            )?;
            let lifetime = opened.lifetime();
            step.holds(
                "it is short-lived",
                lifetime.is_some_and(|seconds| seconds > 0 && seconds < SHORT),
                &format!("a lifetime of {lifetime:?} seconds"),
            )?;
            Ok(token.to_owned())
        })
    }

    fn ask_again(&mut self, token: &str) -> Option<()> {
        let title = "The client asks again, with the token, and is let through";
        let (http, url) = (self.http, self.url);
        self.narrator.step(title, |step| {
            let authorization = Authorization::Bearer(token);
            step.sent(&format!("POST {url}"));
            step.detail(&authorization.shown());
            let answer = http.send(&Method::POST, url, authorization)?;
            let status = answer.status_line();
            step.answered(&status);
            for name in ["location", "docker-upload-uuid"] {
                if let Some(value) = answer.header(name) {
                    let value = value.split('?').next().unwrap_or_default();
                    step.detail(&format!("{name}: {value}"));
                }
            }
            step.holds(
                "a registry node has begun the upload",
                answer.status == 202 && answer.header("docker-upload-uuid").is_some(),
                &status,
            )
        })
    }
}

/// Reads a `WWW-Authenticate` value as clients do.
fn challenge(value: &str) -> Result<Challenge> {
    let challenges = http_auth::parse_challenges(value)
        .map_err(|error| anyhow::anyhow!("not a challenge: {error}"))?;
    let [challenge] = challenges.as_slice() else {
        bail!("{} challenges instead of one", challenges.len());
    };
    if !challenge.scheme.eq_ignore_ascii_case("bearer") {
        bail!("the scheme is {}, not Bearer", challenge.scheme);
    }
    let parameter = |name: &str| -> Result<String> {
        let found = challenge
            .params
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        let (_, value) = found.with_context(|| format!("the challenge has no {name}"))?;
        Ok(value.to_unescaped())
    };
    Ok(Challenge {
        realm: parameter("realm")?,
        service: parameter("service")?,
        scope: parameter("scope")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let value = r#"Bearer realm="https://h/jwt/auth",service="s",scope="repository:a/b:pull,push",error="invalid_token""#;
        let expected = Challenge {
            realm: "https://h/jwt/auth".to_owned(),
            service: "s".to_owned(),
            scope: "repository:a/b:pull,push".to_owned(),
        };
        assert_eq!(challenge(value).unwrap(), expected);
        for refused in [
            "",
            r#"Basic realm="x""#,
            r#"Bearer realm="x",service="s""#,
            r#"Bearer realm="x",service="s",scope="c", Basic realm="y""#,
        ] {
            assert!(challenge(refused).is_err(), "{refused}");
        }
    }
}
