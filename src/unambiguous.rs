//! Refuses JSON that two readers would take differently.
//!
//! Distribution 2.8 and GitLab read tokens with Go's `encoding/json`, which matches member names
//! without regard to case and lets the last of two win; Distribution 3 reads them with case and
//! refuses a name twice. A token in which that matters is refused here: what one registry would
//! take from it, another would not.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Which members of an object have a meaning to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A JOSE header.
    Header,
    /// The claims.
    Claims,
    /// The `access` claim.
    AccessList,
    /// An element of the `access` claim.
    AccessEntry,
    /// GitLab's `meta` of an element.
    Meta,
    /// GitLab's `tag_deny_access_patterns`.
    TagPatterns,
    /// Anything else: no member has a meaning.
    Other,
}

/// Walks `json` and refuses a member name that stands twice in one object, or that equals a
/// meaningful one but for its case.
pub(crate) fn read(json: &[u8], shape: Shape) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    shape.deserialize(&mut deserializer)?;
    deserializer.end()
}

impl Shape {
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Header => &["alg", "b64", "crit", "cty", "jwk", "kid", "typ", "x5c"],
            Self::Claims => &[
                "iss",
                "sub",
                "aud",
                "exp",
                "nbf",
                "iat",
                "jti",
                "access",
                "auth_type",
                "user",
            ],
            Self::AccessEntry => &["type", "class", "name", "actions", "meta"],
            Self::Meta => &[
                "project_path",
                "project_id",
                "root_namespace_id",
                "tag_deny_access_patterns",
                "tag_immutable_patterns",
            ],
            Self::TagPatterns => &["push", "delete"],
            Self::AccessList | Self::Other => &[],
        }
    }

    fn member(self, name: &str) -> Self {
        match (self, name) {
            (Self::Claims, "access") => Self::AccessList,
            (Self::AccessEntry, "meta") => Self::Meta,
            (Self::Meta, "tag_deny_access_patterns") => Self::TagPatterns,
            _ => Self::Other,
        }
    }

    const fn element(self) -> Self {
        match self {
            Self::AccessList => Self::AccessEntry,
            _ => Self::Other,
        }
    }
}

/// Go's folding of a member name, as far as it can meet an ASCII one: the long s and the Kelvin
/// sign fold to letters too (`encoding/json`, `foldFunc`).
fn folded(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(self.element())?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let folded = folded(&name);
            if folded != name && self.names().contains(&folded.as_str()) {
                return Err(A::Error::custom("a member name with the wrong case"));
            }
            members.next_value_seed(self.member(&name))?;
            if !seen.insert(name) {
                return Err(A::Error::custom("a member name twice"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_readers_take_differently_is_refused() {
        use Shape::{Claims, Header};
        for (shape, json, accepted) in [
            (Header, r#"{"alg":"RS256","kid":"a"}"#, true),
            (Header, r#"{"alg":"RS256","kid":"a","kid":"b"}"#, false),
            (Header, r#"{"alg":"RS256","kid":"a","KID":"b"}"#, false),
            (Header, r#"{"alg":"RS256","\u212aid":"b"}"#, false),
            (Header, r#"{"alg":"RS256","X5C":["b"]}"#, false),
            (Header, r#"{"alg":"RS256","Foo":1,"foo":2}"#, true),
            (Claims, r#"{"iss":"a","access":[{"type":"t"}]}"#, true),
            (Claims, r#"{"iss":"a","iss":"a"}"#, false),
            (Claims, r#"{"ISS":"a"}"#, false),
            (Claims, r#"{"i\u017fs":"a"}"#, false),
            (Claims, r#"{"access":[],"Access":[]}"#, false),
            (Claims, r#"{"access":[{"type":"t","Name":"n"}]}"#, false),
            (Claims, r#"{"access":[{"actions":[],"actions":[]}]}"#, false),
            (
                Claims,
                r#"{"access":[{"meta":{"Project_Path":""}}]}"#,
                false,
            ),
            (
                Claims,
                r#"{"access":[{"meta":{"tag_deny_access_patterns":{"Push":[]}}}]}"#,
                false,
            ),
            (Claims, r#"{"custom":{"Name":"n","Type":"t"}}"#, true),
            (Claims, r#"{"custom":[[{"a":1,"a":2}]]}"#, false),
            (Claims, r#"{"custom":1} "#, true),
            (Claims, r#"{"custom":1} x"#, false),
            (Claims, "\u{feff}{}", false),
            (Claims, "", false),
            (Claims, "null", true),
        ] {
            assert_eq!(
                read(json.as_bytes(), shape).is_ok(),
                accepted,
                "{shape:?} {json}"
            );
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(200_000);
        assert!(read(deep.as_bytes(), Shape::Claims).is_err());
    }
}
