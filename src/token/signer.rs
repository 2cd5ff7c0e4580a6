//! Which trusted key a token says it is signed with.
//!
//! A token names its key in up to three ways, of which the registry takes the first there is and
//! never falls back: a certificate (`x5c`), a public key (`jwk`), an id (`kid`). All three are
//! only ways to *name* a key of the configuration here; key material of the token is never used
//! (CVE-2025-24976).

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::keys::certificate::{fingerprint, rsa_spki};
use crate::keys::{TrustedCertificate, TrustedKey, TrustedKeys};
use crate::profile::{JwkForm, Profile};
use crate::time::UnixTime;

use super::header::HeaderError;
use super::{TokenError, UntrustedToken};

/// The longest key id that is repeated in a log line, in characters.
const MAX_LOGGED_KEY_ID: usize = 128;

/// The longest RSA exponent a `jwk` may have, in bytes. libtrust panics at five (measured: the
/// connection is closed); go-jose refuses it.
const MAX_EXPONENT_BYTES: usize = 4;

/// A public RSA key in a header (RFC 7517, RFC 7518 section 6.3). Members of a private key and
/// certificates are read in order to refuse them.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Jwk {
    kty: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
    x5c: Option<IgnoredAny>,
}

/// The key a token names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signer<'a> {
    pub(super) key: &'a TrustedKey,
    /// The certificate it was named by, whose dates then count.
    pub(super) certificate: Option<&'a TrustedCertificate>,
}

impl<'a> Signer<'a> {
    /// Finds the key that `token` names at `now`.
    ///
    /// # Errors
    ///
    /// [`TokenError::Header`] for a certificate or key that is not one of the configuration's,
    /// [`TokenError::NoKeyId`], [`TokenError::UnknownKey`].
    pub(super) fn of(
        token: &UntrustedToken<'_>,
        keys: &'a TrustedKeys,
        profile: Profile,
        now: UnixTime,
    ) -> Result<Self, TokenError> {
        let header = &token.parsed.header().other_fields;
        match (&header.x5c[..], &header.jwk) {
            ([], None) => Self::by_id(token.key_id().ok_or(TokenError::NoKeyId)?, keys),
            ([], Some(jwk)) => {
                let key = jwk.trusted(keys, profile).ok_or(HeaderError::EmbeddedKey)?;
                Ok(Self {
                    key,
                    certificate: None,
                })
            }
            ([leaf], _) => {
                Ok(Self::by_certificate(leaf, keys, now).ok_or(HeaderError::EmbeddedKey)?)
            }
            // A chain that would have to be built and judged: not inside a proxy.
            (_, _) => Err(HeaderError::EmbeddedKey.into()),
        }
    }

    fn by_id(key_id: &str, keys: &'a TrustedKeys) -> Result<Self, TokenError> {
        let key = keys.find(key_id).ok_or_else(|| TokenError::UnknownKey {
            key_id: key_id.chars().take(MAX_LOGGED_KEY_ID).collect(),
        })?;
        Ok(Self {
            key,
            certificate: None,
        })
    }

    /// A certificate that is byte for byte one of the bundle and valid now: the one case in which
    /// the registry's chain building has nothing to build.
    fn by_certificate(leaf: &str, keys: &'a TrustedKeys, now: UnixTime) -> Option<Self> {
        let der = Base64::decode_vec(leaf).ok()?;
        let (key, certificate) = keys.find_certificate(&fingerprint(&der))?;
        let certificate = Some(certificate).filter(|known| known.is_valid_at(now));
        certificate.is_some().then_some(Self { key, certificate })
    }
}

impl Jwk {
    /// The trusted key that this public key names, by the registry's rule.
    fn trusted<'a>(&self, keys: &'a TrustedKeys, profile: Profile) -> Option<&'a TrustedKey> {
        let spki = self.spki()?;
        match profile.jwk_form() {
            JwkForm::ByPublicKey => {
                let key = keys.find_public_key(&spki)?;
                let is_named_so = self.kid.as_ref().is_none_or(|id| *id == key.id);
                is_named_so.then_some(key)
            }
            JwkForm::ByKeyId => keys.find(self.kid.as_deref()?),
        }
    }

    /// The public key, if that is all there is to it.
    fn spki(&self) -> Option<Vec<u8>> {
        let private = [
            &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth, &self.k,
        ];
        let is_public = self.kty.as_deref() == Some("RSA")
            && private.iter().all(|member| member.is_none())
            && self.x5c.is_none();
        if !is_public {
            return None;
        }
        let modulus = Base64UrlUnpadded::decode_vec(self.n.as_deref()?).ok()?;
        let exponent = Base64UrlUnpadded::decode_vec(self.e.as_deref()?).ok()?;
        let is_sized = !modulus.is_empty() && (1..=MAX_EXPONENT_BYTES).contains(&exponent.len());
        is_sized.then(|| rsa_spki(&modulus, &exponent).ok())?
    }
}
