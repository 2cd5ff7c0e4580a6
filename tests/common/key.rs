//! The fixture keys, their ids, and signing with them.
//!
//! Ids and encodings are made here from a key's numbers alone, not by the filter.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::pkcs8::DecodePrivateKey;
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pss::SigningKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use rsa::traits::PublicKeyParts;
use sha2::digest::FixedOutputReset;
use sha2::digest::const_oid::AssociatedOid;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::profile::KeyIdForm;
use super::token::Algorithm;

/// Fixtures of these names with this ending.
macro_rules! fixtures {
    ($ending:literal, [$($name:literal),+ $(,)?]) => {
        [$(($name, include_str!(concat!("../fixtures/keys/", $name, $ending)))),+]
    };
}

const KEYS: [(&str, &str); 13] = fixtures!(
    ".key",
    [
        "ed25519",
        "ed25519-stranger",
        "gitlab",
        "leaf",
        "p256",
        "p256-leaf",
        "p256-short",
        "p256-stranger",
        "p384",
        "p521",
        "registry",
        "second",
        "stranger",
    ]
);

const CERTIFICATES: [(&str, &str); 14] = fixtures!(
    ".crt",
    [
        "ed25519",
        "ed25519-stranger",
        "expired",
        "gitlab",
        "leaf",
        "p256",
        "p256-leaf",
        "p256-short",
        "p256-stranger",
        "p384",
        "p521",
        "registry",
        "second",
        "stranger",
    ]
);

/// A key pair of the fixtures.
pub struct Key {
    name: &'static str,
    private: Private,
    public: Public,
}

enum Private {
    Rsa(Box<PrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// The numbers of a public key, big-endian.
#[derive(Clone, Debug)]
pub enum Public {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Ec {
        curve: &'static Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Ed25519 {
        x: Vec<u8>,
    },
}

/// A curve of ECDSA (RFC 5480 section 2.1.1.1, RFC 7518 section 6.2.1.1).
#[derive(Debug)]
pub struct Curve {
    name: &'static str,
    /// The length of a coordinate, in bytes.
    width: usize,
    /// Its object identifier in DER.
    oid: &'static [u8],
}

const P256: Curve = Curve {
    name: "P-256",
    width: 32,
    oid: b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
};
const P384: Curve = Curve {
    name: "P-384",
    width: 48,
    oid: b"\x06\x05\x2b\x81\x04\x00\x22",
};
const P521: Curve = Curve {
    name: "P-521",
    width: 66,
    oid: b"\x06\x05\x2b\x81\x04\x00\x23",
};

impl Key {
    /// The names of all keys.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KEYS.into_iter().map(|(name, _)| name)
    }

    /// The key of this name.
    pub fn named(name: &str) -> &'static Self {
        static PARSED: LazyLock<BTreeMap<&str, Key>> = LazyLock::new(|| {
            let parse = |(name, pem)| (name, Key::parse(name, pem));
            KEYS.into_iter().map(parse).collect()
        });
        PARSED
            .get(name)
            .unwrap_or_else(|| panic!("no fixture key is called {name}"))
    }

    fn parse(name: &'static str, pem: &str) -> Self {
        let private = if let Ok(key) = PrivateKey::from_pkcs1_pem(pem) {
            Private::Rsa(Box::new(key))
        } else if let Ok(key) = p256::SecretKey::from_pkcs8_pem(pem) {
            Private::P256(key.into())
        } else if let Ok(key) = p384::SecretKey::from_pkcs8_pem(pem) {
            Private::P384(key.into())
        } else if let Ok(key) = p521::SecretKey::from_pkcs8_pem(pem) {
            Private::P521(key.into())
        } else {
            let key = ed25519_dalek::SigningKey::from_pkcs8_pem(pem);
            Private::Ed25519(key.expect("a fixture is a key in PKCS 1 or 8"))
        };
        let public = private.public();
        Self {
            name,
            private,
            public,
        }
    }

