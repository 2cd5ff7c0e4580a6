//! YAML 1.2 with the place of every value, aliases and merge keys resolved.
//!
//! serde's data model has no places, and a finding without a line is of little use in a file of
//! three hundred. Scalars are kept as they are written: what `yes` or `0x10` means differs between
//! the programs that read these files, so whoever asks for a value says as what.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::place::Position;

/// Nodes of a file, copies by aliases included. The largest real files (an Istio installation) have
/// some ten thousand; what has more is a "billion laughs".
const MAX_NODES: usize = 200_000;
/// Nested collections, far beyond what is written by hand or by tools.
const MAX_DEPTH: usize = 128;

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
    Loader::new(text).load(text)
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

/// An open collection.
enum Open {
    List(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Node>),
}

struct Frame {
    open: Open,
    anchor: usize,
    position: Position,
    start: usize,
}

struct Loader {
    /// The byte at which the n-th character begins; the parser counts characters.
    bytes: Vec<usize>,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    documents: Vec<Node>,
    nodes: usize,
}

impl Loader {
    fn new(text: &str) -> Self {
        let ends = std::iter::once(text.len());
        Self {
            bytes: text.char_indices().map(|(at, _)| at).chain(ends).collect(),
            frames: Vec::new(),
            anchors: HashMap::new(),
            documents: Vec::new(),
            nodes: 0,
        }
    }

    fn load(mut self, text: &str) -> Result<Vec<Node>, YamlError> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(scan_error)?;
            let position = position(&span);
            let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
            match event {
                Event::Scalar(text, style, anchor, tag) => {
                    // `!!str 5` is text, whatever it looks like.
                    let value = Value::Scalar {
                        text: text.into_owned(),
                        plain: style == ScalarStyle::Plain && tag.is_none(),
                    };
                    let node = Node {
                        value,
                        position,
                        bytes: start..end,
                    };
                    self.add(node, anchor)?;
                }
                Event::Alias(anchor) => {
                    let mut node = self.anchors.get(&anchor).cloned().ok_or(YamlError {
                        position,
                        fault: "an alias inside its own anchor".to_owned(),
                    })?;
                    self.count(weight(&node), position)?;
                    node.position = position;
                    node.bytes = start..end;
                    self.add(node, 0)?;
                }
                Event::SequenceStart(anchor, _) => {
                    self.open(Open::List(Vec::new()), anchor, position, start)?;
                }
                Event::MappingStart(anchor, _) => {
                    self.open(Open::Map(Vec::new(), None), anchor, position, start)?;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    // Of an empty flow collection the parser gives a span up to the next token.
                    let closes = text
                        .get(start..)
                        .unwrap_or_default()
                        .starts_with(['}', ']']);
                    self.close(if closes { start + 1 } else { end })?;
                }
                Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::StreamStart
                | Event::StreamEnd
                | Event::Nothing => {}
            }
        }
        Ok(self.documents)
    }

    fn byte(&self, character: usize) -> usize {
        let last = self.bytes.last().copied().unwrap_or_default();
        self.bytes.get(character).copied().unwrap_or(last)
    }

    fn count(&mut self, nodes: usize, position: Position) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            let fault = format!("more than {MAX_NODES} values, copies by aliases included");
            return Err(YamlError { position, fault });
        }
        Ok(())
    }

    fn open(
        &mut self,
        open: Open,
        anchor: usize,
        position: Position,
        start: usize,
    ) -> Result<(), YamlError> {
        if self.frames.len() >= MAX_DEPTH {
            let fault = format!("nested more than {MAX_DEPTH} deep");
            return Err(YamlError { position, fault });
        }
        self.frames.push(Frame {
            open,
            anchor,
            position,
            start,
        });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), YamlError> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        let value = match frame.open {
            Open::List(items) => Value::List(items),
            Open::Map(entries, _) => Value::Map(self.merged(entries)?),
        };
        let node = Node {
            value,
            position: frame.position,
            bytes: frame.start..end.max(frame.start),
        };
        self.add(node, frame.anchor)
    }

    /// `<<: *base` adds the members that the mapping does not have itself. YAML 1.1, but what Ruby's,
    /// Go's and Python's readers do to this day.
    fn merged(&mut self, entries: Vec<(Key, Node)>) -> Result<Vec<(Key, Node)>, YamlError> {
        let (merges, mut own): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(key, _)| key.text == "<<");
        for (key, node) in merges {
            let position = key.position;
            let sources = match &node.value {
                Value::Map(_) => std::slice::from_ref(&node),
                _ => node.items(),
            };
            for (key, member) in sources.iter().flat_map(Node::entries) {
                if own.iter().all(|(known, _)| known.text != key.text) {
                    self.count(weight(member), position)?;
                    own.push((key.clone(), member.clone()));
                }
            }
        }
        Ok(own)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        self.count(1, node.position)?;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.frames.last_mut().map(|frame| &mut frame.open) {
            None => self.documents.push(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(entries, pending)) => match pending.take() {
                None => *pending = Some(node),
                Some(key) => {
                    let position = key.position;
                    let byte = key.bytes.start;
                    let Value::Scalar { text, .. } = key.value else {
                        let fault = "a key that is not text".to_owned();
                        return Err(YamlError { position, fault });
                    };
                    if text != "<<" && entries.iter().any(|(known, _)| known.text == text) {
                        let fault = format!(
                            "the key `{}` stands twice in this mapping: leave one of them",
                            text.escape_debug()
                        );
                        return Err(YamlError { position, fault });
                    }
                    let key = Key {
                        text,
                        position,
                        byte,
                    };
                    entries.push((key, node));
                }
            },
        }
        Ok(())
    }
}

fn weight(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } => 1,
        Value::List(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Map(entries) => entries.iter().map(|(_, node)| weight(node)).sum::<usize>() + 1,
    }
}

fn position(span: &Span) -> Position {
    Position {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

fn scan_error(error: ScanError) -> YamlError {
    let marker = error.marker();
    YamlError {
        position: Position {
            line: marker.line(),
            column: marker.col() + 1,
        },
        fault: format!("this is not YAML: {}", error.info()),
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
