//! What the themes share: running edges, HTTP as bytes, tokens of every kind.

pub(crate) mod challenge;
pub(crate) mod edge;
pub(crate) mod http;
pub(crate) mod image;
pub(crate) mod lab;
pub(crate) mod log;
pub(crate) mod mint;
pub(crate) mod payload;
mod smuggle;
pub(crate) mod suite;
