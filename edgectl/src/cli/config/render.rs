//! `edgectl config render`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use edgectl::config::check::{self, Beside, Grade};
use edgectl::config::render::IstioApi;
use edgectl::config::site::TokenAuth;
use edgectl::config::{render, site};
use jiff::Timestamp;

use crate::cli::site::SiteArgs;
use crate::cli::{Failure, print, say};

const EXAMPLES: &str = "\
Examples:
  # The filter's configuration, from a GitLab node
  edgectl config render --from /etc/gitlab/gitlab.rb --for json

  # The bootstrap of Envoy, for two registry nodes
  edgectl config render --from gitlab.rb --node registry-1:5000 --node registry-2:5000 --for envoy

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
    /// The bootstrap of Envoy
    Envoy,
    /// NGINX with the filter's native module
    Nginx,
    /// Istio: WasmPlugin, and an EnvoyFilter for paths
    Istio,
    /// Istio from 1.31 on: TrafficExtension, and an EnvoyFilter for paths
    IstioTrafficExtension,
    /// Istio: an EnvoyFilter with the filter from a file, for gateways and sidecars
    IstioEnvoyFilter,
    /// Envoy Gateway: EnvoyExtensionPolicy, routes and policies
    EnvoyGateway,
    /// The filter's own configuration, as it is in all of the others
    Json,
}

impl Render {
    pub(super) fn run(self) -> Result<(), Failure> {
        let facts = self.site.facts()?;
        let bundle = site::read_bundle(&facts)?;
        let names = self.site.names();
        let (token, text) = match self.target {
            Target::Json => {
                let token = self.site.token(&facts, bundle)?;
                let text = token.to_json();
                (token, text)
            }
            Target::Istio | Target::IstioTrafficExtension | Target::IstioEnvoyFilter => {
                let api = match self.target {
                    Target::IstioTrafficExtension => IstioApi::TrafficExtension,
                    Target::IstioEnvoyFilter => IstioApi::EnvoyFilter,
                    _ => IstioApi::WasmPlugin,
                };
                let token = self.site.token(&facts, bundle)?;
                let text = render::istio(api, &token, &names)?;
                (token, text)
            }
            Target::Envoy | Target::Nginx | Target::EnvoyGateway => {
                let site = self.site.site(&facts, bundle)?;
                let text = match self.target {
                    Target::Nginx => render::nginx(&site)?,
                    Target::EnvoyGateway => render::envoy_gateway(&site, &names)?,
                    _ => render::bootstrap(&site, &names)?,
                };
                (site.token, text)
            }
        };
        Self::checked(&token, &text)?;
        for (what, found) in [
            ("realm", &token.realm),
            ("service", &token.service),
            ("issuer", &token.issuer),
            ("profile", &token.profile),
        ] {
            say(&format!("{what:8} {}   ({})", found.value, found.origin));
        }
        for note in &facts.notes {
            say(&format!("note: {}: {}", note.origin, note.value));
        }
        print(text.trim_end())
    }

    /// What is rendered goes through the same check as an operator's own files, before it is shown.
    fn checked(token: &TokenAuth, text: &str) -> Result<(), Failure> {
        // What NGINX gets names the configuration by its file.
        let files = [text.to_owned(), token.to_json()]
            .map(|text| (PathBuf::from("what would be rendered"), text));
        let report = check::check(&files, &Beside::default(), Timestamp::now());
        let errors = report
            .findings
            .iter()
            .filter(|finding| finding.grade == Grade::Error);
        let errors: Vec<String> = errors.map(ToString::to_string).collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "nothing was rendered, because it has errors:\n{}",
                errors.join("\n")
            )
            .into())
        }
    }
}
