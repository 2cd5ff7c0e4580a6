//! Where Envoy itself makes an answer another.

use std::collections::BTreeSet;

use corpus::Corpus;
use corpus::expectation::Expectation;
use corpus::trial::Trial;
use serde::Deserialize;
use testbed::envoy::listeners::Shape;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exceptions {
    exception: Vec<Exception>,
}

/// One reason, and every case in which it shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    reason: String,
    cases: Vec<String>,
    /// The profiles it is about; without it, all that the cases have.
    #[serde(default)]
    profiles: Vec<String>,
    /// The listener it is about; without it, either.
    listener: Option<Listener>,
    /// The answer then, of filter or pool.
    answer: Option<Expectation>,
    /// Or the status that Envoy answers by itself.
    envoy: Option<u16>,
}

/// What is expected of Envoy.
pub(super) enum Expected<'a> {
    Answer(&'a Expectation),
    Itself(u16),
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Listener {
    Default,
    Production,
}

impl Exceptions {
    pub(super) fn read() -> Self {
        toml::from_str(include_str!("envoy.toml")).unwrap()
    }

    /// What Envoy makes of a case's answer, if it does.
    pub(super) fn of(&self, trial: &Trial<'_>, shape: Shape) -> Option<Expected<'_>> {
        let (case, profile) = (trial.case(), &trial.setting().profile.name);
        let listener = match shape {
            Shape::Plain => Listener::Default,
            Shape::Hardened => Listener::Production,
        };
        let found = self.exception.iter().find(|known| {
            known.cases.contains(&case.name)
                && (known.profiles.is_empty() || known.profiles.contains(profile))
                && known.listener.is_none_or(|about| about == listener)
        });
        found.map(|known| match (&known.answer, known.envoy) {
            (Some(answer), None) => Expected::Answer(answer),
            (None, Some(status)) => Expected::Itself(status),
            _ => panic!("{:?}: either `answer` or `envoy`", known.cases),
        })
    }

    /// Entries that are about nothing.
    pub(super) fn faults(&self, corpus: &Corpus) -> Vec<String> {
        let names: BTreeSet<&str> = corpus.cases().map(|case| case.name.as_str()).collect();
        let all = self.exception.iter();
        let unknown = all
            .flat_map(|exception| &exception.cases)
            .filter(|name| !names.contains(name.as_str()))
            .map(|name| format!("envoy.toml: there is no case \"{name}\""));
        let unreasoned = self
            .exception
            .iter()
            .filter(|known| known.reason.is_empty());
        unknown
            .chain(unreasoned.map(|known| format!("envoy.toml: no reason: {:?}", known.cases)))
            .collect()
    }
}
