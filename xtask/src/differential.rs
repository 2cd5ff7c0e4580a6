//! `cargo xtask differential`: the program of that name, built when it is needed. Linked in, it
//! would make every other chore wait for its build.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::cli::Differential;
use crate::runner::cargo;

/// Runs it in this terminal, with these arguments.
pub(crate) fn run(options: &Differential) -> Result<ExitCode> {
    let mut command = cargo(&["run", "--quiet", "--package", "differential", "--"]);
    command.args(&options.arguments);
    let status = command.status().context("cannot run cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
