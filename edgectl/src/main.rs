//! `edgectl`: keys, tokens and a token endpoint for a container registry behind `registry-token-filter`.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::Edgectl::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("edgectl: {error}");
            ExitCode::FAILURE
        }
    }
}
