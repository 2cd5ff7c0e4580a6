//! The shape JSON must have so that all readers take it alike.
//!
//! Distribution 2.8 and GitLab read tokens with Go's `encoding/json`, which matches member names
//! without regard to case and lets the last of two win; Distribution 3 reads them with case and
//! refuses a name twice. A token in which that matters is refused here: what one registry would
//! take from it, another would not. So is a list where an object belongs, which serde alone would
//! take for one, and a value of another type where the registry types a member it does not use.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What a value is to a registry. Null is fine everywhere: Go leaves the zero value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A JOSE header: an object.
    Header,
    /// The claims, an object; `gitlab` says whether GitLab's own have a meaning.
    Claims { gitlab: bool },
    /// The `access` claim: a list.
    AccessList { gitlab: bool },
    /// An element of the `access` claim: an object.
    AccessEntry { gitlab: bool },
    /// GitLab's `meta` of an element: an object.
    Meta,
    /// GitLab's `tag_deny_access_patterns`: an object.
    TagPatterns,
    /// A string.
    Text,
    /// A list of strings.
    TextList,
    /// Anything: no member has a meaning, no type is expected.
    Any,
}

/// Walks `json` and refuses a member name that stands twice in one object, one that equals a
/// meaningful one but for its case, and a value of another type than its shape.
pub(crate) fn read(json: &[u8], shape: Shape) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    shape.deserialize(&mut deserializer)?;
    deserializer.end()
}

impl Shape {
    /// The members of an object of this shape that have a meaning.
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
            Self::AccessList { .. } | Self::Text | Self::TextList | Self::Any => &[],
        }
    }

    fn member(self, name: &str) -> Self {
        match (self, name) {
            (Self::Claims { gitlab }, "access") => Self::AccessList { gitlab },
            (Self::Claims { .. }, "sub" | "jti") => Self::Text,
            (Self::Claims { gitlab: true }, "auth_type" | "user") => Self::Text,
            (Self::AccessEntry { .. }, "class") => Self::Text,
            (Self::AccessEntry { gitlab: true }, "meta") => Self::Meta,
            (Self::Meta, "project_path") => Self::Text,
            (Self::Meta, "tag_deny_access_patterns") => Self::TagPatterns,
            (Self::Meta, "tag_immutable_patterns") => Self::TextList,
            (Self::TagPatterns, "push" | "delete") => Self::TextList,
            _ => Self::Any,
        }
    }

    /// The shape of a list's elements; none if this is no list.
    const fn element(self) -> Option<Self> {
        match self {
            Self::AccessList { gitlab } => Some(Self::AccessEntry { gitlab }),
            Self::TextList => Some(Self::Text),
            Self::Any => Some(Self::Any),
            _ => None,
        }
    }

    /// Whether an object is of this shape.
    const fn is_object(self) -> bool {
        !matches!(self, Self::AccessList { .. } | Self::Text | Self::TextList)
    }

    /// A value that is neither null, nor a string, a list or an object.
    fn scalar<E: Error>(self) -> Result<(), E> {
        if self == Self::Any {
            Ok(())
        } else {
            Err(E::custom("a value of another type"))
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

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        if self == Self::Text {
            Ok(())
        } else {
            self.scalar()
        }
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let element = self.element().ok_or_else(|| A::Error::custom("a list"))?;
        while elements.next_element_seed(element)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        if !self.is_object() {
            return Err(A::Error::custom("an object"));
        }
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
    fn what_readers_take_differently_is_refused() {
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
            (
                CLAIMS,
                r#"{"user":5,"auth_type":[],"access":[{"meta":"x"}]}"#,
                true,
            ),
            (GITLAB, r#"{"user":5}"#, false),
            (GITLAB, r#"{"auth_type":[]}"#, false),
            (
                GITLAB,
                r#"{"user":null,"auth_type":"none","access":null}"#,
                true,
            ),
            (GITLAB, r#"{"access":[{"meta":"x"}]}"#, false),
            (GITLAB, r#"{"access":[{"meta":null,"class":null}]}"#, true),
            (GITLAB, r#"{"access":[{"meta":{"project_path":5}}]}"#, false),
            (
                GITLAB,
                r#"{"access":[{"meta":{"project_path":"a","project_id":[{}],"x":1}}]}"#,
                true,
            ),
            (
                GITLAB,
                r#"{"access":[{"meta":{"tag_immutable_patterns":["a",null]}}]}"#,
                true,
            ),
            (
                GITLAB,
                r#"{"access":[{"meta":{"tag_immutable_patterns":["a",1]}}]}"#,
                false,
            ),
            (
                GITLAB,
                r#"{"access":[{"meta":{"tag_immutable_patterns":"a"}}]}"#,
                false,
            ),
            (CLAIMS, r#"{"sub":1}"#, false),
            (CLAIMS, r#"{"jti":{}}"#, false),
            (CLAIMS, r#"{"access":{}}"#, false),
            (CLAIMS, r#"{"access":"x"}"#, false),
            (CLAIMS, r#"{"access":[1]}"#, false),
            (CLAIMS, r#"{"access":[{"class":1}]}"#, false),
            (CLAIMS, "5", false),
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
