//! The bootstrap of Envoy.

use super::{Lab, changed};

#[test]
fn one_fact_in_a_bootstrap_of_envoy() {
    let lab = Lab::new();
    let good = lab.render("envoy", &[]);
    let router = "          - name: envoy.filters.http.router\n";
    for (from, to, rule, code) in [
        (
            "failure_policy: FAIL_RELOAD",
            "failure_policy: FAIL_OPEN",
            "fail-open",
            1,
        ),
        (
            "failure_policy: FAIL_RELOAD",
            "fail_open: true",
            "fail-open",
            1,
        ),
        (
            "failure_policy: FAIL_RELOAD",
            "failure_policy: FAIL_CLOSED",
            "fail-closed",
            0,
        ),
        ("failure_policy: FAIL_RELOAD\n", "\n", "fail-closed", 0),
        (
            "normalize_path: true",
            "normalize_path: false",
            "normalize-path",
            0,
        ),
        ("normalize_path: true", "", "normalize-path", 0),
        (
            "merge_slashes: true",
            "merge_slashes: false",
            "merge-slashes",
            0,
        ),
        (
            "REJECT_REQUEST\n          max",
            "UNESCAPE_AND_REDIRECT\n          max",
            "escaped-slashes",
            0,
        ),
        (
            "REJECT_REQUEST\n          max",
            "UNESCAPE_AND_FORWARD\n          max",
            "escaped-slashes",
            0,
        ),
        (
            "path_with_escaped_slashes_action: REJECT_REQUEST",
            "",
            "escaped-slashes",
            0,
        ),
        (
            "stream_idle_timeout: 300s",
            "stream_idle_timeout: 5s",
            "idle-timeout",
            0,
        ),
        (
            "stream_idle_timeout: 300s",
            "request_timeout: 60s",
            "upload-timeout",
            1,
        ),
        (
            "idle_timeout: 3600s",
            "max_stream_duration: 600s",
            "upload-timeout",
            1,
        ),
        (
            "stream_idle_timeout: 300s",
            "strip_matching_host_port: true",
            "strip-port",
            0,
        ),
        (
            "route: {cluster: registry, timeout: 0s,",
            "route: {cluster: registry,",
            "upload-timeout",
            1,
        ),
        (
            "route: {cluster: registry, timeout: 0s,",
            "route: {cluster: registry, timeout: 60s,",
            "upload-timeout",
            1,
        ),
        (
            "timeout: 0s, idle_timeout: 600s",
            "timeout: 0s, idle_timeout: 10s",
            "idle-timeout",
            0,
        ),
        (
            "timeout: 0s, idle_timeout: 600s",
            "timeout: 0s, prefix_rewrite: /v2/x/",
            "rewrite",
            1,
        ),
        (
            "timeout: 0s, idle_timeout: 600s",
            "timeout: 0s, regex_rewrite: {}",
            "rewrite",
            1,
        ),
        (
            "match: {prefix: /v2/}\n",
            "match: {prefix: /v2/}\n                typed_per_filter_config: {registry_token_filter: {disabled: true}}\n",
            "filter-disabled",
            1,
        ),
        (
            "match: {prefix: /v2/}\n",
            "match: {prefix: /}\n                typed_per_filter_config: {registry_token_filter: {disabled: true}}\n",
            "filter-disabled",
            1,
        ),
        (
            "domains: [registry.example.com]\n",
            "domains: [registry.example.com]\n              typed_per_filter_config: {registry_token_filter: {disabled: true}}\n",
            "filter-disabled",
            1,
        ),
        (
            "          - name: registry_token_filter\n",
            "          - name: registry_token_filter\n            disabled: true\n",
            "filter-disabled",
            1,
        ),
        (
            "          http_filters:\n",
            "          http_filters:\n          - {name: r, typed_config: {\"@type\": envoy.extensions.filters.http.router.v3.Router}}\n",
            "filter-after-router",
            1,
        ),
        ("v3.Wasm", "v3.Other", "filter-missing", 1),
        (
            "protobuf.StringValue",
            "protobuf.BytesValue",
            "as-struct",
            1,
        ),
        (
            "address: 127.0.0.1, port_value: 9901",
            "address: 0.0.0.0, port_value: 9901",
            "admin-exposed",
            0,
        ),
        (
            "\"realm\": \"https://gitlab.example.com",
            "\"realm\": \"http://gitlab.example.com",
            "realm-http",
            0,
        ),
        (
            "\"realm\": \"https://gitlab.example.com",
            "\"realm\": \"https://10.0.0.1",
            "realm-private",
            0,
        ),
        (
            "\"realm\": \"https://gitlab.example.com",
            "\"realm\": \"https://localhost",
            "realm-private",
            0,
        ),
        ("example.com/jwt", "example.com//jwt", "realm-path", 0),
        (
            "\"realm\": \"https://gitlab.",
            "\"realm\": \"https://registry.",
            "realm-route",
            1,
        ),
        ("\"issuer\"", "\"isuer\"", "configuration", 1),
        (
            "\"service\": \"container_registry\"",
            "\"service\": \"\"",
            "configuration",
            1,
        ),
        (
            "\"profile\": \"gitlab\"",
            "\"profile\": \"gitlub\"",
            "configuration",
            1,
        ),
        (
            "-----END CERTIFICATE-----",
            "-----END-----",
            "configuration",
            1,
        ),
        (
            "route_config:\n            name: registry\n",
            "rds:\n            name: registry\n",
            "routes-elsewhere",
            0,
        ),
        (
            "normalize_path: true",
            "normalize_path: [",
            "not-readable",
            1,
        ),
        (
            "normalize_path: true",
            "normalize_path: true\n          normalize_path: true",
            "not-readable",
            1,
        ),
    ] {
        let bad = changed(&good, from, to);
        assert_eq!(
            lab.rules("envoy.yaml", &bad, &[]),
            (vec![rule.to_owned()], code),
            "{from} -> {to}"
        );
    }
    // Put behind the router as a whole, as it happens.
    let (before, after) = good.split_once(router).unwrap();
    let (head, filter) = before
        .split_once("          - name: registry_token_filter\n")
        .unwrap();
    let (own, rest) = after.split_once("\n\n").unwrap();
    let moved =
        format!("{head}{router}{own}\n          - name: registry_token_filter\n{filter}\n{rest}");
    assert_eq!(
        lab.rules("envoy.yaml", &moved, &[]),
        (vec!["filter-after-router".to_owned()], 1)
    );
    // Without TLS, which is right on loopback alone.
    let plain = lab.render(
        "envoy",
        &["--registry-url", "http://registry.example.com:5050"],
    );
    let expected = vec!["plain-listener".to_owned()];
    assert_eq!(lab.rules("envoy.yaml", &plain, &[]), (expected, 0));
    let local = changed(&plain, "address: 0.0.0.0", "address: 127.0.0.1");
    assert_eq!(lab.rules("envoy.yaml", &local, &[]), (vec![], 0));
    // A listener of its own, as a file that Envoy watches.
    let listener = good
        .split_once("  listeners:\n")
        .unwrap()
        .1
        .split_once("\n  clusters:")
        .unwrap()
        .0;
    let lds = format!("resources:\n{listener}\n");
    assert_eq!(lab.rules("lds.yaml", &lds, &[]), (vec![], 0));
    let open = changed(&lds, "FAIL_RELOAD", "FAIL_OPEN");
    assert_eq!(
        lab.rules("lds.yaml", &open, &[]),
        (vec!["fail-open".to_owned()], 1)
    );
    // With TLS to the nodes.
    let tls = lab.render("envoy", &["--node", "https://node:5000"]);
    for from in ["trusted_ca:", "match_typed_subject_alt_names:"] {
        let bad = changed(&tls, from, "unknown:");
        assert_eq!(
            lab.rules("envoy.yaml", &bad, &[]),
            (vec!["upstream-unverified".to_owned()], 0)
        );
    }
}
