//! Certificates and keys in PEM files, read to be shown: which key is this, under which identifiers do
//! registries know it, how long does the certificate last.

use jiff::Timestamp;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use serde::Serialize;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::{PublicKey, SigningKey};

/// One PEM block of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Described {
    /// What the block is.
    pub kind: Kind,
    /// Kind and size of the key, such as `RSA 4096`.
    pub key: String,
    /// The libtrust fingerprint: the `kid` of GitLab and Distribution 2.
    pub key_id: String,
    /// The RFC 7638 thumbprint: the `kid` of Distribution 3. Known for RSA keys.
    pub thumbprint: Option<String>,
    /// A certificate's own part.
    #[serde(flatten)]
    pub certificate: Option<Dated>,
}

/// What a PEM block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `CERTIFICATE`.
    Certificate,
    /// `PUBLIC KEY`.
    PublicKey,
    /// `PRIVATE KEY` or `RSA PRIVATE KEY`.
    PrivateKey,
}

/// The name and dates of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dated {
    /// The subject, `C=USA, O=GitLab, OU=Container, CN=Registry`.
    pub subject: String,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity.
    pub not_after: Timestamp,
}

/// A PEM text cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// Nothing in it is a certificate or key.
    #[error("no certificate and no key in PEM form; expected a file as `edgectl keys` writes it")]
    Nothing,
    /// The PEM framing is broken.
    #[error("broken PEM: {0}")]
    Pem(String),
    /// The n-th block (from 1) does not hold what its first line says.
    #[error("PEM block {0} cannot be read: {1}")]
    Block(usize, String),
}

impl Described {
    /// Describes every certificate and key of a PEM text; other blocks are passed over, as registries do.
    ///
    /// # Errors
    /// [`DescribeError`].
    pub fn from_pem(pem: &[u8]) -> Result<Vec<Self>, DescribeError> {
        let mut described = Vec::new();
        for (position, block) in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem).enumerate() {
            let (kind, der) = block.map_err(|error| DescribeError::Pem(error.to_string()))?;
            let unreadable = |reason: String| DescribeError::Block(position + 1, reason);
            match kind {
                SectionKind::Certificate => {
                    described.push(Self::certificate(&der).map_err(unreadable)?);
                }
                SectionKind::PublicKey => {
                    let key = PublicKey::from_spki_der(&der)
                        .map_err(|error| unreadable(error.to_string()))?;
                    described.push(Self::key(Kind::PublicKey, &key));
                }
                _ => {
                    if let Some(der) = PrivateKeyDer::from_pem(kind, der) {
                        let key = SigningKey::from_der(&der)
                            .map_err(|error| unreadable(error.to_string()))?;
                        described.push(Self::key(Kind::PrivateKey, key.public_key()));
                    }
                }
            }
        }
        if described.is_empty() {
            Err(DescribeError::Nothing)
        } else {
            Ok(described)
        }
    }

    fn key(kind: Kind, key: &PublicKey) -> Self {
        Self {
            kind,
            key: key.description().to_owned(),
            key_id: key.key_id().to_owned(),
            thumbprint: key.thumbprint().map(str::to_owned),
            certificate: None,
        }
    }

    fn certificate(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        let key =
            PublicKey::from_spki(certificate.public_key()).map_err(|error| error.to_string())?;
        Ok(Self {
            certificate: Some(Dated::of(&certificate)?),
            ..Self::key(Kind::Certificate, &key)
        })
    }
}

impl Dated {
    /// Name and dates of a certificate with any kind of key.
    ///
    /// # Errors
    /// What is wrong with the DER.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        Self::of(&certificate)
    }

    fn of(certificate: &X509Certificate<'_>) -> Result<Self, String> {
        let instant = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_second(time.timestamp()).map_err(|error| error.to_string())
        };
        Ok(Self {
            subject: certificate.subject().to_string(),
            not_before: instant(certificate.validity().not_before)?,
            not_after: instant(certificate.validity().not_after)?,
        })
    }
}
