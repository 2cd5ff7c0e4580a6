//! GitLab's own `gitlab.yml`, of a source install (or as Omnibus and the Helm chart render it): the
//! section `registry` of an environment.
//!
//! ```text
//! production.gitlab.host, .port, .https           GitLab's URL; the realm with /jwt/auth behind
//! production.registry.host, .port                 what clients type
//! production.registry.issuer, .key, .api_url
//! ```

use std::path::{Path, PathBuf};

use super::facts::{Facts, Field, Key};
use super::gitlab_rb::TOKEN_PATH;
use super::place::Found;
use super::url::Url;
use super::yaml::Node;

/// Whether a document is one.
#[must_use]
pub fn is_one(root: &Node) -> bool {
    root.at(&["production", "gitlab"]).is_some() || root.at(&["production", "registry"]).is_some()
}

/// Reads a `gitlab.yml`.
#[must_use]
pub fn read(file: &Path, root: &Node) -> Facts {
    let text = |path: &[&str]| {
        let node = root.get("production")?.at(path)?;
        let text = node.text().filter(|text| !text.trim().is_empty())?;
        Some(Found::in_file(text.to_owned(), file, node.position))
    };
    let https = root
        .at(&["production", "gitlab", "https"])
        .and_then(Node::truth);
    let mut facts = Facts {
        gitlab_url: url(
            text(&["gitlab", "host"]),
            text(&["gitlab", "port"]),
            https == Some(true),
        ),
        registry_url: url(
            text(&["registry", "host"]),
            text(&["registry", "port"]),
            true,
        ),
        issuer: text(&["registry", "issuer"]),
        ..Facts::default()
    };
    facts.realm = facts
        .gitlab_url
        .as_ref()
        .map(|url| url.with(format!("{}{TOKEN_PATH}", url.value)));
    facts.signing_key =
        text(&["registry", "key"]).map(|path| path.with(Key::File(PathBuf::from(&path.value))));
    if let Some(address) = text(&["registry", "api_url"]) {
        match Url::parse_address(address.value.trim_end_matches('/')) {
            Ok(url) => facts.nodes.push(address.with(url)),
            Err(error) => facts
                .unread
                .push((Field::Nodes, address.with(error.to_string()))),
        }
    }
    facts
}

fn url(host: Option<Found<String>>, port: Option<Found<String>>, tls: bool) -> Option<Found<Url>> {
    let host = host?;
    let port = port.map_or_else(String::new, |port| format!(":{}", port.value));
    let scheme = if tls { "https" } else { "http" };
    let url = Url::parse(&format!("{scheme}://{}{port}", host.value)).ok()?;
    Some(host.with(url))
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    #[test]
    fn anchors_of_environments_are_followed() {
        let yaml = "base: &base
  gitlab: {host: g.example, port: 443, https: true}
  registry: {enabled: true, host: r.example, port: 5005, api_url: 'http://127.0.0.1:5000/', key: config/registry.key, issuer: gitlab-issuer}
production:
  <<: *base
";
        let root = yaml::parse(yaml).unwrap().remove(0);
        assert!(is_one(&root));
        let facts = read(Path::new("gitlab.yml"), &root);
        assert_eq!(facts.realm.unwrap().value, "https://g.example/jwt/auth");
        assert_eq!(
            facts.registry_url.unwrap().value.to_string(),
            "https://r.example:5005"
        );
        assert_eq!(facts.nodes[0].value.address(), "127.0.0.1:5000");
        let issuer = facts.issuer.unwrap();
        assert_eq!(issuer.origin.to_string(), "gitlab.yml:3:127");
    }
}
