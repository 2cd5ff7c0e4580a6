//! Public keys: what they are made of, how DER writes them, and the ids they are named by.
//!
//! This file stands alone, as `certificate.rs` does: `build.rs` includes both. Whether a key can
//! be calculated with is judged where it is (`signature.rs`).

use std::fmt;
use std::ops::RangeInclusive;

use base32ct::{Base32UpperUnpadded, Encoding as _};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::{Any, AnyRef, BitString, UintRef};
use x509_cert::der::{self, Decode, Encode};
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};

/// The RSA moduli that are accepted, in bits.
///
/// Below, a signature can be forged with known effort (NIST SP 800-131A); above, verifying costs
/// more than a request should.
pub const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// The first bytes of the fingerprint that a libtrust key id shows (`docker/libtrust`, `util.go`).
const LIBTRUST_BYTES: usize = 30;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What an uncompressed point begins with (SEC 1 section 2.3.3), the only form Go reads.
const UNCOMPRESSED: u8 = 4;

/// A public key of a kind and size that tokens may be signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    material: KeyMaterial,
    spki: Vec<u8>,
}

/// The numbers of a public key, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMaterial {
    /// An RSA key of [`RSA_BITS`]; both numbers without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The public exponent.
        e: Vec<u8>,
    },
    /// A point, each coordinate as long as the curve's field ([`Curve::bytes`]).
    Ec {
        /// The curve.
        curve: Curve,
        /// The x-coordinate.
        x: Vec<u8>,
        /// The y-coordinate.
        y: Vec<u8>,
    },
    /// An Ed25519 key (RFC 8032 section 5.1.5).
    Ed25519 {
        /// The encoded point.
        x: [u8; 32],
    },
}

/// A curve of ECDSA keys (RFC 7518 section 6.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// Its name in a JWK.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The curve of this name in a JWK.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.name() == name)
    }

    /// The length of a coordinate and of each half of a signature, in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// RFC 5480 section 2.1.1.1.
    const fn oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Self::P256 => "1.2.840.10045.3.1.7",
            Self::P384 => "1.3.132.0.34",
            Self::P521 => "1.3.132.0.35",
        })
    }
}

/// Why a public key is none that tokens may be signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKeyError {
    /// Neither RSA, nor ECDSA on a [`Curve`], nor Ed25519.
    Unsupported,
    /// An RSA key outside [`RSA_BITS`].
    RsaBits(usize),
    /// A coordinate or an encoded point that is not as long as the curve's field.
    Length,
    /// Not readable.
    Der(der::Error),
}

impl PublicKey {
    /// The RSA key of a modulus and an exponent, big-endian; leading zeros do not count.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError::RsaBits`], or [`PublicKeyError::Der`] if the exponent is empty.
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, PublicKeyError> {
        let (n, e) = (significant(n), significant(e));
        let leading_zeros = n.first().map_or(0, |first| first.leading_zeros() as usize);
        let bits = (n.len() * 8).saturating_sub(leading_zeros);
        if !RSA_BITS.contains(&bits) {
            return Err(PublicKeyError::RsaBits(bits));
        }
        let key = pkcs1::RsaPublicKeyRef {
            modulus: UintRef::new(n)?,
            public_exponent: UintRef::new(e)?,
        };
        let (n, e) = (n.to_vec(), e.to_vec());
        // RFC 3279 section 2.3.1: the parameters are NULL.
        let parameters = Some(Any::null());
        let spki = spki(RSA_ENCRYPTION, parameters, &key.to_der()?)?;
        Ok(Self {
            material: KeyMaterial::Rsa { n, e },
            spki,
        })
    }

    /// The key of a point. Whether it is on the curve is not judged here.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError::Length`] for a coordinate that is not as long as the curve's field.
    pub fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, PublicKeyError> {
        if x.len() != curve.bytes() || y.len() != curve.bytes() {
            return Err(PublicKeyError::Length);
        }
        let point = [&[UNCOMPRESSED], x, y].concat();
        let parameters = Some(Any::from(&curve.oid()));
        let spki = spki(EC_PUBLIC_KEY, parameters, &point)?;
        let (x, y) = (x.to_vec(), y.to_vec());
        Ok(Self {
            material: KeyMaterial::Ec { curve, x, y },
            spki,
        })
    }

