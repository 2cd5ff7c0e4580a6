//! The filter as OCI images, without a daemon, and the same bytes every time.
//!
//! Istio and Envoy Gateway take a filter from a registry in two forms: as an image whose one layer
//! is an archive that holds `plugin.wasm` ([`Form::Compat`]), and as an artifact whose layer is the
//! module itself ([`Form::Artifact`]; `github.com/solo-io/wasm`, *Wasm Artifact Image
//! Specification*). Both are written as OCI image layouts, which every client can push.
//!
//! Nothing in them depends on the time, the machine or the user: archives are written with time 0
//! and owner 0, and no `created` is set.

mod sbom;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::artifact::root;
use crate::error::{Error, Result};
use crate::process::output;
use crate::tools::{CRANE, Tools};

/// How a filter lies in a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An image, as docker would build it `FROM scratch`: every registry stores it.
    Compat,
    /// An artifact with the media types of WebAssembly.
    Artifact,
}

impl Form {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Compat, Self::Artifact];

    /// Its folder, and what stands behind the tag of the artifact.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compat => "image",
            Self::Artifact => "artifact",
        }
    }
}

/// An image that was written.
#[derive(Debug)]
pub struct Image {
    /// Which of the two.
    pub form: Form,
    /// The image layout.
    pub folder: PathBuf,
    /// The manifest's digest, `sha256:…`.
    pub digest: String,
}

/// Writes both forms of `wasm` below `folder`, and the bill of materials beside them.
///
/// # Errors
/// When `wasm` cannot be read, `folder` not be written, or cargo not tell what the filter is made of.
pub fn write(wasm: &Path, folder: &Path) -> Result<Vec<Image>> {
    let module = std::fs::read(wasm).map_err(Error::io("read", wasm))?;
    let about = About::of_workspace()?;
    let sbom = pretty(&sbom::bill(&about, &hex(&module))?);
    std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
    let beside = folder.join(SBOM);
    std::fs::write(&beside, &sbom).map_err(Error::io("write", &beside))?;
    let licence = root().join("LICENSE");
    let licence = std::fs::read(&licence).map_err(Error::io("read", &licence))?;
    let files = [
        ("plugin.wasm", module.as_slice()),
        ("LICENSE", licence.as_slice()),
        (SBOM, sbom.as_bytes()),
    ];
    Form::ALL
        .into_iter()
        .map(|form| {
            let layout = Layout::start(&folder.join(form.name()))?;
            let manifest = match form {
                Form::Compat => layout.compat(&files, &about)?,
                Form::Artifact => layout.artifact(&module, &about)?,
            };
            let digest = layout.finish(&manifest)?;
            Ok(Image {
                form,
                folder: folder.join(form.name()),
                digest,
            })
        })
        .collect()
}

/// Pushes an image under this reference (`HOST/NAME:TAG`), over plain HTTP if the registry is on
/// loopback and has no other.
///
/// # Errors
/// When crane cannot be had, or the registry does not take it.
pub fn push(tools: &Tools, image: &Image, reference: &str) -> Result<()> {
    let mut command = std::process::Command::new(tools.ensure(&CRANE)?);
    command.arg("push").arg(&image.folder).arg(reference);
    output(&mut command).map(drop)
}

/// The bill of materials, beside the layouts and inside the image.
const SBOM: &str = "sbom.cdx.json";

/// Where the filter comes from.
#[derive(Debug)]
struct About {
    version: String,
    licence: String,
    description: String,
    /// The commit, if this is a clone; `-dirty` behind it if files differ from that.
    revision: Option<String>,
    /// What cargo says of the workspace.
    metadata: Value,
}

