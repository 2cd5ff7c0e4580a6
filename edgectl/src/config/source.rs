//! A file of an operator: which form it has, and what it says.

use std::path::{Path, PathBuf};

use super::facts::{Bundle, Facts};
use super::place::{Found, Position};
use super::yaml::{self, Node};
use super::{gitlab_rb, gitlab_yml, helm, registry_yml};

/// More than any such file has; a larger one is another file by mistake.
const MAX_BYTES: u64 = 16 << 20;

/// The forms that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `gitlab.rb` of Omnibus.
    GitlabRb,
    /// The registry's `config.yml`.
    RegistryYml,
    /// Values of GitLab's Helm chart.
    HelmValues,
    /// `gitlab.yml` of a source install.
    GitlabYml,
    /// The filter's own configuration.
    PluginJson,
}

/// A file and what it says.
#[derive(Debug)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// Its form.
    pub form: Form,
    /// What it says.
    pub facts: Facts,
}

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is larger than any such file.
    #[error("{} is larger than 16 MiB: that is no configuration", .0.display())]
    TooLarge(PathBuf),
    /// A fault at a place.
    #[error("{}:{position}: {fault}", file.display())]
    Fault {
        /// The file.
        file: PathBuf,
        /// The place.
        position: Position,
        /// What is wrong.
        fault: String,
    },
    /// Its form is not known.
    #[error(
        "{} is none of the files that are read: a gitlab.rb, a registry's config.yml (with \
         `auth.token`), values of GitLab's Helm chart (with `global.hosts`), a gitlab.yml (with \
         `production`), or a configuration of the filter in JSON", .0.display()
    )]
    Unknown(PathBuf),
}

impl Source {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn read(
        file: &Path,
        environment: registry_yml::Environment<'_>,
    ) -> Result<Self, SourceError> {
        let text = read_text(file)?;
        Self::from_text(file, &text, environment)
    }

    /// As [`Source::read`], of a text that is there already.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn from_text(
        file: &Path,
        text: &str,
        environment: registry_yml::Environment<'_>,
    ) -> Result<Self, SourceError> {
        let made = |form, facts| Self {
            file: file.to_owned(),
            form,
            facts,
        };
        if file.extension().is_some_and(|extension| extension == "rb") {
            return Ok(made(Form::GitlabRb, gitlab_rb::read(file, text)));
        }
        let documents = match yaml::parse(text) {
            Ok(documents) if documents.iter().any(|root| root.entries().next().is_some()) => {
                documents
            }
            // A gitlab.rb by another name: its settings are unmistakable.
            _ if looks_like_ruby(text) => {
                return Ok(made(Form::GitlabRb, gitlab_rb::read(file, text)));
            }
            Ok(documents) => documents,
            Err(error) => {
                return Err(SourceError::Fault {
                    file: file.to_owned(),
                    position: error.position,
                    fault: error.fault,
                });
            }
        };
        for root in &documents {
            if registry_yml::is_one(root) {
                let facts = registry_yml::read(file, root, environment);
                return Ok(made(Form::RegistryYml, facts));
            }
            if helm::is_one(root) {
                return Ok(made(Form::HelmValues, helm::read(file, root)));
            }
            if gitlab_yml::is_one(root) {
                return Ok(made(Form::GitlabYml, gitlab_yml::read(file, root)));
            }
            if is_plugin(root) {
                return Ok(made(Form::PluginJson, plugin(file, root)));
            }
        }
        Err(SourceError::Unknown(file.to_owned()))
    }
}

/// Reads a text file of bounded size, or standard input for `-`.
///
/// # Errors
/// [`SourceError::Io`], [`SourceError::TooLarge`].
pub fn read_text(file: &Path) -> Result<String, SourceError> {
    use std::io::Read as _;
    let failed = |source| SourceError::Io {
        file: file.to_owned(),
        source,
    };
    let mut text = String::new();
    let mut read =
        |input: &mut dyn std::io::Read| input.take(MAX_BYTES + 1).read_to_string(&mut text);
    if file == Path::new("-") {
        read(&mut std::io::stdin().lock()).map_err(failed)?;
    } else {
        let mut input = std::fs::File::open(file).map_err(failed)?;
        read(&mut input).map_err(failed)?;
    }
    if text.len() as u64 > MAX_BYTES {
        return Err(SourceError::TooLarge(file.to_owned()));
    }
    Ok(text)
}

fn looks_like_ruby(text: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| {
        const STARTS: [&str; 5] = [
            "external_url ",
            "external_url(",
            "registry_external_url ",
            "registry[",
            "gitlab_rails[",
        ];
        STARTS.iter().any(|start| line.starts_with(start))
    })
}

/// Whether a document is the filter's own configuration.
#[must_use]
pub fn is_plugin(root: &Node) -> bool {
    root.get("realm").is_some() || root.get("issuer").is_some() && root.get("service").is_some()
}

fn plugin(file: &Path, root: &Node) -> Facts {
    /// What has a fact of its own, and what is rendered where a host has a guard behind the filter.
    const OWN: [&str; 7] = [
        "permit_header",
        "realm",
        "service",
        "issuer",
        "rootcertbundle",
        "headers",
        "profile",
    ];
    let text = |key| {
        let node = root.get(key)?;
        let text = node.text()?;
        Some(Found::in_file(text.to_owned(), file, node.position))
    };
    let realm: Option<Found<String>> = text("realm");
    let gitlab_url = realm.as_ref().and_then(|realm| {
        let url = super::url::Url::parse(&realm.value).ok()?;
        Some(realm.with(super::url::Url {
            path: String::new(),
            ..url
        }))
    });
    Facts {
        gitlab_url,
        realm,
        service: text("service"),
        issuer: text("issuer"),
        bundle: text("rootcertbundle").map(|pem| pem.with(Bundle::Inline(pem.value.clone()))),
        headers: root
            .get("headers")
            .map(|node| Found::in_file(node.to_json(), file, node.position)),
        further: root
            .entries()
            .filter(|(name, _)| !OWN.contains(&name.text.as_str()))
            .map(|(name, node)| {
                let found = Found::in_file(node.to_json(), file, node.position);
                (name.text.clone(), found)
            })
            .collect(),
        profile: text("profile"),
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_by_what_they_hold() {
        for (name, text, form) in [
            ("gitlab.rb", "", Some(Form::GitlabRb)),
            (
                "omnibus.txt",
                "# x\nexternal_url 'https://g.example'",
                Some(Form::GitlabRb),
            ),
            ("c.yml", "version: 0.1\nhttp: {}", Some(Form::RegistryYml)),
            (
                "c.yml",
                "auth: {token: {realm: x}}",
                Some(Form::RegistryYml),
            ),
            (
                "v.yaml",
                "global: {hosts: {domain: x}}",
                Some(Form::HelmValues),
            ),
            (
                "g.yml",
                "production: {gitlab: {host: x}}",
                Some(Form::GitlabYml),
            ),
            ("p.json", "{\"realm\": \"x\"}", Some(Form::PluginJson)),
            ("x.yml", "a: b", None),
            ("x.yml", "", None),
            ("x.yml", "a: [", None),
        ] {
            let source = Source::from_text(Path::new(name), text, &|_| None);
            assert_eq!(
                source.ok().map(|source| source.form),
                form,
                "{name}: {text}"
            );
        }
    }
}
