//! The native module in stock NGINX: Debian's, and a newer one.
//!
//! ```text
//! cargo test --test nginx                   # everything, on both
//! cargo test --test nginx -- traps          # one theme
//! ```
//!
//! It builds both modules from this tree. What it needs and cannot have is a failure, never a skip.
//!
//! `cfg(test)` on the modules tells Clippy that helpers, too, are test code and may panic.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use testbed::hosts::{self, Fact};
use testbed::nginx::Version;
use testbed::process::interrupt;

#[cfg(test)]
mod configuration;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod http;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod traps;
#[cfg(test)]
mod walk;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(2);
    // Ctrl-C ends what was started, too.
    let Ok(_interrupt) = interrupt::install() else {
        eprintln!("cannot handle Ctrl-C");
        return ExitCode::FAILURE;
    };
    let trials = [
        corpus::trials(),
        configuration::trials(),
        traps::trials(),
        reload::trials(),
        walk::trials(),
    ];
    let trials: Vec<Trial> = trials.into_iter().flatten().collect();
    let cases = Version::ALL.map(|version| {
        let is_case =
            |trial: &&Trial| trial.kind() == version.name() && trial.name().starts_with("corpus: ");
        trials.iter().filter(is_case).count()
    });
    let otherwise = corpus::otherwise();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // What all of it shows is only shown by all of it.
    if !conclusion.has_failed() && conclusion.num_filtered_out == 0 {
        for (version, cases) in Version::ALL.into_iter().zip(cases) {
            seen(version, cases, &otherwise);
        }
    }
    conclusion.exit_code()
}

/// What the tests saw that have passed.
fn seen(version: Version, cases: usize, otherwise: &str) {
    for (fact, saw) in [
        (Fact::Corpus, format!("{cases} of {cases}")),
        (Fact::Divergences, otherwise.to_owned()),
        (
            Fact::Trap,
            "a panic is caught: that request is refused (500); nothing is known to panic"
                .to_owned(),
        ),
        (
            Fact::Walk,
            "log in, push, pull, are refused, delete".to_owned(),
        ),
        (
            Fact::Start,
            "does not start; one line names file, line and key".to_owned(),
        ),
        (
            Fact::Update,
            "refused, one line names the key; the old one serves on".to_owned(),
        ),
        (
            Fact::Reload,
            "in force, without what was kept of the old one; memory flat over 100 of them"
                .to_owned(),
        ),
    ] {
        if let Err(error) = hosts::saw(&hosts::nginx(version), fact, &saw) {
            eprintln!("docs/hosts.md cannot be told: {error}");
        }
    }
}
