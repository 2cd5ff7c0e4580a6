//! Changing places of a YAML text and nothing else: comments, order and layout stay.
//!
//! The production bootstrap explains itself in comments, and an operator wants them in the file that
//! is made of it. Places are written as paths, `static_resources.clusters[name=registry].type`; a
//! place that is missing is an error, so that the document and its editors cannot drift apart.

use std::ops::Range;

use super::yaml::{self, Key, Node};

/// The mark of a place that depends on the site.
const SITE: &str = "# SITE";

/// A YAML text with changes to be made.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
    root: Node,
    changes: Vec<(Range<usize>, String)>,
}

/// A document does not have what it is expected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the document has nothing at `{path}`: {reason}")]
pub struct NoPlace {
    path: String,
    reason: String,
}

impl<'a> Document<'a> {
    /// Reads a text of one document.
    ///
    /// # Errors
    /// When it is not YAML, or empty.
    pub fn parse(text: &'a str) -> Result<Self, NoPlace> {
        let fail = |reason: String| NoPlace {
            path: String::new(),
            reason,
        };
        let documents = yaml::parse(text).map_err(|error| fail(error.to_string()))?;
        let root = documents.into_iter().next();
        Ok(Self {
            text,
            root: root.ok_or_else(|| fail("it is empty".to_owned()))?,
            changes: Vec::new(),
        })
    }

    /// Replaces the value at `path`. It is written as JSON, which is YAML in the flow style; text
    /// without quotes where that is safe. The mark `# SITE` of the line is taken off: it is answered.
    ///
    /// # Errors
    /// [`NoPlace`], as all methods.
    pub fn set(&mut self, path: &str, value: impl Into<serde_json::Value>) -> Result<(), NoPlace> {
        self.put(path, value, true)
    }

