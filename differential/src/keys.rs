//! The fixture keys of the repository (`tests/fixtures/keys`): public, and secret to no one.
//!
//! `registry`, `second` and `gitlab` are in the bundle of registry and filter; `stranger` is a key
//! of the same kind that nobody trusts.

use std::convert::Infallible;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use edgectl::SigningKey;
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pss;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
use rsa::traits::PublicKeyParts as _;
use sha2::digest::FixedOutputReset;
use sha2::{Digest, Sha256, Sha384, Sha512};
use testbed::{Error, Result};

use crate::case::{Algorithm, KeyIdForm};
use crate::files;

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
    /// The same, for signatures that [`SigningKey`] does not make.
    private: PrivateKey,
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
            Ok((name, files::read(&file)?))
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
        let pem = files::read(&file)?;
        let signing = SigningKey::from_pem(&pem).map_err(|fault| unusable(fault.to_string()))?;
        let private =
            PrivateKey::from_pkcs1_pem(&pem).map_err(|fault| unusable(fault.to_string()))?;
        Ok(Self {
            name,
            signing,
            private,
        })
    }

    /// A signature of RSASSA-PSS with this many bytes of salt; by SHA-256 unless the algorithm is
    /// PS384 or PS512.
    pub(crate) fn sign_pss(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        salt: usize,
    ) -> Result<Vec<u8>> {
        match algorithm {
            Algorithm::Ps384 => self.sign_salted::<Sha384>(message, salt),
            Algorithm::Ps512 => self.sign_salted::<Sha512>(message, salt),
            _ => self.sign_salted::<Sha256>(message, salt),
        }
    }

    fn sign_salted<D: Digest + FixedOutputReset>(
        &self,
        message: &[u8],
        salt: usize,
    ) -> Result<Vec<u8>> {
        let signer = pss::SigningKey::<D>::new_with_salt_len(self.private.clone(), salt);
        let signature = signer.try_sign_with_rng(&mut FixedSalt, message);
        signature
            .map(|signature| signature.to_vec())
            .map_err(|fault| Error::Other(format!("{salt} bytes of salt: {fault}")))
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
        let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let modulus = number(&self.private.n_bytes());
        let exponent = number(&self.private.e_bytes());
        format!(r#""kty":"RSA","n":"{modulus}","e":"{exponent}""#)
    }
}

/// Salt that is always the same, so that the same case gives the same token.
struct FixedSalt;

impl TryRng for FixedSalt {
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

impl TryCryptoRng for FixedSalt {}
