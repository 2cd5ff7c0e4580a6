//! The command line of [`differential`].

use std::process::ExitCode;

use clap::Parser as _;
use differential::Arguments;

fn main() -> ExitCode {
    differential::main(Arguments::parse())
}
