//! docs/operations.md: its command blocks run, in their order and in one folder. Those of the mark `console`
//! need machines of the reader's; `tests/stack` runs them at stacks of its own.

use std::path::Path;
use std::process::Command;

use crate::support::{stderr, stdout};

#[test]
fn the_command_blocks_run() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = std::fs::read_to_string(file).unwrap();
    let blocks: Vec<&str> = text
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 3, "{blocks:?}");
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_edgectl"));
    let mut path = vec![program.parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    for block in blocks {
        let output = Command::new("sh")
            .args(["-ec", block])
            .current_dir(&folder)
            .env("PATH", std::env::join_paths(&path).unwrap())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{block}\n{}{}",
            stdout(&output),
            stderr(&output)
        );
    }
}
