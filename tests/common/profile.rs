//! What is common to all answers of one registry, and the configurations it runs with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::expectation::Kind;
use super::key;

/// A profile's registry, as it was measured. Independent of what the filter knows of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The profile's name in the configuration: the key of its table.
    #[serde(skip)]
    pub name: String,
    /// How a token names its key.
    pub key_id: KeyIdForm,
    /// The members of a record in a challenge's body, in order.
    pub record: Vec<String>,
    /// The fields of each kind of answer; an empty value means that the field is not there.
    pub headers: BTreeMap<Kind, BTreeMap<String, String>>,
}

/// How a `kid` names a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyIdForm {
    Libtrust,
    Rfc7638,
}

/// A configuration of a registry, in its own words; the same for every profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    pub realm: String,
    pub service: String,
    pub issuer: String,
    /// The certificates of the bundle, by their names in `tests/fixtures/keys`.
    certificates: Vec<String>,
    /// Whether the realm is on the request's own host.
    #[serde(default)]
    pub autoredirect: Option<bool>,
    /// The path of that realm; of Distribution 3 alone.
    pub autoredirectpath: Option<String>,
    /// A JWK set, as JSON; a registry reads it from a file. Of Distribution 3 alone.
    pub jwks: Option<String>,
    /// What a token's `alg` may be; of Distribution 3 alone.
    pub signingalgorithms: Option<Vec<String>>,
    /// Keys of the filter that no registry has.
    #[serde(default)]
    pub own: serde_json::Map<String, serde_json::Value>,
}

impl Configuration {
    /// The same, with these certificates in the bundle, too.
    pub fn trusting(mut self, certificates: &[&str]) -> Self {
        let more = certificates.iter().map(|&name| name.to_owned());
        self.certificates.extend(more);
        self
    }

    /// The keys of a registry's `auth.token` section that not every configuration has.
    pub fn further(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut further = serde_json::Map::new();
        if let Some(is_on) = self.autoredirect {
            further.insert("autoredirect".to_owned(), is_on.into());
        }
        if let Some(path) = &self.autoredirectpath {
            further.insert("autoredirectpath".to_owned(), path.as_str().into());
        }
        if let Some(set) = &self.jwks {
            further.insert("jwks".to_owned(), set.as_str().into());
        }
        if let Some(names) = &self.signingalgorithms {
            further.insert("signingalgorithms".to_owned(), names.as_slice().into());
        }
        further
    }

    /// The bundle, in PEM.
    pub fn rootcertbundle(&self) -> String {
        self.certificates
            .iter()
            .map(|name| key::certificate(name))
            .collect()
    }
}