    /// The name of its file.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The numbers of the public key.
    pub const fn public(&self) -> &Public {
        &self.public
    }

    /// What a token by this key is signed with where its recipe does not say.
    pub const fn algorithm(&self) -> Algorithm {
        match self.private {
            Private::Rsa(_) => Algorithm::Rs256,
            Private::P256(_) => Algorithm::Es256,
            Private::P384(_) => Algorithm::Es384,
            Private::P521(_) => Algorithm::Es512,
            Private::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// The id of the key.
    pub fn id(&self, form: KeyIdForm) -> String {
        match form {
            KeyIdForm::Libtrust => libtrust_id(&self.public.spki()),
            KeyIdForm::Rfc7638 => self.public.thumbprint(),
        }
    }

    /// The SubjectPublicKeyInfo in PEM, as `openssl pkey -pubout` writes it.
    pub fn public_pem(&self) -> String {
        let text = Base64::encode_string(&self.public.spki());
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("base64 is ASCII"))
            .collect();
        let body = lines.join("\n");
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    /// The certificate's PEM, which a forger would know.
    pub fn certificate_pem(&self) -> &'static str {
        certificate(self.name)
    }

    /// A signature by the key, RSASSA-PSS with `salt` bytes of it; or an HMAC keyed with `secret`.
    ///
    /// An algorithm of another curve is the hash and the lengths of that one, as a library takes it
    /// that looks at the key and the algorithm apart.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        salt: Option<usize>,
        secret: &[u8],
    ) -> Vec<u8> {
        use Algorithm as A;
        match (&self.private, algorithm) {
            (_, A::Hs256) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length will do");
                mac.update(message);
                mac.finalize().into_bytes().to_vec()
            }
            (Private::Rsa(key), A::Rs256) => pkcs1::<Sha256>(key, message),
            (Private::Rsa(key), A::Rs384) => pkcs1::<Sha384>(key, message),
            (Private::Rsa(key), A::Rs512) => pkcs1::<Sha512>(key, message),
            (Private::Rsa(key), A::Ps256) => pss::<Sha256>(key, message, salt.unwrap_or(32)),
            (Private::Rsa(key), A::Ps384) => pss::<Sha384>(key, message, salt.unwrap_or(48)),
            (Private::Rsa(key), A::Ps512) => pss::<Sha512>(key, message, salt.unwrap_or(64)),
            (Private::Ed25519(key), A::EdDsa) => key.sign(message).to_vec(),
            (key, A::Es256) => key.sign_ecdsa(&Sha256::digest(message), P256.width),
            (key, A::Es384) => key.sign_ecdsa(&Sha384::digest(message), P384.width),
            (key, A::Es512) => key.sign_ecdsa(&Sha512::digest(message), P521.width),
            (_, algorithm) => panic!("{} signs with no {}", self.name, algorithm.name()),
        }
    }
}

impl Private {
    fn public(&self) -> Public {
        let point = |curve: &'static Curve, point: &[u8]| {
            let (x, y) = point[1..].split_at(curve.width);
            let (x, y) = (x.to_vec(), y.to_vec());
            Public::Ec { curve, x, y }
        };
        match self {
            Self::Rsa(key) => Public::Rsa {
                n: key.n_bytes().into_vec(),
                e: key.e_bytes().into_vec(),
            },
            Self::P256(key) => point(&P256, &key.verifying_key().to_sec1_point(false).to_bytes()),
            Self::P384(key) => point(&P384, &key.verifying_key().to_sec1_point(false).to_bytes()),
            Self::P521(key) => point(&P521, &key.verifying_key().to_sec1_point(false).to_bytes()),
            Self::Ed25519(key) => Public::Ed25519 {
                x: key.verifying_key().to_bytes().to_vec(),
            },
        }
    }

    /// r and s (RFC 6979), each written with `width` bytes: led by zeros, or without its first ones.
    fn sign_ecdsa(&self, hash: &[u8], width: usize) -> Vec<u8> {
        let signature = match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign_prehash(hash).expect("a hash");
                signature.to_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign_prehash(hash).expect("a hash");
                signature.to_bytes().to_vec()
            }
            Self::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign_prehash(hash).expect("a hash");
                signature.to_bytes().to_vec()
            }
            Self::Rsa(_) | Self::Ed25519(_) => panic!("ECDSA is of the curves of NIST"),
        };
        let halves = signature.chunks(signature.len() / 2);
        halves.flat_map(|half| resized(half, width)).collect()
    }
}

