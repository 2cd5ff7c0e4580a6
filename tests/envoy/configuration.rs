//! Configurations: what Envoy refuses to start with, and how a running one takes another.

use std::path::PathBuf;

use edgectl::KeyPair;
use registry_token_filter::profile::Profile;
use serde_json::{Value, json};
use testbed::envoy;
use testbed::envoy::{Document, Settings, Update, bootstrap, try_out};
use testbed::hosts::{self, Fact};
use testbed::registry::Release;

use crate::support::edge::{APP, Edge, Setup};
use crate::support::http::{Request, Version};
use crate::support::image::read_manifest;
use crate::support::lab::Lab;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[
    (
        "a bad configuration is refused with one line that names the key and the remedy",
        refused,
    ),
    ("Envoy does not start with a bad configuration", no_start),
    (
        "a bad update is refused while the old configuration serves on, a good one replaces it",
        update,
    ),
];

/// A change to the good configuration, and what the line about it says.
struct Fault {
    fault: &'static str,
    change: fn(&mut Value),
    line: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault {
        fault: "an unknown key",
        change: |plugin| plugin["relam"] = json!("https://example.com/jwt/auth"),
        line: "`relam`: unknown key; expected one of realm, service, issuer, rootcertbundle",
    },
    Fault {
        fault: "an empty value",
        change: |plugin| plugin["issuer"] = json!(""),
        line: "`issuer`: found an empty string; expected",
    },
    Fault {
        fault: "no issuer",
        change: |plugin| remove(plugin, "issuer"),
        line: "`issuer`: missing; expected",
    },
    Fault {
        fault: "no service",
        change: |plugin| remove(plugin, "service"),
        line: "`service`: missing; expected",
    },
    Fault {
        fault: "a relative realm",
        change: |plugin| plugin["realm"] = json!("/jwt/auth"),
        line: "`realm`: found /jwt/auth; expected the absolute http(s) URL",
    },
    Fault {
        fault: "a value of the wrong type",
        change: |plugin| plugin["service"] = json!(["container_registry"]),
        line: "`service`: found ",
    },
    Fault {
        fault: "an unknown profile",
        change: |plugin| plugin["profile"] = json!("harbor"),
        line: "`profile`: found harbor; expected",
    },
    Fault {
        fault: "no certificate",
        change: |plugin| remove(plugin, "rootcertbundle"),
        line: "`rootcertbundle`: missing, and no bundle was embedded",
    },
    Fault {
        fault: "a bundle without certificates",
        change: |plugin| plugin["rootcertbundle"] = json!("nothing"),
        line: "`rootcertbundle`: ",
    },
    Fault {
        fault: "a broken certificate",
        change: |plugin| {
            let pem = plugin["rootcertbundle"].as_str().unwrap();
            plugin["rootcertbundle"] = json!(pem.replacen("\nM", "\n", 1));
        },
        line: "`rootcertbundle`: ",
    },
    Fault {
        fault: "a certificate with an EC key",
        change: |plugin| plugin["rootcertbundle"] = json!(SECP256K1),
        line: "`rootcertbundle`: the key of certificate 1 is neither an RSA key",
    },
    Fault {
        fault: "a certificate with a key of 1024 bits",
        change: |plugin| plugin["rootcertbundle"] = json!(WEAK),
        line: "`rootcertbundle`: the key of certificate 1 has 1024 bits; expected 2048 to 8192",
    },
];

const SECP256K1: &str = include_str!("../fixtures/keys/secp256k1.crt");
const WEAK: &str = include_str!("../fixtures/keys/weak.crt");

fn remove(plugin: &mut Value, key: &str) {
    plugin.as_object_mut().unwrap().remove(key).unwrap();
}

/// What `envoy --mode validate` says of the running edge's bootstrap after a change.
fn said(
    lab: &Lab,
    edge: &Edge,
    name: &str,
    change: impl FnOnce(&mut Document),
) -> Result<String, String> {
    let text = std::fs::read_to_string(edge.stack.envoy().configuration()).unwrap();
    let mut document = Document::parse(name, &text).unwrap();
    change(&mut document);
    let file: PathBuf = edge
        .stack
        .folder()
        .join(format!("{}.yaml", name.replace(' ', "-")));
    std::fs::write(&file, document.to_yaml().unwrap()).unwrap();
    try_out(lab.tools(), &file).map_err(|error| error.to_string())
}

