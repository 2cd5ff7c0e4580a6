//! What the suites saw of each host, for `docs/hosts.md`: a cell of its table is written by the test
//! that proves it, and by nothing else.
//!
//! The cells lie in `target/hosts`, one file each, with the digest of the artifact they were seen
//! with. [`table`] takes those of one artifact only.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::artifact::root;
use crate::envoy;
use crate::error::{Error, Result};
use crate::nginx::Version;
use crate::tools::{ENVOY_GATEWAY, ISTIOD};

/// What is to be known of a host: the columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// How many cases of the corpus are answered as by the registry.
    Corpus,
    /// How many of them otherwise, by a rule that is written down.
    Divergences,
    /// Real clients log in, push, pull, are refused, delete.
    Walk,
    /// A bad configuration, or no image, when it starts.
    Start,
    /// A bad configuration while it runs.
    Update,
    /// A good configuration while it runs.
    Reload,
    /// A module that traps.
    Trap,
    /// What a token seen before costs.
    Cost,
}

impl Fact {
    /// In the order of the columns.
    pub const ALL: [Self; 8] = [
        Self::Corpus,
        Self::Divergences,
        Self::Walk,
        Self::Start,
        Self::Update,
        Self::Reload,
        Self::Trap,
        Self::Cost,
    ];

    /// Its name in files, and what stands above the column.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Corpus => ("corpus", "cases of the corpus"),
            Self::Divergences => ("divergences", "of them otherwise than the registry"),
            Self::Walk => ("walk", "real clients"),
            Self::Start => ("start", "bad configuration at the start"),
            Self::Update => ("update", "bad configuration while it runs"),
            Self::Reload => ("reload", "good configuration while it runs"),
            Self::Trap => ("trap", "a trap, or a panic"),
            Self::Cost => ("cost", "a token seen before adds"),
        }
    }
}

/// Every host of the table, by name, with the artifact it runs.
#[must_use]
pub fn all() -> Vec<(String, &'static str)> {
    const FOR_ENVOY: &str = "`registry_token_filter.envoy.wasm`";
    let envoys = envoy::versions().map(|tool| (envoy(tool.version), FOR_ENVOY));
    let nginxes = Version::ALL.map(|version| (nginx(version), "the module for this version"));
    let others = [
        (gateway(), "the image, either form"),
        (istio(), "the image, either form; or a file"),
    ];
    envoys.chain(nginxes).chain(others).collect()
}

/// Envoy of this version.
#[must_use]
pub fn envoy(version: &str) -> String {
    format!("Envoy {version}")
}

/// This NGINX.
#[must_use]
pub fn nginx(version: Version) -> String {
    version.name().replace("nginx-", "NGINX ")
}

/// Envoy Gateway.
#[must_use]
pub fn gateway() -> String {
    format!("Envoy Gateway {}", ENVOY_GATEWAY.version)
}

/// Istio, whose commits have no version.
#[must_use]
pub fn istio() -> String {
    let commit = ISTIOD.version.rsplit('-').next().unwrap_or_default();
    format!("Istio 1.31-dev ({commit})")
}

/// How many cases are answered otherwise than by the registry: by the filter's own rules, and because
/// the host makes something else of them, which stands in `exceptions`.
#[must_use]
pub fn otherwise(by_the_filter: usize, by_the_host: usize, exceptions: &str) -> String {
    format!(
        "{by_the_filter} by [the filter's rules](../tests/divergences.toml), {by_the_host} by \
         [the host's own](../{exceptions})"
    )
}

/// Writes down what a test saw.
///
/// # Errors
/// When it cannot be written, or the artifact not be read.
pub fn saw(host: &str, fact: Fact, what: &str) -> Result<()> {
    let file = cell(host, fact);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
    }
    let seen = json!({ "saw": what, "artifact": artifact()? });
    std::fs::write(&file, seen.to_string()).map_err(Error::io("write", &file))
}

/// The table in Markdown, of what was seen with the artifact as it is now.
///
/// # Errors
/// When a cell was not seen, or with another artifact.
pub fn table() -> Result<String> {
    let artifact = artifact()?;
    let mut missing = BTreeMap::<String, Vec<&str>>::new();
    let titles: Vec<&str> = Fact::ALL.iter().map(|fact| fact.names().1).collect();
    let mut lines = vec![
        format!("| host | artifact | {} |", titles.join(" | ")),
        "|---".repeat(Fact::ALL.len() + 2) + "|",
    ];
    for (host, runs) in all() {
        let cells: Vec<String> = Fact::ALL
            .iter()
            .map(|&fact| {
                seen(&host, fact, &artifact).unwrap_or_else(|| {
                    missing
                        .entry(host.clone())
                        .or_default()
                        .push(fact.names().0);
                    String::new()
                })
            })
            .collect();
        lines.push(format!("| {host} | {runs} | {} |", cells.join(" | ")));
    }
    if missing.is_empty() {
        return Ok(lines.join("\n"));
    }
    let missing: Vec<String> = missing
        .iter()
        .map(|(host, facts)| format!("{host}: {}", facts.join(", ")))
        .collect();
    Err(Error::Other(format!(
        "not seen with the artifact as it is; run `cargo xtask test --only envoy,envoys,nginx,hosts` \
         first, and `cargo xtask bench --hosts` for what it costs:\n{}",
        missing.join("\n")
    )))
}

fn seen(host: &str, fact: Fact, artifact: &str) -> Option<String> {
    let text = std::fs::read_to_string(cell(host, fact)).ok()?;
    let cell: Value = serde_json::from_str(&text).ok()?;
    let is_current = cell.get("artifact").and_then(Value::as_str) == Some(artifact);
    is_current.then(|| cell.get("saw")?.as_str().map(str::to_owned))?
}

fn cell(host: &str, fact: Fact) -> PathBuf {
    let name = host.replace([' ', '(', ')'], "-");
    root().join(format!("target/hosts/{name}.{}", fact.names().0))
}

/// The digest of the artifact for every host, of which the others are made.
fn artifact() -> Result<String> {
    let file = root().join("target/wasm32-wasip1/release/registry_token_filter.wasm");
    let bytes = std::fs::read(&file).map_err(Error::io("read", &file))?;
    Ok(Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
