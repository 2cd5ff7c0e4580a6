//! The private key that GitLab signs registry tokens with, and the compact serialisation of a token
//! (RFC 7515, section 3.1).
//!
//! [`SigningKey::sign`] signs as GitLab does. The other functions exist for tests that need tokens which
//! GitLab would never sign.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, RsaEncoding};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Serialize;
use serde_json::Value;

use crate::PublicKey;

/// An RSA private key of 2048 to 8192 bits.
pub struct SigningKey {
    private: rsa::KeyPair,
    public: PublicKey,
}

/// How a token is signed. GitLab uses [`Algorithm::RS256`] and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names of RFC 7518, section 3.1")]
pub enum Algorithm {
    #[default]
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
}

/// Which identifier of the key goes into the token's `kid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyIdKind {
    /// The libtrust fingerprint: GitLab, Distribution 2.
    #[default]
    Libtrust,
    /// The RFC 7638 thumbprint: Distribution 3.
    Rfc7638,
}

/// Why a private key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no private key in the text.
    #[error(
        "no private key in PEM form: expected a block `PRIVATE KEY` or `RSA PRIVATE KEY` without a passphrase, \
         as `edgectl keys` writes it"
    )]
    NoPrivateKey,
    /// A private key is there, but not an RSA key of the supported sizes.
    #[error("not an RSA key of 2048 to 8192 bits ({0}): make one with `edgectl keys`")]
    Unusable(String),
    /// Generation was asked for a size that is not offered.
    #[error("{0} bits: choose 2048, 3072 or 4096")]
    Size(u32),
    /// The cryptographic library failed; it does not say why.
    #[error("the cryptographic library could not generate the key")]
    Generation,
}

/// A key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read the key {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file holds no usable key.
    #[error("the key {}: {source}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
}

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The claims have no JSON form.
    #[error("the claims cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The cryptographic library failed; it does not say why.
    #[error("the cryptographic library could not sign the token")]
    Signature,
}

/// A protected header as GitLab's JWT library orders it.
#[derive(Serialize)]
struct Header<'a> {
    kid: &'a str,
    typ: &'a str,
    alg: &'a str,
}

