//! Files, with errors that name them.

use std::path::Path;

use testbed::{Error, Result};

pub(crate) fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|source| failed("read", file, source))
}

pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(|source| failed("write", file, source))
}

/// An error about a file.
pub(crate) fn failed(what: &str, file: &Path, source: std::io::Error) -> Error {
    Error::Io {
        context: format!("cannot {what} {}", file.display()),
        reason: source,
    }
}
