use serde_json::json;

use super::*;
use crate::keys::certificate;

const REGISTRY: &str = include_str!("../../tests/fixtures/keys/registry.crt");

const SECOND: &str = include_str!("../../tests/fixtures/keys/second.crt");

fn complete() -> Value {
    json!({
        "realm": "https://gitlab.example.com/jwt/auth",
        "service": "container_registry",
        "issuer": "omnibus-gitlab-issuer",
        "rootcertbundle": REGISTRY,
    })
}

fn with(key: &str, value: Value) -> String {
    let mut config = complete();
    config[key] = value;
    config.to_string()
}

/// With `autoredirect` and these hosts.
fn autoredirect(hosts: Value) -> String {
    let mut config = complete();
    config["autoredirect"] = json!(true);
    config["autoredirect_hosts"] = hosts;
    config.to_string()
}

fn without(key: &str) -> String {
    let mut config = complete();
    config.as_object_mut().unwrap().remove(key);
    config.to_string()
}

fn fault(json: &str) -> String {
    Config::from_json(json.as_bytes(), &[])
        .unwrap_err()
        .to_string()
}

#[test]
fn a_complete_configuration_holds() {
    let config = Config::from_json(complete().to_string().as_bytes(), &[]).unwrap();
    assert_eq!(config.realm(), "https://gitlab.example.com/jwt/auth");
    assert_eq!(config.service(), "container_registry");
    assert_eq!(config.verifier().issuer, "omnibus-gitlab-issuer");
    assert_eq!(config.profile(), Profile::Gitlab);
    assert_eq!(config.keys_from(), KeySource::Configuration);
    let nosniff = ("x-content-type-options".to_owned(), "nosniff".to_owned());
    assert_eq!(config.headers(), [nosniff]);
}

#[test]
fn every_profile_can_be_chosen() {
    for profile in Profile::ALL {
        let json = with("profile", json!(profile.name()));
        assert_eq!(
            Config::from_json(json.as_bytes(), &[]).unwrap().profile(),
            profile
        );
    }
}

