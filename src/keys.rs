//! The keys that tokens may be signed with.
//!
//! Trust is configuration: keys come from certificates that the operator gave, embedded at build
//! time or in the plugin configuration, and never from a token.

use std::collections::BTreeMap;
use std::fmt;

use crate::profile::KeyIdForm;
use crate::time::UnixTime;

pub mod certificate;
pub mod signature;

use certificate::{BundleError, CertificateKey};
use signature::VerifyingKey;

/// A key of the bundle that `build.rs` embedded.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedKey {
    /// See [`CertificateKey::modulus`].
    pub modulus: &'static [u8],
    /// See [`CertificateKey::exponent`].
    pub exponent: &'static [u8],
    /// See [`CertificateKey::libtrust`].
    pub libtrust: &'static str,
    /// See [`CertificateKey::rfc7638`].
    pub rfc7638: &'static str,
    /// See [`CertificateKey::fingerprint`].
    pub fingerprint: [u8; 32],
    /// See [`CertificateKey::not_before`].
    pub not_before: i64,
    /// See [`CertificateKey::not_after`].
    pub not_after: i64,
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A key that tokens may be signed with.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// What signatures are verified with.
    pub verifying_key: VerifyingKey,
    /// Its name in a token's `kid`, in the form the profile uses.
    pub id: String,
    /// The certificates of the bundle that hold it: one, or more after a renewal.
    pub certificates: Vec<TrustedCertificate>,
}

/// A certificate of the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedCertificate {
    /// SHA-256 of its DER.
    pub fingerprint: [u8; 32],
    /// The first second of its validity, since 1970.
    pub not_before: i64,
    /// The last second of its validity, since 1970.
    pub not_after: i64,
}

impl TrustedCertificate {
    /// Whether its dates hold at `now`. Enforced only where a token names its key by this
    /// certificate (`x5c`), as the registry does; by `kid`, an expired certificate's key is good.
    #[must_use]
    pub fn is_valid_at(&self, now: UnixTime) -> bool {
        now.seconds() >= self.not_before && !now.is_after(self.not_after)
    }
}

/// The trusted keys, by the ids under which tokens name them. Never empty.
#[derive(Clone, Debug)]
pub struct TrustedKeys(BTreeMap<String, TrustedKey>);

/// Why there are no trusted keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysError {
    /// The bundle cannot be read.
    Bundle(BundleError),
    /// The key of certificate `number` (from 1) is not usable: an even modulus, or an exponent
    /// below 2 or above 2³³-1.
    Unusable {
        /// Which certificate.
        number: usize,
    },
    /// No bundle was given and none is embedded.
    Missing,
}

impl TrustedKeys {
    /// The keys of a PEM bundle.
    ///
    /// # Errors
    ///
    /// [`KeysError::Bundle`] or [`KeysError::Unusable`]; one bad certificate spoils the bundle.
    pub fn from_bundle(pem: &[u8], form: KeyIdForm) -> Result<Self, KeysError> {
        let keys = certificate::parse_bundle(pem).map_err(KeysError::Bundle)?;
        Self::collect(&keys, form)
    }

    /// The keys embedded at build time.
    ///
    /// # Errors
    ///
    /// [`KeysError::Missing`] if there are none, [`KeysError::Unusable`] if one is unusable.
    pub fn from_embedded(embedded: &[EmbeddedKey], form: KeyIdForm) -> Result<Self, KeysError> {
        let own = |key: &EmbeddedKey| CertificateKey {
            modulus: key.modulus.to_vec(),
            exponent: key.exponent.to_vec(),
            libtrust: key.libtrust.to_owned(),
            rfc7638: key.rfc7638.to_owned(),
            fingerprint: key.fingerprint,
            not_before: key.not_before,
            not_after: key.not_after,
        };
        let keys: Vec<CertificateKey> = embedded.iter().map(own).collect();
        Self::collect(&keys, form)
    }

    fn collect(keys: &[CertificateKey], form: KeyIdForm) -> Result<Self, KeysError> {
        let mut trusted: BTreeMap<String, TrustedKey> = BTreeMap::new();
        for (index, key) in keys.iter().enumerate() {
            let verifying_key = VerifyingKey::rsa(&key.modulus, &key.exponent)
                .ok_or(KeysError::Unusable { number: index + 1 })?;
            let id = match form {
                KeyIdForm::Libtrust => key.libtrust.clone(),
                KeyIdForm::Rfc7638 => key.rfc7638.clone(),
            };
            let certificate = TrustedCertificate {
                fingerprint: key.fingerprint,
                not_before: key.not_before,
                not_after: key.not_after,
            };
            let key = trusted.entry(id.clone()).or_insert_with(|| TrustedKey {
                verifying_key,
                id,
                certificates: Vec::new(),
            });
            if !key.certificates.contains(&certificate) {
                key.certificates.push(certificate);
            }
        }
        if trusted.is_empty() {
            Err(KeysError::Missing)
        } else {
            Ok(Self(trusted))
        }
    }

    /// The key of this id, compared byte by byte.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&TrustedKey> {
        self.0.get(id)
    }

    /// The key of the certificate with this fingerprint, and the certificate.
    #[must_use]
    pub fn find_certificate(
        &self,
        fingerprint: &[u8; 32],
    ) -> Option<(&TrustedKey, &TrustedCertificate)> {
        self.iter().find_map(|key| {
            let mut certificates = key.certificates.iter();
            let found = certificates.find(|known| known.fingerprint == *fingerprint)?;
            Some((key, found))
        })
    }

    /// The key of this SubjectPublicKeyInfo (DER).
    #[must_use]
    pub fn find_public_key(&self, spki: &[u8]) -> Option<&TrustedKey> {
        self.iter().find(|key| key.verifying_key.spki() == spki)
    }

    /// All keys, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &TrustedKey> {
        self.0.values()
    }
}

impl fmt::Display for KeysError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(error) => error.fmt(formatter),
            Self::Unusable { number } => {
                write!(
                    formatter,
                    "the key of certificate {number} is not a usable RSA key"
                )
            }
            Self::Missing => formatter.write_str("there is no certificate"),
        }
    }
}

impl std::error::Error for KeysError {}

#[cfg(test)]
mod tests;