impl SigningKey {
    /// Generates a key. Takes a fraction of a second for 2048 bits, up to several seconds for 4096.
    ///
    /// # Errors
    /// [`KeyError::Size`] for any size but 2048, 3072 and 4096.
    pub fn generate(bits: u32) -> Result<Self, KeyError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            other => return Err(KeyError::Size(other)),
        };
        let private = rsa::KeyPair::generate(size).map_err(|_| KeyError::Generation)?;
        Self::from_private(private)
    }

    /// Reads the first private key of a PEM text, PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// [`KeyError::NoPrivateKey`] or [`KeyError::Unusable`].
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let der =
            PrivateKeyDer::from_pem_slice(pem.as_ref()).map_err(|_| KeyError::NoPrivateKey)?;
        Self::from_der(&der)
    }

    pub(crate) fn from_der(der: &PrivateKeyDer<'_>) -> Result<Self, KeyError> {
        let private = match der {
            PrivateKeyDer::Pkcs8(der) => rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => rsa::KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(KeyError::Unusable("it is an elliptic-curve key".to_owned())),
        };
        Self::from_private(private.map_err(|rejected| KeyError::Unusable(rejected.to_string()))?)
    }

    /// Reads a key file as [`SigningKey::from_pem`] does.
    ///
    /// # Errors
    /// [`KeyFileError`], which names the file.
    pub fn from_pem_file(path: &Path) -> Result<Self, KeyFileError> {
        let pem = std::fs::read(path).map_err(|source| KeyFileError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::from_pem(pem).map_err(|source| KeyFileError::Content {
            path: path.to_owned(),
            source,
        })
    }

    fn from_private(private: rsa::KeyPair) -> Result<Self, KeyError> {
        let spki: PublicKeyX509Der<'_> = private
            .public_key()
            .as_der()
            .map_err(|_| KeyError::Unusable("its public half has no X.509 form".to_owned()))?;
        let public = PublicKey::from_spki_der(spki.as_ref())
            .map_err(|error| KeyError::Unusable(error.to_string()))?;
        Ok(Self { private, public })
    }

    pub(crate) fn pkcs8_der(&self) -> Option<Pkcs8V1Der<'static>> {
        self.private.as_der().ok()
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The libtrust fingerprint, GitLab's `kid`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.public.key_id()
    }

    /// The RFC 7638 thumbprint, the `kid` of Distribution 3.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        // Always there: the key is RSA.
        self.public.thumbprint().unwrap_or_default()
    }

    /// The identifier of the asked kind.
    #[must_use]
    pub fn id(&self, kind: KeyIdKind) -> &str {
        match kind {
            KeyIdKind::Libtrust => self.key_id(),
            KeyIdKind::Rfc7638 => self.thumbprint(),
        }
    }

    /// Signs claims as GitLab does: `RS256`, `typ` JWT, libtrust `kid`.
    ///
    /// # Errors
    /// [`SignError`]; with claims of this crate only if the cryptographic library fails.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, SignError> {
        self.sign_with(claims, Algorithm::default(), KeyIdKind::default())
    }

    /// Signs claims with another algorithm or kind of `kid`.
    ///
    /// # Errors
    /// As [`SigningKey::sign`].
    pub fn sign_with(
        &self,
        claims: &impl Serialize,
        algorithm: Algorithm,
        kid: KeyIdKind,
    ) -> Result<String, SignError> {
        let header = Header {
            kid: self.id(kid),
            typ: "JWT",
            alg: algorithm.name(),
        };
        self.sign_bytes(
            &serde_json::to_vec(&header)?,
            &serde_json::to_vec(claims)?,
            algorithm,
        )
    }

    /// Signs any header and any claims, for negative tests. The signature is made by the header's `alg` where
    /// this key can, and by `RS256` where it cannot (`none`, `HS256`, missing, not a string).
    ///
    /// # Errors
    /// As [`SigningKey::sign`].
    pub fn sign_raw(&self, header: &Value, claims: &Value) -> Result<String, SignError> {
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .and_then(|alg| alg.parse().ok());
        self.sign_bytes(
            &serde_json::to_vec(header)?,
            &serde_json::to_vec(claims)?,
            algorithm.unwrap_or_default(),
        )
    }

    /// Signs bytes that need not even be JSON: duplicate members, byte order marks, trailing garbage.
    ///
    /// # Errors
    /// [`SignError::Signature`] if the cryptographic library fails.
    pub fn sign_bytes(
        &self,
        header: &[u8],
        payload: &[u8],
        algorithm: Algorithm,
    ) -> Result<String, SignError> {
        let mut token = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(payload));
        let signature = self.signature(token.as_bytes(), algorithm)?;
        token.push('.');
        BASE64URL.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The signature over a message, for tests that write the serialisation themselves.
    ///
    /// # Errors
    /// [`SignError::Signature`] if the cryptographic library fails.
    pub fn signature(&self, message: &[u8], algorithm: Algorithm) -> Result<Vec<u8>, SignError> {
        let mut signature = vec![0; self.private.public_modulus_len()];
        self.private
            .sign(
                algorithm.encoding(),
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| SignError::Signature)?;
        Ok(signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("SigningKey")
            .field(&self.key_id())
            .finish()
    }
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
    ];

    /// The value of `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
        }
    }

    fn encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Self::RS256 => &signature::RSA_PKCS1_SHA256,
            Self::RS384 => &signature::RSA_PKCS1_SHA384,
            Self::RS512 => &signature::RSA_PKCS1_SHA512,
            Self::PS256 => &signature::RSA_PSS_SHA256,
            Self::PS384 => &signature::RSA_PSS_SHA384,
            Self::PS512 => &signature::RSA_PSS_SHA512,
        }
    }
}

/// The text names no algorithm that an RSA key can sign with.
#[derive(Debug, thiserror::Error)]
#[error("unknown algorithm: choose RS256, RS384, RS512, PS256, PS384 or PS512")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}
