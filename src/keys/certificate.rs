//! X.509 certificates in PEM, reduced to what verifying tokens needs.
//!
//! This file stands alone: `build.rs` includes it to read the bundle that is embedded, and the
//! filter uses it for the bundle in its configuration, so that both judge a file alike.
//!
//! No chain is built and no signature on a certificate is verified: a bundle is the operator's
//! word for which keys sign tokens, exactly as in the registry. Validity dates are reported, not
//! enforced: the registry accepts the key of an expired certificate by its `kid` (measured).

use std::fmt;
use std::ops::RangeInclusive;

use base32ct::{Base32UpperUnpadded, Encoding as _};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::asn1::{Any, AnyRef, BitString, UintRef};
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};

/// The RSA moduli that are accepted, in bits.
///
/// Below, a signature can be forged with known effort (NIST SP 800-131A); above, verifying costs
/// more than a request should.
pub const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// The first bytes of the fingerprint that a libtrust key id shows (`docker/libtrust`, `util.go`).
const LIBTRUST_BYTES: usize = 30;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The public key of a certificate, with its names and dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateKey {
    /// The RSA modulus, big-endian, without leading zeros.
    pub modulus: Vec<u8>,
    /// The RSA public exponent, big-endian, without leading zeros.
    pub exponent: Vec<u8>,
    /// The key id by libtrust, `VUZD:EDHW:…`, 59 characters.
    pub libtrust: String,
    /// The key id by RFC 7638, 43 characters of base64url.
    pub rfc7638: String,
    /// SHA-256 of the certificate (DER), by which a token's `x5c` is recognised.
    pub fingerprint: [u8; 32],
    /// `notBefore` of the certificate, seconds since 1970.
    pub not_before: i64,
    /// `notAfter` of the certificate, seconds since 1970.
    pub not_after: i64,
}

/// What is wrong with a bundle. Certificates are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// The text holds no PEM block of the type CERTIFICATE.
    Empty,
    /// A PEM block is cut short or is not base64.
    Pem {
        /// Which certificate.
        number: usize,
    },
    /// The block is not a certificate.
    Certificate {
        /// Which certificate.
        number: usize,
        /// What the parser says.
        fault: String,
    },
    /// The certificate's key is not an RSA key.
    NotRsa {
        /// Which certificate.
        number: usize,
    },
    /// The RSA key is too small or too large; see [`RSA_BITS`].
    KeySize {
        /// Which certificate.
        number: usize,
        /// The length of its modulus.
        bits: usize,
    },
}

/// Reads every certificate of a PEM bundle, in order; other blocks and text between are skipped,
/// as the registry does.
///
/// # Errors
///
/// The first [`BundleError`]: one bad certificate spoils the bundle, as in the registry.
pub fn parse_bundle(pem: &[u8]) -> Result<Vec<CertificateKey>, BundleError> {
    let mut keys = Vec::new();
    for (index, block) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let number = index + 1;
        let der = block.map_err(|_| BundleError::Pem { number })?;
        keys.push(parse_certificate(&der, number)?);
    }
    if keys.is_empty() {
        Err(BundleError::Empty)
    } else {
        Ok(keys)
    }
}

fn parse_certificate(der: &[u8], number: usize) -> Result<CertificateKey, BundleError> {
    let unreadable = |fault: x509_cert::der::Error| BundleError::Certificate {
        number,
        fault: fault.to_string(),
    };
    let certificate = Certificate::from_der(der).map_err(unreadable)?;
    let tbs = certificate.tbs_certificate();
    let spki = tbs.subject_public_key_info();
    // RFC 3279 section 2.3.1: the parameters are NULL. Go refuses the key otherwise, and the
    // libtrust key id is computed over them.
    let has_null_parameters = spki
        .algorithm
        .parameters
        .as_ref()
        .is_some_and(|any| AnyRef::from(any) == AnyRef::NULL);
    if spki.algorithm.oid != RSA_ENCRYPTION || !has_null_parameters {
        return Err(BundleError::NotRsa { number });
    }
    let key = pkcs1::RsaPublicKeyRef::from_der(spki.subject_public_key.raw_bytes())
        .map_err(unreadable)?;
    let (modulus, exponent) = (key.modulus.as_bytes(), key.public_exponent.as_bytes());
    let leading_zeros = modulus
        .first()
        .map_or(0, |first| first.leading_zeros() as usize);
    let bits = (modulus.len() * 8).saturating_sub(leading_zeros);
    if !RSA_BITS.contains(&bits) {
        return Err(BundleError::KeySize { number, bits });
    }
    Ok(CertificateKey {
        libtrust: libtrust(&rsa_spki(modulus, exponent).map_err(unreadable)?),
        rfc7638: rfc7638(modulus, exponent),
        fingerprint: fingerprint(der),
        modulus: modulus.to_vec(),
        exponent: exponent.to_vec(),
        not_before: seconds(tbs.validity().not_before),
        not_after: seconds(tbs.validity().not_after),
    })
}

fn seconds(time: x509_cert::time::Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

/// SHA-256 of a certificate in DER.
#[must_use]
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// The SubjectPublicKeyInfo (DER) of an RSA key, by RFC 3279 section 2.3.1.
///
/// # Errors
///
/// When a number is too long for DER, which no key of [`RSA_BITS`] is.
pub fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>, x509_cert::der::Error> {
    let key = pkcs1::RsaPublicKeyRef {
        modulus: UintRef::new(modulus)?,
        public_exponent: UintRef::new(exponent)?,
    };
    let spki = SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned {
            oid: RSA_ENCRYPTION,
            parameters: Some(Any::null()),
        },
        subject_public_key: BitString::from_bytes(&key.to_der()?)?,
    };
    spki.to_der()
}

/// The key id of a public key by libtrust: the first 240 bits of the SHA-256 of its
/// SubjectPublicKeyInfo, in base32, in groups of four.
#[must_use]
pub fn libtrust(spki_der: &[u8]) -> String {
    let digest = Sha256::digest(spki_der);
    let text = Base32UpperUnpadded::encode_string(digest.get(..LIBTRUST_BYTES).unwrap_or_default());
    let mut id = String::with_capacity(text.len() + text.len() / 4);
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            id.push(':');
        }
        id.push(character);
    }
    id
}

/// The key id of an RSA key by RFC 7638 section 3: the SHA-256 of the JWK's required members, in
/// base64url.
#[must_use]
pub fn rfc7638(modulus: &[u8], exponent: &[u8]) -> String {
    let n = Base64UrlUnpadded::encode_string(modulus);
    let e = Base64UrlUnpadded::encode_string(exponent);
    let digest = Sha256::digest(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
    Base64UrlUnpadded::encode_string(&digest)
}

impl fmt::Display for BundleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("it holds no PEM block of the type CERTIFICATE"),
            Self::Pem { number } => {
                write!(
                    formatter,
                    "the PEM block of certificate {number} is cut short or not base64"
                )
            }
            Self::Certificate { number, fault } => {
                write!(formatter, "certificate {number} is not readable: {fault}")
            }
            Self::NotRsa { number } => {
                write!(
                    formatter,
                    "the key of certificate {number} is not an RSA key"
                )
            }
            Self::KeySize { number, bits } => write!(
                formatter,
                "the key of certificate {number} has {bits} bits; expected {} to {}",
                RSA_BITS.start(),
                RSA_BITS.end()
            ),
        }
    }
}

impl std::error::Error for BundleError {}
