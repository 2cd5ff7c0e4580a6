//! Refuses JSON that two readers would take differently.
//!
//! Distribution 2.8 and GitLab read tokens with Go's `encoding/json`, which matches member names
//! without regard to case and lets the last of two win; Distribution 3 reads them with case and
//! refuses a name twice. A token in which that matters is refused here: what one registry would
//! take from it, another would not. So is a list where an object belongs, which serde alone would
//! take for one.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Which members of an object have a meaning to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A JOSE header.
    Header,
    /// The claims; `gitlab` says whether GitLab's own have a meaning.
    Claims { gitlab: bool },
    /// The `access` claim.
    AccessList { gitlab: bool },
    /// An element of the `access` claim.
    AccessEntry { gitlab: bool },
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
            Self::Claims { gitlab: false } => {
                &["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access"]
            }
            Self::Claims { gitlab: true } => &[
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
            Self::AccessEntry { gitlab: false } => &["type", "class", "name", "actions"],
            Self::AccessEntry { gitlab: true } => &["type", "class", "name", "actions", "meta"],
            Self::Meta => &[
                "project_path",
                "project_id",
                "root_namespace_id",
                "tag_deny_access_patterns",
                "tag_immutable_patterns",
            ],
            Self::TagPatterns => &["push", "delete"],
            Self::AccessList { .. } | Self::Other => &[],
        }
    }

    fn member(self, name: &str) -> Self {
        match (self, name) {
            (Self::Claims { gitlab }, "access") => Self::AccessList { gitlab },
            (Self::AccessEntry { gitlab: true }, "meta") => Self::Meta,
            (Self::Meta, "tag_deny_access_patterns") => Self::TagPatterns,
            _ => Self::Other,
        }
    }

    const fn element(self) -> Self {
        match self {
            Self::AccessList { gitlab } => Self::AccessEntry { gitlab },
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
        // serde would read a list into a struct, member by member; no registry does.
        if !self.names().is_empty() {
            return Err(A::Error::custom("a list where an object belongs"));
        }
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
        use Shape::Header;
        const GITLAB: Shape = Shape::Claims { gitlab: true };
        const CLAIMS: Shape = Shape::Claims { gitlab: false };
        for (shape, json, accepted) in [
            (Header, r#"{"alg":"RS256","kid":"a"}"#, true),
            (Header, r#"{"alg":"RS256","kid":"a","kid":"b"}"#, false),
            (Header, r#"{"alg":"RS256","kid":"a","KID":"b"}"#, false),
            (Header, r#"{"alg":"RS256","\u212aid":"b"}"#, false),
            (Header, r#"{"alg":"RS256","X5C":["b"]}"#, false),
            (Header, r#"{"alg":"RS256","Foo":1,"foo":2}"#, true),
            (CLAIMS, r#"{"iss":"a","access":[{"type":"t"}]}"#, true),
            (CLAIMS, r#"{"iss":"a","iss":"a"}"#, false),
            (CLAIMS, r#"{"ISS":"a"}"#, false),
            (CLAIMS, r#"{"i\u017fs":"a"}"#, false),
            (CLAIMS, r#"{"access":[],"Access":[]}"#, false),
            (CLAIMS, r#"{"access":[{"type":"t","Name":"n"}]}"#, false),
            (CLAIMS, r#"{"access":[{"actions":[],"actions":[]}]}"#, false),
            (
                GITLAB,
                r#"{"access":[{"meta":{"Project_Path":""}}]}"#,
                false,
            ),
            (
                GITLAB,
                r#"{"access":[{"meta":{"tag_deny_access_patterns":{"Push":[]}}}]}"#,
                false,
            ),
            (CLAIMS, r#"["a"]"#, false),
            (
                CLAIMS,
                r#"{"access":[["repository",null,"a/b",["pull"],null]]}"#,
                false,
            ),
            (GITLAB, r#"{"access":[{"meta":["a/b"]}]}"#, false),
            (
                GITLAB,
                r#"{"access":[{"meta":{"tag_deny_access_patterns":[[],[]]}}]}"#,
                false,
            ),
            (CLAIMS, r#"{"access":[{"meta":["a/b"]}]}"#, true),
            (CLAIMS, r#"{"access":[{"Meta":{}}],"User":1}"#, true),
            (GITLAB, r#"{"access":[{"Meta":{}}]}"#, false),
            (GITLAB, r#"{"User":"a"}"#, false),
            (CLAIMS, r#"{"aud":["a","b"]}"#, true),
            (CLAIMS, r#"{"custom":{"Name":"n","Type":"t"}}"#, true),
            (CLAIMS, r#"{"custom":[[{"a":1,"a":2}]]}"#, false),
            (CLAIMS, r#"{"custom":1} "#, true),
            (CLAIMS, r#"{"custom":1} x"#, false),
            (CLAIMS, "\u{feff}{}", false),
            (CLAIMS, "", false),
            (CLAIMS, "null", true),
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
        assert!(read(deep.as_bytes(), Shape::Claims { gitlab: true }).is_err());
    }
}
