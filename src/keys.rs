//! The keys that tokens may be signed with.
//!
//! Trust is configuration: keys come from certificates and sets of keys that the operator gave,
//! embedded at build time or in the plugin configuration, and never from a token.

use std::collections::BTreeMap;
use std::fmt;

use crate::profile::{KeyIdForm, Profile};
use crate::time::UnixTime;

pub mod algorithm;
pub mod certificate;
pub mod jwk;
pub mod public_key;
pub mod signature;

use algorithm::Algorithm;
use certificate::{BundleError, CertificateKey};
use jwk::{JwkError, SetError, SetKey};
use public_key::PublicKey;
use signature::VerifyingKey;

/// A key of the bundle that `build.rs` embedded.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedKey {
    /// See [`PublicKey::spki`].
    pub spki: &'static [u8],
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
    /// Its name in a token's `kid`.
    pub id: String,
    /// The certificates of the bundle that hold it: one, or more after a renewal; none for a key
    /// of `jwks`.
    pub certificates: Vec<TrustedCertificate>,
    /// What it may be used with: algorithms of its own kind that the registry knows. Never empty.
    algorithms: Vec<Algorithm>,
}

impl TrustedKey {
    /// The algorithm of this name, if the key may be used with it. The key decides: an algorithm
    /// of another kind of keys is not even looked up.
    #[must_use]
    pub fn algorithm(&self, name: &str) -> Option<Algorithm> {
        let mut own = self.algorithms.iter().copied();
        own.find(|algorithm| algorithm.name() == name)
    }
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
    /// The numbers of the key of certificate `number` (from 1) are no key, see
    /// [`VerifyingKey::new`].
    Unusable {
        /// Which certificate.
        number: usize,
    },
    /// The profile's registry has no algorithm for the key of certificate `number` (from 1).
    Unknown {
        /// Which certificate.
        number: usize,
    },
    /// The set of keys cannot be used.
    Set(SetError),
    /// There are neither certificates nor keys.
    Missing,
}

impl TrustedKeys {
    /// The keys of a PEM bundle, named by their fingerprints in the profile's form.
    ///
    /// # Errors
    ///
    /// [`KeysError::Bundle`], [`KeysError::Unusable`] or [`KeysError::Unknown`]; one bad
    /// certificate spoils the bundle.
    pub fn from_bundle(pem: &[u8], profile: Profile) -> Result<Self, KeysError> {
        let keys = certificate::parse_bundle(pem).map_err(KeysError::Bundle)?;
        Self::collect(keys, profile)
    }

    /// The keys embedded at build time.
    ///
    /// # Errors
    ///
    /// [`KeysError::Missing`] if there are none, or as [`TrustedKeys::from_bundle`].
    pub fn from_embedded(embedded: &[EmbeddedKey], profile: Profile) -> Result<Self, KeysError> {
        let own = |(index, key): (usize, &EmbeddedKey)| {
            let number = index + 1;
            Ok(CertificateKey {
                public_key: PublicKey::from_der(key.spki)
                    .map_err(|error| KeysError::Bundle(BundleError::Key { number, error }))?,
                fingerprint: key.fingerprint,
                not_before: key.not_before,
                not_after: key.not_after,
            })
        };
        let keys: Result<Vec<CertificateKey>, KeysError> =
            embedded.iter().enumerate().map(own).collect();
        Self::collect(keys?, profile)
    }

    /// The keys of a JWK set, named by their `kid`, beside those of `certificates`.
    ///
    /// # Errors
    ///
    /// [`KeysError::Set`]: the set or a key of it cannot be used, or has the `kid` of another key,
    /// also if that is a certificate's.
    pub fn from_set(
        set: &serde_json::Value,
        certificates: Option<Self>,
        profile: Profile,
    ) -> Result<Self, KeysError> {
        let mut trusted = certificates.map(|Self(keys)| keys).unwrap_or_default();
        for (index, key) in jwk::parse_set(set)
            .map_err(KeysError::Set)?
            .into_iter()
            .enumerate()
        {
            let number = index + 1;
            let fault = |error| KeysError::Set(SetError::Key { number, error });
            let key = TrustedKey::of_set(key, profile).map_err(fault)?;
            match trusted.get(&key.id) {
                None => {
                    trusted.insert(key.id.clone(), key);
                }
                // The same key in a certificate and in the set, under its fingerprint.
                Some(known) if known.verifying_key.spki() == key.verifying_key.spki() => {}
                Some(_) => return Err(fault(JwkError::RepeatedKeyId)),
            }
        }
        Ok(Self(trusted))
    }

    fn collect(keys: Vec<CertificateKey>, profile: Profile) -> Result<Self, KeysError> {
        let mut trusted: BTreeMap<String, TrustedKey> = BTreeMap::new();
        for (index, key) in keys.into_iter().enumerate() {
            let number = index + 1;
            let verifying_key =
                VerifyingKey::new(&key.public_key).ok_or(KeysError::Unusable { number })?;
            let algorithms = algorithms(&key.public_key, profile);
            if algorithms.is_empty() {
                return Err(KeysError::Unknown { number });
            }
            let id = match profile.key_id_form() {
                KeyIdForm::Libtrust => key.public_key.libtrust(),
                KeyIdForm::Rfc7638 => key.public_key.rfc7638(),
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
                algorithms,
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

impl TrustedKey {
    fn of_set(key: SetKey, profile: Profile) -> Result<Self, JwkError> {
        let mut algorithms = algorithms(&key.public_key, profile);
        if let Some(only) = key.algorithm {
            algorithms.retain(|algorithm| *algorithm == only);
        }
        if algorithms.is_empty() {
            return Err(JwkError::Algorithm);
        }
        Ok(Self {
            verifying_key: VerifyingKey::new(&key.public_key).ok_or(JwkError::Unusable)?,
            id: key.id,
            certificates: Vec::new(),
            algorithms,
        })
    }
}

/// The algorithms of a key's kind that the profile's registry knows.
fn algorithms(key: &PublicKey, profile: Profile) -> Vec<Algorithm> {
    let known = profile.algorithms().iter().copied();
    known
        .filter(|algorithm| algorithm.fits(key.material()))
        .collect()
}

impl fmt::Display for KeysError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(error) => error.fmt(formatter),
            Self::Unusable { number } => write!(
                formatter,
                "the numbers of the key of certificate {number} are not those of a key"
            ),
            Self::Unknown { number } => write!(
                formatter,
                "the key of certificate {number} is of a kind that the profile's registry does \
                 not know"
            ),
            Self::Set(error) => error.fmt(formatter),
            Self::Missing => formatter.write_str("there is no certificate"),
        }
    }
}

impl std::error::Error for KeysError {}

#[cfg(test)]
mod tests;