fn refused(lab: &Lab) {
    let edge = lab.gitlab();
    let good = edge.stack.plugin_configuration();
    let untouched = said(lab, edge, "good", |_| {});
    assert!(untouched.is_ok(), "{untouched:?}");
    for Fault {
        fault,
        change,
        line,
    } in FAULTS
    {
        let mut plugin = good.clone();
        change(&mut plugin);
        let place = bootstrap::plugin_configuration();
        let said = said(lab, edge, fault, |document| {
            document.set(&place, plugin.to_string()).unwrap();
        });
        assert_one_line(fault, said, line);
    }
    // As protobuf, though it is written in YAML all the same.
    let said = said(lab, edge, "a Struct", |document| {
        let place = bootstrap::plugin("configuration");
        let kind = "type.googleapis.com/google.protobuf.Struct";
        document
            .set(&place, json!({"@type": kind, "value": good}))
            .unwrap();
    });
    assert_one_line(
        "a Struct",
        said,
        "give it to Envoy as a google.protobuf.StringValue",
    );
}

fn assert_one_line(fault: &str, said: Result<String, String>, line: &str) {
    let said = said.expect_err(fault);
    let about: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("configuration refused: "))
        .collect();
    let [about] = about.as_slice() else {
        panic!("{fault}: not one line: {said}")
    };
    assert!(about.contains(line), "{fault}: {about}");
}

fn no_start(lab: &Lab) {
    for (fault, key, value) in [
        ("an unknown key", "relam", json!("https://example.com")),
        ("no certificate", "rootcertbundle", Value::Null),
    ] {
        let started = lab.builder().nodes(1).plugin(key, value).start();
        let error = started.expect_err(fault).to_string();
        assert!(
            error.contains("envoy ended") && error.contains("configuration refused"),
            "{error}"
        );
    }
    let saw = "does not start; one line names the key";
    hosts::saw(&host(), Fact::Start, saw).unwrap();
}

fn update(lab: &Lab) {
    let mut edge = Edge::start(
        lab.parts(),
        Setup::adjusted(Profile::Gitlab, Release::Distribution2, |builder| {
            builder.envoy(Settings {
                listener_from_file: true,
                ..Settings::default()
            })
        }),
    );
    let old_token = edge.mint.token(&["repository:group/app:pull"]);
    let second = KeyPair::generate(2048, 1).unwrap();
    let draft = {
        let mut draft = edge.mint.draft(&["repository:group/app:pull"]);
        draft.header["kid"] = second.key.key_id().into();
        draft
    };
    let new_token = second.key.sign_raw(&draft.header, &draft.claims).unwrap();

    assert_trusts(&edge, &old_token, &new_token);

    let good = edge.stack.plugin_configuration().clone();
    for broken in ["nothing", WEAK, ""] {
        let mut plugin = good.clone();
        plugin["rootcertbundle"] = json!(broken);
        let mark = edge.mark();
        assert_eq!(
            edge.stack.update_plugin(&plugin).unwrap(),
            Update::Rejected,
            "{broken}"
        );
        mark.wait_for("configuration refused: `rootcertbundle`: ");
        assert_trusts(&edge, &old_token, &new_token);
    }

    // Both keys for the change-over, then the new one alone.
    let mut both = good.clone();
    both["rootcertbundle"] = json!(format!(
        "{}{}",
        edge.mint.certificate, second.certificate_pem
    ));
    assert_eq!(edge.stack.update_plugin(&both).unwrap(), Update::Accepted);
    for token in [&old_token, &new_token] {
        assert_eq!(
            edge.client
                .send(Version::Http2, &read_manifest(APP, "latest").bearer(token))
                .status,
            200
        );
    }
    let mut alone = good;
    alone["rootcertbundle"] = json!(second.certificate_pem);
    assert_eq!(edge.stack.update_plugin(&alone).unwrap(), Update::Accepted);
    assert_trusts(&edge, &new_token, &old_token);
    for (fact, saw) in [
        (
            Fact::Update,
            "refused, one line names the key; the old one serves on",
        ),
        (
            Fact::Reload,
            "in force, without what was kept of the old one",
        ),
    ] {
        hosts::saw(&host(), fact, saw).unwrap();
    }
}

fn host() -> String {
    hosts::envoy(envoy::chosen().unwrap().version)
}

/// Whatever worker answers: the one token is served, the other is not believed.
fn assert_trusts(edge: &Edge, trusted: &str, unknown: &str) {
    let challenge = edge.challenge("repository:group/app:pull", Some("invalid_token"));
    for _ in 0..6 {
        for version in Version::BOTH {
            let request = read_manifest(APP, "latest");
            let answer = edge.client.send(version, &request.clone().bearer(trusted));
            assert_eq!(answer.status, 200, "{answer}");
            let answer = edge
                .client
                .send(version, &Request::bearer(request, unknown));
            assert_eq!(
                answer.header("www-authenticate"),
                Some(challenge.as_str()),
                "{answer}"
            );
        }
    }
}
