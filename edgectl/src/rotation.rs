//! Changing the key that GitLab signs with, without a refused token: the state is what lies in the files.
//!
//! | file | holds |
//! |---|---|
//! | `NAME.key` | the signer's key |
//! | `NAME.crt` | the bundle that edges and registries trust: one certificate, two while a key changes |
//! | `NAME.next.key`, `NAME.next.crt` | the next pair, from [`Rotation::prepare`] on |
//! | `NAME.previous.key` | the key before, from [`Rotation::switch`] on |
//! | `NAME.retired-TIME.key`, `NAME.TIME.crt` | keys and bundles of before; never deleted here |
//!
//! ```text
//! steady ─ prepare ─▶ prepared ─ trust ─▶ trusted ─ switch ─▶ switched ─ drop ─▶ steady
//! ```
//!
//! Every step may be repeated, and goes on where an interrupted one stopped: files are made before others give
//! way, and each change of a file is one rename.

mod files;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::certificate::{Described, Kind};
use crate::{KeyPair, KeyPairFiles, SigningKey};
use files::Files;

pub use files::FileError;

/// The pair in the files, and how far its rotation is.
#[derive(Debug)]
pub struct Rotation {
    files: Files,
    /// The signer's key.
    pub current: SigningKey,
    /// The bundle, PEM.
    pub bundle: String,
    /// The next key, while there is one.
    pub next: Option<SigningKey>,
    /// The key before, until it is dropped.
    pub previous: Option<SigningKey>,
    trusted: Vec<Described>,
    next_certificate: Option<String>,
}

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// One key.
    Steady,
    /// There is a next pair; nobody knows it.
    Prepared,
    /// The bundle holds both certificates; the signer is the old one.
    Trusted,
    /// The signer is the new one; the bundle holds both.
    Switched,
}

impl State {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Prepared => "prepared",
            Self::Trusted => "trusted",
            Self::Switched => "switched",
        }
    }

    /// The step that leads on.
    #[must_use]
    pub fn step(self) -> &'static str {
        match self {
            Self::Steady => "prepare",
            Self::Prepared => "trust",
            Self::Trusted => "switch",
            Self::Switched => "drop",
        }
    }
}

/// A step cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A key file.
    #[error(transparent)]
    Key(#[from] crate::signing_key::KeyFileError),
    /// A pair could not be made.
    #[error(transparent)]
    Pair(#[from] crate::key_pair::KeyPairError),
    /// A pair could not be written.
    #[error(transparent)]
    Write(#[from] crate::key_pair::WriteError),
    /// The certificates of a file.
    #[error("{}: {reason}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The field's most frequent fault.
    #[error(
        "{} holds no certificate of the key {} ({key_id}): tokens of that key are refused; put its certificate into \
         the bundle, or the right key into its place", bundle.display(), key.display()
    )]
    Strangers {
        /// The key.
        key: PathBuf,
        /// Its identifier.
        key_id: String,
        /// The bundle.
        bundle: PathBuf,
    },
    /// The step does not follow from the state.
    #[error("`{step}` does not follow from the state {state}: the next step is `{next}`")]
    Order {
        /// What was asked for.
        step: &'static str,
        /// How far it is.
        state: &'static str,
        /// What leads on.
        next: &'static str,
    },
    /// Tokens of the key before may still be under way.
    #[error(
        "tokens of the previous key live for another {} seconds: wait, or give the lifetime of GitLab's tokens with \
         --token-lifetime", .0.as_secs()
    )]
    TooEarly(Duration),
}

impl Rotation {
    /// Reads the files of a pair.
    ///
    /// # Errors
    /// [`RotationError`], also when key and bundle do not belong together.
    pub fn open(folder: &Path, name: &str) -> Result<Self, RotationError> {
        let files = Files::new(folder, name);
        let current = SigningKey::from_pem_file(&files.key)?;
        let bundle = files::read(&files.bundle)?;
        let trusted = certificates(&files.bundle, &bundle)?;
        let optional = |path: &Path| {
            path.exists()
                .then(|| SigningKey::from_pem_file(path))
                .transpose()
        };
        let next = optional(&files.next.key)?;
        let next_certificate = if next.is_some() {
            Some(files::read(&files.next.certificate)?)
        } else {
            None
        };
        let previous = optional(&files.previous)?
            // Copied, but the switch was interrupted: it is to come.
            .filter(|previous| previous.key_id() != current.key_id());
        let rotation = Self {
            files,
            current,
            bundle,
            next,
            previous,
            trusted,
            next_certificate,
        };
        if !rotation.trusts(&rotation.current) {
            return Err(RotationError::Strangers {
                key: rotation.files.key,
                key_id: rotation.current.key_id().to_owned(),
                bundle: rotation.files.bundle,
            });
        }
        if let (Some(next), Some(pem)) = (&rotation.next, &rotation.next_certificate) {
            let path = &rotation.files.next.certificate;
            let held = certificates(path, pem)?;
            if !held.iter().any(|one| one.key_id == next.key_id()) {
                return Err(RotationError::Strangers {
                    key: rotation.files.next.key,
                    key_id: next.key_id().to_owned(),
                    bundle: rotation.files.next.certificate,
                });
            }
        }
        Ok(rotation)
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> State {
        match (&self.next, &self.previous) {
            (Some(next), _) if self.trusts(next) => State::Trusted,
            (Some(_), _) => State::Prepared,
            (None, Some(_)) => State::Switched,
            (None, None) => State::Steady,
        }
    }

    /// Whether the bundle holds the certificate of a key.
    #[must_use]
    pub fn trusts(&self, key: &SigningKey) -> bool {
        self.trusted.iter().any(|one| one.key_id == key.key_id())
    }

    /// The bundle's certificates.
    #[must_use]
    pub fn trusted(&self) -> &[Described] {
        &self.trusted
    }

    /// The bundle's file.
    #[must_use]
    pub fn bundle_file(&self) -> &Path {
        &self.files.bundle
    }

    /// The signer's file.
    #[must_use]
    pub fn key_file(&self) -> &Path {
        &self.files.key
    }

    /// The file of the next key.
    #[must_use]
    pub fn next_file(&self) -> &Path {
        &self.files.next.key
    }

    /// The key that was retired last.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn retired(&self) -> Result<Option<SigningKey>, RotationError> {
        let newest = self.files.retired()?.pop();
        Ok(newest
            .map(|path| SigningKey::from_pem_file(&path))
            .transpose()?)
    }

