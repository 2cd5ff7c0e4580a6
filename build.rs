//! Embeds the certificates of `REGISTRY_ROOTCERTBUNDLE` (a PEM file) into the filter.
//!
//! The bundle is reduced here to what run time needs: keys, their ids, and validity dates. A file
//! that cannot be used stops the build with one line; an expired certificate only warns, since the
//! registry accepts tokens of its key too.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

#[path = "src/keys/certificate.rs"]
#[expect(
    unreachable_pub,
    reason = "public in the filter, which shares this file"
)]
mod certificate;
#[path = "src/keys/public_key.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "public in the filter, which shares this file"
)]
mod public_key;

const VARIABLE: &str = "REGISTRY_ROOTCERTBUNDLE";

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/keys/certificate.rs");
    println!("cargo::rerun-if-changed=src/keys/public_key.rs");
    if let Err(fault) = embed() {
        println!("cargo::error={fault}");
    }
}

fn embed() -> Result<(), String> {
    let keys = match env::var_os(VARIABLE) {
        None => Vec::new(),
        Some(path) if path.is_empty() => {
            return Err(format!("{VARIABLE} is empty: name a PEM file, or unset it"));
        }
        Some(path) => {
            let path = PathBuf::from(path);
            let name = path.display();
            println!("cargo::rerun-if-changed={name}");
            let pem = fs::read(&path)
                .map_err(|error| format!("{VARIABLE}: cannot read {name}: {error}"))?;
            let keys = certificate::parse_bundle(&pem)
                .map_err(|error| format!("{VARIABLE}: {name} cannot be used: {error}"))?;
            warn_of_expired(&keys, &name.to_string());
            keys
        }
    };
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set; run this through cargo")?;
    let out = PathBuf::from(out).join("embedded.rs");
    fs::write(&out, source(&keys)?).map_err(|error| format!("{}: {error}", out.display()))
}

fn warn_of_expired(keys: &[certificate::CertificateKey], name: &str) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    for (index, key) in keys
        .iter()
        .enumerate()
        .filter(|(_, key)| key.not_after < now)
    {
        let (number, id) = (index + 1, key.public_key.libtrust());
        println!(
            "cargo::warning={VARIABLE}: certificate {number} of {name} has expired (key {id}); \
             tokens signed with its key are still accepted, as the registry does"
        );
    }
}

/// The keys as a constant of `src/keys.rs`.
fn source(keys: &[certificate::CertificateKey]) -> Result<String, String> {
    let mut source = String::from(
        "/// The keys of the bundle that was embedded at build time; empty if there was none.\n\
         pub const EMBEDDED: &[EmbeddedKey] = &[\n",
    );
    for key in keys {
        writeln!(
            source,
            "    EmbeddedKey {{ spki: &{:?}, fingerprint: {:?}, not_before: {}, not_after: {} }},",
            key.public_key.spki(),
            key.fingerprint,
            key.not_before,
            key.not_after
        )
        .map_err(|error| error.to_string())?;
    }
    source.push_str("];\n");
    Ok(source)
}
