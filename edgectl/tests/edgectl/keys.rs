//! `edgectl keys`

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use x509_parser::der_parser::asn1_rs::Tag;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::support::{edgectl, shared_pair, stderr, stdout};

#[test]
fn writes_the_pair_that_omnibus_makes() {
    let folder = tempfile::tempdir().unwrap();
    let output = edgectl(["keys", "--json"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));

    let mode = |name: &str| {
        fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("gitlab-registry.key"), 0o600);
    assert_eq!(mode("gitlab-registry.crt"), 0o644);

    let pem = fs::read(folder.path().join("gitlab-registry.crt")).unwrap();
    let der = CertificateDer::from_pem_slice(&pem).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    // As `OpenSSL::X509::Name.parse` of Ruby encodes it: the country printable, the rest UTF-8.
    let subject: Vec<_> = certificate
        .subject()
        .iter_attributes()
        .map(|attribute| (attribute.attr_value().tag(), attribute.as_str().unwrap()))
        .collect();
    assert_eq!(
        subject,
        [
            (Tag::PrintableString, "USA"),
            (Tag::Utf8String, "GitLab"),
            (Tag::Utf8String, "Container"),
            (Tag::Utf8String, "Registry")
        ]
    );
    assert_eq!(certificate.issuer(), certificate.subject(), "self-signed");
    assert!(certificate.serial > 0_u32.into(), "RFC 5280, 4.1.2.2");
    let validity = certificate.validity();
    assert_eq!(
        validity.not_after.timestamp() - validity.not_before.timestamp(),
        3650 * 24 * 60 * 60
    );

    let summary: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(summary["key"], "RSA 4096");
    assert_eq!(
        summary["subject"],
        "C=USA, O=GitLab, OU=Container, CN=Registry"
    );
    let key_id = summary["key_id"].as_str().unwrap();
    assert_eq!((key_id.len(), key_id.matches(':').count()), (59, 11));

    // The two halves belong together, and `show` says the same as the making did.
    for file in ["gitlab-registry.key", "gitlab-registry.crt"] {
        let output = edgectl(["keys", "show", "--json", file])
            .current_dir(&folder)
            .output()
            .unwrap();
        let shown: Value = serde_json::from_str(stdout(&output)).unwrap();
        for member in ["key", "key_id", "thumbprint"] {
            assert_eq!(shown["keys"][0][member], summary[member], "{file} {member}");
        }
    }
}

#[test]
fn never_overwrites_and_leaves_no_half() {
    // (what is there already, as a link or not, and what else must not appear)
    for (existing, linked, other) in [
        ("gitlab-registry.key", false, "gitlab-registry.crt"),
        ("gitlab-registry.crt", false, "gitlab-registry.key"),
        ("gitlab-registry.crt", true, "gitlab-registry.key"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(existing);
        if linked {
            symlink("nowhere", &path).unwrap();
        } else {
            fs::write(&path, "precious").unwrap();
        }
        let output = edgectl(["keys", "--bits", "2048"])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = stderr(&output);
        assert!(
            error.contains(existing) && error.contains("--out"),
            "names the file and the remedy: {error}"
        );
        assert!(stdout(&output).is_empty());
        if !linked {
            assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        }
        assert!(!folder.path().join(other).exists());
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            1,
            "nothing else either"
        );
    }
}

#[test]
fn key_is_private_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_edgectl");
    let script = format!("umask 000; exec '{program}' keys --bits 2048 --name open --days 1");
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let mode = |name: &str| {
        fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode("open.key"), mode("open.crt")), (0o600, 0o644));
    for said in [
        "libtrust kid",
        "RFC 7638 kid",
        "internal_key",
        "internal_certificate",
        "rootcertbundle",
    ] {
        assert!(stdout(&output).contains(said), "{said}");
    }
}

#[test]
fn refusals_name_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("text"), "no PEM").unwrap();
    fs::write(
        folder.path().join("cut"),
        "-----BEGIN CERTIFICATE-----\nMIIB\n",
    )
    .unwrap();
    let garbage = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    fs::write(folder.path().join("garbage"), garbage).unwrap();
    for (arguments, code, said) in [
        (vec!["keys", "--bits", "1024"], 2, "2048, 3072, 4096"),
        (vec!["keys", "--days", "0"], 2, "--days"),
        (vec!["keys", "--name", "a/b"], 2, "--out"),
        (vec!["keys", "--out", "missing"], 1, "create it"),
        (vec!["keys", "show", "missing"], 1, "missing"),
        (vec!["keys", "show", "text"], 1, "edgectl keys"),
        (vec!["keys", "show", "cut"], 1, "PEM"),
        (vec!["keys", "show", "garbage"], 1, "block 1"),
    ] {
        let output = edgectl([])
            .args(&arguments)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(said),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        3,
        "nothing was written"
    );
}

#[test]
fn shows_every_certificate_of_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let pair = shared_pair();
    fs::write(folder.path().join("bundle.crt"), pair.certificate.repeat(2)).unwrap();
    let output = edgectl(["keys", "show", "bundle.crt"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(stdout(&output).matches(&pair.key_id).count(), 2);
    assert_eq!(stdout(&output).matches(&pair.thumbprint).count(), 2);
}
