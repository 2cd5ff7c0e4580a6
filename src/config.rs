//! The plugin configuration: JSON in the registry's own words, read once, into values that hold.
//!
//! Nothing has a default that would mean "anything goes": without a realm, a service, an issuer or
//! a certificate there is no [`Config`], and a host does not start.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use crate::keys::{EmbeddedKey, KeysError};
use crate::profile::Profile;
use crate::realm::{Autoredirect, Realm};
use crate::request::RequestHead;
use crate::route::GitlabApi;
use crate::shape::{self, Shape};
use crate::token::TokenVerifier;
use crate::token::cache::CacheLimits;

mod describe;
mod headers;
mod keys;
mod realm;

/// The keys of the configuration, with what each expects. The reference in README.md is tested
/// against this table.
pub const KEYS: [(&str, &str); 15] = [
    ("realm", "the absolute http(s) URL of the token endpoint"),
    (
        "service",
        "the name of this registry, as in the registry's auth.token.service",
    ),
    (
        "issuer",
        "who signs tokens, as in the registry's auth.token.issuer",
    ),
    ("rootcertbundle", "one or more certificates in PEM, inline"),
    (
        "jwks",
        "a JWK set (RFC 7517 section 5) of public keys with kids, inline",
    ),
    (
        "signingalgorithms",
        "a list of one or more of EdDSA, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, \
         ES512, HS256, HS384, HS512",
    ),
    (
        "profile",
        "\"gitlab\", \"distribution-2.8\" or \"distribution-3\"",
    ),
    (
        "headers",
        "an object of header names to lists of values, as in the registry's http.headers",
    ),
    (
        "autoredirect",
        "true or false: whether the realm is on the request's own host",
    ),
    (
        "autoredirect_hosts",
        "a list of the hosts that autoredirect may name, as in a Host field: \
         \"registry.example.com\", \"registry.example.com:5000\"; no scheme, path or wildcard",
    ),
    (
        "autoredirectpath",
        "the path of the realm on the request's own host, beginning with a slash",
    ),
    (
        "gitlab_api",
        "\"deny\" or \"authorize\": what becomes of GitLab's own API, /gitlab/v1/",
    ),
    (
        "permit_header",
        "the name of a header, such as \"x-registry-permit\", that no other part of a request has",
    ),
    (
        "token_cache_entries",
        "how many proven tokens are kept, a whole number; 0 keeps none",
    ),
    (
        "token_cache_bytes",
        "how many bytes of proven tokens are kept, a whole number",
    ),
];

/// What [`Config::permit_header`] says.
pub const PERMITTED: &str = "yes";

/// A configuration that holds.
#[derive(Clone, Debug)]
pub struct Config {
    realm: Realm,
    gitlab_api: GitlabApi,
    headers: Vec<(String, String)>,
    permit_header: Option<String>,
    verifier: TokenVerifier,
    keys_from: KeySource,
    token_cache: CacheLimits,
}

/// Where the trusted keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// `rootcertbundle` or `jwks` in the configuration, or both.
    Configuration,
    /// The bundle embedded at build time.
    Embedded,
}

/// What is wrong with a configuration: one line that names the key and what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// There is no configuration at all.
    Empty,
    /// Not JSON text; a protobuf Struct arrives like this.
    NotJson {
        /// The first byte that is not blank.
        first: u8,
    },
    /// JSON with a fault.
    Json {
        /// What the parser says, with line and column.
        fault: String,
    },
    /// A key stands twice.
    Repeated,
    /// A key that is not known.
    UnknownKey {
        /// The key, as it stands.
        key: String,
    },
    /// A key that is required.
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A value that is not what is expected.
    Value {
        /// The key.
        key: &'static str,
        /// What it is instead.
        found: String,
    },
    /// A key that has no meaning beside the others.
    Misplaced {
        /// The key.
        key: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// The certificates or keys cannot be used.
    Keys(KeysError),
}

