//! `edgectl init`

use std::path::{Path, PathBuf};

use clap::Args;
use edgectl::KeyPair;
use edgectl::config::check::Beside;
use edgectl::config::place::{Found, Origin};
use edgectl::config::site;
use edgectl::config::source::Source;
use edgectl::config::url::Url;
use edgectl::init::{self, Action, Pair, Plan, Planned};
use serde_json::json;

use super::site::SiteArgs;
use super::{Failure, print, say};

const AFTER_HELP: &str = "\
Examples:
  # From GitLab's own configuration, on its machine
  sudo edgectl init --from /etc/gitlab/gitlab.rb

  # Registry nodes of their own; look first
  edgectl init --from gitlab.rb --node registry-1:5000 --node registry-2:5000 --dry-run

  # From nothing
  edgectl init --registry-url https://registry.example.com --gitlab-url https://gitlab.example.com \\
      --issuer omnibus-gitlab-issuer --service container_registry --node registry-1:5000

Writes, into one folder:
  gitlab-registry.key, .crt     a new key pair, only if no certificate was found or given
  http-secret                   what the registry's nodes share
  registry-token-filter.json    the filter's configuration, which all of the following carry
  envoy.yaml, nginx.conf        an edge of its own; nginx.conf needs the filter's module
  istio.yaml, envoy-gateway.yaml
  registry-node.rb, gitlab-node.rb   gitlab.rb of both, for Registry and GitLab on separate nodes
  single-node.rb                gitlab.rb, when the registry is on GitLab's own machine

All of it is checked as `edgectl config check` does before anything is written. The key and
http-secret have mode 0600 and are never shown or replaced.

--json prints one object: `folder`, `files` with name, purpose, action (write, replace, keep) and
secret, `findings` as of `config check`, `new_key` and `dry_run`.
Exit codes: 0 success; 1 the command failed, nothing was written; 2 the command line is wrong.";

/// Make everything an edge needs, from a gitlab.rb, a registry's config.yml or Helm values
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Init {
    #[command(flatten)]
    site: SiteArgs,

    /// Folder to write to; it is made if it does not exist
    #[arg(long, value_name = "DIR", default_value = "registry-edge")]
    out: PathBuf,

    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Replace configurations that are there with other content; never a secret or a certificate
    #[arg(long)]
    replace: bool,

    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let facts = self.site.facts()?;
        for note in &facts.notes {
            say(&format!("note: {}: {}", note.origin, note.value));
        }
        // What is missing is said before seconds go into a key.
        let found = site::read_bundle(&facts)?;
        let placeholder = || Found {
            value: String::new(),
            origin: Origin::Default("to be made"),
        };
        self.site
            .site(&facts, Some(found.clone().unwrap_or_else(placeholder)))?;
        let (pair, bundle) = self.pair(found)?;
        let site = self.site.site(&facts, Some(bundle))?;
        let gitlab = facts.gitlab_url.as_ref().map(|url| &url.value);
        let beside = self.beside(&pair)?;
        let mut plan = Plan::make(&self.out, &site, &self.site.names(), gitlab, &pair, &beside)?;
        plan.settle(self.replace)?;
        if !self.dry_run {
            plan.write()?;
        }
        if self.json {
            let object = json!({
                "folder": plan.folder,
                "files": plan.files,
                "findings": plan.findings,
                "new_key": matches!(pair, Pair::New(_)),
                "dry_run": self.dry_run,
            });
            return print(&format!("{object:#}"));
        }
        let port = site.registry.value.port;
        if site.is_single() && gitlab.is_some_and(|gitlab| gitlab.port == port) {
            say(&format!(
                "note: port {port} of this machine belongs to GitLab's own NGINX as well: give the \
                 edge another address, or the registry another port with --registry-url"
            ));
        }
        self.summary(&plan, &site, &pair)
    }

    /// The pair, and its certificate for everyone who verifies.
    fn pair(&self, found: Option<Found<String>>) -> Result<(Pair, Found<String>), Failure> {
        if let Some(bundle) = found {
            return Ok((Pair::Gitlabs, bundle));
        }
        if let Some(bundle) = init::pair_in(&self.out)? {
            return Ok((Pair::There, bundle));
        }
        // A dry run needs a pair to render with, and shows and keeps nothing of it.
        let bits = if self.dry_run { 2048 } else { KeyPair::BITS };
        if !self.dry_run {
            say(&format!(
                "no certificate was found or given: generating an RSA key of {bits} bits; this may \
                 take some seconds …"
            ));
        }
        let pair = KeyPair::generate(bits, KeyPair::DAYS)?;
        let bundle = Found {
            value: pair.certificate_pem.clone(),
            origin: Origin::Default("a new pair"),
        };
        Ok((Pair::New(Box::new(pair)), bundle))
    }

    /// The same files once more, to compare with. With a new pair they cannot agree yet.
    fn beside(&self, pair: &Pair) -> Result<Beside, Failure> {
        let mut beside = Beside::default();
        if matches!(pair, Pair::Gitlabs) {
            for file in self
                .site
                .files()
                .iter()
                .filter(|file| **file != Path::new("-"))
            {
                let environment = |name: &str| std::env::var(name).ok();
                beside.registry(Source::read(file, &environment)?);
            }
        }
        Ok(beside)
    }

    fn summary(&self, plan: &Plan, site: &site::Site, pair: &Pair) -> Result<(), Failure> {
        for finding in &plan.findings {
            say(&format!("{finding}"));
        }
        let token = &site.token;
        for (what, value, origin) in [
            (
                "registry",
                site.registry.value.to_string(),
                &site.registry.origin,
            ),
            ("realm", token.realm.value.clone(), &token.realm.origin),
            (
                "service",
                token.service.value.clone(),
                &token.service.origin,
            ),
            ("issuer", token.issuer.value.clone(), &token.issuer.origin),
            (
                "profile",
                token.profile.value.clone(),
                &token.profile.origin,
            ),
        ] {
            print(&format!("{what:8} {value}  ({origin})"))?;
        }
        match &token.bundle {
            Some(bundle) => print(&format!("trusts   the certificate  ({})", bundle.origin))?,
            None => print("trusts   the keys of `jwks`")?,
        }
        for node in &site.nodes {
            print(&format!("node     {}  ({})", node.value, node.origin))?;
        }
        let would = if self.dry_run {
            "would be written to"
        } else {
            "in"
        };
        print(&format!("\n{would} {}:", plan.folder.display()))?;
        for file in &plan.files {
            print(&line(file, self.dry_run))?;
        }
        print(&next(plan, pair, &site.registry.value, self.dry_run))
    }
}

