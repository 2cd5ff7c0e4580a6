//! Signatures: which family of them a key verifies. The arithmetic stands in a file for each.
//!
//! A signature is judged through [`SignatureVerifier`] and nowhere else: by [`Portable`], which
//! runs everywhere, or by what a host offers, which must give the same verdict on every input.

use std::fmt;

use super::certificate;

mod rsa;

use rsa::RsaKey;

/// A signature algorithm that a trusted key can use (RFC 7518 sections 3.3 and 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, and a salt as long as the hash.
    Ps256,
    /// RSASSA-PSS with SHA-384, and a salt as long as the hash.
    Ps384,
    /// RSASSA-PSS with SHA-512, and a salt as long as the hash.
    Ps512,
}

impl Algorithm {
    /// The algorithm an RSA key of a certificate may be used with, by its `alg`.
    ///
    /// Compared with case: `rs256` is no algorithm. `none` and the HMACs are none either. `pss`
    /// says whether the registry knows the PSS family.
    #[must_use]
    pub fn for_rsa(name: &str, pss: bool) -> Option<Self> {
        match (name, pss) {
            ("RS256", _) => Some(Self::Rs256),
            ("RS384", _) => Some(Self::Rs384),
            ("RS512", _) => Some(Self::Rs512),
            ("PS256", true) => Some(Self::Ps256),
            ("PS384", true) => Some(Self::Ps384),
            ("PS512", true) => Some(Self::Ps512),
            _ => None,
        }
    }
}

/// A public key that signatures are verified with. Always an RSA key of an accepted size.
#[derive(Clone)]
pub struct VerifyingKey {
    family: Family,
    spki: Vec<u8>,
}

#[derive(Clone)]
enum Family {
    Rsa(RsaKey),
}

impl VerifyingKey {
    /// The RSA key of this modulus and exponent (big-endian); `None` if they are no RSA key of an
    /// accepted size: an even modulus, an exponent below 2 or above 2³³-1.
    #[must_use]
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let family = Family::Rsa(RsaKey::new(modulus, exponent)?);
        let spki = certificate::rsa_spki(modulus, exponent).ok()?;
        Some(Self { family, spki })
    }

    /// The key as SubjectPublicKeyInfo in DER (RFC 5280 section 4.1), for a host that verifies.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VerifyingKey({} bytes)", self.spki.len())
    }
}

/// Judges signatures.
///
/// The caller has already settled that the algorithm is one of the key's family.
pub trait SignatureVerifier {
    /// Whether `signature` is that of `key` over `message`. Anything but certainty is `false`.
    fn verify(
        &self,
        key: &VerifyingKey,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool;
}

/// Verifies in the sandbox, natively and in wasm alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;

impl SignatureVerifier for Portable {
    fn verify(
        &self,
        key: &VerifyingKey,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        match &key.family {
            Family::Rsa(key) => key.verify(algorithm, message, signature),
        }
    }
}
