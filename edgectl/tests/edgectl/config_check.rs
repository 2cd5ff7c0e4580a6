//! `edgectl config check`
//!
//! One good configuration of each kind, without a finding; and for each rule what differs from it in
//! one fact, with exactly the finding of that rule.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{edgectl, stderr, stdout};

mod envoy;

const GITLAB_RB: &str = "external_url 'https://gitlab.example.com'
registry_external_url 'https://registry.example.com'
";
/// When the fixtures' certificates are valid, whatever the day.
const DAY: &str = "2027-01-31T00:00:00Z";

fn fixture(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/keys");
    root.join(name)
}

/// A folder with a `gitlab.rb` and what is rendered from it for each target.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        lab.write("gitlab.rb", GITLAB_RB);
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn render(&self, target: &str, extra: &[&str]) -> String {
        let output = edgectl(["config", "render", "--from", "gitlab.rb", "--for", target])
            .arg("--rootcertbundle")
            .arg(fixture("gitlab.crt"))
            .args(["--image", "oci://r.example/f@sha256:00"])
            .args(extra)
            .current_dir(&self.folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        format!("{}\n", stdout(&output))
    }

    fn check(&self, file: &str, text: &str, extra: &[&str]) -> Output {
        self.write(file, text);
        edgectl(["config", "check", "--json", "--at", DAY, file])
            .args(extra)
            .current_dir(&self.folder)
            .output()
            .unwrap()
    }

    /// The findings, each `rule@place`, and the exit status.
    fn rules(&self, file: &str, text: &str, extra: &[&str]) -> (Vec<String>, i32) {
        let output = self.check(file, text, extra);
        let report: Value = serde_json::from_str(stdout(&output))
            .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
        let findings = report["findings"].as_array().unwrap().iter();
        let rules = findings.map(|finding| {
            for key in ["message", "remedy"] {
                let sentence = finding[key].as_str().unwrap();
                assert!(sentence.len() > 10, "{finding}");
            }
            finding["rule"].as_str().unwrap().to_owned()
        });
        (rules.collect(), output.status.code().unwrap())
    }
}

/// `text` with one place changed, which has to be there.
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in\n{text}");
    text.replacen(from, to, 1)
}

#[test]
fn what_is_rendered_has_no_finding() {
    let lab = Lab::new();
    for target in ["json", "envoy", "istio", "envoy-gateway"] {
        for extra in [&[][..], &["--realm-at-edge"]] {
            let text = lab.render(target, extra);
            assert_eq!(
                lab.rules("file", &text, &[]),
                (vec![], 0),
                "{target} {extra:?}"
            );
        }
    }
    let nodes = ["--node", "https://n1:5000", "--node", "https://n2:5000"];
    assert_eq!(
        lab.rules("file", &lab.render("envoy", &nodes), &[]),
        (vec![], 0)
    );
}

