//! What `edgectl init` writes is a bootstrap that a real Envoy takes, with the filter in it.

use std::fs;
use std::path::Path;

use testbed::certs::Authority;
use testbed::envoy::try_out;

use crate::support::{edgectl, filter, run, tools};

/// A folder with a `gitlab.rb` of a site, and a certificate for its edge.
fn lab() -> (tempfile::TempDir, Vec<String>) {
    let lab = tempfile::tempdir().unwrap();
    let rb = "external_url 'https://gitlab.example.com'\n\
              registry_external_url 'https://registry.example.com:5050'\n";
    fs::write(lab.path().join("gitlab.rb"), rb).unwrap();
    let authority = Authority::new().unwrap();
    let pair = authority
        .issue(lab.path(), "edge", &["registry.example.com"])
        .unwrap();
    let text = |path: &Path| path.display().to_string();
    let arguments = [
        "init",
        "--from",
        "gitlab.rb",
        "--tls-certificate",
        &text(&pair.certificate),
        "--tls-key",
        &text(&pair.key),
        "--wasm",
        &text(filter()),
    ];
    (lab, arguments.map(str::to_owned).to_vec())
}

fn written(lab: &Path, arguments: &[String], extra: &[&str]) -> std::path::PathBuf {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = edgectl(&arguments);
    let output = run(command.args(extra).current_dir(lab));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    lab.join("registry-edge/envoy.yaml")
}

#[test]
fn envoy_takes_every_bootstrap_that_is_written() {
    for extra in [
        &[][..],
        &["--realm-at-edge"],
        &[
            "--realm-at-edge",
            "--gitlab-url",
            "http://gitlab.internal:8080",
        ],
        &["--node", "registry-1:5000", "--node", "registry-2:5000"],
        &["--registry-url", "http://registry.example.com:5050"],
    ] {
        let (lab, arguments) = lab();
        let bootstrap = written(lab.path(), &arguments, extra);
        let said = try_out(&tools(), &bootstrap);
        assert!(said.is_ok(), "{extra:?}: {}", said.unwrap_err());
    }
}

#[test]
fn what_the_check_refuses_envoy_refuses_as_well() {
    let (lab, arguments) = lab();
    let bootstrap = written(lab.path(), &arguments, &[]);
    let good = fs::read_to_string(&bootstrap).unwrap();
    for (from, to) in [
        ("\"issuer\"", "\"isuer\""),
        ("-----END CERTIFICATE-----", "-----END-----"),
        ("\"profile\": \"gitlab\"", "\"profile\": \"gitlub\""),
    ] {
        assert!(good.contains(from));
        fs::write(&bootstrap, good.replacen(from, to, 1)).unwrap();
        let check = run(edgectl(&["config", "check"]).arg(&bootstrap));
        assert_eq!(check.status.code(), Some(1), "{to}");
        assert!(try_out(&tools(), &bootstrap).is_err(), "{to}");
    }
}
