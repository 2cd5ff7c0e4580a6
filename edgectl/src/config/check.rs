//! Checks configurations of an edge: the filter's own by the filter's code, then what stands around
//! it and beside it.

mod envoy;
pub mod finding;
mod manifests;
mod nginx;
mod peers;
mod plugin;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use self::envoy::At;
pub use self::finding::{Finding, Grade, Place, RULES, Rule};
pub use self::peers::Beside;
use self::plugin::{Plugin, Said};
use super::source;
use super::yaml::{self, Node};
use crate::certificate::Described;

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong, in the order of the files.
    pub findings: Vec<Finding>,
    /// The keys that the filter trusts, each once.
    pub keys: Vec<TrustedKey>,
}

/// A key that a configuration trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrustedKey {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The key and its certificate.
    #[serde(flatten)]
    pub key: Described,
}

impl Report {
    /// How many findings are of this grade.
    #[must_use]
    pub fn count(&self, grade: Grade) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.grade == grade)
            .count()
    }
}

/// Checks files, each a path and its text, at `now`, and compares them with what is beside them.
#[must_use]
pub fn check(files: &[(PathBuf, String)], beside: &Beside, now: Timestamp) -> Report {
    let mut report = Report::default();
    for (file, text) in files {
        let mut checker = Checker {
            file,
            text,
            root: Node::null(),
            now,
            findings: Vec::new(),
            said: Vec::new(),
            carries: 0,
        };
        checker.file();
        for said in &checker.said {
            peers::compare(said, beside, &mut checker.findings);
        }
        for said in checker.said {
            report
                .keys
                .extend(said.keys.into_iter().map(|key| TrustedKey {
                    place: said.place.clone(),
                    key,
                }));
        }
        checker
            .findings
            .sort_by(|one, other| one.place.cmp(&other.place));
        // What stands around several guarded places is found at each of them.
        for finding in checker.findings {
            if !report.findings.contains(&finding) {
                report.findings.push(finding);
            }
        }
    }
    report.findings.extend(beside.unusable.iter().cloned());
    report
}

struct Checker<'a> {
    file: &'a Path,
    text: &'a str,
    /// The document that is checked.
    root: Node,
    now: Timestamp,
    findings: Vec<Finding>,
    said: Vec<Said>,
    /// How many configurations of the filter the file carries.
    carries: usize,
}

impl Checker<'_> {
    fn file(&mut self) {
        if nginx::is_one(self.text) {
            self.nginx();
            return;
        }
        let documents = match yaml::parse(self.text) {
            Ok(documents) => documents,
            Err(error) => {
                let place = Place {
                    file: self.file.to_owned(),
                    position: Some(error.position),
                    path: String::new(),
                };
                let remedy = "Correct it; nothing else of this file was checked.";
                self.findings
                    .push(finding::NOT_READABLE.at(place, error.fault, remedy));
                return;
            }
        };
        for root in documents {
            self.root = root.clone();
            if source::is_plugin(&root) {
                self.own(&root);
            } else if !self.manifest(&root) {
                self.envoy(&root);
            }
        }
        if self.carries == 0
            && self
                .findings
                .iter()
                .all(|found| found.grade != Grade::Error)
        {
            let place = Place {
                file: self.file.to_owned(),
                position: None,
                path: String::new(),
            };
            self.findings.push(finding::NOTHING_FOUND.at(
                place,
                "there is no configuration of the filter in this file",
                "Give a plugin configuration in JSON, a bootstrap or listener of Envoy, an \
                 nginx.conf, or a manifest of Istio or Envoy Gateway; what a gitlab.rb or config.yml says is \
                 compared with --registry.",
            ));
        }
    }

    /// The filter's configuration as a file of its own.
    fn own(&mut self, root: &Node) {
        let text = self.text;
        let plugin = Plugin {
            place: self.place(At {
                node: root,
                path: "",
            }),
            json: text,
            node: Some(root),
            start: None,
            tls: None,
            hosts: Vec::new(),
        };
        self.plugin(&plugin);
    }

    fn plugin(&mut self, plugin: &Plugin<'_>) {
        self.carries += 1;
        let said = plugin.check(self.now, &mut self.findings);
        self.said.extend(said);
    }

    fn place(&self, at: At<'_>) -> Place {
        Place {
            file: self.file.to_owned(),
            position: Some(at.node.position),
            path: at.path.to_owned(),
        }
    }
}