#[test]
fn one_fact_in_a_manifest() {
    let lab = Lab::new();
    let istio = lab.render("istio", &[]);
    for (from, to, rule, code) in [
        (
            "failStrategy: FAIL_RELOAD",
            "failStrategy: FAIL_OPEN",
            "fail-open",
            1,
        ),
        (
            "failStrategy: FAIL_RELOAD",
            "failStrategy: FAIL_CLOSE",
            "fail-closed",
            0,
        ),
        ("phase: AUTHN", "phase: STATS", "phase", 0),
        ("phase: AUTHN", "", "phase", 0),
        ("f@sha256:00", "f:latest", "image-tag", 0),
        ("issuer: ", "isuer: ", "configuration", 1),
        ("realm: \"https", "realm: \"http", "realm-http", 0),
    ] {
        let bad = changed(&istio, from, to);
        assert_eq!(
            lab.rules("istio.yaml", &bad, &[]),
            (vec![rule.to_owned()], code),
            "{from} -> {to}"
        );
    }
    let gateway = lab.render("envoy-gateway", &[]);
    for (from, to, rule, code) in [
        ("failOpen: false", "failOpen: true", "fail-open", 1),
        ("f@sha256:00", "f:latest", "image-tag", 0),
        ("service: ", "sevice: ", "configuration", 1),
        (
            "      permit_header: x-registry-permit\n",
            "",
            "unguarded",
            0,
        ),
        (
            "kind: EnvoyExtensionPolicy",
            "kind: Other",
            "nothing-found",
            1,
        ),
    ] {
        let bad = changed(&gateway, from, to);
        assert_eq!(
            lab.rules("eg.yaml", &bad, &[]),
            (vec![rule.to_owned()], code),
            "{from} -> {to}"
        );
    }
    // TrafficExtension says when beside the filter, and the rest one level deeper.
    let extension = lab.render("istio-traffic-extension", &[]);
    for (from, to, rule, code) in [
        (
            "failStrategy: FAIL_RELOAD",
            "failStrategy: FAIL_OPEN",
            "fail-open",
            1,
        ),
        ("phase: AUTHN", "phase: STATS", "phase", 0),
        (
            "  phase: AUTHN\n  wasm:\n",
            "  wasm:\n    phase: AUTHN\n",
            "phase",
            0,
        ),
        ("service: ", "sevice: ", "configuration", 1),
    ] {
        let bad = changed(&extension, from, to);
        assert_eq!(
            lab.rules("te.yaml", &bad, &[]),
            (vec![rule.to_owned()], code),
            "{from} -> {to}"
        );
    }
}

#[test]
fn one_fact_in_a_configuration_of_nginx() {
    let lab = Lab::new();
    let good = lab.render("nginx", &["--realm-at-edge"]);
    assert_eq!(lab.rules("nginx.conf", &good, &[]), (vec![], 0));
    for (from, to, rule, code) in [
        ("registry_token_filter on;", "", "filter-missing", 1),
        (
            "registry_token_filter on;",
            "registry_token_filter off;",
            "filter-missing",
            1,
        ),
        (
            "proxy_pass http://registry;",
            "proxy_pass http://registry/;",
            "rewrite",
            1,
        ),
        (
            "proxy_next_upstream_tries 3;",
            "rewrite ^/x /v2/x break;",
            "rewrite",
            1,
        ),
        (
            "proxy_next_upstream_tries 3;",
            "return 200;",
            "answered-before",
            1,
        ),
        (
            "proxy_next_upstream_tries 3;",
            "satisfy any;",
            "answered-before",
            1,
        ),
        (
            "client_max_body_size 0;",
            "client_max_body_size 10g;",
            "body-limit",
            1,
        ),
        ("client_max_body_size 0;", "", "body-limit", 1),
        ("proxy_request_buffering off;", "", "request-buffering", 0),
        (
            "location = /jwt/auth {",
            "location /v2/open {\n proxy_request_buffering off;",
            "filter-disabled",
            1,
        ),
        ("keepalive 64;", "keepalive 64", "not-readable", 1),
        (
            "/etc/nginx/registry-token-filter.json;",
            "'{\"isuer\": \"x\"}';",
            "configuration",
            1,
        ),
    ] {
        let bad = changed(&good, from, to);
        let (mut found, status) = lab.rules("nginx.conf", &bad, &[]);
        // What stands in the server is found at either of its guarded locations.
        found.dedup();
        assert_eq!(
            (found, status),
            (vec![rule.to_owned()], code),
            "{from} -> {to}"
        );
    }
}

