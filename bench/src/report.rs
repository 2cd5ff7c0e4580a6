//! All results, as they are kept: `docs/performance.json`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use testbed::envoy;
use testbed::process::output;

use crate::compare::Comparison;
use crate::growth::Series;
use crate::memory::Memory;
use crate::procfs;

/// The name of the comparison among the parts.
pub const CHAINS: &str = "chains";

/// The name of the memory readings among the parts.
pub const MEMORY: &str = "memory";

/// What was measured; a part that was not is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Of which build, when and where, by part.
    pub taken: BTreeMap<String, Taken>,
    /// The chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The series.
    #[serde(default)]
    pub growth: Vec<Series>,
    /// Memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// Circumstances of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Day, UTC.
    pub day: String,
    /// Commit of the filter.
    pub commit: String,
    /// Processor.
    pub processor: String,
    /// Version of Envoy.
    pub envoy: String,
}

impl Taken {
    /// Now and here.
    ///
    /// # Errors
    /// When this is no clone of the repository.
    pub fn now() -> Result<Self> {
        let root = testbed::artifact::root();
        let mut git = Command::new("git");
        git.current_dir(root)
            .args(["describe", "--always", "--dirty"]);
        let mut date = Command::new("date");
        date.args(["--utc", "+%F"]);
        Ok(Self {
            day: output(&mut date)?.trim().to_owned(),
            commit: output(&mut git)?.trim().to_owned(),
            processor: procfs::processor(),
            envoy: envoy::chosen()
                .map_or("unknown", |tool| tool.version)
                .to_owned(),
        })
    }
}

impl Report {
    /// Reads one; an empty one when there is no such file.
    ///
    /// # Errors
    /// When the file is something else.
    pub fn read(file: &Path) -> Result<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(file)?;
        serde_json::from_str(&text).with_context(|| format!("{} is no report", file.display()))
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Takes over the parts of a later run; the others stay as they are.
    pub fn take(&mut self, later: Self) {
        self.taken.extend(later.taken);
        self.comparison = later.comparison.or(self.comparison.take());
        self.memory = later.memory.or(self.memory.take());
        for series in later.growth {
            match self.growth.iter_mut().find(|it| it.name == series.name) {
                Some(known) => *known = series,
                None => self.growth.push(series),
            }
        }
    }
}
