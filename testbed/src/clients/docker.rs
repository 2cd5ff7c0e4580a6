//! The docker command line, which logs in by itself when there is no daemon.

use std::process::Command;

use super::{Client, Outcome, Target};
use crate::error::Result;
use crate::issuer::User;
use crate::tools::{DOCKER, Tools};

/// One user's docker command line. Without a daemon it can log in and out, no more.
#[derive(Debug)]
pub struct Docker {
    client: Client,
}

impl Docker {
    /// A docker without credentials. It is found, never installed.
    ///
    /// # Errors
    /// [`Error::Missing`](crate::Error::Missing) when it is not there.
    pub fn new(tools: &Tools, target: &Target) -> Result<Self> {
        let client = Client::new(tools.ensure(&DOCKER)?, target)?;
        Ok(Self { client })
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = self.client.command();
        // A daemon of this machine would not know the stack's CA.
        command.arg("--host").arg(format!(
            "unix://{}",
            self.client.path("no-daemon").display()
        ));
        command.arg(subcommand);
        command
    }

    /// `docker login`: asks the realm for a token and the registry to accept it.
    ///
    /// # Errors
    /// When the program cannot be run; a refusal is an [`Outcome`].
    pub fn login(&self, user: &User) -> Result<Outcome> {
        self.client.login(self.command("login"), user)
    }

    /// `docker logout`.
    ///
    /// # Errors
    /// As [`Docker::login`].
    pub fn logout(&self) -> Result<Outcome> {
        let mut command = self.command("logout");
        command.arg(&self.client.target.authority);
        self.client.run(command, None)
    }
}
