//! What is inside a token, for showing. Nothing here verifies one: that is the filter's work.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value};

/// A token's header and claims.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
}

impl Opened {
    /// Decodes the first two of the three parts.
    pub(super) fn new(token: &str) -> Result<Self> {
        let mut parts = token.split('.');
        let mut object = |what: &str| -> Result<Map<String, Value>> {
            let part = parts
                .next()
                .with_context(|| format!("the token has no {what}"))?;
            let bytes = BASE64URL_NOPAD
                .decode(part.as_bytes())
                .with_context(|| format!("the token's {what} is not base64url"))?;
            serde_json::from_slice(&bytes)
                .with_context(|| format!("the token's {what} is not a JSON object"))
        };
        Ok(Self {
            header: object("header")?,
            claims: object("claims")?,
        })
    }

    /// Seconds that the token lives, from `iat` to `exp`.
    pub(super) fn lifetime(&self) -> Option<i64> {
        let instant = |name: &str| self.claims.get(name)?.as_i64();
        instant("exp")?.checked_sub(instant("iat")?)
    }

    /// Whether the token grants each of `actions` on `repository`.
    pub(super) fn grants(&self, repository: &str, actions: &[&str]) -> bool {
        let access = self.claims.get("access").and_then(Value::as_array);
        actions.iter().all(|action| {
            access.into_iter().flatten().any(|entry| {
                let is = |key: &str, value: &str| entry.get(key).is_some_and(|v| v == value);
                let granted = entry.get("actions").and_then(Value::as_array);
                is("type", "repository")
                    && is("name", repository)
                    && granted.is_some_and(|granted| granted.iter().any(|a| a == action))
            })
        })
    }

    /// Header and claims as lines for a reader.
    pub(super) fn lines(&self) -> Vec<String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let mut lines = vec![format!("{:<9} {}", "(header)", spaced(&self.header))];
        lines.extend(
            self.claims
                .iter()
                .map(|(name, value)| format!("{name:<9} {}", shown(name, value, now))),
        );
        lines
    }
}

fn shown(name: &str, value: &Value, now: i64) -> String {
    match (name, value.as_i64()) {
        ("iat" | "nbf" | "exp", Some(instant)) => {
            let distance = instant.saturating_sub(now);
            let when = match distance {
                0 => "now".to_owned(),
                1.. => format!("in {distance} s"),
                _ => format!("{} s ago", distance.unsigned_abs()),
            };
            format!("{instant} ({when})")
        }
        // A token inside the token, for the registry's audit log. It is nobody else's business.
        ("user", None) => "<a nested token>".to_owned(),
        _ => spaced(value),
    }
}

/// JSON with a blank after each comma and colon, where a long line may be folded.
fn spaced(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Spaced);
    // Writing to memory cannot fail, and the value was JSON before.
    let _ = value.serialize(&mut serializer);
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(claims: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        format!("{}.{}.sig", part(&json!({"alg": "RS256"})), part(claims))
    }

    #[test]
    fn claims_are_read() {
        let access = json!([{"type": "repository", "name": "a/b", "actions": ["pull", "push"]}]);
        let claims = json!({"access": access, "iat": 100, "exp": 700, "user": "x.y.z"});
        let opened = Opened::new(&token(&claims)).unwrap();
        assert_eq!(opened.lifetime(), Some(600));
        assert!(opened.grants("a/b", &["pull", "push"]));
        assert!(!opened.grants("a/b", &["delete"]));
        assert!(!opened.grants("a/c", &["pull"]));
        assert!(!opened.lines().iter().any(|line| line.contains("x.y.z")));
    }

    #[test]
    fn what_is_no_token_is_an_error() {
        for text in ["", "a", "a.b.c", "e30.W10.x"] {
            assert!(Opened::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn json_can_be_folded() {
        let value = json!({"a": [1, 2], "b": {}, "c": []});
        assert_eq!(spaced(&value), r#"{"a": [1, 2], "b": {}, "c": []}"#);
    }

    #[test]
    fn instants_are_told_from_now() {
        for (instant, expected) in [
            (100, "100 (now)"),
            (160, "160 (in 60 s)"),
            (95, "95 (5 s ago)"),
        ] {
            assert_eq!(shown("exp", &json!(instant), 100), expected);
        }
    }
}
