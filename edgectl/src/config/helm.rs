//! Values of GitLab's Helm chart: what they say about the registry, and what stays in the cluster.
//!
//! ```text
//! global.hosts.domain, .hostSuffix, .https        names: gitlab[-SUFFIX].DOMAIN, registry[-SUFFIX].DOMAIN
//! global.hosts.gitlab.name, .https                and registry.name, .https, where they are set
//! registry.authEndpoint                           the realm without /jwt/auth; else GitLab's URL
//! registry.tokenService, registry.tokenIssuer     container_registry; gitlab-issuer, also global.registry.tokenIssuer
//! registry.service.externalPort, registry.tls.enabled
//! global.registry.certificate.secret              the Secret with the certificate
//! ```
//!
//! The chart's defaults are used where a value is not set. The name of the release is not among the
//! values, so the address of the registry's service is not either.

use std::path::Path;

use super::facts::{Bundle, Facts, Field};
use super::gitlab_rb::TOKEN_PATH;
use super::place::{Found, Origin};
use super::url::Url;
use super::yaml::Node;
use crate::Parties;

/// The chart's `tokenIssuer`.
const ISSUER: &str = "gitlab-issuer";

/// Whether a document is one.
#[must_use]
pub fn is_one(root: &Node) -> bool {
    root.at(&["global", "hosts"]).is_some()
        || root.at(&["global", "registry"]).is_some()
        || root.at(&["registry", "authEndpoint"]).is_some()
}

/// Reads a values file.
#[must_use]
pub fn read(file: &Path, root: &Node) -> Facts {
    let reader = Reader { file, root };
    reader.facts()
}

struct Reader<'a> {
    file: &'a Path,
    root: &'a Node,
}

