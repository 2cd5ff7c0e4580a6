//! docs/parity.md: what of the registry's behaviour is reproduced, and what is not and why.
//!
//! Nothing of it is written by hand. It follows from `tests/corpus`, `tests/divergences.toml` and
//! the [rules](crate::rules); a test holds it against them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use corpus::Corpus;
use corpus::divergence::Divergence;
use corpus::expectation::Expectation;
use testbed::Result;
use testbed::registry::Release;

use crate::files;
use crate::rules::{self, Rule};

/// The profiles, and the registry each answers like.
const PROFILES: [(&str, &str); 3] = [
    ("gitlab", "GitLab's container registry"),
    ("distribution-2.8", "Distribution 2.8"),
    ("distribution-3", "Distribution 3"),
];

const INTRODUCTION: &str = "\
# Parity with the registry

What the filter answers, against what the registry answers that checks tokens by itself. This file
is generated from `tests/corpus`, `tests/divergences.toml` and the rules of `differential`; write it
anew with `cargo run -p differential -- parity --write`.

\"Identical\" means status, challenge (its scopes as a set), body (as JSON) and the headers that a
client acts on. Every divergence is stricter: nothing that the registry refuses is forwarded.
`cargo run -p differential` puts these cases and generated ones to Distribution 2.8.2 and 3.1.2 and to
the filter in Envoy; what is said of GitLab's registry was measured on 3.86.
";

/// Prints the document, or writes it.
///
/// # Errors
/// When the corpus cannot be read or the document not be written.
pub(crate) fn run(write: bool) -> Result<()> {
    let text = document(&Corpus::load());
    if !write {
        print!("{text}");
        return Ok(());
    }
    let file = file();
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|fault| files::failed("make folder", folder, fault))?;
    }
    files::write(&file, &text)
}

fn file() -> PathBuf {
    testbed::artifact::root().join("docs/parity.md")
}

fn document(corpus: &Corpus) -> String {
    let mut text = INTRODUCTION.to_owned();
    summary(&mut text, corpus);
    for (profile, registry) in PROFILES {
        let _ = write!(text, "\n## {registry} (`{profile}`)\n");
        divergences(&mut text, corpus, profile);
    }
    requests(&mut text);
    identical(&mut text, corpus);
    text
}

/// Cases by subject and profile: how many, and how many of them diverge.
fn summary(text: &mut String, corpus: &Corpus) {
    text.push_str("\n| cases |");
    for (profile, _) in PROFILES {
        let _ = write!(text, " `{profile}` |");
    }
    text.push_str("\n|---|---|---|---|\n");
    let mut totals = [(0, 0); PROFILES.len()];
    for (subject, cases) in corpus.by_subject() {
        let _ = write!(text, "| {} |", title(subject));
        for ((profile, _), total) in PROFILES.iter().zip(&mut totals) {
            let here = cases.iter().filter(|case| case.applies_to(profile));
            let (mut count, mut divergent) = (0, 0);
            for case in here {
                count += 1;
                divergent += usize::from(corpus.divergence(&case.name, profile).is_some());
            }
            *total = (total.0 + count, total.1 + divergent);
            let _ = write!(text, " {} |", counted(count, divergent));
        }
        text.push('\n');
    }
    text.push_str("| **all** |");
    for (count, divergent) in totals {
        let _ = write!(text, " {} |", counted(count, divergent));
    }
    text.push('\n');
}

fn counted(count: usize, divergent: usize) -> String {
    match (count, divergent) {
        (0, _) => "–".to_owned(),
        (count, 0) => format!("{count} identical"),
        (count, divergent) => format!("{} identical, {divergent} not", count - divergent),
    }
}

