//! Public keys and the two identifiers that registries know them by.
//!
//! Distribution 2 and GitLab's registry look a token's `kid` up as a *libtrust fingerprint*, Distribution 3
//! as an *RFC 7638 thumbprint*. Both name the public key and not the certificate: a certificate renewed
//! over the same key keeps them.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use data_encoding::BASE32_NOPAD;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Bytes of the SHA-256 digest that a libtrust fingerprint keeps: 240 bits, so that base32 needs no padding.
const LIBTRUST_BYTES: usize = 30;

/// A public key, named by its identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    description: String,
    key_id: String,
    thumbprint: Option<String>,
}

/// The bytes are not a public key.
#[derive(Debug, thiserror::Error)]
#[error("not a public key in the X.509 form (SubjectPublicKeyInfo)")]
pub struct NotAPublicKey;

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` in DER, the form inside certificates and `PUBLIC KEY` PEM blocks.
    ///
    /// # Errors
    /// [`NotAPublicKey`] when the bytes are anything else or are followed by more.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, NotAPublicKey> {
        match SubjectPublicKeyInfo::from_der(spki) {
            Ok(([], info)) => Self::from_spki(&info),
            _ => Err(NotAPublicKey),
        }
    }

    pub(crate) fn from_spki(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, NotAPublicKey> {
        let (description, thumbprint) = match info.parsed().map_err(|_| NotAPublicKey)? {
            Parsed::RSA(rsa) => (
                format!("RSA {}", significant(rsa.modulus).len() * 8),
                Some(rsa_thumbprint(rsa.modulus, rsa.exponent)),
            ),
            Parsed::EC(point) => (format!("EC {}", point.key_size()), None),
            _ => ("other".to_owned(), None),
        };
        Ok(Self {
            description,
            key_id: libtrust_fingerprint(info.raw),
            thumbprint,
        })
    }

    /// Kind and size in bits, such as `RSA 4096`.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The libtrust fingerprint, 59 characters: twelve groups of four with colons between.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The RFC 7638 thumbprint, 43 characters of base64url. Known for RSA keys alone, the only kind GitLab uses.
    #[must_use]
    pub fn thumbprint(&self) -> Option<&str> {
        self.thumbprint.as_deref()
    }
}

/// The first 240 bits of the SHA-256 of the key's X.509 form, in base32, grouped by four
/// (`docker/libtrust`, `util.go`, `keyIDEncode`).
fn libtrust_fingerprint(spki: &[u8]) -> String {
    let hash = digest(&SHA256, spki);
    let kept: Vec<u8> = hash.as_ref().iter().copied().take(LIBTRUST_BYTES).collect();
    let mut grouped = String::new();
    for (position, letter) in BASE32_NOPAD.encode(&kept).chars().enumerate() {
        if position > 0 && position % 4 == 0 {
            grouped.push(':');
        }
        grouped.push(letter);
    }
    grouped
}

/// SHA-256 over the required members of the JWK in lexical order, without blanks (RFC 7638, section 3).
fn rsa_thumbprint(modulus: &[u8], exponent: &[u8]) -> String {
    let n = BASE64URL.encode(significant(modulus));
    let e = BASE64URL.encode(significant(exponent));
    let jwk = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    BASE64URL.encode(digest(&SHA256, jwk.as_bytes()))
}

/// A big-endian number without leading zero bytes, as a JWK wants it; DER puts one before a set top bit.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 7638, section 3.1, where the thumbprint stands too. The fingerprint is what libtrust
    /// computes for it.
    #[test]
    fn identifiers_of_the_rfc_7638_key() {
        let modulus = BASE64URL
            .decode(
                "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX\
                 jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8\
                 KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xB\
                 niIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            )
            .unwrap();
        // SubjectPublicKeyInfo of a 2048-bit RSA key: fixed lengths, so the prefix is a constant.
        let mut spki = vec![
            0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
            0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a,
            0x02, 0x82, 0x01, 0x01, 0x00,
        ];
        spki.extend(&modulus);
        spki.extend([0x02, 0x03, 0x01, 0x00, 0x01]);

        let key = PublicKey::from_spki_der(&spki).unwrap();
        assert_eq!(key.description(), "RSA 2048");
        assert_eq!(
            key.key_id(),
            "VUZD:EDHW:YWLN:RBFQ:KOA3:UVZ2:XKG5:2V2J:WTPI:6SRD:U6PZ:VCO5"
        );
        assert_eq!(
            key.thumbprint(),
            Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        );

        spki.push(0);
        assert!(
            PublicKey::from_spki_der(&spki).is_err(),
            "bytes after the key"
        );
    }
}
