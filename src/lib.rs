//! x

pub mod access;
pub mod authorizer;
pub mod challenge;
pub mod config;
pub mod credentials;
pub mod decision;
pub mod form;
pub mod keys;
pub mod name;
pub mod permit;
pub mod profile;
pub mod request;
pub mod response;
pub mod route;
pub mod target;
pub mod time;
pub mod token;
mod unambiguous;

#[cfg(target_os = "wasi")]
mod host;

pub use authorizer::Authorizer;
pub use config::Config;
pub use decision::Decision;
pub use request::{Body, RequestHead};
pub use response::Response;
pub use time::UnixTime;
