//! The artifact: what is shipped.

use anyhow::{Result, bail};
use testbed::artifact;

use crate::build::Artifact;
use crate::imports::imports;
use crate::runner::Runner;

/// Envoy compiles the module when a configuration arrives, on its main thread; and a filter that
/// suddenly doubles has a new dependency that nobody meant to ship.
const MOST_BYTES: usize = 600_000;

pub(super) fn artifact(runner: &mut Runner) -> Result<String> {
    let artifact = Artifact::read(&artifact::filter(runner.tools())?)?;
    let size = artifact.bytes.len();
    runner.say(&format!("{size} bytes, sha256 {}", artifact.sha256()));
    if size > MOST_BYTES {
        bail!("the artifact has {size} bytes, more than {MOST_BYTES}");
    }
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
        bail!("the artifact imports nothing: it has lost its host adapter");
    }
    if !refused.is_empty() {
        bail!(
            "the artifact imports what some hosts lack: {}",
            refused.join(", ")
        );
    }
    Ok(format!("{size} bytes, {} imports", imports.len()))
}
