//! buildah: makes a real image out of nothing, pushes and pulls it.

use std::path::Path;
use std::process::Command;

use super::{Client, Outcome, Target, write};
use crate::error::{Error, Result};
use crate::issuer::User;
use crate::tools::{BUILDAH, Tools};

/// One user's buildah, with a storage of its own. The `vfs` driver needs neither overlay mounts nor
/// a fuse device; as root it works inside containers too.
#[derive(Debug)]
pub struct Buildah {
    client: Client,
}

impl Buildah {
    /// A buildah without credentials or images. Installs the program when it is not there.
    ///
    /// # Errors
    /// [`Error::Missing`](crate::Error::Missing) when it cannot be had.
    pub fn new(tools: &Tools, target: &Target) -> Result<Self> {
        let client = Client::new(tools.ensure(&BUILDAH)?, target)?;
        Ok(Self { client })
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = self.client.command();
        command.args(["--storage-driver", "vfs"]);
        command.arg("--root").arg(self.client.path("storage"));
        command.arg("--runroot").arg(self.client.path("run"));
        command.arg(subcommand);
        command
    }

    fn remote_command(&self, subcommand: &str) -> Command {
        let mut command = self.command(subcommand);
        command.arg("--authfile").arg(self.client.path("auth.json"));
        command.arg("--cert-dir").arg(&self.client.target.cert_dir);
        command
    }

    /// `buildah login`.
    ///
    /// # Errors
    /// When the program cannot be run; a refusal is an [`Outcome`]. The same for all methods.
    pub fn login(&self, user: &User) -> Result<Outcome> {
        self.client.login(self.remote_command("login"), user)
    }

    /// `buildah build`: an image `FROM scratch` with `content` as its only file, called `image`.
    ///
    /// # Errors
    /// As [`Buildah::login`].
    pub fn build(&self, image: &str, content: &str) -> Result<Outcome> {
        let context = self.client.path("context");
        std::fs::create_dir_all(&context).map_err(Error::io("make folder", &context))?;
        write(
            &context.join("Containerfile"),
            "FROM scratch\nCOPY content /content\n",
        )?;
        write(&context.join("content"), content)?;
        self.build_in(image, &context)
    }

    /// `buildah build` of the folder `context`, which has a `Containerfile`.
    ///
    /// # Errors
    /// As [`Buildah::login`].
    pub fn build_in(&self, image: &str, context: &Path) -> Result<Outcome> {
        let mut command = self.command("build");
        command
            .args(["--isolation", "chroot", "--signature-policy"])
            .arg(self.client.policy()?);
        command.args(["--tag", image]).arg(context);
        self.client.run(command, None)
    }

    /// `buildah push`.
    ///
    /// # Errors
    /// As [`Buildah::login`].
    pub fn push(&self, image: &str) -> Result<Outcome> {
        let mut command = self.remote_command("push");
        command
            .arg("--signature-policy")
            .arg(self.client.policy()?)
            .arg(image);
        command.arg(format!("docker://{image}"));
        self.client.run(command, None)
    }

    /// `buildah pull`, always over the network.
    ///
    /// # Errors
    /// As [`Buildah::login`].
    pub fn pull(&self, image: &str) -> Result<Outcome> {
        let mut command = self.remote_command("pull");
        command.arg("--signature-policy").arg(self.client.policy()?);
        command.args(["--policy", "always", &format!("docker://{image}")]);
        self.client.run(command, None)
    }

    /// `buildah rmi`: forgets the local copy.
    ///
    /// # Errors
    /// As [`Buildah::login`].
    pub fn remove(&self, image: &str) -> Result<Outcome> {
        let mut command = self.command("rmi");
        command.arg(image);
        self.client.run(command, None)
    }
}
