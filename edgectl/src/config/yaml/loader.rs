//! From the parser's events to nodes, within bounds.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::{Key, Node, Value, YamlError};
use crate::config::place::Position;

/// Nodes of a file, copies by aliases included. The largest real files (an Istio installation) have
/// some ten thousand; what has more is a "billion laughs".
const MAX_NODES: usize = 200_000;
/// Nested collections, far beyond what is written by hand or by tools.
const MAX_DEPTH: usize = 128;

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

/// Reads every document of a text.
pub(super) fn load(text: &str) -> Result<Vec<Node>, YamlError> {
    Loader::new(text).load(text)
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
