//! The filter's own configuration: judged by the filter, then what it does not judge.

use jiff::{SignedDuration, Timestamp};
use registry_token_filter::config::{Config, ConfigError};
use registry_token_filter::keys::KeysError;

use super::finding::{self, Finding, Place, Rule};
use crate::certificate::{Described, Kind};
use crate::config::place::Position;
use crate::config::url::Url;
use crate::config::yaml::{self, Node};

/// How long before its end a certificate is warned about.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A configuration as it was found, and what is known of where it is used.
pub(super) struct Plugin<'a> {
    /// Where it begins.
    pub place: Place,
    /// The JSON text.
    pub json: &'a str,
    /// The configuration as a node of the file, if it is one there.
    pub node: Option<&'a Node>,
    /// The position of the first character of the text, where lines of it are lines of the file.
    pub start: Option<Position>,
    /// Whether clients reach the edge with TLS, if the file tells.
    pub tls: Option<bool>,
    /// The registry's host names, if the file tells.
    pub hosts: Vec<String>,
}

/// What a configuration says, for comparing it.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub place: Place,
    pub realm: String,
    pub service: String,
    pub issuer: String,
    /// The ids of all trusted keys, in the form of the profile.
    pub ids: Vec<String>,
    /// Those that stand in certificates, described.
    pub keys: Vec<Described>,
}

