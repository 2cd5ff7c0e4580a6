//! What a person reads at the end of a run.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::rules;
use crate::run::{Outcome, Range};

/// From this many cases on, a rule that none of them met is worth a word.
const MANY: u64 = 5_000;

/// The summary of all registries, and the failures in full.
pub(crate) fn text(outcomes: &[Outcome], range: Range) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        for found in &outcome.tally.found {
            let _ = writeln!(
                text,
                "{}: {} ({}), case {}: {}\n  registry: {}\n  edge:     {}\n{}\n",
                outcome.release.profile(),
                found.failure,
                found.way,
                found.number,
                found.difference,
                found.registry,
                found.edge,
                found.entry,
            );
        }
    }
    table(&mut text, outcomes);
    for outcome in outcomes {
        let rate = rate(range.count, outcome);
        let _ = writeln!(
            text,
            "{}: {} cases in {:.1} s, {rate:.0}/s, seed {}: {} comparisons, {} failed{}",
            outcome.release.profile(),
            range.count,
            outcome.elapsed.as_secs_f64(),
            range.seed,
            outcome.tally.compared,
            outcome.tally.failures(),
            match outcome.tally.unsteady {
                0 => String::new(),
                unsteady => format!(", {unsteady} more did not fail again"),
            },
        );
    }
    let unmet = rules::all().filter(|rule| {
        let met = |outcome: &Outcome| outcome.tally.listed.contains_key(rule.name);
        !outcomes.iter().any(met)
    });
    let unmet: Vec<&str> = unmet.map(|rule| rule.name).collect();
    // A few cases need not meet all.
    if !unmet.is_empty() && range.count >= MANY {
        let _ = writeln!(text, "rules that no case met: {}", unmet.join(", "));
    }
    text
}

fn table(text: &mut String, outcomes: &[Outcome]) {
    let columns: Vec<Vec<(String, u64)>> = outcomes
        .iter()
        .map(|outcome| outcome.tally.rows())
        .collect();
    let Some(first) = columns.first() else {
        return;
    };
    let width = first.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or_default();
    let _ = write!(text, "{:width$}", "");
    for outcome in outcomes {
        let _ = write!(text, "  {:>16}", outcome.release.profile());
    }
    text.push('\n');
    for (index, (name, _)) in first.iter().enumerate() {
        let _ = write!(text, "{name:width$}");
        for column in &columns {
            let count = column.get(index).map_or(0, |(_, count)| *count);
            let _ = write!(text, "  {count:>16}");
        }
        text.push('\n');
    }
}

/// Cases in a second.
fn rate(count: u64, outcome: &Outcome) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let count = count as f64;
    count / outcome.elapsed.as_secs_f64().max(0.001)
}

/// The same for machines.
pub(crate) fn json(outcomes: &[Outcome], range: Range) -> Value {
    let profiles = outcomes.iter().map(|outcome| {
        let mut tally = outcome.tally.to_json();
        if let Some(tally) = tally.as_object_mut() {
            tally.insert("seconds".to_owned(), outcome.elapsed.as_secs_f64().into());
            tally.insert(
                "cases_per_second".to_owned(),
                rate(range.count, outcome).into(),
            );
        }
        (outcome.release.profile().to_owned(), tally)
    });
    json!({
        "seed": range.seed,
        "first": range.first,
        "cases": range.count,
        "profiles": profiles.collect::<serde_json::Map<_, _>>(),
    })
}
