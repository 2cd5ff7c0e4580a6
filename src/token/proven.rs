//! The step that proves a token's origin. Nothing else makes a [`ProvenToken`].

use crate::access::Grants;
use crate::keys::signature::SignatureVerifier;
use crate::keys::{TrustedCertificate, TrustedKeys};
use crate::profile::Profile;
use crate::time::UnixTime;

use super::claims::Claims;
use super::signer::Signer;
use super::{SigningAlgorithms, TokenError, UntrustedToken};

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
/// let forged = ProvenToken { expiry: 0, not_before: 0, certificate: None, grants: Default::default() };
/// ```
#[derive(Debug)]
#[must_use]
pub struct ProvenToken {
    expiry: i64,
    not_before: i64,
    certificate: Option<TrustedCertificate>,
    grants: Grants,
}

impl ProvenToken {
    /// A proof for the tests of what keeps proofs.
    #[cfg(test)]
    pub(super) const fn assumed(expiry: i64, grants: Grants) -> Self {
        Self {
            expiry,
            not_before: 0,
            certificate: None,
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

    /// The certificate the token named its key by, whose dates count for it.
    pub(super) const fn certificate(&self) -> Option<&TrustedCertificate> {
        self.certificate.as_ref()
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
    /// What `alg` may be.
    pub signing_algorithms: SigningAlgorithms,
    /// Whose reading of claims applies.
    pub profile: Profile,
}

impl TokenVerifier {
    /// Proves a token. `now` counts for nothing but the dates of a certificate in the token.
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
        now: UnixTime,
    ) -> Result<ProvenToken, TokenError> {
        token
            .header
            .refuse_special(&self.signing_algorithms, self.profile)?;
        let signer = Signer::of(token, &self.keys, self.profile, now)?;
        let algorithm = signer
            .key
            .algorithm(token.algorithm())
            .ok_or(TokenError::AlgorithmNotForKey)?;
        if !signatures.verify(
            &signer.key.verifying_key,
            algorithm,
            token.signed,
            &token.signature,
        ) {
            return Err(TokenError::Signature);
        }
        let claims = Claims::parse(&token.claims, self.profile)?;
        self.judge(claims, signer.certificate.copied())
    }

    /// Issuer, audience, and that there is an expiry: the registry's order.
    fn judge(
        &self,
        claims: Claims<'_>,
        certificate: Option<TrustedCertificate>,
    ) -> Result<ProvenToken, TokenError> {
        if claims.issuer != self.issuer {
            return Err(TokenError::Issuer);
        }
        if !claims.audience.iter().any(|name| *name == self.service) {
            return Err(TokenError::Audience);
        }
        Ok(ProvenToken {
            expiry: claims.expiry.ok_or(TokenError::NoExpiry)?,
            // Absent counts as 0, which is long past.
            not_before: claims.not_before.unwrap_or_default(),
            certificate,
            grants: claims.grants,
        })
    }
}