    /// As [`Document::set`]; a value that is a guess leaves the mark where it is.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn put(
        &mut self,
        path: &str,
        value: impl Into<serde_json::Value>,
        known: bool,
    ) -> Result<(), NoPlace> {
        let (_, node) = self.locate(path)?;
        let bytes = node.bytes.clone();
        self.changes.push((bytes.clone(), flow(&value.into())));
        if !known {
            return Ok(());
        }
        let line = self.line_end(bytes.end);
        let rest = self.text.get(bytes.end..line).unwrap_or_default();
        let mark = rest.find(SITE).filter(|at| {
            rest.get(at + SITE.len()..)
                .is_some_and(|after| after.trim().is_empty())
        });
        if let Some(at) = mark {
            let before = rest.get(..at).unwrap_or_default().trim_end().len();
            let answered = (bytes.end + before..line, String::new());
            if !self.changes.contains(&answered) {
                self.changes.push(answered);
            }
        }
        Ok(())
    }

    /// Replaces the text at `path`, which is a literal block (`|`).
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn set_block(&mut self, path: &str, text: &str) -> Result<(), NoPlace> {
        let (key, _) = self.locate(path)?;
        let key = key.ok_or_else(|| no_place(path, "it has no key"))?;
        let indent = " ".repeat(key.position.column + 1);
        let first = self.line_end(key.byte) + 1;
        let end = self.block_end(first, key.position.column);
        let lines: String = text
            .lines()
            .map(|line| format!("{indent}{line}\n"))
            .collect();
        self.changes.push((first..end, lines));
        Ok(())
    }

    /// Replaces the items of a block sequence, one line each.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn set_items(&mut self, path: &str, items: &[serde_json::Value]) -> Result<(), NoPlace> {
        let (_, node) = self.locate(path)?;
        let first = node.items().first();
        let first = first.ok_or_else(|| no_place(path, "it has no items"))?;
        let column = first.position.column.saturating_sub(2);
        let start = self.line_start(first.bytes.start);
        let last = node.items().last().unwrap_or(first);
        let end = self.block_end(self.line_end(last.bytes.start) + 1, column);
        let dash = " ".repeat(column.saturating_sub(1));
        let lines = items.iter().map(|item| {
            let flow = flow(item);
            // A mapping in braces is one without them as well, when it has one member.
            let inner = flow
                .strip_prefix('{')
                .and_then(|flow| flow.strip_suffix('}'));
            let single = item.as_object().is_some_and(|members| members.len() == 1);
            format!("{dash}- {}\n", inner.filter(|_| single).unwrap_or(&flow))
        });
        self.changes.push((start..end, lines.collect()));
        Ok(())
    }

    /// Takes out a member of a block mapping or an item of a block sequence, with the comments right
    /// above it.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn remove(&mut self, path: &str) -> Result<(), NoPlace> {
        let (key, node) = self.locate(path)?;
        // An item begins with its dash, two columns before what it holds.
        let (byte, column) = match key {
            Some(key) => (key.byte, key.position.column),
            None => (node.bytes.start, node.position.column.saturating_sub(2)),
        };
        let line = self.line_start(byte);
        let end = self.block_end(self.line_end(byte) + 1, column);
        let before = self.text.get(line..byte).unwrap_or_default();
        let range = if key.is_some() && before.contains('-') {
            // The first member of an item stands behind the dash; the next one takes its place.
            let next = self.text.get(end..).unwrap_or_default();
            byte..end + next.len() - next.trim_start().len()
        } else {
            self.comments_start(line, column)..end
        };
        self.changes.push((range, String::new()));
        Ok(())
    }

    /// Replaces the comment at the top of the text, up to the first empty line.
    pub fn set_head(&mut self, comment: &str) {
        let end = self.text.find("\n\n").map_or(0, |at| at + 1);
        self.changes.push((0..end, comment.to_owned()));
    }

    /// The text with all changes made.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.changes
            .sort_by_key(|(range, _)| (range.start, range.end));
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        for (range, replacement) in &self.changes {
            // Within something that is taken out as a whole.
            if range.start < at {
                continue;
            }
            text.push_str(self.text.get(at..range.start).unwrap_or_default());
            text.push_str(replacement);
            at = range.end;
        }
        text.push_str(self.text.get(at..).unwrap_or_default());
        text
    }

    fn locate(&self, path: &str) -> Result<(Option<&Key>, &Node), NoPlace> {
        let mut found = (None, &self.root);
        for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
            let node = found.1;
            let member = node.entries().find(|(key, _)| key.text == step);
            let item = || match step.split_once('=') {
                Some((key, wanted)) => node
                    .items()
                    .iter()
                    .find(|item| item.get(key).and_then(Node::text) == Some(wanted)),
                None => node.items().get(step.parse::<usize>().ok()?),
            };
            found = member
                .map(|(key, node)| (Some(key), node))
                .or_else(|| item().map(|item| (None, item)))
                .ok_or_else(|| no_place(path, &format!("there is no `{step}`")))?;
        }
        Ok(found)
    }

    fn line_end(&self, byte: usize) -> usize {
        let rest = self.text.get(byte..).unwrap_or_default();
        byte + rest.find('\n').unwrap_or(rest.len())
    }

    fn line_start(&self, byte: usize) -> usize {
        let before = self.text.get(..byte).unwrap_or_default();
        before.rfind('\n').map_or(0, |at| at + 1)
    }

    /// Where a block ends whose key or dash is in this column (from 1): before the next line that is
    /// indented as little, and before the comments that belong to that line.
    fn block_end(&self, start: usize, column: usize) -> usize {
        let mut end = start;
        let mut at = start;
        for line in self
            .text
            .get(start..)
            .unwrap_or_default()
            .split_inclusive('\n')
        {
            let content = line.trim_start();
            let indent = line.len() - content.len();
            at += line.len();
            if content.is_empty() || content.starts_with('#') && indent < column {
                continue;
            }
            if indent < column {
                return end;
            }
            end = at;
        }
        end
    }

    fn comments_start(&self, line: usize, column: usize) -> usize {
        let mut start = line;
        while start > 0 {
            let before = self.line_start(start - 1);
            let text = self.text.get(before..start).unwrap_or_default();
            let indent = text.len() - text.trim_start().len();
            if !text.trim_start().starts_with('#') || indent + 1 != column {
                break;
            }
            start = before;
        }
        start
    }
}

