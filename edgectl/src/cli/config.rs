//! `edgectl config`

mod check;
mod render;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Failure;

/// Make configurations of an edge from what there is, and check them
#[derive(Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand)]
enum ConfigCommand {
    Render(Box<render::Render>),
    Check(check::Check),
}

impl Config {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            ConfigCommand::Render(render) => render.run().map(|()| ExitCode::SUCCESS),
            ConfigCommand::Check(check) => check.run(),
        }
    }
}