impl Config {
    /// Reads a plugin configuration.
    ///
    /// `embedded` are the keys to use when it has neither `rootcertbundle` nor `jwks`; a host passes
    /// [`crate::keys::EMBEDDED`].
    ///
    /// # Errors
    ///
    /// The first [`ConfigError`] found.
    pub fn from_json(json: &[u8], embedded: &[EmbeddedKey]) -> Result<Self, ConfigError> {
        match json.trim_ascii_start().first() {
            None => return Err(ConfigError::Empty),
            Some(b'{') => {}
            Some(&first) => return Err(ConfigError::NotJson { first }),
        }
        let value: Value = serde_json::from_slice(json).map_err(|error| ConfigError::Json {
            fault: error.to_string(),
        })?;
        let Value::Object(members) = value else {
            return Err(ConfigError::NotJson { first: b'{' });
        };
        Self::from_members(members, embedded, json)
    }

    fn from_members(
        mut members: Map<String, Value>,
        embedded: &[EmbeddedKey],
        json: &[u8],
    ) -> Result<Self, ConfigError> {
        if let Some(key) = members
            .keys()
            .find(|key| KEYS.iter().all(|(known, _)| known != key))
        {
            return Err(ConfigError::UnknownKey { key: key.clone() });
        }
        if shape::read(json, Shape::Any).is_err() {
            return Err(ConfigError::Repeated);
        }
        let configured_realm = required_text(&mut members, "realm")?;
        let service = required_text(&mut members, "service")?;
        let issuer = required_text(&mut members, "issuer")?;
        let profile = match optional_text(&mut members, "profile")? {
            None => Profile::default(),
            Some(name) => Profile::from_name(&name).ok_or_else(|| value_error("profile", &name))?,
        };
        let realm = realm::read(configured_realm, &mut members, profile)?;
        let (keys, keys_from) = keys::read(&mut members, embedded, profile)?;
        let signing_algorithms = keys::signing_algorithms(&mut members, profile)?;
        let headers = match members.remove("headers") {
            None => own_pairs(profile.default_headers()),
            Some(value) => headers::read(&value)?,
        };
        let permit_header = match optional_text(&mut members, "permit_header")? {
            None => None,
            Some(name) => Some(headers::permit(&name)?),
        };
        let gitlab_api = gitlab_api(&mut members, profile)?;
        let defaults = CacheLimits::default();
        let token_cache = CacheLimits {
            entries: optional_count(&mut members, "token_cache_entries")?
                .unwrap_or(defaults.entries),
            bytes: optional_count(&mut members, "token_cache_bytes")?.unwrap_or(defaults.bytes),
        };
        let verifier = TokenVerifier {
            keys,
            issuer,
            service,
            signing_algorithms,
            profile,
        };
        Ok(Self {
            realm,
            gitlab_api,
            headers,
            permit_header,
            verifier,
            keys_from,
            token_cache,
        })
    }

    /// The configured URL of the token endpoint.
    #[must_use]
    pub fn realm(&self) -> &str {
        self.realm.configured()
    }

    /// The URL of the token endpoint, as it stands in a challenge to this request.
    #[must_use]
    pub fn realm_for(&self, head: &RequestHead<'_>) -> Cow<'_, str> {
        self.realm.for_request(head)
    }

    /// For which hosts the realm is built out of the request, if for any.
    #[must_use]
    pub const fn autoredirect(&self) -> Option<&Autoredirect> {
        self.realm.autoredirect()
    }

    /// This registry's name: in a challenge, and what `aud` must name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.verifier.service
    }

    /// Which registry's answers are given.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.verifier.profile
    }

    /// What tokens must meet.
    #[must_use]
    pub const fn verifier(&self) -> &TokenVerifier {
        &self.verifier
    }

    /// What is to become of requests to GitLab's own registry API.
    #[must_use]
    pub const fn gitlab_api(&self) -> GitlabApi {
        self.gitlab_api
    }

    /// Headers the registry adds to the answers of its routes.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The name, in lower case, of the header that every forwarded request is to carry, for a guard
    /// behind the filter that refuses what lacks it. Its value is [`PERMITTED`], and replaces whatever
    /// the client sent under that name. None if no guard is configured.
    #[must_use]
    pub fn permit_header(&self) -> Option<&str> {
        self.permit_header.as_deref()
    }

    /// How many proven tokens are kept.
    #[must_use]
    pub const fn token_cache(&self) -> CacheLimits {
        self.token_cache
    }

    /// Where the trusted keys come from.
    #[must_use]
    pub const fn keys_from(&self) -> KeySource {
        self.keys_from
    }
}

