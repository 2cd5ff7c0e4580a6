//! Which trusted key a token says it is signed with.
//!
//! A token names its key in up to three ways, of which the registry takes the first there is and
//! never falls back: a certificate (`x5c`), a public key (`jwk`), an id (`kid`). All three are
//! only ways to *name* a key of the configuration here; key material of the token is never used
//! (CVE-2025-24976).

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::keys::certificate::fingerprint;
use crate::keys::jwk;
use crate::keys::signature::VerifyingKey;
use crate::keys::{TrustedCertificate, TrustedKey, TrustedKeys};
use crate::profile::{JwkForm, Profile};
use crate::time::UnixTime;

use super::header::HeaderError;
use super::{TokenError, UntrustedToken};

/// The longest key id that is repeated in a log line, in characters.
const MAX_LOGGED_KEY_ID: usize = 128;

/// A public key in a header (RFC 7515 section 4.1.3), not judged yet.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Jwk(Map<String, Value>);

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
        let header = token.header.fields();
        match (&header.x5c[..], &header.jwk) {
            ([], None) => Self::by_id(token.key_id().ok_or(TokenError::NoKeyId)?, keys),
            ([], Some(jwk)) => {
                let key = jwk.trusted(keys, profile).ok_or(HeaderError::EmbeddedKey)?;
                Ok(Self {
                    key,
                    certificate: None,
                })
            }
            ([leaf], None) => {
                Ok(Self::by_certificate(leaf, keys, now).ok_or(HeaderError::EmbeddedKey)?)
            }
            // A chain that would have to be built and judged, or a key beside a certificate, which
            // Distribution 3 parses all the same: not inside a proxy.
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
        // A chain of certificates, which would have to be built and judged.
        if self.0.contains_key("x5c") {
            return None;
        }
        let public_key = jwk::public_key(&self.0).ok()?;
        match (profile.jwk_form(), self.0.get("kid")) {
            (JwkForm::ByPublicKey, None) => keys.find_public_key(public_key.spki()),
            (JwkForm::ByPublicKey, Some(id)) => keys
                .find_public_key(public_key.spki())
                .filter(|key| id.as_str() == Some(&key.id)),
            // It is not used, but must be a key for go-jose to read it.
            (JwkForm::ByKeyId, id) => keys
                .find(id.and_then(Value::as_str)?)
                .filter(|_| VerifyingKey::new(&public_key).is_some()),
        }
    }
}
