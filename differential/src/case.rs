//! One case: a request and the recipe of its token, in the schema of `tests/corpus`.
//!
//! Generated cases are values of the same types as the corpus's, so that one that fails can be
//! printed as an entry of the corpus and the corpus can be put to real registries.

use serde::Deserialize;
use testbed::registry::Release;

use crate::bytes::Bytes;

/// A request and its token.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Case {
    pub(crate) request: Request,
    pub(crate) token: Option<Token>,
}

/// The request. Without anything: `GET /v2/group/app/tags/list` with the token, if there is one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: Bytes,
    /// The values of the `Authorization` fields; without it, `Bearer {token}`.
    pub(crate) authorization: Option<Vec<Bytes>>,
    /// The values of the `Content-Type` fields.
    pub(crate) content_type: Vec<String>,
    /// Further fields, by name. With `transfer-encoding: chunked` the body is sent in chunks.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            target: "/v2/group/app/tags/list".into(),
            authorization: None,
            content_type: Vec::new(),
            headers: Vec::new(),
            body: String::new(),
        }
    }
}

impl Request {
    /// Path and query, as they are sent.
    pub(crate) fn target(&self) -> Vec<u8> {
        self.target.to_vec()
    }

    /// The values of the `Authorization` fields, with the token in them.
    pub(crate) fn authorization(&self, token: Option<&[u8]>) -> Vec<Vec<u8>> {
        let bearer = [Bytes::from("Bearer {token}")];
        let values: &[Bytes] = match &self.authorization {
            Some(values) => values,
            None if token.is_some() => &bearer,
            None => &[],
        };
        values.iter().map(|value| value.with_token(token)).collect()
    }
}

/// What differs from the base token, which is what GitLab issues: RS256, `typ` JWT, the key's id
/// in the profile's form, `pull` on `group/app`, valid from 5 seconds ago for 300 seconds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Token {
    /// The token's whole text; nothing else counts then.
    pub(crate) text: Option<String>,
    /// The name of the signing key; `registry` without.
    pub(crate) key: Option<String>,
    /// The key id, where it is not the signing key's own.
    pub(crate) kid: KeyId,
    /// The algorithm of the signature, and of the header unless that says otherwise.
    pub(crate) algorithm: Option<Algorithm>,
    /// The bytes of salt in a PSS signature; as many as the hash has without.
    pub(crate) salt: Option<usize>,
    /// The secret of an HS256 signature.
    pub(crate) secret: Option<Secret>,
    /// Members of the header; see [`crate::mint`] for the tables with a meaning of their own.
    pub(crate) header: toml::Table,
    /// The `access` claim, in the form of scopes.
    pub(crate) access: Option<Vec<String>>,
    /// Claims.
    pub(crate) claims: toml::Table,
    /// Claims under another name.
    pub(crate) rename: toml::Table,
    /// JSON members before the first and after the last claim.
    pub(crate) claims_before: Option<String>,
    pub(crate) claims_after: Option<String>,
    /// A claim of this many letters, to make the token long.
    pub(crate) filler: Option<usize>,
    /// The whole payload, instead of claims.
    pub(crate) payload: Option<Bytes>,
    /// Bytes before and after the payload.
    pub(crate) payload_before: Option<Bytes>,
    pub(crate) payload_after: Option<Bytes>,
    /// What is done to the token's text.
    pub(crate) mutation: Option<Mutation>,
    /// Changes of single characters of the text. Not in the schema of the corpus: such a token is
    /// printed as `text`.
    #[serde(skip)]
    pub(crate) edits: Vec<Edit>,
}

/// Which key the header names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeyId {
    /// The key; the signing one without.
    pub(crate) of: Option<String>,
    /// The form; the profile's without.
    pub(crate) form: Option<KeyIdForm>,
    /// Whether the id is written in small letters.
    pub(crate) lowercase: bool,
}

/// How a `kid` names a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyIdForm {
    Libtrust,
    Rfc7638,
}

impl KeyIdForm {
    /// The form this release looks for.
    pub(crate) const fn of(release: Release) -> Self {
        match release {
            Release::Distribution2 => Self::Libtrust,
            Release::Distribution3 => Self::Rfc7638,
        }
    }
}

/// A signature algorithm (RFC 7518 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Hs256,
}

impl Algorithm {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Hs256 => "HS256",
        }
    }
}

/// What an HMAC is keyed with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) enum Secret {
    /// The PEM of the key's certificate.
    CertificatePem,
    /// The PEM of the key's SubjectPublicKeyInfo.
    PublicKeyPem,
    /// Some other secret.
    Text(String),
}

/// What is done to a token's text after it was made, or, where it says so, before it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mutation {
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
    /// Every mutation with its name in the corpus.
    pub(crate) const ALL: [(Self, &'static str); 15] = [
        (Self::SignatureFlipped, "signature-flipped"),
        (Self::SignatureTruncated, "signature-truncated"),
        (Self::SignatureExtended, "signature-extended"),
        (Self::SignatureEmpty, "signature-empty"),
        (Self::SignaturePadded, "signature-padded"),
        (Self::SignatureTrailingBits, "signature-trailing-bits"),
        (
            Self::SignatureStandardAlphabet,
            "signature-standard-alphabet",
        ),
        (Self::PayloadFlipped, "payload-flipped"),
        (Self::HeaderPadded, "header-padded"),
        (Self::PayloadPadded, "payload-padded"),
        (Self::TwoParts, "two-parts"),
        (Self::FourParts, "four-parts"),
        (Self::FiveParts, "five-parts"),
        (Self::LeadingDot, "leading-dot"),
        (Self::JsonSerialization, "json-serialization"),
    ];
}

/// A change of one place of a token's text. Places are fractions of 65536 of the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Replace(u16, u8),
    Insert(u16, u8),
    Remove(u16),
    /// Unused bits of the last character of a part (0 to 2), set before it is signed.
    TrailingBits(usize),
}
