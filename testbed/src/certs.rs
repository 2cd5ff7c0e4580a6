//! A throw-away certificate authority for the TLS of a local stack.
//!
//! Not the registry's token certificates: those are `edgectl`'s.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::error::{Error, Result};

/// Certificates are valid from an hour ago, for clients whose clock is behind, for this long.
const VALIDITY: Duration = Duration::days(30);

/// A CA whose key exists in memory only.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// A certificate with its key, both as PEM files.
#[derive(Debug, Clone)]
pub struct ServerCertificate {
    /// Certificate.
    pub certificate: PathBuf,
    /// Private key, PKCS #8.
    pub key: PathBuf,
}

impl Authority {
    /// A new CA.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = params("registry-token-filter local CA", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// The CA certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.certificate
    }

    /// Makes a certificate for `names` (DNS names or IP addresses) as `folder/NAME.crt` and
    /// `folder/NAME.key`.
    ///
    /// # Errors
    /// When a name is not one, or a file cannot be written.
    pub fn issue(&self, folder: &Path, name: &str, names: &[&str]) -> Result<ServerCertificate> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = params(name, names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        let files = ServerCertificate {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
        };
        write(&files.certificate, &certificate.pem())?;
        write(&files.key, &key.serialize_pem())?;
        Ok(files)
    }
}

fn params(common_name: &str, names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = OffsetDateTime::now_utc() - Duration::hours(1);
    params.not_after = params.not_before + VALIDITY;
    Ok(params)
}

fn failed(error: rcgen::Error) -> Error {
    Error::Other(format!("cannot make a certificate: {error}"))
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(Error::io("write", file))
}
