//! RSA signatures: the only file that calls a crate for arithmetic.
//!
//! [`VerifyingKey::verify`] is the one place a signature is judged. A host's own verification, or
//! a faster one in wasm, stands in here and nowhere else.

use std::fmt;

use rsa::{BoxedUint, PublicKey};
use sha2::{Sha256, Sha384, Sha512};

use super::certificate::RSA_BITS;

/// A signature algorithm that a trusted key can use (RFC 7518 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

impl Algorithm {
    /// The algorithm an RSA key of a certificate may be used with, by its `alg`.
    ///
    /// Compared with case: `rs256` is no algorithm. `none` and the HMACs are none either.
    #[must_use]
    pub fn for_rsa(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "RS384" => Some(Self::Rs384),
            "RS512" => Some(Self::Rs512),
            _ => None,
        }
    }
}

/// A public key that signatures are verified with.
#[derive(Clone)]
pub struct VerifyingKey(PublicKey);

impl VerifyingKey {
    /// The RSA key of this modulus and exponent (big-endian); `None` if they are no RSA key of an
    /// accepted size: an even modulus, an exponent below 2 or above 2³³-1.
    #[must_use]
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let n = BoxedUint::from_be_slice_vartime(modulus);
        let e = BoxedUint::from_be_slice_vartime(exponent);
        PublicKey::new_with_size_limits(n, e, RSA_BITS)
            .ok()
            .map(Self)
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// RFC 8017 section 8.2.2: the expected block is encoded and compared, nothing in the
    /// decrypted one is parsed. The key decides the family, the algorithm only the hash.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verdict = match algorithm {
            Algorithm::Rs256 => self.0.pkcs1v15_verify::<Sha256>(message, signature),
            Algorithm::Rs384 => self.0.pkcs1v15_verify::<Sha384>(message, signature),
            Algorithm::Rs512 => self.0.pkcs1v15_verify::<Sha512>(message, signature),
        };
        verdict.is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VerifyingKey")
    }
}
