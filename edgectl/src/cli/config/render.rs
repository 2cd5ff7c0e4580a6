//! `edgectl config render`

use clap::{Args, ValueEnum};
use edgectl::config::site;

use crate::cli::site::SiteArgs;
use crate::cli::{Failure, print, say};

const EXAMPLES: &str = "\
Examples:
  # The filter's configuration, from a GitLab node
  edgectl config render --from /etc/gitlab/gitlab.rb --for json

  # From a registry's config.yml; its certificate lies beside it on this machine
  edgectl config render --from config.yml --rootcertbundle registry.crt --for json

The configuration alone goes to stdout; what was assumed is said on stderr. What cannot be read in a
file is named with line and column, and never guessed.
Exit codes: 0 success; 1 the command failed, stderr says why; 2 the command line is wrong.";

/// Render one configuration for an edge from a gitlab.rb, a registry's config.yml or Helm values
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Render {
    #[command(flatten)]
    site: SiteArgs,

    /// What to render
    #[arg(long = "for", value_name = "TARGET", value_enum)]
    target: Target,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// The filter's own configuration
    Json,
}

impl Render {
    pub(super) fn run(self) -> Result<(), Failure> {
        let facts = self.site.facts()?;
        for note in &facts.notes {
            say(&format!("{}: {}", note.origin, note.value));
        }
        let bundle = site::read_bundle(&facts)?;
        let token = self.site.token(&facts, bundle)?;
        for (what, found) in [
            ("realm", &token.realm),
            ("service", &token.service),
            ("issuer", &token.issuer),
            ("profile", &token.profile),
        ] {
            say(&format!("{what:8} {}   ({})", found.value, found.origin));
        }
        match self.target {
            Target::Json => print(&token.to_json()),
        }
    }
}
