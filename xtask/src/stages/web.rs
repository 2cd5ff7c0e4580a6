//! The page of `docs/explain`, in a real browser.

use anyhow::{Result, bail};
use testbed::artifact::{self, root};
use testbed::tools::{CHROMIUM, NODE, NPM};

use crate::page;
use crate::runner::{Runner, in_workspace};

/// Builds the page, `edgectl` with the page inside, and asks both the same in Chromium.
pub(super) fn web(runner: &mut Runner) -> Result<String> {
    let page = page::build(runner.tools())?;
    runner.say(&format!("built {}", page.display()));
    let edgectl = artifact::edgectl(runner.tools())?;
    let node = runner.ensure(&NODE)?;
    let npm = runner.ensure(&NPM)?;
    let chromium = runner.ensure(&CHROMIUM)?;
    let tests = root().join("explain-web/tests");
    // Exactly what the lock file names; nothing that a package brings runs at its installation.
    let mut install = in_workspace(npm);
    install.current_dir(&tests);
    install.args([
        "ci",
        "--ignore-scripts",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
    ]);
    runner.run(install)?;
    let mut test = in_workspace(node);
    test.current_dir(&tests);
    test.args(["--test", "--test-reporter=tap", "page.test.js"]);
    test.env("CHROMIUM", chromium).env("EDGECTL", edgectl);
    let printed = runner.run(test)?;
    passed(&printed)
}

/// How many tests passed, by the line that Node ends with; none is a failure.
fn passed(printed: &str) -> Result<String> {
    let count = printed
        .lines()
        .find_map(|line| line.strip_prefix("# pass "));
    match count.and_then(|count| count.trim().parse::<u64>().ok()) {
        Some(count) if count > 0 => Ok(format!("{count} tests")),
        _ => bail!("no test ran"),
    }
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn tests_that_passed_are_counted() {
        assert_eq!(
            passed("# tests 53\n# pass 53\n# fail 0\n").unwrap(),
            "53 tests"
        );
        for none in ["", "# pass 0", "# tests 3"] {
            assert!(passed(none).is_err(), "{none}");
        }
    }
}
