//! What one file says about a site, and where it says it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::place::Found;
use super::url::Url;

/// What one file says. Nothing in it is assumed, except where [`Origin::Default`] says why.
///
/// [`Origin::Default`]: super::place::Origin::Default
#[derive(Debug, Default)]
pub struct Facts {
    /// What clients type: the registry's own URL, served by the edge.
    pub registry_url: Option<Found<Url>>,
    /// GitLab's own URL.
    pub gitlab_url: Option<Found<Url>>,
    /// The URL of the token endpoint.
    pub realm: Option<Found<String>>,
    /// The registry's name in tokens.
    pub service: Option<Found<String>>,
    /// Who signs tokens.
    pub issuer: Option<Found<String>>,
    /// The certificates of the keys that sign tokens.
    pub bundle: Option<Found<Bundle>>,
    /// The key that signs tokens.
    pub signing_key: Option<Found<Key>>,
    /// The registry itself, as the edge reaches it.
    pub nodes: Vec<Found<Url>>,
    /// The certificate that the registry's host name is served with, and its key.
    pub tls: Option<Found<TlsFiles>>,
    /// Headers that the registry adds to its answers, as JSON.
    pub headers: Option<Found<serde_json::Value>>,
    /// What else the filter has of the registry, by the name that both give it, as JSON.
    pub further: BTreeMap<String, Found<serde_json::Value>>,
    /// Which registry it is, if the file tells.
    pub profile: Option<Found<String>>,
    /// What stands there and cannot be read.
    pub unread: Vec<(Field, Found<String>)>,
    /// What an operator should know about the file.
    pub notes: Vec<Found<String>>,
}

/// A fact that an edge needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// [`Facts::registry_url`].
    RegistryUrl,
    /// [`Facts::gitlab_url`].
    GitlabUrl,
    /// [`Facts::realm`].
    Realm,
    /// [`Facts::service`].
    Service,
    /// [`Facts::issuer`].
    Issuer,
    /// [`Facts::bundle`].
    Bundle,
    /// [`Facts::signing_key`].
    SigningKey,
    /// [`Facts::nodes`].
    Nodes,
}

/// Certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bundle {
    /// In PEM, in the file itself.
    Inline(String),
    /// In a file of their own.
    File(PathBuf),
    /// Where this program cannot look; the command that fetches them.
    Elsewhere(String),
}

/// A private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// In PEM, in the file itself.
    Inline(Secret),
    /// In a file of its own.
    File(PathBuf),
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A certificate and its key, by their paths on the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain in PEM.
    pub certificate: String,
    /// The key in PEM.
    pub key: String,
}

impl Secret {
    /// Keeps a text from being shown.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text; for whoever needs the key itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl Field {
    /// Why there is no such fact, if something stands there that cannot be read.
    #[must_use]
    pub fn unread_in(self, facts: &Facts) -> Option<&Found<String>> {
        let mut unread = facts.unread.iter();
        unread.find(|(field, _)| *field == self).map(|(_, why)| why)
    }
}
