//! What is common to all answers of one registry, and the configurations it runs with.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::expectation::Kind;
use super::key;

/// A profile's registry, as it was measured. Independent of what the filter knows of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The profile's name in the configuration: the key of its table.
    #[serde(skip)]
    pub(crate) name: String,
    /// How a token names its key.
    pub(super) key_id: KeyIdForm,
    /// The members of a record in a challenge's body, in order.
    pub(super) record: Vec<String>,
    /// The fields of each kind of answer; an empty value means that the field is not there.
    pub(super) headers: BTreeMap<Kind, BTreeMap<String, String>>,
}

/// How a `kid` names a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KeyIdForm {
    Libtrust,
    Rfc7638,
}

/// A configuration of a registry, in its own words; the same for every profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    pub(crate) realm: String,
    pub(crate) service: String,
    pub(crate) issuer: String,
    /// The certificates of the bundle, by their names in `tests/fixtures/keys`.
    certificates: Vec<String>,
}

impl Configuration {
    /// The bundle, in PEM.
    pub(crate) fn rootcertbundle(&self) -> String {
        self.certificates
            .iter()
            .map(|name| key::certificate(name))
            .collect()
    }
}
