//! Stages that compare the edge with the registry it answers for, on what nobody here wrote.

use anyhow::{Result, bail};
use testbed::tools::WASM32_WASIP1;

use crate::runner::{Runner, cargo};

/// Cases for each registry and seed: the same ones in every run, and others each time.
const CASES: &str = "5000";

pub(super) fn differential(runner: &mut Runner) -> Result<String> {
    let fixed = program(runner, &["--cases", CASES, "--seed", "1"])?;
    let fresh = program(runner, &["--cases", CASES, "--fresh"])?;
    let comparisons =
        numbers_before(&fixed, " comparisons") + numbers_before(&fresh, " comparisons");
    if comparisons == 0 {
        bail!("nothing was compared");
    }
    let seed = fresh.lines().find_map(|line| line.strip_prefix("seed "));
    let seed = seed.and_then(|rest| rest.split(':').next());
    Ok(format!(
        "{comparisons} comparisons; the fresh seed was {}",
        seed.unwrap_or("not said")
    ))
}

pub(super) fn conformance(runner: &mut Runner) -> Result<String> {
    let printed = program(runner, &["conformance"])?;
    let tests = numbers_before(&printed, " tests ended alike");
    if tests == 0 {
        bail!("no test ran");
    }
    Ok(format!("{tests} tests"))
}

/// Runs the program and answers what it printed.
fn program(runner: &mut Runner, arguments: &[&str]) -> Result<String> {
    runner.ensure(&WASM32_WASIP1)?;
    let mut command = cargo(&["run", "--quiet", "--package", "differential", "--"]);
    command.args(arguments);
    runner.run(command)
}

/// The sum of the numbers that stand before a word.
fn numbers_before(printed: &str, word: &str) -> u64 {
    let before = printed.lines().filter_map(|line| line.split_once(word));
    before
        .filter_map(|(before, _)| before.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_over_all_lines() {
        let printed = "a: 3 cases, seed 1: 12 comparisons, 0 failed\nx\nb: 30 comparisons\n";
        assert_eq!(numbers_before(printed, " comparisons"), 42);
        assert_eq!(numbers_before("", " comparisons"), 0);
    }
}
