//! The parts of the library that only other crates' tests use.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use edgectl::{Access, Algorithm, Claims, Parties, SigningKey, Validity};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;

use crate::support::{shared_pair, verify};

#[test]
fn signs_what_gitlab_never_would() {
    let pair = shared_pair();
    let key = SigningKey::from_pem_file(&pair.key).unwrap();
    for alg in ["RS384", "PS256"] {
        let token = key
            .sign_raw(&json!({"alg": alg, "kid": 5}), &json!({"iss": ["a"]}))
            .unwrap();
        assert_eq!(
            verify(&token, &pair.certificate).header,
            json!({"alg": alg, "kid": 5})
        );
    }
    for header in [
        json!({"alg": "none"}),
        json!({"alg": 1}),
        json!({}),
        json!(null),
    ] {
        let token = key.sign_raw(&header, &json!(null)).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let rs256 = key.signature(message.as_bytes(), Algorithm::RS256).unwrap();
        assert_eq!(signature, BASE64_URL_SAFE_NO_PAD.encode(rs256), "{header}");
    }
    let payload = br#"{"iss":"a","iss":"b"} "#;
    let token = key
        .sign_bytes(br#"{"alg":"RS256"}"#, payload, Algorithm::RS256)
        .unwrap();
    assert_eq!(
        verify(&token, &pair.certificate).payload.as_bytes(),
        payload
    );
}

#[test]
fn claims_can_be_made_wrong() {
    let pair = shared_pair();
    let key = SigningKey::from_pem_file(&pair.key).unwrap();
    let access = vec![Access::repository("group/app", ["pull"])];
    let mut claims = Claims::background(&Parties::default(), access, Validity::starting(1000, 60));
    claims.aud = "other".to_owned();
    let claims = verify(&key.sign(&claims).unwrap(), &pair.certificate).claims;
    assert_eq!(claims["aud"], "other");
    assert_eq!(
        (&claims["iat"], &claims["nbf"], &claims["exp"]),
        (&1000.into(), &995.into(), &1060.into())
    );
    assert!(claims["access"][0].get("meta").is_none());
}

#[test]
fn reads_both_private_key_forms_and_never_shows_them() {
    let pair = shared_pair();
    let pkcs8 = std::fs::read(&pair.key).unwrap();
    let key = SigningKey::from_pem(&pkcs8).unwrap();
    assert_eq!(format!("{key:?}"), format!("SigningKey({:?})", pair.key_id));

    // The form of Ruby's `OpenSSL::PKey::RSA#to_pem`, which Omnibus writes. PKCS#8 is a header around it, of 26
    // bytes for the sizes that are made here.
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pkcs8).unwrap();
    let body = BASE64_STANDARD.encode(&der.secret_pkcs8_der()[26..]);
    let block = |label: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    let key = SigningKey::from_pem(block("RSA PRIVATE KEY")).unwrap();
    assert_eq!(key.key_id(), pair.key_id);
    assert!(
        SigningKey::from_pem(block("PRIVATE KEY")).is_err(),
        "PKCS#1, called PKCS#8"
    );
}
