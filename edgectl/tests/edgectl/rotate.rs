//! `edgectl keys rotate` on files alone; its proofs at a running edge are in `tests/stack`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use edgectl::SigningKey;
use edgectl::certificate::Described;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{edgectl, stderr, stdout};

/// A folder with the pair `gitlab-registry`.
fn pair() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = edgectl(["keys", "--bits", "2048", "--days", "1"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    folder
}

fn rotate(folder: &TempDir, arguments: &[&str]) -> Output {
    edgectl(["keys", "rotate"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Takes a step that has to succeed.
fn step(folder: &TempDir, arguments: &[&str]) -> String {
    let output = rotate(folder, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    stderr(&output).to_owned()
}

fn prepare(folder: &TempDir) {
    step(folder, &["prepare", "--bits", "2048", "--days", "1"]);
}

fn state(folder: &TempDir) -> Value {
    let output = rotate(folder, &["--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_str(stdout(&output)).unwrap()
}

fn key_id(folder: &TempDir, name: &str) -> String {
    let key = SigningKey::from_pem_file(&folder.path().join(name)).unwrap();
    key.key_id().to_owned()
}

/// The identifiers of a bundle's certificates, in their order.
fn bundle(pem: &str) -> Vec<String> {
    let described = Described::from_pem(pem.as_bytes()).unwrap();
    described.into_iter().map(|one| one.key_id).collect()
}

fn crt(folder: &TempDir) -> Vec<String> {
    bundle(&fs::read_to_string(folder.path().join("gitlab-registry.crt")).unwrap())
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Every private key of a folder, by identifier; each must be readable by its owner alone.
fn private_keys(folder: &TempDir) -> BTreeSet<String> {
    names(folder.path())
        .into_iter()
        .filter(|name| name.ends_with(".key"))
        .map(|name| {
            let mode = fs::metadata(folder.path().join(&name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
            key_id(folder, &name)
        })
        .collect()
}

#[test]
fn a_rotation_from_beginning_to_end() {
    let folder = pair();
    let config = folder.path().join("plugin.json");
    fs::write(
        &config,
        r#"{"realm": "https://g.example.com/jwt/auth", "rootcertbundle": "old"}"#,
    )
    .unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).unwrap();
    let configured = || {
        let config: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
        assert_eq!(config["realm"], "https://g.example.com/jwt/auth");
        bundle(config["rootcertbundle"].as_str().unwrap())
    };
    let old = key_id(&folder, "gitlab-registry.key");
    assert_eq!(
        (&state(&folder)["state"], crt(&folder)),
        (&"steady".into(), vec![old.clone()])
    );

    // Each step twice: the second time there is nothing left to do, and it says the same.
    for _ in 0..2 {
        prepare(&folder);
        assert_eq!(
            (&state(&folder)["state"], crt(&folder)),
            (&"prepared".into(), vec![old.clone()])
        );
    }
    let new = key_id(&folder, "gitlab-registry.next.key");
    assert_ne!(old, new);
    let both = vec![old.clone(), new.clone()];
    for _ in 0..2 {
        step(&folder, &["trust", "--config", "plugin.json"]);
        assert_eq!(
            (&state(&folder)["state"], crt(&folder)),
            (&"trusted".into(), both.clone())
        );
        assert_eq!(configured(), both);
        assert_eq!(key_id(&folder, "gitlab-registry.key"), old);
    }
    let output = rotate(&folder, &["switch"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("--edge"),
        "not without a proof: {}",
        stderr(&output)
    );
    assert_eq!(key_id(&folder, "gitlab-registry.key"), old);
    for _ in 0..2 {
        step(&folder, &["switch", "--unproven"]);
        assert_eq!(
            (&state(&folder)["state"], crt(&folder)),
            (&"switched".into(), both.clone())
        );
        assert_eq!(key_id(&folder, "gitlab-registry.key"), new);
        assert_eq!(key_id(&folder, "gitlab-registry.previous.key"), old);
    }
    let output = rotate(&folder, &["drop"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("seconds: wait"),
        "{}",
        stderr(&output)
    );
    assert_eq!(crt(&folder), both);
    for _ in 0..2 {
        step(
            &folder,
            &["drop", "--token-lifetime", "0", "--config", "plugin.json"],
        );
        assert_eq!(
            (&state(&folder)["state"], crt(&folder)),
            (&"steady".into(), vec![new.clone()])
        );
        assert_eq!(configured(), vec![new.clone()]);
    }
    let mode = fs::metadata(&config).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640, "whoever could read it still can");

    // Nothing is lost: both keys, and the bundles of before.
    assert_eq!(
        private_keys(&folder),
        BTreeSet::from([old.clone(), new.clone()])
    );
    let bundles: BTreeSet<Vec<String>> = names(folder.path())
        .iter()
        .filter(|name| name.ends_with(".crt"))
        .map(|name| bundle(&fs::read_to_string(folder.path().join(name)).unwrap()))
        .collect();
    assert_eq!(bundles, BTreeSet::from([vec![old], both, vec![new]]));

    // And again.
    prepare(&folder);
    assert_eq!(state(&folder)["state"], "prepared");
    assert_eq!(private_keys(&folder).len(), 3);
}

#[test]
fn steps_out_of_order_change_nothing_and_name_the_next() {
    let folder = pair();
    for (arguments, next) in [
        (&["trust"][..], "`prepare`"),
        (&["switch", "--unproven"], "`prepare`"),
        (&["drop"], "no key was retired"),
    ] {
        let before = names(folder.path());
        let output = rotate(&folder, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(
            stderr(&output).contains(next),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert_eq!(names(folder.path()), before, "{arguments:?}");
    }
    prepare(&folder);
    for arguments in [
        &["switch", "--unproven"][..],
        &["drop", "--token-lifetime", "0"],
    ] {
        let output = rotate(&folder, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(
            stderr(&output).contains("`trust`"),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    step(&folder, &["trust"]);
    step(&folder, &["switch", "--unproven"]);
    let output = rotate(&folder, &["prepare"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("`drop`"), "{}", stderr(&output));
}

#[test]
fn an_interrupted_step_is_taken_up() {
    // The switch, after the old key was copied.
    let folder = pair();
    prepare(&folder);
    step(&folder, &["trust"]);
    let at = |name: &str| folder.path().join(name);
    fs::copy(
        at("gitlab-registry.key"),
        at("gitlab-registry.previous.key"),
    )
    .unwrap();
    assert_eq!(state(&folder)["state"], "trusted");
    let old = key_id(&folder, "gitlab-registry.key");
    step(&folder, &["switch", "--unproven"]);
    assert_eq!(key_id(&folder, "gitlab-registry.previous.key"), old);

    // The drop, after the bundle was written.
    let certificates = fs::read_to_string(at("gitlab-registry.next.crt")).unwrap();
    fs::write(at("gitlab-registry.crt"), certificates).unwrap();
    assert_eq!(state(&folder)["state"], "switched");
    step(&folder, &["drop", "--token-lifetime", "0"]);
    assert_eq!(state(&folder)["state"], "steady");
    assert_eq!(private_keys(&folder).len(), 2);
}

#[test]
fn faults_name_the_remedy() {
    let folder = pair();
    let other = pair();
    fs::copy(
        other.path().join("gitlab-registry.crt"),
        folder.path().join("stranger.crt"),
    )
    .unwrap();
    fs::copy(
        folder.path().join("gitlab-registry.key"),
        folder.path().join("stranger.key"),
    )
    .unwrap();
    fs::write(folder.path().join("list.json"), "[]").unwrap();
    for (arguments, code, said) in [
        (
            &["--name", "stranger"][..],
            1,
            "holds no certificate of the key",
        ),
        (&["--name", "missing"], 1, "missing.key"),
        (&["--dir", "missing"], 1, "missing/gitlab-registry.key"),
        (&["destroy"], 2, "prepare"),
        (
            &["switch", "--edge", "registry.example.com"],
            2,
            "https://registry.example.com",
        ),
        (
            &["switch", "--unproven", "--edge", "https://r.example.com"],
            2,
            "cannot be used with",
        ),
        (&["drop", "--token-lifetime=-1"], 2, "not negative"),
    ] {
        let output = rotate(&folder, arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?} {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(said),
            "{arguments:?} {}",
            stderr(&output)
        );
    }
    prepare(&folder);
    let output = rotate(&folder, &["trust", "--config", "list.json"]);
    assert!(
        stderr(&output).contains("expected a JSON object"),
        "{}",
        stderr(&output)
    );
}
