//! The artifact itself, in a host of our own that is stricter than the real ones.
//!
//! ```text
//! cargo test --test wasm                   # everything
//! cargo test --test wasm -- lifecycle      # one theme
//! cargo test --test wasm -- C03            # some cases of the corpus, on both hosts
//! ```
//!
//! The artifact is built before the first test, so that none is ever made on a stale one.
//!
//! `cfg(test)` on the modules tells Clippy that helpers, too, are test code and may panic.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

#[cfg(test)]
mod artifact;
#[cfg(test)]
mod delegation;
#[cfg(test)]
mod every_case;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod host;
#[cfg(test)]
mod instructions;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod strictness;

/// A behaviour in a sentence, and the function that panics unless it is so.
type Test = (&'static str, fn());

/// The time at which tests begin, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = every_case::trials();
    for (theme, tests) in [
        ("strictness", strictness::TESTS),
        ("lifecycle", lifecycle::TESTS),
        ("heads", heads::TESTS),
        ("delegation", delegation::TESTS),
        ("memory", memory::TESTS),
        ("instructions", instructions::TESTS),
    ] {
        trials.extend(tests.iter().map(|&(name, test)| {
            Trial::test(format!("{theme}: {name}"), move || {
                test();
                Ok(())
            })
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
