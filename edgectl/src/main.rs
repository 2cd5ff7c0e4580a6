//! `edgectl`: the operator's tool of `registry-token-filter`.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::Edgectl::parse().run() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("edgectl: {error}");
            ExitCode::FAILURE
        }
    }
}
