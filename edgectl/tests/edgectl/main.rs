//! `edgectl` as a process: what it prints, writes, answers and refuses.
//!
//! `cfg(test)` on the modules tells Clippy that helpers, too, are test code and may panic.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod config_check;
#[cfg(test)]
mod config_render;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod init;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod library;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod rotate;
#[cfg(test)]
mod server;
#[cfg(test)]
mod support;
#[cfg(test)]
mod token;
