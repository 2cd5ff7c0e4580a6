//! `edgectl explain`: tokens on standard input, hostile ones, and secrets that stay where they are.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{edgectl, stderr, stdout};

fn case(name: &str) -> PathBuf {
    let cases = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/explain.in");
    cases.join(name)
}

/// Explains a pull with what is written to standard input, at the time of the cases.
fn explain(input: &[u8], extra: &[&str]) -> Output {
    let mut child = edgectl(["explain", "--at", "1800000000", "--config"])
        .arg(case("edge.json"))
        .args(extra)
        .arg("GET /v2/group/app/manifests/latest")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have refused before it read to the end.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[test]
fn a_token_is_read_from_standard_input_in_every_form() {
    let token = std::fs::read_to_string(case("alice.jwt")).unwrap();
    let token = token.trim();
    for input in [
        token.to_owned(),
        format!("\n  {token}\r\n"),
        format!("Bearer {token}"),
        format!("Authorization: bearer {token}\n"),
        json!({ "token": token, "expires_in": 300 }).to_string(),
        json!({ "access_token": token }).to_string(),
    ] {
        let output = explain(input.as_bytes(), &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).starts_with("Forwarded"));
    }
    // The twin: the same token, but for its last part.
    let cut = token.rsplit_once('.').unwrap().0;
    assert_eq!(explain(cut.as_bytes(), &[]).status.code(), Some(3));
}

#[test]
fn nothing_on_standard_input_is_no_client_without_a_token() {
    let output = explain(b" \n", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("--no-token"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn no_part_of_a_token_that_could_be_used_is_printed() {
    for name in ["alice", "expired", "forged", "stranger", "cut", "personal"] {
        let token = std::fs::read_to_string(case(name).with_extension("jwt")).unwrap();
        for extra in [&[][..], &["--json"]] {
            let output = explain(token.as_bytes(), extra);
            let printed = [stdout(&output), stderr(&output)].concat();
            let mut parts = token.trim().split('.').filter(|part| part.len() > 12);
            assert!(parts.all(|part| !printed.contains(part)), "{name}");
            assert!(!printed.contains("eyJ9.e30.c2ln"), "the token inside");
        }
    }
}

#[test]
fn a_hostile_token_is_printed_as_text_and_in_bounds() {
    let attack = "\u{1b}]0;title\u{7}\u{1b}[2J\u{0}\r\n\u{202e}<script>alert(1)</script>";
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(&json!({ "alg": "RS256", "kid": attack, attack: attack }));
    let access = json!({ "type": attack, "name": attack, "actions": [attack] });
    for (count, filler) in [(1, 0), (2_000, 65_536)] {
        let claims = json!({
            "iss": attack, attack: attack, "filler": "x".repeat(filler),
            "access": vec![access.clone(); count],
        });
        let token = format!("{header}.{}.{}", part(&claims), part(&json!(attack)));
        for extra in [&[][..], &["--json"]] {
            let output = explain(token.as_bytes(), extra);
            assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
            let printed = stdout(&output);
            let is_safe =
                |letter: char| letter == '\n' || !letter.is_control() && letter != '\u{202e}';
            assert!(printed.chars().all(is_safe), "{printed:?}");
            assert!(printed.contains("<script>alert(1)</script>"));
            assert!(printed.len() < 40_000, "{} bytes", printed.len());
        }
    }
    // Bytes that are no text, and more of them than anything takes.
    for input in [vec![0xff; 64], vec![b'.'; 65_536], vec![b'a'; 2 << 20]] {
        assert_eq!(explain(&input, &[]).status.code(), Some(3));
    }
    let output = explain(&vec![b'a'; 5 << 20], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("4 MiB"), "{}", stderr(&output));
}

#[test]
fn a_configuration_is_found_in_what_carries_it() {
    let json = std::fs::read_to_string(case("edge.json")).unwrap();
    let plugin: Value = serde_json::from_str(&json).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let string_value = json!({ "http_filters": [{ "typed_config": { "config": { "configuration": {
        "@type": "type.googleapis.com/google.protobuf.StringValue", "value": json,
    }}}}]});
    let istio = json!({ "kind": "WasmPlugin", "spec": { "pluginConfig": plugin } });
    let token = case("alice.jwt");
    for (name, text, code) in [
        ("envoy.json", string_value.to_string(), 0),
        ("istio.yaml", istio.to_string(), 0),
        ("nothing.yaml", "kind: Service\n".to_owned(), 1),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let output = edgectl(["explain", "--at", "1800000000", "--token-file"])
            .arg(&token)
            .arg("--config")
            .arg(&file)
            .arg("GET /v2/group/app/manifests/latest")
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{name}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn every_command_that_is_recommended_exists() {
    use registry_token_filter::explain::{LogLine, Reason, Verdict};
    let mut named = 0;
    for reason in Reason::all() {
        let verb = match reason.verdict() {
            Verdict::Reject => "rejected",
            Verdict::Forward | Verdict::Challenge => "challenged",
        };
        let line = format!("{verb} reason={}", reason.tag());
        for cause in LogLine::parse(&line).unwrap().explain().causes {
            let words = cause.command.unwrap_or_default().split_once("edgectl ");
            let Some((_, words)) = words else { continue };
            let words: Vec<&str> = words.split(' ').take(2).collect();
            let output = edgectl(["help"]).args(&words).output().unwrap();
            assert!(output.status.success(), "{words:?}: {}", stderr(&output));
            named += 1;
        }
    }
    assert!(named > 0);
}
