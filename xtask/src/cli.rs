//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use testbed::process::interrupt;
use testbed::registry::Release;

use crate::{bench, build, demo, differential, hosts, image, menu, nginx, page, stages, tool_list};

const EXIT_CODES: &str = "\
Exit codes: 0 success; 1 something did not go as it must; 2 the command line is wrong;
130 ended by Ctrl-C.";

/// The chores of registry-token-filter
#[derive(Debug, Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    after_help = EXIT_CODES,
    max_term_width = 100
)]
pub(crate) struct Xtask {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(Demo),
    Test(Test),
    /// Build the artifact, and print its path, size and SHA-256
    Build,
    /// Build the native module for NGINX, and print where it is
    Nginx,
    Image(Image),
    Bench(Bench),
    Hosts(Hosts),
    /// Build the page that explains decisions, docs/explain/index.html
    Page,
    Differential(Differential),
    Tools(Tools),
}

/// Start the whole stack on this machine and watch the filter work
///
/// Installs what is missing, builds the filter and `edgectl`, and starts an issuer in GitLab's
/// place, two registry nodes, and Envoy with the filter, on free ports of 127.0.0.1. Then walks
/// through the token flow, checks every step, and stays up for you to try it by hand. Ctrl-C ends
/// everything that was started and removes its folder.
#[derive(Debug, Args)]
#[command(after_help = DEMO_EXAMPLES)]
pub(crate) struct Demo {
    /// Ends after the walk-through; fails if a step did not go as it must
    #[arg(long)]
    pub(crate) once: bool,

    /// The registry behind the edge
    #[arg(long, value_enum, default_value_t = Registry::Distribution28)]
    pub(crate) release: Registry,

    /// The registry nodes check tokens too: defence in depth
    #[arg(long)]
    pub(crate) node_auth: bool,

    /// Keeps configuration, logs and images in FOLDER, which must be empty or new
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  cargo xtask demo                                 walk through it, then try it by hand
  cargo xtask demo --once                          the walk alone, as in continuous integration
  cargo xtask demo --release distribution-3 --node-auth
  cargo xtask demo --once --keep /tmp/demo         and read the logs afterwards

Tools that are not installed system-wide go to $REGISTRY_TOKEN_FILTER_TOOLS, by default
~/.cache/registry-token-filter. NO_COLOR=1 switches colours off.";

/// Which registry the nodes run.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Registry {
    /// Distribution 2.8, what GitLab's own registry descends from
    #[value(name = "distribution-2.8")]
    Distribution28,
    /// Distribution 3
    #[value(name = "distribution-3")]
    Distribution3,
}

impl From<Registry> for Release {
    fn from(registry: Registry) -> Self {
        match registry {
            Registry::Distribution28 => Self::Distribution2,
            Registry::Distribution3 => Self::Distribution3,
        }
    }
}

/// Run everything that has to hold before a change is merged
///
/// Stages run one after another, the quick ones first, and the first failure ends the run. Each
/// stage installs the tools it needs; one that cannot have its tools fails and says what to do. The
/// complete output of a stage is in target/xtask/STAGE.log.
#[derive(Debug, Args)]
#[command(after_help = TEST_EXAMPLES)]
pub(crate) struct Test {
    /// Runs these stages alone
    #[arg(long, value_name = "STAGE", num_args = 1.., value_delimiter = ',', value_parser = stage_names())]
    pub(crate) only: Vec<String>,

    /// Leaves these stages out
    #[arg(long, value_name = "STAGE", num_args = 1.., value_delimiter = ',', value_parser = stage_names())]
    pub(crate) skip: Vec<String>,

    /// Prints the stages and what each is for, and runs none
    #[arg(long)]
    pub(crate) list: bool,

    /// Runs the remaining stages after a failure too
    #[arg(long)]
    pub(crate) keep_going: bool,
}

const TEST_EXAMPLES: &str = "\
Examples:
  cargo xtask test                          everything
  cargo xtask test --list                   the stages
  cargo xtask test --only fmt clippy native  while working
  cargo xtask test --skip envoy --keep-going

The last line of the output is `N passed, N failed`, counted in stages.";

