//! Bearer tokens: from bytes a client sent to claims that were proven.
//!
//! ```text
//! BearerToken -> UntrustedToken -> ProvenToken -> VerifiedToken
//!                structure,        key,           expiry and start,
//!                header            algorithm,     at the time of one
//!                                  signature,     request
//!                                  issuer,
//!                                  audience
//! ```
//!
//! Before the signature holds, only the header's key id and algorithm can be read; the claims are
//! not even parsed. After it, everything a [`VerifiedToken`] says has been judged. A
//! [`ProvenToken`] may be kept ([`cache`]), since it does not depend on the time.

use std::fmt;

use crate::credentials::BearerToken;

pub mod cache;
mod claims;
mod header;
mod proven;
mod signer;
mod verified;

pub use claims::ClaimsError;
pub use header::{HeaderError, SigningAlgorithms};
pub use proven::{ProvenToken, TokenVerifier};
pub use verified::VerifiedToken;

use header::HeaderFields;

/// The longest token that is read, in bytes: Go's limit for a whole request head, which is the
/// registry's (measured: a token of 342 kB is accepted).
pub const MAX_TOKEN_BYTES: usize = 1 << 20;

/// A compact JWS whose structure and header were parsed, and nothing else.
///
/// Made by [`UntrustedToken::parse`] only:
///
/// ```compile_fail
/// use registry_token_filter::token::UntrustedToken;
/// let forged = UntrustedToken { text: "a.b.c" };
/// ```
///
/// Its claims cannot be read:
///
/// ```compile_fail,E0599
/// # fn peek(token: registry_token_filter::token::UntrustedToken<'_>) {
/// let claims = token.claims();
/// # }
/// ```
pub struct UntrustedToken<'a> {
    text: &'a str,
    parsed: jwt_compact::UntrustedToken<'a, HeaderFields>,
}

impl<'a> UntrustedToken<'a> {
    /// Parses three parts of strict base64url and the JSON of the first.
    ///
    /// # Errors
    ///
    /// [`TokenError::TooLong`], [`TokenError::Structure`] or [`TokenError::Header`].
    pub fn parse(token: BearerToken<'a>) -> Result<Self, TokenError> {
        let bytes = token.as_bytes();
        if bytes.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| TokenError::Structure)?;
        let parsed = jwt_compact::UntrustedToken::try_from(text).map_err(|error| match error {
            jwt_compact::ParseError::MalformedHeader(_) => TokenError::Header(HeaderError::Json),
            jwt_compact::ParseError::UnsupportedContentType(_) => {
                TokenError::Header(HeaderError::ContentType)
            }
            _ => TokenError::Structure,
        })?;
        let token = Self { text, parsed };
        header::refuse_ambiguous(token.part(0)?)?;
        Ok(token)
    }

    /// The `kid` of the header, if it names one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.parsed
            .header()
            .key_id
            .as_deref()
            .filter(|id| !id.is_empty())
    }

    /// The `alg` of the header, as sent.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.parsed.algorithm()
    }

    /// The bytes the signature is over: the first two parts and the dot between them (RFC 7515
    /// section 5.2).
    fn signed(&self) -> &'a [u8] {
        self.text
            .rsplit_once('.')
            .map_or(&[], |(signed, _)| signed.as_bytes())
    }

    fn signature(&self) -> &[u8] {
        self.parsed.signature_bytes()
    }

    /// One of the three parts, decoded.
    fn part(&self, index: usize) -> Result<Vec<u8>, TokenError> {
        let part = self.text.split('.').nth(index).unwrap_or_default();
        base64url::decode(part).ok_or(TokenError::Structure)
    }
}

impl fmt::Debug for UntrustedToken<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "UntrustedToken({} bytes)", self.text.len())
    }
}

