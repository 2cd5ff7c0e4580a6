//! The key pair between GitLab and its registry: GitLab signs tokens with the key, whoever verifies them
//! trusts the self-signed certificate.
//!
//! Omnibus makes such a pair at the first `gitlab-ctl reconfigure` (`SecretsHelper.generate_keypair`); this
//! one has the same subject, size and lifetime. It differs in one point: the serial number is random, not 0,
//! because RFC 5280 (section 4.1.2.2) wants a positive one and strict parsers refuse zero.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, PKCS_RSA_SHA256};
use rustls_pki_types::PrivatePkcs8KeyDer;
use time::{Duration, OffsetDateTime};

use crate::SigningKey;
use crate::claims::unix_now;

/// Seconds that `notBefore` lies in the past, for a verifier whose clock is slow.
const NOT_BEFORE_SLACK: i64 = 60;

/// A key and its certificate, in memory.
#[derive(Debug)]
pub struct KeyPair {
    /// The key.
    pub key: SigningKey,
    /// The self-signed certificate in PEM.
    pub certificate_pem: String,
    key_pem: String,
}

/// A pair could not be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyPairError {
    /// The key.
    #[error(transparent)]
    Key(#[from] crate::signing_key::KeyError),
    /// The certificate.
    #[error("the certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The dates do not fit an X.509 certificate.
    #[error("{0} days: a certificate must end before the year 10000")]
    Days(u32),
}

impl KeyPair {
    /// Bits of Omnibus's key.
    pub const BITS: u32 = 4096;
    /// Days that Omnibus's certificate lasts: ten years without leap days.
    pub const DAYS: u32 = 3650;

    /// Generates a key of 2048, 3072 or 4096 bits and a certificate for a number of days.
    ///
    /// # Errors
    /// [`KeyPairError`]; with the sizes above and less than 7000 years only if the cryptographic library fails.
    pub fn generate(bits: u32, days: u32) -> Result<Self, KeyPairError> {
        Self::for_key(SigningKey::generate(bits)?, days)
    }

    /// Makes a certificate for a key that exists, which renews an expiring one: key identifiers stay the same.
    ///
    /// # Errors
    /// As [`KeyPair::generate`].
    pub fn for_key(key: SigningKey, days: u32) -> Result<Self, KeyPairError> {
        let pkcs8 = key
            .pkcs8_der()
            .ok_or(crate::signing_key::KeyError::Generation)?;
        let signer = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(pkcs8.as_ref()),
            &PKCS_RSA_SHA256,
        )?;
        let start =
            OffsetDateTime::from_unix_timestamp(unix_now().saturating_sub(NOT_BEFORE_SLACK));
        let start = start.map_err(|_| KeyPairError::Days(days))?;
        let mut certificate = CertificateParams::default();
        certificate.distinguished_name = omnibus_subject()?;
        certificate.not_before = start;
        certificate.not_after = start
            .checked_add(Duration::days(i64::from(days)))
            .ok_or(KeyPairError::Days(days))?;
        let certificate_pem = certificate.self_signed(&signer)?.pem();
        Ok(Self {
            key,
            certificate_pem,
            key_pem: signer.serialize_pem(),
        })
    }

    /// The private key in PEM (PKCS#8). Whoever reads it can mint tokens.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
}

/// `C=USA, O=GitLab, OU=Container, CN=Registry`, with the string types that Ruby's `X509::Name.parse` picks.
/// A country of three letters is more than X.520 allows (ISO 3166, two), but a legal `PrintableString` that
/// Go and OpenSSL read; it is kept because that is what Omnibus writes.
fn omnibus_subject() -> Result<DistinguishedName, rcgen::Error> {
    let mut subject = DistinguishedName::new();
    subject.push(
        DnType::CountryName,
        DnValue::PrintableString("USA".try_into()?),
    );
    subject.push(DnType::OrganizationName, "GitLab");
    subject.push(DnType::OrganizationalUnitName, "Container");
    subject.push(DnType::CommonName, "Registry");
    Ok(subject)
}

/// Where the two halves of a pair lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPairFiles {
    /// The private key, mode 0600.
    pub key: PathBuf,
    /// The certificate, mode 0644.
    pub certificate: PathBuf,
}

/// A pair could not be written. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Keys are never overwritten.
    #[error(
        "{} exists and is not overwritten: GitLab and the registry may be using it; move it away, \
         or choose another --out or --name", .0.display()
    )]
    Exists(PathBuf),
    /// The folder is missing.
    #[error("there is no folder {}: create it, or choose another --out", .0.display())]
    NoFolder(PathBuf),
    /// The system refuses.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl KeyPairFiles {
    /// `NAME.key` and `NAME.crt` in a folder.
    #[must_use]
    pub fn named(folder: &Path, name: &str) -> Self {
        Self {
            key: folder.join(format!("{name}.key")),
            certificate: folder.join(format!("{name}.crt")),
        }
    }

    /// Tells early, before seconds go into a key, whether [`KeyPairFiles::write`] would be refused.
    ///
    /// # Errors
    /// [`WriteError::NoFolder`] and [`WriteError::Exists`].
    pub fn ensure_free(&self) -> Result<(), WriteError> {
        for path in [&self.key, &self.certificate] {
            let folder = path.parent().unwrap_or(path);
            if !folder.as_os_str().is_empty() && !folder.is_dir() {
                return Err(WriteError::NoFolder(folder.to_owned()));
            }
            // Not `exists`, which follows a link: a dangling one is in the way as well.
            if path.symlink_metadata().is_ok() {
                return Err(WriteError::Exists(path.clone()));
            }
        }
        Ok(())
    }

    /// Writes both halves or neither.
    ///
    /// Both files are created before either is filled, and only if they do not exist; the key is private from
    /// its first moment, whatever the umask.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, pair: &KeyPair) -> Result<(), WriteError> {
        self.ensure_free()?;
        let mut key = Draft::create(&self.key, 0o600)?;
        let mut certificate = Draft::create(&self.certificate, 0o644)?;
        key.fill(pair.key_pem())?;
        certificate.fill(&pair.certificate_pem)?;
        key.keep();
        certificate.keep();
        Ok(())
    }
}

/// A new file that disappears again unless it is kept.
pub(crate) struct Draft<'a> {
    path: &'a Path,
    file: File,
    kept: bool,
}

impl<'a> Draft<'a> {
    pub(crate) fn create(path: &'a Path, mode: u32) -> Result<Self, WriteError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path);
        match file {
            Ok(file) => Ok(Self {
                path,
                file,
                kept: false,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(WriteError::Exists(path.to_owned()))
            }
            Err(source) => Err(WriteError::Io {
                path: path.to_owned(),
                source,
            }),
        }
    }

    pub(crate) fn fill(&mut self, text: &str) -> Result<(), WriteError> {
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_all())
            .map_err(|source| WriteError::Io {
                path: self.path.to_owned(),
                source,
            })
    }

    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing better can be done about a file that cannot be removed either.
            let _ = std::fs::remove_file(self.path);
        }
    }
}