/// Print what the last run of the suites saw of each host: the table of docs/hosts.md
///
/// The suites envoy, envoys, nginx and hosts write it down while they run. A cell that was not seen
/// with the artifact as it is now is an error.
#[derive(Debug, Args)]
pub(crate) struct Hosts {
    /// Writes the table into docs/hosts.md
    #[arg(long)]
    pub(crate) write: bool,
}

/// Build the filter as OCI images for Istio and Envoy Gateway, and push them
///
/// Writes two image layouts: `image`, whose one layer is an archive that holds plugin.wasm, its
/// licence and its bill of materials (CycloneDX), and `artifact`, with the media types of
/// WebAssembly. Both are the same bytes for the same source, whoever builds them. No daemon is
/// needed.
#[derive(Debug, Args)]
#[command(after_help = IMAGE_EXAMPLES)]
pub(crate) struct Image {
    /// Pushes the image as REF (HOST/NAME:TAG) and the artifact as REF-artifact, with the
    /// credentials that `docker login` stored
    #[arg(long, value_name = "REF")]
    pub(crate) push: Option<String>,

    /// Embeds the certificates of FILE (PEM) in the filter; without it they are given in its
    /// configuration
    #[arg(long, value_name = "FILE", conflicts_with = "wasm")]
    pub(crate) rootcertbundle: Option<PathBuf>,

    /// Takes this module, instead of building one
    #[arg(long, value_name = "FILE")]
    pub(crate) wasm: Option<PathBuf>,

    /// Writes the layouts below FOLDER; the default is target/image
    #[arg(long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
}

const IMAGE_EXAMPLES: &str = "\
Examples:
  cargo xtask image                                          two image layouts below target/image
  cargo xtask image --push registry.example.com/edge/registry-token-filter:1.0
  cargo xtask image --rootcertbundle registry.crt            with the site's certificates inside";

/// Put generated requests to the filter and to the registry it answers for, and compare
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Differential {
    /// Those of the program itself; `--help` names them
    #[arg(
        value_name = "ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) arguments: Vec<OsString>,
}

fn stage_names() -> PossibleValuesParser {
    PossibleValuesParser::new(stages::ALL.iter().map(|stage| stage.name))
}

/// Measure what the filter costs in a real Envoy; `cargo xtask bench --help` explains
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Bench {
    /// Handed on: the benchmark is a program of its own, so that the other chores need not build it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

/// List the tools the project needs: found or missing, and how to have them
#[derive(Debug, Args)]
pub(crate) struct Tools {
    /// Installs what is missing: the tools named, or all of them
    #[arg(long, value_name = "TOOL", num_args = 0.., value_parser = tool_names())]
    pub(crate) install: Option<Vec<String>>,
}

fn tool_names() -> PossibleValuesParser {
    PossibleValuesParser::new(testbed::tools::ALL.iter().map(|tool| tool.name))
}

impl Xtask {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let Some(command) = self.command else {
            menu::print();
            return Ok(ExitCode::SUCCESS);
        };
        let interrupt = interrupt::install()?;
        match command {
            Command::Demo(demo) => demo::run(&demo, &interrupt),
            Command::Test(test) => stages::run(&test),
            Command::Build => build::run(),
            Command::Nginx => nginx::run(),
            Command::Hosts(hosts) => hosts::run(&hosts),
            Command::Image(image) => image::run(&image),
            Command::Bench(bench) => bench::run(&bench),
            Command::Page => page::run(),
            Command::Differential(differential) => differential::run(&differential),
            Command::Tools(tools) => tool_list::run(&tools),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Xtask::command().debug_assert();
    }

    #[test]
    fn names_of_stages_and_tools_are_known_ones() {
        for accepted in [
            "test --only fmt,tidy",
            "test --only fmt tidy --skip fmt",
            "tools --install",
            "tools --install skopeo",
            "bench --quick --json file",
        ] {
            let words = ["xtask"].into_iter().chain(accepted.split(' '));
            assert!(Xtask::try_parse_from(words).is_ok(), "{accepted}");
        }
        for refused in [
            "test --only nothing",
            "test --skip",
            "tools --install nothing",
            "demo --release 4",
        ] {
            let words = ["xtask"].into_iter().chain(refused.split(' '));
            assert!(Xtask::try_parse_from(words).is_err(), "{refused}");
        }
    }
}
