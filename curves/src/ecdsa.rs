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

/// A point on its curve. Never the point at infinity, which has no coordinates.
#[derive(Clone)]
pub struct EcKey(Point);

#[derive(Clone)]
enum Point {
    P256(AffinePoint<NistP256>),
    P384(AffinePoint<NistP384>),
    P521(AffinePoint<NistP521>),
}

impl EcKey {
    /// The key of these coordinates on P-256, 32 bytes each; `None` if they are those of no point
    /// of the curve.
    #[must_use]
    pub fn p256(x: &[u8], y: &[u8]) -> Option<Self> {
        point::<NistP256>(x, y).map(|point| Self(Point::P256(point)))
    }

    /// The same on P-384, with coordinates of 48 bytes.
    #[must_use]
    pub fn p384(x: &[u8], y: &[u8]) -> Option<Self> {
        point::<NistP384>(x, y).map(|point| Self(Point::P384(point)))
    }

    /// The same on P-521, with coordinates of 66 bytes.
    #[must_use]
    pub fn p521(x: &[u8], y: &[u8]) -> Option<Self> {
        point::<NistP521>(x, y).map(|point| Self(Point::P521(point)))
    }

    /// Whether `signature` is one of this key over `message`, hashed as RFC 7518 has it for the
    /// curve: SHA-256, SHA-384, SHA-512.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Point::P256(key) => holds::<NistP256>(key, &Sha256::digest(message), signature),
            Point::P384(key) => holds::<NistP384>(key, &Sha384::digest(message), signature),
            Point::P521(key) => holds::<NistP521>(key, &Sha512::digest(message), signature),
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
