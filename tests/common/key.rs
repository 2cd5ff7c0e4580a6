//! The fixture keys, their ids, and signing with them.
//!
//! Ids and encodings are made here from the modulus and the exponent alone, not by the filter.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pss::SigningKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use rsa::traits::PublicKeyParts;
use sha2::digest::FixedOutputReset;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::profile::KeyIdForm;
use super::token::Algorithm;

macro_rules! fixture {
    ($file:literal) => {
        include_str!(concat!("../fixtures/keys/", $file))
    };
}

const KEYS: [(&str, &str); 4] = [
    ("gitlab", fixture!("gitlab.key")),
    ("registry", fixture!("registry.key")),
    ("second", fixture!("second.key")),
    ("stranger", fixture!("stranger.key")),
];

const CERTIFICATES: [(&str, &str); 5] = [
    ("expired", fixture!("expired.crt")),
    ("gitlab", fixture!("gitlab.crt")),
    ("registry", fixture!("registry.crt")),
    ("second", fixture!("second.crt")),
    ("stranger", fixture!("stranger.crt")),
];

/// A key pair of the fixtures.
pub struct Key {
    name: &'static str,
    private: PrivateKey,
}

impl Key {
    /// The names of all keys.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KEYS.into_iter().map(|(name, _)| name)
    }

    /// The key of this name.
    pub fn named(name: &str) -> &'static Self {
        static PARSED: LazyLock<BTreeMap<&str, Key>> = LazyLock::new(|| {
            let parse = |(name, pem)| {
                let private = PrivateKey::from_pkcs1_pem(pem).expect("a fixture is a PKCS #1 key");
                (name, Key { name, private })
            };
            KEYS.into_iter().map(parse).collect()
        });
        PARSED
            .get(name)
            .unwrap_or_else(|| panic!("no fixture key is called {name}"))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> Vec<u8> {
        self.private.n_bytes().into_vec()
    }

    /// The public exponent, big-endian.
    pub fn exponent(&self) -> Vec<u8> {
        self.private.e_bytes().into_vec()
    }

    /// The id of the key.
    pub fn id(&self, form: KeyIdForm) -> String {
        match form {
            KeyIdForm::Libtrust => libtrust_id(&self.spki()),
            KeyIdForm::Rfc7638 => thumbprint(&self.modulus(), &self.exponent()),
        }
    }

    /// The DER of the SubjectPublicKeyInfo (RFC 5280 section 4.1, RFC 3279 section 2.3.1).
    fn spki(&self) -> Vec<u8> {
        spki(&self.modulus(), &self.exponent())
    }

    /// The SubjectPublicKeyInfo in PEM, as `openssl rsa -pubout` writes it.
    pub fn public_pem(&self) -> String {
        let text = Base64::encode_string(&self.spki());
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("base64 is ASCII"))
            .collect();
        let body = lines.join("\n");
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    /// The public key as the members of a JWK, without braces (RFC 7518 section 6.3.1).
    pub fn jwk_members(&self) -> String {
        let n = Base64UrlUnpadded::encode_string(&self.modulus());
        let e = Base64UrlUnpadded::encode_string(&self.exponent());
        format!(r#""kty":"RSA","n":"{n}","e":"{e}""#)
    }

    /// The certificate's PEM, which a forger would know.
    pub fn certificate_pem(&self) -> &'static str {
        certificate(self.name)
    }

    /// A signature by the key, by way of RSASSA-PKCS1-v1_5 or, with `salt` bytes of it, RSASSA-PSS;
    /// or an HMAC keyed with `secret`.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        salt: Option<usize>,
        secret: &[u8],
    ) -> Vec<u8> {
        let signature = match algorithm {
            Algorithm::Rs256 => self.private.pkcs1v15_sign::<Sha256>(message),
            Algorithm::Rs384 => self.private.pkcs1v15_sign::<Sha384>(message),
            Algorithm::Rs512 => self.private.pkcs1v15_sign::<Sha512>(message),
            Algorithm::Ps256 => return self.sign_pss::<Sha256>(message, salt.unwrap_or(32)),
            Algorithm::Ps384 => return self.sign_pss::<Sha384>(message, salt.unwrap_or(48)),
            Algorithm::Ps512 => return self.sign_pss::<Sha512>(message, salt.unwrap_or(64)),
            Algorithm::Hs256 => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length will do");
                mac.update(message);
                return mac.finalize().into_bytes().to_vec();
            }
        };
        signature.expect("the fixture keys are long enough")
    }

    fn sign_pss<D: Digest + FixedOutputReset>(&self, message: &[u8], salt: usize) -> Vec<u8> {
        SigningKey::<D>::new_with_salt_len(self.private.clone(), salt)
            .try_sign_with_rng(&mut FixedRng, message)
            .expect("the fixture keys are long enough")
            .to_vec()
    }
}

