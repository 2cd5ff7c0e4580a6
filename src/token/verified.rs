//! The step that judges a proven token's times. Nothing else makes a [`VerifiedToken`].

use crate::access::Grants;
use crate::time::UnixTime;

use super::{HeaderError, ProvenToken, TokenError};

/// A proven token that may be used at the time of one request.
///
/// Made by [`VerifiedToken::at`] only:
///
/// ```compile_fail,E0451
/// # fn forge(proven: &registry_token_filter::token::ProvenToken) {
/// use registry_token_filter::token::VerifiedToken;
/// let forged = VerifiedToken { proven };
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct VerifiedToken<'a> {
    proven: &'a ProvenToken,
}

impl<'a> VerifiedToken<'a> {
    /// Judges the dates of a certificate in the token, expiry, then start, at `now`: the
    /// registry's order.
    ///
    /// # Errors
    ///
    /// [`TokenError::Header`], [`TokenError::Expired`] or [`TokenError::NotYetValid`].
    pub fn at(proven: &'a ProvenToken, now: UnixTime) -> Result<Self, TokenError> {
        if proven
            .certificate()
            .is_some_and(|known| !known.is_valid_at(now))
        {
            return Err(HeaderError::EmbeddedKey.into());
        }
        let (exp, nbf) = (proven.expiry(), proven.not_before());
        if now.is_past_expiry(exp) {
            return Err(TokenError::Expired {
                exp,
                now: now.seconds(),
            });
        }
        if now.is_before_start(nbf) {
            return Err(TokenError::NotYetValid {
                nbf,
                now: now.seconds(),
            });
        }
        Ok(Self { proven })
    }

    /// What the token conveys.
    #[must_use]
    pub fn grants(&self) -> &'a Grants {
        self.proven.grants()
    }
}
