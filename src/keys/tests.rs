use serde_json::{Value, json};

use super::certificate::parse_bundle;
use super::jwk::MAX_KEYS;
use super::public_key::{Curve, KeyMaterial, PublicKeyError};
use super::*;

const REGISTRY: &str = include_str!("../../tests/fixtures/keys/registry.crt");
const SECOND: &str = include_str!("../../tests/fixtures/keys/second.crt");
const GITLAB: &str = include_str!("../../tests/fixtures/keys/gitlab.crt");
const LARGE: &str = include_str!("../../tests/fixtures/keys/large.crt");
const WEAK: &str = include_str!("../../tests/fixtures/keys/weak.crt");
const EXPIRED: &str = include_str!("../../tests/fixtures/keys/expired.crt");
const P256: &str = include_str!("../../tests/fixtures/keys/p256.crt");
const P384: &str = include_str!("../../tests/fixtures/keys/p384.crt");
const P521: &str = include_str!("../../tests/fixtures/keys/p521.crt");
const P256_SHORT: &str = include_str!("../../tests/fixtures/keys/p256-short.crt");
const ED25519: &str = include_str!("../../tests/fixtures/keys/ed25519.crt");
const SECP256K1: &str = include_str!("../../tests/fixtures/keys/secp256k1.crt");

