//! The shape JSON must have so that all readers take it alike.
//!
//! Distribution 2.8 and GitLab read tokens with Go's `encoding/json`, which matches member names
//! without regard to case and lets the last of two win; Distribution 3 reads them with case and
//! refuses a name twice. A token in which that matters is refused here: what one registry would
//! take from it, another would not. So is a list where an object belongs, which serde alone would
//! take for one, and a value of another type where the registry types a member it does not use.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What a value is to a registry that does not use it. Null is fine everywhere: Go leaves the zero
/// value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A JOSE header: an object.
    Header,
    /// GitLab's `meta` of an element of the `access` claim: an object.
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

/// The members of an object that all readers take alike: no name twice, none that equals a
/// meaningful one but for its case.
pub(crate) struct Members<'de, A> {
    members: A,
    meaningful: &'static [&'static str],
    seen: Seen<'de>,
}

impl<'de, A: MapAccess<'de>> Members<'de, A> {
    /// The members of an object in which these names have a meaning.
    pub(crate) fn new(members: A, meaningful: &'static [&'static str]) -> Self {
        let seen = Seen::default();
        Self {
            members,
            meaningful,
            seen,
        }
    }

    /// The next name. Its value has to be read before the next one.
    pub(crate) fn next_name(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        let Some(Text(name)) = self.members.next_key()? else {
            return Ok(None);
        };
        let meaningful = self.meaningful;
        if !meaningful.contains(&&*name) && meaningful.iter().any(|one| is_taken_for(&name, one)) {
            return Err(A::Error::custom("a member name with the wrong case"));
        }
        if !self.seen.insert(name.clone()) {
            return Err(A::Error::custom("a member name twice"));
        }
        Ok(Some(name))
    }

    /// The value of the name that came last.
    pub(crate) fn value<T: Deserialize<'de>>(&mut self) -> Result<T, A::Error> {
        self.members.next_value()
    }

    /// The same, by a seed.
    pub(crate) fn value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

impl Shape {
    /// The members of an object of this shape that have a meaning.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Header => &["alg", "b64", "crit", "cty", "jwk", "kid", "typ", "x5c"],
            Self::Meta => &[
                "project_path",
                "project_id",
                "root_namespace_id",
                "tag_deny_access_patterns",
                "tag_immutable_patterns",
            ],
            Self::TagPatterns => &["push", "delete"],
            Self::Text | Self::TextList | Self::Any => &[],
        }
    }

    fn member(self, name: &str) -> Self {
        match (self, name) {
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
            Self::TextList => Some(Self::Text),
            Self::Any => Some(Self::Any),
            _ => None,
        }
    }

    /// Whether an object is of this shape.
    const fn is_object(self) -> bool {
        !matches!(self, Self::Text | Self::TextList)
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

/// Whether Go takes `name` for `meaningful`, though it is another: its folding of a member name,
/// as far as it can meet an ASCII one, has the long s and the Kelvin sign fold to letters too
/// (`encoding/json`, `foldFunc`).
fn is_taken_for(name: &str, meaningful: &str) -> bool {
    let fold = |character| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name != meaningful && name.chars().map(fold).eq(meaningful.chars())
}

/// The member names of an object that were seen. Nearly all objects of tokens have few, which are
/// found fastest one by one; however many there are, the work for each stays small.
#[derive(Default)]
struct Seen<'de> {
    first: Vec<Cow<'de, str>>,
    rest: BTreeSet<Cow<'de, str>>,
}

impl<'de> Seen<'de> {
    const FIRST: usize = 16;

    /// Adds a name; false if it was there.
    fn insert(&mut self, name: Cow<'de, str>) -> bool {
        if self.first.contains(&name) {
            false
        } else if self.first.len() < Self::FIRST {
            self.first.push(name);
            true
        } else {
            self.rest.insert(name)
        }
    }
}

/// A string: borrowed where the JSON holds it as it is.
pub(crate) struct Text<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
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

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        if !self.is_object() {
            return Err(A::Error::custom("an object"));
        }
        let mut members = Members::new(members, self.names());
        while let Some(name) = members.next_name()? {
            members.value_seed(self.member(&name))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_take_differently_is_refused() {
        use Shape::{Header, Meta};
        for (shape, json, accepted) in [
            (Header, r#"{"alg":"RS256","kid":"a"}"#, true),
            (Header, r#"{"alg":"RS256","kid":"a","kid":"b"}"#, false),
            (Header, r#"{"alg":"RS256","kid":"a","k\u0069d":"b"}"#, false),
            (Header, r#"{"alg":"RS256","kid":"a","KID":"b"}"#, false),
            (Header, r#"{"alg":"RS256","\u212aid":"b"}"#, false),
            (Header, r#"{"alg":"RS256","X5C":["b"]}"#, false),
            (Header, r#"{"alg":"RS256","Foo":1,"foo":2}"#, true),
            (
                Meta,
                r#"{"project_path":"a","project_id":[{}],"x":1}"#,
                true,
            ),
            (Meta, r#"{"Project_Path":""}"#, false),
            (Meta, r#"{"project_path":5}"#, false),
            (Meta, r#"["a/b"]"#, false),
            (Meta, r#""x""#, false),
            (Meta, "null", true),
            (Meta, r#"{"tag_deny_access_patterns":{"push":["a"]}}"#, true),
            (Meta, r#"{"tag_deny_access_patterns":{"Push":[]}}"#, false),
            (Meta, r#"{"tag_deny_access_patterns":[[],[]]}"#, false),
            (Meta, r#"{"tag_immutable_patterns":["a",null]}"#, true),
            (Meta, r#"{"tag_immutable_patterns":["a",1]}"#, false),
            (Meta, r#"{"tag_immutable_patterns":"a"}"#, false),
        ] {
            assert_eq!(
                read(json.as_bytes(), shape).is_ok(),
                accepted,
                "{shape:?} {json}"
            );
        }
    }

    #[test]
    fn a_name_twice_is_found_among_many() {
        let names: Vec<String> = (0..200).map(|index| format!("\"n{index}\":0")).collect();
        let object = |more: &str| format!("{{{}{more}}}", names.join(","));
        assert!(read(object("").as_bytes(), Shape::Header).is_ok());
        for twice in ["n0", "n15", "n16", "n199"] {
            let object = object(&format!(",\"{twice}\":0"));
            assert!(read(object.as_bytes(), Shape::Header).is_err(), "{twice}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(200_000);
        assert!(read(deep.as_bytes(), Shape::Any).is_err());
    }
}
