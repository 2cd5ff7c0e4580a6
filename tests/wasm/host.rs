//! A proxy-wasm host that grants the filter nothing that a real one does not.
//!
//! It runs the compiled artifact in an interpreter and plays Envoy or NGINX with ngx_wasm_module
//! ([`Dialect`]). Where the real hosts are patient it is not: an import that only one of them has, a
//! question at the wrong time, a second response, a log line with a line break, a loop or memory
//! without end are faults, and a fault ends the test that provoked it.
//!
//! What this host is not: a proxy. It opens no connection and knows no HTTP; a request is a head.

mod answers;
mod call;
mod dialect;
mod fault;
mod map;
mod metrics;
mod module;
mod request;
mod signatures;
mod state;
mod target;
mod vm;
mod wasi;

pub(crate) use answers::Status;
pub(crate) use dialect::Dialect;
pub(crate) use fault::Fault;
pub(crate) use module::Module;
pub(crate) use request::{Head, Outcome, Request, Response};
pub(crate) use signatures::{Signatures, VALID};
pub(crate) use state::{Level, LogLine};
pub(crate) use target::as_nginx_reads;
pub(crate) use vm::{Options, Root, Vm};