fn no_place(path: &str, reason: &str) -> NoPlace {
    NoPlace {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// A value in the flow style.
fn flow(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar(key), flow(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// Text without quotes where nothing else could be meant.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let starts = |first: char| first.is_ascii_alphabetic() || first == '/';
    let is_plain = text.starts_with(starts)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if is_plain && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Head
# of it.

a: {x: 1, y: b}  # SITE
list:
# About one.
- name: one
  more: |
    old
    text

  # About last.
  last: {}  # SITE: keep
# About two.
- name: two
  deep:
    # Inside.
    deeper: [1, 2]
# About end.
end: x  # SITE
";

    fn changed(change: impl FnOnce(&mut Document<'_>) -> Result<(), NoPlace>) -> String {
        let mut document = Document::parse(TEXT).unwrap();
        change(&mut document).unwrap();
        document.finish()
    }

    #[test]
    fn nothing_else_changes() {
        assert_eq!(changed(|_| Ok(())), TEXT);
        let text = changed(|document| {
            document.set("a.x", 2)?;
            document.set("a.y", "b: c")?;
            document.set("list[name=one].last", serde_json::json!({"k": "v w"}))?;
            document.set("end", "/etc/x.crt")
        });
        let expected = TEXT
            .replace("{x: 1, y: b}  # SITE", "{x: 2, y: \"b: c\"}")
            .replace("last: {}", "last: {k: \"v w\"}")
            .replace("end: x  # SITE", "end: /etc/x.crt");
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_taken_out_goes_with_its_comments() {
        let without = |path: &str| changed(|document| document.remove(path));
        let two = "# About two.\n- name: two\n  deep:\n    # Inside.\n    deeper: [1, 2]\n";
        assert_eq!(without("list[1]"), TEXT.replace(two, ""));
        let last = "  # About last.\n  last: {}  # SITE: keep\n";
        assert_eq!(without("list[name=one].last"), TEXT.replace(last, ""));
        let end = "# About end.\nend: x  # SITE\n";
        assert_eq!(without("end"), TEXT.replace(end, ""));
        let name = "- name: two\n  deep:\n";
        assert_eq!(
            without("list[name=two].name"),
            TEXT.replace(name, "- deep:\n")
        );
        let deep = "  deep:\n    # Inside.\n    deeper: [1, 2]\n";
        assert_eq!(without("list[name=two].deep"), TEXT.replace(deep, ""));
    }

    #[test]
    fn items_are_replaced() {
        let text = changed(|document| {
            document.set_items("list", &[serde_json::json!({"a": {"b": 1}}), 2.into()])
        });
        let start = TEXT.find("- name: one").unwrap();
        let end = TEXT.find("# About end.").unwrap();
        let expected = format!("{}- a: {{b: 1}}\n- 2\n{}", &TEXT[..start], &TEXT[end..]);
        assert_eq!(text, expected);
    }

    #[test]
    fn blocks_and_head_are_replaced() {
        let text = changed(|document| {
            document.set_head("# New\n");
            document.set_block("list[0].more", "one\n  two")
        });
        let expected = TEXT
            .replace("# Head\n# of it.\n", "# New\n")
            .replace("    old\n    text\n", "    one\n      two\n");
        assert_eq!(text, expected);
    }

    #[test]
    fn a_missing_place_is_named() {
        let mut document = Document::parse(TEXT).unwrap();
        for (path, step) in [("b", "`b`"), ("list[name=x]", "`name=x`"), ("a.x.z", "`z`")] {
            let error = document.set(path, 1).unwrap_err().to_string();
            assert!(error.contains(path) && error.contains(step), "{error}");
        }
    }

    #[test]
    fn text_is_written_so_that_it_is_read_back() {
        for text in [
            "x", "true", "5", "a b", "/etc/x", "::", "", "no", "-", "#", "a: b", "ä",
        ] {
            let yaml = format!("v: {}", flow(&text.into()));
            let node = yaml::parse(&yaml).unwrap().remove(0);
            assert_eq!(node.to_json()["v"], text, "{yaml}");
        }
    }
}
