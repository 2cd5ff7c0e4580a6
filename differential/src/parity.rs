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

use crate::conformance::{Counts, Known};
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

What the filter answers, against what the registry answers that checks tokens by itself. Written by
`cargo xtask differential parity --write` from `tests/corpus`, `tests/divergences.toml`,
`tests/conformance.toml` and the rules of `differential`; not by hand.

\"Identical\" means status, challenge (its scopes in any order), body and the headers that a client
acts on. **Every divergence is stricter: nothing that the registry refuses is forwarded.**

It is proven in every run of the test command: the cases on the core, on the artifact, in Envoy, and
on Distribution 2.8.2 and 3.1.2 themselves; generated requests on Envoy and these registries side by
side; the OCI conformance suite. GitLab's registry cannot be had for a test; what is said of it was
measured on 3.86.
";

/// Prints the document, or writes it.
///
/// # Errors
/// When the corpus cannot be read or the document not be written.
pub(crate) fn run(write: bool) -> Result<()> {
    let text = document(&Corpus::load(), &Known::read()?);
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

fn document(corpus: &Corpus, conformance: &Known) -> String {
    let mut text = INTRODUCTION.to_owned();
    let reasons = reasons(corpus);
    text.push_str("\n## At a glance\n");
    summary(&mut text, corpus);
    glance(&mut text, &reasons);
    conformed(&mut text, conformance);
    divergences(&mut text, &reasons);
    requests(&mut text);
    identical(&mut text, corpus);
    text
}

/// The head of a table with a column for each profile.
fn head(text: &mut String, first: &str) {
    let columns = PROFILES.map(|(profile, registry)| format!(" {registry}<br>`{profile}` |"));
    let _ = write!(
        text,
        "\n| {first} |{}\n|---|---|---|---|\n",
        columns.concat()
    );
}

/// Cases by subject and profile: how many, and how many of them diverge.
fn summary(text: &mut String, corpus: &Corpus) {
    head(text, "cases");
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
        (_, 0) => format!("{count} identical"),
        _ => format!("{} identical, {divergent} stricter", count - divergent),
    }
}

/// The divergences by their reason, in the order of the list.
fn reasons(corpus: &Corpus) -> Vec<(&str, Vec<&Divergence>)> {
    let mut reasons: Vec<(&str, Vec<&Divergence>)> = Vec::new();
    for divergence in corpus.divergences() {
        let reason = divergence.reason.as_str();
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, all)) => all.push(divergence),
            None => reasons.push((reason, vec![divergence])),
        }
    }
    reasons
}

/// Why the filter is stricter, and in how many cases of each profile.
fn glance(text: &mut String, reasons: &[(&str, Vec<&Divergence>)]) {
    head(
        text,
        "where the filter is stricter, and why: in so many cases",
    );
    for (reason, all) in reasons {
        let _ = write!(text, "| {reason} |");
        for (profile, _) in PROFILES {
            let here = all
                .iter()
                .filter(|known| known.profiles.iter().any(|name| name == profile));
            match here.map(|known| known.cases.len()).sum::<usize>() {
                0 => text.push_str(" – |"),
                count => {
                    let _ = write!(text, " {count} |");
                }
            }
        }
        text.push('\n');
    }
}

/// How the tests of the conformance suite end.
fn conformed(text: &mut String, conformance: &Known) {
    text.push_str(
        "\n| OCI conformance suite | passed | failed | skipped | otherwise through the edge |\n\
         |---|---|---|---|---|\n",
    );
    for (profile, counts) in &conformance.0 {
        let Counts {
            passed,
            failed,
            skipped,
            ..
        } = counts;
        let _ = writeln!(
            text,
            "| `{profile}` | {passed} | {failed} | {skipped} | **0** |"
        );
    }
    text.push_str(
        "\nEvery test ends the same way with tokens through the edge and straight at the registry. What\n\
         fails, fails at the registry (tests by what they try):\n\n",
    );
    for (profile, counts) in &conformance.0 {
        let failures: Vec<String> = counts
            .failures
            .iter()
            .map(|(tried, count)| format!("{tried} {count}"))
            .collect();
        let _ = writeln!(text, "* `{profile}`: {}", failures.join(", "));
    }
}

/// What diverges, case by case.
fn divergences(text: &mut String, reasons: &[(&str, Vec<&Divergence>)]) {
    text.push_str("\n## Where the filter is stricter, case by case\n");
    for (reason, all) in reasons {
        let _ = write!(
            text,
            "\n**{reason}**\n\n| case | profiles | registry | filter |\n|---|---|---|---|\n"
        );
        for divergence in all {
            let profiles = if divergence.profiles.len() == PROFILES.len() {
                "all".to_owned()
            } else {
                divergence.profiles.join(", ")
            };
            let ours = answer(&divergence.ours);
            for name in &divergence.cases {
                let registry = &divergence.registry;
                let _ = writeln!(text, "| {name} | {profiles} | {registry} | {ours} |");
            }
        }
    }
}

/// The rules for requests nobody wrote down.
fn requests(text: &mut String) {
    text.push_str(
        "\n## Beyond the cases\n\n\
         For requests that nobody wrote down, these are the only ways in which the edge (Envoy and the\n\
         filter) may answer otherwise than the registry; `cargo xtask differential` fails on any other.\n\n\
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
    text.push_str("\n## Identical, case by case\n");
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
        let expected = document(&Corpus::load(), &Known::read().unwrap());
        let found = files::read(&file()).unwrap();
        assert!(
            found == expected,
            "docs/parity.md is out of date: cargo xtask differential parity --write"
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
