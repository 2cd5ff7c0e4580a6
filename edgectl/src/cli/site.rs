//! The options that say what no file says, shared by `config render` and `init`.

use std::path::{Path, PathBuf};

use clap::Args;
use edgectl::config::facts::{Bundle, Facts, TlsFiles};
use edgectl::config::place::{Found, Origin};
use edgectl::config::render::Names;
use edgectl::config::site::{self, Site, TokenAuth};
use edgectl::config::source::Source;
use edgectl::config::url::Url;

use super::Failure;

/// Where a site's facts come from.
#[derive(Args)]
pub(super) struct SiteArgs {
    /// A gitlab.rb, a registry's config.yml, Helm values, a gitlab.yml or a filter configuration;
    /// repeat for more, - for standard input
    #[arg(long, value_name = "FILE")]
    from: Vec<PathBuf>,

    /// What clients use for the registry (gitlab.rb: registry_external_url)
    #[arg(long, value_name = "URL", value_parser = url)]
    registry_url: Option<Url>,

    /// GitLab's own URL (gitlab.rb: external_url)
    #[arg(long, value_name = "URL", value_parser = url)]
    gitlab_url: Option<Url>,

    /// The registry behind the edge, HOST:PORT or a URL; repeat for more nodes
    #[arg(long = "node", value_name = "ADDRESS", value_parser = address)]
    nodes: Vec<Url>,

    /// Certificates of the keys that sign tokens, in PEM (the registry's auth.token.rootcertbundle)
    #[arg(long, value_name = "FILE")]
    rootcertbundle: Option<PathBuf>,

    /// The token endpoint (the registry's auth.token.realm)
    #[arg(long, value_name = "URL", value_parser = url)]
    realm: Option<Url>,

    /// The registry's auth.token.service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// The registry's auth.token.issuer (gitlab.rb: gitlab_rails['registry_issuer'])
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,

    /// Which registry it is
    #[arg(long, value_name = "NAME", value_parser = ["gitlab", "distribution-2.8", "distribution-3"])]
    profile: Option<String>,

    /// Serve the token endpoint at the registry's own host name, with a route to GitLab: for GitLab
    /// at a private address, which newer clients refuse under another name
    #[arg(long)]
    realm_at_edge: bool,

    /// The certificate that the edge presents, by its path there
    #[arg(long, value_name = "PATH", requires = "tls_key")]
    tls_certificate: Option<String>,

    /// The key of that certificate, by its path on the edge
    #[arg(long, value_name = "PATH", requires = "tls_certificate")]
    tls_key: Option<String>,

    /// Where the filter lies on the edge, for Envoy
    #[arg(long, value_name = "PATH", default_value_t = Names::default().wasm)]
    wasm: String,

    /// The filter's image, for Istio and Envoy Gateway; best by digest, oci://…@sha256:…
    #[arg(long, value_name = "URL", default_value_t = Names::default().image)]
    image: String,

    /// The namespace of manifests, for Istio and Envoy Gateway
    #[arg(long, value_name = "NAME", default_value_t = Names::default().namespace)]
    namespace: String,
}

fn url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| error.to_string())
}

fn address(text: &str) -> Result<Url, String> {
    Url::parse_address(text).map_err(|error| error.to_string())
}

impl SiteArgs {
    /// What options and files say together.
    pub(super) fn facts(&self) -> Result<Facts, Failure> {
        let mut sources = vec![self.given()];
        for file in &self.from {
            let environment = |name: &str| std::env::var(name).ok();
            sources.push(Source::read(file, &environment)?.facts);
        }
        sources.push(self.implied());
        Ok(site::combine(sources)?)
    }

    /// The files that were given.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.from
    }

    /// Names that only the operator knows.
    pub(super) fn names(&self) -> Names {
        Names {
            wasm: self.wasm.clone(),
            image: self.image.clone(),
            namespace: self.namespace.clone(),
        }
    }

    pub(super) fn site(
        &self,
        facts: &Facts,
        bundle: Option<Found<String>>,
    ) -> Result<Site, Failure> {
        Ok(Site::from_facts(facts, bundle, self.realm_at_edge)?)
    }

    pub(super) fn token(
        &self,
        facts: &Facts,
        bundle: Option<Found<String>>,
    ) -> Result<TokenAuth, Failure> {
        // With the realm at the edge the registry's URL is part of it.
        if self.realm_at_edge {
            return Ok(self.site(facts, bundle)?.token);
        }
        Ok(TokenAuth::from_facts(facts, bundle)?)
    }

    /// GitLab's endpoint, if nobody says another: the last word, not the first.
    fn implied(&self) -> Facts {
        let endpoint = self.gitlab_url.as_ref().map(|url| {
            let path = edgectl::config::gitlab_rb::TOKEN_PATH;
            format!("{}{path}", url.to_string().trim_end_matches('/'))
        });
        Facts {
            realm: by("--gitlab-url", endpoint),
            ..Facts::default()
        }
    }

    fn given(&self) -> Facts {
        let gitlab = self.gitlab_url.clone();
        let realm = self.realm.as_ref().map(Url::to_string);
        let bundle = self.rootcertbundle.as_deref().map(Path::to_owned);
        let nodes = self.nodes.iter().cloned();
        let pair = self.tls_certificate.clone().zip(self.tls_key.clone());
        let tls = pair.map(|(certificate, key)| TlsFiles { certificate, key });
        Facts {
            registry_url: by("--registry-url", self.registry_url.clone()),
            gitlab_url: by("--gitlab-url", gitlab),
            realm: by("--realm", realm),
            service: by("--service", self.service.clone()),
            issuer: by("--issuer", self.issuer.clone()),
            bundle: by("--rootcertbundle", bundle.map(Bundle::File)),
            nodes: nodes.filter_map(|url| by("--node", Some(url))).collect(),
            tls: by("--tls-certificate", tls),
            profile: by("--profile", self.profile.clone()),
            ..Facts::default()
        }
    }
}

fn by<T>(option: &'static str, value: Option<T>) -> Option<Found<T>> {
    let origin = Origin::Option(option);
    value.map(|value| Found { value, origin })
}
