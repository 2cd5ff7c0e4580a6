//! The files of a rotation. A key is never deleted, never wider than 0600, and never half written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{next_pair, stamp};
use crate::KeyPairFiles;

/// Where everything lies.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) folder: PathBuf,
    pub(super) name: String,
    pub(super) key: PathBuf,
    pub(super) bundle: PathBuf,
    pub(super) next: KeyPairFiles,
    pub(super) previous: PathBuf,
}

/// A file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {reason}", path.display())]
pub struct FileError {
    what: &'static str,
    path: PathBuf,
    reason: io::Error,
}

impl FileError {
    fn of(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self {
            what,
            path: path.to_owned(),
            reason,
        }
    }
}

impl Files {
    pub(super) fn new(folder: &Path, name: &str) -> Self {
        let pair = KeyPairFiles::named(folder, name);
        Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            key: pair.key,
            bundle: pair.certificate,
            next: next_pair(folder, name),
            previous: folder.join(format!("{name}.previous.key")),
        }
    }

    /// A name that is free, for the bundle that is about to be replaced: `NAME.TIME.crt`.
    pub(super) fn dated_bundle(&self) -> PathBuf {
        self.free("", "crt")
    }

    /// A name that is free, for the key that is retired: `NAME.retired-TIME.key`.
    pub(super) fn retiring(&self) -> PathBuf {
        self.free("retired-", "key")
    }

    fn free(&self, word: &str, extension: &str) -> PathBuf {
        let stamp = stamp();
        let named = |count: usize| {
            let count = if count > 1 {
                format!("-{count}")
            } else {
                String::new()
            };
            self.folder
                .join(format!("{}.{word}{stamp}{count}.{extension}", self.name))
        };
        (1..)
            .map(named)
            .find(|path| !path.exists())
            .unwrap_or_else(|| named(1))
    }

    /// The retired keys, the newest last.
    pub(super) fn retired(&self) -> Result<Vec<PathBuf>, FileError> {
        let beginning = format!("{}.retired-", self.name);
        let entries = fs::read_dir(&self.folder).map_err(FileError::of("list", &self.folder))?;
        let mut keys: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.starts_with(&beginning) && name.ends_with(".key")
            })
            .map(|entry| entry.path())
            .collect();
        keys.sort_unstable();
        Ok(keys)
    }
}

pub(super) fn read(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(FileError::of("read", path))
}

/// Since when a file is as it is.
pub(super) fn age(path: &Path, now: SystemTime) -> Result<Duration, FileError> {
    let modified = fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .map_err(FileError::of("look at", path))?;
    // A clock that was set back makes it new.
    Ok(now.duration_since(modified).unwrap_or_default())
}

/// Replaces a certificate file whole; what it held stays under `backup`.
pub(super) fn replace(path: &Path, backup: &Path, text: &str) -> Result<(), FileError> {
    copy(path, backup, 0o644)?;
    let new = beside(path);
    write(&new, text.as_bytes(), 0o644)?;
    rename(&new, path)
}

/// Copies a key, unless the copy is there already.
pub(super) fn copy_key(from: &Path, to: &Path) -> Result<(), FileError> {
    if fs::read(from).ok() == fs::read(to).ok() {
        return Ok(());
    }
    copy(from, to, 0o600)
}

/// Copies a file to a name that is free; the copy appears whole or not at all.
fn copy(from: &Path, to: &Path, mode: u32) -> Result<(), FileError> {
    let bytes = fs::read(from).map_err(FileError::of("read", from))?;
    let new = beside(to);
    write(&new, &bytes, mode)?;
    // Not a rename, which would take the place of a file that is there.
    let linked = fs::hard_link(&new, to).map_err(FileError::of("make", to));
    remove(&new)?;
    linked
}

/// Writes a new file; one that exists is not touched.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    let mut file = file.map_err(FileError::of("make", path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(FileError::of("write", path))
}

/// Moves a file in one step, and sees to it that the step outlives a crash of the machine.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(FileError::of("move", from))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(FileError::of("write the folder of", to))
}

/// Removes a file that is not a key, or a second name of one, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::of("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// A name in the same folder, so that a rename is one step. One left behind by a crash is in nobody's way for long.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    PathBuf::from(name)
}
