//! Whether the corpus's README says what can be written in a case, and nothing else.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::case::{Case, Request};
use super::expectation::Expectation;
use super::token::Token;
use super::{CaseFile, Corpus, DivergenceFile, FILES};

const README: &str = include_str!("../corpus/README.md");

impl Corpus {
    /// Examples that are none, files that are not in the list of files, and keys that are in the
    /// README and not in the schema or the other way about.
    pub fn readme_faults() -> Vec<String> {
        let mut faults = Vec::new();
        for example in README.split("```toml\n").skip(1) {
            let example = example.split("```").next().unwrap_or_default();
            let fault = if example.starts_with("[[divergence]]") {
                toml::from_str::<DivergenceFile>(example).err()
            } else {
                toml::from_str::<CaseFile>(example).err()
            };
            faults.extend(fault.map(|fault| format!("an example is none: {fault}\n{example}")));
        }
        let files: BTreeSet<String> = FILES
            .iter()
            .map(|(subject, _)| format!("{}.toml", subject.replace('_', "-")))
            .chain(["profiles.toml", "configurations.toml"].map(str::to_owned))
            .collect();
        faults.extend(difference("file", &listed("| file |"), &files));
        for (heading, schema) in [
            ("## A case", keys::<Case>()),
            ("### `request`", keys::<Request>()),
            ("### `token`", keys::<Token>()),
        ] {
            let section = README.split(heading).nth(1).unwrap_or_default();
            let documented = first_column(section, "| key |");
            faults.extend(difference(heading, &documented, &schema));
        }
        for key in keys::<Expectation>() {
            if !README.contains(&format!("`{key}`")) {
                faults.push(format!("`{key}` of an expectation is not explained"));
            }
        }
        faults
    }
}

/// The keys of a table, as its reader names them to somebody who wrote another.
fn keys<T: DeserializeOwned>() -> BTreeSet<String> {
    let refusal = toml::from_str::<T>("no-such-key = 1")
        .err()
        .map(|error| error.message().to_owned())
        .unwrap_or_default();
    let expected = refusal.split("expected one of").nth(1).unwrap_or_default();
    quoted(expected)
}

fn listed(heading: &str) -> BTreeSet<String> {
    first_column(README, heading)
}

/// What stands in backticks in the first column of the first table with this heading.
fn first_column(text: &str, heading: &str) -> BTreeSet<String> {
    let table = text.split(heading).nth(1).unwrap_or_default();
    table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(quoted)
        // `expect_on.PROFILE` is a table for each profile.
        .map(|key| key.split(".PROFILE").next().unwrap_or_default().to_owned())
        .collect()
}

fn quoted(text: &str) -> BTreeSet<String> {
    let pieces = text.split('`').skip(1).step_by(2);
    pieces.map(str::to_owned).collect()
}

fn difference(what: &str, documented: &BTreeSet<String>, known: &BTreeSet<String>) -> Vec<String> {
    let unknown = documented.difference(known);
    let missing = known.difference(documented);
    unknown
        .map(|key| format!("{what}: `{key}` is documented and unknown"))
        .chain(missing.map(|key| format!("{what}: `{key}` is not documented")))
        .collect()
}
