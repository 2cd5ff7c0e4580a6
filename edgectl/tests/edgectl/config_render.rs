//! `edgectl config render`, from files as Omnibus, source installs and the Helm chart have them
//! (`tests/samples`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::support::{edgectl, stderr, stdout};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn render(from: &[&str], target: &str, extra: &[&str]) -> Output {
    let mut command = edgectl(["config", "render", "--for", target]);
    for file in from {
        command.args(["--from", file]);
    }
    command.args(extra).current_dir(samples()).output().unwrap()
}

const CERTIFICATE: [&str; 2] = ["--rootcertbundle", "gitlab-registry.crt"];

#[test]
fn every_sample_says_what_its_registry_expects() {
    for (file, realm, issuer, profile, said) in [
        (
            "omnibus.rb",
            "https://gitlab.example.com/jwt/auth",
            "the-issuer",
            "gitlab",
            "omnibus.rb:6:1",
        ),
        (
            "registry-node.rb",
            "https://gitlab.example.com/jwt/auth",
            "omnibus-gitlab-issuer",
            "gitlab",
            "registry-node.rb:4:1",
        ),
        (
            "gitlab-node.rb",
            "https://gitlab.example.com/jwt/auth",
            "omnibus-gitlab-issuer",
            "gitlab",
            "Omnibus does not read gitlab_rails['internal_key']",
        ),
        (
            "omnibus-config.yml",
            "https://gitlab.example.com/jwt/auth",
            "omnibus-gitlab-issuer",
            "gitlab",
            "omnibus-config.yml:28:12",
        ),
        (
            "source-config.yml",
            "https://gitlab.example.com/jwt/auth",
            "gitlab-issuer",
            "gitlab",
            "source-config.yml:8:10",
        ),
        (
            "distribution-3-config.yml",
            "https://auth.example.com/token",
            "Acme auth server",
            "distribution-3",
            "jwks",
        ),
        (
            "helm-values.yaml",
            "https://gitlab-beta.example.com/jwt/auth",
            "gitlab-issuer",
            "gitlab",
            "the chart's default",
        ),
    ] {
        let output = render(&[file], "json", &CERTIFICATE);
        assert!(output.status.success(), "{file}: {}", stderr(&output));
        let plugin: Value = serde_json::from_str(stdout(&output)).unwrap();
        assert_eq!(plugin["realm"], realm, "{file}");
        assert_eq!(plugin["issuer"], issuer, "{file}");
        assert_eq!(plugin["profile"], profile, "{file}");
        assert!(
            stderr(&output).contains(said),
            "{file}: {}",
            stderr(&output)
        );
    }
    let alone = render(&["omnibus-config.yml"], "json", &[]);
    let plugin: Value = serde_json::from_str(stdout(&alone)).unwrap();
    assert_eq!(plugin["headers"]["X-Content-Type-Options"][0], "nosniff");
    let service = render(&["gitlab.yml"], "json", &CERTIFICATE);
    assert!(
        stderr(&service).contains("--service container_registry"),
        "{}",
        stderr(&service)
    );
}

/// What Distribution 3 trusts and how it redirects, as its `config.yml` says it.
#[test]
fn keys_and_realm_of_distribution_3_are_taken_over() {
    const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","alg":"EdDSA","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    const YML: &str = "version: 0.1
storage: {inmemory: {}}
auth:
  token:
    realm: https://auth.example.com/token
    service: registry.example.com
    issuer: Acme
    jwks: keys.json
    autoredirect: true
    autoredirectpath: /auth/token
";
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let rendered = |yml: &str, extra: &[&str]| {
        std::fs::write(at("config.yml"), yml).unwrap();
        let mut command = edgectl(["config", "render", "--for", "json", "--from"]);
        command.arg(at("config.yml")).args(extra);
        command.output().unwrap()
    };
    let registry = ["--registry-url", "https://registry.example.com:5050"];

    // Without the keys there is nothing to trust.
    let without = rendered(YML, &registry);
    assert!(!without.status.success());
    for said in ["keys.json cannot be read", "--rootcertbundle"] {
        assert!(stderr(&without).contains(said), "{}", stderr(&without));
    }
    std::fs::write(at("keys.json"), SET).unwrap();
    // Without the registry's URL nobody knows which host is its own.
    let nowhere = rendered(YML, &[]);
    assert!(!nowhere.status.success());
    assert!(
        stderr(&nowhere).contains("--registry-url"),
        "{}",
        stderr(&nowhere)
    );

    let output = rendered(YML, &registry);
    assert!(output.status.success(), "{}", stderr(&output));
    let plugin: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(plugin["profile"], "distribution-3");
    assert_eq!(plugin["jwks"], serde_json::from_str::<Value>(SET).unwrap());
    assert_eq!(plugin["autoredirect"], true);
    assert_eq!(plugin["autoredirectpath"], "/auth/token");
    assert_eq!(plugin["autoredirect_hosts"][0], "registry.example.com:5050");
    assert_eq!(plugin.get("rootcertbundle"), None);

    // The filter's own configuration loses nothing on the way through.
    std::fs::write(at("plugin.json"), stdout(&output)).unwrap();
    let mut command = edgectl(["config", "render", "--for", "json", "--from"]);
    let again = command.arg(at("plugin.json")).output().unwrap();
    assert_eq!(stdout(&again), stdout(&output), "{}", stderr(&again));

    // Switched off, the realm is the configured one.
    let off = rendered(
        &YML.replace("autoredirect: true", "autoredirect: false"),
        &[],
    );
    let plugin: Value = serde_json::from_str(stdout(&off)).unwrap();
    assert_eq!(plugin.get("autoredirect"), None);
}

