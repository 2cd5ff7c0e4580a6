//! Envoy's foreign function `verify_signature`, and hosts that have it otherwise or not at all.
//!
//! The message is `VerifySignatureArguments` of Envoy's `ext/verify_signature.proto`; success is
//! exactly the two bytes `08 01`, and failure is an error text without the field `result`.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::answers::Status;
use super::fault::Fault;

/// How a host answers `verify_signature`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signatures {
    /// As Envoy does since 1.30.
    Verified,
    /// As before: there is no such function.
    Absent,
    /// The same answer to everything.
    Always(Status, Vec<u8>),
    /// Truly for so many calls, then the same answer to everything.
    Until(u64, Status, Vec<u8>),
}

/// `result: true`.
pub(crate) const VALID: [u8; 2] = [0x08, 0x01];

/// `rsaEncryption` (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// `id-ecPublicKey` and the curves (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

impl Signatures {
    /// The answer to the call `count`, which begins at 1.
    pub(super) fn answer(&self, arguments: &[u8], count: u64) -> Result<(Status, Vec<u8>), Fault> {
        match self {
            Self::Absent => Ok((Status::NOT_FOUND, Vec::new())),
            Self::Always(status, result) => Ok((*status, result.clone())),
            Self::Until(last, status, result) if count > *last => Ok((*status, result.clone())),
            Self::Verified | Self::Until(..) => verify(arguments),
        }
    }
}

/// `VerifySignatureArguments`.
#[derive(Default)]
struct Arguments<'a> {
    hash_function: &'a [u8],
    public_key: &'a [u8],
    signature: &'a [u8],
    text: &'a [u8],
    public_key_pem: &'a [u8],
}

fn verify(message: &[u8]) -> Result<(Status, Vec<u8>), Fault> {
    let arguments =
        Arguments::parse(message).ok_or_else(|| Fault::new("not one VerifySignatureArguments"))?;
    let key = match (arguments.public_key, arguments.public_key_pem) {
        (der, []) if !der.is_empty() => der.to_vec(),
        ([], pem) if !pem.is_empty() => match SubjectPublicKeyInfoDer::from_pem_slice(pem) {
            Ok(der) => der.to_vec(),
            Err(_) => return Ok(invalid("Failed to initialize digest verify.")),
        },
        _ => return Ok((Status::BAD_ARGUMENT, Vec::new())),
    };
    let hash = match arguments.hash_function.to_ascii_lowercase().as_slice() {
        b"sha256" => Hash::Sha256,
        b"sha384" => Hash::Sha384,
        b"sha512" => Hash::Sha512,
        // Envoy takes these too, and no algorithm of a token means them.
        b"sha1" | b"sha224" => return Err(Fault::new("a signature over a weak hash")),
        _ => {
            let name = String::from_utf8_lossy(arguments.hash_function);
            return Ok(invalid(&format!("{name} is not supported.")));
        }
    };
    // A key as PKCS #1 is none for Envoy.
    let Ok(info) = SubjectPublicKeyInfoRef::from_der(&key) else {
        return Ok(invalid("Failed to initialize digest verify."));
    };
    let algorithm = hash
        .algorithm(&info)
        .ok_or_else(|| Fault::new("a key that the filter never hands over with this hash"))?;
    let verified =
        UnparsedPublicKey::new(algorithm, &key).verify(arguments.text, arguments.signature);
    Ok(match verified {
        Ok(()) => (Status::OK, VALID.to_vec()),
        Err(_) => invalid("Failed to verify digest. Error code: 0"),
    })
}

enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// What Envoy verifies with such a key and this hash. It would take a curve with any hash; a
    /// token's algorithm has one for each.
    fn algorithm(
        &self,
        key: &SubjectPublicKeyInfoRef<'_>,
    ) -> Option<&'static dyn VerificationAlgorithm> {
        if key.algorithm.oid == RSA_ENCRYPTION {
            return Some(match self {
                Self::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                Self::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                Self::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            });
        }
        if key.algorithm.oid != EC_PUBLIC_KEY {
            return None;
        }
        let curve: ObjectIdentifier = key.algorithm.parameters?.decode_as().ok()?;
        match (curve, self) {
            (P256, Self::Sha256) => Some(&signature::ECDSA_P256_SHA256_ASN1),
            (P384, Self::Sha384) => Some(&signature::ECDSA_P384_SHA384_ASN1),
            (P521, Self::Sha512) => Some(&signature::ECDSA_P521_SHA512_ASN1),
            _ => None,
        }
    }
}

/// `error: text` alone.
fn invalid(text: &str) -> (Status, Vec<u8>) {
    let length = u8::try_from(text.len()).expect("an error is short");
    assert!(length < 0x80, "a length of one byte: {text}");
    (Status::OK, [&[0x12, length], text.as_bytes()].concat())
}

impl<'a> Arguments<'a> {
    fn parse(mut message: &'a [u8]) -> Option<Self> {
        let mut arguments = Self::default();
        while let [tag, rest @ ..] = message {
            let (length, rest) = varint(rest)?;
            let (value, rest) = rest.split_at_checked(length)?;
            message = rest;
            let field = match tag {
                0x0a => &mut arguments.hash_function,
                0x12 => &mut arguments.public_key,
                0x1a => &mut arguments.signature,
                0x22 => &mut arguments.text,
                0x2a => &mut arguments.public_key_pem,
                _ => return None,
            };
            *field = value;
        }
        Some(arguments)
    }
}

/// A base-128 number, and what follows.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        number |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[index + 1..]));
        }
    }
    None
}