#[test]
fn what_is_wrong_is_said_in_one_line_that_names_the_key() {
    for (json, expected) in [
        (String::new(), "is empty"),
        ("  \n".to_owned(), "is empty"),
        ("\n\u{e}\n\u{1}a".to_owned(), "google.protobuf.StringValue"),
        ("realm: x".to_owned(), "begins with byte 0x72"),
        ("[]".to_owned(), "begins with byte 0x5b"),
        ("{".to_owned(), "is not JSON: EOF"),
        ("{} x".to_owned(), "is not JSON: trailing characters"),
        (
            r#"{"realm":"a","realm":"b"}"#.to_owned(),
            "names a key twice",
        ),
        (
            without("realm"),
            "`realm`: missing; expected the absolute http(s) URL",
        ),
        (without("service"), "`service`: missing"),
        (without("issuer"), "`issuer`: missing"),
        (
            without("rootcertbundle"),
            "`rootcertbundle`: missing, and no bundle was embedded",
        ),
        (with("realm", json!("")), "`realm`: found an empty string"),
        (
            with("service", json!("  ")),
            "`service`: found an empty string",
        ),
        (with("issuer", json!("")), "`issuer`: found an empty string"),
        (
            with("rootcertbundle", json!("")),
            "`rootcertbundle`: found an empty string",
        ),
        (
            with("permit_header", json!("authorization")),
            "`permit_header`: found authorization; expected the name of a header",
        ),
        (
            with("permit_header", json!("x-a b")),
            "`permit_header`: found x-a b; expected the name of a header",
        ),
        (
            with("permit_header", json!("x-forwarded-proto")),
            "`permit_header`: found x-forwarded-proto; expected the name of a header",
        ),
        (
            with("permit_header", json!("X-Real-IP")),
            "`permit_header`: found x-real-ip; expected the name of a header",
        ),
        (
            with("permit_header", json!("x-envoy-permit")),
            "`permit_header`: found x-envoy-permit; expected the name of a header",
        ),
        (
            with("permit_header", json!("x-")),
            "`permit_header`: found x-; expected the name of a header",
        ),
        (
            with("gitlab_api", json!("allow")),
            "`gitlab_api`: found allow; expected \"deny\" or \"authorize\"",
        ),
        (
            with("gitlab_api", json!(true)),
            "`gitlab_api`: found true; expected \"deny\"",
        ),
        (
            with("autoredirect", json!("yes")),
            "`autoredirect`: found \\\"yes\\\"; expected true or false",
        ),
        (
            with("autoredirect", json!(true)),
            "`autoredirect_hosts`: missing; expected a list of the hosts that autoredirect may name",
        ),
        (
            with("autoredirect_hosts", json!(["registry.example.com"])),
            "`autoredirect_hosts`: it has no effect alone",
        ),
        (
            autoredirect(json!([])),
            "`autoredirect_hosts`: found an empty list; expected a list",
        ),
        (
            autoredirect(json!("registry.example.com")),
            "`autoredirect_hosts`: found \\\"registry.example.com\\\"; expected a list",
        ),
        (
            autoredirect(json!(["registry.example.com", 5000])),
            "`autoredirect_hosts`: found [",
        ),
        (
            autoredirect(json!([
                "registry.example.com",
                "https://registry.example.org"
            ])),
            "`autoredirect_hosts`: found https://registry.example.org; expected a list",
        ),
        (
            autoredirect(json!(["*.example.com"])),
            "`autoredirect_hosts`: found *.example.com; expected a list",
        ),
        (
            autoredirect(json!(["a\nb"])),
            "`autoredirect_hosts`: found a\\nb; expected a list",
        ),
        (
            with("autoredirectpath", json!("/jwt/auth")),
            "`autoredirectpath`: registries before Distribution 3 have the path built in",
        ),
        (
            with("realm", json!("/jwt/auth")),
            "`realm`: found /jwt/auth; expected the absolute",
        ),
        (
            with("realm", json!("gitlab.example.com/jwt/auth")),
            "`realm`: found gitlab",
        ),
        (
            with("realm", json!("ftp://gitlab.example.com/")),
            "`realm`: found ftp",
        ),
        (
            with("realm", json!("https:///jwt/auth")),
            "`realm`: found https:///",
        ),
        (
            with("realm", json!("https://a/#b")),
            "`realm`: found https://a/#b",
        ),
        (
            with("realm", json!("https://a b/")),
            "`realm`: found https://a b/",
        ),
        (
            with("realm", json!("https://a/\"\r\nx: y")),
            "`realm`: found https://a/\\\"\\r\\nx: y",
        ),
        (with("realm", json!(5)), "`realm`: found 5"),
        (with("service", json!(null)), "`service`: found null"),
        (with("issuer", json!(["a"])), "`issuer`: found [\\\"a\\\"]"),
        (
            with("profile", json!("gitlab-16")),
            "`profile`: found gitlab-16; expected \"gitlab\"",
        ),
        (with("profile", json!(3)), "`profile`: found 3"),
        (
            with("rootcertbundle", json!("/etc/registry.crt")),
            "no PEM block of the type CERT",
        ),
        (with("headers", json!([])), "`headers`: found []"),
        (with("headers", json!({"X-A": "b"})), "`headers`: found"),
        (
            with("headers", json!({"X-A": ["b\r\nc: d"]})),
            "`headers`: found",
        ),
        (with("headers", json!({"X A": ["b"]})), "`headers`: found"),
        (with("headers", json!({"": ["b"]})), "`headers`: found"),
        (
            with("headers", json!({"WWW-Authenticate": ["b"]})),
            "`headers`: found",
        ),
        (
            with("token_cache_entries", json!(-1)),
            "`token_cache_entries`: found -1; expected how",
        ),
        (
            with("token_cache_entries", json!("9")),
            "`token_cache_entries`: found \\\"9\\\"",
        ),
        (
            with("token_cache_bytes", json!(1.5)),
            "`token_cache_bytes`: found 1.5",
        ),
        (
            with("relm", json!("a")),
            "`relm`: unknown key; expected one of realm, service",
        ),
        (with("a\nb", json!("a")), "`a\\nb`: unknown key"),
        (with("Realm", json!("a")), "`Realm`: unknown key"),
    ] {
        let line = fault(&json);
        assert!(
            line.contains(expected),
            "{json}\n  said: {line}\n  expected: {expected}"
        );
        assert!(!line.contains('\n'), "more than one line: {line}");
    }
}

#[test]
fn a_bundle_in_the_configuration_replaces_the_embedded_one() {
    let key = |pem: &str| certificate::parse_bundle(pem.as_bytes()).unwrap().remove(0);
    let second = key(SECOND);
    let embedded = EmbeddedKey {
        spki: second.public_key.spki().to_vec().leak(),
        fingerprint: second.fingerprint,
        not_before: second.not_before,
        not_after: second.not_after,
    };
    let id = second.public_key.libtrust();
    let config = Config::from_json(without("rootcertbundle").as_bytes(), &[embedded]).unwrap();
    assert_eq!(config.keys_from(), KeySource::Embedded);
    assert!(config.verifier().keys.find(&id).is_some());

    let config = Config::from_json(complete().to_string().as_bytes(), &[embedded]).unwrap();
    assert_eq!(config.keys_from(), KeySource::Configuration);
    assert!(config.verifier().keys.find(&id).is_none());
}

