//! Puts a case to the registry and to the edge, and judges.

use serde_json::Value;
use testbed::Result;
use testbed::envoy::listeners::{Origin, Shape};
use testbed::registry::Release;
use testbed::wire::{Answer, Connection, Http2};

use crate::case::{Case, sent};
use crate::challenge::Challenge;
use crate::facts::Facts;
use crate::handover;
use crate::mint::Mint;
use crate::rules::{self, Ours};
use crate::stand::Ports;
use crate::verdict::{Failure, Kind, Standing, Verdict, body, challenge_of, difference};
use crate::way::{Version, Way};
use corpus::case::Request;

/// Connections to everything that is compared, for one task.
pub(crate) struct Judge<'a> {
    release: Release,
    mint: &'a Mint,
    registry: Connection,
    edge: [(Connection, Http2); 2],
}

/// A case and all that came of it.
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    pub(crate) registry: Answer,
    pub(crate) edge: Answer,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(release: Release, mint: &'a Mint, ports: Ports) -> Self {
        Self {
            release,
            mint,
            registry: Connection::to(ports.registry),
            edge: [ports.plain, ports.hardened].map(|port| (Connection::to(port), Http2::to(port))),
        }
    }

    /// Judges a case on one of the ways to the edge; `None` for a request that cannot go it.
    ///
    /// # Errors
    /// When one of the programs cannot be reached or hangs.
    pub(crate) async fn judge(&mut self, case: &Case, way: Way) -> Result<Option<Judged>> {
        let token = self.mint.token(case);
        let token = token.as_deref();
        let request = sent(&case.request, token);
        // The registry gets what Envoy hands over, not what was sent, where these differ.
        let changed = handover::changed(&case.request, way.shape);
        let taken = changed.as_ref().unwrap_or(&case.request);
        let handed_over = sent(taken, token);
        let [plain, hardened] = &mut self.edge;
        let (http1, http2) = match way.shape {
            Shape::Plain => plain,
            Shape::Hardened => hardened,
        };
        let edge = async {
            match way.version {
                Version::Http1 => http1.exchange(&request).await.map(Some),
                Version::Http2 => http2.exchange(&request).await,
            }
        };
        let (registry, edge) = tokio::join!(self.registry.exchange(&handed_over), edge);
        let (registry, Some(edge)) = (registry?, edge?) else {
            return Ok(None);
        };
        let exchange = Exchange {
            case,
            taken,
            token,
            registry: &registry,
            edge: &edge,
            way,
        };
        let verdict = match exchange.verdict() {
            Verdict::Failed(failure, difference) if failure != Failure::Looser => {
                match self.rule(&exchange).await? {
                    Some(rule) => Verdict::Listed(rule),
                    None => Verdict::Failed(failure, difference),
                }
            }
            verdict => verdict,
        };
        Ok(Some(Judged {
            verdict,
            registry,
            edge,
        }))
    }

    /// The rule by which the edge answered, if it is one. None excuses what was forwarded.
    async fn rule(&mut self, exchange: &Exchange<'_>) -> Result<Option<&'static str>> {
        let Exchange { registry, edge, .. } = exchange;
        let origin = Origin::of(edge);
        if origin == Origin::Pool {
            return Ok(None);
        }
        let status = match edge {
            Answer::Responded(response) => response.status,
            Answer::Closed => 0,
        };
        let facts = Facts::new(self.release, exchange.case, exchange.taken, exchange.token);
        let mut is_needed = None;
        for rule in rules::applying(&facts) {
            let is_so = match rule.ours {
                Ours::Proxy => origin == Origin::Proxy,
                Ours::Untyped => is_alike_but(registry, edge, |field| {
                    (field.0 != "content-type").then_some(field)
                }),
                Ours::Escaped => is_alike_but(registry, edge, |(name, value)| {
                    let escape = |byte: &u8| match byte.is_ascii() {
                        true => vec![*byte],
                        false => format!("%{byte:02x}").into_bytes(),
                    };
                    let escaped = value.iter().flat_map(escape).collect();
                    Some((name, escaped))
                }),
                Ours::Status(wanted) => {
                    // The production listener has a setting of its own for some of it.
                    let may_be_proxy = exchange.way.shape == Shape::Hardened;
                    status == wanted && (origin == Origin::Filter || may_be_proxy)
                }
                Ours::Bare | Ours::Invalid | Ours::Library => {
                    let is_needed = match is_needed {
                        Some(known) => known,
                        None => *is_needed.insert(self.is_needed(exchange).await?),
                    };
                    let challenge = challenge_of(edge);
                    let error = challenge.as_ref().and_then(Challenge::error);
                    let wanted = match (rule.ours, self.release) {
                        (Ours::Bare, _) | (Ours::Library, Release::Distribution3) => None,
                        _ => Some("invalid_token"),
                    };
                    is_needed && error == wanted
                }
            };
            if is_so {
                return Ok(Some(rule.name));
            }
        }
        Ok(None)
    }

    /// Whether the edge's challenge is the one for what the request needs: that of the registry,
    /// and when the registry let the request pass, that for the same request without a token.
    async fn is_needed(&mut self, exchange: &Exchange<'_>) -> Result<bool> {
        let (Some(ours), Answer::Responded(edge)) = (challenge_of(exchange.edge), exchange.edge)
        else {
            return Ok(false);
        };
        let asked;
        let registry = if challenge_of(exchange.registry).is_some() {
            exchange.registry
        } else {
            let without = Request {
                authorization: Some(Vec::new()),
                ..exchange.taken.clone()
            };
            asked = self.registry.exchange(&sent(&without, None)).await?;
            &asked
        };
        let (Some(theirs), Answer::Responded(registry)) = (challenge_of(registry), registry) else {
            return Ok(false);
        };
        Ok(ours.without_error() == theirs.without_error() && body(registry) == body(edge))
    }
}