    /// The Ed25519 key of an encoded point. Whether it is a point is not judged here.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError::Length`] if it is not 32 bytes long.
    pub fn ed25519(x: &[u8]) -> Result<Self, PublicKeyError> {
        let x: [u8; 32] = x.try_into().map_err(|_| PublicKeyError::Length)?;
        // RFC 8410 section 3: the parameters are absent.
        let spki = spki(ED25519, None, &x)?;
        Ok(Self {
            material: KeyMaterial::Ed25519 { x },
            spki,
        })
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    ///
    /// See [`PublicKeyError`].
    pub fn from_der(spki: &[u8]) -> Result<Self, PublicKeyError> {
        Self::from_spki(&SubjectPublicKeyInfoOwned::from_der(spki)?)
    }

    /// Reads a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), with no more latitude than Go's
    /// `crypto/x509`, for which key ids are computed over the encoding.
    ///
    /// # Errors
    ///
    /// See [`PublicKeyError`].
    pub fn from_spki(spki: &SubjectPublicKeyInfoOwned) -> Result<Self, PublicKeyError> {
        let parameters = spki.algorithm.parameters.as_ref();
        let key = spki.subject_public_key.as_bytes().unwrap_or_default();
        match (spki.algorithm.oid, parameters) {
            (RSA_ENCRYPTION, Some(any)) if AnyRef::from(any) == AnyRef::NULL => {
                let key = pkcs1::RsaPublicKeyRef::from_der(key)?;
                Self::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
            }
            (EC_PUBLIC_KEY, Some(any)) => {
                let oid = any.decode_as::<ObjectIdentifier>()?;
                let curve = Curve::ALL.into_iter().find(|curve| curve.oid() == oid);
                let curve = curve.ok_or(PublicKeyError::Unsupported)?;
                let Some((&UNCOMPRESSED, point)) = key.split_first() else {
                    return Err(PublicKeyError::Length);
                };
                let halves = point.split_at_checked(curve.bytes());
                let (x, y) = halves.ok_or(PublicKeyError::Length)?;
                Self::ec(curve, x, y)
            }
            (ED25519, None) => Self::ed25519(key),
            _ => Err(PublicKeyError::Unsupported),
        }
    }

    /// Its numbers.
    #[must_use]
    pub const fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// Its SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Its id by libtrust, `VUZD:EDHW:…`: the first 240 bits of the SHA-256 of its
    /// SubjectPublicKeyInfo, in base32, in twelve groups of four.
    #[must_use]
    pub fn libtrust(&self) -> String {
        let digest = Sha256::digest(&self.spki);
        let bytes = digest.get(..LIBTRUST_BYTES).unwrap_or_default();
        let text = Base32UpperUnpadded::encode_string(bytes);
        let mut id = String::with_capacity(text.len() + text.len() / 4);
        for (index, character) in text.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                id.push(':');
            }
            id.push(character);
        }
        id
    }

    /// Its id by Distribution 3, 43 characters of base64url: the thumbprint of RFC 7638 section 3,
    /// but for EC keys with a coordinate that begins with a zero byte. RFC 7518 section 6.2.1.2
    /// keeps that byte, Distribution leaves it out (`registry/auth/token/util.go`).
    #[must_use]
    pub fn rfc7638(&self) -> String {
        let text = Base64UrlUnpadded::encode_string;
        let members = match &self.material {
            KeyMaterial::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n))
            }
            KeyMaterial::Ec { curve, x, y } => {
                let (x, y) = (text(significant(x)), text(significant(y)));
                let crv = curve.name();
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            KeyMaterial::Ed25519 { x } => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x))
            }
        };
        Base64UrlUnpadded::encode_string(&Sha256::digest(members))
    }
}

/// A number without its leading zeros.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn spki(
    oid: ObjectIdentifier,
    parameters: Option<Any>,
    key: &[u8],
) -> Result<Vec<u8>, PublicKeyError> {
    let spki = SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned { oid, parameters },
        subject_public_key: BitString::from_bytes(key)?,
    };
    Ok(spki.to_der()?)
}

impl From<der::Error> for PublicKeyError {
    fn from(error: der::Error) -> Self {
        Self::Der(error)
    }
}

impl fmt::Display for PublicKeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => formatter.write_str(
                "is neither an RSA key, nor one on the curves P-256, P-384 and P-521, nor Ed25519",
            ),
            Self::RsaBits(bits) => write!(
                formatter,
                "has {bits} bits; expected {} to {}",
                RSA_BITS.start(),
                RSA_BITS.end()
            ),
            Self::Length => formatter.write_str("is not an uncompressed point of its curve"),
            Self::Der(fault) => write!(formatter, "is not readable: {fault}"),
        }
    }
}

impl std::error::Error for PublicKeyError {}
