//! The artifact itself, in a host of our own that is stricter than the real ones.
//!
//! ```text
//! cargo test --test wasm                   # everything
//! cargo test --test wasm -- envoy          # the corpus as Envoy runs it
//! UPDATE_INSTRUCTIONS=1 cargo test --test wasm -- instructions
//! ```
//!
//! The artifact is built before the first test, so that none is ever made on a stale one.
//!
//! `cfg(test)` on the modules tells Clippy that helpers, too, are test code and may panic.

use std::process::ExitCode;

#[cfg(test)]
mod artifact;
#[cfg(test)]
#[path = "../common/corpus.rs"]
mod corpus;
#[cfg(test)]
mod every_case;
#[cfg(test)]
mod host;

/// The time at which tests begin, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

fn main() -> ExitCode {
    let arguments = libtest_mimic::Arguments::from_args();
    let trials = every_case::trials();
    libtest_mimic::run(&arguments, trials).exit_code()
}
