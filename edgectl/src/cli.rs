//! The command line. Results go to stdout, everything said about them to stderr.

mod completions;
mod config;
mod doctor;
mod explain;
mod init;
mod issuer;
mod keys;
mod man;
mod site;
mod token;
mod up;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use edgectl::{KeyIdKind, Parties};
use jiff::{SignedDuration, Timestamp};

/// Any failure; it is one sentence that names the file or option and the remedy.
pub(crate) type Failure = Box<dyn Error>;

const EXIT_CODES: &str = "\
Exit codes: 0 success; 1 the command failed, one sentence on stderr says why;
2 the command line is wrong.";

/// From a registry's configuration to a running, checked edge: the operator's tool of registry-token-filter
///
/// Each command explains itself and shows examples: `edgectl COMMAND --help`.
#[derive(Parser)]
#[command(name = "edgectl", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Edgectl {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Config(config::Config),
    Init(Box<init::Init>),
    Explain(explain::Explain),
    Keys(keys::Keys),
    Token(token::Token),
    Issuer(issuer::Serve),
    Up(Box<up::Up>),
    Doctor(doctor::Examine),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Edgectl {
    /// Runs the command. Most know success and failure alone; one that has more to tell by its exit status
    /// answers that and documents it in its help.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Config(config) => config.run(),
            Command::Init(init) => init.run().map(done),
            Command::Explain(explain) => explain.run(),
            Command::Keys(keys) => keys.run().map(done),
            Command::Token(token) => token.run().map(done),
            Command::Issuer(issuer) => issuer.run().map(done),
            Command::Up(up) => up.run().map(done),
            Command::Doctor(doctor) => doctor.run(),
            Command::Completions(completions) => completions.run().map(done),
            Command::Man(man) => man.run().map(done),
        }
    }
}

/// The exit status of a command that only succeeds or fails.
fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}

/// The registry's `auth.token.issuer` and `auth.token.service`.
#[derive(clap::Args)]
struct PartiesArgs {
    /// Issuer, the registry's auth.token.issuer (gitlab.rb: gitlab_rails['registry_issuer'])
    #[arg(long, global = true, value_name = "NAME", default_value = Parties::OMNIBUS_ISSUER)]
    issuer: String,

    /// Service, the registry's auth.token.service
    #[arg(long, global = true, value_name = "NAME", default_value = Parties::GITLAB_SERVICE)]
    service: String,
}

impl From<PartiesArgs> for Parties {
    fn from(args: PartiesArgs) -> Self {
        Self {
            issuer: args.issuer,
            service: args.service,
        }
    }
}

/// Seconds from a whole number of them or a duration with units: `90`, `10m`, `-1m30s`.
fn seconds(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let duration: SignedDuration = text.parse().map_err(|_| {
        "expected seconds or a duration with units, such as 90, 10m, -1m30s".to_owned()
    })?;
    Ok(duration.as_secs())
}

/// An instant for people, `2036-01-31T12:00:00Z`.
fn instant(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds)
        .map_or_else(|_| unix_seconds.to_string(), |instant| instant.to_string())
}

/// A whole line, or whole lines, on stdout. Not `println!`, which panics when the reader went away.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot write to stdout: {error}").into())
}

/// A line about what happens, on stderr. Not `eprintln!`, which panics when the reader went away.
fn say(text: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Characters of a line of a table: those of the terminal as shells tell them (`COLUMNS`), within reason.
fn width() -> u16 {
    let told = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    told.unwrap_or(100_u16).clamp(60, 160)
}

/// [`KeyIdKind`], on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kid {
    Libtrust,
    Rfc7638,
}

impl From<Kid> for KeyIdKind {
    fn from(kid: Kid) -> Self {
        match kid {
            Kid::Libtrust => Self::Libtrust,
            Kid::Rfc7638 => Self::Rfc7638,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Edgectl::command().debug_assert();
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("90", 90),
            ("-90", -90),
            ("10m", 600),
            ("-1m30s", -90),
            ("1h", 3600),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for refused in ["", "m", "ten", "10 parsecs"] {
            assert!(seconds(refused).is_err(), "{refused}");
        }
    }
}
