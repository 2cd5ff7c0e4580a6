//! The JOSE header: which key and which algorithm, and nothing a token could smuggle trust in by.
//!
//! jwt-compact reads `alg`, `kid`, `typ` and `cty`; the rest of what could change how the token is
//! read stands here. Other members are ignored, and nothing is ever fetched.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::unambiguous::{self, Shape};

/// The algorithms Distribution 3 lets a token name at all (its `signingalgorithms` default). One
/// outside this list is found at parsing, one inside it that does not fit the key only later.
const KNOWN_ALGORITHMS: [&str; 13] = [
    "EdDSA", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512",
    "PS256", "PS384", "PS512",
];

/// Members that are read in order to refuse them.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct HeaderFields {
    /// RFC 7515 section 4.1.6; a list, empty and null count as absent.
    #[serde(default)]
    x5c: Option<Vec<IgnoredAny>>,
    /// RFC 7515 section 4.1.3; null counts as absent.
    #[serde(default)]
    jwk: Option<IgnoredAny>,
    /// RFC 7515 section 4.1.11.
    #[serde(default)]
    crit: Option<Vec<String>>,
    /// RFC 7797.
    #[serde(default)]
    b64: Option<bool>,
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
    /// An `alg` that no registry lets a token name, such as `none`.
    UnknownAlgorithm,
    /// A key or certificate in the token itself (`jwk`, `x5c`).
    EmbeddedKey,
    /// `crit` names an extension that is not understood, or the payload is not encoded (`b64`).
    Critical,
}

/// Refuses a header that two readers could take differently.
pub(super) fn refuse_ambiguous(json: impl AsRef<[u8]>) -> Result<(), HeaderError> {
    unambiguous::read(json.as_ref(), Shape::Header).map_err(|_| HeaderError::Ambiguous)
}

impl HeaderFields {
    /// Refuses what could change which key is used or what the signature covers.
    ///
    /// A registry prefers `x5c` and `jwk` to `kid`, so ignoring them would be looser than the
    /// registry.
    pub(super) fn refuse_special(&self, algorithm: &str) -> Result<(), HeaderError> {
        if !KNOWN_ALGORITHMS.contains(&algorithm) {
            return Err(HeaderError::UnknownAlgorithm);
        }
        if self.jwk.is_some() || self.x5c.as_ref().is_some_and(|chain| !chain.is_empty()) {
            return Err(HeaderError::EmbeddedKey);
        }
        let understood = |name: &String| name == "b64";
        let is_plain = self.b64 == Some(false);
        if is_plain || !self.crit.iter().flatten().all(understood) {
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
            Self::UnknownAlgorithm => "the token's alg is no signature algorithm",
            Self::EmbeddedKey => "the token brings a key of its own (jwk or x5c)",
            Self::Critical => "the token demands an extension that is not understood",
        })
    }
}

impl std::error::Error for HeaderError {}
