//! `edgectl doctor`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use edgectl::doctor::{Doctor, Expected, Report, Signer, Verdict};
use edgectl::http::{Origin, Trust};
use edgectl::{KeyIdKind, Parties, SigningKey};
use registry_token_filter::Config;
use registry_token_filter::keys::EMBEDDED;
use registry_token_filter::profile::KeyIdForm;
use serde_json::{Value, json};
use tokio::runtime;

use super::{Failure, Kid, print, say};

const AFTER_HELP: &str = "\
It only ever reads: GET, HEAD, OPTIONS, an unknown method on /v2/, and POST where registries have no
handler, about repositories that do not exist. Nothing changes, even where nothing is enforced.
--dry-run lists what would be sent.

Examples:
  edgectl doctor https://registry.example.com
  edgectl doctor https://registry.example.com --config edge/plugin.json --key gitlab-registry.key
  edgectl doctor https://localhost:20443 --ca tls/ca.crt --json
  edgectl doctor https://registry.example.com --dry-run

With --config it compares realm and service, and tries forgeries that name a trusted key.
With --key, the key that GitLab signs with, it also tries tokens: one that has to be believed, and some
that differ in one fact and have to be refused. They last a minute, grant at most pull on a repository
that does not exist, and go to no server whose certificate is not trusted.

Exit codes: 0 all right; 1 the command failed, one sentence on stderr says why; 2 the command line is
wrong; 3 something is wrong; 4 nothing is wrong, but something could not be found out.";

/// Find out from outside whether a running edge enforces
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Examine {
    /// The edge, as clients reach it: https://registry.example.com
    #[arg(value_name = "URL")]
    edge: Origin,

    /// The filter's configuration (JSON) that the edge should run
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Private key in PEM that GitLab signs with (gitlab.rb: registry['internal_key'])
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// Issuer of tokens [default: that of --config, else omnibus-gitlab-issuer]
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,

    /// Service of tokens [default: that of --config, else container_registry]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// How tokens name the key: GitLab and Distribution 2 know libtrust, Distribution 3 RFC 7638 [default: by the
    /// profile of --config, else libtrust]
    #[arg(long, value_name = "KIND", value_enum)]
    kid: Option<Kid>,

    /// Certificate authority (PEM) to trust besides those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Seconds to wait for each connection and each answer
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,

    /// Requests whose time is taken, one after another; 0 takes none
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=1000))]
    samples: u16,

    /// List what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Examine {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let configured = self.config.as_deref().map(configured).transpose()?;
        let (expected, configured_kid) = configured.unzip();
        let kid = self
            .kid
            .map_or(configured_kid.unwrap_or_default(), KeyIdKind::from);
        let defaults = Parties::default();
        let of_config = |pick: fn(&Expected) -> &String| {
            expected.as_ref().map(|expected| pick(expected).clone())
        };
        let parties = Parties {
            issuer: self
                .issuer
                .or_else(|| of_config(|expected| &expected.issuer))
                .unwrap_or(defaults.issuer),
            service: self
                .service
                .or_else(|| of_config(|expected| &expected.service))
                .unwrap_or(defaults.service),
        };
        let mut doctor = Doctor::new(
            self.edge,
            Trust::new(self.ca.as_deref())?,
            Duration::from_secs(self.timeout),
        );
        doctor.samples = self.samples.into();
        if let Some(path) = &self.key {
            doctor.signer = Some(Signer {
                key: SigningKey::from_pem_file(path)?,
                key_id: kid,
                parties: parties.clone(),
            });
        }
        doctor.parties = parties;
        doctor.expected = expected;

        if self.dry_run {
            let lines = doctor.plan()?;
            print(&if self.json {
                json!({ "requests": lines }).to_string()
            } else {
                lines.join("\n")
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let report = runtime.block_on(doctor.examine())?;
        if self.json {
            print(&serde_json::to_string(&report)?)?;
        } else {
            print(&text(&report))?;
            if doctor.expected.is_none() {
                say("not compared with a configuration: give --config");
            }
            if doctor.signer.is_none() {
                say("no genuine token tried: give --key, the key that GitLab signs with");
            }
        }
        Ok(match report.verdict {
            Verdict::Right => ExitCode::SUCCESS,
            Verdict::Wrong => ExitCode::from(3),
            Verdict::Unknown => ExitCode::from(4),
        })
    }
}

/// What the filter makes of a configuration, and how it expects tokens to name a key.
fn configured(path: &Path) -> Result<(Expected, KeyIdKind), Failure> {
    let json = std::fs::read(path)
        .map_err(|error| format!("cannot read the configuration {}: {error}", path.display()))?;
    let named =
        |error: &dyn std::fmt::Display| format!("the configuration {}: {error}", path.display());
    let config = Config::from_json(&json, EMBEDDED).map_err(|error| named(&error))?;
    let trusted = config.verifier().keys.iter().next();
    let trusted = trusted.ok_or_else(|| named(&"it trusts no key"))?;
    let kid = match config.profile().key_id_form() {
        KeyIdForm::Libtrust => KeyIdKind::Libtrust,
        KeyIdForm::Rfc7638 => KeyIdKind::Rfc7638,
    };
    // In the form in which everybody has it.
    let members: Value = serde_json::from_slice(&json)?;
    let public = match members.get("rootcertbundle").and_then(Value::as_str) {
        Some(bundle) => bundle.as_bytes().to_vec(),
        None => trusted.verifying_key.spki().to_vec(),
    };
    let expected = Expected {
        realm: config.realm().to_owned(),
        service: config.service().to_owned(),
        issuer: config.verifier().issuer.clone(),
        key_id: trusted.id.clone(),
        public,
    };
    Ok((expected, kid))
}

/// A table without lines, as wide as the terminal.
fn columns() -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(super::width());
    table
}

/// The table, and under it what to do.
fn text(report: &Report) -> String {
    let mut table = columns();
    let mut remedies: Vec<(&str, &str)> = Vec::new();
    for check in &report.checks {
        let verdict = match check.finding.verdict {
            Verdict::Right => "right",
            Verdict::Wrong => "WRONG",
            Verdict::Unknown => "unknown",
        };
        table.add_row([verdict, check.check, &check.finding.found]);
        if let Some(remedy) = &check.finding.remedy {
            remedies.push((check.check, remedy));
        }
    }
    let mut lines = vec![report.url.clone()];
    lines.extend(table.lines().map(|line| line.trim_end().to_owned()));
    if !remedies.is_empty() {
        lines.extend([String::new(), "What to do:".to_owned()]);
        let mut list = columns();
        for (check, remedy) in remedies {
            list.add_row([check, remedy]);
        }
        lines.extend(list.lines().map(|line| line.trim_end().to_owned()));
    }
    lines.push(String::new());
    lines.push(
        match report.verdict {
            Verdict::Right => "All right.",
            Verdict::Wrong => "Something is WRONG.",
            Verdict::Unknown => "Nothing is wrong, but something could not be found out.",
        }
        .to_owned(),
    );
    lines.join("\n")
}
