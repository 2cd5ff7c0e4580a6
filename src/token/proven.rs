//! The step that proves a token's origin. Nothing else makes a [`ProvenToken`].

use crate::access::Grants;
use crate::keys::TrustedKeys;
use crate::keys::signature::{Algorithm, SignatureVerifier};
use crate::profile::Profile;

use super::claims::Claims;
use super::{TokenError, UntrustedToken};

/// The longest key id that is repeated in a log line, in characters.
const MAX_LOGGED_KEY_ID: usize = 128;

/// A token whose signature, issuer and audience hold.
///
/// That stays true as long as the configuration does, so a proof may be kept. Whether the token
/// may be used *now* is another question ([`super::VerifiedToken`]); until it is answered, what
/// the token conveys cannot be read:
///
/// ```compile_fail,E0624
/// # fn peek(token: registry_token_filter::token::ProvenToken) {
/// let grants = token.grants();
/// # }
/// ```
///
/// Made by [`TokenVerifier::prove`] only:
///
/// ```compile_fail,E0451
/// use registry_token_filter::token::ProvenToken;
/// let forged = ProvenToken { expiry: 0, not_before: 0, grants: Default::default() };
/// ```
#[derive(Debug)]
#[must_use]
pub struct ProvenToken {
    expiry: i64,
    not_before: i64,
    grants: Grants,
}

impl ProvenToken {
    /// A proof for the tests of what keeps proofs.
    #[cfg(test)]
    pub(super) const fn assumed(expiry: i64, grants: Grants) -> Self {
        Self {
            expiry,
            not_before: 0,
            grants,
        }
    }

    /// `exp`, seconds since 1970.
    pub(super) const fn expiry(&self) -> i64 {
        self.expiry
    }

    /// `nbf`, seconds since 1970; 0 if the token has none.
    pub(super) const fn not_before(&self) -> i64 {
        self.not_before
    }

    pub(super) const fn grants(&self) -> &Grants {
        &self.grants
    }
}

/// What a token must meet. The set of keys and the names are never empty (see
/// [`crate::config`]).
#[derive(Clone, Debug)]
pub struct TokenVerifier {
    /// The keys a token may be signed with.
    pub keys: TrustedKeys,
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must name.
    pub service: String,
    /// Whose reading of claims applies.
    pub profile: Profile,
}

impl TokenVerifier {
    /// Proves a token.
    ///
    /// The order is that of cost and of trust: what needs no key first, then key, algorithm and
    /// signature, and only then the claims. It is also the order of Distribution 3, where it shows
    /// in whether the challenge names an error.
    ///
    /// One signature is verified at most.
    ///
    /// # Errors
    ///
    /// The first [`TokenError`] in that order.
    pub fn prove(
        &self,
        token: &UntrustedToken<'_>,
        signatures: &dyn SignatureVerifier,
    ) -> Result<ProvenToken, TokenError> {
        token
            .parsed
            .header()
            .other_fields
            .refuse_special(token.algorithm())?;
        let key_id = token.key_id().ok_or(TokenError::NoKeyId)?;
        let key = self
            .keys
            .find(key_id)
            .ok_or_else(|| TokenError::UnknownKey {
                key_id: key_id.chars().take(MAX_LOGGED_KEY_ID).collect(),
            })?;
        // The key decides: only algorithms of its own family are even looked up.
        let algorithm =
            Algorithm::for_rsa(token.algorithm()).ok_or(TokenError::AlgorithmNotForKey)?;
        if !signatures.verify(
            &key.verifying_key,
            algorithm,
            token.signed(),
            token.signature(),
        ) {
            return Err(TokenError::Signature);
        }
        let claims = Claims::parse(&token.part(1)?, self.profile)?;
        self.judge(claims)
    }

    /// Issuer, audience, and that there is an expiry: the registry's order.
    fn judge(&self, claims: Claims) -> Result<ProvenToken, TokenError> {
        if claims.issuer != self.issuer {
            return Err(TokenError::Issuer);
        }
        if !claims.audience.contains(&self.service) {
            return Err(TokenError::Audience);
        }
        Ok(ProvenToken {
            expiry: claims.expiry.ok_or(TokenError::NoExpiry)?,
            // Absent counts as 0, which is long past.
            not_before: claims.not_before.unwrap_or_default(),
            grants: claims.grants,
        })
    }
}
