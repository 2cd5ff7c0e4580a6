//! What is in the repositories from the start: an image in `group/app`, another in
//! `group/secret`.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use testbed::{Error, Result};

use corpus::bytes::Bytes;
use corpus::case::Request;
use testbed::wire::{Answer, Connection, Response};

use crate::case::sent;

/// The image's manifest, as clients ask for it.
pub(crate) const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The only layer of the image in `group/secret`: what a mount would be after.
pub(crate) const SECRET: &str = "a layer of group/secret";

/// Repositories with an image, tag `latest`, and the content of its layer.
const IMAGES: [(&str, &str); 2] = [
    ("group/app", "a layer of group/app"),
    ("group/secret", SECRET),
];

/// Pushes the images to a registry without a token check.
pub(crate) async fn push(port: u16) -> Result<()> {
    let mut connection = Connection::to(port);
    for (repository, layer) in IMAGES {
        let configuration = json!({"architecture": "amd64", "os": "linux"}).to_string();
        let blob = |text: &str, kind: &str| json!({"mediaType": kind, "size": text.len(), "digest": digest(text)});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(&configuration, "application/vnd.docker.container.image.v1+json"),
            "layers": [blob(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip")],
        });
        for blob in [&configuration, layer] {
            let start = format!("/v2/{repository}/blobs/uploads/");
            let begun = send(&mut connection, "POST", &start, None, "", 202).await?;
            let location = begun.field("location").unwrap_or_default();
            let place = location
                .split_once("://")
                .and_then(|(_, rest)| Some((rest.find('/')?, rest)))
                .and_then(|(slash, rest)| rest.get(slash..))
                .unwrap_or(&location);
            let joint = if place.contains('?') { '&' } else { '?' };
            let close = format!("{place}{joint}digest={}", digest(blob));
            let octets = Some("application/octet-stream");
            send(&mut connection, "PUT", &close, octets, blob, 201).await?;
        }
        let place = format!("/v2/{repository}/manifests/latest");
        let manifest = manifest.to_string();
        send(
            &mut connection,
            "PUT",
            &place,
            Some(MANIFEST),
            &manifest,
            201,
        )
        .await?;
    }
    Ok(())
}

/// SHA-256 in the form of a digest, `sha256:…`.
pub(crate) fn digest(text: &str) -> String {
    let hash = Sha256::digest(text);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

async fn send(
    connection: &mut Connection,
    method: &str,
    target: &str,
    content_type: Option<&str>,
    body: &str,
    expected: u16,
) -> Result<Response> {
    let request = Request {
        method: method.to_owned(),
        target: Bytes::from(target),
        content_type: content_type.into_iter().map(str::to_owned).collect(),
        body: body.to_owned(),
        ..Request::default()
    };
    let answer = connection.exchange(&sent(&request, None)).await?;
    match answer {
        Answer::Responded(response) if response.status == expected => Ok(response),
        other => Err(Error::Other(format!("{method} {target}: {other}"))),
    }
}
