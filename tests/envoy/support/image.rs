//! A small image, pushed and pulled request by request.

use serde_json::json;

use super::http::{Answer, Client, Request, Version, marker};
use super::payload::Payload;

/// The media type of its manifest.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An image of one layer.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) layer: Payload,
    pub(crate) config: Payload,
    pub(crate) manifest: String,
}

impl Image {
    /// An image that no other test pushes; `content` is for people.
    pub(crate) fn unique(content: &str) -> Self {
        Self::of(Payload::once(format!("{content} {}", marker())))
    }

    /// An image with this layer. (Nobody unpacks it.)
    pub(crate) fn of(layer: Payload) -> Self {
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest()]},
        });
        let config = Payload::once(config.to_string());
        let described = |blob: &Payload, kind: &str| {
            let media_type = format!("application/vnd.oci.image.{kind}");
            json!({"mediaType": media_type, "digest": blob.digest(), "size": blob.length()})
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described(&config, "config.v1+json"),
            "layers": [described(&layer, "layer.v1.tar")],
        });
        Self {
            layer,
            config,
            manifest: manifest.to_string(),
        }
    }

    /// The digest by which the manifest is known.
    pub(crate) fn digest(&self) -> String {
        Payload::once(self.manifest.clone()).digest()
    }

    /// Pushes blobs and manifest.
    pub(crate) fn push(self, client: &Client, repository: &str, tag: &str, token: &str) -> Self {
        for blob in [&self.config, &self.layer] {
            upload(client, Version::Http11, repository, blob, token);
        }
        let request = Request::new("PUT", &manifest(repository, tag))
            .bearer(token)
            .field("content-type", MANIFEST)
            .body(self.manifest.clone());
        let answer = client.send(Version::Http11, &request);
        assert_eq!(answer.status, 201, "{request}: {answer}");
        self
    }
}

/// The path of a manifest.
pub(crate) fn manifest(repository: &str, reference: &str) -> String {
    format!("/v2/{repository}/manifests/{reference}")
}

/// The path of a blob.
pub(crate) fn blob(repository: &str, digest: &str) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

/// A read of a manifest that takes what the image has.
pub(crate) fn read_manifest(repository: &str, reference: &str) -> Request {
    Request::get(&manifest(repository, reference)).field("accept", MANIFEST)
}

/// Uploads a blob in one stream.
pub(crate) fn upload(
    client: &Client,
    version: Version,
    repository: &str,
    blob: &Payload,
    token: &str,
) {
    let start = Request::new("POST", &format!("/v2/{repository}/blobs/uploads/")).bearer(token);
    let begun = client.send(version, &start);
    assert_eq!(begun.status, 202, "{start}: {begun}");
    let place = local(client, &begun);
    let sent = Request::new("PATCH", &place)
        .bearer(token)
        .field("content-type", "application/octet-stream")
        .payload(blob.clone());
    let sent = client.send(version, &sent);
    assert_eq!(sent.status, 202, "PATCH {place}: {sent}");
    let place = local(client, &sent);
    let joint = if place.contains('?') { '&' } else { '?' };
    let close = Request::new("PUT", &format!("{place}{joint}digest={}", blob.digest()));
    let closed = client.send(version, &close.bearer(token));
    assert_eq!(closed.status, 201, "PUT {place}: {closed}");
}

/// Path and query of an answer's Location, which names the host that was asked.
fn local(client: &Client, answer: &Answer) -> String {
    let location = answer
        .header("location")
        .unwrap_or_else(|| panic!("no Location: {answer}"));
    let prefix = format!("https://{}", client.authority());
    location
        .strip_prefix(&prefix)
        .unwrap_or_else(|| panic!("{location} does not begin with {prefix}"))
        .to_owned()
}
