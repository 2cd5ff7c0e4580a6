//! wasm-bindgen's programs, in exactly the version that the code is linked with: others refuse.

use anyhow::{Context as _, Result};
use testbed::artifact::root;
use testbed::tools::{Source, Tool, WASM_BINDGEN};

use crate::lockfile;

/// The tool; its binary is the test runner, and `wasm-bindgen` itself stands beside that.
pub(crate) fn tool() -> Result<&'static Tool> {
    let lock = root().join("Cargo.lock");
    let text = std::fs::read_to_string(&lock)
        .with_context(|| format!("cannot read {}", lock.display()))?;
    let version = lockfile::version(&text, "wasm-bindgen")?;
    if version == WASM_BINDGEN.version {
        return Ok(&WASM_BINDGEN);
    }
    // Once in a run, and tools live as long as the program.
    Ok(Box::leak(Box::new(Tool {
        name: WASM_BINDGEN.name,
        version: Box::leak(version.into_boxed_str()),
        purpose: WASM_BINDGEN.purpose,
        source: Source::Cargo {
            package: "wasm-bindgen-cli",
            binary: "wasm-bindgen-test-runner",
        },
    })))
}
