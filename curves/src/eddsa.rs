//! Ed25519 signatures (RFC 8032 section 5.1, RFC 8037 section 3.1).

use ed25519_dalek::{Signature, Verifier, VerifyingKey};

/// A point of the curve that is not of small order.
#[derive(Clone)]
pub struct EdKey(VerifyingKey);

impl EdKey {
    /// The key of an encoded point; `None` if it is no point, or one of small order, for which
    /// anybody can make signatures.
    #[must_use]
    pub fn new(point: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(point).ok()?;
        (!key.is_weak()).then_some(Self(key))
    }

    /// Whether `signature` is one of this key over `message`. Without the cofactor and by comparing
    /// R as it is encoded, as Go and BoringSSL do; S must be below the order of the base point
    /// (RFC 8032 section 5.1.7).
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }
}
