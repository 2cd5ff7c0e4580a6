//! `edgectl config check`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use edgectl::config::check::{self, Beside, Grade, Report};
use edgectl::config::source::{self, Source};
use jiff::Timestamp;
use serde_json::json;

use crate::cli::{Failure, print, say};

const EXAMPLES: &str = "\
Examples:
  # A bootstrap of Envoy, beside the registry's configuration and the key that GitLab signs with
  edgectl config check envoy.yaml --registry /var/opt/gitlab/registry/config.yml \\
      --gitlab-key /var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key

  # In a pipeline: every finding as an object, its rule by name
  edgectl config check --json istio.yaml | jq -r '.findings[] | [.grade, .rule, .message] | @tsv'

A finding is an error (it does not work, or lets through what it must not), a warning or a note. Its
name in brackets is stable. A private key is only ever compared, never shown.

--json prints one object: `findings`, each with grade, rule, file, line, column, path, message and
remedy; `keys`, each trusted key with its ids and dates; `errors`, `warnings` and `notes`, how many.

Exit codes: 0 no errors (there may be warnings); 1 errors were found; 2 the command line is wrong or a
file cannot be read.";

/// Check a configuration of the filter, alone or inside Envoy's, NGINX's, Istio's or Envoy Gateway's
///
/// The filter's own code judges its configuration; then certificates, what stands around the filter,
/// and whether registry and GitLab agree with it are looked at.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// A plugin configuration in JSON, a bootstrap or listener of Envoy, an nginx.conf, or manifests
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The registry's config.yml, a gitlab.rb or Helm values to compare with; repeat for more
    #[arg(long, value_name = "FILE")]
    registry: Vec<PathBuf>,

    /// The key that GitLab signs tokens with, or its certificate, to compare with
    #[arg(long, value_name = "FILE")]
    gitlab_key: Vec<PathBuf>,

    /// The day to check certificates for, 2027-01-31T00:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,

    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let report = match self.report() {
            Ok(report) => report,
            Err(error) => {
                say(&format!("edgectl: {error}"));
                return Ok(ExitCode::from(2));
            }
        };
        if self.json {
            print(&json(&report))?;
        } else {
            text(&report)?;
        }
        Ok(ExitCode::from(u8::from(report.count(Grade::Error) > 0)))
    }

    fn report(&self) -> Result<Report, Failure> {
        let mut files = Vec::new();
        for file in &self.files {
            files.push((file.clone(), source::read_text(file)?));
        }
        let mut beside = Beside::default();
        for file in &self.registry {
            let environment = |name: &str| std::env::var(name).ok();
            beside.registry(Source::read(file, &environment)?);
        }
        for file in &self.gitlab_key {
            beside.gitlab_key(file, source::read_text(file)?);
        }
        Ok(check::check(
            &files,
            &beside,
            self.at.unwrap_or_else(Timestamp::now),
        ))
    }
}

fn json(report: &Report) -> String {
    let object = json!({
        "findings": report.findings,
        "keys": report.keys,
        "errors": report.count(Grade::Error),
        "warnings": report.count(Grade::Warning),
        "notes": report.count(Grade::Note),
    });
    format!("{object:#}")
}

fn text(report: &Report) -> Result<(), Failure> {
    for finding in &report.findings {
        print(&format!("{finding}\n"))?;
    }
    for trusted in &report.keys {
        let key = &trusted.key;
        print(&format!("trusts {}, {}", key.key_id, key.key))?;
        if let Some(thumbprint) = &key.thumbprint {
            print(&format!("  RFC 7638  {thumbprint}"))?;
        }
        if let Some(dated) = &key.certificate {
            print(&format!(
                "  valid     {} to {}",
                dated.not_before, dated.not_after
            ))?;
        }
    }
    let counted = |grade: Grade| {
        let count = report.count(grade);
        format!("{count} {grade}{}", if count == 1 { "" } else { "s" })
    };
    print(&format!(
        "{}, {}, {}",
        counted(Grade::Error),
        counted(Grade::Warning),
        counted(Grade::Note)
    ))
}
