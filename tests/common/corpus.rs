//! One corpus of cases as data, for every implementation of the filter.
//!
//! The cases are the files of `tests/corpus/`, whose README describes them. They are compiled in,
//! so that the same corpus runs where there are no files. What runs them is an [`Implementation`];
//! nothing here calls the filter.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a file that does not follow the schema fails the tests that read it"
)]
#![expect(
    missing_docs,
    reason = "members are those of the files, which tests/corpus/README.md describes"
)]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

pub mod bytes;
pub mod case;
pub mod challenge;
mod comparison;
pub mod divergence;
pub mod expectation;
pub mod implementation;
mod json;
pub mod key;
pub mod mint;
pub mod profile;
pub mod readme;
pub mod token;
pub mod trial;
mod twin;

pub use case::Message;
pub use implementation::{Answer, Implementation, Setting};
pub use profile::{Configuration, Profile};

use case::Case;
use divergence::Divergence;

/// The files with cases, by the subject of each.
const FILES: [(&str, &str); 10] = [
    ("routing", include_str!("../corpus/routing.toml")),
    ("mount", include_str!("../corpus/mount.toml")),
    ("credentials", include_str!("../corpus/credentials.toml")),
    ("claims", include_str!("../corpus/claims.toml")),
    ("header", include_str!("../corpus/header.toml")),
    ("signature", include_str!("../corpus/signature.toml")),
    ("keys", include_str!("../corpus/keys.toml")),
    ("access", include_str!("../corpus/access.toml")),
    ("autoredirect", include_str!("../corpus/autoredirect.toml")),
    ("gitlab_api", include_str!("../corpus/gitlab-api.toml")),
];

const PROFILES: &str = include_str!("../corpus/profiles.toml");
const CONFIGURATIONS: &str = include_str!("../corpus/configurations.toml");
const DIVERGENCES: &str = include_str!("../divergences.toml");

/// Every case, and what they refer to.
pub struct Corpus {
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
    pub fn load() -> Self {
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
    pub fn settings(&self) -> impl Iterator<Item = Setting<'_>> {
        let configuration = &self.configurations["standard"];
        self.profiles.values().map(move |profile| Setting {
            profile,
            configuration,
        })
    }

    /// What is wrong with the corpus itself, whatever an implementation does.
    pub fn faults(&self) -> Vec<String> {
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
            if case.token.is_none() && case.request.asks_for_token() {
                fault("{token} stands in it, and there is none");
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

    /// The cases, by the subject of each.
    pub fn by_subject(&self) -> impl Iterator<Item = (&'static str, &[Case])> {
        self.subjects
            .iter()
            .map(|(subject, cases)| (*subject, cases.as_slice()))
    }

    /// Where the filter answers otherwise on purpose.
    pub fn divergences(&self) -> &[Divergence] {
        &self.divergences
    }

    /// The divergence of a case under a profile.
    pub fn divergence(&self, case: &str, profile: &str) -> Option<&Divergence> {
        self.divergences
            .iter()
            .find(|known| known.is_about(case, profile))
    }

    /// Every case.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
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