/// A number, big-endian, with this many bytes.
fn resized(number: &[u8], width: usize) -> Vec<u8> {
    let zeros = vec![0; width.saturating_sub(number.len())];
    [&zeros, &number[number.len().saturating_sub(width)..]].concat()
}

fn pkcs1<D: Digest + AssociatedOid>(key: &PrivateKey, message: &[u8]) -> Vec<u8> {
    key.pkcs1v15_sign::<D>(message)
        .expect("the fixture keys are long enough")
}

fn pss<D: Digest + FixedOutputReset>(key: &PrivateKey, message: &[u8], salt: usize) -> Vec<u8> {
    SigningKey::<D>::new_with_salt_len(key.clone(), salt)
        .try_sign_with_rng(&mut FixedRng, message)
        .expect("the fixture keys are long enough")
        .to_vec()
}

impl Public {
    /// The DER of the SubjectPublicKeyInfo (RFC 5280 section 4.1; RFC 3279 section 2.3.1, RFC 5480
    /// section 2, RFC 8410 section 4).
    pub fn spki(&self) -> Vec<u8> {
        let (algorithm, key) = match self {
            Self::Rsa { n, e } => (
                b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00".to_vec(),
                der(0x30, &[integer(n), integer(e)].concat()),
            ),
            Self::Ec { curve, x, y } => (
                [b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", curve.oid].concat(),
                [&[4], x.as_slice(), y].concat(),
            ),
            Self::Ed25519 { x } => (b"\x06\x03\x2b\x65\x70".to_vec(), x.clone()),
        };
        let bits = der(0x03, &[&[0], key.as_slice()].concat());
        der(0x30, &[der(0x30, &algorithm), bits].concat())
    }

    /// The thumbprint by Distribution 3: that of RFC 7638 section 3, but that a coordinate's
    /// leading zeros are left out (`registry/auth/token/util.go`).
    pub fn thumbprint(&self) -> String {
        let text = Base64UrlUnpadded::encode_string;
        let members = match self {
            Self::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n))
            }
            Self::Ec { curve, x, y } => {
                let short = |number: &[u8]| {
                    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
                    text(&number[zeros..])
                };
                let (crv, x, y) = (curve.name, short(x), short(y));
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Ed25519 { x } => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x))
            }
        };
        text(&Sha256::digest(members))
    }

    /// The members of a JWK, without braces (RFC 7518 section 6, RFC 8037 section 2).
    pub fn jwk_members(&self) -> String {
        let text = Base64UrlUnpadded::encode_string;
        match self {
            Self::Rsa { n, e } => format!(r#""kty":"RSA","n":"{}","e":"{}""#, text(n), text(e)),
            Self::Ec { curve, x, y } => {
                let (crv, x, y) = (curve.name, text(x), text(y));
                format!(r#""kty":"EC","crv":"{crv}","x":"{x}","y":"{y}""#)
            }
            Self::Ed25519 { x } => format!(r#""kty":"OKP","crv":"Ed25519","x":"{}""#, text(x)),
        }
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

/// A positive integer (X.690 section 8.3): a leading zero where the first bit is set.
fn integer(magnitude: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if magnitude[0] >= 0x80 { &[0] } else { &[] };
    der(0x02, &[sign, magnitude].concat())
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
