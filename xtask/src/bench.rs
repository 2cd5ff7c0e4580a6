//! `cargo xtask bench`: becomes the benchmark, a program of its own.

use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::cli::Bench;
use crate::runner::cargo;

/// Builds the benchmark and goes on as it, so that Ctrl-C and the exit status are its own.
pub(crate) fn run(options: &Bench) -> Result<ExitCode> {
    let mut command = cargo(&[
        "run",
        "--quiet",
        "--package",
        "bench",
        "--bin",
        "bench",
        "--",
    ]);
    // Files on its command line are relative to where the user is.
    command
        .args(&options.arguments)
        .current_dir(std::env::current_dir()?);
    Err(command.exec()).context("cannot start cargo")
}
