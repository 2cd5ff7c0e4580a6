//! `edgectl explain`

mod input;
mod logs;
mod text;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use registry_token_filter::explain::{Inquiry, Verdict};

use super::{Failure, print, say};

const AFTER_HELP: &str = "\
Examples:
  # Why is this pull refused? The token comes from a file, or is pasted and ended by Ctrl-D
  edgectl explain --config edge.json --token-file token \"GET /v2/group/app/manifests/latest\"

  # What does a client without a token get?
  edgectl explain --config edge.json --no-token \"GET /v2/\"

  # What happened yesterday evening?
  edgectl explain --config edge.json --token-file token --at 2026-11-24T20:15:00Z \"PUT /v2/group/app/manifests/1\"

  # What does this line of the log mean? And what is in the whole log?
  edgectl explain --log-line 'challenged reason=token-expired route=manifest …'
  kubectl logs deploy/edge | edgectl explain --log -

  # The same in a browser
  edgectl explain --web

A token is never taken from the command line, where every user of the machine can read it, and is
never stored or sent. It may stand alone, as `Bearer …`, as a whole `Authorization:` line, or in the
JSON that GitLab's /jwt/auth answers.

Exit codes: 0 the request is forwarded, or the log is explained; 1 there is nothing to explain, one
sentence on stderr says why; 2 the command line is wrong; 3 the client is challenged (401); 4 the
request is rejected.";

/// Why was I refused? What the filter sees, proves and decides, step by step
///
/// Decided by the filter's own code, in its own order: what is printed here is what an edge with this
/// configuration does with this request.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Explain {
    /// The request: a method and a path, or the address of a resource
    #[arg(
        value_name = "REQUEST",
        num_args = 1..,
        required_unless_present_any = ["log_line", "log", "web"],
        conflicts_with_all = ["log_line", "log", "web"]
    )]
    request: Vec<String>,

    /// The plugin configuration: its JSON, or the Envoy bootstrap or manifest that carries it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["log_line", "log", "web"],
        required_unless_present_any = ["log_line", "log", "web"])]
    config: Option<PathBuf>,

    /// Certificates that the edge's artifact was built with, for a configuration without rootcertbundle
    #[arg(long, value_name = "FILE", requires = "config")]
    rootcertbundle: Option<PathBuf>,

    /// The token; - or nothing is standard input
    #[arg(
        long,
        value_name = "FILE",
        requires = "config",
        conflicts_with = "no_token"
    )]
    token_file: Option<PathBuf>,

    /// The client sends no token
    #[arg(long, requires = "config")]
    no_token: bool,

    /// A field of the request besides Authorization, such as 'Content-Type: application/json'; repeat for more
    #[arg(long, value_name = "FIELD", requires = "config")]
    header: Vec<String>,

    /// When: seconds since 1970 or a time such as 2026-11-25T03:00:00Z [default: now]
    #[arg(long, value_name = "TIME", requires = "config")]
    at: Option<String>,

    /// A line of the filter's log
    #[arg(long, value_name = "LINE", conflicts_with = "log")]
    log_line: Option<String>,

    /// A file with lines of the filter's log among others; - is standard input
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Serve the same as a page, on this machine alone, and print its address; Ctrl-C ends it
    #[arg(long, conflicts_with_all = ["log_line", "log"])]
    web: bool,

    /// Print JSON instead of text
    #[arg(long)]
    json: bool,

    /// Not an option: it catches who tries it.
    #[arg(long, hide = true, value_name = "TOKEN")]
    token: Option<String>,
}

const TOKEN_ON_THE_COMMAND_LINE: &str = "\
edgectl: a token was given on the command line, where every user of this machine can read it and the
shell keeps it; it was not looked at. Give it on standard input or with --token-file, and take a new
one for anything else.";

/// The command line is wrong.
const USAGE: u8 = 2;

impl Explain {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let words = self.request.iter().chain(&self.header);
        if self.token.is_some() || words.clone().any(|word| input::is_secret(word)) {
            say(TOKEN_ON_THE_COMMAND_LINE);
            return Ok(ExitCode::from(USAGE));
        }
        if self.web {
            return web::run(self.json).map(|()| ExitCode::SUCCESS);
        }
        if let Some(line) = &self.log_line {
            return logs::one(line, self.json).map(|()| ExitCode::SUCCESS);
        }
        if let Some(file) = &self.log {
            return logs::all(file, self.json).map(|()| ExitCode::SUCCESS);
        }
        let Some(config) = &self.config else {
            return Err("--config is missing".into());
        };
        let configuration = input::configuration(config, self.rootcertbundle.as_deref())?;
        let now = input::moment(self.at.as_deref())?;
        let token = if self.no_token {
            String::new()
        } else {
            input::token(self.token_file.as_deref())?
        };
        let mut lines = vec![self.request.join(" ")];
        lines.extend(self.header);
        let explanation = Inquiry {
            configuration: &configuration,
            request: &lines.join("\n"),
            token: &token,
            now,
        }
        .explain()?;
        if self.json {
            print(&serde_json::to_string_pretty(&explanation)?)?;
        } else {
            text::show(&text::explanation(&explanation))?;
        }
        Ok(match explanation.verdict {
            Verdict::Forward => ExitCode::SUCCESS,
            Verdict::Challenge => ExitCode::from(3),
            Verdict::Reject => ExitCode::from(4),
        })
    }
}