fn line(file: &Planned, dry_run: bool) -> String {
    let action = match (file.action, dry_run) {
        (Action::Write, false) => "written",
        (Action::Write, true) => "new",
        (Action::Replace, false) => "replaced",
        (Action::Replace, true) => "other content",
        (Action::Keep, _) => "kept",
    };
    let mode = if file.secret { ", mode 0600" } else { "" };
    format!("  {:27} {action:9} {}{mode}", file.name, file.purpose)
}

/// What to do now, in order.
fn next(plan: &Plan, pair: &Pair, registry: &Url, dry_run: bool) -> String {
    if dry_run {
        return "\nNothing was written. Next: the same command without --dry-run.".to_owned();
    }
    let folder = plan.folder.display();
    let mut steps = Vec::new();
    if !matches!(pair, Pair::Gitlabs) {
        let snippets = if plan.files.iter().any(|file| file.name == "single-node.rb") {
            "put single-node.rb into its gitlab.rb (on separate\n     machines registry-node.rb and \
             gitlab-node.rb)"
        } else {
            "put registry-node.rb and gitlab-node.rb into\n     the gitlab.rb of their machines"
        };
        steps.push(format!(
            "GitLab and the registry do not know this key pair yet: {snippets}, as the first lines \
             say.\n     Or keep the pair that GitLab has: remove {folder}, copy the registry's \
             certificate and give it with --rootcertbundle\n     \
             (/var/opt/gitlab/registry/gitlab-registry.crt)."
        ));
    }
    steps.push(format!(
        "Look for what only you know:   grep -n SITE {folder}/envoy.yaml"
    ));
    steps.push(format!(
        "Copy the filter and what envoy.yaml names to the edge, and try it there:   envoy --mode \
         validate -c {folder}/envoy.yaml"
    ));
    steps.push(format!(
        "Once it serves, let it be examined:   edgectl doctor {registry} --config \
         {folder}/registry-token-filter.json"
    ));
    let numbered = steps.iter().enumerate();
    let lines: Vec<String> = numbered
        .map(|(index, step)| format!("  {}. {step}", index + 1))
        .collect();
    format!("\nNext:\n{}", lines.join("\n"))
}
