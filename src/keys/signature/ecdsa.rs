//! ECDSA signatures as JOSE writes them (RFC 7518 section 3.4): r and s, each as long as the
//! curve's field, one after the other. The arithmetic is that of the crate `curves`.

use x509_cert::der::Encode;
use x509_cert::der::asn1::UintRef;

use super::Algorithm;
use crate::keys::public_key::Curve;

/// A point on its curve.
#[derive(Clone)]
pub(super) struct EcKey {
    curve: Curve,
    point: curves::EcKey,
}

impl EcKey {
    /// The key of these coordinates, or `None` if they are those of no point of the curve.
    pub(super) fn new(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        let point = match curve {
            Curve::P256 => curves::EcKey::p256(x, y),
            Curve::P384 => curves::EcKey::p384(x, y),
            Curve::P521 => curves::EcKey::p521(x, y),
        };
        Some(Self {
            curve,
            point: point?,
        })
    }

    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let own = match self.curve {
            Curve::P256 => Algorithm::Es256,
            Curve::P384 => Algorithm::Es384,
            Curve::P521 => Algorithm::Es512,
        };
        algorithm == own && self.point.verify(message, signature)
    }
}

/// A signature as a host's library wants it: the ECDSA-Sig-Value of RFC 3279 section 2.2.3, or
/// `None` if it is not as long as it must be.
pub(super) fn der(curve: Curve, signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(curve.bytes())?;
    if s.len() != curve.bytes() {
        return None;
    }
    [UintRef::new(r).ok()?, UintRef::new(s).ok()?].to_der().ok()
}
