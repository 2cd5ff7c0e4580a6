//! The programs people use with a registry, pointed at a local stack.
//!
//! Each value is one user's client: it has a private folder for its home, its credentials and its
//! storage, so that two users work side by side and the machine's own settings stay untouched. How
//! each program is told to trust the stack's CA:
//!
//! | program | certificate | credentials |
//! |---|---|---|
//! | skopeo, buildah | `--cert-dir` (a folder with `ca.crt`), per command | `--authfile` |
//! | crane | `SSL_CERT_FILE` | `DOCKER_CONFIG` |
//! | docker | `SSL_CERT_FILE`; for `localhost` it accepts any certificate anyway | `DOCKER_CONFIG` |
//!
//! Methods run the program to its end and answer an [`Outcome`], whatever its exit status: a refusal
//! is a result that a test wants to look at. [`Outcome::success`] turns it into an error.

mod buildah;
mod crane;
mod docker;
mod skopeo;

pub use buildah::Buildah;
pub use crane::Crane;
pub use docker::Docker;
pub use skopeo::Skopeo;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::issuer::User;
use crate::process::{Folder, indented, shown};

/// What a client has to know of a stack.
#[derive(Debug, Clone)]
pub struct Target {
    /// Host and port as in image names: `localhost:20443`.
    pub authority: String,
    /// Folder that holds the CA certificate as `ca.crt`.
    pub cert_dir: PathBuf,
    /// The CA certificate itself.
    pub ca_file: PathBuf,
}

impl Target {
    /// Full name of an image: `image("team/app", "1")` is `localhost:20443/team/app:1`.
    #[must_use]
    pub fn image(&self, repository: &str, tag: &str) -> String {
        format!("{}/{repository}:{tag}", self.authority)
    }
}

/// What a client did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The command line as a person would type it.
    pub command: String,
    /// Exit status; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Time from start to end.
    pub took: Duration,
}

impl Outcome {
    /// Whether the program ended with status 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard output and standard error.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The outcome, when the program succeeded.
    ///
    /// # Errors
    /// [`Error::Command`] with the program's output otherwise.
    pub fn success(self) -> Result<Self> {
        if self.succeeded() {
            return Ok(self);
        }
        Err(Error::Command {
            status: self
                .code
                .map_or_else(|| "signal".to_owned(), |c| format!("exit status {c}")),
            output: indented(&self.text(), 40),
            command: self.command,
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$ {}\n{}", self.command, self.text())
    }
}

/// One user's program: where it is and the folder that is its whole world.
#[derive(Debug)]
struct Client {
    program: PathBuf,
    target: Target,
    home: Folder,
}

impl Client {
    fn new(program: PathBuf, target: &Target) -> Result<Self> {
        let home = Folder::temporary("registry-client-")?;
        Ok(Self {
            program,
            target: target.clone(),
            home,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The program with a private home and without what the user's environment says about
    /// certificates, proxies and credentials.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for name in [
            "SSL_CERT_DIR",
            "DOCKER_HOST",
            "DOCKER_CONTEXT",
            "REGISTRY_AUTH_FILE",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
        ] {
            command.env_remove(name);
        }
        command
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.home.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("DOCKER_CONFIG", self.path("docker"))
            .env("SSL_CERT_FILE", &self.target.ca_file);
        command
    }

    /// Runs `command` with `input` on standard input.
    fn run(&self, mut command: Command, input: Option<&str>) -> Result<Outcome> {
        let shown = shown(&command);
        let spawn_error = |reason| Error::Spawn {
            name: self.program.display().to_string(),
            command: shown.clone(),
            reason,
        };
        let start = Instant::now();
        let mut child = command
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(spawn_error)?;
        if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
            // A program that ended early says why on standard error.
            let _ = std::io::Write::write_all(&mut pipe, input.as_bytes());
        }
        let out = child.wait_with_output().map_err(spawn_error)?;
        Ok(Outcome {
            command: shown,
            code: out.status.code(),
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
            took: start.elapsed(),
        })
    }

    /// `login` of skopeo, buildah, crane and docker: all read the password from standard input.
    fn login(&self, mut command: Command, user: &User) -> Result<Outcome> {
        command.args([
            "--username",
            &user.name,
            "--password-stdin",
            &self.target.authority,
        ]);
        self.run(command, Some(&user.password))
    }

    /// A policy that accepts images without signatures: there is none at `/etc` on every machine.
    fn policy(&self) -> Result<PathBuf> {
        let file = self.path("policy.json");
        write(
            &file,
            r#"{"default": [{"type": "insecureAcceptAnything"}]}"#,
        )?;
        Ok(file)
    }
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(Error::io("write", file))
}
