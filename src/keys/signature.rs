//! Signatures: which family of them a key verifies. The arithmetic stands in a file for each.
//!
//! A signature is judged through [`SignatureVerifier`] and nowhere else: by [`Portable`], which
//! runs everywhere, or by what a host offers, which must give the same verdict on every input.

use std::fmt;

use super::public_key::{Curve, KeyMaterial, PublicKey};

mod ecdsa;
mod eddsa;
mod rsa;

pub use super::algorithm::Algorithm;

use ecdsa::EcKey;
use eddsa::EdKey;
use rsa::RsaKey;

/// A public key that signatures are verified with: its numbers are those of a key.
#[derive(Clone)]
pub struct VerifyingKey {
    family: Family,
    spki: Vec<u8>,
}

#[derive(Clone)]
enum Family {
    Rsa(RsaKey),
    Ec(EcKey),
    Ed(EdKey),
}

impl VerifyingKey {
    /// The key of these numbers; `None` if they are no key: an even RSA modulus, an RSA exponent
    /// below 2 or above 2³³-1, a point that is not on its curve, an Ed25519 point of small order.
    #[must_use]
    pub fn new(key: &PublicKey) -> Option<Self> {
        let family = match key.material() {
            KeyMaterial::Rsa { n, e } => Family::Rsa(RsaKey::new(n, e)?),
            KeyMaterial::Ec { curve, x, y } => Family::Ec(EcKey::new(*curve, x, y)?),
            KeyMaterial::Ed25519 { x } => Family::Ed(EdKey::new(x)?),
        };
        let spki = key.spki().to_vec();
        Some(Self { family, spki })
    }

    /// The RSA key of this modulus and exponent, big-endian; see [`VerifyingKey::new`] and
    /// [`PublicKey::rsa`].
    #[must_use]
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        Self::new(&PublicKey::rsa(modulus, exponent).ok()?)
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

/// An ECDSA signature as libraries beside JOSE write it, the ECDSA-Sig-Value of RFC 3279 section
/// 2.2.3 in DER; `None` if its halves are not as long as the curve's field.
#[must_use]
pub fn ecdsa_der(curve: Curve, signature: &[u8]) -> Option<Vec<u8>> {
    ecdsa::der(curve, signature)
}

/// Judges signatures.
///
/// The caller has already settled that the algorithm is one of the key's own.
pub trait SignatureVerifier {
    /// Whether `signature` is that of `key` over `message`. Anything but certainty is `false`, an
    /// algorithm of another family of keys too.
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
            Family::Ec(key) => key.verify(algorithm, message, signature),
            Family::Ed(key) => key.verify(algorithm, message, signature),
        }
    }
}
