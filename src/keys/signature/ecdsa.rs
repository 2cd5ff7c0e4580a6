//! ECDSA signatures as JOSE writes them (RFC 7518 section 3.4): r and s, each as long as the
//! curve's field, one after the other.

use ecdsa::elliptic_curve::point::AffineCoordinates;
use ecdsa::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, ProjectivePoint};
use ecdsa::hazmat::verify_prehashed;
use ecdsa::{EcdsaCurve, Signature};
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::der::Encode;
use x509_cert::der::asn1::UintRef;

use super::Algorithm;
use crate::keys::public_key::Curve;

/// A point on its curve. Never the point at infinity, which has no coordinates.
#[derive(Clone)]
pub(super) enum EcKey {
    P256(AffinePoint<NistP256>),
    P384(AffinePoint<NistP384>),
    P521(AffinePoint<NistP521>),
}

impl EcKey {
    /// The key of these coordinates, or `None` if they are those of no point of the curve.
    pub(super) fn new(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        match curve {
            Curve::P256 => point::<NistP256>(x, y).map(Self::P256),
            Curve::P384 => point::<NistP384>(x, y).map(Self::P384),
            Curve::P521 => point::<NistP521>(x, y).map(Self::P521),
        }
    }

    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::P256(key), Algorithm::Es256) => {
                holds::<NistP256>(key, &Sha256::digest(message), signature)
            }
            (Self::P384(key), Algorithm::Es384) => {
                holds::<NistP384>(key, &Sha384::digest(message), signature)
            }
            (Self::P521(key), Algorithm::Es512) => {
                holds::<NistP521>(key, &Sha512::digest(message), signature)
            }
            _ => false,
        }
    }
}

fn point<C: CurveArithmetic>(x: &[u8], y: &[u8]) -> Option<AffinePoint<C>> {
    let x = <&FieldBytes<C>>::try_from(x).ok()?;
    let y = <&FieldBytes<C>>::try_from(y).ok()?;
    AffinePoint::<C>::from_coordinates(x, y).into()
}

/// A signature of another length, with a zero in it or a number that is not below the curve's
/// order is none.
fn holds<C: EcdsaCurve + CurveArithmetic>(
    key: &AffinePoint<C>,
    hash: &[u8],
    signature: &[u8],
) -> bool {
    Signature::<C>::from_slice(signature).is_ok_and(|signature| {
        verify_prehashed(&ProjectivePoint::<C>::from(*key), hash, &signature).is_ok()
    })
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
