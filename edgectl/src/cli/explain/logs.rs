//! Lines of the filter's log.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use registry_token_filter::explain::{LogExplanation, LogLine};
use serde::Serialize;

use super::{input, text};
use crate::cli::{Failure, print};

/// How many of the needed scopes are named for a reason.
const MOST_NAMED: usize = 3;

/// How many different scopes are counted for a reason; a client can make up any number of them.
const MOST_COUNTED: usize = 10_000;

/// The longest line that is read, in bytes: hosts write none longer.
const LONGEST_LINE: usize = 1 << 20;

/// All lines with one reason.
#[derive(Serialize)]
struct Group {
    /// How many there are.
    lines: usize,
    /// The scopes they needed most often, with how often.
    needed: Vec<(String, usize)>,
    /// The last of them, explained.
    last: LogExplanation,
}

/// Explains one line.
pub(super) fn one(line: &str, json: bool) -> Result<(), Failure> {
    let told = LogLine::parse(line)?.explain();
    if json {
        print(&serde_json::to_string_pretty(&told)?)
    } else {
        text::show(&format!("{}{}", text::line(&told), text::NEXT))
    }
}

/// Explains every reason in a log once, the most frequent first.
pub(super) fn all(file: &Path, json: bool) -> Result<(), Failure> {
    let mut reader = BufReader::new(input::open(file, "the log")?);
    let mut line = Vec::new();
    let (mut groups, mut others) = (BTreeMap::new(), 0_usize);
    let mut remark = None;
    while next_line(&mut reader, &mut line)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?
    {
        match LogLine::parse(&String::from_utf8_lossy(&line)) {
            Ok(line) => count(&mut groups, &line),
            Err(error) => {
                others += 1;
                remark = Some(error);
            }
        }
    }
    let mut groups: Vec<Group> = groups.into_values().map(Counted::into_group).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.lines));
    if groups.is_empty() {
        return Err(match remark {
            Some(error) if others == 1 => error.to_string(),
            _ => format!(
                "no line of {} is the filter's about a request: expected `challenged reason=…` or \
                 `rejected reason=…`, as Envoy logs it at level info",
                file.display()
            ),
        }
        .into());
    }
    if json {
        return print(&serde_json::to_string_pretty(&groups)?);
    }
    let told: Vec<String> = groups.iter().map(shown).collect();
    let skipped = format!("\n{others} other lines\n");
    text::show(&format!("{}{}{skipped}", told.join("\n"), text::NEXT))
}

/// Reads the next line, as far as [`LONGEST_LINE`]; false at the end. What is beyond is read over: a
/// file without line ends takes no more memory than a line.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let mut is_there = false;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(is_there);
        }
        is_there = true;
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        let room = LONGEST_LINE.saturating_sub(line.len()).min(part.len());
        line.extend_from_slice(part.get(..room).unwrap_or_default());
        let read = end.map_or(chunk.len(), |end| end + 1);
        reader.consume(read);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// A reason's lines while they are counted.
struct Counted {
    lines: usize,
    needed: BTreeMap<String, usize>,
    last: LogExplanation,
}

impl Counted {
    fn into_group(self) -> Group {
        let mut needed: Vec<(String, usize)> = self.needed.into_iter().collect();
        needed.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
        needed.truncate(MOST_NAMED);
        Group {
            lines: self.lines,
            needed,
            last: self.last,
        }
    }
}

fn count(groups: &mut BTreeMap<&'static str, Counted>, line: &LogLine) {
    let told = line.explain();
    let group = groups.entry(told.reason).or_insert_with(|| Counted {
        lines: 0,
        needed: BTreeMap::new(),
        last: told.clone(),
    });
    group.lines += 1;
    if let Some(scope) = &told.required
        && (group.needed.len() < MOST_COUNTED || group.needed.contains_key(scope))
    {
        *group.needed.entry(scope.clone()).or_default() += 1;
    }
    group.last = told;
}

fn shown(group: &Group) -> String {
    let lines = if group.lines == 1 { "line" } else { "lines" };
    let mut out = format!("{} {lines}. {}", group.lines, text::line(&group.last));
    if let [_, _, ..] = &group.needed[..] {
        let named: Vec<String> = group
            .needed
            .iter()
            .map(|(scope, lines)| format!("{scope} ({lines})"))
            .collect();
        out.push_str(&text::paragraph(
            &format!("Most often needed: {}", named.join(", ")),
            "  ",
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<usize> {
        let (mut reader, mut line) = (BufReader::with_capacity(7, text), Vec::new());
        let mut lengths = Vec::new();
        while next_line(&mut reader, &mut line).unwrap() {
            lengths.push(line.len());
        }
        lengths
    }

    #[test]
    fn a_line_is_read_as_far_as_it_may_be_long_and_the_next_one_whole() {
        assert_eq!(lines(b""), [0_usize; 0]);
        assert_eq!(lines(b"a\n\nlonger than it\nend"), [1, 0, 14, 3]);
        let mut text = vec![b'x'; LONGEST_LINE + 5];
        text.extend(b"\nnext\n");
        assert_eq!(lines(&text), [LONGEST_LINE, 4]);
    }
}
