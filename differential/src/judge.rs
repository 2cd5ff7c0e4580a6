//! Puts a case to the registry and to the edge, and judges.

use serde_json::Value;
use testbed::Result;
use testbed::registry::Release;

use crate::case::{Case, Request};
use crate::challenge::Challenge;
use crate::facts::Facts;
use crate::handover;
use crate::mint::Mint;
use crate::rules::{self, Ours};
use crate::stand::Ports;
use crate::verdict::{Failure, Kind, Origin, Standing, Verdict, body, challenge_of, difference};
use crate::wire::{self, Answer, Connection};

/// Which of Envoy's listeners a case is put to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// The filter and defaults.
    Plain,
    /// As in production.
    Hardened,
}

impl Listener {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "default listener",
            Self::Hardened => "production listener",
        }
    }
}

/// Connections to everything that is compared, for one task.
pub(crate) struct Judge<'a> {
    release: Release,
    mint: &'a Mint,
    registry: Connection,
    plain: Connection,
    hardened: Connection,
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
            plain: Connection::to(ports.plain),
            hardened: Connection::to(ports.hardened),
        }
    }

    /// Judges a case at one of the listeners.
    ///
    /// # Errors
    /// When one of the programs cannot be reached or hangs.
    pub(crate) async fn judge(&mut self, case: &Case, listener: Listener) -> Result<Judged> {
        let token = case.token.as_ref().map(|recipe| self.mint.token(recipe));
        let token = token.transpose()?;
        let token = token.as_deref();
        let bytes = wire::encode(&case.request, token);
        // The registry gets what Envoy hands over, not what was sent, where these differ.
        let changed = handover::changed(&case.request, listener);
        let mut request = changed.as_ref().unwrap_or(&case.request);
        let handed_over = wire::encode(request, token);
        let method = &case.request.method;
        let edge = match listener {
            Listener::Plain => &mut self.plain,
            Listener::Hardened => &mut self.hardened,
        };
        let (registry, edge) = tokio::join!(
            self.registry.exchange(&handed_over, method),
            edge.exchange(&bytes, method),
        );
        let (mut registry, edge) = (registry?, edge?);
        let cleaned = match listener {
            Listener::Plain => None,
            Listener::Hardened => handover::cleaned(request, &registry),
        };
        if let Some(cleaned) = &cleaned {
            request = cleaned;
            let bytes = wire::encode(request, token);
            registry = self.registry.exchange(&bytes, method).await?;
        }
        let verdict = self
            .compare(request, token, &registry, &edge, listener)
            .await?;
        Ok(Judged {
            verdict,
            registry,
            edge,
        })
    }

    async fn compare(
        &mut self,
        request: &Request,
        token: Option<&[u8]>,
        registry: &Answer,
        edge: &Answer,
        listener: Listener,
    ) -> Result<Verdict> {
        let standing = Standing::of(registry);
        let origin = Origin::of(edge);
        let failed = |failure, text: String| Ok(Verdict::Failed(failure, text));
        match (standing, origin) {
            (Standing::Root, Origin::Pool) => return Ok(Verdict::Identical(Kind::Root)),
            (Standing::Passed, Origin::Pool) => {
                return Ok(match served_otherwise(request, registry, edge) {
                    None => Verdict::Identical(Kind::Forwarded),
                    Some(text) => Verdict::Failed(Failure::ServedOtherwise, text),
                });
            }
            (Standing::Refused(_) | Standing::Closed, Origin::Pool) => {
                return failed(Failure::Looser, "forwarded to the pool".to_owned());
            }
            (Standing::Refused(kind), Origin::Filter | Origin::Proxy) => {
                if let (Answer::Responded(registry), Answer::Responded(edge)) = (registry, edge)
                    && difference(registry, edge).is_empty()
                {
                    return Ok(Verdict::Identical(kind));
                }
            }
            (Standing::Passed | Standing::Root | Standing::Closed, _) => {}
        }
        if let Some(name) = self
            .listed(request, token, registry, edge, listener)
            .await?
        {
            return Ok(Verdict::Listed(name));
        }
        match (standing, registry, edge) {
            (Standing::Refused(_), Answer::Responded(registry), Answer::Responded(edge)) => {
                failed(Failure::RefusedOtherwise, difference(registry, edge))
            }
            (Standing::Refused(_) | Standing::Closed, ..) => failed(
                Failure::RefusedOtherwise,
                "one of them closed the connection".to_owned(),
            ),
            (Standing::Passed | Standing::Root, ..) => {
                failed(Failure::Stricter, "refused at the edge".to_owned())
            }
        }
    }

    /// The rule by which the edge answered, if it is one.
    async fn listed(
        &mut self,
        request: &Request,
        token: Option<&[u8]>,
        registry: &Answer,
        edge: &Answer,
        listener: Listener,
    ) -> Result<Option<&'static str>> {
        let facts = Facts::new(self.release, request, token);
        let origin = Origin::of(edge);
        let status = match edge {
            Answer::Responded(response) => response.status,
            Answer::Closed => 0,
        };
        let mut challenged = None;
        for rule in rules::applying(&facts) {
            let is_so = match rule.ours {
                Ours::Proxy => origin == Origin::Proxy,
                Ours::Untyped => is_untyped(registry, edge),
                Ours::Status(wanted) => {
                    // The production listener has a setting of its own for some of it.
                    status == wanted && (origin == Origin::Filter || listener == Listener::Hardened)
                }
                Ours::Bare | Ours::Invalid | Ours::Library => {
                    if challenged.is_none() {
                        challenged = Some(self.needed(request, registry, edge).await?);
                    }
                    let named = challenge_of(edge);
                    let error = named.as_ref().and_then(Challenge::error);
                    let wanted = match (rule.ours, self.release) {
                        (Ours::Bare, _) | (Ours::Library, Release::Distribution3) => None,
                        _ => Some("invalid_token"),
                    };
                    challenged == Some(true) && error == wanted
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
    async fn needed(
        &mut self,
        request: &Request,
        registry: &Answer,
        edge: &Answer,
    ) -> Result<bool> {
        let (Some(ours), Answer::Responded(edge)) = (challenge_of(edge), edge) else {
            return Ok(false);
        };
        let without = Request {
            authorization: Some(Vec::new()),
            ..request.clone()
        };
        let asked;
        let registry = if challenge_of(registry).is_some() {
            registry
        } else {
            let bytes = wire::encode(&without, None);
            asked = self.registry.exchange(&bytes, &request.method).await?;
            &asked
        };
        let (Some(theirs), Answer::Responded(registry)) = (challenge_of(registry), registry) else {
            return Ok(false);
        };
        Ok(ours.without_error() == theirs.without_error() && body(registry) == body(edge))
    }
}

/// Whether the edge's answer is the registry's without its `Content-Type`.
fn is_untyped(registry: &Answer, edge: &Answer) -> bool {
    let (Answer::Responded(registry), Answer::Responded(edge)) = (registry, edge) else {
        return false;
    };
    let mut untyped = registry.clone();
    untyped.fields.retain(|(name, _)| name != "content-type");
    difference(&untyped, edge).is_empty()
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
