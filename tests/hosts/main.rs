//! The filter in Envoys that others drive: Envoy Gateway and Istio, really running, without a cluster.
//!
//! ```text
//! cargo test --test hosts                   # everything
//! cargo test --test hosts -- gateway        # one theme
//! ```
//!
//! Their control planes are large Go programs, which are built once (a quarter of an hour) and kept.
//! What a test needs and cannot have is a failure, never a skip.
//!
//! `cfg(test)` on the modules tells Clippy that helpers, too, are test code and may panic.

use std::process::ExitCode;

use libtest_mimic::Arguments;
use testbed::process::interrupt;

#[cfg(test)]
mod ask;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod istio;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Their ports are fixed.
    arguments.test_threads = Some(1);
    // Ctrl-C ends what was started, too.
    let Ok(_interrupt) = interrupt::install() else {
        eprintln!("cannot handle Ctrl-C");
        return ExitCode::FAILURE;
    };
    let trials = [istio::trials(), gateway::trials()];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code()
}
