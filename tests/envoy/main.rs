//! The filter at work: a real Envoy with the production bootstrap, real registries, real clients.
//!
//! ```text
//! cargo test --test envoy                  # everything
//! cargo test --test envoy -- clients       # one theme
//! cargo test --test envoy -- --list
//! ```
//!
//! One module a theme; tables of cases are data. Themes that only read share one running edge for
//! each registry they are about ([`support::lab::Lab`]); a test that breaks something starts an
//! edge of its own. What a test needs and cannot have is a failure, never a skip.
//!
//! `cfg(test)` on the modules tells Clippy that helpers, too, are test code and may panic.

use std::process::ExitCode;

#[cfg(test)]
mod clients;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod defence;
#[cfg(test)]
mod every_case;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod hidden;
#[cfg(test)]
mod leftovers;
#[cfg(test)]
mod log;
#[cfg(test)]
mod methods;
#[cfg(test)]
mod parity;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod scopes;
#[cfg(test)]
mod signer;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod trap;

fn main() -> ExitCode {
    support::suite::run(vec![
        ("clients", clients::TESTS),
        ("scopes", scopes::TESTS),
        ("tokens", tokens::TESTS),
        ("signer", signer::TESTS),
        ("methods", methods::TESTS),
        ("heads", heads::TESTS),
        ("paths", paths::TESTS),
        ("hidden", hidden::TESTS),
        ("parity", parity::TESTS),
        ("every case", every_case::TESTS),
        ("log", log::TESTS),
        ("configuration", configuration::TESTS),
        ("defence", defence::TESTS),
        ("failover", failover::TESTS),
        ("streaming", streaming::TESTS),
        ("trap", trap::TESTS),
        ("leftovers", leftovers::TESTS),
    ])
}
