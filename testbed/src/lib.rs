//! The local stack: everything a person or a test needs to see the filter work on real programs.
//!
//! ```text
//! client ──TLS──► Envoy (envoy/envoy.yaml, the wasm artifact) ──TLS──► registry node 1, 2, … (one storage folder)
//!                   └── /jwt/auth ──► issuer (edgectl, in GitLab's place)
//! ```
//!
//! [`stack::Stack`] composes it, [`clients`] are the programs that talk to it, [`tools`] finds or
//! installs what is needed, [`process`] sees to it that nothing is left behind.
//!
//! What this crate is not: a deployment. Keys and certificates are thrown away with the stack, and
//! everything listens on loopback only.

pub mod artifact;
pub mod certs;
pub mod clients;
pub mod envoy;
mod error;
pub mod gateway;
pub mod hosts;
pub mod image;
pub mod issuer;
pub mod istio;
pub mod nginx;
pub mod process;
pub mod registry;
pub mod stack;
pub mod tools;
pub mod wire;

pub use error::{Error, Result};
pub use stack::Stack;