/// A request and both answers to it.
struct Exchange<'a> {
    /// As it was sent.
    case: &'a Case,
    /// As Envoy handed it over, which is what the registry was asked.
    taken: &'a Request,
    token: Option<&'a [u8]>,
    registry: &'a Answer,
    edge: &'a Answer,
    way: Way,
}

impl Exchange<'_> {
    /// How the answers compare, before any rule.
    fn verdict(&self) -> Verdict {
        let (registry, edge) = (self.registry, self.edge);
        let failed = |failure, text: &str| Verdict::Failed(failure, text.to_owned());
        match (Standing::of(registry), Origin::of(edge)) {
            (Standing::Root, Origin::Pool) => Verdict::Identical(Kind::Root),
            (Standing::Passed, Origin::Pool) => {
                match served_otherwise(self.taken, registry, edge) {
                    None => Verdict::Identical(Kind::Forwarded),
                    Some(text) => Verdict::Failed(Failure::ServedOtherwise, text),
                }
            }
            (Standing::Refused(_) | Standing::Closed, Origin::Pool) => {
                failed(Failure::Looser, "forwarded to the pool")
            }
            (Standing::Refused(kind), Origin::Filter | Origin::Proxy) => {
                let (Answer::Responded(registry), Answer::Responded(edge)) = (registry, edge)
                else {
                    return failed(Failure::RefusedOtherwise, "the connection was closed");
                };
                match difference(registry, edge) {
                    none if none.is_empty() => Verdict::Identical(kind),
                    difference => Verdict::Failed(Failure::RefusedOtherwise, difference),
                }
            }
            (Standing::Closed, _) => failed(
                Failure::RefusedOtherwise,
                "the registry closed the connection",
            ),
            (Standing::Passed | Standing::Root, _) => {
                failed(Failure::Stricter, "refused at the edge")
            }
        }
    }
}

/// Whether the edge's answer is the registry's with its fields changed.
fn is_alike_but(
    registry: &Answer,
    edge: &Answer,
    change: impl Fn((String, Vec<u8>)) -> Option<(String, Vec<u8>)>,
) -> bool {
    let (Answer::Responded(registry), Answer::Responded(edge)) = (registry, edge) else {
        return false;
    };
    let mut changed = registry.clone();
    changed.fields = changed.fields.into_iter().filter_map(change).collect();
    difference(&changed, edge).is_empty()
}