impl Plugin<'_> {
    /// Judges it; answers what it says if the filter accepts it.
    pub(super) fn check(&self, now: Timestamp, findings: &mut Vec<Finding>) -> Option<Said> {
        if self.json.contains("PRIVATE KEY-----") {
            findings.push(finding::PRIVATE_KEY.at(
                self.at("rootcertbundle"),
                "a private key stands in the filter's configuration: whoever sees the \
                 configuration, as Envoy's admin interface shows it, can mint tokens",
                "Take it out, give the filter certificates alone, and make a new key pair \
                 (`edgectl keys`), because this one has been shown.",
            ));
        }
        let config = match Config::from_json(self.json.as_bytes(), &[]) {
            Ok(config) => config,
            Err(ConfigError::Keys(KeysError::Missing)) => {
                findings.push(finding::NO_CERTIFICATE.at(
                    self.place.clone(),
                    "there is no certificate in this configuration: it works with a filter that \
                     was built with REGISTRY_ROOTCERTBUNDLE, and with no other",
                    "Add `rootcertbundle`, or make sure that the filter was built with it.",
                ));
                if let Some(realm) = self.text("realm") {
                    self.realm(&realm, findings);
                }
                return None;
            }
            Err(error) => {
                findings.push(self.refused(&error));
                return None;
            }
        };
        self.realm(config.realm(), findings);
        let pem = self.text("rootcertbundle");
        let keys = pem.map_or_else(Vec::new, |pem| self.certificates(&pem, now, findings));
        Some(Said {
            place: self.place.clone(),
            realm: config.realm().to_owned(),
            service: config.service().to_owned(),
            issuer: config.verifier().issuer.clone(),
            ids: config
                .verifier()
                .keys
                .iter()
                .map(|key| key.id.clone())
                .collect(),
            keys,
        })
    }

    /// A member that is text.
    fn text(&self, key: &str) -> Option<String> {
        let documents = yaml::parse(self.json).ok()?;
        let node = documents.first()?.get(key)?;
        node.text().map(str::to_owned)
    }

    fn refused(&self, error: &ConfigError) -> Finding {
        let key = match error {
            ConfigError::UnknownKey { key } => key.as_str(),
            ConfigError::MissingKey { key } | ConfigError::Value { key, .. } => key,
            ConfigError::Keys(_) => "rootcertbundle",
            _ => "",
        };
        finding::CONFIGURATION.at(
            self.at(key),
            format!("the filter refuses this configuration: {error}"),
            "Correct it; a host does not start with it, and refuses it as an update.",
        )
    }

    /// The place of a key, if the text can be read so far; else that of the configuration.
    fn at(&self, key: &str) -> Place {
        let mut place = self.place.clone();
        let documents = yaml::parse(self.json).unwrap_or_default();
        let root = self.node.or(documents.first());
        let found = root.and_then(|root| root.entries().find(|(found, _)| found.text == key));
        if let Some((found, _)) = found {
            if !place.path.is_empty() {
                place.path.push('.');
            }
            place.path.push_str(key);
            let shifted = self.start.map(|start| Position {
                line: start.line + found.position.line - 1,
                column: start.column + found.position.column - 1,
            });
            place.position = self
                .node
                .map(|_| found.position)
                .or(shifted)
                .or(place.position);
        }
        place
    }

    fn realm(&self, realm: &str, findings: &mut Vec<Finding>) {
        let Ok(url) = Url::parse(realm) else { return };
        let mut find = |rule: Rule, message: String, remedy: &str| {
            findings.push(rule.at(self.at("realm"), message, remedy));
        };
        if !url.tls {
            let after = if self.tls == Some(true) {
                ", and the registry is https"
            } else {
                ""
            };
            find(
                finding::REALM_HTTP,
                format!(
                    "the realm {realm} is http{after}: passwords cross the network in clear text, \
                     and newer clients (crane, oras) refuse it after an https registry"
                ),
                "Serve GitLab with TLS and write https.",
            );
        }
        let is_own = self
            .hosts
            .iter()
            .any(|host| host.eq_ignore_ascii_case(&url.host));
        if url.is_private() && !is_own {
            find(
                finding::REALM_PRIVATE,
                format!(
                    "the realm {realm} is at a private address under another name than the \
                     registry's: newer clients (crane, oras) refuse to send a password there"
                ),
                "Give GitLab a host name, or serve the realm on the registry's own host name \
                 (`edgectl config render --realm-at-edge`).",
            );
        }
        if url.path.contains("//") {
            find(
                finding::REALM_PATH,
                format!("the realm {realm} has two slashes in its path, where GitLab has one"),
                "Take the slash off the end of registry['token_realm'], and write one here.",
            );
        }
    }

    fn certificates(
        &self,
        pem: &str,
        now: Timestamp,
        findings: &mut Vec<Finding>,
    ) -> Vec<Described> {
        let described = Described::from_pem(pem.as_bytes()).unwrap_or_default();
        let certificates = described
            .into_iter()
            .filter(|key| key.kind == Kind::Certificate);
        let keys: Vec<Described> = certificates.collect();
        for key in &keys {
            let mut find = |rule: Rule, message: String, remedy: &str| {
                findings.push(rule.at(self.at("rootcertbundle"), message, remedy));
            };
            let id = &key.key_id;
            if let Some(dated) = &key.certificate {
                let renew = "Renew it over the same key, so that its id stays, or rotate to a new \
                     key; then update registry, GitLab and edge.";
                if dated.not_after < now {
                    find(
                        finding::EXPIRED,
                        format!(
                            "the certificate of key {id} expired on {}; tokens that name the key \
                             by `kid` are accepted all the same, as in the registry",
                            day(dated.not_after)
                        ),
                        renew,
                    );
                } else if dated.not_before > now {
                    find(
                        finding::EXPIRED,
                        format!(
                            "the certificate of key {id} is valid from {} on, which is to come",
                            day(dated.not_before)
                        ),
                        "Check the clock of the machine that made it.",
                    );
                } else if dated.not_after.duration_since(now) < SOON {
                    let end = day(dated.not_after);
                    find(
                        finding::EXPIRES_SOON,
                        format!("the certificate of key {id} expires on {end}"),
                        renew,
                    );
                }
            }
            if key.key == "RSA 2048" {
                find(
                    finding::SMALL_KEY,
                    format!(
                        "key {id} has 2048 bits, enough today; NIST recommends 3072 for what has \
                         to hold beyond 2030 (SP 800-57)"
                    ),
                    "Choose a larger one at the next rotation.",
                );
            }
        }
        keys
    }
}

fn day(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d").to_string()
}
