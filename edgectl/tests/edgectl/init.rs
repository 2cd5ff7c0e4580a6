//! `edgectl init`

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{edgectl, stderr, stdout};

const GITLAB_RB: &str = "external_url 'https://gitlab.example.com'
registry_external_url 'https://registry.example.com'
";

fn fixture(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/keys");
    root.join(name)
}

fn lab() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gitlab.rb"), GITLAB_RB).unwrap();
    folder
}

fn init(lab: &TempDir, extra: &[&str]) -> Output {
    edgectl(["init", "--from", "gitlab.rb", "--out", "edge"])
        .args(extra)
        .current_dir(lab)
        .output()
        .unwrap()
}

/// `init` with GitLab's own certificate, which takes no key to be made.
fn init_with_certificate(lab: &TempDir, extra: &[&str]) -> Output {
    let certificate = fixture("gitlab.crt").display().to_string();
    init(
        lab,
        &[&["--rootcertbundle", certificate.as_str()], extra].concat(),
    )
}

/// Names and modes of a folder's files.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut modes: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            (entry.file_name().into_string().unwrap(), mode)
        })
        .collect();
    modes.sort();
    modes
}

#[test]
fn a_new_site_gets_a_pair_and_everything_that_uses_it() {
    let lab = lab();
    // Whatever the umask, the key is its owner's alone.
    let script = format!(
        "umask 000; exec '{}' init --from gitlab.rb --out edge",
        env!("CARGO_BIN_EXE_edgectl")
    );
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(&lab)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let folder = lab.path().join("edge");
    let expected = [
        ("envoy-gateway.yaml", 0o644),
        ("envoy.yaml", 0o644),
        ("gitlab-node.rb", 0o644),
        ("gitlab-registry.crt", 0o644),
        ("gitlab-registry.key", 0o600),
        ("http-secret", 0o600),
        ("istio.yaml", 0o644),
        ("nginx.conf", 0o644),
        ("registry-node.rb", 0o644),
        ("registry-token-filter.json", 0o644),
        ("single-node.rb", 0o644),
    ]
    .map(|(name, mode)| (name.to_owned(), mode));
    assert_eq!(modes(&folder), expected);

    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let next =
        "edgectl doctor https://registry.example.com --config edge/registry-token-filter.json";
    assert!(stdout(&output).contains(next), "{}", stdout(&output));
    // Neither secret is in anything else, nor was it said.
    let key = read("gitlab-registry.key");
    let body = key.lines().nth(3).unwrap();
    let secret = read("http-secret");
    assert_eq!(secret.len(), 128);
    let mut texts = vec![stdout(&output).to_owned(), stderr(&output).to_owned()];
    texts.extend(
        expected
            .iter()
            .filter(|(_, mode)| *mode == 0o644)
            .map(|(name, _)| read(name)),
    );
    for text in &texts {
        assert!(!text.contains(body) && !text.contains(&secret), "{text}");
        assert!(!text.contains("PRIVATE KEY"), "{text}");
    }
    // Key and certificate belong together, in all that carries the certificate.
    for name in [
        "registry-token-filter.json",
        "envoy.yaml",
        "istio.yaml",
        "envoy-gateway.yaml",
    ] {
        let output = edgectl([
            "config",
            "check",
            "--json",
            "--gitlab-key",
            "edge/gitlab-registry.key",
        ])
        .arg(Path::new("edge").join(name))
        .current_dir(&lab)
        .output()
        .unwrap();
        let report: Value = serde_json::from_str(stdout(&output)).unwrap();
        assert_eq!(report["errors"], 0, "{name}: {report}");
        assert_eq!(report["keys"].as_array().unwrap().len(), 1, "{name}");
    }
    // What the snippets say is what the edge expects, read by the same reader.
    let output = edgectl([
        "config",
        "check",
        "--json",
        "edge/registry-token-filter.json",
        "--registry",
        "edge/registry-node.rb",
    ])
    .current_dir(&lab)
    .output()
    .unwrap();
    let report: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(report["findings"], serde_json::json!([]));

    // A second run changes nothing and makes no other key.
    let again = init(&lab, &["--json"]);
    assert!(again.status.success(), "{}", stderr(&again));
    let told: Value = serde_json::from_str(stdout(&again)).unwrap();
    assert_eq!(told["new_key"], false);
    let files = told["files"].as_array().unwrap();
    assert!(files.iter().all(|file| file["action"] == "keep"), "{told}");
    assert_eq!(read("gitlab-registry.key"), key);
    assert_eq!(read("http-secret"), secret);
}

