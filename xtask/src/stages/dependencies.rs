//! What the dependencies are allowed to be: deny.toml.

use std::process::Command;

use anyhow::Result;
use testbed::tools::CARGO_DENY;

use crate::runner::{Runner, in_workspace};

/// cargo-deny. Advisories need a database from the network; where it cannot be had the rest is
/// looked at all the same, and the summary says that advisories were not.
pub(super) fn deny(runner: &mut Runner) -> Result<String> {
    let program = runner.ensure(&CARGO_DENY)?;
    let deny = |arguments: &[&str]| -> Command {
        // Not `cargo deny`: it is in the tools folder, not on the PATH.
        let mut command = in_workspace(&program);
        command.args(arguments);
        command
    };
    runner.run(deny(&["check", "bans", "licenses", "sources"]))?;
    if runner.attempt(deny(&["fetch", "db"]))?.succeeded {
        runner.run(deny(&["check", "--disable-fetch", "advisories"]))?;
        return Ok(String::new());
    }
    let remark = "advisories NOT looked at: their database could not be fetched";
    runner.say(remark);
    Ok(remark.to_owned())
}
