//! A stage of `cargo xtask test`: its name, what it is for, what it does; and how one went.

use std::time::Duration;

use anyhow::Result;

use crate::paint;
use crate::runner::Runner;

/// One named part of the test run.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Name on the command line, in the summary and of the log.
    pub(crate) name: &'static str,
    /// What it proves, in a few words.
    pub(crate) purpose: &'static str,
    /// Does it. A success may have something to say for the summary; "" is nothing.
    pub(crate) work: fn(&mut Runner) -> Result<String>,
}

/// The stages named in `only` (all when empty) and not in `skip`, in their own order.
pub(crate) fn selected<'a>(all: &'a [Stage], only: &[String], skip: &[String]) -> Vec<&'a Stage> {
    let named = |names: &[String], stage: &Stage| names.iter().any(|name| name == stage.name);
    all.iter()
        .filter(|stage| only.is_empty() || named(only, stage))
        .filter(|stage| !named(skip, stage))
        .collect()
}

/// How a stage went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As it must; with a remark.
    Passed(String),
    /// Not so; the first line of why.
    Failed(String),
    /// An earlier stage failed first.
    NotRun,
}

/// A line of the summary.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// The table at the end, and the line that counts.
pub(crate) fn summary(entries: &[Entry]) -> String {
    let mut lines = vec![paint::bold("Summary")];
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for Entry {
        name,
        outcome,
        took,
    } in entries
    {
        let (word, remark) = match outcome {
            Outcome::Passed(remark) => {
                passed += 1;
                (paint::green("passed "), remark.as_str())
            }
            Outcome::Failed(why) => {
                failed += 1;
                (paint::red("failed "), why.as_str())
            }
            Outcome::NotRun => (paint::yellow("not run"), ""),
        };
        let time = match outcome {
            Outcome::NotRun => String::new(),
            _ => paint::seconds(*took),
        };
        let line = format!("  {name:<12} {word} {time:>11}  {remark}");
        lines.push(line.trim_end().to_owned());
    }
    lines.push(format!("{passed} passed, {failed} failed"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stage(name: &'static str) -> Stage {
        Stage {
            name,
            purpose: "",
            work: |_| Ok(String::new()),
        }
    }

    #[test]
    fn selection_keeps_the_order_of_the_stages() {
        let all = [stage("a"), stage("b"), stage("c")];
        for (only, skip, expected) in [
            ("", "", "a b c"),
            ("c a", "", "a c"),
            ("", "b", "a c"),
            ("a b", "a", "b"),
            ("a", "a", ""),
        ] {
            let words = |text: &str| -> Vec<String> {
                text.split_whitespace().map(str::to_owned).collect()
            };
            let names: Vec<_> = selected(&all, &words(only), &words(skip))
                .iter()
                .map(|stage| stage.name)
                .collect();
            assert_eq!(names.join(" "), expected, "only {only:?}, skip {skip:?}");
        }
    }

    #[test]
    fn the_summary_ends_with_the_counts() {
        let entry = |outcome| Entry {
            name: "x",
            outcome,
            took: Duration::from_secs(1),
        };
        let entries = [
            entry(Outcome::Passed("12 tests".to_owned())),
            entry(Outcome::Failed("why".to_owned())),
            entry(Outcome::NotRun),
        ];
        let text = anstream::adapter::strip_str(&summary(&entries)).to_string();
        assert_eq!(text.lines().last(), Some("1 passed, 1 failed"));
        for part in ["12 tests", "why", "not run"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
