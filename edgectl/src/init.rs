//! Everything that one edge needs, in one folder: a key pair if there is none, the filter's
//! configuration, those of its hosts, and what GitLab and the registry's nodes are told.
//!
//! A plan is made and checked as a whole before the first byte is written. Secrets are written once,
//! readable by their owner alone, and neither shown nor written over by anyone; other files are
//! replaced only when that is asked for.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::config::check::{self, Beside, Finding, Grade};
use crate::config::place::{Found, Origin};
use crate::config::render::{self, Names, RenderError};
use crate::config::site::Site;
use crate::config::url::Url;
use crate::key_pair::Draft;
use crate::{KeyPair, WriteError};

/// The names of the pair's files, as of `edgectl keys`.
pub const KEY: &str = "gitlab-registry.key";
/// See [`KEY`].
pub const CERTIFICATE: &str = "gitlab-registry.crt";
/// What the registry's nodes share.
pub const HTTP_SECRET: &str = "http-secret";

/// A folder as it will be.
#[derive(Debug)]
pub struct Plan {
    /// The folder.
    pub folder: PathBuf,
    /// Its files, secrets first.
    pub files: Vec<Planned>,
    /// What the check of all rendered files found; no errors.
    pub findings: Vec<Finding>,
}

/// A file of a [`Plan`].
#[derive(Debug, Serialize)]
pub struct Planned {
    /// Its name in the folder.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// What happens to it.
    pub action: Action,
    /// Whether it is a secret: mode 0600, never shown, never replaced.
    pub secret: bool,
    #[serde(skip)]
    content: String,
}

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there and is written.
    Write,
    /// It is there with other content and is replaced.
    Replace,
    /// It is there and stays.
    Keep,
}

/// A folder cannot be planned or written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A file cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// What would be written has errors.
    #[error("nothing was written, because what would be written has errors:\n{}", sentences(.0))]
    Findings(Vec<Finding>),
    /// Files are there with other content.
    #[error(
        "{} in {} differ from what would be written, and nothing was: move them away, choose another \
         --out, or say --replace, which replaces configurations and never a secret",
        .0.join(", "), .1.display()
    )]
    Differs(Vec<String>, PathBuf),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Half a pair is there.
    #[error(
        "{} is there without {}: put the other half beside it, or move it away, so that a new pair \
         can be made", .0.display(), .1
    )]
    HalfAPair(PathBuf, &'static str),
}

fn sentences(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    lines.join("\n")
}

/// The key pair of a folder.
#[derive(Debug)]
pub enum Pair {
    /// GitLab has one; the folder holds its certificate alone.
    Gitlabs,
    /// One that an earlier run made is in the folder.
    There,
    /// A new one.
    New(Box<KeyPair>),
}

/// The certificate of a pair that an earlier run left in the folder.
///
/// # Errors
/// [`InitError::HalfAPair`], or when it cannot be read.
pub fn pair_in(folder: &Path) -> Result<Option<Found<String>>, InitError> {
    let (key, certificate) = (folder.join(KEY), folder.join(CERTIFICATE));
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    match (is_there(&key), is_there(&certificate)) {
        (false, false) => Ok(None),
        (true, false) => Err(InitError::HalfAPair(key, CERTIFICATE)),
        (false, true) => Err(InitError::HalfAPair(certificate, KEY)),
        (true, true) => {
            let value = std::fs::read_to_string(&certificate).map_err(|source| WriteError::Io {
                path: certificate,
                source,
            })?;
            Ok(Some(Found {
                value,
                origin: Origin::Default("made before, in this folder"),
            }))
        }
    }
}

