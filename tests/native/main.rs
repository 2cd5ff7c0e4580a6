//! The library against the corpus, against published vectors, and against requests at random.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and clippy knows tests by #[test] alone"
)]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

mod core;
mod explained;
mod properties;
mod request;
mod requirement;
mod second_opinion;
mod signatures;
mod uniform;
mod vectors;

use core::Core;
use corpus::Corpus;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // For as long as the process runs, so that every test may hold on to its case.
    let corpus: &'static Corpus = Box::leak(Box::new(Corpus::load()));
    let mut trials = vec![Trial::test("the corpus is whole", || {
        all_of(corpus.faults())
    })];
    trials.push(Trial::test("the corpus's README is right", || {
        all_of(Corpus::readme_faults())
    }));
    trials.extend(
        corpus
            .trials()
            .map(|trial| Trial::test(trial.name(), move || trial.run(&Core).map_err(Failed::from))),
    );
    trials.extend(properties::trials(corpus));
    trials.extend(uniform::trials(corpus));
    trials.extend(vectors::trials());
    trials.extend(signatures::trials());
    trials.extend(second_opinion::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Fails with every fault, if there is any.
fn all_of(faults: Vec<String>) -> Result<(), Failed> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n").into())
    }
}
