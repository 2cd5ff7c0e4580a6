//! The artifacts: what is shipped.

use std::path::Path;

use anyhow::{Result, bail};
use testbed::artifact;

use crate::build::Artifact;
use crate::imports::imports;
use crate::runner::Runner;

/// Of the artifact for Envoy, which compiles the module when a configuration arrives, on its main
/// thread; and a filter that suddenly doubles has a new dependency that nobody meant to ship.
const MOST_BYTES: usize = 600_000;

pub(super) fn artifact(runner: &mut Runner) -> Result<String> {
    let every_host = artifact::filter_for_every_host(runner.tools())?;
    let every_host = look_at(runner, &every_host)?;
    let for_envoy = artifact::filter(runner.tools())?;
    let for_envoy = look_at(runner, &for_envoy)?;
    if for_envoy > MOST_BYTES {
        bail!("the artifact for Envoy has {for_envoy} bytes, more than {MOST_BYTES}");
    }
    Ok(format!(
        "for Envoy {for_envoy} bytes, for every host {every_host}"
    ))
}

/// Refuses an artifact that asks its host for something unusual; else its size in bytes.
fn look_at(runner: &Runner, path: &Path) -> Result<usize> {
    let artifact = Artifact::read(path)?;
    let (name, size) = (artifact.path.display(), artifact.bytes.len());
    runner.say(&format!(
        "{name}: {size} bytes, sha256 {}",
        artifact.sha256()
    ));
    let imports = imports(&artifact.bytes)?;
    let mut refused = Vec::new();
    for import in &imports {
        let mark = if import.is_everywhere() {
            ""
        } else {
            "  <- not everywhere"
        };
        runner.say(&format!("imports {import}{mark}"));
        if !import.is_everywhere() {
            refused.push(import.to_string());
        }
    }
    if imports.is_empty() {
        bail!("{name} imports nothing: it has lost its host adapter");
    }
    if !refused.is_empty() {
        bail!(
            "{name} imports what some hosts lack: {}",
            refused.join(", ")
        );
    }
    Ok(size)
}
