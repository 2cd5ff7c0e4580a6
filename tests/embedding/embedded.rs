use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use edgectl::{Access, Account, Claims, Parties, SigningKey, Validity};
use serde_json::Value;
use testbed::Stack;
use testbed::envoy::{Settings, Update};
use testbed::tools::{Progress, Tools};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/keys")
        .join(name)
}

/// Runs cargo with a bundle to embed, in a target folder of its own: the ordinary artifact must
/// never hold a test's key.
fn cargo(arguments: &[&str], bundle: &Path) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(root)
        .args(arguments)
        .args(["--package", "registry-token-filter", "--lib"])
        .env("CARGO_TARGET_DIR", root.join("target/embedding"))
        .env("CARGO_TERM_COLOR", "never")
        .env("REGISTRY_ROOTCERTBUNDLE", bundle);
    command.output().unwrap()
}

/// The lines of cargo's output that begin so.
fn lines(output: &Output, beginning: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines()
        .filter(|line| line.starts_with(beginning))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_bundle_that_cannot_be_used_stops_the_build_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let certificate = std::fs::read_to_string(fixture("registry.crt")).unwrap();
    for (bundle, fault) in [
        (
            PathBuf::new(),
            "REGISTRY_ROOTCERTBUNDLE is empty: name a PEM file, or unset it",
        ),
        (folder.path().join("missing.crt"), "cannot read"),
        (folder.path().to_owned(), "cannot read"),
        (
            file("empty.crt", ""),
            "it holds no PEM block of the type CERTIFICATE",
        ),
        (
            file("cut.crt", &certificate[..400]),
            "certificate 1 is cut short or not base64",
        ),
        (
            fixture("registry.key"),
            "it holds no PEM block of the type CERTIFICATE",
        ),
        (
            fixture("secp256k1.crt"),
            "the key of certificate 1 is neither an RSA key",
        ),
        (
            fixture("weak.crt"),
            "the key of certificate 1 has 1024 bits; expected 2048 to 8192",
        ),
    ] {
        let output = cargo(&["check", "--quiet"], &bundle);
        assert!(!output.status.success(), "built with {}", bundle.display());
        // Cargo adds "error: build script logged errors" of its own.
        let errors = lines(&output, "error: registry-token-filter@");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].contains(fault),
            "{}\n  expected: {fault}",
            errors[0]
        );
        let name = bundle.file_name().unwrap_or_default().to_str().unwrap();
        assert!(
            errors[0].contains(name),
            "{} does not name {name}",
            errors[0]
        );
    }
    // The twin: the same file whole.
    let output = cargo(&["check", "--quiet"], &file("whole.crt", &certificate));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn an_expired_certificate_warns_and_is_embedded() {
    let output = cargo(&["check"], &fixture("expired.crt"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let warnings = lines(&output, "warning");
    let expired = warnings
        .iter()
        .filter(|line| line.contains("has expired"))
        .count();
    assert_eq!(expired, 1, "{warnings:?}");

    let output = cargo(&["check"], &fixture("registry.crt"));
    assert!(lines(&output, "warning").is_empty());
}

#[test]
fn the_artifact_trusts_the_embedded_key_until_a_configuration_brings_its_own() {
    let build = ["build", "--release", "--target", "wasm32-wasip1"];
    let output = cargo(&build, &fixture("registry.crt"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let wasm = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/embedding/wasm32-wasip1/release/registry_token_filter.wasm");

    let tools = Tools::open(Progress::stderr()).unwrap();
    let settings = Settings {
        listener_from_file: true,
        ..Settings::default()
    };
    let mut stack = Stack::builder(&tools)
        .wasm(&wasm)
        .envoy(settings)
        .start()
        .unwrap();

    let embedded = SigningKey::from_pem_file(&fixture("registry.key")).unwrap();
    let configured = SigningKey::from_pem_file(&stack.signing_key().key).unwrap();
    let status = |stack: &Stack, key: &SigningKey| {
        let access: Access = "repository:group/app:pull".parse().unwrap();
        let parties = Parties::default();
        let account = Account::named("alice");
        let validity = Validity::minutes(5);
        let claims = Claims::for_account(key, &parties, &account, vec![access], validity).unwrap();
        get_base(stack, &key.sign(&claims).unwrap())
    };

    // A bundle in the configuration replaces the embedded one.
    assert_eq!(status(&stack, &configured), 200);
    assert_eq!(status(&stack, &embedded), 401);

    let mut without_bundle: Value = stack.plugin_configuration().clone();
    without_bundle
        .as_object_mut()
        .unwrap()
        .remove("rootcertbundle");
    assert_eq!(
        stack.update_plugin(&without_bundle).unwrap(),
        Update::Accepted
    );
    assert_eq!(status(&stack, &embedded), 200);
    assert_eq!(status(&stack, &configured), 401);
    assert!(
        stack
            .envoy()
            .log_text()
            .contains("keys of the embedded bundle: ")
    );
}

/// The status of `GET /v2/` with this token.
fn get_base(stack: &Stack, token: &str) -> u16 {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ])
        .arg("--cacert")
        .arg(stack.ca_file())
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .arg(format!("{}/v2/", stack.url()))
        .output()
        .unwrap();
    let status = String::from_utf8(output.stdout).unwrap();
    status.parse().unwrap_or_else(|_| {
        panic!(
            "curl: {status:?} {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}