/// The PEM of a fixture certificate.
pub fn certificate(name: &str) -> &'static str {
    let found = CERTIFICATES.into_iter().find(|(known, _)| *known == name);
    found
        .unwrap_or_else(|| panic!("no fixture certificate is called {name}"))
        .1
}

/// A fixture certificate as an element of `x5c`: the DER in base64, which is the PEM's own text.
pub fn x5c(name: &str) -> String {
    certificate(name)
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect()
}

/// libtrust's id of a public key: 240 bits of the SHA-256 of its DER, in base32, in twelve groups.
pub fn libtrust_id(spki: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = Sha256::digest(spki);
    let mut groups = Vec::new();
    // Five bytes are eight letters: two groups.
    for bytes in digest[..30].chunks(5) {
        let bits = bytes
            .iter()
            .fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
        let letter = |index: u32| char::from(ALPHABET[(bits >> (35 - 5 * index) & 31) as usize]);
        groups.push((0..4).map(letter).collect::<String>());
        groups.push((4..8).map(letter).collect::<String>());
    }
    groups.join(":")
}

/// The thumbprint of an RSA key (RFC 7638 section 3).
pub fn thumbprint(modulus: &[u8], exponent: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(br#"{"e":""#);
    hash.update(Base64UrlUnpadded::encode_string(exponent));
    hash.update(br#"","kty":"RSA","n":""#);
    hash.update(Base64UrlUnpadded::encode_string(modulus));
    hash.update(br#""}"#);
    Base64UrlUnpadded::encode_string(&hash.finalize())
}

/// The DER of the SubjectPublicKeyInfo of an RSA key.
pub fn spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    /// `rsaEncryption` with NULL parameters.
    const ALGORITHM: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let integer = |magnitude: &[u8]| {
        // Positive: a leading zero where the first bit is set.
        let mut value = if magnitude[0] >= 0x80 {
            vec![0]
        } else {
            vec![]
        };
        value.extend_from_slice(magnitude);
        der(0x02, &value)
    };
    let key = der(0x30, &[integer(modulus), integer(exponent)].concat());
    let bits = der(0x03, &[&[0], key.as_slice()].concat());
    der(0x30, &[der(0x30, ALGORITHM), bits].concat())
}

/// Tag, length and value (X.690 section 8.1).
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let length = &length[length.iter().take_while(|&&byte| byte == 0).count()..];
    let mut encoded = vec![tag];
    match length {
        [short] if *short < 0x80 => encoded.push(*short),
        long => {
            encoded.push(0x80 | u8::try_from(long.len()).expect("lengths are short"));
            encoded.extend_from_slice(long);
        }
    }
    encoded.extend_from_slice(value);
    encoded
}

/// The salt of test signatures: always the same bytes, so that tokens are the same in every run
/// and wasm needs no source of randomness.
struct FixedRng;

impl TryRng for FixedRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0x5a5a_5a5a)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0x5a5a_5a5a_5a5a_5a5a)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0x5a);
        Ok(())
    }
}

impl TryCryptoRng for FixedRng {}
