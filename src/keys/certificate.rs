//! X.509 certificates in PEM, reduced to what verifying tokens needs.
//!
//! This file stands alone but for `public_key.rs`: `build.rs` includes both to read the bundle that
//! is embedded, and the filter uses them for the bundle in its configuration, so that both judge a
//! file alike.
//!
//! No chain is built and no signature on a certificate is verified: a bundle is the operator's
//! word for which keys sign tokens, exactly as in the registry. Validity dates are reported, not
//! enforced: the registry accepts the key of an expired certificate by its `kid` (measured).

use std::fmt;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{self, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};

use super::public_key::{PublicKey, PublicKeyError};

/// The public key of a certificate, with what names the certificate and its dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateKey {
    /// The key.
    pub public_key: PublicKey,
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
    /// The certificate's key is none that tokens may be signed with.
    Key {
        /// Which certificate.
        number: usize,
        /// Why not.
        error: PublicKeyError,
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

/// Reads a certificate in DER, number `number` of its bundle.
///
/// # Errors
///
/// [`BundleError::Certificate`] or [`BundleError::Key`].
pub fn parse_certificate(der: &[u8], number: usize) -> Result<CertificateKey, BundleError> {
    let (validity, spki) = fields(der).map_err(|fault| BundleError::Certificate {
        number,
        fault: fault.to_string(),
    })?;
    let public_key =
        PublicKey::from_spki(&spki).map_err(|error| BundleError::Key { number, error })?;
    Ok(CertificateKey {
        public_key,
        fingerprint: fingerprint(der),
        not_before: seconds(validity.not_before),
        not_after: seconds(validity.not_after),
    })
}

/// The two fields that count (RFC 5280 section 4.1). The others are skipped, each a whole value: to
/// read names and extensions would be a tenth of the artifact.
fn fields(der: &[u8]) -> der::Result<(Validity, SubjectPublicKeyInfoOwned)> {
    const VERSION: Tag = Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(0),
    };
    let certificate = AnyRef::from_der(der)?;
    let mut certificate = SliceReader::new(sequence(certificate)?)?;
    let mut to_be_signed = SliceReader::new(sequence(AnyRef::decode(&mut certificate)?)?)?;
    let _algorithm = AnyRef::decode(&mut certificate)?;
    let _signature = AnyRef::decode(&mut certificate)?;
    certificate.finish()?;

    if Tag::peek(&to_be_signed)? == VERSION {
        AnyRef::decode(&mut to_be_signed)?;
    }
    let _serial_number = AnyRef::decode(&mut to_be_signed)?;
    let _algorithm = AnyRef::decode(&mut to_be_signed)?;
    let _issuer = AnyRef::decode(&mut to_be_signed)?;
    let validity = Validity::decode(&mut to_be_signed)?;
    let _subject = AnyRef::decode(&mut to_be_signed)?;
    let spki = SubjectPublicKeyInfoOwned::decode(&mut to_be_signed)?;
    Ok((validity, spki))
}

fn sequence(value: AnyRef<'_>) -> der::Result<&[u8]> {
    value.tag().assert_eq(Tag::Sequence)?;
    Ok(value.value())
}

fn seconds(time: Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

/// SHA-256 of a certificate in DER.
#[must_use]
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
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
            Self::Key { number, error } => {
                write!(formatter, "the key of certificate {number} {error}")
            }
        }
    }
}

impl std::error::Error for BundleError {}
