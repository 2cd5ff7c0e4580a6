//! What can go wrong, by whom it can be put right.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something in the local stack did not work. Every message names the program or file and,
/// where there is one, the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tool is not here and cannot be installed by us; the caller may take the next best.
    #[error("{tool} is missing; to have it: {remedy}")]
    Missing {
        /// Name of the tool.
        tool: &'static str,
        /// What the user can run or do.
        remedy: String,
    },
    /// An installer ran and failed.
    #[error("installing {tool} failed: {reason}\n  command: {command}\n  log:     {}\n{tail}", log.display())]
    Install {
        /// Name of the tool.
        tool: &'static str,
        /// Exit status or system error.
        reason: String,
        /// The command as a user could repeat it.
        command: String,
        /// The installer's complete output.
        log: PathBuf,
        /// Last lines of `log`, indented.
        tail: String,
    },
    /// A program could not be started at all.
    #[error("cannot start {name} ({command}): {reason}")]
    Spawn {
        /// What the program is in the stack.
        name: String,
        /// The command line.
        command: String,
        /// Why. Not `source`: whoever prints the chain of sources would print it twice.
        reason: std::io::Error,
    },
    /// A program ended before it was ready.
    #[error("{name} ended ({status}) before it was ready\n  log: {}\n{tail}", log.display())]
    Ended {
        /// What the program is in the stack.
        name: String,
        /// Its exit status.
        status: String,
        /// Its output.
        log: PathBuf,
        /// Last lines of `log`, indented.
        tail: String,
    },
    /// A program runs but did not become ready in time.
    #[error("{name} was not ready after {waited:?} (waited for: {awaited})\n  log: {}\n{tail}", log.display())]
    NotReady {
        /// What the program is in the stack.
        name: String,
        /// What it was to do.
        awaited: String,
        /// For how long.
        waited: Duration,
        /// Its output.
        log: PathBuf,
        /// Last lines of `log`, indented.
        tail: String,
    },
    /// A command that had to succeed did not.
    #[error("`{command}` failed ({status})\n{output}")]
    Command {
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// Its output, indented.
        output: String,
    },
    /// A place of a YAML document that has to be replaced does not exist.
    #[error("{document}: nothing at `{path}`: {reason}")]
    Yaml {
        /// File the document was read from.
        document: String,
        /// Path of the place, such as `static_resources.listeners[0].address`.
        path: String,
        /// What was found instead.
        reason: String,
    },
    /// A file or socket.
    #[error("{context}: {reason}")]
    Io {
        /// What was tried, on which file.
        context: String,
        /// Why it failed.
        reason: std::io::Error,
    },
    /// Anything else, said in full.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// Whether the caller may go on without: a tool that is not here and cannot be installed.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    pub(crate) fn io(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let context = format!("cannot {what} {}", path.display());
        move |reason| Self::Io { context, reason }
    }
}
