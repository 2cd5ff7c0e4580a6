//! registry-token-filter as a dynamic module for stock NGINX.
//!
//! A thin adapter over the same core as on Envoy: in the access phase, before a body is read, it
//! reads the head of the request as bytes, asks `Authorizer::decide`, and either lets NGINX go on
//! or sends the answer itself.
//!
//! | file | what |
//! |---|---|
//! | `module.rs` | what NGINX finds when it loads the library |
//! | `directives.rs` | `registry_token_filter` and `registry_token_filter_config` |
//! | `access.rs` | the access phase: one request |
//! | `head.rs` | the head of the request, as NGINX has it |
//! | `answer.rs` | the response that is not the registry's |
//! | `signatures.rs` | signatures by a native library |
//! | `log.rs` | NGINX's error log |
//!
//! This is the only crate of the project with `unsafe`: NGINX is C. What comes from NGINX is turned
//! into slices at the edge, and every function that NGINX calls catches panics, which must not
//! cross into C.
#![cfg(feature = "module")]

mod access;
mod answer;
mod directives;
mod head;
mod log;
mod module;
mod signatures;
