//! crane: the client of go-containerregistry, strict about the realm's address.

use super::{Client, Outcome, Target};
use crate::error::Result;
use crate::issuer::User;
use crate::tools::{CRANE, Tools};

/// One user's crane.
#[derive(Debug)]
pub struct Crane {
    client: Client,
}

impl Crane {
    /// A crane without credentials. Installs the program when it is not there.
    ///
    /// # Errors
    /// [`Error::Missing`](crate::Error::Missing) when it cannot be had.
    pub fn new(tools: &Tools, target: &Target) -> Result<Self> {
        let client = Client::new(tools.ensure(&CRANE)?, target)?;
        Ok(Self { client })
    }

    /// `crane auth login`: stores the credentials, does not try them.
    ///
    /// # Errors
    /// When the program cannot be run; a refusal is an [`Outcome`]. The same for all methods.
    pub fn login(&self, user: &User) -> Result<Outcome> {
        let mut command = self.client.command();
        command.args(["auth", "login"]);
        self.client.login(command, user)
    }

    /// Any subcommand: `run(&["manifest", IMAGE])`, `run(&["ls", REPOSITORY])`, `run(&["copy", A, B])`.
    ///
    /// # Errors
    /// As [`Crane::login`].
    pub fn run(&self, arguments: &[&str]) -> Result<Outcome> {
        let mut command = self.client.command();
        command.args(arguments);
        self.client.run(command, None)
    }
}
