//! Load on one listener: `wrk`, pinned to its core, with a script that cycles prepared requests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use testbed::process::Process;
use testbed::tools::{Tools, WRK};

use crate::cores::Cores;

/// Connections that are kept open. Eight keep one Envoy worker busy without queueing much.
const CONNECTIONS: &str = "8";

/// How much longer than asked for `wrk` may take: reading its requests, waiting for the last
/// answers.
const SLACK: Duration = Duration::from_secs(60);

/// Runs without any answer before a proxy counts as dead.
const STANDSTILLS: usize = 5;

/// More than `wrk` may have begun to send when it stops.
const UNANSWERED: u64 = 64;

/// What is sent.
#[derive(Debug, Clone)]
pub struct Requests {
    /// Method.
    pub method: &'static str,
    /// Path.
    pub path: String,
    /// Bearer tokens, which are taken in turn; none for requests without credentials. One alone may
    /// have a place for a number ([`crate::tokens::NUMBER`]).
    pub tokens: Vec<String>,
}

impl Requests {
    /// The file that the script reads: method, path and token, one request a line.
    fn file(&self) -> String {
        let line = |token: &str| format!("{} {} {token}\n", self.method, self.path);
        if self.tokens.is_empty() {
            line("-")
        } else {
            self.tokens.iter().map(|token| line(token)).collect()
        }
    }
}

/// What `wrk` counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Requests answered.
    pub requests: u64,
    /// Microseconds they took together.
    pub microseconds: u64,
    /// Median latency in microseconds.
    pub p50: u64,
    /// 99th percentile of the latency in microseconds.
    pub p99: u64,
    /// Answers with a status of 400 and more.
    pub refused: u64,
    /// Requests without an answer.
    pub failed: u64,
}

impl Count {
    /// Requests a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / (self.microseconds as f64 / 1e6)
    }
}

/// Starts `wrk`.
#[derive(Debug)]
pub struct Loader {
    tools: Tools,
    wrk: PathBuf,
    script: PathBuf,
    folder: PathBuf,
    cores: Cores,
    /// Requests already sent, by their file: the next run goes on where the last one ended, so that
    /// short runs too go through all tokens.
    sent: BTreeMap<PathBuf, u64>,
}

impl Loader {
    /// A loader that keeps its files in `folder`.
    ///
    /// # Errors
    /// When the programs cannot be had or the folder cannot be written.
    pub fn new(tools: &Tools, cores: Cores, folder: &Path) -> Result<Self> {
        let script = folder.join("wrk.lua");
        std::fs::write(&script, include_str!("wrk.lua")).context("cannot write wrk's script")?;
        Ok(Self {
            tools: tools.clone(),
            wrk: tools.ensure(&WRK)?,
            script,
            folder: folder.to_owned(),
            cores,
            sent: BTreeMap::new(),
        })
    }

    /// Writes the requests where `wrk` reads them.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn prepare(&self, name: &str, requests: &Requests) -> Result<Prepared> {
        let file = self.folder.join(format!("{name}.requests"));
        std::fs::write(&file, requests.file())
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Prepared(file))
    }

    /// Sends requests to 127.0.0.1:`port` for `seconds`. A run in which not one was answered says
    /// that the machine stood still; it is repeated.
    ///
    /// # Errors
    /// When `wrk` fails, prints nothing that can be read, or requests remain without an answer.
    pub fn run(&mut self, prepared: &Prepared, port: u16, seconds: u64) -> Result<Count> {
        for _ in 0..STANDSTILLS {
            let count = self.run_once(prepared, port, seconds)?;
            if count.requests > 0 {
                return Ok(count);
            }
        }
        bail!("no request was answered in {STANDSTILLS} runs of {seconds} s")
    }

    fn run_once(&mut self, prepared: &Prepared, port: u16, seconds: u64) -> Result<Count> {
        let log = self.folder.join("wrk.log");
        // It is appended to, and only the last run counts.
        let _ = std::fs::remove_file(&log);
        let list = self.cores.load.to_string();
        let mut command = self.cores.command(&self.tools, &list, &self.wrk)?;
        command.args(["-t1", "-c", CONNECTIONS]);
        command.args(["-d", &format!("{seconds}s"), "--timeout", "20s"]);
        command.arg("-s").arg(&self.script);
        command.arg(format!("http://127.0.0.1:{port}/"));
        let sent = self.sent.get(&prepared.0).copied().unwrap_or_default();
        command.arg("--").arg(&prepared.0).arg(sent.to_string());
        let mut process = Process::spawn("wrk", command, &log)?;
        let ended = process.wait_until_ended(Duration::from_secs(seconds) + SLACK);
        let text = process.log_text();
        let Some(count) = counted(&text).filter(|_| ended.is_some_and(|it| it.success())) else {
            bail!("wrk failed:\n{text}");
        };
        ensure!(
            count.failed == 0,
            "{} requests had no answer:\n{text}",
            count.failed
        );
        let sent = sent + count.requests + UNANSWERED;
        self.sent.insert(prepared.0.clone(), sent);
        Ok(count)
    }
}

/// Requests in a file.
#[derive(Debug, Clone)]
pub struct Prepared(PathBuf);

/// The script's line among what `wrk` prints.
fn counted(output: &str) -> Option<Count> {
    output
        .lines()
        .rev()
        .find(|line| line.starts_with('{'))
        .and_then(|line| serde_json::from_str(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = r#"$ wrk -t1 -c 8 …
Running 2s test @ http://127.0.0.1:20000/
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   250.06us   74.34us   2.40ms   92.13%
    Req/Sec    31.55k     1.60k   33.13k    90.48%
  65943 requests in 2.10s, 7.80MB read
  Non-2xx or 3xx responses: 65943
Requests/sec:  31401.66
Transfer/sec:      3.71MB

{"requests":65943,"microseconds":2100000,"p50":241,"p99":512,"refused":65943,"failed":0}
"#;

    #[test]
    fn the_line_of_the_script_is_read() {
        let count = counted(OUTPUT).unwrap();
        assert_eq!(
            (count.requests, count.refused, count.failed),
            (65943, 65943, 0)
        );
        assert_eq!((count.p50, count.p99), (241, 512));
        assert_eq!(count.per_second().round(), 31401.0);
    }

    #[test]
    fn anything_else_is_no_count() {
        let cut = OUTPUT.replace(",\"failed\":0}", "");
        let without = OUTPUT.replace('{', "");
        let negative = OUTPUT.replace(":65943,\"micro", ":-1,\"micro");
        for wrong in [
            "",
            "unable to connect to 127.0.0.1:1",
            &cut,
            &without,
            &negative,
        ] {
            assert_eq!(counted(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn requests_a_line_each() {
        let mut requests = Requests {
            method: "GET",
            path: "/v2/".to_owned(),
            tokens: Vec::new(),
        };
        assert_eq!(requests.file(), "GET /v2/ -\n");
        requests.tokens = vec!["a.b.c".to_owned(), "d.e.f".to_owned()];
        assert_eq!(requests.file(), "GET /v2/ a.b.c\nGET /v2/ d.e.f\n");
    }
}