/// Why a token is not believed. None of them holds the token's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    TooLong,
    /// Not three parts of unpadded, canonical base64url.
    Structure,
    /// The header is not one that can be used.
    Header(HeaderError),
    /// The header names no key: no `kid`, or an empty one.
    NoKeyId,
    /// No trusted key has this id.
    UnknownKey {
        /// The id, cut to 128 characters.
        key_id: String,
    },
    /// The algorithm is not one the named key can be used with.
    AlgorithmNotForKey,
    /// The signature is not that of the named key over these bytes, or is empty.
    Signature,
    /// The claims are not JSON of the expected types.
    ClaimsJson(ClaimsError),
    /// An element of the `access` claim is null.
    NullAccess,
    /// `iss` is not the configured issuer.
    Issuer,
    /// `aud` does not name the configured service.
    Audience,
    /// No `exp`, or 0.
    NoExpiry,
    /// Later than `exp` and the leeway.
    Expired {
        /// The claim.
        exp: i64,
        /// The host's time.
        now: i64,
    },
    /// Earlier than `nbf` less the leeway.
    NotYetValid {
        /// The claim.
        nbf: i64,
        /// The host's time.
        now: i64,
    },
}

impl TokenError {
    /// The name of this refusal in logs.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::TooLong => "token-too-long",
            Self::Structure => "token-structure",
            Self::Header(error) => error.tag(),
            Self::NoKeyId => "token-no-key-id",
            Self::UnknownKey { .. } => "token-unknown-key",
            Self::AlgorithmNotForKey => "token-algorithm-not-for-key",
            Self::Signature => "token-signature",
            Self::ClaimsJson(_) => "token-claims",
            Self::NullAccess => "token-null-access",
            Self::Issuer => "token-issuer",
            Self::Audience => "token-audience",
            Self::NoExpiry => "token-no-expiry",
            Self::Expired { .. } => "token-expired",
            Self::NotYetValid { .. } => "token-not-yet-valid",
        }
    }

    /// Whether the registry's own token code finds this fault, rather than the JOSE or JSON
    /// library under it, whose errors Distribution 3 does not name to the client.
    #[must_use]
    pub const fn is_named_by_registry(&self) -> bool {
        match self {
            Self::TooLong
            | Self::Structure
            | Self::NoKeyId
            | Self::UnknownKey { .. }
            | Self::NullAccess
            | Self::Issuer
            | Self::Audience
            | Self::NoExpiry
            | Self::Expired { .. }
            | Self::NotYetValid { .. } => true,
            Self::Header(error) => error.is_named_by_registry(),
            Self::AlgorithmNotForKey | Self::Signature | Self::ClaimsJson(_) => false,
        }
    }
}

impl From<HeaderError> for TokenError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<ClaimsError> for TokenError {
    fn from(error: ClaimsError) -> Self {
        Self::ClaimsJson(error)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => formatter.write_str("the token is longer than 1 MiB"),
            Self::Structure => {
                formatter.write_str("the token is not three parts of unpadded base64url")
            }
            Self::Header(error) => error.fmt(formatter),
            Self::NoKeyId => formatter.write_str("the token names no key (kid)"),
            Self::UnknownKey { key_id } => {
                write!(formatter, "no trusted key has the id {key_id:?}")
            }
            Self::AlgorithmNotForKey => {
                formatter.write_str("the token's algorithm does not fit the key it names")
            }
            Self::Signature => {
                formatter.write_str("the signature is not that of the key the token names")
            }
            Self::ClaimsJson(error) => error.fmt(formatter),
            Self::NullAccess => formatter.write_str("an element of the access claim is null"),
            Self::Issuer => formatter.write_str("iss is not the configured issuer"),
            Self::Audience => formatter.write_str("aud does not name the configured service"),
            Self::NoExpiry => formatter.write_str("the token has no exp"),
            Self::Expired { exp, now } => {
                write!(formatter, "exp {exp} is past at {now}")
            }
            Self::NotYetValid { nbf, now } => {
                write!(formatter, "nbf {nbf} is not reached at {now}")
            }
        }
    }
}

impl std::error::Error for TokenError {}