#[test]
fn certificates() {
    let lab = Lab::new();
    let good = lab.render("json", &[]);
    let bundle = fs::read_to_string(fixture("gitlab.crt")).unwrap();
    let with = |pem: &str| {
        let mut plugin: Value = serde_json::from_str(&good).unwrap();
        plugin["rootcertbundle"] = pem.into();
        plugin.to_string()
    };
    let read = |name: &str| fs::read_to_string(fixture(name)).unwrap();
    for (pem, rules, code) in [
        (bundle.clone(), vec![], 0),
        (read("stranger.crt"), vec!["small-key"], 0),
        (
            format!("{bundle}{}", read("expired.crt")),
            vec!["expired"],
            0,
        ),
        (
            format!("{bundle}{}", read("gitlab.key")),
            vec!["private-key"],
            1,
        ),
        (read("weak.crt"), vec!["configuration"], 1),
        (String::new(), vec!["configuration"], 1),
    ] {
        let (found, status) = lab.rules("plugin.json", &with(&pem), &[]);
        // The expired fixture is small as well.
        let is_case = |rule: &String| rule != "small-key" || rules.contains(&"small-key");
        let found: Vec<_> = found.into_iter().filter(is_case).collect();
        assert_eq!(
            (found, status),
            (rules.iter().map(|&rule| rule.to_owned()).collect(), code)
        );
    }
    let mut without: Value = serde_json::from_str(&good).unwrap();
    without.as_object_mut().unwrap().remove("rootcertbundle");
    let expected = (vec!["no-certificate".to_owned()], 0);
    assert_eq!(
        lab.rules("plugin.json", &without.to_string(), &[]),
        expected
    );
    // The last days and the first of the fixture, whatever they are.
    let output = lab.check("plugin.json", &good, &[]);
    let report: Value = serde_json::from_str(stdout(&output)).unwrap();
    let instant = |key: &str| {
        report["keys"][0][key]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    let day = jiff::SignedDuration::from_hours(24);
    for (at, rules) in [
        (instant("not_after") - 31 * day, vec![]),
        (instant("not_after") - 29 * day, vec!["expires-soon"]),
        (instant("not_after") + day, vec!["expired"]),
        (instant("not_before") - day, vec!["expired"]),
    ] {
        let output = edgectl([
            "config",
            "check",
            "--json",
            "plugin.json",
            "--at",
            &at.to_string(),
        ])
        .current_dir(&lab.folder)
        .output()
        .unwrap();
        let report: Value = serde_json::from_str(stdout(&output)).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        let found: Vec<_> = findings
            .map(|finding| finding["rule"].as_str().unwrap())
            .collect();
        assert_eq!(found, rules, "{at}");
    }
}

#[test]
fn what_is_beside_the_configuration() {
    let lab = Lab::new();
    let good = lab.render("json", &[]);
    let crt = fixture("gitlab.crt").display().to_string();
    let config = format!(
        "version: 0.1\nstorage: {{}}\nauth:\n  token:\n    realm: https://gitlab.example.com/jwt/auth\n    \
         service: container_registry\n    issuer: omnibus-gitlab-issuer\n    rootcertbundle: {crt}\n"
    );
    let second = fixture("second.crt").display().to_string();
    for (from, to, rules, code) in [
        ("version: 0.1", "version: 0.1", vec![], 0),
        (
            "omnibus-gitlab-issuer",
            "gitlab-issuer",
            vec!["issuer-differs"],
            1,
        ),
        ("container_registry", "registry", vec!["service-differs"], 1),
        (
            "gitlab.example.com",
            "other.example.com",
            vec!["realm-differs"],
            0,
        ),
        (
            crt.as_str(),
            second.as_str(),
            vec!["keys-differ", "keys-differ"],
            1,
        ),
        (crt.as_str(), "/nowhere.crt", vec!["not-compared"], 0),
        (
            "issuer: omnibus-gitlab-issuer",
            "issuer: [x]",
            vec!["not-compared"],
            0,
        ),
    ] {
        lab.write("config.yml", &changed(&config, from, to));
        let found = lab.rules("plugin.json", &good, &["--registry", "config.yml"]);
        let expected: Vec<_> = rules.iter().map(|&rule| rule.to_owned()).collect();
        assert_eq!(found, (expected, code), "{from} -> {to}");
    }
    for (file, rules, code) in [
        ("gitlab.key", vec![], 0),
        ("gitlab.crt", vec![], 0),
        ("second.key", vec!["key-unknown"], 1),
        ("make.sh", vec!["not-compared"], 0),
    ] {
        let path = fixture(file).display().to_string();
        let found = lab.rules("plugin.json", &good, &["--gitlab-key", &path]);
        let expected: Vec<_> = rules.iter().map(|&rule| rule.to_owned()).collect();
        assert_eq!(found, (expected, code), "{file}");
    }
    // A key inside gitlab.rb is compared as well, and never shown.
    let key = fs::read_to_string(fixture("second.key")).unwrap();
    let rb = format!(
        "{GITLAB_RB}registry['internal_key'] = <<~PEM\n{key}PEM\nregistry['internal_certificate'] = <<~PEM\n{}PEM\n",
        fs::read_to_string(&crt).unwrap()
    );
    lab.write("own.rb", &rb);
    let output = lab.check("plugin.json", &good, &["--registry", "own.rb"]);
    assert!(stdout(&output).contains("key-unknown"));
    let body = key.lines().nth(2).unwrap();
    for text in [stdout(&output), stderr(&output)] {
        assert!(
            !text.contains(body) && !text.contains("PRIVATE KEY"),
            "{text}"
        );
    }
}

#[test]
fn a_finding_has_the_place_where_it_stands() {
    let lab = Lab::new();
    let good = lab.render("envoy", &[]);
    for (from, to, found, path) in [
        (
            "\"issuer\"",
            "\"isuer\"",
            "\"isuer\"",
            "configuration.value.isuer",
        ),
        (
            "FAIL_RELOAD",
            "FAIL_OPEN",
            "FAIL_OPEN",
            "http_filters[0].typed_config.config.failure_policy",
        ),
        (
            "stream_idle_timeout: 300s",
            "stream_idle_timeout: 5s",
            "5s",
            "typed_config.stream_idle_timeout",
        ),
    ] {
        let bad = changed(&good, from, to);
        let output = lab.check("envoy.yaml", &bad, &[]);
        let report: Value = serde_json::from_str(stdout(&output)).unwrap();
        let finding = &report["findings"][0];
        let line = bad
            .lines()
            .nth(finding["line"].as_u64().unwrap() as usize - 1)
            .unwrap();
        let column = finding["column"].as_u64().unwrap() as usize - 1;
        assert!(line[column..].starts_with(found), "{finding}: {line}");
        assert!(
            finding["path"].as_str().unwrap().ends_with(path),
            "{finding}"
        );
        assert_eq!(finding["file"], "envoy.yaml");
    }
}

#[test]
fn what_cannot_be_read_is_usage() {
    let lab = Lab::new();
    for (arguments, said) in [
        (&["missing.yaml"][..], "cannot read missing.yaml"),
        (
            &["gitlab.rb", "--registry", "missing.yml"],
            "cannot read missing.yml",
        ),
        (&[], "FILE"),
        (&["gitlab.rb", "--at", "tomorrow"], "--at"),
    ] {
        let output = edgectl(["config", "check"])
            .args(arguments)
            .current_dir(&lab.folder)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn every_rule_is_documented_and_has_a_case() {
    let document = include_str!("../../../docs/checks.md");
    let table = document
        .split_once("| rule | grade | asks that |\n|---|---|---|\n")
        .unwrap()
        .1;
    let documented: Vec<&str> = table.lines().collect();
    let rules: Vec<String> = edgectl::config::check::RULES
        .iter()
        .map(|rule| format!("| `{}` | {} | {} |", rule.name, rule.grade, rule.what))
        .collect();
    assert_eq!(documented, rules);
    let cases = [
        include_str!("config_check.rs"),
        include_str!("config_check/envoy.rs"),
    ]
    .concat();
    for rule in edgectl::config::check::RULES {
        assert!(
            cases.contains(&format!("\"{}\"", rule.name)),
            "{} has no case",
            rule.name
        );
    }
}
