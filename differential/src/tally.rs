//! What the cases of a run came to, counted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::rules;
use crate::verdict::{Failure, Kind, Verdict};
use crate::way::Way;

/// A failing case, as small as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) number: u64,
    pub(crate) way: Way,
    pub(crate) failure: Failure,
    pub(crate) difference: String,
    pub(crate) registry: String,
    pub(crate) edge: String,
    /// As an entry of the corpus.
    pub(crate) entry: String,
}

/// Counts of one registry.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Comparisons: a case that went several ways to the edge counts as often.
    pub(crate) compared: u64,
    pub(crate) identical: BTreeMap<Kind, u64>,
    pub(crate) listed: BTreeMap<&'static str, u64>,
    pub(crate) failed: BTreeMap<Failure, u64>,
    /// Failures that did not fail again: writes of other cases came between.
    pub(crate) unsteady: u64,
    /// Requests that HTTP/2 cannot say.
    pub(crate) impassable: u64,
    pub(crate) found: Vec<Found>,
}

impl Tally {
    pub(crate) fn add(&mut self, verdict: &Verdict) {
        self.compared += 1;
        match verdict {
            Verdict::Identical(kind) => *self.identical.entry(*kind).or_default() += 1,
            Verdict::Listed(name) => *self.listed.entry(name).or_default() += 1,
            Verdict::Failed(failure, _) => *self.failed.entry(*failure).or_default() += 1,
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        let Self {
            compared,
            identical,
            listed,
            failed,
            unsteady,
            impassable,
            found,
        } = other;
        self.compared += compared;
        self.unsteady += unsteady;
        self.impassable += impassable;
        for (kind, count) in identical {
            *self.identical.entry(kind).or_default() += count;
        }
        for (name, count) in listed {
            *self.listed.entry(name).or_default() += count;
        }
        for (failure, count) in failed {
            *self.failed.entry(failure).or_default() += count;
        }
        self.found.extend(found);
        self.found.sort_by_key(|found| found.number);
        let mut entries = BTreeSet::new();
        self.found
            .retain(|found| entries.insert(found.entry.clone()));
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Rows of the summary: what, and how often. What must not be comes last, with its zeros.
    pub(crate) fn rows(&self) -> Vec<(String, u64)> {
        let of_kind = |kind: &Kind| self.identical.get(kind).copied().unwrap_or_default();
        let identical = Kind::ALL
            .iter()
            .map(|kind| (format!("  {}", kind.name()), of_kind(kind)));
        let of_rule = |name| self.listed.get(name).copied().unwrap_or_default();
        let listed = rules::all().map(|rule| (format!("  {}", rule.name), of_rule(rule.name)));
        let of_failure = |failure| self.failed.get(failure).copied().unwrap_or_default();
        let failed = Failure::ALL
            .iter()
            .map(|failure| (format!("FAILED: {failure}"), of_failure(failure)));
        let mut rows = vec![("identical".to_owned(), self.identical.values().sum())];
        rows.extend(identical);
        rows.push((
            "otherwise, as listed".to_owned(),
            self.listed.values().sum(),
        ));
        rows.extend(listed);
        rows.extend(failed);
        rows
    }

    pub(crate) fn to_json(&self) -> Value {
        let counts = |rows: Vec<(&str, u64)>| -> Value {
            rows.into_iter()
                .map(|(name, count)| (name.to_owned(), Value::from(count)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let identical = self
            .identical
            .iter()
            .map(|(kind, count)| (kind.name(), *count));
        let listed = self.listed.iter().map(|(name, count)| (*name, *count));
        let failed = self
            .failed
            .iter()
            .map(|(failure, count)| (failure.name(), *count));
        let found: Vec<Value> = self.found.iter().map(Found::to_json).collect();
        json!({
            "compared": self.compared,
            "identical": counts(identical.collect()),
            "as_listed": counts(listed.collect()),
            "failed": counts(failed.collect()),
            "unsteady": self.unsteady,
            "not_over_http_2": self.impassable,
            "found": found,
        })
    }
}

impl Found {
    fn to_json(&self) -> Value {
        json!({
            "case": self.number,
            "way": self.way.to_string(),
            "failure": self.failure.name(),
            "difference": self.difference,
            "registry": self.registry,
            "edge": self.edge,
            "entry": self.entry,
        })
    }
}
