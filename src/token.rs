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
use std::ops::Range;
use std::rc::Rc;

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

pub(crate) use header::Header;

/// The longest token that is read, in bytes: Go's limit for a whole request head, which is the
/// registry's (measured: a token of 342 kB is accepted).
pub const MAX_TOKEN_BYTES: usize = 1 << 20;

/// A compact JWS whose structure and header were parsed, and nothing else.
///
/// Made by [`UntrustedToken::parse`] only:
///
/// ```compile_fail
/// use registry_token_filter::token::UntrustedToken;
/// let forged = UntrustedToken { text: b"a.b.c" };
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
    text: &'a [u8],
    /// The bytes the signature is over: the first two parts and the dot between them (RFC 7515
    /// section 5.2).
    signed: &'a [u8],
    header: Rc<Header>,
    claims: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> UntrustedToken<'a> {
    /// Parses three parts of strict base64url and the JSON of the first.
    ///
    /// # Errors
    ///
    /// [`TokenError::TooLong`], [`TokenError::Structure`] or [`TokenError::Header`].
    pub fn parse(token: BearerToken<'a>) -> Result<Self, TokenError> {
        Self::parse_knowing(token, None)
    }

    /// The same, for a reader that has seen a header: an issuer writes one header into all its
    /// tokens, and equal text need not be read again.
    pub(crate) fn parse_knowing(
        token: BearerToken<'a>,
        known: Option<Rc<Header>>,
    ) -> Result<Self, TokenError> {
        let text = token.as_bytes();
        if text.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let mut dots = memchr::memchr_iter(b'.', text);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(TokenError::Structure);
        };
        let part = |range: Range<usize>| text.get(range).unwrap_or_default();
        let (header, claims) = (part(0..first), part(first + 1..second));
        let (signed, signature) = (part(0..second), part(second + 1..text.len()));
        let known = known.filter(|known| known.is_of(header));
        let decoded = |part| base64url::decode(part).ok_or(TokenError::Structure);
        // Structure comes before content, also of the header.
        let json = match known {
            Some(_) => Vec::new(),
            None => decoded(header)?,
        };
        let (claims, signature) = (decoded(claims)?, decoded(signature)?);
        let header = match known {
            Some(known) => known,
            None => Rc::new(Header::parse(header, &json)?),
        };
        Ok(Self {
            text,
            signed,
            header,
            claims,
            signature,
        })
    }

    /// The `kid` of the header, if it names one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.header.key_id()
    }

    /// The `alg` of the header, as sent.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.header.algorithm()
    }

    /// The header, for a reader that will see it again.
    pub(crate) const fn header(&self) -> &Rc<Header> {
        &self.header
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

#[cfg(test)]
mod tests;
