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

use libtest_mimic::Arguments;
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
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code()
}
