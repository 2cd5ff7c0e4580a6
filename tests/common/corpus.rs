//! One corpus of cases as data, for every implementation of the filter.
//!
//! The cases are the files of `tests/corpus/`, whose README describes them. They are compiled in,
//! so that the same corpus runs where there are no files. What runs them is an [`Implementation`];
//! nothing here calls the filter.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

mod bytes;
mod case;
mod challenge;
mod comparison;
mod divergence;
mod expectation;
mod implementation;
mod json;
pub(crate) mod key;
mod mint;
mod profile;
mod token;
mod trial;
mod twin;

pub(crate) use case::Message;
pub(crate) use implementation::{Answer, Implementation, Setting};
pub(crate) use profile::{Configuration, Profile};

use case::Case;
use divergence::Divergence;

/// The files with cases, by the subject of each.
const FILES: [(&str, &str); 7] = [
    ("routing", include_str!("../corpus/routing.toml")),
    ("mount", include_str!("../corpus/mount.toml")),
    ("credentials", include_str!("../corpus/credentials.toml")),
    ("claims", include_str!("../corpus/claims.toml")),
    ("signature", include_str!("../corpus/signature.toml")),
    ("access", include_str!("../corpus/access.toml")),
    ("gitlab_api", include_str!("../corpus/gitlab-api.toml")),
];

const PROFILES: &str = include_str!("../corpus/profiles.toml");
const CONFIGURATIONS: &str = include_str!("../corpus/configurations.toml");
const DIVERGENCES: &str = include_str!("../divergences.toml");

/// Every case, and what they refer to.
pub(crate) struct Corpus {
    subjects: Vec<(&'static str, Vec<Case>)>,
    profiles: BTreeMap<String, Profile>,
    configurations: BTreeMap<String, Configuration>,
    divergences: Vec<Divergence>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DivergenceFile {
    divergence: Vec<Divergence>,
}

impl Corpus {
    /// Reads the files that were compiled in. A file that does not follow the schema ends the run.
    pub(crate) fn load() -> Self {
        let subjects = FILES
            .into_iter()
            .map(|(subject, text)| (subject, read::<CaseFile>(subject, text).case))
            .collect();
        let mut profiles: BTreeMap<String, Profile> = read("profiles", PROFILES);
        for (name, profile) in &mut profiles {
            profile.name.clone_from(name);
        }
        Self {
            subjects,
            profiles,
            configurations: read("configurations", CONFIGURATIONS),
            divergences: read::<DivergenceFile>("divergences", DIVERGENCES).divergence,
        }
    }

    /// Every profile, with the standard configuration.
    pub(crate) fn settings(&self) -> impl Iterator<Item = Setting<'_>> {
        let configuration = &self.configurations["standard"];
        self.profiles.values().map(move |profile| Setting {
            profile,
            configuration,
        })
    }

    /// What is wrong with the corpus itself, whatever an implementation does.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = self.twin_faults();
        faults.extend(self.divergence_faults());
        let mut names = BTreeSet::new();
        for case in self.cases() {
            let mut fault = |text: &str| faults.push(format!("\"{}\": {text}", case.name));
            if !names.insert(&case.name) {
                fault("two cases have this name");
            }
            if case.source.is_empty() {
                fault("no source");
            }
            let named = case.profiles.iter().chain(case.expect_on.keys());
            for profile in named.filter(|name| !self.profiles.contains_key(*name)) {
                fault(&format!("no profile is called {profile}"));
            }
            for profile in case.expect_on.keys().filter(|name| !case.applies_to(name)) {
                fault(&format!(
                    "an expectation on {profile}, which it does not apply to"
                ));
            }
        }
        faults
    }

    fn cases(&self) -> impl Iterator<Item = &Case> {
        self.subjects.iter().flat_map(|(_, cases)| cases)
    }

    /// The profiles a case applies to: those it names, or all.
    fn profiles_of<'a>(&'a self, case: &'a Case) -> impl Iterator<Item = &'a Profile> {
        self.profiles
            .values()
            .filter(|profile| case.applies_to(&profile.name))
    }
}

fn read<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|error| panic!("{name}.toml: {error}"))
}
