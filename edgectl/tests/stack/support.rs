//! Stacks, and `edgectl` run against them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use testbed::issuer::User;
use testbed::stack::Builder;
use testbed::tools::{Progress, Tools};
use testbed::{Stack, artifact};

/// The program under test.
pub(crate) const EDGECTL: &str = env!("CARGO_BIN_EXE_edgectl");

/// The filter of this tree, built once.
pub(crate) fn filter() -> &'static Path {
    static FILTER: OnceLock<PathBuf> = OnceLock::new();
    FILTER.get_or_init(|| artifact::filter(&tools()).unwrap())
}

pub(crate) fn tools() -> Tools {
    Tools::open(Progress::stderr()).unwrap()
}

/// The beginning of a stack with one user.
pub(crate) fn builder() -> Builder {
    let alice = User::new("alice", "alice-password").may("group/app", &["pull", "push"]);
    Stack::builder(&tools())
        .wasm(filter())
        .edgectl(Path::new(EDGECTL))
        .user(alice)
}

pub(crate) fn edgectl(arguments: &[&str]) -> Command {
    let mut command = Command::new(EDGECTL);
    command.args(arguments);
    command
}

/// Runs a command, whatever its exit status.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// Standard output as JSON.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}
