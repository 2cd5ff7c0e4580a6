//! Where the filter answers otherwise than the registry, on purpose.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Corpus;
use super::expectation::Expectation;

/// One reason to differ, and every case in which it shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divergence {
    /// Why: one sentence.
    pub reason: String,
    pub cases: Vec<String>,
    pub profiles: Vec<String>,
    /// The registry's answer, in the short form of [`Expectation`]'s `Display`.
    pub registry: String,
    /// The filter's answer.
    pub ours: Expectation,
}

impl Divergence {
    pub fn is_about(&self, case: &str, profile: &str) -> bool {
        self.cases.iter().any(|name| name == case)
            && self.profiles.iter().any(|name| name == profile)
    }
}

impl Corpus {
    /// Entries of the list that do not hold, whatever an implementation does.
    pub fn divergence_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        for Divergence {
            reason,
            cases,
            profiles,
            registry,
            ours,
        } in &self.divergences
        {
            for (name, profile) in cases
                .iter()
                .flat_map(|case| profiles.iter().map(move |profile| (case, profile)))
            {
                let mut fault = |text: &str| faults.push(format!("\"{name}\" [{profile}]: {text}"));
                if !seen.insert((name, profile)) {
                    fault("listed twice");
                }
                let case = self.cases().find(|case| case.name == *name);
                let Some(case) = case.filter(|case| case.applies_to(profile)) else {
                    fault("there is no such case");
                    continue;
                };
                let expected = case.expectation(profile);
                if expected.to_string() != *registry {
                    fault(&format!(
                        "the registry's answer is {expected}, not {registry}"
                    ));
                }
                if ours.is_forward() && !expected.is_forward() {
                    fault("looser than the registry, for no reason");
                }
                if reason.is_empty() {
                    fault("without a reason");
                }
            }
        }
        faults
    }
}
