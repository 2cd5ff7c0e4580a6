//! Tokens: as the registry's issuer makes them, and wrong in one thing.

use aws_lc_rs::hmac;
use base64ct::{Base64, Base64UrlUnpadded as Base64Url, Encoding as _};
use edgectl::{
    Access, Algorithm, Claims, KeyIdKind, KeyPair, Parties, SigningKey, UserToken, Validity,
};
use pkcs1::RsaPublicKeyRef;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Seconds that tokens live.
const LIFETIME: i64 = 300;

/// Makes tokens for one edge.
pub(crate) struct Mint {
    /// The key that the edge trusts.
    pub(crate) key: SigningKey,
    /// A key of the same kind that nobody trusts.
    pub(crate) stranger: KeyPair,
    /// The trusted key's certificate, PEM.
    pub(crate) certificate: String,
    /// How a `kid` names a key here.
    pub(crate) kid: KeyIdKind,
    /// Issuer and service.
    pub(crate) parties: Parties,
}

/// A token before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Mint {
    pub(crate) fn new(
        key: SigningKey,
        certificate: String,
        kid: KeyIdKind,
        parties: Parties,
    ) -> Self {
        let stranger = KeyPair::generate(2048, 1).unwrap();
        Self {
            key,
            stranger,
            certificate,
            kid,
            parties,
        }
    }

    /// A token of a background job with access to `scopes` (`repository:group/app:pull`).
    pub(crate) fn token(&self, scopes: &[&str]) -> String {
        self.sign(&self.draft(scopes))
    }

    /// [`Mint::token`] before it is signed.
    pub(crate) fn draft(&self, scopes: &[&str]) -> Draft {
        let access: Vec<Access> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        let claims = Claims::background(&self.parties, access, Validity::seconds(LIFETIME));
        Draft {
            header: json!({"alg": "RS256", "typ": "JWT", "kid": self.key.id(self.kid)}),
            claims: serde_json::to_value(claims).unwrap(),
        }
    }

    /// Signs with the trusted key, whatever the header says.
    pub(crate) fn sign(&self, draft: &Draft) -> String {
        self.key.sign_raw(&draft.header, &draft.claims).unwrap()
    }

    /// The nested token by which GitLab tells its registry who a user is: signed with the trusted
    /// key, and no registry token.
    pub(crate) fn nested_user_token(&self) -> String {
        let account = edgectl::Account::named("alice");
        let nested = UserToken::new(Some(&account), edgectl::claims::unix_now());
        self.key
            .sign_with(&nested, Algorithm::RS256, self.kid)
            .unwrap()
    }

    /// The draft under HS256, with `secret` as the key.
    pub(crate) fn sign_with_secret(draft: &Draft, secret: &[u8]) -> String {
        let signed = signing_input(draft);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let signature = hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", Base64Url::encode_string(signature.as_ref()))
    }

    /// The draft with an empty signature.
    pub(crate) fn unsigned(draft: &Draft) -> String {
        format!("{}.", signing_input(draft))
    }

    /// The public key of a certificate as a JWK, under the `kid` of the trusted key.
    pub(crate) fn jwk_with_trusted_kid(&self, certificate: &str) -> Value {
        let certificate = Certificate::from_der(&der(certificate)).unwrap();
        let spki = certificate.tbs_certificate().subject_public_key_info();
        let key = RsaPublicKeyRef::from_der(spki.subject_public_key.raw_bytes()).unwrap();
        let number = |number: &[u8]| Base64Url::encode_string(number);
        json!({
            "kty": "RSA",
            "n": number(key.modulus.as_bytes()),
            "e": number(key.public_exponent.as_bytes()),
            "kid": self.key.id(self.kid),
        })
    }
}

/// A certificate as `x5c` holds it.
pub(crate) fn x5c(certificate: &str) -> Value {
    json!([Base64::encode_string(&der(certificate))])
}

fn der(certificate: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(certificate.as_bytes())
        .unwrap()
        .to_vec()
}

fn signing_input(draft: &Draft) -> String {
    let part = |value: &Value| Base64Url::encode_string(value.to_string().as_bytes());
    format!("{}.{}", part(&draft.header), part(&draft.claims))
}

/// Seconds since 1970, `offset` from now.
pub(crate) fn seconds_from_now(offset: i64) -> i64 {
    edgectl::claims::unix_now() + offset
}
