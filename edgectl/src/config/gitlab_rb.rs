//! `gitlab.rb` of Omnibus: what its settings mean for the registry.
//!
//! The defaults are those of Omnibus (`libraries/registry.rb` of its cookbooks): the realm is
//! `registry['token_realm']`, else `external_url`, with `/jwt/auth` behind; the service is
//! `container_registry` and cannot be set; `registry_external_url` fixes host and port.

use std::path::{Path, PathBuf};

use super::facts::{Bundle, Facts, Field, Key, Secret, TlsFiles};
use super::place::{Found, Origin, Position};
use super::ruby::{self, Setting, Value};
use super::url::Url;
use crate::Parties;

/// Where Omnibus writes the certificate if `registry['rootcertbundle']` does not say.
pub const CERTIFICATE_PATH: &str = "/var/opt/gitlab/registry/gitlab-registry.crt";
/// Where Omnibus writes the key if `gitlab_rails['registry_key_path']` does not say.
pub const KEY_PATH: &str = "/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key";
/// The path of GitLab's token endpoint.
pub const TOKEN_PATH: &str = "/jwt/auth";
/// The port that Omnibus serves the registry at on GitLab's own host name.
const AUTO_ENABLED_PORT: u16 = 5050;

/// Reads a `gitlab.rb`.
#[must_use]
pub fn read(file: &Path, text: &str) -> Facts {
    let reader = Reader {
        file,
        parsed: ruby::read(text),
        facts: Facts::default(),
    };
    reader.facts()
}

struct Reader<'a> {
    file: &'a Path,
    parsed: ruby::File,
    facts: Facts,
}

