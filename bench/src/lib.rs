//! What the filter costs in a real Envoy, beside Envoy's own means.

pub mod bootstrap;
pub mod chain;
pub mod cli;
pub mod compare;
pub mod cores;
pub mod document;
pub mod envoys;
pub mod growth;
pub mod hosts;
pub mod lab;
pub mod load;
pub mod memory;
pub mod native;
pub mod plot;
pub mod procfs;
pub mod progress;
pub mod proxy;
pub mod report;
pub mod rounds;
pub mod statistics;
pub mod table;
pub mod targets;
pub mod tokens;