impl Reader<'_> {
    fn facts(&self) -> Facts {
        let mut facts = Facts {
            gitlab_url: self.host("gitlab"),
            registry_url: self.host("registry"),
            ..Facts::default()
        };
        let endpoint = self.text(&["registry", "authEndpoint"]);
        let realm = endpoint.or_else(|| {
            let gitlab = facts.gitlab_url.as_ref();
            gitlab.map(|url| url.with(url.value.to_string()))
        });
        facts.realm = realm.map(|realm| {
            let full = format!("{}{TOKEN_PATH}", realm.value.trim_end_matches('/'));
            realm.with(full)
        });
        facts.service = Some(self.or_default(
            self.text(&["registry", "tokenService"]),
            Parties::GITLAB_SERVICE,
        ));
        let issuer = self
            .text(&["global", "registry", "tokenIssuer"])
            .or_else(|| self.text(&["registry", "tokenIssuer"]));
        facts.issuer = Some(self.or_default(issuer, ISSUER));
        facts.bundle = Some(self.certificate());
        if facts.registry_url.is_none() {
            let why = "neither `global.hosts.registry.name` nor `global.hosts.domain` is set";
            let why = Found::in_file(why.to_owned(), self.file, self.root.position);
            facts.unread.push((Field::RegistryUrl, why));
        }
        let port = self.text(&["registry", "service", "externalPort"]);
        let port = port.map_or_else(|| "5000".to_owned(), |port| port.value);
        let why = format!(
            "the registry's service is RELEASE-registry.NAMESPACE.svc:{port} in the cluster; the \
             values do not tell RELEASE and NAMESPACE"
        );
        let why = Found::in_file(why, self.file, self.root.position);
        facts.unread.push((Field::Nodes, why));
        facts
    }

    fn text(&self, path: &[&str]) -> Option<Found<String>> {
        let node = self.root.at(path)?;
        let text = node.text().filter(|text| !text.trim().is_empty())?;
        Some(Found::in_file(text.to_owned(), self.file, node.position))
    }

    fn or_default(&self, found: Option<Found<String>>, default: &str) -> Found<String> {
        found.unwrap_or_else(|| Found {
            value: default.to_owned(),
            origin: Origin::Default("the chart's default"),
        })
    }

    /// `gitlab.assembleHost` of the chart.
    fn host(&self, which: &str) -> Option<Found<Url>> {
        let named = self.text(&["global", "hosts", which, "name"]);
        let host = named.or_else(|| {
            let domain = self.text(&["global", "hosts", "domain"])?;
            let suffix = self.text(&["global", "hosts", "hostSuffix"]);
            let suffix = suffix.map_or_else(String::new, |suffix| format!("-{}", suffix.value));
            Some(domain.with(format!("{which}{suffix}.{}", domain.value)))
        })?;
        let own = self.root.at(&["global", "hosts", which, "https"]);
        let all = self.root.at(&["global", "hosts", "https"]);
        let https = own.or(all).and_then(Node::truth).unwrap_or(true);
        let scheme = if https { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{}", host.value)).ok()?;
        Some(host.with(url))
    }

    /// The certificate is in a Secret; who may read it is told how.
    fn certificate(&self) -> Found<Bundle> {
        let path = ["global", "registry", "certificate", "secret"];
        let named = self
            .text(&path)
            .or_else(|| self.text(&["registry", "certificate", "secret"]));
        let secret = named
            .clone()
            .map_or_else(|| "RELEASE-registry-secret".to_owned(), |name| name.value);
        let command = format!(
            "kubectl get secret {secret} -o 'jsonpath={{.data.registry-auth\\.crt}}' | base64 -d \
             > registry-auth.crt"
        );
        let bundle = Bundle::Elsewhere(command);
        named.map_or_else(
            || Found {
                value: bundle.clone(),
                origin: Origin::Default("the chart's default"),
            },
            |name| name.with(bundle.clone()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    #[test]
    fn names_are_assembled_as_the_chart_does() {
        for (yaml, registry, realm) in [
            (
                "global: {hosts: {domain: example.com}}",
                "https://registry.example.com",
                "https://gitlab.example.com/jwt/auth",
            ),
            (
                "global: {hosts: {domain: example.com, hostSuffix: beta}}",
                "https://registry-beta.example.com",
                "https://gitlab-beta.example.com/jwt/auth",
            ),
            (
                "global: {hosts: {domain: example.com, https: false}}",
                "http://registry.example.com",
                "http://gitlab.example.com/jwt/auth",
            ),
            (
                "global: {hosts: {domain: example.com, registry: {name: r.example}, gitlab: {https: false}}}",
                "https://r.example",
                "http://gitlab.example.com/jwt/auth",
            ),
            (
                "global: {hosts: {domain: example.com}}\nregistry: {authEndpoint: 'https://g.example'}",
                "https://registry.example.com",
                "https://g.example/jwt/auth",
            ),
        ] {
            let root = yaml::parse(yaml).unwrap().remove(0);
            assert!(is_one(&root), "{yaml}");
            let facts = read(Path::new("values.yaml"), &root);
            assert_eq!(
                facts.registry_url.unwrap().value.to_string(),
                registry,
                "{yaml}"
            );
            assert_eq!(facts.realm.unwrap().value, realm, "{yaml}");
            assert_eq!(facts.issuer.unwrap().value, ISSUER, "{yaml}");
        }
    }

    #[test]
    fn the_certificate_is_told_how_to_get() {
        let yaml = "global: {registry: {tokenIssuer: mine, certificate: {secret: pair}}}";
        let root = yaml::parse(yaml).unwrap().remove(0);
        let facts = read(Path::new("values.yaml"), &root);
        assert_eq!(facts.issuer.as_ref().unwrap().value, "mine");
        let Bundle::Elsewhere(command) = facts.bundle.as_ref().unwrap().value.clone() else {
            panic!("in the cluster");
        };
        assert!(command.contains("secret pair "), "{command}");
        assert!(Field::RegistryUrl.unread_in(&facts).is_some());
    }
}