impl About {
    fn of_workspace() -> Result<Self> {
        let metadata = sbom::metadata()?;
        let package = sbom::package(&metadata)?;
        let text = |name: &str| {
            let value = package.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        Ok(Self {
            version: text("version"),
            licence: text("license"),
            description: text("description"),
            revision: revision(),
            metadata,
        })
    }

    /// The labels, or annotations, of the OCI's image specification.
    fn labels(&self) -> Value {
        let mut labels = json!({
            "org.opencontainers.image.title": "registry-token-filter",
            "org.opencontainers.image.description": self.description,
            "org.opencontainers.image.version": self.version,
            "org.opencontainers.image.licenses": self.licence,
        });
        if let (Some(revision), Some(labels)) = (&self.revision, labels.as_object_mut()) {
            let name = "org.opencontainers.image.revision".to_owned();
            labels.insert(name, revision.as_str().into());
        }
        labels
    }
}

fn revision() -> Option<String> {
    let mut git = std::process::Command::new("git");
    git.args([
        "describe",
        "--always",
        "--abbrev=40",
        "--exclude=*",
        "--dirty",
    ]);
    let described = output(git.current_dir(root())).ok()?;
    Some(described.trim().to_owned()).filter(|revision| !revision.is_empty())
}

/// An OCI image layout that is being written.
struct Layout {
    folder: PathBuf,
}

impl Layout {
    fn start(folder: &Path) -> Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).map_err(Error::io("clear", folder))?;
        }
        let blobs = folder.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).map_err(Error::io("make", &blobs))?;
        let folder = folder.to_owned();
        Ok(Self { folder })
    }

    /// An image of one layer.
    fn compat(&self, files: &[(&str, &[u8])], about: &About) -> Result<Value> {
        let archive = archive(files).map_err(Error::io("pack", &self.folder))?;
        let layer = zipped(&archive).map_err(Error::io("pack", &self.folder))?;
        let config = json!({
            "architecture": "wasm",
            "os": "wasip1",
            "config": { "Labels": about.labels() },
            "rootfs": { "type": "layers", "diff_ids": [digest(&archive)] },
        });
        let config = config.to_string().into_bytes();
        Ok(json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob("application/vnd.oci.image.config.v1+json", &config)?,
            "layers": [self.blob("application/vnd.oci.image.layer.v1.tar+gzip", &layer)?],
            "annotations": about.labels(),
        }))
    }

    /// An artifact of two layers, in this order, which is what Envoy Gateway and Istio look for.
    fn artifact(&self, module: &[u8], about: &About) -> Result<Value> {
        let config = json!({ "type": "envoy_proxy", "version": about.version });
        let config = config.to_string().into_bytes();
        Ok(json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob("application/vnd.module.wasm.config.v1+json", &config)?,
            "layers": [
                self.blob("application/vnd.module.wasm.config.v1+json", &config)?,
                self.titled("application/vnd.module.wasm.content.layer.v1+wasm", module)?,
            ],
            "annotations": about.labels(),
        }))
    }

    fn blob(&self, media_type: &str, bytes: &[u8]) -> Result<Value> {
        let file = self.folder.join("blobs/sha256").join(hex(bytes));
        std::fs::write(&file, bytes).map_err(Error::io("write", &file))?;
        Ok(json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() }))
    }

    fn titled(&self, media_type: &str, bytes: &[u8]) -> Result<Value> {
        let mut descriptor = self.blob(media_type, bytes)?;
        if let Some(descriptor) = descriptor.as_object_mut() {
            let title = json!({ "org.opencontainers.image.title": "plugin.wasm" });
            descriptor.insert("annotations".to_owned(), title);
        }
        Ok(descriptor)
    }

    /// Writes manifest and index; answers the manifest's digest.
    fn finish(&self, manifest: &Value) -> Result<String> {
        let manifest = manifest.to_string().into_bytes();
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [self.blob(MANIFEST, &manifest)?],
        });
        for (name, content) in [
            ("index.json", index.to_string()),
            (
                "oci-layout",
                json!({ "imageLayoutVersion": "1.0.0" }).to_string(),
            ),
        ] {
            let file = self.folder.join(name);
            std::fs::write(&file, content).map_err(Error::io("write", &file))?;
        }
        Ok(digest(&manifest))
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An archive of these files, of nobody and no time.
fn archive(files: &[(&str, &[u8])]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, name, *content)?;
    }
    archive.into_inner()
}

fn zipped(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    writer.write_all(bytes)?;
    writer.finish()
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

/// SHA-256, as digests are written.
fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All files below a folder, by their names.
    fn content(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
        let mut files = std::collections::BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(content(&path));
            } else {
                files.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
        files
    }

    #[test]
    fn an_image_is_the_same_bytes_every_time_and_other_bytes_for_another_module() {
        let scratch = tempfile::tempdir().unwrap();
        let wasm = scratch.path().join("filter.wasm");
        std::fs::write(&wasm, b"\0asm\x01\0\0\0").unwrap();
        let folder = scratch.path().join("out");
        let first = write(&wasm, &folder).unwrap();
        let before = content(&folder);
        let second = write(&wasm, &folder).unwrap();
        assert_eq!(content(&folder), before);
        std::fs::write(&wasm, b"\0asm\x01\0\0\0\0\x02\x01x").unwrap();
        let other = write(&wasm, &folder).unwrap();
        for ((first, second), other) in first.iter().zip(&second).zip(&other) {
            assert_eq!(first.digest, second.digest, "{:?}", first.form);
            assert_ne!(first.digest, other.digest, "{:?}", first.form);
        }
    }

    #[test]
    fn every_blob_is_what_its_descriptor_says() {
        let scratch = tempfile::tempdir().unwrap();
        let wasm = scratch.path().join("filter.wasm");
        std::fs::write(&wasm, b"\0asm\x01\0\0\0").unwrap();
        for image in write(&wasm, scratch.path()).unwrap() {
            let blob = |descriptor: &Value| {
                let digest = descriptor["digest"].as_str().unwrap();
                let name = digest.strip_prefix("sha256:").unwrap();
                let bytes = std::fs::read(image.folder.join("blobs/sha256").join(name)).unwrap();
                assert_eq!(super::digest(&bytes), digest);
                assert_eq!(descriptor["size"], bytes.len());
                bytes
            };
            let index = std::fs::read(image.folder.join("index.json")).unwrap();
            let index: Value = serde_json::from_slice(&index).unwrap();
            assert_eq!(index["manifests"][0]["digest"], *image.digest);
            let manifest: Value = serde_json::from_slice(&blob(&index["manifests"][0])).unwrap();
            blob(&manifest["config"]);
            let layers = manifest["layers"].as_array().unwrap();
            let last = blob(layers.last().unwrap());
            match image.form {
                Form::Artifact => {
                    assert_eq!(layers.len(), 2);
                    assert_eq!(last, std::fs::read(&wasm).unwrap());
                }
                Form::Compat => {
                    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*last));
                    let names: Vec<String> = archive
                        .entries()
                        .unwrap()
                        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
                        .collect();
                    assert_eq!(names, ["plugin.wasm", "LICENSE", SBOM]);
                }
            }
        }
    }
}
