//! Envoy's foreign function `verify_signature`, and hosts that have it otherwise or not at all.
//!
//! The message is `VerifySignatureArguments` of Envoy's `ext/verify_signature.proto`; success is
//! exactly the two bytes `08 01`, and failure is an error text without the field `result`.

use aws_lc_rs::signature::{self, UnparsedPublicKey};
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
    let algorithm = match arguments.hash_function.to_ascii_lowercase().as_slice() {
        b"sha256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        b"sha384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        b"sha512" => &signature::RSA_PKCS1_2048_8192_SHA512,
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
    if info.algorithm.oid != RSA_ENCRYPTION {
        return Err(Fault::new(
            "a key that is not RSA, which the filter never trusts",
        ));
    }
    let verified =
        UnparsedPublicKey::new(algorithm, &key).verify(arguments.text, arguments.signature);
    Ok(match verified {
        Ok(()) => (Status::OK, VALID.to_vec()),
        Err(_) => invalid("Failed to verify digest. Error code: 0"),
    })
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
