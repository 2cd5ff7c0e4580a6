//! The command line.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Parser;
use clap::builder::PossibleValuesParser;

use crate::chain::{self, Chain};
use crate::compare::Build;
use crate::growth::{self, Named};
use crate::lab::Modules;
use crate::report::{CHAINS, MEMORY};
use crate::rounds::Plan;

/// Rounds of a series.
const SERIES_ROUNDS: u64 = 3;

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

    /// A round of a second for the chains of a quick run and two more: whether they answer as they
    /// must. Prints no figure
    #[arg(long, conflicts_with_all = ["rounds", "only", "write", "json"])]
    pub smoke: bool,

    /// Measures these chains or parts alone; `chains` is all chains
    #[arg(long, value_name = "CHAIN", num_args = 1.., value_delimiter = ',', value_parser = names())]
    pub only: Vec<String>,

    /// Measures this module in place of the workspace's build; given again, both in the same
    /// rounds. A name for the table may stand before it: new=FILE
    #[arg(long, value_name = "FILE")]
    pub artifact: Vec<String>,

    /// Builds nothing: measures the modules of the last run, for a machine on which compilers stand
    /// still
    #[arg(long)]
    pub built: bool,

    /// Writes the results to FILE, every sample of the chains among them
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Takes the parts that were measured into docs/performance.json, and from that writes the
    /// figures of docs/performance.md and README.md and the plots
    #[arg(long, conflicts_with_all = ["quick", "artifact"])]
    pub write: bool,

    /// Measures other hosts instead, for docs/hosts.md: the native module in each NGINX, beside no module
    /// and beside `auth_request`, and this filter in each version of Envoy
    #[arg(long, conflicts_with_all = ["smoke", "only", "write", "json", "artifact", "draw", "list"])]
    pub hosts: bool,

    /// Measures nothing and writes the documents anew from docs/performance.json
    #[arg(long)]
    pub draw: bool,

    /// Prints the chains and the other parts and what each is, and measures none
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
  cargo xtask bench                                 everything, in about ten minutes
  cargo xtask bench --quick                         while working: about a minute
  cargo xtask bench --only nothing hot --rounds 15  one question, a sharper answer
  cargo xtask bench --quick --artifact old=/tmp/old.wasm --artifact new=/tmp/new.wasm
                                                    two builds, in the same rounds
  cargo xtask bench --hosts                         every NGINX and every Envoy: about five minutes
  cargo xtask bench --only memory blob --write      two parts of the documents anew

How to read it: `cpu` is processor time of the whole Envoy for one request, in microseconds, and
`added` what of it is above Envoy alone (of the same round). Both bear a busy machine better than
requests a second do. [low high] are quartiles over the rounds: two chains whose intervals overlap
do not differ. `others` is the part of a core that other programs took meanwhile: a sample with
more than 0.10 is taken again, as long as patience lasts.

Exit codes: 0 measured; 1 something is missing or a chain did not do what it should; 2 the command
line is wrong; 130 ended by Ctrl-C, which leaves nothing running.";

fn names() -> PossibleValuesParser {
    let chains = chain::ALL.iter().map(|chain| chain.name);
    let series = growth::ALL.iter().map(|series| series.name);
    PossibleValuesParser::new(chains.chain([CHAINS]).chain(series).chain([MEMORY]))
}

impl Options {
    fn named(&self, name: &str) -> bool {
        self.only.iter().any(|known| known == name)
    }

    /// The chains that were asked for, in the order of the table.
    #[must_use]
    pub fn chains(&self) -> Vec<&'static Chain> {
        let quick = |name: &str| chain::QUICK.contains(&name);
        let wanted = |chain: &&Chain| {
            if self.smoke {
                quick(chain.name) || chain::SMOKE.contains(&chain.name)
            } else if self.only.is_empty() {
                !self.quick || quick(chain.name)
            } else {
                self.named(CHAINS) || self.named(chain.name)
            }
        };
        chain::ALL.iter().filter(wanted).collect()
    }

    /// The series that were asked for.
    #[must_use]
    pub fn series(&self) -> Vec<&'static Named> {
        let all = self.is_everything();
        let wanted = |series: &&Named| all || self.named(series.name);
        growth::ALL.iter().filter(wanted).collect()
    }

    /// Whether memory was asked for.
    #[must_use]
    pub fn memory(&self) -> bool {
        self.is_everything() || self.named(MEMORY)
    }

    fn is_everything(&self) -> bool {
        self.only.is_empty() && !self.quick && !self.smoke
    }

    /// Where the modules come from.
    #[must_use]
    pub fn modules(&self) -> Modules {
        if self.built {
            Modules::Built
        } else {
            Modules::Build
        }
    }

    /// Seconds that a run takes on a calm machine, as measured once.
    #[must_use]
    pub fn estimate(&self) -> u64 {
        let chains = u64::try_from(self.chains().len()).unwrap_or_default();
        let rounds = u64::try_from(self.plan().rounds).unwrap_or_default();
        // A sample, its start and end; warming up; an Envoy; OpenSSL.
        let mut seconds = 15 + chains * (rounds * (self.seconds * 10 + 3) + 25) / 10;
        for series in self.series() {
            let pairs = u64::try_from(series.sizes.len()).unwrap_or_default();
            let most = series.sizes.last().copied().unwrap_or_default();
            // A thousandth of a second for each token that is signed.
            let minted = if series.kind == growth::Kind::Tokens {
                most / 1_000
            } else {
                8
            };
            seconds += minted + pairs * 2 * (SERIES_ROUNDS * (self.seconds * 10 + 3) + 25) / 10;
        }
        seconds + if self.memory() { 130 } else { 0 }
    }

    /// How long and how often.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let usual = match (self.smoke, self.quick) {
            (true, _) => 1,
            (_, true) => 5,
            _ => 7,
        };
        Plan {
            rounds: self.rounds.map_or(usual, usize::from),
            seconds: self.seconds,
        }
    }

    /// The same for the series: fewer rounds, for it is the shape that counts.
    #[must_use]
    pub fn series_plan(&self) -> Plan {
        Plan {
            rounds: self.rounds.map_or(SERIES_ROUNDS as usize, usize::from),
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
        assert_eq!(options("").series().len(), growth::ALL.len());
        assert!(options("--quick").series().is_empty() && !options("--smoke").memory());
        assert!(options("--only memory").memory() && options("--only memory").chains().is_empty());
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
