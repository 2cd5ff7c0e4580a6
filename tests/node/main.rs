//! The corpus inside wasm, on Node: the same verdicts with 32-bit words and other arithmetic.
//!
//! ```sh
//! CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner \
//!     cargo test --target wasm32-unknown-unknown --test node
//! ```
#![cfg(all(target_family = "wasm", target_os = "unknown"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and clippy knows tests by #[test] alone"
)]

use wasm_bindgen_test::wasm_bindgen_test;

#[path = "../native/core.rs"]
mod core;

#[path = "../native/explained.rs"]
mod explained;

use core::Core;
use corpus::Corpus;

/// Runs the cases of one subject and fails with all that do not hold.
fn run(subject: &str) {
    let corpus = Corpus::load();
    let trials: Vec<_> = corpus
        .trials()
        .filter(|trial| trial.subject == subject)
        .collect();
    assert!(!trials.is_empty(), "there is no {subject}.toml");
    let failed: Vec<String> = trials
        .iter()
        .filter_map(|trial| {
            trial
                .run(&Core)
                .err()
                .map(|fault| format!("{}\n{fault}", trial.name()))
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} cases of {subject} do not hold:\n\n{}",
        failed.len(),
        trials.len(),
        failed.join("\n\n")
    );
}

macro_rules! subjects {
    ($($subject:ident),+) => {
        $(
            #[wasm_bindgen_test]
            fn $subject() {
                run(stringify!($subject));
            }
        )+

        #[wasm_bindgen_test]
        fn every_subject_runs() {
            let known = [$(stringify!($subject)),+];
            let missing: Vec<_> = Corpus::subjects().filter(|name| !known.contains(name)).collect();
            assert!(missing.is_empty(), "{missing:?} run on no test here");
        }
    };
}

subjects!(
    routing,
    mount,
    credentials,
    claims,
    header,
    signature,
    keys,
    access,
    autoredirect,
    gitlab_api
);

#[wasm_bindgen_test]
fn the_corpus_is_whole() {
    let faults = Corpus::load().faults();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
