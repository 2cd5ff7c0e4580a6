//! Stages in which cargo reads the source and runs nothing.

use anyhow::Result;
use testbed::tools::{WASM32_UNKNOWN, WASM32_WASIP1};

use crate::runner::{Runner, cargo};

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

pub(super) fn fmt(runner: &mut Runner) -> Result<String> {
    runner.run(cargo(&["fmt", "--all", "--check"]))?;
    Ok(String::new())
}

pub(super) fn clippy(runner: &mut Runner) -> Result<String> {
    let mut command = cargo(&["clippy", "--workspace", "--all-targets"]);
    command.args(DENY_WARNINGS);
    runner.run(command)?;
    Ok(String::new())
}

/// The filter alone: natively its host adapter does not exist, so the native run never sees it.
pub(super) fn clippy_wasm(runner: &mut Runner) -> Result<String> {
    for target in [&WASM32_WASIP1, &WASM32_UNKNOWN] {
        runner.ensure(target)?;
        let mut command = cargo(&["clippy", "--package", "registry-token-filter"]);
        command.args(["--target", target.name]).args(DENY_WARNINGS);
        runner.run(command)?;
    }
    Ok(String::new())
}

pub(super) fn doc(runner: &mut Runner) -> Result<String> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    runner.run(command)?;
    Ok(String::new())
}
