//! Certificates embedded at build time: what stops a build, what warns, and that the artifact
//! then trusts exactly the embedded key.
//!
//! Builds with cargo and runs a real Envoy, so plain `cargo test` leaves it out
//! (`cargo test --test embedding`).

// `cfg(test)` tells Clippy that the helpers, too, are test code and may panic.
#[cfg(test)]
mod embedded;