#[test]
fn every_target_carries_the_site() {
    let nodes = ["--node", "registry-1:5000", "--node", "registry-2:5000"];
    for (file, extra, envoy, nginx) in [
        (
            "omnibus.rb",
            &[][..],
            &[
                "port_value: 5050",
                "\"127.0.0.1\", port_value: 5000",
                "/etc/ssl/registry-key.pem",
            ][..],
            &[
                "listen 5050 ssl http2;",
                "server 127.0.0.1:5000",
                "ssl_certificate /etc/ssl/registry.pem;",
            ][..],
        ),
        (
            "gitlab-node.rb",
            &[],
            &["address: \"10.30.227.194\", port_value: 5000"],
            &["listen 5000 ssl http2;", "server 10.30.227.194:5000"],
        ),
        (
            "gitlab-node.rb",
            &nodes,
            &[
                "address: registry-1, port_value: 5000",
                "address: registry-2, port_value: 5000",
            ],
            &["server registry-1:5000", "server registry-2:5000"],
        ),
        (
            "gitlab-node.rb",
            &["--realm-at-edge"],
            &[
                "https://registry.example.com:5000/jwt/auth",
                "host_rewrite_literal: gitlab.example.com",
            ],
            &[
                "location = /jwt/auth {",
                "proxy_pass https://gitlab.example.com;",
            ],
        ),
    ] {
        for (target, expected) in [("envoy", envoy), ("nginx", nginx)] {
            let output = render(&[file], target, &[&CERTIFICATE[..], extra].concat());
            assert!(output.status.success(), "{file}: {}", stderr(&output));
            for part in expected {
                assert!(
                    stdout(&output).contains(part),
                    "{file} {target} {part}: {}",
                    stdout(&output)
                );
            }
            assert!(!stdout(&output).contains("{{"), "a template is filled");
        }
    }
    for target in ["istio", "envoy-gateway"] {
        let output = render(&["gitlab-node.rb"], target, &CERTIFICATE);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stdout(&output).contains("realm: \"https://gitlab.example.com/jwt/auth\""));
    }
}

/// The two documents are one advice: `nginx/nginx.conf` and what is rendered.
#[test]
fn nginx_is_rendered_with_every_directive_of_the_shipped_configuration() {
    let shipped = std::fs::read_to_string(samples().join("../../../nginx/nginx.conf")).unwrap();
    let mut extra = CERTIFICATE.to_vec();
    extra.extend(["--node", "https://registry-1:5000"]);
    let rendered = render(&["omnibus.rb"], "nginx", &extra);
    let directives = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().map(|line| line.trim().trim_end_matches(';'));
        let code = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '}', '\'']));
        code.map(|line| line.split(' ').next().unwrap().to_owned())
            .collect()
    };
    let (shipped, rendered) = (directives(&shipped), directives(stdout(&rendered)));
    assert!(shipped.len() > 20, "{shipped:?}");
    let missing: Vec<&String> = shipped.difference(&rendered).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_environment_overrides_a_config_yml_as_in_the_registry() {
    let output = edgectl([
        "config",
        "render",
        "--for",
        "json",
        "--from",
        "omnibus-config.yml",
    ])
    .env("REGISTRY_AUTH_TOKEN_ISSUER", "from-the-environment")
    .current_dir(samples())
    .output()
    .unwrap();
    let plugin: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(plugin["issuer"], "from-the-environment");
    assert!(stderr(&output).contains("REGISTRY_AUTH_TOKEN_ISSUER"));
}

#[test]
fn two_files_that_contradict_each_other_are_refused_and_an_option_decides() {
    let both = ["omnibus.rb", "omnibus-config.yml"];
    let output = render(&both, "json", &[]);
    assert_eq!(output.status.code(), Some(1));
    for said in ["omnibus.rb:41:1", "omnibus-config.yml:30:13", "--issuer"] {
        assert!(
            stderr(&output).contains(said),
            "{said}: {}",
            stderr(&output)
        );
    }
    // Where GitLab is does not change where the registry says tokens come from.
    let elsewhere = ["--gitlab-url", "https://other.example.com"];
    let output = render(&["omnibus-config.yml"], "json", &elsewhere);
    let plugin: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(plugin["realm"], "https://gitlab.example.com/jwt/auth");
    let output = render(&both, "json", &["--issuer", "decided"]);
    let plugin: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(plugin["issuer"], "decided");
}

#[test]
fn a_missing_fact_names_its_option() {
    for (file, target, extra, said) in [
        (
            "helm-values.yaml",
            "json",
            &[][..],
            "kubectl get secret registry-pair",
        ),
        (
            "helm-values.yaml",
            "envoy",
            &CERTIFICATE[..],
            "--node HOST:PORT",
        ),
        (
            "source-config.yml",
            "json",
            &[],
            "/certs/certbundle (source-config.yml:14:21)",
        ),
        ("registry-node.rb", "envoy", &CERTIFICATE, "--registry-url"),
        (
            "helm-values.yaml",
            "json",
            &["--rootcertbundle", "helm-values.yaml"],
            "rootcertbundle",
        ),
    ] {
        let output = render(&[file], target, extra);
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert!(
            stderr(&output).contains(said),
            "{file} {said}: {}",
            stderr(&output)
        );
        assert!(stdout(&output).is_empty());
    }
}
