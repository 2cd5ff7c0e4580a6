//! The project's chores. `cargo xtask` prints the menu.
//!
//! Three layers: [`cli`] reads the command line; a command is a module ([`demo`], [`stages`],
//! [`build`], [`mod@bench`], [`tool_list`]); the `testbed` crate finds tools, supervises processes and starts the
//! local stack. Nothing here is shipped.

mod bench;
mod bindgen;
mod build;
mod cli;
mod demo;
mod differential;
mod disk;
mod hosts;
mod image;
mod imports;
mod lockfile;
mod menu;
mod nginx;
mod page;
mod paint;
mod progress;
mod runner;
mod stage;
mod stages;
mod tool_list;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::Xtask::parse().run() {
        Ok(code) => code,
        Err(error) => {
            paint::complain(&format!("{}: {error:#}", paint::red("error")));
            ExitCode::FAILURE
        }
    }
}
