//! The JOSE header: which key and which algorithm, and nothing a token could smuggle trust in by.
//!
//! jwt-compact reads `alg`, `kid`, `typ` and `cty`; the rest of what could change how the token is
//! read stands here. Other members are ignored, and nothing is ever fetched.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::profile::Profile;
use crate::shape::{self, Shape};

use super::TokenError;
use super::signer::Jwk;

/// What a token's `alg` may be: `signingalgorithms`. A name outside it is refused at parsing, one
/// inside it that does not fit the key only later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningAlgorithms(Vec<&'static str>);

impl SigningAlgorithms {
    /// The names there are, in Distribution 3 and as its default. The HMACs are among them and fit
    /// no key.
    pub const KNOWN: [&'static str; 13] = [
        "EdDSA", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512",
        "PS256", "PS384", "PS512",
    ];

    /// Those of these names; `None` if there is none, or one that is not known.
    #[must_use]
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let known = |name| Self::KNOWN.into_iter().find(|known| *known == name);
        let names: Vec<&'static str> = names.into_iter().map(known).collect::<Option<_>>()?;
        (!names.is_empty()).then_some(Self(names))
    }

    fn contains(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

impl Default for SigningAlgorithms {
    fn default() -> Self {
        Self(Self::KNOWN.to_vec())
    }
}

/// A header, parsed.
pub(crate) struct Header {
    /// Its base64url, by which it is known again.
    part: Box<[u8]>,
    algorithm: String,
    key_id: Option<String>,
    fields: HeaderFields,
}

/// Members that change which key is meant or what is signed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct HeaderFields {
    /// RFC 7515 section 4.1.6; an empty list and null count as absent.
    #[serde(default, deserialize_with = "list_or_null")]
    pub(super) x5c: Vec<String>,
    /// RFC 7515 section 4.1.3; null counts as absent.
    #[serde(default)]
    pub(super) jwk: Option<Jwk>,
    /// RFC 7515 section 4.1.11.
    #[serde(default)]
    crit: Option<Vec<String>>,
    /// RFC 7797.
    #[serde(default)]
    b64: Option<bool>,
    /// RFC 8555 section 6.5.2; not used, but typed by go-jose.
    #[serde(default)]
    nonce: Option<Value>,
}

/// Why a header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// Not a JSON object with an `alg`, or a member of the wrong type.
    Json,
    /// A `cty` other than JSON.
    ContentType,
    /// A member twice, or one that two readers would take for different ones (`kid`, `KID`).
    Ambiguous,
    /// An `alg` that is not one of the [`SigningAlgorithms`], such as `none`.
    UnknownAlgorithm,
    /// A key or certificate in the token itself (`jwk`, `x5c`) that is not one of the
    /// configuration's, or a chain of certificates.
    EmbeddedKey,
    /// `crit` names an extension that is not understood, or the payload is not encoded (`b64`).
    Critical,
}

fn list_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Header {
    /// Parses a header of this base64url, which stands for `json`.
    ///
    /// # Errors
    ///
    /// [`HeaderError::Json`], [`HeaderError::ContentType`] or [`HeaderError::Ambiguous`], or
    /// [`TokenError::Structure`] for a part that is no base64url.
    pub(super) fn parse(part: &[u8], json: &[u8]) -> Result<Self, TokenError> {
        let text = std::str::from_utf8(part).map_err(|_| TokenError::Structure)?;
        // The header stands for itself: claims and signature are for those who come to need them.
        let alone = format!("{text}..");
        let token = jwt_compact::UntrustedToken::<HeaderFields>::try_from(alone.as_str());
        let token = token.map_err(|error| match error {
            jwt_compact::ParseError::MalformedHeader(_) => HeaderError::Json.into(),
            jwt_compact::ParseError::UnsupportedContentType(_) => HeaderError::ContentType.into(),
            _ => TokenError::Structure,
        })?;
        shape::read(json, Shape::Header).map_err(|_| HeaderError::Ambiguous)?;
        let header = token.header();
        Ok(Self {
            part: Box::from(part),
            algorithm: token.algorithm().to_owned(),
            key_id: header.key_id.clone().filter(|id| !id.is_empty()),
            fields: header.other_fields.clone(),
        })
    }

    /// Whether this is the header that `part` is the base64url of.
    pub(super) fn is_of(&self, part: &[u8]) -> bool {
        *self.part == *part
    }

    /// The `alg`, as sent.
    pub(super) fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The `kid`, if there is one and it is not empty.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The members that say more than algorithm and key id.
    pub(super) const fn fields(&self) -> &HeaderFields {
        &self.fields
    }

    /// Refuses an algorithm that is none, a member of a type the registry refuses, and what
    /// changes what the signature covers.
    pub(super) fn refuse_special(
        &self,
        algorithms: &SigningAlgorithms,
        profile: Profile,
    ) -> Result<(), HeaderError> {
        if !algorithms.contains(&self.algorithm) {
            return Err(HeaderError::UnknownAlgorithm);
        }
        if profile.types_nonce()
            && self
                .fields
                .nonce
                .as_ref()
                .is_some_and(|nonce| !nonce.is_string())
        {
            return Err(HeaderError::Json);
        }
        let understood = |name: &String| name == "b64";
        let is_plain = self.fields.b64 == Some(false);
        if is_plain || !self.fields.crit.iter().flatten().all(understood) {
            return Err(HeaderError::Critical);
        }
        Ok(())
    }
}

impl HeaderError {
    /// The name of this refusal in logs.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Json => "token-header",
            Self::ContentType => "token-content-type",
            Self::Ambiguous => "token-header-ambiguous",
            Self::UnknownAlgorithm => "token-algorithm-unknown",
            Self::EmbeddedKey => "token-embedded-key",
            Self::Critical => "token-critical",
        }
    }

    /// See [`super::TokenError::is_named_by_registry`].
    pub(super) const fn is_named_by_registry(self) -> bool {
        match self {
            Self::Json
            | Self::ContentType
            | Self::Ambiguous
            | Self::UnknownAlgorithm
            | Self::EmbeddedKey => true,
            Self::Critical => false,
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Json => "the token's header is not JSON of the expected types",
            Self::ContentType => "the token's content type (cty) is not JSON",
            Self::Ambiguous => "the token's header names a member twice",
            Self::UnknownAlgorithm => "the token's alg is not one of the signing algorithms",
            Self::EmbeddedKey => "the token brings a key (jwk or x5c) that is not a trusted one",
            Self::Critical => "the token demands an extension that is not understood",
        })
    }
}

impl std::error::Error for HeaderError {}
