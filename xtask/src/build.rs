//! `cargo xtask build`: the artifact.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use testbed::artifact;
use testbed::tools::{Progress, Tools};

use crate::paint;

/// A file that was built.
#[derive(Debug)]
pub(crate) struct Artifact {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl Artifact {
    /// Reads what was built.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// SHA-256, hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        sha256(&self.bytes)
    }
}

/// SHA-256, hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Builds the filter, for Envoy and for every host, and prints of each where it is, how large, and
/// its digest.
pub(crate) fn run() -> Result<ExitCode> {
    let tools = Tools::open(Progress::stderr())?;
    for (hosts, path) in [
        ("Envoy, Istio and Envoy Gateway", artifact::filter(&tools)?),
        (
            "every host, NGINX with ngx_wasm_module among them",
            artifact::filter_for_every_host(&tools)?,
        ),
    ] {
        let artifact = Artifact::read(&path)?;
        paint::say(&format!(
            "for     {hosts}\npath    {}\nbytes   {}\nsha256  {}",
            artifact.path.display(),
            artifact.bytes.len(),
            artifact.sha256()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    #[test]
    fn digests_are_lower_case_hexadecimal() {
        // The empty message's digest, NIST's CAVP example of length 0.
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(super::sha256(b""), expected);
    }
}
