//! What is in the repositories of a registry from the start: an image in `group/app`, another in
//! `group/secret`, tag `latest`.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::wire::{Answer, Connection, Request, Response};

/// The type of the images' manifests, as clients ask for it.
pub const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A layer of the image in `group/app` alone.
pub const LAYER: &str = "a layer of group/app";

/// The layer that both images have.
pub const SHARED: &str = "test";

/// A layer of the image in `group/secret` alone: what a mount would be after.
pub const SECRET: &str = "a layer of group/secret";

const IMAGES: [(&str, [&str; 2]); 2] = [
    ("group/app", [LAYER, SHARED]),
    ("group/secret", [SHARED, SECRET]),
];

/// Pushes the images to a registry without a token check and without TLS.
///
/// # Errors
/// When the registry cannot be reached or does not take them.
pub async fn push(port: u16) -> Result<()> {
    let mut connection = Connection::to(port);
    for (repository, layers) in IMAGES {
        // Whole enough for Distribution 2.8 to turn it into the first form of manifests, for clients
        // that ask for no other.
        let configuration = json!({
            "architecture": "amd64",
            "os": "linux",
            "history": layers.map(|_| json!({"created": "2024-01-01T00:00:00Z"})),
            "rootfs": {"type": "layers", "diff_ids": layers.map(digest)},
        });
        let configuration = configuration.to_string();
        for blob in layers.into_iter().chain([configuration.as_str()]) {
            push_blob(&mut connection, repository, blob).await?;
        }
        let blob = |text: &str, kind: &str| json!({"mediaType": kind, "size": text.len(), "digest": digest(text)});
        let layers =
            layers.map(|layer| blob(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip"));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(&configuration, "application/vnd.docker.container.image.v1+json"),
            "layers": layers,
        });
        let place = format!("/v2/{repository}/manifests/latest");
        let manifest = manifest.to_string();
        send(&mut connection, "PUT", &place, MANIFEST, &manifest, 201).await?;
    }
    Ok(())
}

async fn push_blob(connection: &mut Connection, repository: &str, blob: &str) -> Result<()> {
    const OCTETS: &str = "application/octet-stream";
    let start = format!("/v2/{repository}/blobs/uploads/");
    let begun = send(connection, "POST", &start, OCTETS, "", 202).await?;
    let location = begun.field("location").unwrap_or_default();
    let place = location
        .split_once("://")
        .and_then(|(_, rest)| rest.get(rest.find('/')?..))
        .unwrap_or(&location);
    let joint = if place.contains('?') { '&' } else { '?' };
    let close = format!("{place}{joint}digest={}", digest(blob));
    send(connection, "PUT", &close, OCTETS, blob, 201).await?;
    Ok(())
}

/// SHA-256 in the form of a digest, `sha256:…`.
#[must_use]
pub fn digest(text: &str) -> String {
    let hash = Sha256::digest(text);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

async fn send(
    connection: &mut Connection,
    method: &str,
    target: &str,
    content_type: &str,
    body: &str,
    expected: u16,
) -> Result<Response> {
    let request = Request {
        method: method.into(),
        host: None,
        target: target.into(),
        fields: vec![("content-type".to_owned(), content_type.into())],
        body: body.into(),
    };
    match connection.exchange(&request).await? {
        Answer::Responded(response) if response.status == expected => Ok(response),
        other => Err(Error::Other(format!("{method} {target}: {other}"))),
    }
}
