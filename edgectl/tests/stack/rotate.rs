//! `edgectl keys rotate` with a running edge for a witness.

use std::process::Output;

use serde_json::Value;
use testbed::envoy::{self, Update};

use crate::support::{builder, edgectl, run};

#[test]
fn each_step_is_proven_at_the_edge_before_it_is_said() {
    let settings = envoy::Settings {
        listener_from_file: true,
        ..envoy::Settings::default()
    };
    let mut stack = builder().envoy(settings).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pair = stack.signing_key().clone();
    std::fs::copy(&pair.key, folder.path().join("gitlab-registry.key")).unwrap();
    std::fs::copy(&pair.certificate, folder.path().join("gitlab-registry.crt")).unwrap();
    let config = folder.path().join("plugin.json");
    std::fs::write(&config, stack.plugin_configuration().to_string()).unwrap();
    let (url, ca) = (stack.url(), stack.ca_file().to_owned());
    let rotate = |arguments: &[&str]| -> Output {
        let mut command = edgectl(&["keys", "rotate"]);
        command
            .args(arguments)
            .args(["--edge", &url, "--ca"])
            .arg(&ca);
        run(command.current_dir(&folder))
    };
    let expect = |arguments: &[&str], status: i32, said: &[&str]| {
        let output = rotate(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}: {errors}"
        );
        for said in said {
            assert!(
                errors.contains(said),
                "{arguments:?}: no `{said}` in {errors}"
            );
        }
    };
    let believed = || -> Vec<(String, bool)> {
        let output = rotate(&["status", "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let keys = status["keys"].as_array().unwrap().iter();
        keys.map(|key| {
            let believes = key["edges"][0]["believes"].as_bool();
            (key["role"].as_str().unwrap().to_owned(), believes.unwrap())
        })
        .collect()
    };
    let mut reload = || {
        let text = std::fs::read(&config).unwrap();
        let update = stack.update_plugin(&serde_json::from_slice(&text).unwrap());
        assert_eq!(update.unwrap(), Update::Accepted);
    };
    let role = |role: &str, believes| (role.to_owned(), believes);

    expect(&["prepare", "--bits", "2048"], 0, &[]);
    assert_eq!(believed(), [role("signer", true), role("next", false)]);
    let trust = ["trust", "--config", "plugin.json"];
    expect(&trust, 1, &["refuses tokens of the key", "Reload it"]);
    expect(&["switch"], 1, &["refuses tokens of the key"]);
    reload();
    expect(&trust, 0, &["proven"]);
    assert_eq!(believed(), [role("signer", true), role("next", true)]);
    expect(&["switch"], 0, &["proven", "registry['internal_key']"]);
    assert_eq!(believed(), [role("previous", true), role("signer", true)]);
    let drop = ["drop", "--token-lifetime", "0", "--config", "plugin.json"];
    expect(&drop, 1, &["believes tokens of the key", "Reload it"]);
    reload();
    expect(&drop, 0, &["proven", "refuses tokens of the key"]);
    assert_eq!(believed(), [role("signer", true)]);
}
