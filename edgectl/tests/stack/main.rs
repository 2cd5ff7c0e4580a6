//! `edgectl` against what operators run: real edges and real registries.
//!
//! ```text
//! cargo test -p edgectl --test stack
//! ```
//!
//! What a test needs and cannot have is a failure, never a skip. What it starts ends with it, and whatever else
//! happens with the test program (see `testbed::process`).
//!
//! `cfg(test)` on the modules tells Clippy that helpers, too, are test code and may panic.

#[cfg(test)]
mod doctor;
#[cfg(test)]
mod init;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod rotate;
#[cfg(test)]
mod support;
#[cfg(test)]
mod up;
