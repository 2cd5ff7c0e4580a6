//! What `edgectl up` finds out by itself: the configuration in a folder, the key that belongs to it, the filter.

use std::path::{Path, PathBuf};

use registry_token_filter::Config;
use registry_token_filter::keys::EMBEDDED;
use serde_json::{Map, Value};

use crate::SigningKey;
use crate::certificate::{Described, Kind};

/// Name of the filter's file, as it is built.
pub const FILTER: &str = "registry_token_filter.wasm";

/// The filter's configuration, and where it lies.
#[derive(Debug)]
pub struct Plugin {
    /// The file.
    pub file: PathBuf,
    /// Its members.
    pub members: Map<String, Value>,
    /// What the filter makes of them.
    pub config: Config,
    /// Its certificates.
    pub certificates: Vec<Described>,
}

/// What was looked for is not there, or more than once.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotFound(String);

impl Plugin {
    /// The configuration in a file, or the only one in a folder.
    ///
    /// # Errors
    /// [`NotFound`], with what the filter has against a file.
    pub fn find(place: &Path) -> Result<Self, NotFound> {
        if !place.is_dir() {
            return Self::read(place);
        }
        let mut refused = Vec::new();
        let mut found = Vec::new();
        for file in files(place, "json")? {
            match Self::read(&file) {
                Ok(plugin) => found.push(plugin),
                Err(NotFound(why)) => refused.push(why),
            }
        }
        match (found.pop(), found.len()) {
            (Some(plugin), 0) => Ok(plugin),
            (Some(_), _) => Err(NotFound(format!(
                "{} holds several configurations: name the file of one",
                place.display()
            ))),
            (None, _) if refused.is_empty() => Err(NotFound(format!(
                "{} holds no configuration of the filter (a .json file): make one with `edgectl init`, or name its file",
                place.display()
            ))),
            (None, _) => Err(NotFound(refused.join("\n"))),
        }
    }

    fn read(file: &Path) -> Result<Self, NotFound> {
        let fault =
            |error: &dyn std::fmt::Display| NotFound(format!("{}: {error}", file.display()));
        let text = std::fs::read(file).map_err(|error| fault(&error))?;
        let config = Config::from_json(&text, EMBEDDED).map_err(|error| fault(&error))?;
        let members: Map<String, Value> =
            serde_json::from_slice(&text).map_err(|error| fault(&error))?;
        let certificates = match members.get("rootcertbundle").and_then(Value::as_str) {
            Some(pem) => Described::from_pem(pem.as_bytes()).map_err(|error| fault(&error))?,
            None => Vec::new(),
        };
        Ok(Self {
            file: file.to_owned(),
            members,
            config,
            certificates,
        })
    }

    /// The certificates, PEM.
    #[must_use]
    pub fn bundle(&self) -> &str {
        self.members
            .get("rootcertbundle")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Whether a key is one of those that the configuration trusts.
    #[must_use]
    pub fn trusts(&self, key: &SigningKey) -> bool {
        self.certificates
            .iter()
            .any(|one| one.kind == Kind::Certificate && one.key_id == key.key_id())
    }

    /// The private key of a trusted certificate, beside the configuration.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn key(&self) -> Result<Option<PathBuf>, NotFound> {
        let keys = files(self.folder(), "key")?;
        let is_trusted =
            |file: &PathBuf| SigningKey::from_pem_file(file).is_ok_and(|key| self.trusts(&key));
        Ok(keys.into_iter().find(is_trusted))
    }

    /// The folder it lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self.file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }
}

/// The filter beside a configuration, beside this program, or where cargo leaves it.
#[must_use]
pub fn filter(folder: &Path) -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = program
        .as_deref()
        .and_then(Path::parent)
        .map(Path::to_owned);
    [
        Some(folder.to_owned()),
        Some(PathBuf::from(".")),
        Some(PathBuf::from("target/wasm32-wasip1/release")),
        beside,
    ]
    .into_iter()
    .flatten()
    .map(|folder| folder.join(FILTER))
    .find(|file| file.is_file())
}

/// The files of a folder with this ending, sorted by name.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, NotFound> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| NotFound(format!("cannot list {}: {error}", folder.display())))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == extension) && path.is_file())
        .collect();
    files.sort_unstable();
    Ok(files)
}
