//! The programs the project needs: where they are, which version is wanted, how they are installed.
//!
//! Nothing is installed before it is asked for with [`Tools::ensure`]. What apt installs goes where
//! apt puts it; everything else goes to the tools folder, `$REGISTRY_TOKEN_FILTER_TOOLS` or
//! `${XDG_CACHE_HOME:-~/.cache}/registry-token-filter`, which may be deleted at any time. An
//! installation counts only once it has run to its end, and two programs that want the same tool at
//! the same time install it once.
//!
//! A tool that cannot be had is [`Error::Missing`], which names the remedy; an installer that fails
//! is [`Error::Install`], with the command and the end of its log.

mod catalog;
mod install;
mod progress;

pub use catalog::*;
pub use progress::Progress;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::process::output;

/// A program and how to have it.
#[derive(Debug)]
pub struct Tool {
    /// Name in messages and in the tools folder.
    pub name: &'static str,
    /// The wanted version; empty when any will do.
    pub version: &'static str,
    /// What the project does with it, in a few words.
    pub purpose: &'static str,
    /// How it is found and installed.
    pub source: Source,
}

/// Where a tool comes from.
#[derive(Debug)]
pub enum Source {
    /// `rustup target add`; the tool is the target's standard library.
    RustTarget,
    /// `go install MODULE@vVERSION`, a binary called `binary`.
    Go {
        /// Package path.
        module: &'static str,
        /// Name of the binary that results.
        binary: &'static str,
    },
    /// `pip install PACKAGES` into a virtual environment; the tool is the file `file` in it, where
    /// `*` stands for one folder.
    Python {
        /// Requirements, the versions pinned.
        packages: &'static [&'static str],
        /// Path below the virtual environment.
        file: &'static str,
        /// Name and arguments under which the right version may already be on the PATH.
        on_path: Option<(&'static str, &'static [&'static str])>,
    },
    /// `cargo install PACKAGE --version VERSION`; the same version on the PATH will do.
    Cargo {
        /// Package.
        package: &'static str,
        /// Name of the binary that is wanted.
        binary: &'static str,
    },
    /// `apt-get install PACKAGE`, a binary on the PATH.
    Apt {
        /// Debian package.
        package: &'static str,
        /// Name of the binary, or the path of another file by which the package is known.
        binary: &'static str,
    },
    /// A Debian package whose binary is unpacked into the tools folder without installing the
    /// package, because installing it would start and enable a service.
    AptUnpacked {
        /// Debian package.
        package: &'static str,
        /// Path of the binary inside the package.
        file: &'static str,
    },
    /// Found on the PATH, never installed.
    Path {
        /// Name of the binary.
        binary: &'static str,
        /// What a user may do to have it.
        remedy: &'static str,
    },
}

/// The tools folder.
#[derive(Debug, Clone)]
pub struct Tools {
    folder: PathBuf,
    progress: Progress,
}

impl Tools {
    /// The user's tools folder, made when absent.
    ///
    /// # Errors
    /// When there is no place for it or it cannot be made.
    pub fn open(progress: Progress) -> Result<Self> {
        Self::at(&folder_from(|name| std::env::var_os(name))?, progress)
    }

    /// A tools folder of the caller's choice.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(folder: &Path, progress: Progress) -> Result<Self> {
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs).map_err(Error::io("make folder", &logs))?;
        let folder = folder.canonicalize().map_err(Error::io("find", folder))?;
        Ok(Self { folder, progress })
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where waiting is shown.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The tool, if it is here in the wanted version. Installs nothing.
    #[must_use]
    pub fn find(&self, tool: &Tool) -> Option<PathBuf> {
        match tool.source {
            Source::RustTarget => rust_target(tool.name),
            Source::Go { binary, .. } => self.installed(tool, binary),
            Source::Python { file, on_path, .. } => on_path
                .and_then(|(binary, arguments)| on_path_in_version(binary, arguments, tool.version))
                .or_else(|| self.installed(tool, file)),
            Source::Cargo { binary, .. } => {
                on_path_in_version(binary, &["--version"], tool.version)
                    .or_else(|| self.installed(tool, &format!("bin/{binary}")))
            }
            Source::AptUnpacked { package, file } => {
                on_path(package).or_else(|| self.installed(tool, file))
            }
            Source::Apt { binary, .. } | Source::Path { binary, .. } => on_path(binary),
        }
    }

    /// The tool, installed now if it is not here.
    ///
    /// # Errors
    /// [`Error::Missing`] when it cannot be installed by us, [`Error::Install`] when that failed.
    pub fn ensure(&self, tool: &'static Tool) -> Result<PathBuf> {
        match self.find(tool) {
            Some(path) => Ok(path),
            None => install::install(self, tool),
        }
    }

    /// The command with which a person would install the tool.
    #[must_use]
    pub fn remedy(&self, tool: &Tool) -> String {
        install::remedy(self, tool)
    }

    /// Folder of an installation; it counts only with [`Tools::stamp`] in it.
    fn place(&self, tool: &Tool) -> PathBuf {
        self.folder.join(title(tool).replace(' ', "-"))
    }

    /// File that says an installation ran to its end.
    fn stamp(&self, tool: &Tool) -> PathBuf {
        self.place(tool).join(".complete")
    }

    fn installed(&self, tool: &Tool, file: &str) -> Option<PathBuf> {
        if !self.stamp(tool).is_file() {
            return None;
        }
        let found = match file.split_once("/*/") {
            None => self.place(tool).join(file),
            Some((before, after)) => std::fs::read_dir(self.place(tool).join(before))
                .ok()?
                .filter_map(|entry| Some(entry.ok()?.path().join(after)))
                .find(|path| path.is_file())?,
        };
        found.is_file().then_some(found)
    }
}

/// Name and version, as in messages.
fn title(tool: &Tool) -> String {
    if tool.version.is_empty() {
        tool.name.to_owned()
    } else {
        format!("{} {}", tool.name, tool.version)
    }
}

fn folder_from(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<PathBuf> {
    let set = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("REGISTRY_TOKEN_FILTER_TOOLS")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("registry-token-filter")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/registry-token-filter")))
        .ok_or_else(|| {
            Error::Other(
                "no place for tools: set REGISTRY_TOKEN_FILTER_TOOLS to a folder".to_owned(),
            )
        })
}

/// Looks a program up on the PATH.
#[must_use]
pub fn on_path(binary: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(binary))
        .find(|path| path.is_file())
}

fn on_path_in_version(binary: &str, arguments: &[&str], version: &str) -> Option<PathBuf> {
    let path = on_path(binary)?;
    let says = output(Command::new(&path).args(arguments)).ok()?;
    says.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-')
        .any(|word| word == version)
        .then_some(path)
}

fn rust_target(target: &str) -> Option<PathBuf> {
    let library = output(
        Command::new("rustc")
            .current_dir(crate::artifact::root())
            .args(["--print", "target-libdir", "--target", target]),
    )
    .ok()?;
    let library = PathBuf::from(library.trim());
    library.is_dir().then_some(library)
}

#[cfg(test)]
mod tests;