#[test]
fn key_ids_are_those_of_the_published_key() {
    // The RSA key of RFC 7638 section 3.1.
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let n = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(n).unwrap();
    let e = [1, 0, 1];
    let key = PublicKey::rsa(&n, &e).unwrap();
    assert_eq!(key.rfc7638(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    // SubjectPublicKeyInfo of a 2048-bit modulus and the exponent 65537, 294 bytes.
    let mut spki = vec![0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09];
    spki.extend_from_slice(&[
        0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ]);
    spki.extend_from_slice(&[0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a]);
    spki.extend_from_slice(&[0x02, 0x82, 0x01, 0x01, 0x00]);
    spki.extend_from_slice(&n);
    spki.extend_from_slice(&[0x02, 0x03, 0x01, 0x00, 0x01]);
    assert_eq!(spki.len(), 294);
    assert_eq!(key.spki(), spki);
    assert_eq!(
        key.libtrust(),
        "VUZD:EDHW:YWLN:RBFQ:KOA3:UVZ2:XKG5:2V2J:WTPI:6SRD:U6PZ:VCO5"
    );
    // The Ed25519 key of RFC 8037 appendix A.3.
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let x = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(x).unwrap();
    let key = PublicKey::ed25519(&x).unwrap();
    assert_eq!(key.rfc7638(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn bundles_are_read_as_the_registry_reads_them() {
    let cut = REGISTRY.get(..REGISTRY.len() / 2).unwrap().to_owned();
    let not_base64 = REGISTRY.replace("MII", "M!I");
    let other_der = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let public_key = "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n";
    let unreadable = |bundle: &str| match parse_bundle(bundle.as_bytes()) {
        Err(BundleError::Certificate { number, .. }) => number,
        other => panic!("{other:?}"),
    };
    for (name, bundle, expected) in [
        ("one", REGISTRY.to_owned(), Ok(1)),
        ("two", format!("{REGISTRY}{SECOND}"), Ok(2)),
        ("4096 bits, as GitLab makes it", GITLAB.to_owned(), Ok(1)),
        ("8192 bits", LARGE.to_owned(), Ok(1)),
        (
            "text between",
            format!("Registry\n{REGISTRY}\nsubject=x\n{SECOND}"),
            Ok(2),
        ),
        (
            "another block between",
            format!("{public_key}{REGISTRY}"),
            Ok(1),
        ),
        ("CRLF", REGISTRY.replace('\n', "\r\n"), Ok(1)),
        ("the same twice", format!("{REGISTRY}{REGISTRY}"), Ok(2)),
        ("expired", EXPIRED.to_owned(), Ok(1)),
        ("nothing", String::new(), Err(BundleError::Empty)),
        ("no PEM", "certificate".to_owned(), Err(BundleError::Empty)),
        (
            "no certificate",
            public_key.to_owned(),
            Err(BundleError::Empty),
        ),
        ("cut short", cut, Err(BundleError::Pem { number: 1 })),
        (
            "second not base64",
            format!("{SECOND}{not_base64}"),
            Err(BundleError::Pem { number: 2 }),
        ),
        (
            "1024 bits",
            WEAK.to_owned(),
            Err(BundleError::Key {
                number: 1,
                error: PublicKeyError::RsaBits(1024),
            }),
        ),
        ("P-256", P256.to_owned(), Ok(1)),
        ("P-384 and P-521", format!("{P384}{P521}"), Ok(2)),
        ("Ed25519", ED25519.to_owned(), Ok(1)),
        (
            "second is on another curve",
            format!("{REGISTRY}{SECP256K1}"),
            Err(BundleError::Key {
                number: 2,
                error: PublicKeyError::Unsupported,
            }),
        ),
    ] {
        let parsed = parse_bundle(bundle.as_bytes()).map(|keys| keys.len());
        assert_eq!(parsed, expected, "{name}");
    }
    assert_eq!(unreadable(other_der), 1);
    assert_eq!(unreadable(&format!("{REGISTRY}{other_der}")), 2);
}

#[test]
fn a_key_is_found_by_the_id_of_its_profile_only() {
    for pem in [REGISTRY, P256, P384, P521, P256_SHORT] {
        let key = &parse_bundle(pem.as_bytes()).unwrap()[0].public_key;
        let (libtrust, rfc7638) = (key.libtrust(), key.rfc7638());
        for (profile, own, other) in [
            (Profile::Gitlab, &libtrust, &rfc7638),
            (Profile::Distribution28, &libtrust, &rfc7638),
            (Profile::Distribution3, &rfc7638, &libtrust),
        ] {
            let keys = TrustedKeys::from_bundle(pem.as_bytes(), profile).unwrap();
            assert_eq!(keys.iter().count(), 1);
            assert!(keys.find(own).is_some(), "{profile}");
            assert!(keys.find(other).is_none(), "{profile}");
            assert!(keys.find(&own.to_lowercase()).is_none(), "{profile}");
            assert!(keys.find("").is_none(), "{profile}");
        }
    }
}

#[test]
fn a_coordinate_that_begins_with_zero_is_shortened_in_the_id_as_distribution_does() {
    let key = &parse_bundle(P256_SHORT.as_bytes()).unwrap()[0].public_key;
    let KeyMaterial::Ec { x, .. } = key.material() else {
        panic!("{key:?}");
    };
    assert_eq!((x.len(), x[0]), (32, 0));
    let rebuilt = PublicKey::from_der(key.spki()).unwrap();
    assert_eq!(&rebuilt, key);
    let members = |skip: usize| {
        let KeyMaterial::Ec { x, y, .. } = key.material() else {
            panic!("{key:?}");
        };
        let text = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::encode_string;
        let (x, y) = (text(&x[skip..]), text(y));
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        text(&<sha2::Sha256 as sha2::Digest>::digest(members))
    };
    assert_eq!(key.rfc7638(), members(1));
    assert_ne!(key.rfc7638(), members(0));
}

#[test]
fn a_key_is_used_with_the_algorithms_of_its_kind_that_the_registry_knows() {
    const NAMES: [&str; 15] = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
        "HS256", "none", "rs256", "eddsa", "",
    ];
    let rsa = ["RS256", "RS384", "RS512"].as_slice();
    let with_pss = &NAMES[..6];
    for (pem, by_libtrust, by_go_jose) in [
        (REGISTRY, rsa, with_pss),
        (P256, &["ES256"], &["ES256"]),
        (P384, &["ES384"], &["ES384"]),
        (P521, &["ES512"], &["ES512"]),
        (ED25519, &[], &["EdDSA"]),
    ] {
        for (profile, expected) in [
            (Profile::Gitlab, by_libtrust),
            (Profile::Distribution28, by_libtrust),
            (Profile::Distribution3, by_go_jose),
        ] {
            let keys = TrustedKeys::from_bundle(pem.as_bytes(), profile);
            if expected.is_empty() {
                assert_eq!(keys.unwrap_err(), KeysError::Unknown { number: 1 });
                continue;
            }
            let keys = keys.unwrap();
            let key = keys.iter().next().unwrap();
            let mut own = NAMES.to_vec();
            own.retain(|name| key.algorithm(name).is_some());
            assert_eq!(own, expected, "{profile}");
        }
    }
}

#[test]
fn numbers_that_are_no_key_are_refused() {
    let point = [1; 32];
    let key = |curve, x: &[u8], y: &[u8]| PublicKey::ec(curve, x, y);
    assert!(VerifyingKey::new(&key(Curve::P256, &point, &point).unwrap()).is_none());
    assert_eq!(
        key(Curve::P384, &point, &point),
        Err(PublicKeyError::Length)
    );
    assert_eq!(
        key(Curve::P256, &point[1..], &point),
        Err(PublicKeyError::Length)
    );
    assert_eq!(PublicKey::ed25519(&point[1..]), Err(PublicKeyError::Length));
    // RFC 8032 section 5.1.4: the neutral element. Anybody signs for it.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert!(VerifyingKey::new(&PublicKey::ed25519(&neutral).unwrap()).is_none());
    // Not the encoding of a point.
    neutral[0] = 2;
    assert!(VerifyingKey::new(&PublicKey::ed25519(&neutral).unwrap()).is_none());
    assert!(VerifyingKey::rsa(&[0xfe; 256], &[1, 0, 1]).is_none());
    assert!(VerifyingKey::rsa(&[0xff; 256], &[1]).is_none());
    assert!(VerifyingKey::rsa(&[0xff; 256], &[]).is_none());
}

#[test]
fn no_keys_is_an_error_and_not_an_empty_set() {
    let missing = TrustedKeys::from_embedded(&[], Profile::Gitlab).unwrap_err();
    assert_eq!(missing, KeysError::Missing);
    let even = PublicKey::rsa(&[0xfe; 256], &[1, 0, 1]).unwrap();
    let even = embedded(&even, [0; 32]);
    let unusable = TrustedKeys::from_embedded(&[even], Profile::Gitlab).unwrap_err();
    assert_eq!(unusable, KeysError::Unusable { number: 1 });
}

fn embedded(key: &PublicKey, fingerprint: [u8; 32]) -> EmbeddedKey {
    EmbeddedKey {
        spki: key.spki().to_vec().leak(),
        fingerprint,
        not_before: 1,
        not_after: 2,
    }
}

#[test]
fn an_embedded_key_is_the_key_of_its_certificate() {
    for pem in [REGISTRY, P256, P384, P521, ED25519] {
        let key = &parse_bundle(pem.as_bytes()).unwrap()[0];
        let embedded = embedded(&key.public_key, key.fingerprint);
        let trusted = TrustedKeys::from_embedded(&[embedded], Profile::Distribution3).unwrap();
        let found = trusted.find(&key.public_key.rfc7638()).unwrap();
        assert_eq!(found.verifying_key.spki(), key.public_key.spki());
        let (named, certificate) = trusted.find_certificate(&key.fingerprint).unwrap();
        assert_eq!(named.id, found.id);
        assert_eq!((certificate.not_before, certificate.not_after), (1, 2));
    }
}

/// A fixture's key as JWK.
fn jwk(pem: &str, kid: &str) -> Value {
    let text = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::encode_string;
    match parse_bundle(pem.as_bytes()).unwrap()[0]
        .public_key
        .material()
    {
        KeyMaterial::Rsa { n, e } => {
            json!({"kty": "RSA", "kid": kid, "n": text(n), "e": text(e)})
        }
        KeyMaterial::Ec { curve, x, y } => {
            json!({"kty": "EC", "kid": kid, "crv": curve.name(), "x": text(x), "y": text(y)})
        }
        KeyMaterial::Ed25519 { x } => {
            json!({"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": text(x)})
        }
    }
}

fn from_set(keys: Value) -> Result<TrustedKeys, String> {
    TrustedKeys::from_set(&json!({ "keys": keys }), None, Profile::Distribution3)
        .map_err(|error| error.to_string())
}

#[test]
fn the_keys_of_a_set_are_found_by_their_own_ids() {
    let keys = from_set(json!([
        jwk(REGISTRY, "a"),
        jwk(P256, "B"),
        jwk(P521, "ü"),
        jwk(ED25519, "VUZD:EDHW"),
        jwk(REGISTRY, "the same key again")
    ]))
    .unwrap();
    let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["B", "VUZD:EDHW", "a", "the same key again", "ü"]);
    assert!(keys.find("b").is_none());
    assert!(keys.iter().all(|key| key.certificates.is_empty()));
}

#[test]
fn a_set_stands_beside_the_certificates_and_replaces_none() {
    let profile = Profile::Distribution3;
    let bundle = || TrustedKeys::from_bundle(REGISTRY.as_bytes(), profile).unwrap();
    let id = bundle().iter().next().unwrap().id.clone();
    let with = |key: Value| {
        TrustedKeys::from_set(&json!({ "keys": [key] }), Some(bundle()), profile)
            .map_err(|error| error.to_string())
    };
    let both = with(jwk(P256, "own")).unwrap();
    assert!(both.find("own").is_some() && both.find(&id).is_some());
    // The same key under its fingerprint is the key of the certificate.
    let same = with(jwk(REGISTRY, &id)).unwrap();
    assert_eq!(same.find(&id).unwrap().certificates.len(), 1);
    let other = with(jwk(P256, &id)).unwrap_err();
    assert_eq!(other, "key 1: its `kid` is that of another key");
}

#[test]
fn a_key_of_a_set_is_public_named_once_and_for_signatures() {
    let but = |name: &str, value: Value| {
        let mut key = jwk(REGISTRY, "a");
        key[name] = value;
        json!([jwk(P384, "first"), key])
    };
    let ec = |name: &str, value: Value| {
        let mut key = jwk(P256, "a");
        key[name] = value;
        json!([key])
    };
    let ed = |name: &str, value: Value| {
        let mut key = jwk(ED25519, "a");
        key[name] = value;
        json!([key])
    };
    let x5c = |pem: &str| {
        let lines = pem.lines().filter(|line| !line.starts_with('-'));
        json!([lines.collect::<String>()])
    };
    for (keys, fault) in [
        (json!([]), "it holds no key"),
        (json!({}), "it is not an object with a list `keys`"),
        (json!(["a"]), "it is not an object with a list `keys`"),
        (
            json!(vec![json!({}); MAX_KEYS + 1]),
            "it holds 257 keys; expected at most 256",
        ),
        (but("kid", json!("")), "key 2: expected a `kid`"),
        (but("kid", json!(5)), "key 2: expected a `kid`"),
        (
            but("kid", json!("a".repeat(1025))),
            "key 2: expected a `kid`",
        ),
        (
            but("kid", json!("first")),
            "key 2: its `kid` is that of another key",
        ),
        (but("d", json!("AQ")), "key 2: `d` belongs to a private key"),
        (
            but("oth", json!([])),
            "key 2: `oth` belongs to a private key",
        ),
        (ec("d", json!("AQ")), "key 1: `d` belongs to a private key"),
        (ed("d", json!(null)), "key 1: `d` belongs to a private key"),
        (
            json!([{"kty": "oct", "kid": "a", "k": "AQ"}]),
            "key 1: `kty` is oct, a shared secret",
        ),
        (
            but("kty", json!("rsa")),
            "key 2: expected a `kty` of RSA, EC or OKP",
        ),
        (
            but("kty", json!(null)),
            "key 2: expected a `kty` of RSA, EC or OKP",
        ),
        (ec("crv", json!("secp256k1")), "key 1: expected a `crv`"),
        (ec("crv", json!("Ed25519")), "key 1: expected a `crv`"),
        (
            ec("crv", json!("P-384")),
            "key 1: it is not an uncompressed point of its curve",
        ),
        (ed("crv", json!("X25519")), "key 1: expected a `crv`"),
        (ed("crv", json!("P-256")), "key 1: expected a `crv`"),
        (
            ec("y", json!("AQ")),
            "key 1: it is not an uncompressed point of its curve",
        ),
        (
            ec("y", json!("A".repeat(43))),
            "key 1: its numbers are not those of a key",
        ),
        (
            ed("x", json!("AQ")),
            "key 1: it is not an uncompressed point of its curve",
        ),
        (
            but("n", json!("AQ==")),
            "key 2: `n` is missing, too long or not base64url",
        ),
        (
            but("e", json!(65537)),
            "key 2: `e` is missing, too long or not base64url",
        ),
        (
            but("e", json!("AQAAAAE")),
            "key 2: `e` is missing, too long or not base64url",
        ),
        (
            json!([{"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}]),
            "key 1: it has 17 bits; expected 2048 to 8192",
        ),
        (but("use", json!("enc")), "key 2: `use` or `key_ops` says"),
        (but("use", json!(null)), "key 2: `use` or `key_ops` says"),
        (
            but("key_ops", json!(["sign"])),
            "key 2: `use` or `key_ops` says",
        ),
        (
            but("key_ops", json!("verify")),
            "key 2: `use` or `key_ops` says",
        ),
        (
            but("alg", json!("ES256")),
            "key 2: `alg` is not a signature algorithm that this key",
        ),
        (
            but("alg", json!("RSA-OAEP")),
            "key 2: `alg` is not a signature algorithm that this key",
        ),
        (
            ec("alg", json!("ES384")),
            "key 1: `alg` is not a signature algorithm that this key",
        ),
        (
            but("x5c", x5c(GITLAB)),
            "key 2: `x5c` does not begin with a certificate of this key",
        ),
        (
            but("x5c", json!([])),
            "key 2: `x5c` does not begin with a certificate of this key",
        ),
    ] {
        let said = from_set(keys.clone()).map(|_| ()).unwrap_err();
        assert!(
            said.starts_with(fault),
            "{keys}\n  said: {said}\n  expected: {fault}"
        );
    }
    for keys in [
        json!(vec![jwk(REGISTRY, "a"); 1]),
        but("use", json!("sig")),
        but("key_ops", json!(["verify"])),
        but("alg", json!("PS256")),
        but("x5c", x5c(REGISTRY)),
        but("x5t", json!("anything else")),
        ec("use", json!("sig")),
        ed("alg", json!("EdDSA")),
    ] {
        let trusted = from_set(keys.clone());
        assert!(trusted.is_ok(), "{keys}: {trusted:?}");
    }
}

#[test]
fn an_algorithm_named_with_a_key_is_its_only_one() {
    let mut key = jwk(REGISTRY, "a");
    key["alg"] = json!("PS256");
    let keys = from_set(json!([key])).unwrap();
    let key = keys.find("a").unwrap();
    assert!(key.algorithm("PS256").is_some());
    assert!(key.algorithm("RS256").is_none());
}

#[test]
fn a_certificate_is_valid_between_its_dates() {
    let after = |seconds: i64| UnixTime::from_seconds(u64::try_from(seconds).unwrap());
    let keys = TrustedKeys::from_bundle(REGISTRY.as_bytes(), Profile::Gitlab).unwrap();
    let certificate = keys.iter().next().unwrap().certificates[0];
    assert!(certificate.is_valid_at(after(certificate.not_before)));
    assert!(certificate.is_valid_at(after(certificate.not_after)));
    assert!(!certificate.is_valid_at(after(certificate.not_before - 1)));
    assert!(!certificate.is_valid_at(after(certificate.not_after + 1)));
}

#[test]
fn two_certificates_of_one_key_are_one_key() {
    let bundle = format!("{REGISTRY}{EXPIRED}{REGISTRY}{SECOND}");
    let keys = TrustedKeys::from_bundle(bundle.as_bytes(), Profile::Gitlab).unwrap();
    let mut counts: Vec<usize> = keys.iter().map(|key| key.certificates.len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
    for pem in [REGISTRY, EXPIRED] {
        let key = &parse_bundle(pem.as_bytes()).unwrap()[0];
        let (found, certificate) = keys.find_certificate(&key.fingerprint).unwrap();
        assert_eq!(found.id, key.public_key.libtrust());
        assert_eq!(certificate.not_after, key.not_after);
        assert!(keys.find_public_key(found.verifying_key.spki()).is_some());
    }
    let large = &parse_bundle(LARGE.as_bytes()).unwrap()[0];
    assert!(keys.find_certificate(&large.fingerprint).is_none());
}
