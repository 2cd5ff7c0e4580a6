//! YAML 1.2 with the place of every value, aliases and merge keys resolved.
//!
//! serde's data model has no places, and a finding without a line is of little use in a file of
//! three hundred. Scalars are kept as they are written: what `yes` or `0x10` means differs between
//! the programs that read these files, so whoever asks for a value says as what.

mod loader;

use std::fmt;
use std::ops::Range;

use super::place::Position;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it begins.
    pub position: Position,
    /// The bytes of the text that it takes; of block collections only the beginning counts.
    pub bytes: Range<usize>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Plain text, or quoted.
    Scalar {
        /// The text, unquoted.
        text: String,
        /// Written without quotes and not as a block: may mean a number, a truth or nothing.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the text.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it begins.
    pub position: Position,
    /// Where it begins, in bytes.
    pub byte: usize,
}

/// A text that is not YAML, or more of it than is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {fault}")]
pub struct YamlError {
    /// Where.
    pub position: Position,
    /// What is wrong.
    pub fault: String,
}

/// Reads every document of a text.
///
/// # Errors
/// The first fault, with its place.
pub fn parse(text: &str) -> Result<Vec<Node>, YamlError> {
    loader::load(text)
}

impl Node {
    /// Nothing, nowhere.
    #[must_use]
    pub const fn null() -> Self {
        Self {
            value: Value::Scalar {
                text: String::new(),
                plain: true,
            },
            position: Position { line: 1, column: 1 },
            bytes: 0..0,
        }
    }

    /// The member of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .find(|(found, _)| found.text == key)
            .map(|(_, node)| node)
    }

    /// The member of a mapping in a mapping, and so on.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Keys and members of a mapping; of anything else none.
    pub fn entries(&self) -> impl Iterator<Item = (&Key, &Self)> {
        let entries = match &self.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(key, node)| (key, node))
    }

    /// The items of a sequence; of anything else none.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar that is not null.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether it says nothing: empty, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// `true` or `false` of the core schema, quoted or not: Go's and Envoy's readers take both.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self.text()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// The same as JSON, by the core schema (YAML 1.2, section 10.3).
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .map(|(key, node)| (key.text.clone(), node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Scalar { text, plain: false } => Json::String(text.clone()),
            Value::Scalar { text, plain: true } => {
                if self.is_null() {
                    return Json::Null;
                }
                if let Some(truth) = self.truth() {
                    return truth.into();
                }
                // What looks like a number of JSON is one in the core schema as well.
                match serde_json::from_str::<serde_json::Number>(text) {
                    Ok(number) => number.into(),
                    Err(_) => Json::String(text.clone()),
                }
            }
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        parse(text).unwrap().remove(0)
    }

    #[test]
    fn values_are_those_of_the_core_schema() {
        for (yaml, json) in [
            ("a: 1\nb: [x, 'y', \"z\"]", r#"{"a":1,"b":["x","y","z"]}"#),
            (
                "a: yes\nb: true\nc: 'true'",
                r#"{"a":"yes","b":true,"c":"true"}"#,
            ),
            ("a:\nb: ~\nc: ''", r#"{"a":null,"b":null,"c":""}"#),
            ("a: |\n  one\n  two\n", r#"{"a":"one\ntwo\n"}"#),
            ("a: >-\n  one\n  two\n", r#"{"a":"one two"}"#),
            ("a: !!str 5", r#"{"a":"5"}"#),
            ("a: 0x10\nb: 1e3", r#"{"a":"0x10","b":1000.0}"#),
        ] {
            assert_eq!(one(yaml).to_json().to_string(), json, "{yaml}");
        }
    }

    #[test]
    fn aliases_and_merge_keys_are_resolved() {
        for (yaml, json) in [
            ("a: &x 1\nb: *x", r#"{"a":1,"b":1}"#),
            (
                "base: &base {realm: r, issuer: i}\nprod:\n  <<: *base\n  issuer: own",
                r#"{"base":{"realm":"r","issuer":"i"},"prod":{"issuer":"own","realm":"r"}}"#,
            ),
            (
                "a: &a {x: 1}\nb: &b {x: 2, y: 3}\nc: {<<: [*a, *b]}",
                r#"{"a":{"x":1},"b":{"x":2,"y":3},"c":{"x":1,"y":3}}"#,
            ),
        ] {
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(one(yaml).to_json(), json, "{yaml}");
        }
    }

    #[test]
    fn places_are_those_of_an_editor() {
        let text = "ä: {b: c}\nlist:\n  - one\n  - x: two\n";
        let node = one(text);
        let empty = "a: {}  # said\nb: [ ] # said\n";
        for (key, taken) in [("a", "{}"), ("b", "[ ]")] {
            assert_eq!(&empty[one(empty).get(key).unwrap().bytes.clone()], taken);
        }
        let two = node.get("list").unwrap().items()[1].get("x").unwrap();
        assert_eq!(two.position, Position { line: 4, column: 8 });
        assert_eq!(&text[two.bytes.clone()], "two");
        let c = node.at(&["ä", "b"]).unwrap();
        assert_eq!(c.position, Position { line: 1, column: 8 });
        assert_eq!(&text[c.bytes.clone()], "c");
        assert_eq!(&text[node.get("ä").unwrap().bytes.clone()], "{b: c}");
        let several = parse("a: 1\n---\nb: 2\n").unwrap();
        assert_eq!(several[1].position.line, 3);
    }

    #[test]
    fn faults_name_their_place() {
        for (yaml, line, said) in [
            ("a: 1\na: 2", 2, "stands twice"),
            ("a: [1", 2, "not YAML"),
            ("a: b: c", 1, "not YAML"),
            ("a: *nowhere", 1, "not YAML"),
            ("a: &a [*a]", 1, "alias inside its own anchor"),
            ("{a: b}: c", 1, "key that is not text"),
        ] {
            let error = parse(yaml).unwrap_err();
            assert_eq!(error.position.line, line, "{yaml}: {error}");
            assert!(error.fault.contains(said), "{yaml}: {error}");
        }
    }

    #[test]
    fn a_billion_laughs_and_a_deep_nest_end_early() {
        let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (next, last) in "bcdefghij".chars().zip("abcdefghi".chars()) {
            let aliases = vec![format!("*{last}"); 10].join(", ");
            laughs.push_str(&format!("{next}: &{next} [{aliases}]\n"));
        }
        assert!(parse(&laughs).unwrap_err().fault.contains("more than"));
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(parse(&deep).is_err());
    }
}