#[test]
fn every_option_of_separate_nodes_is_explained_with_the_file_it_lands_in() {
    let lab = lab();
    let nodes = ["--node", "registry-1:5000", "--node", "registry-2:5000"];
    let output = init_with_certificate(&lab, &nodes);
    assert!(output.status.success(), "{}", stderr(&output));
    let read = |name: &str| fs::read_to_string(lab.path().join("edge").join(name)).unwrap();
    for (file, options) in [
        (
            "registry-node.rb",
            &[
                "registry['registry_http_addr']",
                "registry['token_realm']",
                "registry['http_secret']",
                "registry['internal_key']",
                "registry['internal_certificate']",
                "registry['rootcertbundle']",
                "registry['health_storagedriver_enabled']",
                "gitlab_rails['registry_issuer']",
            ][..],
        ),
        (
            "gitlab-node.rb",
            &[
                "gitlab_rails['registry_enabled']",
                "gitlab_rails['registry_api_url']",
                "gitlab_rails['registry_host']",
                "gitlab_rails['registry_port']",
                "gitlab_rails['registry_issuer']",
                "gitlab_rails['registry_key_path']",
                "registry['internal_key']",
            ],
        ),
    ] {
        let text = read(file);
        for option in options {
            // Set, or shown with the reason why not; behind a paragraph that explains it.
            let at = text
                .find(&format!("{option} = "))
                .unwrap_or_else(|| panic!("{option}"));
            let paragraph = text[..at].rsplit("\n\n").next().unwrap();
            let comments = paragraph
                .lines()
                .filter(|line| line.starts_with("# "))
                .count();
            assert!(comments >= 1, "{file} {option}: {paragraph}");
        }
    }
    assert!(read("gitlab-node.rb").contains("'http://registry-1:5000'"));
    assert!(!lab.path().join("edge/single-node.rb").exists());
    // GitLab has its key already.
    assert!(!lab.path().join("edge/gitlab-registry.key").exists());
    assert!(read("gitlab-node.rb").contains("\n# registry['internal_key'] = "));
}

#[test]
fn a_dry_run_writes_nothing() {
    let lab = lab();
    for extra in [&["--dry-run"][..], &["--dry-run", "--json"]] {
        let output = init(&lab, extra);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stdout(&output).contains("envoy.yaml"));
        assert!(!lab.path().join("edge").exists());
    }
}

