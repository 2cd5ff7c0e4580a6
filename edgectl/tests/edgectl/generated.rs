//! `edgectl completions` and `edgectl man`: what is generated from the command line's description.

use std::fs;
use std::process::Command;

use crate::support::{edgectl, stderr, stdout};

/// What the first word after `edgectl` may be, as bash completes it.
fn completed(beginning: &str) -> Vec<String> {
    let program = env!("CARGO_BIN_EXE_edgectl");
    let script = format!(
        "source <('{program}' completions bash); COMP_WORDS=(edgectl {beginning}) COMP_CWORD=1; \
         _edgectl edgectl {beginning} edgectl; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands() {
    assert_eq!(completed("ke"), ["keys"]);
    assert_eq!(completed("comp"), ["completions"]);
}

#[test]
fn every_shell_has_a_script_that_knows_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = edgectl(["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{shell}: {}", stderr(&output));
        for command in ["issuer", "keys", "token"] {
            assert!(stdout(&output).contains(command), "{shell} {command}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = edgectl(["man", "share/man1"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    for page in [
        "edgectl",
        "edgectl-keys",
        "edgectl-keys-show",
        "edgectl-token",
    ] {
        let text = fs::read_to_string(folder.path().join(format!("share/man1/{page}.1"))).unwrap();
        assert!(text.contains(&format!(".TH {page} 1")), "{text}");
    }
    // The twin: a folder that cannot be one.
    fs::write(folder.path().join("file"), "").unwrap();
    let output = edgectl(["man", "file"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("name another one"),
        "{}",
        stderr(&output)
    );
}
