//! `edgectl completions`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Edgectl, Failure, print};

const AFTER_HELP: &str = "\
Examples:
  edgectl completions bash > ~/.local/share/bash-completion/completions/edgectl
  edgectl completions zsh > \"${fpath[1]}/_edgectl\"
  edgectl completions fish > ~/.config/fish/completions/edgectl.fish";

/// Print the completion script for a shell
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Edgectl::command(), "edgectl", &mut script);
        print(String::from_utf8(script)?.trim_end())
    }
}
