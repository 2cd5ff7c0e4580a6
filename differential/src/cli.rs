//! The command line, which `cargo xtask differential` takes over as it is.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand, ValueEnum};
use testbed::process::interrupt;
use testbed::registry::Release;
use testbed::tools::{Progress, Tools};
use testbed::{Result, artifact};

use crate::run::{self, Range};
use crate::{conformance, entry, files, parity, report};

/// Put generated requests to the filter and to the registry it answers for, and compare
///
/// Every case goes to a registry that checks tokens by itself, and through Envoy with the filter to
/// the same registry without a check: each through a listener with defaults, a part of them also
/// through the production listener and over HTTP/2. The edge must never forward what the registry
/// refuses, and must answer alike but for what is listed. A case that fails is made small and
/// printed as an entry of tests/corpus.
#[derive(Debug, Parser)]
#[command(
    name = "differential",
    bin_name = "cargo xtask differential",
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    cases: Cases,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask differential                            10 000 cases for each registry, always the same
  cargo xtask differential --cases 200000 --fresh     many, and others each time
  cargo xtask differential --seed 7 --case 4711       one case again
  cargo xtask differential --entries failed.toml      cases as they were printed, perhaps changed
  cargo xtask differential --profile distribution-3 --json > result.json
  cargo xtask differential conformance                the OCI conformance suite instead
  cargo xtask differential parity --write             docs/parity.md anew

What fails:
  looser             the registry refuses, and the edge forwarded
  stricter           the registry lets pass what the edge refuses, and nothing lists it
  refused otherwise  both refuse, and a client sees another challenge or answer
  served otherwise   both let pass, and the pool saw another request

Exit status: 0 when nothing failed, 1 when a case failed or a program could not be run.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the OCI conformance suite through the edge and straight at the registry: every test
    /// must end alike
    Conformance {
        /// Writes to tests/conformance.toml how they end
        #[arg(long)]
        write: bool,

        #[command(flatten)]
        programs: Programs,
    },
    /// Print docs/parity.md as it follows from the corpus and the rules
    Parity {
        /// Writes it to docs/parity.md
        #[arg(long)]
        write: bool,
    },
}

#[derive(Debug, Args)]
struct Cases {
    /// Number of cases for each registry
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    cases: u64,

    /// Seed of the generated cases; those of tests/corpus come first
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Takes another seed each time, says which, and leaves the cases of tests/corpus out
    #[arg(long, conflicts_with = "seed")]
    fresh: bool,

    /// Runs this case alone
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["cases", "fresh"])]
    case: Option<u64>,

    /// Runs the entries of this file instead, which are written like those of tests/corpus
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cases", "case", "fresh"])]
    entries: Option<PathBuf>,

    /// Prints the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    programs: Programs,
}

#[derive(Debug, Args)]
struct Programs {
    /// The registry to compare with; both without
    #[arg(long, value_enum)]
    profile: Option<Profile>,

    /// Runs this filter instead of building it
    #[arg(long, value_name = "FILE")]
    filter: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Profile {
    /// Distribution 2.8.2, as Debian builds it
    #[value(name = "distribution-2.8")]
    Distribution28,
    /// Distribution 3.1.2
    #[value(name = "distribution-3")]
    Distribution3,
}

impl Programs {
    fn releases(&self) -> Vec<Release> {
        match self.profile {
            None => vec![Release::Distribution2, Release::Distribution3],
            Some(Profile::Distribution28) => vec![Release::Distribution2],
            Some(Profile::Distribution3) => vec![Release::Distribution3],
        }
    }

    fn filter(&self, tools: &Tools) -> Result<PathBuf> {
        match &self.filter {
            Some(file) => file
                .canonicalize()
                .map_err(|fault| files::failed("find", file, fault)),
            None => artifact::filter(tools),
        }
    }
}

/// Does what the arguments say: the entry point of the binary and of `cargo xtask differential`.
#[must_use]
pub fn main(arguments: Arguments) -> ExitCode {
    match arguments.run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    /// Whether nothing failed.
    fn run(self) -> Result<bool> {
        if let Some(Command::Parity { write }) = self.command {
            return parity::run(write).map(|()| true);
        }
        let _interrupt = interrupt::install()?;
        let tools = Tools::open(Progress::stderr())?;
        match self.command {
            Some(Command::Conformance { write, programs }) => {
                let wasm = programs.filter(&tools)?;
                conformance::run(&tools, &programs.releases(), &wasm, write)
            }
            _ => self.cases.run(&tools),
        }
    }
}

impl Cases {
    fn run(&self, tools: &Tools) -> Result<bool> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let fresh = since.unwrap_or_default().as_secs();
        let entries = self.entries.as_deref().map(entry::entries).transpose()?;
        let written = entries.as_ref().map(Vec::len);
        let range = Range {
            seed: if self.fresh { fresh } else { self.seed },
            first: self.case.unwrap_or_default(),
            is_fresh: self.fresh,
            count: match (self.case, written) {
                (Some(_), _) => 1,
                (None, Some(written)) => u64::try_from(written).unwrap_or(u64::MAX),
                (None, None) => self.cases,
            },
        };
        // First of all: it counts when the run is ended early, too.
        eprintln!(
            "seed {}: `--seed {}` repeats its cases",
            range.seed, range.seed
        );
        let wasm = self.programs.filter(tools)?;
        let outcomes = self
            .programs
            .releases()
            .into_iter()
            .map(|release| run::run(tools, release, &wasm, range, entries.as_deref()))
            .collect::<Result<Vec<_>>>()?;
        if self.json {
            println!("{:#}", report::json(&outcomes, range));
        } else {
            print!("{}", report::text(&outcomes, range));
        }
        Ok(outcomes.iter().all(|outcome| outcome.tally.failures() == 0))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