impl Plan {
    /// Renders everything, checks it, and looks at what is there already.
    ///
    /// # Errors
    /// [`InitError`]; nothing is written yet.
    pub fn make(
        folder: &Path,
        site: &Site,
        names: &Names,
        gitlab: Option<&Url>,
        pair: &Pair,
        beside: &Beside,
    ) -> Result<Self, InitError> {
        let own_key = !matches!(pair, Pair::Gitlabs);
        let mut files = Vec::new();
        let mut add = |name, purpose, secret, content| {
            files.push(Planned {
                name,
                purpose,
                action: Action::Write,
                secret,
                content,
            });
        };
        if own_key {
            let pem = match pair {
                Pair::New(pair) => pair.key_pem().to_owned(),
                _ => String::new(),
            };
            add(KEY, "GitLab signs tokens with it", true, pem);
        }
        let secret = "the registry's nodes share it (http.secret)";
        add(HTTP_SECRET, secret, true, random_hex());
        if let Some(bundle) = &site.token.bundle {
            let purpose = "whoever verifies tokens trusts it";
            add(CERTIFICATE, purpose, false, with_newline(&bundle.value));
        }
        let plugin = with_newline(&site.token.to_json());
        add(
            "registry-token-filter.json",
            "the filter's configuration",
            false,
            plugin,
        );
        add(
            "envoy.yaml",
            "Envoy",
            false,
            render::bootstrap(site, names)?,
        );
        add(
            "nginx.conf",
            "NGINX with the filter's module",
            false,
            render::nginx(site)?,
        );
        add(
            "istio.yaml",
            "Istio",
            false,
            render::istio(render::IstioApi::WasmPlugin, &site.token, names)?,
        );
        let gateway = render::envoy_gateway(site, names)?;
        add("envoy-gateway.yaml", "Envoy Gateway", false, gateway);
        let registry = render::registry_node(site)?;
        add(
            "registry-node.rb",
            "gitlab.rb of a registry node",
            false,
            registry,
        );
        if let Some(gitlab) = gitlab {
            if site.is_single() {
                let node = render::single_node(site, gitlab, own_key)?;
                add(
                    "single-node.rb",
                    "gitlab.rb, all on one machine",
                    false,
                    node,
                );
            }
            let node = render::gitlab_node(site, gitlab, own_key)?;
            add(
                "gitlab-node.rb",
                "gitlab.rb of GitLab, on separate nodes",
                false,
                node,
            );
        }
        let findings = checked(folder, &files, beside)?;
        Ok(Self {
            folder: folder.to_owned(),
            files,
            findings,
        })
    }

    /// Decides what happens to files that are there.
    ///
    /// # Errors
    /// [`InitError::Differs`] when some would have to be replaced and `replace` is not set.
    pub fn settle(&mut self, replace: bool) -> Result<(), InitError> {
        let mut differing = Vec::new();
        for file in &mut self.files {
            let path = self.folder.join(file.name);
            if path.symlink_metadata().is_err() {
                continue;
            }
            let same = std::fs::read(&path).is_ok_and(|found| found == file.content.as_bytes());
            file.action = if file.secret || same {
                Action::Keep
            } else if replace && file.name != CERTIFICATE {
                Action::Replace
            } else {
                differing.push(file.name.to_owned());
                Action::Keep
            };
        }
        if differing.is_empty() {
            Ok(())
        } else {
            Err(InitError::Differs(differing, self.folder.clone()))
        }
    }

    /// Writes the files that are to be written: all of them, or none of the new ones.
    ///
    /// # Errors
    /// [`InitError::Write`].
    pub fn write(&self) -> Result<(), InitError> {
        std::fs::create_dir_all(&self.folder).map_err(|source| WriteError::Io {
            path: self.folder.clone(),
            source,
        })?;
        let paths: Vec<(&Planned, PathBuf)> = self
            .files
            .iter()
            .filter(|file| file.action != Action::Keep)
            .map(|file| {
                let ending = if file.action == Action::Replace {
                    ".new"
                } else {
                    ""
                };
                (file, self.folder.join(format!("{}{ending}", file.name)))
            })
            .collect();
        let mut drafts = Vec::new();
        for (file, path) in &paths {
            let mode = if file.secret { 0o600 } else { 0o644 };
            let mut draft = Draft::create(path, mode)?;
            draft.fill(&file.content)?;
            drafts.push(draft);
        }
        for draft in drafts {
            draft.keep();
        }
        for (file, path) in paths {
            if file.action == Action::Replace {
                let target = self.folder.join(file.name);
                std::fs::rename(&path, &target).map_err(|source| WriteError::Io {
                    path: target,
                    source,
                })?;
            }
        }
        Ok(())
    }
}

/// Everything rendered goes through the same check as an operator's own files.
fn checked(folder: &Path, files: &[Planned], beside: &Beside) -> Result<Vec<Finding>, InitError> {
    let checkable = |file: &&Planned| {
        [".json", ".yaml", ".conf"]
            .iter()
            .any(|ending| file.name.ends_with(ending))
    };
    let texts: Vec<(PathBuf, String)> = files
        .iter()
        .filter(checkable)
        .map(|file| (folder.join(file.name), file.content.clone()))
        .collect();
    let report = check::check(&texts, beside, Timestamp::now());
    let (errors, others): (Vec<_>, Vec<_>) = report
        .findings
        .into_iter()
        .partition(|finding| finding.grade == Grade::Error);
    if errors.is_empty() {
        Ok(others)
    } else {
        Err(InitError::Findings(errors))
    }
}

fn with_newline(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// 64 random bytes in hexadecimal, as Omnibus makes its `http_secret`.
fn random_hex() -> String {
    let mut bytes = [0_u8; 64];
    // Without randomness there is no key either: an empty secret is refused by the registry's node.
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => data_encoding::HEXLOWER.encode(&bytes),
        Err(_) => String::new(),
    }
}
