//! Stages that run tests.

use anyhow::{Result, bail};
use testbed::envoy::VERSION_VARIABLE;
use testbed::nginx::Version;
use testbed::tools::{NODE, OLDER_ENVOYS, WASM32_UNKNOWN, WASM32_WASIP1};

use crate::bindgen;
use crate::runner::{Runner, cargo};

pub(super) fn native(runner: &mut Runner) -> Result<String> {
    let printed = runner.run(cargo(&["test", "--workspace"]))?;
    counted(&printed)
}

/// The artifact itself, interpreted: no proxy is needed.
pub(super) fn wasm(runner: &mut Runner) -> Result<String> {
    suite(runner, "wasm")
}

/// The core's tests, compiled to wasm and run by Node through wasm-bindgen's runner.
pub(super) fn node(runner: &mut Runner) -> Result<String> {
    runner.ensure(&WASM32_UNKNOWN)?;
    runner.ensure(&NODE)?;
    let test_runner = runner.ensure(bindgen::tool()?)?;
    let mut command = cargo(&["test", "--package", "registry-token-filter"]);
    command.args(["--target", WASM32_UNKNOWN.name, "--test", "node"]);
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", test_runner);
    let printed = runner.run(command)?;
    counted(&printed)
}

/// Builds artifacts with certificates inside, and asks Envoy what it makes of them.
pub(super) fn embedding(runner: &mut Runner) -> Result<String> {
    suite(runner, "embedding")
}

pub(super) fn registry(runner: &mut Runner) -> Result<String> {
    suite(runner, "registry")
}

pub(super) fn envoy(runner: &mut Runner) -> Result<String> {
    suite(runner, "envoy")
}

/// The suite of [`envoy`], whole, on each older version.
pub(super) fn envoys(runner: &mut Runner) -> Result<String> {
    runner.ensure(&WASM32_WASIP1)?;
    let mut passed = Vec::new();
    for version in &OLDER_ENVOYS {
        runner.ensure(version)?;
        let mut command = cargo(&["test", "--package", "registry-token-filter"]);
        command.args(["--test", "envoy"]);
        command.env(VERSION_VARIABLE, version.version);
        let printed = runner.run(command)?;
        passed.push(format!("{}: {}", version.version, counted(&printed)?));
    }
    Ok(passed.join(", "))
}

pub(super) fn hosts(runner: &mut Runner) -> Result<String> {
    suite(runner, "hosts")
}

/// The native module: lints against the headers of each NGINX, and its suite on both.
pub(super) fn nginx(runner: &mut Runner) -> Result<String> {
    for version in Version::ALL {
        let mut clippy = version.cargo(runner.tools(), "clippy")?;
        clippy.args(["--", "-D", "warnings"]);
        runner.run(clippy)?;
    }
    suite(runner, "nginx")
}

/// What of the operator's tool needs an edge or a registry; the rest is in [`native`].
pub(super) fn edgectl(runner: &mut Runner) -> Result<String> {
    suite_of(runner, "edgectl", "stack")
}

/// Every chain for a second: the host verifies, caches are hit and missed, answers are right.
pub(super) fn bench(runner: &mut Runner) -> Result<String> {
    runner.ensure(&WASM32_WASIP1)?;
    let mut command = cargo(&["run", "--quiet", "--package", "bench", "--bin", "bench"]);
    command.args(["--", "--smoke"]);
    let printed = runner.run(command)?;
    let Some(last) = printed.lines().last() else {
        bail!("the benchmark said nothing");
    };
    Ok(last.trim().to_owned())
}

/// A suite of the filter that plain `cargo test` leaves out.
fn suite(runner: &mut Runner, name: &str) -> Result<String> {
    suite_of(runner, "registry-token-filter", name)
}

fn suite_of(runner: &mut Runner, package: &str, name: &str) -> Result<String> {
    runner.ensure(&WASM32_WASIP1)?;
    let mut command = cargo(&["test", "--package", package]);
    command.args(["--test", name]);
    let printed = runner.run(command)?;
    counted(&printed)
}

/// How many tests passed, by the lines that test programs end with; none is a failure.
fn counted(printed: &str) -> Result<String> {
    let passed: u64 = printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("test result: ok. "))
        .filter_map(|rest| rest.split_once(" passed"))
        .filter_map(|(count, _)| count.parse::<u64>().ok())
        .sum();
    if passed == 0 {
        bail!("no test ran");
    }
    Ok(format!("{passed} tests"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_over_all_programs() {
        let printed = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test result: ok. 0 passed; 0 failed; 0 ignored\n\
            \n\
            test result: ok. 40 passed; 0 failed; 0 ignored\n";
        assert_eq!(counted(printed).unwrap(), "42 tests");
    }

    #[test]
    fn no_test_is_a_failure() {
        for printed in ["", "test result: ok. 0 passed; 0 failed; 0 ignored"] {
            assert!(counted(printed).is_err(), "{printed}");
        }
    }
}
