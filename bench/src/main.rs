//! The benchmark: `cargo xtask bench`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use bench::cli::Options;
use bench::lab::Lab;
use bench::progress::complain;
use bench::{chain, compare, table};
use clap::Parser as _;
use testbed::process::interrupt;
use testbed::tools::{Progress, Tools};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    if options.list {
        for chain in chain::ALL {
            say(&format!("{:16} {}", chain.name, chain.about));
        }
        return Ok(());
    }
    let _interrupt = interrupt::install()?;
    let mut builds = options.builds()?.into_iter();
    let tools = Tools::open(Progress::stderr())?;
    let mut lab = Lab::open(tools, options.nice, builds.next())?;
    let (chains, plan) = (options.chains(), options.plan());
    let result = compare::compare(&mut lab, &chains, &builds.collect::<Vec<_>>(), plan)?;
    say(&table::comparison(&result));
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&result)?;
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// A line on standard output. Not `println!`, which panics when nobody reads any more.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
