//! Ed25519 signatures (RFC 8037 section 3.1). The arithmetic is that of the crate `curves`.

use super::Algorithm;

/// A point of the curve that is not of small order.
#[derive(Clone)]
pub(super) struct EdKey(curves::EdKey);

impl EdKey {
    /// The key of an encoded point; `None` if it is none that signatures can be believed of.
    pub(super) fn new(point: &[u8; 32]) -> Option<Self> {
        curves::EdKey::new(point).map(Self)
    }

    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        algorithm == Algorithm::EdDsa && self.0.verify(message, signature)
    }
}
