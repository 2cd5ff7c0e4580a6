//! Configurations: taken, refused, replaced; and requests that come before there is one.

use base32ct::{Base32Upper, Encoding as _};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::Test;
use crate::artifact;
use crate::filter::{Filter, Mint, TARGET, Verdict, fixture, standard, standard_but};
use crate::host::{Dialect, Level, LogLine, Options, Request, Root, Vm};

pub(crate) const TESTS: &[Test] = &[
    (
        "a configuration is summed up in one line: version, profile, names, keys with their dates",
        the_summary,
    ),
    (
        "a certificate whose dates do not hold is warned of, and its key trusted",
        dates_that_do_not_hold,
    ),
    (
        "a configuration with a fault is refused with one line that names it",
        refused_configurations,
    ),
    (
        "a request before there is a configuration is answered 503",
        before_a_configuration,
    ),
    (
        "a request after the configuration was refused is answered 503",
        after_a_refused_configuration,
    ),
    (
        "a new configuration with other keys trusts no token of the old one, proven or not",
        an_update_drops_trust,
    ),
    (
        "while a new configuration is refused the old one serves on",
        a_refused_update,
    ),
    (
        "two configurations side by side keep to their own keys",
        side_by_side,
    ),
    ("two hundred updates leave nothing behind", many_updates),
];

fn start(dialect: Dialect) -> Vm {
    Vm::start(artifact::module(dialect), Options::of(dialect)).unwrap()
}

fn bytes(configuration: &Value) -> Vec<u8> {
    configuration.to_string().into_bytes()
}

fn the_summary() {
    for dialect in Dialect::ALL {
        let mut vm = start(dialect);
        vm.configured(&bytes(&standard())).unwrap();
        let mut keys: Vec<String> = [
            fixture!("registry.crt"),
            fixture!("second.crt"),
            fixture!("gitlab.crt"),
        ]
        .into_iter()
        .map(|pem| {
            let certificate = certificate(pem);
            let last_day = certificate.tbs_certificate().validity().not_after;
            format!("{} (expires {last_day})", libtrust_id(&certificate))
        })
        .collect();
        keys.sort();
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "registry-token-filter {version} configured: profile=gitlab \
             issuer=\"omnibus-gitlab-issuer\" service=\"container_registry\" \
             realm=\"https://gitlab.example.com/jwt/auth\"; keys of the configuration: {}",
            keys.join(", ")
        );
        let expected = LogLine {
            level: Level::Info,
            text: expected,
        };
        assert_eq!(vm.take_log(), [expected], "{dialect:?}");
    }
}

fn certificate(pem: &str) -> Certificate {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    Certificate::from_der(&der).unwrap()
}

/// libtrust's id of a public key: 240 bits of the SHA-256 of its DER, in base32, in groups of four.
fn libtrust_id(certificate: &Certificate) -> String {
    let key = certificate.tbs_certificate().subject_public_key_info();
    let digest = Sha256::digest(key.to_der().unwrap());
    let letters = Base32Upper::encode_string(&digest[..30]);
    let groups: Vec<&str> = letters
        .as_bytes()
        .chunks(4)
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect();
    groups.join(":")
}

fn dates_that_do_not_hold() {
    // Whether the certificates of the standard configuration have begun to hold depends on the
    // clock alone.
    const BEFORE: u64 = 1_600_000_000;
    let expired = standard_but("rootcertbundle", fixture!("expired.crt"));
    for (configuration, now, warnings) in [
        (&standard(), crate::NOW, 0),
        (&expired, crate::NOW, 1),
        (&standard(), BEFORE, 3),
    ] {
        let options = Options {
            now,
            ..Options::of(Dialect::Envoy)
        };
        let mut vm = Vm::start(artifact::module(options.dialect), options).unwrap();
        let root = vm.configured(&bytes(configuration)).unwrap();
        let log = vm.take_log();
        let warned: Vec<&LogLine> = log
            .iter()
            .filter(|line| line.level == Level::Warn)
            .collect();
        assert_eq!(warned.len(), warnings, "{log:?}");
        assert_eq!(log.len(), warnings + 1, "{log:?}");
        for line in warned {
            assert!(line.text.starts_with("a certificate of key "), "{line:?}");
        }
        vm.set_time(crate::NOW);
        let request = Request::get(TARGET).bearer(Mint::registry().token());
        assert_eq!(vm.request(root, &request).unwrap().status(), None);
    }
}

