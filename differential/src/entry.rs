//! Cases as entries of `tests/corpus`: read from there, and printed when they fail.

use std::path::Path;

use corpus::Corpus;
use corpus::token::Token;
use serde::{Deserialize, Serialize};
use testbed::registry::Release;
use testbed::wire::Answer;
use testbed::{Error, Result};
use toml::{Table, Value};

use crate::case::Case;
use crate::files;
use crate::verdict::challenge_of;

/// The configuration that registry and edge run with here.
const STANDARD: &str = "standard";

/// The cases of the corpus that can be put to this release as it is configured here.
pub(crate) fn written(corpus: &Corpus, release: Release) -> Vec<Case> {
    let all = corpus
        .cases()
        .filter(|case| case.configuration == STANDARD && case.applies_to(release.profile()));
    // Those whose head is longer than Envoy reads would only tell so.
    let is_short = |token: &Token| token.filler.is_none();
    all.filter(|case| case.token.as_ref().is_none_or(is_short))
        .map(|case| Case {
            request: case.request.clone(),
            token: case.token.clone(),
            edits: Vec::new(),
        })
        .collect()
}

/// The cases of a file of entries.
///
/// # Errors
/// When it cannot be read or does not follow the schema.
pub(crate) fn entries(file: &Path) -> Result<Vec<Case>> {
    #[derive(Deserialize)]
    struct Entries {
        case: Vec<Case>,
    }
    toml::from_str::<Entries>(&files::read(file)?)
        .map(|entries| entries.case)
        .map_err(|fault| Error::Other(format!("{}: {fault}", file.display())))
}

/// A case as an entry of the corpus, with the registry's answer as its expectation.
pub(crate) fn entry(
    case: &Case,
    token: Option<&[u8]>,
    release: Release,
    registry: &Answer,
) -> String {
    let mut lines = vec![
        "[[case]]".to_owned(),
        "name = \"(a sentence)\"".to_owned(),
        "source = \"differential\"".to_owned(),
        format!("profiles = [{:?}]", release.profile()),
    ];
    let mut line = |name: &str, value: Value| lines.push(format!("{name} = {value}"));
    for (name, value) in said(&case.request) {
        line(&format!("request.{name}"), value);
    }
    match &case.token {
        Some(_) if !case.edits.is_empty() => {
            // The schema has no words for it; the text is valid for some minutes only.
            let text = String::from_utf8_lossy(token.unwrap_or_default());
            line("token.text", text.as_ref().into());
        }
        Some(recipe) if *recipe == Token::default() => line("token", Table::new().into()),
        Some(recipe) => {
            for (name, value) in said(recipe) {
                line(&format!("token.{name}"), value);
            }
        }
        None => {}
    }
    line("expect", Value::Table(expectation(registry)));
    lines.join("\n")
}

/// What a part of a case says beyond the default, by the names of the schema.
fn said<T: Serialize + Default>(part: &T) -> Table {
    let table = |part: &T| Table::try_from(part).unwrap_or_default();
    let usual = table(&T::default());
    let mut said = table(part);
    said.retain(|name, value| usual.get(name) != Some(value));
    said
}

/// What the registry answered, in the words of the corpus.
fn expectation(registry: &Answer) -> Table {
    let mut expect = Table::new();
    let mut set = |name: &str, value: Value| expect.insert(name.to_owned(), value);
    let Answer::Responded(response) = registry else {
        set("answer", "closed".into());
        return expect;
    };
    match challenge_of(registry) {
        Some(challenge) => {
            set("answer", "challenge".into());
            let scopes = challenge.scopes();
            if scopes.iter().any(|scope| !scope.is_empty()) {
                set("scope", scopes.into());
            }
            if let Some(error) = challenge.error() {
                set("error", error.into());
            }
        }
        None => {
            let answer = match response.status {
                301 => "redirect-clean",
                404 => "not-found",
                400 => "bad-request",
                _ => "forward",
            };
            set("answer", answer.into());
            if answer == "forward" {
                set("status", i64::from(response.status).into());
            }
            if let Some(location) = response.field("location") {
                set("location", location.into());
            }
        }
    }
    expect
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Generator;

    #[derive(Deserialize)]
    struct Entries {
        case: Vec<Case>,
    }

    #[test]
    fn a_printed_entry_is_the_case_again() {
        let written = written(&Corpus::load(), Release::Distribution3);
        assert!(written.len() > 300);
        let generator = Generator::new(5, written);
        for number in 0..3_000 {
            let mut case = generator.case(number);
            case.edits.clear();
            let entry = entry(&case, None, Release::Distribution3, &Answer::Closed);
            let read: Entries =
                toml::from_str(&entry).unwrap_or_else(|fault| panic!("{fault}\n{entry}"));
            assert_eq!(read.case, [case], "{entry}");
        }
    }
}