/// What diverges under a profile, by the reason.
fn divergences(text: &mut String, corpus: &Corpus, profile: &str) {
    let here = corpus.divergences().iter();
    let here = here.filter(|known| known.profiles.iter().any(|name| name == profile));
    let mut by_reason: Vec<(&str, Vec<&Divergence>)> = Vec::new();
    for divergence in here {
        match by_reason
            .iter_mut()
            .find(|(reason, _)| *reason == divergence.reason)
        {
            Some((_, all)) => all.push(divergence),
            None => by_reason.push((&divergence.reason, vec![divergence])),
        }
    }
    for (reason, all) in by_reason {
        let _ = write!(
            text,
            "\n**{reason}**\n\n| case | registry | filter |\n|---|---|---|\n"
        );
        for divergence in all {
            for name in &divergence.cases {
                let ours = answer(&divergence.ours);
                let _ = writeln!(text, "| {name} | {} | {ours} |", divergence.registry);
            }
        }
    }
}

/// The rules for requests nobody wrote down.
fn requests(text: &mut String) {
    text.push_str(
        "\n## Rules\n\n\
         Beyond the cases above, these are the only ways in which the edge (Envoy and the filter) may\n\
         answer otherwise than the registry; `differential` fails on any other.\n\n\
         | rule | profiles | the edge answers | why |\n|---|---|---|---|\n",
    );
    for Rule {
        name,
        reason,
        releases,
        ours,
        ..
    } in rules::all()
    {
        let profiles: Vec<String> = releases
            .iter()
            .copied()
            .map(Release::profile)
            .map(|profile| format!("`{profile}`"))
            .collect();
        let profiles = if profiles.is_empty() {
            "all".to_owned()
        } else {
            profiles.join(", ")
        };
        let _ = writeln!(
            text,
            "| {name} | {profiles} | {} | {reason} |",
            ours.describe()
        );
    }
}

/// The cases that are identical under every profile they apply to, by subject.
fn identical(text: &mut String, corpus: &Corpus) {
    text.push_str("\n## Identical\n");
    for (subject, cases) in corpus.by_subject() {
        let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for case in cases {
            for (profile, _) in PROFILES {
                if case.applies_to(profile) && corpus.divergence(&case.name, profile).is_none() {
                    let answers = rows.entry(&case.name).or_default();
                    answers.push(format!("{profile}: {}", answer(case.expectation(profile))));
                }
            }
        }
        if rows.is_empty() {
            continue;
        }
        let _ = write!(
            text,
            "\n### {}\n\n| case | registry and filter |\n|---|---|\n",
            title(subject)
        );
        for case in cases {
            let Some(answers) = rows.get(case.name.as_str()) else {
                continue;
            };
            let _ = writeln!(text, "| {} | {} |", case.name, merged(answers));
        }
    }
}

/// The answer once where all profiles have the same.
fn merged(answers: &[String]) -> String {
    let plain: Vec<&str> = answers
        .iter()
        .map(|answer| answer.split_once(": ").map_or("", |(_, plain)| plain))
        .collect();
    match plain.split_first() {
        Some((first, others))
            if answers.len() == PROFILES.len() && others.iter().all(|other| other == first) =>
        {
            (*first).to_owned()
        }
        _ => answers.join("; "),
    }
}

/// An expectation in a few words, as in `registry` of a divergence.
fn answer(expectation: &Expectation) -> String {
    match &expectation.location {
        Some(location) => format!("{expectation} to `{}`", location.replace('|', "\\|")),
        None => expectation.to_string(),
    }
}

/// A subject's title.
fn title(subject: &str) -> &str {
    match subject {
        "routing" => "Routes and redirects",
        "mount" => "Mounts and `from`",
        "credentials" => "The Authorization field",
        "claims" => "Claims",
        "signature" => "Serialization, algorithms and keys",
        "access" => "Access",
        "gitlab_api" => "GitLab's own API",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_current() {
        let expected = document(&Corpus::load());
        let found = files::read(&file()).unwrap();
        assert!(
            found == expected,
            "docs/parity.md is out of date: cargo run -p differential -- parity --write"
        );
    }

    #[test]
    fn answers_are_merged_where_all_profiles_agree() {
        let answers =
            |all: &[&str]| merged(&all.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
        assert_eq!(answers(&["a: x 1", "b: x 1", "c: x 1"]), "x 1");
        assert_eq!(answers(&["a: x", "b: x", "c: y"]), "a: x; b: x; c: y");
        assert_eq!(answers(&["a: x"]), "a: x");
    }
}