    /// Makes the next pair.
    ///
    /// # Errors
    /// [`RotationError`].
    pub fn prepare(self, bits: u32, days: u32) -> Result<Self, RotationError> {
        match self.state() {
            State::Steady => {
                let next = &self.files.next;
                // Left behind by a drop that was interrupted: nothing but a certificate that is in the bundle.
                if !next.key.exists() {
                    files::remove(&next.certificate)?;
                }
                next.ensure_free()?;
                next.write(&KeyPair::generate(bits, days)?)?;
            }
            State::Prepared => {}
            state => return Err(out_of_order("prepare", state)),
        }
        self.again()
    }

    /// Puts both certificates into the bundle.
    ///
    /// # Errors
    /// [`RotationError`].
    pub fn trust(self) -> Result<Self, RotationError> {
        match (self.state(), &self.next_certificate) {
            (State::Prepared, Some(next)) => {
                let both = format!("{}\n{}\n", self.bundle.trim_end(), next.trim_end());
                files::replace(&self.files.bundle, &self.files.dated_bundle(), &both)?;
            }
            (State::Trusted, _) => {}
            (state, _) => return Err(out_of_order("trust", state)),
        }
        self.again()
    }

    /// Makes the next key the signer's. The key before stays as `NAME.previous.key`.
    ///
    /// # Errors
    /// [`RotationError`].
    pub fn switch(self) -> Result<Self, RotationError> {
        match self.state() {
            State::Trusted => {
                files::copy_key(&self.files.key, &self.files.previous)?;
                files::rename(&self.files.next.key, &self.files.key)?;
            }
            State::Switched => {}
            state => return Err(out_of_order("switch", state)),
        }
        self.again()
    }

    /// Takes the certificate of the key before out of the bundle, once its last token has expired, and retires the
    /// key.
    ///
    /// # Errors
    /// [`RotationError`].
    pub fn drop_previous(self, lifetime: Duration) -> Result<Self, RotationError> {
        match (self.state(), &self.previous) {
            (State::Switched, Some(previous)) => {
                let age = files::age(&self.files.previous, SystemTime::now())?;
                if let Some(left) = lifetime.checked_sub(age).filter(|left| !left.is_zero()) {
                    return Err(RotationError::TooEarly(left));
                }
                if self.trusts(previous) {
                    let kept = without(&self.files.bundle, &self.bundle, previous.key_id())?;
                    files::replace(&self.files.bundle, &self.files.dated_bundle(), &kept)?;
                }
                files::rename(&self.files.previous, &self.files.retiring())?;
                files::remove(&self.files.next.certificate)?;
            }
            (State::Steady, _) => {}
            (state, _) => return Err(out_of_order("drop", state)),
        }
        self.again()
    }

    fn again(self) -> Result<Self, RotationError> {
        Self::open(&self.files.folder, &self.files.name)
    }
}

fn out_of_order(step: &'static str, state: State) -> RotationError {
    RotationError::Order {
        step,
        state: state.name(),
        next: state.step(),
    }
}

fn certificates(path: &Path, pem: &str) -> Result<Vec<Described>, RotationError> {
    let described =
        Described::from_pem(pem.as_bytes()).map_err(|error| RotationError::Certificates {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    Ok(described
        .into_iter()
        .filter(|one| one.kind == Kind::Certificate)
        .collect())
}

/// The bundle without the certificates of a key; the others as they stand, with the text between them.
fn without(path: &Path, bundle: &str, key_id: &str) -> Result<String, RotationError> {
    const END: &str = "-----END CERTIFICATE-----";
    let mut kept = String::new();
    for block in bundle.split_inclusive(END) {
        let is_certificate = block.ends_with(END);
        if is_certificate
            && certificates(path, block)?
                .iter()
                .any(|one| one.key_id == key_id)
        {
            continue;
        }
        kept.push_str(block);
    }
    Ok(format!("{}\n", kept.trim()))
}

/// A time for file names, `20260131T120000Z`.
fn stamp() -> String {
    Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The pair beside another: the next one.
fn next_pair(folder: &Path, name: &str) -> KeyPairFiles {
    KeyPairFiles::named(folder, &format!("{name}.next"))
}
