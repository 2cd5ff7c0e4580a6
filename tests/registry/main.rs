//! The corpus on the registries themselves: each must give the answer that the case says, or the
//! case is wrong. Where the filter differs on purpose, too, this is what it differs from.
//!
//! ```text
//! cargo test --test registry               # everything
//! cargo test --test registry -- C03        # some cases
//! ```
//!
//! A registry runs with its own token check for each configuration. Cases that no registry here can
//! run are listed at the end, with the reason.
//!
//! `cfg(test)` on the modules tells Clippy that helpers, too, are test code and may panic.

use std::process::ExitCode;

#[cfg(test)]
mod nodes;
#[cfg(test)]
mod suite;

fn main() -> ExitCode {
    suite::run()
}