fn own_pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn required_text(
    members: &mut Map<String, Value>,
    key: &'static str,
) -> Result<String, ConfigError> {
    optional_text(members, key)?.ok_or(ConfigError::MissingKey { key })
}

/// A string that is not empty, if the key is there.
fn optional_text(
    members: &mut Map<String, Value>,
    key: &'static str,
) -> Result<Option<String>, ConfigError> {
    match members.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
        Some(Value::String(_)) => Err(ConfigError::Value {
            key,
            found: "an empty string".to_owned(),
        }),
        Some(other) => Err(value_error(key, &other)),
    }
}

/// A whole number that is not negative, if the key is there.
fn optional_count(
    members: &mut Map<String, Value>,
    key: &'static str,
) -> Result<Option<usize>, ConfigError> {
    let Some(value) = members.remove(key) else {
        return Ok(None);
    };
    let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
    count.map(Some).ok_or_else(|| value_error(key, &value))
}

fn value_error(key: &'static str, found: &dyn fmt::Display) -> ConfigError {
    // Enough to recognise it; a bundle in the wrong place is not printed whole.
    const SHOWN: usize = 60;
    let text: String = found.to_string().escape_debug().collect();
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    ConfigError::Value { key, found: shown }
}

fn gitlab_api(
    members: &mut Map<String, Value>,
    profile: Profile,
) -> Result<GitlabApi, ConfigError> {
    const KEY: &str = "gitlab_api";
    let Some(text) = optional_text(members, KEY)? else {
        return Ok(GitlabApi::default());
    };
    if !profile.has_gitlab_api() {
        return Err(ConfigError::Misplaced {
            key: KEY,
            needs: "only GitLab's registry has that API; expected the profile \"gitlab\", or no \
                    such key",
        });
    }
    let known = GitlabApi::ALL.into_iter().find(|(name, _)| *name == text);
    known
        .map(|(_, gitlab_api)| gitlab_api)
        .ok_or_else(|| value_error(KEY, &text))
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str(
                "the plugin configuration is empty: expected a JSON object with realm, service \
                 and issuer",
            ),
            Self::NotJson { first } => write!(
                formatter,
                "the plugin configuration is not a JSON object (it begins with byte {first:#04x}): \
                 give it to Envoy as a google.protobuf.StringValue; a Struct arrives as protobuf"
            ),
            Self::Json { fault } => {
                write!(formatter, "the plugin configuration is not JSON: {fault}")
            }
            Self::Repeated => formatter
                .write_str("the plugin configuration names a key twice: expected each key once"),
            Self::UnknownKey { key } => {
                let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
                write!(
                    formatter,
                    "`{}`: unknown key; expected one of {}",
                    key.escape_debug(),
                    known.join(", ")
                )
            }
            Self::MissingKey { key } => {
                write!(formatter, "`{key}`: missing; expected {}", expectation(key))
            }
            Self::Value { key, found } => {
                write!(
                    formatter,
                    "`{key}`: found {found}; expected {}",
                    expectation(key)
                )
            }
            Self::Misplaced { key, needs } => write!(formatter, "`{key}`: {needs}"),
            Self::Keys(KeysError::Missing) => formatter.write_str(
                "`rootcertbundle`: missing, and no bundle was embedded at build time; expected \
                 one or more certificates in PEM, inline",
            ),
            Self::Keys(error @ KeysError::Set(_)) => write!(formatter, "`jwks`: {error}"),
            Self::Keys(error) => write!(formatter, "`rootcertbundle`: {error}"),
        }
    }
}

fn expectation(key: &str) -> &'static str {
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map_or("another value", |(_, text)| text)
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests;
