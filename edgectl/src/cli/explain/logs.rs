//! Lines of the filter's log.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use registry_token_filter::explain::{LogExplanation, LogLine};
use serde::Serialize;

use super::{input, text};
use crate::cli::{Failure, print};

/// How many of the needed scopes are named for a reason.
const MOST_NAMED: usize = 3;

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
    let reader = BufReader::new(input::open(file, "the log")?);
    let (mut groups, mut others) = (BTreeMap::new(), 0_usize);
    let mut remark = None;
    for line in reader.split(b'\n') {
        let line = line.map_err(|error| format!("cannot read {}: {error}", file.display()))?;
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
    if let Some(scope) = &told.required {
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