#[test]
fn headers_are_the_registrys_http_headers() {
    let json = with(
        "headers",
        json!({"X-Frame-Options": ["deny"], "X-Many": ["a", "b"]}),
    );
    let config = Config::from_json(json.as_bytes(), &[]).unwrap();
    let pairs: Vec<(&str, &str)> = config
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("x-frame-options", "deny"),
            ("x-many", "a"),
            ("x-many", "b")
        ]
    );

    let json = with("headers", json!({}));
    assert!(
        Config::from_json(json.as_bytes(), &[])
            .unwrap()
            .headers()
            .is_empty()
    );
}

#[test]
fn autoredirect_takes_its_keys_as_the_registry_of_the_profile_has_them() {
    let read = |more: Value| {
        let mut config = complete();
        for (key, value) in more.as_object().unwrap() {
            config[key] = value.clone();
        }
        Config::from_json(config.to_string().as_bytes(), &[])
    };
    let hosts = json!(["registry.example.com", "registry.example.com:5000"]);
    for profile in ["gitlab", "distribution-2.8", "distribution-3"] {
        let config = json!({"profile": profile, "autoredirect": true, "autoredirect_hosts": hosts});
        let config = read(config).unwrap();
        assert_eq!(config.autoredirect().unwrap().path, "/auth/token");
        // Switched off, with the list for the day it is on.
        let off = json!({"profile": profile, "autoredirect": false, "autoredirect_hosts": hosts});
        assert_eq!(read(off).unwrap().autoredirect(), None);
        let off = json!({"profile": profile, "autoredirect": false});
        assert_eq!(read(off).unwrap().autoredirect(), None);
    }
    for (path, holds) in [
        ("/jwt/auth", true),
        ("/", true),
        ("/jwt/auth/", true),
        ("jwt/auth", false),
        ("//evil.example/auth", false),
        ("/jwt auth", false),
        ("/jwt?a=b", false),
        ("/jwt#a", false),
        ("/jwt\"", false),
        ("/jwt\r\nx: y", false),
        ("/jwt%2f", false),
    ] {
        let config = read(json!({
            "profile": "distribution-3",
            "autoredirect": true,
            "autoredirect_hosts": hosts,
            "autoredirectpath": path,
        }));
        assert_eq!(config.is_ok(), holds, "{path}");
        match config {
            Ok(config) => assert_eq!(config.autoredirect().unwrap().path, path),
            Err(error) => assert!(error.to_string().starts_with("`autoredirectpath`: found ")),
        }
    }
    let alone = read(json!({"profile": "distribution-3", "autoredirectpath": "/jwt/auth"}));
    let fault = alone.unwrap_err().to_string();
    assert!(
        fault.starts_with("`autoredirectpath`: it has no effect alone"),
        "{fault}"
    );
}

#[test]
fn only_gitlab_has_gitlabs_api() {
    use crate::route::GitlabApi;
    for (profile, value, expected) in [
        ("gitlab", None, Some(GitlabApi::Deny)),
        ("gitlab", Some("deny"), Some(GitlabApi::Deny)),
        ("gitlab", Some("authorize"), Some(GitlabApi::Authorize)),
        ("distribution-2.8", None, Some(GitlabApi::Deny)),
        ("distribution-2.8", Some("deny"), None),
        ("distribution-3", Some("authorize"), None),
    ] {
        let mut config = complete();
        config["profile"] = json!(profile);
        if let Some(value) = value {
            config["gitlab_api"] = json!(value);
        }
        let read = Config::from_json(config.to_string().as_bytes(), &[]);
        match expected {
            Some(expected) => assert_eq!(read.unwrap().gitlab_api(), expected),
            None => assert!(read.unwrap_err().to_string().starts_with(
                "`gitlab_api`: only GitLab's registry has that API; expected the profile"
            )),
        }
    }
}

#[test]
fn a_permit_header_is_known_by_its_lower_case() {
    let read = |json: String| Config::from_json(json.as_bytes(), &[]).unwrap();
    assert_eq!(read(complete().to_string()).permit_header(), None);
    for (name, known) in [
        ("X-Registry-Permit", "x-registry-permit"),
        ("x-p", "x-p"),
        ("x-real", "x-real"),
    ] {
        let config = read(with("permit_header", json!(name)));
        assert_eq!(config.permit_header(), Some(known));
    }
}