/// What the pool served differs from what the registry serves by itself.
///
/// Only what changes nothing is compared: writes of other cases come between.
fn served_otherwise(request: &Request, registry: &Answer, edge: &Answer) -> Option<String> {
    let (Answer::Responded(registry), Answer::Responded(edge)) = (registry, edge) else {
        return Some("one of them closed the connection".to_owned());
    };
    let is_safe = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    if is_safe && registry.status != edge.status {
        return Some(format!("status {} not {}", edge.status, registry.status));
    }
    let codes = |value: Value| value.pointer("/errors/0/code").cloned();
    let (theirs, ours) = (codes(body(registry)), codes(body(edge)));
    (is_safe && theirs != ours).then(|| format!("error {ours:?} not {theirs:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use testbed::envoy::listeners::{DETAILS, FORWARDED};
    use testbed::wire::Response;

    const CHALLENGE: &str = r#"Bearer realm="r",service="s",scope="repository:a:pull""#;

    fn answer(status: u16, fields: &[(&str, &str)]) -> Answer {
        let field = |(name, value): &(&str, &str)| (name.to_string(), value.as_bytes().to_vec());
        Answer::Responded(Response {
            status,
            fields: fields.iter().map(field).collect(),
            body: Vec::new(),
        })
    }

    fn verdict(registry: &Answer, edge: &Answer) -> Verdict {
        let case = Case::default();
        let exchange = Exchange {
            case: &case,
            taken: &case.request,
            token: None,
            registry,
            edge,
            way: Way::FIRST,
        };
        exchange.verdict()
    }

    fn failure(registry: &Answer, edge: &Answer) -> Option<Failure> {
        match verdict(registry, edge) {
            Verdict::Failed(failure, _) => Some(failure),
            Verdict::Identical(_) | Verdict::Listed(_) => None,
        }
    }

    #[test]
    fn what_was_forwarded_is_looser_than_any_refusal() {
        let forwarded = answer(200, &[(FORWARDED, "registry 127.0.0.1:1")]);
        for refusal in [
            answer(401, &[("www-authenticate", CHALLENGE)]),
            answer(404, &[("content-type", "text/plain; charset=utf-8")]),
            answer(301, &[("location", "/v2/")]),
            answer(400, &[("content-type", "text/plain; charset=utf-8")]),
            Answer::Closed,
        ] {
            assert_eq!(
                failure(&refusal, &forwarded),
                Some(Failure::Looser),
                "{refusal}"
            );
        }
        let passed = answer(200, &[("docker-distribution-api-version", "registry/2.0")]);
        assert_eq!(failure(&passed, &forwarded), None);
        let served = answer(404, &[(FORWARDED, "registry 127.0.0.1:1")]);
        assert_eq!(failure(&passed, &served), Some(Failure::ServedOtherwise));
    }

    #[test]
    fn refusals_are_compared_by_what_a_client_can_tell() {
        let refused = |challenge| {
            let typed = ("content-type", "application/json");
            answer(401, &[typed, ("www-authenticate", challenge)])
        };
        let theirs = refused(CHALLENGE);
        assert_eq!(failure(&theirs, &refused(CHALLENGE)), None);
        let other = refused(r#"Bearer realm="r",service="s",error="invalid_token""#);
        assert_eq!(failure(&theirs, &other), Some(Failure::RefusedOtherwise));
        let passed = answer(200, &[("docker-distribution-api-version", "registry/2.0")]);
        assert_eq!(failure(&passed, &other), Some(Failure::Stricter));
    }

    #[test]
    fn an_answer_of_envoy_is_not_one_of_the_filter() {
        let typed = ("content-type", "application/json");
        for (fields, origin) in [
            (
                &[typed, (FORWARDED, "registry 127.0.0.1:1")][..],
                Origin::Pool,
            ),
            (&[typed, (FORWARDED, "registry -")], Origin::Filter),
            (&[typed, (FORWARDED, "gitlab 127.0.0.1:1")], Origin::Filter),
            (&[typed, (DETAILS, "http1.codec_error")], Origin::Proxy),
            (&[typed], Origin::Filter),
            (&[], Origin::Proxy),
        ] {
            assert_eq!(Origin::of(&answer(400, fields)), origin, "{fields:?}");
        }
    }
}
