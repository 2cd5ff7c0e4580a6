//! The blocks of docs/operations.md that need machines of the reader's, at stacks of our own: line by line as
//! they stand there, with the places of this machine for those of the reader's.

use std::path::Path;
use std::process::{Command, Output};

use testbed::envoy::{self, Update};

use crate::support::{EDGECTL, builder, json, run};
use crate::up::Up;

/// The lines of the block that has this command in it.
fn lines_with(command: &str) -> Vec<String> {
    let file = testbed::artifact::root().join("docs/operations.md");
    let text = std::fs::read_to_string(file).unwrap();
    let blocks = text.split("```console\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(blocks.len(), 3, "each block has a test here");
    let block = blocks.iter().find(|block| block.contains(command));
    let block = block.unwrap_or_else(|| panic!("no block has {command}"));
    let line = |line: &str| line.strip_prefix("$ ").unwrap().to_owned();
    block.lines().map(line).collect()
}

/// Runs a line as typed in a folder, with the program under test on the PATH.
fn typed(line: &str, folder: &Path, variables: &[(&str, &Path)]) -> Output {
    let program = Path::new(EDGECTL).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::iter::once(program).chain(std::env::split_paths(&path));
    let mut shell = Command::new("sh");
    shell.args(["-ec", line]).current_dir(folder);
    shell.env("PATH", std::env::join_paths(path).unwrap());
    run(shell.envs(variables.iter().copied()))
}

fn did(line: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
}

/// `line` with what stands for a place of the reader's replaced; it has to be there.
fn with(line: &str, place: &str, by: &str) -> String {
    assert!(line.contains(place), "there is no {place} in {line}");
    line.replace(place, by)
}

#[test]
fn what_is_installed_works() {
    let home = tempfile::tempdir().unwrap();
    let root = testbed::artifact::root();
    let user = std::env::var_os("HOME").unwrap();
    let of_user = |variable: &str, folder: &str| {
        std::env::var_os(variable).map_or_else(|| Path::new(&user).join(folder), Into::into)
    };
    let (cargo, rustup) = (
        of_user("CARGO_HOME", ".cargo"),
        of_user("RUSTUP_HOME", ".rustup"),
    );
    let apart = root.join("target/install");
    for line in lines_with("cargo install") {
        let mut variables = vec![
            ("HOME", home.path()),
            ("CARGO_HOME", cargo.as_path()),
            ("RUSTUP_HOME", rustup.as_path()),
            ("CARGO_INSTALL_ROOT", home.path()),
        ];
        if line.starts_with("cargo install") {
            // What it does is the same unoptimized, after a tenth of the time.
            variables.extend([
                ("CARGO_TARGET_DIR", apart.as_path()),
                ("CARGO_PROFILE_RELEASE_LTO", Path::new("off")),
                ("CARGO_PROFILE_RELEASE_OPT_LEVEL", Path::new("0")),
                ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", Path::new("256")),
            ]);
        }
        did(&line, &typed(&line, root, &variables));
    }
    let version = run(Command::new(home.path().join("bin/edgectl")).arg("--version"));
    did("edgectl --version", &version);
    let completions = home
        .path()
        .join(".local/share/bash-completion/completions/edgectl");
    let completions = std::fs::read_to_string(completions).unwrap();
    assert!(completions.contains("complete -F _edgectl"));
}

#[test]
fn a_folder_is_tried_out() {
    let folder = tempfile::tempdir().unwrap();
    let init = "edgectl init --registry-url https://registry.example.com --gitlab-url \
                https://gitlab.example.com --issuer omnibus-gitlab-issuer --service \
                container_registry --node registry-1:5000 --out edge";
    did(init, &typed(init, folder.path(), &[]));
    let lines = lines_with("edgectl up");
    let [up, doctor] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    let words: Vec<&str> = up.split(' ').skip(1).collect();
    let up = Up::start(Command::new(EDGECTL).args(words).current_dir(folder.path()));
    let doctor = with(doctor, "https://localhost:PORT", up.text("edge"));
    let doctor = with(&doctor, "FILE", up.text("ca")) + " --json";
    let output = typed(&doctor, folder.path(), &[]);
    let report = json(&output);
    assert_eq!(report["verdict"], "right", "{report:#}");
    did(&doctor, &output);
    up.interrupt();
}

#[test]
fn the_key_is_changed_at_a_running_edge() {
    let settings = envoy::Settings {
        listener_from_file: true,
        ..envoy::Settings::default()
    };
    let mut stack = builder().envoy(settings).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pair = stack.signing_key().clone();
    std::fs::copy(&pair.key, at("gitlab-registry.key")).unwrap();
    std::fs::copy(&pair.certificate, at("gitlab-registry.crt")).unwrap();
    std::fs::create_dir(at("edge")).unwrap();
    let configuration = at("edge/registry-token-filter.json");
    let text = stack.plugin_configuration().to_string();
    std::fs::write(&configuration, text).unwrap();
    let prepare = "edgectl keys rotate prepare --bits 2048";
    did(prepare, &typed(prepare, folder.path(), &[]));

    let more = format!(" --ca {}", stack.ca_file().display());
    for line in lines_with("rotate switch") {
        let line = with(&line, "https://registry.example.com", &stack.url()) + &more;
        let line = match line.contains("rotate drop") {
            // Nobody's tokens are out.
            true => line + " --token-lifetime 0",
            false => line,
        };
        let mut output = typed(&line, folder.path(), &[]);
        if line.contains("--config") {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("Reload it"), "{line}: {said}");
            let text = std::fs::read(&configuration).unwrap();
            let update = stack.update_plugin(&serde_json::from_slice(&text).unwrap());
            assert_eq!(update.unwrap(), Update::Accepted);
            output = typed(&line, folder.path(), &[]);
        }
        did(&line, &output);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("proven"), "{line}: {said}");
    }
}
