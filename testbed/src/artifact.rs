//! What cargo builds for the stack: the filter and `edgectl`.
//!
//! Both are built every time they are asked for. That costs a fraction of a second when nothing
//! changed, and nothing is ever tried out on a stale build.

mod envoy;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::process::{Folder, Process, indented, read_lossy, shown};
use crate::tools::{Tools, WASM32_UNKNOWN, WASM32_WASIP1};

/// Names the certificates to embed, for the filter's build script.
const BUNDLE: &str = "REGISTRY_ROOTCERTBUNDLE";

/// Longer than a build from nothing takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The workspace, as it was when this crate was compiled.
#[must_use]
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Builds the filter and finishes it for Envoy (see `envoy`): answers
/// `…/wasm32-wasip1/release/registry_token_filter.envoy.wasm`.
///
/// # Errors
/// When the target or Binaryen cannot be had, or the build fails.
pub fn filter(tools: &Tools) -> Result<PathBuf> {
    let linked = filter_for_every_host(tools)?;
    let finished = linked.with_extension("envoy.wasm");
    let what = "finishing the filter for Envoy";
    tools
        .progress()
        .step(what, || envoy::finish(tools, &linked, &finished))?;
    Ok(finished)
}

/// The same with the certificates of `bundle` (PEM) embedded: answers
/// `…/registry_token_filter.embedded.wasm`.
///
/// # Errors
/// As [`filter`], and when `bundle` is none.
pub fn filter_with_certificates(tools: &Tools, bundle: &Path) -> Result<PathBuf> {
    let package = "registry-token-filter";
    let linked = built(tools, package, "building the filter", Some(bundle))?;
    let finished = linked.with_extension("embedded.wasm");
    envoy::finish(tools, &linked, &finished)?;
    Ok(finished)
}

/// Writes to `folder` a module that lets the first request of each of its machines go on and traps at
/// the second, in the filter's place.
///
/// # Errors
/// When it cannot be written.
pub fn that_traps(folder: &Path) -> Result<PathBuf> {
    let module = wat::parse_str(include_str!("artifact/trap.wat"))
        .map_err(|error| Error::Other(format!("trap.wat: {error}")))?;
    let file = folder.join("trap.wasm");
    std::fs::write(&file, module).map_err(Error::io("write", &file))?;
    Ok(file)
}

/// Builds the filter and answers `…/wasm32-wasip1/release/registry_token_filter.wasm`, which is
/// what `cargo build` makes, with all callbacks.
///
/// # Errors
/// When the target cannot be had or the build fails.
pub fn filter_for_every_host(tools: &Tools) -> Result<PathBuf> {
    module(tools, "registry-token-filter", "building the filter")
}

/// Builds the library of a package of the workspace as the filter is built: for hosts, optimized.
/// `what` is shown meanwhile.
///
/// # Errors
/// As [`filter_for_every_host`].
pub fn module(tools: &Tools, package: &str, what: &str) -> Result<PathBuf> {
    built(tools, package, what, None)
}

fn built(tools: &Tools, package: &str, what: &str, bundle: Option<&Path>) -> Result<PathBuf> {
    tools.ensure(&WASM32_WASIP1)?;
    let mut cargo = cargo();
    cargo.args([
        "--release",
        "--target",
        "wasm32-wasip1",
        "--package",
        package,
    ]);
    cargo.arg("--lib");
    match bundle {
        Some(bundle) => cargo.env(BUNDLE, bundle),
        // One embedded by accident would hide a missing one in the configuration.
        None => cargo.env_remove(BUNDLE),
    };
    let name = package.replace('-', "_");
    tools.progress().step(what, || build(cargo, &name, ".wasm"))
}

/// Builds the core for a browser and answers `…/wasm32-unknown-unknown/release/explain_web.wasm`.
///
/// # Errors
/// When the target cannot be had or the build fails.
pub fn explain_web(tools: &Tools) -> Result<PathBuf> {
    tools.ensure(&WASM32_UNKNOWN)?;
    let mut cargo = cargo();
    cargo.args(["--release", "--target", "wasm32-unknown-unknown"]);
    cargo.args(["--package", "explain-web", "--lib"]);
    let what = "building the core for a browser";
    tools
        .progress()
        .step(what, || build(cargo, "explain_web", ".wasm"))
}

/// Builds `edgectl` and answers its path.
///
/// # Errors
/// When the build fails.
pub fn edgectl(tools: &Tools) -> Result<PathBuf> {
    let mut cargo = cargo();
    cargo.args(["--package", "edgectl", "--bin", "edgectl"]);
    tools
        .progress()
        .step("building edgectl", || build(cargo, "edgectl", ""))
}

fn cargo() -> Command {
    let mut command = program();
    command.args(["build", "--message-format", "json-render-diagnostics"]);
    command
}

/// cargo, in this workspace.
pub(crate) fn program() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Runs a build and picks from cargo's messages the file of target `name` that ends in `ending`.
///
/// As a [`Process`], so that Ctrl-C ends cargo and the compilers it started too.
pub(crate) fn build(command: Command, name: &str, ending: &str) -> Result<PathBuf> {
    let shown = shown(&command);
    let folder = Folder::temporary("cargo-build-")?;
    let (messages, log) = (folder.path().join("messages"), folder.path().join("log"));
    let mut cargo = Process::spawn_apart("cargo", command, &messages, &log)?;
    match cargo.wait_until_ended(LIMIT) {
        Some(status) if status.success() => product(&read_lossy(&messages), name, ending)
            .ok_or_else(|| {
                Error::Other(format!("`{shown}` succeeded, but built no {name}{ending}"))
            }),
        ended => Err(Error::Command {
            command: shown,
            status: ended.map_or_else(
                || format!("not finished after {LIMIT:?}"),
                |status| status.to_string(),
            ),
            output: indented(&read_lossy(&log), 60),
        }),
    }
}

fn product(messages: &str, name: &str, ending: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            message
                .get("reason")
                .is_some_and(|r| r == "compiler-artifact")
        })
        .filter(|message| {
            message
                .pointer("/target/name")
                .and_then(Value::as_str)
                .is_some_and(|target| target.replace('-', "_") == name)
        })
        .filter_map(|message| {
            let mut files = message
                .get("filenames")?
                .as_array()?
                .iter()
                .filter_map(Value::as_str);
            files.find(|file| file.ends_with(ending)).map(PathBuf::from)
        })
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_the_file_of_the_named_target_with_the_wanted_ending() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"serde"},"filenames":["/t/libserde.wasm"]}
not json
{"reason":"build-finished","success":true}
{"reason":"compiler-artifact","target":{"name":"registry-token-filter"},"filenames":["/t/x.rlib","/t/x.wasm"]}"#;
        let found = product(messages, "registry_token_filter", ".wasm");
        assert_eq!(found, Some(PathBuf::from("/t/x.wasm")));
        assert_eq!(product(messages, "registry_token_filter", ".so"), None);
        assert_eq!(product(messages, "edgectl", ""), None);
    }
}
