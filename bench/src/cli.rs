//! The command line.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Parser;
use clap::builder::PossibleValuesParser;

use crate::chain::{self, Chain};
use crate::compare::Build;
use crate::rounds::Plan;

/// Measure what the filter costs in a real Envoy, beside Envoy's own means
///
/// Starts one Envoy for each chain, pinned to one core, puts them under load in turn with wrk on
/// another core, and prints the medians over all rounds: Envoy's processor time for one request,
/// what of it a chain adds, requests a second, and the quartiles that say how far to trust them.
/// Every answer is looked at; a chain that does not do what its name says ends the run.
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    bin_name = "cargo xtask bench",
    after_help = EXAMPLES,
    max_term_width = 100
)]
pub struct Options {
    /// The chains that most changes show in, few rounds: about a minute
    #[arg(long)]
    pub quick: bool,

    /// How often each chain is measured
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: Option<u16>,

    /// Seconds of load in each round, for each chain
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,

    /// Measures these chains alone
    #[arg(long, value_name = "CHAIN", num_args = 1.., value_delimiter = ',', value_parser = names())]
    pub only: Vec<String>,

    /// Measures this module in place of the workspace's build; given again, both in the same
    /// rounds. A name for the table may stand before it: new=FILE
    #[arg(long, value_name = "FILE")]
    pub artifact: Vec<String>,

    /// Writes every sample to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Prints the chains and what each is, and measures none
    #[arg(long)]
    pub list: bool,

    /// Niceness of Envoy and wrk; below 0 they go before other programs, for which one has to be
    /// root
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub nice: i32,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench --quick                         while working: about a minute
  cargo xtask bench --only nothing hot --rounds 15  one question, a sharper answer
  cargo xtask bench --quick --artifact old=/tmp/old.wasm --artifact new=/tmp/new.wasm
                                                    two builds, in the same rounds

How to read it: `cpu` is processor time of the whole Envoy for one request, in microseconds, and
`added` what of it is above Envoy alone (of the same round). Both bear a busy machine better than
requests a second do. [low high] are quartiles over the rounds: two chains whose intervals overlap
do not differ. `others` is the part of a core that other programs took meanwhile: a sample with
more than 0.10 is taken again, up to a minute in all.

Exit codes: 0 measured; 1 something is missing or a chain did not do what it should; 2 the command
line is wrong; 130 ended by Ctrl-C, which leaves nothing running.";

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(chain::ALL.iter().map(|chain| chain.name))
}

impl Options {
    /// The chains that were asked for, in the order of the table.
    #[must_use]
    pub fn chains(&self) -> Vec<&'static Chain> {
        let wanted = |chain: &&Chain| {
            if self.only.is_empty() {
                !self.quick || chain::QUICK.contains(&chain.name)
            } else {
                self.only.iter().any(|name| name == chain.name)
            }
        };
        chain::ALL.iter().filter(wanted).collect()
    }

    /// How long and how often.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let usual = if self.quick { 5 } else { 9 };
        Plan {
            rounds: self.rounds.map_or(usual, usize::from),
            seconds: self.seconds,
        }
    }

    /// The modules to measure in place of the workspace's.
    ///
    /// # Errors
    /// When a file is not there, or two have the same name.
    pub fn builds(&self) -> Result<Vec<Build>> {
        let mut builds: Vec<Build> = Vec::new();
        for argument in &self.artifact {
            let build = Build::parse(argument);
            ensure!(
                build.module.is_file(),
                "--artifact {}: there is no such file",
                build.module.display()
            );
            ensure!(
                builds.iter().all(|known| known.label != build.label),
                "--artifact {argument}: two artifacts are called {}; write NAME={argument}",
                build.label
            );
            builds.push(build);
        }
        Ok(builds)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn options(line: &str) -> Options {
        Options::try_parse_from(["bench"].into_iter().chain(line.split_whitespace())).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn what_is_measured() {
        assert_eq!(options("").chains().len(), chain::ALL.len());
        assert_eq!(options("--quick").chains().len(), chain::QUICK.len());
        let names: Vec<_> = options("--quick --only hot,alone").chains();
        let names: Vec<_> = names.iter().map(|chain| chain.name).collect();
        assert_eq!(names, ["alone", "hot"]);
        assert!(Options::try_parse_from(["bench", "--only", "warm"]).is_err());
    }

    #[test]
    fn artifacts_have_names() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let builds = options(&format!("--artifact {here} --artifact new={here}")).builds();
        let labels: Vec<_> = builds.unwrap().into_iter().map(|it| it.label).collect();
        assert_eq!(labels, ["Cargo", "new"]);
        for wrong in [
            format!("--artifact {here} --artifact {here}"),
            "--artifact /nowhere.wasm".to_owned(),
        ] {
            assert!(options(&wrong).builds().is_err(), "{wrong}");
        }
    }
}