impl Reader<'_> {
    fn facts(mut self) -> Facts {
        self.urls();
        self.token();
        self.keys();
        self.nodes();
        self.advice();
        self.facts
    }

    /// The last assignment of a setting: as Ruby runs, it is the one that holds.
    fn setting(&self, name: &str, key: Option<&str>) -> Option<&Setting> {
        self.parsed.settings.iter().rfind(|setting| {
            setting.name == name && setting.keys.iter().map(String::as_str).eq(key)
        })
    }

    fn found<T>(&self, value: T, position: Position) -> Found<T> {
        Found::in_file(value, self.file, position)
    }

    fn note(&mut self, position: Position, note: impl Into<String>) {
        let note = self.found(note.into(), position);
        self.facts.notes.push(note);
    }

    /// A setting that is text; one that cannot be read is remembered under its field.
    fn text(&mut self, name: &str, key: Option<&str>, field: Field) -> Option<Found<String>> {
        let setting = self.setting(name, key)?;
        let position = setting.position;
        let shown = key.map_or_else(|| name.to_owned(), |key| format!("{name}['{key}']"));
        let why = match &setting.value {
            Ok(Value::Text(text)) if !text.trim().is_empty() => {
                return Some(self.found(text.clone(), position));
            }
            Ok(Value::Number(text)) => return Some(self.found(text.clone(), position)),
            Ok(Value::Nil) => return None,
            Ok(Value::Text(_)) => Found::in_file(format!("{shown} is empty"), self.file, position),
            Ok(_) => Found::in_file(format!("{shown} is not text"), self.file, position),
            Err(why) => {
                let reason = format!("{shown} cannot be read: {}", why.reason);
                Found::in_file(reason, self.file, why.position)
            }
        };
        self.facts.unread.push((field, why));
        None
    }

    fn truth(&self, name: &str, key: &str) -> Option<bool> {
        match self.setting(name, Some(key))?.value {
            Ok(Value::Truth(truth)) => Some(truth),
            _ => None,
        }
    }

    fn url(&mut self, found: Option<Found<String>>, field: Field) -> Option<Found<Url>> {
        let found = found?;
        match Url::parse(&found.value) {
            Ok(url) => Some(found.with(url)),
            Err(error) => {
                self.facts
                    .unread
                    .push((field, found.with(error.to_string())));
                None
            }
        }
    }

    fn urls(&mut self) {
        let external = self.text("external_url", None, Field::GitlabUrl);
        self.facts.gitlab_url = self.url(external, Field::GitlabUrl);
        let registry = self.text("registry_external_url", None, Field::RegistryUrl);
        self.facts.registry_url = self
            .url(registry, Field::RegistryUrl)
            .or_else(|| self.advertised_host())
            .or_else(|| self.auto_enabled());
        let certificate = self.text(
            "registry_nginx",
            Some("ssl_certificate"),
            Field::RegistryUrl,
        );
        let key = self.text(
            "registry_nginx",
            Some("ssl_certificate_key"),
            Field::RegistryUrl,
        );
        self.facts.tls = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(certificate.with(TlsFiles {
                certificate: certificate.value.clone(),
                key: key.value,
            })),
            _ => self
                .facts
                .registry_url
                .as_ref()
                .filter(|url| url.value.tls)
                .map(|url| {
                    let path = |end| format!("/etc/gitlab/ssl/{}.{end}", url.value.host);
                    Found {
                        value: TlsFiles {
                            certificate: path("crt"),
                            key: path("key"),
                        },
                        origin: Origin::Default(
                            "where Omnibus expects the certificate of this host",
                        ),
                    }
                }),
        };
    }

    /// On separate nodes GitLab knows the registry by name and port alone.
    fn advertised_host(&mut self) -> Option<Found<Url>> {
        let host = self.text("gitlab_rails", Some("registry_host"), Field::RegistryUrl)?;
        let port = self.text("gitlab_rails", Some("registry_port"), Field::RegistryUrl);
        let port = port.map_or_else(|| Some(443), |port| port.value.parse::<u16>().ok());
        let text = match port {
            Some(80) => format!("http://{}", host.value),
            Some(port) => format!("https://{}:{port}", host.value),
            None => String::new(),
        };
        self.url(Some(host.with(text)), Field::RegistryUrl)
    }

    /// With Let's Encrypt the registry is on, at GitLab's own name.
    fn auto_enabled(&self) -> Option<Found<Url>> {
        let encrypt = self.truth("letsencrypt", "enable") == Some(true);
        let on = self.truth("registry", "enable") != Some(false);
        let gitlab = self.facts.gitlab_url.as_ref().filter(|_| encrypt && on)?;
        Some(Found {
            value: Url {
                port: AUTO_ENABLED_PORT,
                path: String::new(),
                ..gitlab.value.clone()
            },
            origin: Origin::Default("Omnibus serves the registry here with Let's Encrypt"),
        })
    }

    fn token(&mut self) {
        let realm = self
            .text("registry", Some("token_realm"), Field::Realm)
            .or_else(|| {
                let gitlab = self.facts.gitlab_url.as_ref();
                // Only what is not there at all follows external_url.
                let is_there = self.setting("registry", Some("token_realm")).is_some();
                gitlab
                    .filter(|_| !is_there)
                    .map(|url| url.with(url.value.to_string()))
            });
        if let Some(realm) = realm {
            if realm.value.ends_with('/')
                && let Origin::File(_, position) = realm.origin
            {
                self.note(
                    position,
                    "this URL ends in a slash, so the registry itself says `…//jwt/auth`; it is \
                     written with one slash for the edge: take the slash off here as well",
                );
            }
            let full = format!("{}{TOKEN_PATH}", realm.value.trim_end_matches('/'));
            self.facts.realm = Some(realm.with(full));
        } else if Field::Realm.unread_in(&self.facts).is_none()
            && let Some(why) = Field::GitlabUrl.unread_in(&self.facts).cloned()
        {
            self.facts.unread.push((Field::Realm, why));
        }
        self.facts.service = Some(Found {
            value: Parties::GITLAB_SERVICE.to_owned(),
            origin: Origin::Default("fixed by Omnibus"),
        });
        let issuer = self.text("gitlab_rails", Some("registry_issuer"), Field::Issuer);
        let is_unread = Field::Issuer.unread_in(&self.facts).is_some();
        self.facts.issuer = issuer.or_else(|| {
            (!is_unread).then(|| Found {
                value: Parties::OMNIBUS_ISSUER.to_owned(),
                origin: Origin::Default("the default of Omnibus"),
            })
        });
    }

    fn keys(&mut self) {
        let inline = self.text("registry", Some("internal_certificate"), Field::Bundle);
        let path = self.text("registry", Some("rootcertbundle"), Field::Bundle);
        self.facts.bundle = match (inline, path) {
            (Some(pem), _) => Some(pem.with(Bundle::Inline(pem.value.clone()))),
            (None, Some(path)) => Some(path.with(Bundle::File(PathBuf::from(&path.value)))),
            (None, None) if Field::Bundle.unread_in(&self.facts).is_none() => Some(Found {
                value: Bundle::File(PathBuf::from(CERTIFICATE_PATH)),
                origin: Origin::Default("where Omnibus writes it"),
            }),
            (None, None) => None,
        };
        let inline = self.text("registry", Some("internal_key"), Field::SigningKey);
        let path = self.text("gitlab_rails", Some("registry_key_path"), Field::SigningKey);
        self.facts.signing_key = match (inline, path) {
            (Some(pem), _) => Some(pem.with(Key::Inline(Secret::new(pem.value.clone())))),
            (None, Some(path)) => Some(path.with(Key::File(PathBuf::from(&path.value)))),
            (None, None) => None,
        };
    }

    fn nodes(&mut self) {
        let api = self.text("gitlab_rails", Some("registry_api_url"), Field::Nodes);
        let listen = self.text("registry", Some("registry_http_addr"), Field::Nodes);
        for found in [api, listen].into_iter().flatten() {
            match Url::parse_address(found.value.trim()) {
                Ok(url) if url.is_wildcard() || !self.facts.nodes.is_empty() => {}
                Ok(url) => self.facts.nodes.push(found.with(url)),
                Err(error) if found.value.starts_with(':') => drop(error),
                Err(error) => {
                    let why = found.with(error.to_string());
                    self.facts.unread.push((Field::Nodes, why));
                }
            }
        }
        let listens = self
            .setting("registry", Some("registry_http_addr"))
            .is_some();
        let is_here = self.setting("registry_external_url", None).is_some()
            || matches!(&self.facts.registry_url, Some(url) if matches!(url.origin, Origin::Default(_)));
        if self.facts.nodes.is_empty() && !listens && is_here {
            self.facts
                .nodes
                .extend(Url::parse("http://127.0.0.1:5000").ok().map(|value| Found {
                    value,
                    origin: Origin::Default("where Omnibus runs the registry"),
                }));
        }
    }

    fn advice(&mut self) {
        if let Some(setting) = self.setting("gitlab_rails", Some("internal_key")) {
            let position = setting.position;
            self.note(
                position,
                "Omnibus does not read gitlab_rails['internal_key']: set \
                 registry['internal_key'], also on the GitLab node, where its content is written \
                 to gitlab_rails['registry_key_path']",
            );
        }
        if self.truth("registry", "autoredirect") == Some(true)
            && let Some(setting) = self.setting("registry", Some("autoredirect"))
        {
            let position = setting.position;
            self.note(
                position,
                "registry['autoredirect'] makes the registry name its own host as the realm; the \
                 edge names the realm that is rendered here",
            );
        }
        let includes: Vec<Position> = self
            .parsed
            .settings
            .iter()
            .filter(|setting| setting.name == "from_file" || setting.name == "instance_eval")
            .map(|setting| setting.position)
            .collect();
        for position in includes {
            self.note(
                position,
                "another file is read here by Ruby: its settings are not known; give it to \
                 edgectl with another --from",
            );
        }
    }
}

#[cfg(test)]
mod tests;
