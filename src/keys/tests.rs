use super::certificate::{libtrust, parse_bundle, rfc7638};
use super::signature::Algorithm;
use super::*;

const REGISTRY: &str = include_str!("../../tests/fixtures/keys/registry.crt");
const SECOND: &str = include_str!("../../tests/fixtures/keys/second.crt");
const GITLAB: &str = include_str!("../../tests/fixtures/keys/gitlab.crt");
const LARGE: &str = include_str!("../../tests/fixtures/keys/large.crt");
const WEAK: &str = include_str!("../../tests/fixtures/keys/weak.crt");
const EXPIRED: &str = include_str!("../../tests/fixtures/keys/expired.crt");
const EC: &str = include_str!("../../tests/fixtures/keys/ec.crt");

#[test]
fn key_ids_are_those_of_the_published_key() {
    // The RSA key of RFC 7638 section 3.1.
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let n = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(n).unwrap();
    let e = [1, 0, 1];
    assert_eq!(
        rfc7638(&n, &e),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
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
    assert_eq!(
        libtrust(&spki),
        "VUZD:EDHW:YWLN:RBFQ:KOA3:UVZ2:XKG5:2V2J:WTPI:6SRD:U6PZ:VCO5"
    );
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
            Err(BundleError::KeySize {
                number: 1,
                bits: 1024,
            }),
        ),
        (
            "second is EC",
            format!("{REGISTRY}{EC}"),
            Err(BundleError::NotRsa { number: 2 }),
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
    let id = |form| {
        parse_bundle(REGISTRY.as_bytes()).map(|keys| match form {
            KeyIdForm::Libtrust => keys[0].libtrust.clone(),
            KeyIdForm::Rfc7638 => keys[0].rfc7638.clone(),
        })
    };
    let (libtrust, rfc7638) = (
        id(KeyIdForm::Libtrust).unwrap(),
        id(KeyIdForm::Rfc7638).unwrap(),
    );
    for (form, own, other) in [
        (KeyIdForm::Libtrust, &libtrust, &rfc7638),
        (KeyIdForm::Rfc7638, &rfc7638, &libtrust),
    ] {
        let keys = TrustedKeys::from_bundle(REGISTRY.as_bytes(), form).unwrap();
        assert_eq!(keys.iter().count(), 1);
        assert!(keys.find(own).is_some(), "{form:?}");
        assert!(keys.find(other).is_none(), "{form:?}");
        assert!(keys.find(&own.to_lowercase()).is_none(), "{form:?}");
        assert!(keys.find("").is_none(), "{form:?}");
    }
}

#[test]
fn no_keys_is_an_error_and_not_an_empty_set() {
    let missing = TrustedKeys::from_embedded(&[], KeyIdForm::Libtrust).unwrap_err();
    assert_eq!(missing, KeysError::Missing);
    let even = EmbeddedKey {
        modulus: &[0xfe; 256],
        exponent: &[1, 0, 1],
        libtrust: "A",
        rfc7638: "a",
        fingerprint: [0; 32],
        not_before: 0,
        not_after: 0,
    };
    let unusable = TrustedKeys::from_embedded(&[even], KeyIdForm::Libtrust).unwrap_err();
    assert_eq!(unusable, KeysError::Unusable { number: 1 });
}

#[test]
fn an_embedded_key_is_the_key_of_its_certificate() {
    let keys: &'static [CertificateKey] = parse_bundle(REGISTRY.as_bytes()).unwrap().leak();
    let key = &keys[0];
    let embedded = EmbeddedKey {
        modulus: &key.modulus,
        exponent: &key.exponent,
        libtrust: &key.libtrust,
        rfc7638: &key.rfc7638,
        fingerprint: key.fingerprint,
        not_before: key.not_before,
        not_after: key.not_after,
    };
    let trusted = TrustedKeys::from_embedded(&[embedded], KeyIdForm::Rfc7638).unwrap();
    let found = trusted.find(&key.rfc7638).unwrap();
    assert_eq!(
        (
            found.certificates[0].not_before,
            found.certificates[0].not_after
        ),
        (key.not_before, key.not_after)
    );
}

#[test]
fn a_certificate_is_valid_between_its_dates() {
    let after = |seconds: i64| UnixTime::from_seconds(u64::try_from(seconds).unwrap());
    let keys = TrustedKeys::from_bundle(REGISTRY.as_bytes(), KeyIdForm::Libtrust).unwrap();
    let certificate = keys.iter().next().unwrap().certificates[0];
    assert!(certificate.is_valid_at(after(certificate.not_before)));
    assert!(certificate.is_valid_at(after(certificate.not_after)));
    assert!(!certificate.is_valid_at(after(certificate.not_before - 1)));
    assert!(!certificate.is_valid_at(after(certificate.not_after + 1)));
}

#[test]
fn two_certificates_of_one_key_are_one_key() {
    let bundle = format!("{REGISTRY}{EXPIRED}{REGISTRY}{SECOND}");
    let keys = TrustedKeys::from_bundle(bundle.as_bytes(), KeyIdForm::Libtrust).unwrap();
    let mut counts: Vec<usize> = keys.iter().map(|key| key.certificates.len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
    for pem in [REGISTRY, EXPIRED] {
        let key = &parse_bundle(pem.as_bytes()).unwrap()[0];
        let (found, certificate) = keys.find_certificate(&key.fingerprint).unwrap();
        assert_eq!(found.id, key.libtrust);
        assert_eq!(certificate.not_after, key.not_after);
        assert!(keys.find_public_key(found.verifying_key.spki()).is_some());
    }
    let large = &parse_bundle(LARGE.as_bytes()).unwrap()[0];
    assert!(keys.find_certificate(&large.fingerprint).is_none());
}

#[test]
fn only_the_algorithms_of_an_rsa_key_are_known() {
    for (name, by_all, with_pss) in [
        ("RS256", true, true),
        ("RS384", true, true),
        ("RS512", true, true),
        ("PS256", false, true),
        ("PS384", false, true),
        ("PS512", false, true),
        ("rs256", false, false),
        ("ps256", false, false),
        ("none", false, false),
        ("None", false, false),
        ("HS256", false, false),
        ("ES256", false, false),
        ("RS1", false, false),
        ("", false, false),
    ] {
        assert_eq!(Algorithm::for_rsa(name, false).is_some(), by_all, "{name}");
        assert_eq!(Algorithm::for_rsa(name, true).is_some(), with_pss, "{name}");
    }
}
