//! RSA signatures: RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 section 8).
//!
//! What is verified is public, so the time it takes may depend on it. That is what makes the
//! difference to `rsa`, which raises to every exponent as if it were secret: for 65 537, sixteen
//! squarings and a product are enough.

use crypto_bigint::modular::BoxedMontyForm;
use rsa::traits::PublicKeyParts as _;
use rsa::{BoxedUint, PublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::Algorithm;
use crate::keys::public_key::RSA_BITS;

/// What stands before the hash in a block: an ASN.1 DigestInfo up to its last value (RFC 8017
/// section 9.2, note 1).
const SHA256: [u8; 19] = digest_info(0x31, 0x01, 0x20);
const SHA384: [u8; 19] = digest_info(0x41, 0x02, 0x30);
const SHA512: [u8; 19] = digest_info(0x51, 0x03, 0x40);

/// An RSA key of an accepted size, with the Montgomery parameters of its modulus.
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

    /// Whether `signature` is one of this key over `message`, by sections 8.2.2 and 8.1.2.
    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Self(key) = self;
        match algorithm {
            Algorithm::Rs256 => self.pkcs1::<Sha256>(&SHA256, message, signature),
            Algorithm::Rs384 => self.pkcs1::<Sha384>(&SHA384, message, signature),
            Algorithm::Rs512 => self.pkcs1::<Sha512>(&SHA512, message, signature),
            Algorithm::Ps256 => key.pss_verify::<Sha256>(message, signature).is_ok(),
            Algorithm::Ps384 => key.pss_verify::<Sha384>(message, signature).is_ok(),
            Algorithm::Ps512 => key.pss_verify::<Sha512>(message, signature).is_ok(),
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 | Algorithm::EdDsa => false,
        }
    }

    /// The one block that there is for `message` is compared whole; nothing in the block that the
    /// signature gives is parsed (section 8.2.2).
    fn pkcs1<D: Digest>(&self, digest_info: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let length = self.0.size();
        if signature.len() != length {
            return false;
        }
        let expected =
            block(length, digest_info, &D::digest(message)).and_then(|block| self.integer(&block));
        let found = self.integer(signature).and_then(|s| self.power(s));
        expected.is_some() && expected == found
    }

    /// OS2IP of as many bytes as the modulus has (section 4.2).
    fn integer(&self, bytes: &[u8]) -> Option<BoxedUint> {
        BoxedUint::from_be_slice(bytes, self.0.n_bits_precision()).ok()
    }

    /// RSAVP1 (section 5.2.2): `s` raised to the exponent; `None` if it is not below the modulus.
    fn power(&self, s: BoxedUint) -> Option<BoxedUint> {
        let Self(key) = self;
        if s >= **key.n() {
            return None;
        }
        let s = BoxedMontyForm::new(s, key.n_params());
        let mut power = s.clone();
        // The highest of the exponent's bits is `s` itself.
        for bit in (0..key.e().bit_width_vartime().checked_sub(1)?).rev() {
            power = power.square();
            if key.e().bit_vartime(bit) {
                power = power.mul(&s);
            }
        }
        Some(power.retrieve())
    }
}

/// EMSA-PKCS1-v1_5 (section 9.2, step 5): `00 01 ff … ff 00`, then the DigestInfo; `None` if there
/// is no room for eight bytes `ff`.
fn block(length: usize, digest_info: &[u8], digest: &[u8]) -> Option<Vec<u8>> {
    let padding = length.checked_sub(digest_info.len() + digest.len() + 3)?;
    if padding < 8 {
        return None;
    }
    let mut block = vec![0, 1];
    block.resize(2 + padding, 0xff);
    block.push(0);
    block.extend_from_slice(digest_info);
    block.extend_from_slice(digest);
    Some(block)
}

/// The three that there are differ in their length, the last arc of the hash's id, and the length
/// of the hash.
const fn digest_info(length: u8, arc: u8, hash: u8) -> [u8; 19] {
    [
        0x30, length, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arc,
        0x05, 0x00, 0x04, hash,
    ]
}
