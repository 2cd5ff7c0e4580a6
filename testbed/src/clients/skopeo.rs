//! skopeo: copies, inspects and deletes images without a daemon.

use std::process::Command;

use super::{Client, Outcome, Target};
use crate::error::Result;
use crate::issuer::User;
use crate::tools::{SKOPEO, Tools};

/// One user's skopeo.
#[derive(Debug)]
pub struct Skopeo {
    client: Client,
}

impl Skopeo {
    /// A skopeo without credentials. Installs the program when it is not there.
    ///
    /// # Errors
    /// [`Error::Missing`](crate::Error::Missing) when it cannot be had.
    pub fn new(tools: &Tools, target: &Target) -> Result<Self> {
        let client = Client::new(tools.ensure(&SKOPEO)?, target)?;
        Ok(Self { client })
    }

    fn command(&self, subcommand: &str) -> Result<Command> {
        let mut command = self.client.command();
        command
            .arg("--policy")
            .arg(self.client.policy()?)
            .arg(subcommand);
        command.arg("--authfile").arg(self.client.path("auth.json"));
        Ok(command)
    }

    /// `skopeo login`.
    ///
    /// # Errors
    /// When the program cannot be run; a refusal is an [`Outcome`]. The same for all methods.
    pub fn login(&self, user: &User) -> Result<Outcome> {
        let mut command = self.command("login")?;
        command.arg("--cert-dir").arg(&self.client.target.cert_dir);
        self.client.login(command, user)
    }

    /// `skopeo inspect docker://IMAGE`; `image` as from [`Target::image`].
    ///
    /// # Errors
    /// As [`Skopeo::login`].
    pub fn inspect(&self, image: &str) -> Result<Outcome> {
        self.on_image("inspect", image)
    }

    /// `skopeo delete docker://IMAGE`.
    ///
    /// # Errors
    /// As [`Skopeo::login`].
    pub fn delete(&self, image: &str) -> Result<Outcome> {
        self.on_image("delete", image)
    }

    /// `skopeo list-tags docker://REPOSITORY`; `repository` with its host.
    ///
    /// # Errors
    /// As [`Skopeo::login`].
    pub fn list_tags(&self, repository: &str) -> Result<Outcome> {
        self.on_image("list-tags", repository)
    }

    /// `skopeo copy FROM TO`, both with their transport: `docker://…`, `dir:…`, `oci:…`.
    ///
    /// # Errors
    /// As [`Skopeo::login`].
    pub fn copy(&self, from: &str, to: &str) -> Result<Outcome> {
        let mut command = self.command("copy")?;
        for option in ["--src-cert-dir", "--dest-cert-dir"] {
            command.arg(option).arg(&self.client.target.cert_dir);
        }
        command.args([from, to]);
        self.client.run(command, None)
    }

    fn on_image(&self, subcommand: &str, image: &str) -> Result<Outcome> {
        let mut command = self.command(subcommand)?;
        command.arg("--cert-dir").arg(&self.client.target.cert_dir);
        command.arg(format!("docker://{image}"));
        self.client.run(command, None)
    }
}
