//! `edgectl keys`

mod rotate;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use edgectl::certificate::{Described, Kind};
use edgectl::{KeyPair, KeyPairFiles};
use serde_json::json;

use super::{Failure, print, say};

const AFTER_HELP: &str = "\
Writes NAME.key (PKCS#8, mode 0600) and NAME.crt (mode 0644). Nothing is ever overwritten.

Where the halves go:
  gitlab.rb   registry['internal_key'] and registry['internal_certificate'],
              the contents of the two files; then `gitlab-ctl reconfigure`
  filter      `rootcertbundle`, the contents of NAME.crt
  registry    auth.token.rootcertbundle, the path of NAME.crt

Examples:
  edgectl keys
  edgectl keys --out /etc/gitlab/registry --bits 4096 --days 3650
  edgectl keys show gitlab-registry.crt
  edgectl keys rotate --help

Exit codes: 0 success; 1 the command failed, nothing is left behind; 2 the command line is wrong.";

/// Make the key pair between GitLab and its registry, or show the identifiers of a key
///
/// A new pair is like the one that GitLab (Omnibus) makes for itself: RSA 4096, self-signed, ten years,
/// subject C=USA, O=GitLab, OU=Container, CN=Registry.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Option<KeysCommand>,

    #[command(flatten)]
    new: NewPair,
}

#[derive(Args)]
struct NewPair {
    /// Folder to write to; it must exist
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,

    /// Name of the two files, without .key and .crt
    #[arg(long, value_name = "NAME", default_value = "gitlab-registry", value_parser = file_name)]
    name: String,

    /// Size of the key
    #[arg(
        long,
        value_name = "BITS",
        default_value = "4096",
        value_parser = PossibleValuesParser::new(["2048", "3072", "4096"]).try_map(|bits| bits.parse::<u32>())
    )]
    bits: u32,

    /// Days that the certificate lasts
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = KeyPair::DAYS,
        value_parser = clap::value_parser!(u32).range(1..=2_000_000)
    )]
    days: u32,

    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum KeysCommand {
    Rotate(rotate::Rotate),

    /// Show the key identifiers and validity of each certificate and key in a PEM file
    Show {
        /// A certificate, a bundle of certificates, a public or a private key
        file: PathBuf,

        /// Print one JSON object instead of text
        #[arg(long)]
        json: bool,
    },
}

fn file_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['/', '\0']) {
        return Err("expected a file name without a slash; folders go to --out".to_owned());
    }
    Ok(text.to_owned())
}

impl Keys {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            None => self.new.run(),
            Some(KeysCommand::Rotate(rotate)) => rotate.run(),
            Some(KeysCommand::Show { file, json }) => show(&file, json),
        }
    }
}

impl NewPair {
    fn run(self) -> Result<(), Failure> {
        let files = KeyPairFiles::named(&self.out, &self.name);
        files.ensure_free()?;
        let bits = self.bits;
        say(&format!(
            "generating an RSA key of {bits} bits; this may take some seconds …"
        ));
        let pair = KeyPair::generate(self.bits, self.days)?;
        let described = Described::from_pem(pair.certificate_pem.as_bytes())?;
        files.write(&pair)?;

        if self.json {
            let [certificate] = described.as_slice() else {
                return Err("one certificate expected".into());
            };
            let mut summary = serde_json::to_value(certificate)?;
            if let Some(summary) = summary.as_object_mut() {
                summary.remove("kind");
                summary.insert("key_file".to_owned(), json!(files.key));
                summary.insert("certificate_file".to_owned(), json!(files.certificate));
            }
            return print(&summary.to_string());
        }
        let (key, certificate) = (files.key.display(), files.certificate.display());
        print(&described.iter().map(text).collect::<Vec<_>>().join("\n"))?;
        print(&format!(
            "
{key}          mode 0600: whoever reads it can mint tokens
  gitlab.rb        registry['internal_key'] = contents of this file
{certificate}          mode 0644
  gitlab.rb        registry['internal_certificate'] = contents of this file
  filter           rootcertbundle = contents of this file
  registry         auth.token.rootcertbundle = path of this file (GitLab's and Distribution 2)"
        ))
    }
}

fn show(file: &std::path::Path, json: bool) -> Result<(), Failure> {
    let pem =
        std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let described =
        Described::from_pem(&pem).map_err(|error| format!("{}: {error}", file.display()))?;
    if json {
        return print(&json!({ "file": file, "keys": described }).to_string());
    }
    print(&described.iter().map(text).collect::<Vec<_>>().join("\n\n"))
}

fn text(described: &Described) -> String {
    let kind = match described.kind {
        Kind::Certificate => "certificate",
        Kind::PublicKey => "public key",
        Kind::PrivateKey => "private key",
    };
    let mut lines = vec![format!("{kind}, {}", described.key)];
    if let Some(certificate) = &described.certificate {
        lines.push(format!("  subject          {}", certificate.subject));
        lines.push(format!(
            "  valid            {} to {}",
            certificate.not_before, certificate.not_after
        ));
    }
    lines.push(format!(
        "  libtrust kid     {}   (GitLab, Distribution 2)",
        described.key_id
    ));
    if let Some(thumbprint) = &described.thumbprint {
        lines.push(format!(
            "  RFC 7638 kid     {thumbprint}   (Distribution 3)"
        ));
    }
    lines.join("\n")
}
