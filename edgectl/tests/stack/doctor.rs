//! `edgectl doctor`: what it says about edges that enforce, and about some that do not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testbed::envoy::bootstrap::{hcm, plugin};
use testbed::{Stack, envoy};

use crate::support::{builder, edgectl, json as read, run};

/// Keys of a set alone, none of which GitLab has: on a curve, and without a certificate.
#[test]
fn an_edge_that_trusts_a_key_set_is_examined_by_its_configuration() {
    let set = json!({"keys": [{
        // RFC 8037 appendix A.2.
        "kty": "OKP", "crv": "Ed25519", "kid": "one",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }]});
    let stack = builder()
        .plugin("profile", "distribution-3")
        .plugin("rootcertbundle", Value::Null)
        .plugin("jwks", set)
        .start()
        .unwrap();
    let config = stack.folder().join("plugin.json");
    std::fs::write(&config, stack.plugin_configuration().to_string()).unwrap();
    let mut command = edgectl(&["doctor", &stack.url(), "--json", "--config"]);
    let output = run(command.arg(config).arg("--ca").arg(stack.ca_file()));
    let report = read(&output);
    let verdicts = verdicts(&report);
    for check in ["configuration", "forged tokens", "no token", "realm"] {
        assert_eq!(verdicts[check], "right", "{check}: {report:#}");
    }
}

/// Every check, with its verdict.
fn verdicts(report: &Value) -> BTreeMap<&str, &str> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            (
                check["check"].as_str().unwrap(),
                check["verdict"].as_str().unwrap(),
            )
        })
        .collect()
}

/// Asks a server of the stack, with everything the stack knows; exit status and report.
fn examined(stack: &Stack, url: &str) -> (Option<i32>, Value) {
    let config = stack.folder().join("plugin.json");
    std::fs::write(&config, stack.plugin_configuration().to_string()).unwrap();
    let mut command = edgectl(&["doctor", url, "--json", "--config"]);
    command.arg(config);
    command.arg("--key").arg(&stack.signing_key().key);
    command.arg("--ca").arg(stack.ca_file());
    let output = run(&mut command);
    (output.status.code(), read(&output))
}

/// What is asked of an edge that enforces, with configuration and key. The realm gives no token to nobody here.
const ALL: [&str; 25] = [
    "a good token",
    "catalog without a token",
    "certificate",
    "configuration",
    "connection",
    "forged tokens",
    "form bodies",
    "forwarded headers",
    "garbage for a token",
    "GitLab's own API",
    "latency",
    "mount",
    "mount with a token",
    "no token",
    "other methods",
    "other paths",
    "path tricks",
    "path tricks with a token",
    "realm",
    "realm answers",
    "registry",
    "repeated Authorization",
    "repeated Authorization, the second good",
    "tokens with a wrong claim",
    "too little access",
];

#[test]
fn an_edge_that_enforces_and_a_registry_that_checks_alone_are_right() {
    let stack = builder().node_auth(true).start().unwrap();
    for url in [stack.url(), stack.nodes()[0].url()] {
        let (status, report) = examined(&stack, &url);
        let verdicts = verdicts(&report);
        assert!(
            verdicts.values().all(|verdict| *verdict == "right"),
            "{url} {report:#}"
        );
        assert_eq!(
            (status, &report["verdict"]),
            (Some(0), &"right".into()),
            "{url}"
        );
        let all: BTreeSet<&str> = ALL.into_iter().collect();
        assert_eq!(verdicts.into_keys().collect::<BTreeSet<_>>(), all, "{url}");
    }
    // The same edge is not the one of another configuration.
    let other = builder().service("other").start().unwrap();
    let (status, report) = examined(&other, &stack.url());
    assert_eq!(status, Some(3));
    let verdicts = verdicts(&report);
    assert_eq!(
        verdicts["connection"], "wrong",
        "signed by another CA: nothing is sent: {report:#}"
    );
    assert_eq!(verdicts.len(), 1, "{report:#}");
}

#[test]
fn a_registry_without_a_check_is_wrong_and_stays_as_it_is() {
    let stack = builder().start().unwrap();
    let (status, report) = examined(&stack, &stack.nodes()[0].url());
    assert_eq!(status, Some(3));
    let verdicts = verdicts(&report);
    for check in [
        "registry",
        "no token",
        "catalog without a token",
        "forged tokens",
        "path tricks",
        "mount",
        "form bodies",
        "other methods",
        "tokens with a wrong claim",
    ] {
        assert_eq!(verdicts[check], "wrong", "{check}: {report:#}");
    }
    let registry = &report["checks"].as_array().unwrap()[2];
    assert!(
        registry["found"]
            .as_str()
            .unwrap()
            .contains("open to everybody"),
        "{registry}"
    );
    let storage = stack.folder().join("storage");
    let left = std::fs::read_dir(&storage)
        .map(Iterator::count)
        .unwrap_or_default();
    assert_eq!(left, 0, "nothing was written to {}", storage.display());
}

/// A filter that traps at every request, as one does that runs out of memory.
const TRAPPING: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) unreachable))"#;

#[test]
fn an_edge_whose_filter_is_off_or_fails_open_is_wrong() {
    let without = builder().adjust(|document| {
        let filter = document.at(&hcm("http_filters[name=registry_token_filter]"))?;
        filter["disabled"] = true.into();
        Ok(())
    });
    let folder = tempfile::tempdir().unwrap();
    let trapping = folder.path().join("trapping.wasm");
    std::fs::write(&trapping, wat::parse_str(TRAPPING).unwrap()).unwrap();
    let fails_open = builder()
        .wasm(&trapping)
        // Each worker has a filter of its own, which traps once.
        .envoy(envoy::Settings {
            concurrency: 1,
            ..envoy::Settings::default()
        })
        .adjust(|document| document.set(&plugin("failure_policy"), "FAIL_OPEN"));
    for (name, builder) in [("without", without), ("fails open", fails_open)] {
        let stack = builder.start().unwrap();
        let (status, report) = examined(&stack, &stack.url());
        assert_eq!(status, Some(3), "{name}: {report:#}");
        for check in [
            "registry",
            "no token",
            "forged tokens",
            "catalog without a token",
        ] {
            assert_eq!(
                verdicts(&report)[check],
                "wrong",
                "{name} {check}: {report:#}"
            );
        }
    }
}