fn refused_configurations() {
    let text = |value: Value| value.to_string().into_bytes();
    let without = |key: &str| {
        let mut configuration = standard();
        configuration.as_object_mut().unwrap().remove(key);
        text(configuration)
    };
    let but = |key: &str, value: Value| text(standard_but(key, value));
    let twice = standard()
        .to_string()
        .replacen('{', r#"{"realm":"https://a.example/","#, 1);
    let cut = standard().to_string();
    for (configuration, fault) in [
        (Vec::new(), "configuration is empty"),
        (b" \n".to_vec(), "configuration is empty"),
        // How a google.protobuf.Struct arrives.
        (
            b"\x0a\x0e\x0a\x05realm\x12\x05\x1a\x03abc".to_vec(),
            "StringValue",
        ),
        (b"\xff\xfe".to_vec(), "not a JSON object"),
        (b"[]".to_vec(), "not a JSON object"),
        (b"{\"realm\": \"\xff\"}".to_vec(), "not JSON"),
        (cut.as_bytes()[..cut.len() - 1].to_vec(), "not JSON"),
        (twice.into_bytes(), "names a key twice"),
        (but("relm", json!("x")), "`relm`: unknown key"),
        (without("realm"), "`realm`: missing"),
        (without("service"), "`service`: missing"),
        (without("issuer"), "`issuer`: missing"),
        (without("rootcertbundle"), "`rootcertbundle`: missing"),
        (but("realm", json!("/jwt/auth")), "`realm`: found"),
        (
            but("realm", json!("https://a.example/\r\nx: y")),
            "`realm`: found",
        ),
        (
            but("service", json!("")),
            "`service`: found an empty string",
        ),
        (but("issuer", json!(["a"])), "`issuer`: found"),
        (but("profile", json!("harbor")), "`profile`: found"),
        (
            but("headers", json!({"x-a": ["b\r\nc: d"]})),
            "`headers`: found",
        ),
        (
            but("token_cache_entries", json!(-1)),
            "`token_cache_entries`: found",
        ),
        (
            but("token_cache_bytes", json!("1MB")),
            "`token_cache_bytes`: found",
        ),
        (
            but("rootcertbundle", json!("registry.crt")),
            "`rootcertbundle`: ",
        ),
        (
            but("rootcertbundle", json!(fixture!("registry.key"))),
            "`rootcertbundle`: ",
        ),
        (
            but("rootcertbundle", json!(fixture!("secp256k1.crt"))),
            "`rootcertbundle`: ",
        ),
        (
            but("rootcertbundle", json!(fixture!("weak.crt"))),
            "`rootcertbundle`: ",
        ),
    ] {
        for dialect in Dialect::ALL {
            let mut vm = start(dialect);
            let root = vm.root().unwrap();
            let shown = String::from_utf8_lossy(&configuration);
            assert!(
                !vm.configure(root, &configuration).unwrap(),
                "taken: {shown}"
            );
            let log = vm.take_log();
            let [line] = log.as_slice() else {
                panic!("not one line: {log:?}");
            };
            assert_eq!(line.level, Level::Error);
            assert!(line.text.starts_with("configuration refused: "), "{line:?}");
            assert!(line.text.contains(fault), "{line:?}\n  expected: {fault}");
        }
    }
    // The twin of all of them.
    start(Dialect::Envoy)
        .configured(&bytes(&standard()))
        .unwrap();
}

/// What is not served for want of a configuration.
fn assert_unavailable(vm: &mut Vm, root: Root) {
    let token = Mint::registry().token();
    for target in ["/", "/v2/", TARGET, "/nowhere", "//"] {
        for request in [Request::get(target), Request::get(target).bearer(&token)] {
            let response = vm.request(root, &request).unwrap().response.unwrap();
            assert_eq!(response.status, 503, "{target}");
            let body = r#"{"errors":[{"code":"UNAVAILABLE","message":"the token filter has no configuration"}]}"#;
            assert_eq!(String::from_utf8(response.body).unwrap().trim_end(), body);
            let json = ("content-type".to_owned(), b"application/json".to_vec());
            assert_eq!(response.fields, [json]);
        }
    }
}

fn before_a_configuration() {
    for dialect in Dialect::ALL {
        let mut vm = start(dialect);
        let root = vm.root().unwrap();
        assert_unavailable(&mut vm, root);
        // The same root, once it has one.
        assert!(vm.configure(root, &bytes(&standard())).unwrap());
        let request = Request::get(TARGET).bearer(Mint::registry().token());
        assert_eq!(vm.request(root, &request).unwrap().status(), None);
    }
}

fn after_a_refused_configuration() {
    for dialect in Dialect::ALL {
        let mut vm = start(dialect);
        let root = vm.root().unwrap();
        assert!(!vm.configure(root, b"{}").unwrap());
        assert_unavailable(&mut vm, root);
        // And when a root that had one is given another that does not hold.
        let root = vm.configured(&bytes(&standard())).unwrap();
        assert!(!vm.configure(root, b"{}").unwrap());
        assert_unavailable(&mut vm, root);
    }
}

/// The standard configuration with another key.
fn rotated() -> Value {
    standard_but("rootcertbundle", fixture!("second.crt"))
}

fn an_update_drops_trust() {
    for dialect in Dialect::ALL {
        let mut filter = Filter::new(dialect);
        let (proven, fresh) = (Mint::registry().token(), {
            let mut claims = crate::filter::claims(&[crate::filter::PULL]);
            claims["jti"] = json!("another");
            Mint::registry().sign(&claims)
        });
        assert_eq!(filter.judge(&proven), Ok(Verdict::Forwarded));
        let old = filter.root;
        filter.root = filter.vm.configured(&bytes(&rotated())).unwrap();
        filter.vm.end(old).unwrap();
        for token in [&proven, &fresh] {
            let verdict = Verdict::refused("token-unknown-key");
            assert_eq!(filter.judge(token), Ok(verdict), "{dialect:?}");
        }
        // And back: only the key was missing.
        filter.root = filter.vm.configured(&bytes(&standard())).unwrap();
        for token in [&proven, &fresh] {
            assert_eq!(filter.judge(token), Ok(Verdict::Forwarded));
        }
    }
}

fn a_refused_update() {
    let mut filter = Filter::new(Dialect::Envoy);
    let token = Mint::registry().token();
    let new = filter.vm.root().unwrap();
    assert!(!filter.vm.configure(new, b"{}").unwrap());
    filter.vm.take_log();
    assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
    filter.vm.end(new).unwrap();
    assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
}

fn side_by_side() {
    let mut filter = Filter::new(Dialect::Envoy);
    let old = filter.root;
    let new = filter.vm.configured(&bytes(&rotated())).unwrap();
    let token = Mint::registry().token();
    for _ in 0..3 {
        filter.root = old;
        assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
        filter.root = new;
        assert_eq!(
            filter.judge(&token),
            Ok(Verdict::refused("token-unknown-key"))
        );
    }
}

fn many_updates() {
    let mut filter = Filter::new(Dialect::Envoy);
    let token = Mint::registry().token();
    let mut after_first = 0;
    for update in 0..200 {
        let old = filter.root;
        filter.root = filter.vm.configured(&bytes(&standard())).unwrap();
        filter.vm.end(old).unwrap();
        filter.vm.take_log();
        assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
        if update == 5 {
            after_first = filter.vm.memory();
        }
    }
    assert_eq!(filter.vm.memory(), after_first);
}
