//! RSA signatures: RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 section 8).

use rsa::{BoxedUint, PublicKey};
use sha2::{Sha256, Sha384, Sha512};

use super::Algorithm;
use crate::keys::certificate::RSA_BITS;

/// An RSA key of an accepted size.
#[derive(Clone)]
pub(super) struct RsaKey(PublicKey);

impl RsaKey {
    /// The key of this modulus and exponent (big-endian); `None` if they are no RSA key of an
    /// accepted size: an even modulus, an exponent below 2 or above 2³³-1.
    pub(super) fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let n = BoxedUint::from_be_slice_vartime(modulus);
        let e = BoxedUint::from_be_slice_vartime(exponent);
        PublicKey::new_with_size_limits(n, e, RSA_BITS)
            .ok()
            .map(Self)
    }

    /// RFC 8017 sections 8.2.2, where the expected block is encoded and compared and nothing in
    /// the decrypted one is parsed, and 8.1.2.
    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Self(key) = self;
        let verdict = match algorithm {
            Algorithm::Rs256 => key.pkcs1v15_verify::<Sha256>(message, signature),
            Algorithm::Rs384 => key.pkcs1v15_verify::<Sha384>(message, signature),
            Algorithm::Rs512 => key.pkcs1v15_verify::<Sha512>(message, signature),
            Algorithm::Ps256 => key.pss_verify::<Sha256>(message, signature),
            Algorithm::Ps384 => key.pss_verify::<Sha384>(message, signature),
            Algorithm::Ps512 => key.pss_verify::<Sha512>(message, signature),
        };
        verdict.is_ok()
    }
}
