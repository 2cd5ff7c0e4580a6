//! `edgectl man`

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::{Edgectl, Failure, say};

const AFTER_HELP: &str = "\
Examples:
  edgectl man ~/.local/share/man/man1 && man edgectl-keys
  sudo edgectl man /usr/local/share/man/man1";

/// Write a manual page for each command to a folder
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Man {
    /// The folder, `man1` of a manual path; made when it does not exist. Pages of the same names are replaced
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let folder = self.folder.display();
        std::fs::create_dir_all(&self.folder).map_err(|error| {
            format!("cannot make the folder {folder}: {error}; name another one")
        })?;
        clap_mangen::generate_to(Edgectl::command(), &self.folder)
            .map_err(|error| format!("cannot write manual pages to {folder}: {error}"))?;
        say(&format!(
            "manual pages are in {folder}; `man edgectl` finds them where MANPATH leads there"
        ));
        Ok(())
    }
}
