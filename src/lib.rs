//! Enforces a container registry's token authentication in front of the registry.
//!
//! A client sends a registry request, with or without a bearer token; the filter answers
//! **forward**, **challenge** or **reject**. All of that is one pure, total function of the request
//! head, the configuration and the time, [`Authorizer::decide`]. Hosts are thin adapters that read
//! bytes, call it and apply the answer.
//!
//! Everything the filter believes is a type that only the step which proves it can make:
//!
//! ```text
//! host bytes ─► RequestHead
//!   target        ─► Target ─► Route ─► RequiredAccess
//!   authorization ─► Credentials ─► UntrustedToken ─► VerifiedToken
//!                                                          │ covers RequiredAccess?
//!                                                          ▼
//!                                                       Permit ─► Decision::Forward
//! ```
//!
//! A refusal at any step is a [`decision::Challenge`] or a [`decision::Rejection`] with exactly one
//! reason, and [`response`] is the one place that turns it into what a client sees.
//!
//! # What goes wrong elsewhere, and why not here
//!
//! | fault of other verifiers | here |
//! |---|---|
//! | `alg: none`, or an algorithm of the token's choice (CVE-2015-9235) | the key decides the family; an unknown `alg` is no algorithm ([`keys::signature::Algorithm`]) |
//! | a key the token brings itself, `jwk` or `x5c` (CVE-2025-24976) | keys are configuration; such a token is refused ([`token::HeaderError::EmbeddedKey`]) |
//! | no issuer or audience configured means none is checked | neither can be empty ([`config::ConfigError`]) |
//! | claims acted upon before the signature holds | they are not parsed before ([`token::UntrustedToken`]) |
//! | a second token with the same key that is no access token (GitLab's nested `user` token) | it lacks `iss` and `aud`, which must be right |
//! | `group` or `*` as a name covers more than itself | names are compared byte by byte ([`access::Grants::cover`]) |
//! | the path that was authorized is not the path that is served | a path with two readings is refused ([`target::Target`]) |
//! | parameters in a body that the filter does not see | form bodies are refused ([`form`]) |
//! | two `Authorization` fields, of which two hops take different ones | neither is taken ([`credentials`]) |
//! | JSON that two readers take differently | refused |
//!
//! # What is deliberately absent
//!
//! A clock, a logger, I/O, global state and randomness; X.509 path building; any way to fetch a key
//! or to switch a check off.

pub mod access;
pub mod authorizer;
pub mod challenge;
pub mod config;
pub mod credentials;
pub mod decision;
#[cfg(not(target_os = "wasi"))]
pub mod explain;
pub mod form;
pub mod keys;
pub mod name;
pub mod permit;
pub mod profile;
pub mod realm;
pub mod request;
pub mod response;
pub mod route;
mod shape;
pub mod target;
pub mod time;
pub mod token;

#[cfg(target_os = "wasi")]
mod host;

pub use authorizer::Authorizer;
pub use config::Config;
pub use decision::Decision;
pub use request::{Body, RequestHead};
pub use response::Response;
pub use time::UnixTime;
