//! `edgectl config`

mod render;

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
    Render(render::Render),
}

impl Config {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            ConfigCommand::Render(render) => render.run(),
        }
    }
}
