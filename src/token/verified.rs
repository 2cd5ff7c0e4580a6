//! The step that proves a token. Nothing else makes a [`VerifiedToken`].

use crate::access::Grants;
use crate::keys::TrustedKeys;
use crate::keys::signature::Algorithm;
use crate::profile::Profile;
use crate::time::UnixTime;

use super::claims::Claims;
use super::{TokenError, UntrustedToken};

/// The longest key id that is repeated in a log line, in characters.
const MAX_LOGGED_KEY_ID: usize = 128;

/// A token whose signature, issuer, audience, expiry and start all held at one time.
///
/// Made by [`TokenVerifier::verify`] only:
///
/// ```compile_fail,E0451
/// use registry_token_filter::token::VerifiedToken;
/// let forged = VerifiedToken { grants: Default::default() };
/// ```
#[derive(Debug)]
#[must_use]
pub struct VerifiedToken {
    grants: Grants,
}

impl VerifiedToken {
    /// What the token conveys.
    #[must_use]
    pub fn grants(&self) -> &Grants {
        &self.grants
    }
}

/// What a token must meet. The lists of keys and the names are never empty (see
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
    /// Proves a token at `now`.
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
    pub fn verify(
        &self,
        token: &UntrustedToken<'_>,
        now: UnixTime,
    ) -> Result<VerifiedToken, TokenError> {
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
        if !key
            .verifying_key
            .verify(algorithm, token.signed(), token.signature())
        {
            return Err(TokenError::Signature);
        }
        let claims = Claims::parse(&token.part(1)?, self.profile)?;
        self.judge(claims, now)
    }

    /// Issuer, audience, expiry, start: the registry's order.
    fn judge(&self, claims: Claims, now: UnixTime) -> Result<VerifiedToken, TokenError> {
        if claims.issuer != self.issuer {
            return Err(TokenError::Issuer);
        }
        if !claims.audience.contains(&self.service) {
            return Err(TokenError::Audience);
        }
        let exp = claims.expiry.ok_or(TokenError::NoExpiry)?;
        if now.is_past_expiry(exp) {
            return Err(TokenError::Expired {
                exp,
                now: now.seconds(),
            });
        }
        // Absent counts as 0, which is long past.
        let nbf = claims.not_before.unwrap_or_default();
        if now.is_before_start(nbf) {
            return Err(TokenError::NotYetValid {
                nbf,
                now: now.seconds(),
            });
        }
        Ok(VerifiedToken {
            grants: claims.grants,
        })
    }
}
