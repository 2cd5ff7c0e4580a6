//! The fixture keys of the repository (`tests/fixtures/keys`): public, and secret to no one.
//!
//! `registry`, `second` and `gitlab` are in the bundle of registry and filter; `stranger` is a key
//! of the same kind that nobody trusts.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use edgectl::SigningKey;
use pkcs1::RsaPrivateKeyRef;
use rustls_pki_types::PrivatePkcs1KeyDer;
use rustls_pki_types::pem::PemObject as _;
use testbed::{Error, Result};

use crate::case::KeyIdForm;

/// The keys whose certificates are the bundle.
pub(crate) const TRUSTED: [&str; 3] = ["registry", "second", "gitlab"];

/// Every key there is.
pub(crate) const ALL: [&str; 4] = ["registry", "second", "gitlab", "stranger"];

/// Every certificate there is, whose key need not be there.
pub(crate) const CERTIFICATES: [&str; 7] = [
    "registry", "second", "gitlab", "stranger", "expired", "ec", "weak",
];

/// A key pair of the fixtures.
pub(crate) struct Key {
    name: &'static str,
    pub(crate) signing: SigningKey,
    modulus: String,
    exponent: String,
}

/// All fixture keys and certificates.
pub(crate) struct Keys {
    keys: Vec<Key>,
    certificates: Vec<(&'static str, String)>,
}

impl Keys {
    /// Reads the fixtures.
    pub(crate) fn read() -> Result<Self> {
        let folder = testbed::artifact::root().join("tests/fixtures/keys");
        let keys = ALL.into_iter().map(|name| Key::read(&folder, name));
        let certificates = CERTIFICATES.into_iter().map(|name| {
            let file = folder.join(format!("{name}.crt"));
            let pem = std::fs::read_to_string(&file).map_err(Error::io("read", &file))?;
            Ok((name, pem))
        });
        Ok(Self {
            keys: keys.collect::<Result<_>>()?,
            certificates: certificates.collect::<Result<_>>()?,
        })
    }

    /// The key of this name.
    pub(crate) fn named(&self, name: &str) -> Result<&Key> {
        let found = self.keys.iter().find(|key| key.name == name);
        found.ok_or_else(|| Error::Other(format!("no fixture key is called {name}")))
    }

    /// The PEM of a certificate.
    pub(crate) fn certificate(&self, name: &str) -> Result<&str> {
        let mut all = self.certificates.iter();
        let found = all.find(|(known, _)| *known == name);
        found
            .map(|(_, pem)| pem.as_str())
            .ok_or_else(|| Error::Other(format!("no fixture certificate is called {name}")))
    }

    /// A certificate as an element of `x5c`: the DER in base64, which is the PEM's own text.
    pub(crate) fn x5c(&self, name: &str) -> Result<String> {
        let pem = self.certificate(name)?.lines();
        Ok(pem.filter(|line| !line.starts_with("-----")).collect())
    }

    /// The bundle that registry and filter trust, PEM.
    pub(crate) fn bundle(&self) -> Result<String> {
        TRUSTED.iter().map(|name| self.certificate(name)).collect()
    }
}

impl Key {
    fn read(folder: &Path, name: &'static str) -> Result<Self> {
        let file = folder.join(format!("{name}.key"));
        let unusable = |fault: String| Error::Other(format!("{}: {fault}", file.display()));
        let pem = std::fs::read(&file).map_err(Error::io("read", &file))?;
        let signing = SigningKey::from_pem(&pem).map_err(|fault| unusable(fault.to_string()))?;
        let der = PrivatePkcs1KeyDer::from_pem_slice(&pem)
            .map_err(|fault| unusable(fault.to_string()))?;
        let private = RsaPrivateKeyRef::try_from(der.secret_pkcs1_der())
            .map_err(|fault| unusable(fault.to_string()))?;
        let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Ok(Self {
            name,
            modulus: number(private.modulus.as_bytes()),
            exponent: number(private.public_exponent.as_bytes()),
            signing,
        })
    }

    /// Its id.
    pub(crate) fn id(&self, form: KeyIdForm) -> &str {
        match form {
            KeyIdForm::Libtrust => self.signing.key_id(),
            KeyIdForm::Rfc7638 => self.signing.thumbprint(),
        }
    }

    /// The public key as the members of a JWK, without braces (RFC 7518 section 6.3.1).
    pub(crate) fn jwk_members(&self) -> String {
        let Self {
            modulus, exponent, ..
        } = self;
        format!(r#""kty":"RSA","n":"{modulus}","e":"{exponent}""#)
    }
}