#[test]
fn nothing_that_is_there_is_lost() {
    // A configuration with other content stops everything.
    let lab = lab();
    let edge = lab.path().join("edge");
    fs::create_dir(&edge).unwrap();
    fs::write(edge.join("envoy.yaml"), "mine").unwrap();
    let output = init_with_certificate(&lab, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("envoy.yaml") && stderr(&output).contains("--replace"));
    assert_eq!(modes(&edge).len(), 1, "nothing else was written");

    // It is replaced when that is asked for; a secret and a certificate are not.
    fs::write(edge.join("http-secret"), "precious").unwrap();
    let output = init_with_certificate(&lab, &["--replace"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_ne!(fs::read_to_string(edge.join("envoy.yaml")).unwrap(), "mine");
    assert_eq!(
        fs::read_to_string(edge.join("http-secret")).unwrap(),
        "precious"
    );
    assert!(modes(&edge).iter().all(|(name, _)| !name.ends_with(".new")));
    fs::write(edge.join("gitlab-registry.crt"), "precious").unwrap();
    let output = init_with_certificate(&lab, &["--replace"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        fs::read_to_string(edge.join("gitlab-registry.crt")).unwrap(),
        "precious"
    );
}

#[test]
fn what_is_in_the_way_is_named() {
    let certificate = fixture("gitlab.crt").display().to_string();
    let other = fixture("second.key").display().to_string();
    // (what is there before, arguments, what is said)
    type Prepare = fn(&Path);
    let cases: [(Prepare, Vec<&str>, &str); 7] = [
        (
            |_| (),
            vec!["--from", "missing.rb"],
            "cannot read missing.rb",
        ),
        (
            |_| (),
            vec!["--rootcertbundle", "missing.crt"],
            "missing.crt",
        ),
        (
            |_| (),
            vec!["--rootcertbundle", &other],
            "no PEM block of the type CERTIFICATE",
        ),
        (
            |folder| fs::write(folder.join("edge"), "a file").unwrap(),
            vec!["--rootcertbundle", &certificate],
            "edge",
        ),
        (
            |folder| {
                fs::create_dir(folder.join("edge")).unwrap();
                fs::write(folder.join("edge/gitlab-registry.key"), "half").unwrap();
            },
            vec![],
            "without gitlab-registry.crt",
        ),
        (
            |folder| {
                fs::create_dir(folder.join("edge")).unwrap();
                symlink("nowhere", folder.join("edge/envoy.yaml")).unwrap();
            },
            vec!["--rootcertbundle", &certificate],
            "envoy.yaml",
        ),
        (
            |folder| {
                fs::write(
                    folder.join("gitlab.rb"),
                    "external_url \"https://#{x}\"\nregistry_external_url 'https://r.example'",
                )
                .unwrap()
            },
            vec!["--rootcertbundle", &certificate],
            "gitlab.rb:1:23",
        ),
    ];
    for (prepare, arguments, said) in cases {
        let lab = lab();
        prepare(lab.path());
        let before = modes(lab.path());
        let output = init(&lab, &arguments);
        assert_eq!(output.status.code(), Some(1), "{said}: {}", stdout(&output));
        assert!(
            stderr(&output).contains(said),
            "{said}: {}",
            stderr(&output)
        );
        assert_eq!(modes(lab.path()), before, "nothing was written");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let lab = lab();
    // Not by permissions, which root passes.
    let output = edgectl(["init", "--from", "gitlab.rb", "--out", "/proc/edge"])
        .arg("--rootcertbundle")
        .arg(fixture("gitlab.crt"))
        .current_dir(&lab)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("/proc/edge"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_key_that_does_not_belong_to_the_certificate_stops_it() {
    let lab = lab();
    let read = |name: &str| fs::read_to_string(fixture(name)).unwrap();
    for (key, works) in [("gitlab.key", true), ("second.key", false)] {
        let pair = format!(
            "{GITLAB_RB}registry['internal_key'] = <<~PEM\n{}PEM\nregistry['internal_certificate'] = <<~PEM\n{}PEM\n",
            read(key),
            read("gitlab.crt")
        );
        fs::write(lab.path().join("gitlab.rb"), pair).unwrap();
        let output = init(&lab, &[]);
        assert_eq!(output.status.success(), works, "{}", stderr(&output));
        let body = read(key).lines().nth(2).unwrap().to_owned();
        for text in [stdout(&output), stderr(&output)] {
            assert!(!text.contains(&body), "{text}");
        }
        if !works {
            assert!(
                stderr(&output).contains("untrusted key with ID"),
                "{}",
                stderr(&output)
            );
            assert!(!lab.path().join("edge").exists());
        } else {
            fs::remove_dir_all(lab.path().join("edge")).unwrap();
        }
    }
}
