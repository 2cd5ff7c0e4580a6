//! The recipe of a token: the base token, but for what is said.
//!
//! The base token is what GitLab issues: RS256, `typ` JWT, the key's id in the profile's form, the
//! configured issuer and service, `pull` on `group/app`, valid from 5 seconds ago for 300 seconds.

use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use super::profile::KeyIdForm;

/// What differs from the base token. Empty: nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Token {
    /// The token's whole text; nothing else counts then.
    pub text: Option<String>,
    /// The name of the signing key; `registry` without.
    pub key: Option<String>,
    /// The key id, where it is not the signing key's own.
    pub kid: KeyId,
    /// The algorithm of the signature, and of the header unless that says otherwise.
    pub algorithm: Option<Algorithm>,
    /// The bytes of salt in a PSS signature; as many as the hash has without.
    pub salt: Option<usize>,
    /// The secret of an HS256 signature.
    pub secret: Option<Secret>,
    /// Members of the header; see [`super::mint`] for the tables with a meaning of their own.
    pub header: toml::Table,
    /// The `access` claim, in the form of scopes.
    pub access: Option<Vec<String>>,
    /// Claims.
    pub claims: toml::Table,
    /// Claims under another name.
    pub rename: toml::Table,
    /// JSON members before the first and after the last claim.
    pub claims_before: Option<String>,
    pub claims_after: Option<String>,
    /// A claim of this many letters, to make the token long.
    pub filler: Option<usize>,
    /// The whole payload, instead of claims.
    pub payload: Option<Bytes>,
    /// Bytes before and after the payload.
    pub payload_before: Option<Bytes>,
    pub payload_after: Option<Bytes>,
    /// What is done to the token's text.
    pub mutation: Option<Mutation>,
}

/// Which key the header names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyId {
    /// The key; the signing one without.
    pub of: Option<String>,
    /// The form; the profile's without.
    pub form: Option<KeyIdForm>,
    /// Whether the id is written in small letters.
    pub lowercase: bool,
}

/// A signature algorithm (RFC 7518 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "RS384")]
    Rs384,
    #[serde(rename = "RS512")]
    Rs512,
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "PS384")]
    Ps384,
    #[serde(rename = "PS512")]
    Ps512,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "ES512")]
    Es512,
    #[serde(rename = "EdDSA")]
    EdDsa,
    #[serde(rename = "HS256")]
    Hs256,
}

impl Algorithm {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }
}

/// What an HMAC is keyed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Secret {
    /// The PEM of the key's certificate.
    CertificatePem,
    /// The PEM of the key's SubjectPublicKeyInfo.
    PublicKeyPem,
    /// Some other secret.
    Text(String),
}

/// What is done to a token's text after it was made, or, where it says so, before it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutation {
    /// The signature's first bit is flipped.
    SignatureFlipped,
    /// The signature lacks its last byte.
    SignatureTruncated,
    /// A zero byte follows the signature.
    SignatureExtended,
    SignatureEmpty,
    /// The signature carries its `=`.
    SignaturePadded,
    /// The unused bits of the signature's last character are not zero.
    SignatureTrailingBits,
    /// The signature is written in the alphabet with `+` and `/`.
    SignatureStandardAlphabet,
    /// A character within the payload is another.
    PayloadFlipped,
    /// The header carries its `=` and is signed so.
    HeaderPadded,
    /// The payload carries its `=` and is signed so.
    PayloadPadded,
    /// The unused bits of the header's last character are not zero, and it is signed so.
    HeaderTrailingBits,
    /// The unused bits of the payload's last character are not zero, and it is signed so.
    PayloadTrailingBits,
    /// Header and payload alone.
    TwoParts,
    /// Another part follows.
    FourParts,
    /// Two more parts follow.
    FiveParts,
    /// A dot comes first.
    LeadingDot,
    /// The flattened JSON serialization (RFC 7515 section 7.2.2).
    JsonSerialization,
}

impl Mutation {
    pub const ALL: [Self; 17] = [
        Self::SignatureFlipped,
        Self::SignatureTruncated,
        Self::SignatureExtended,
        Self::SignatureEmpty,
        Self::SignaturePadded,
        Self::SignatureTrailingBits,
        Self::SignatureStandardAlphabet,
        Self::PayloadFlipped,
        Self::HeaderPadded,
        Self::PayloadPadded,
        Self::HeaderTrailingBits,
        Self::PayloadTrailingBits,
        Self::TwoParts,
        Self::FourParts,
        Self::FiveParts,
        Self::LeadingDot,
        Self::JsonSerialization,
    ];
}
