//! Runs the commands of a stage: shows their output as it comes, keeps it in the stage's log.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use testbed::artifact::root;
use testbed::process::{Process, shown};
use testbed::tools::{Tool, Tools};

use crate::paint;

/// How often new output is looked for.
const POLL: Duration = Duration::from_millis(100);

/// Without a terminal, a command that is silent for this long is said to be at work still.
const SILENCE: Duration = Duration::from_secs(30);

/// Says to cargo whether to colour its output, which is not a terminal here.
const COLOUR: &str = "CARGO_TERM_COLOR";

/// What a stage works with.
#[derive(Debug)]
pub(crate) struct Runner {
    name: &'static str,
    log: PathBuf,
    tools: Tools,
    start: Instant,
}

/// A command that ran to its end.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Whether its exit status was 0.
    pub(crate) succeeded: bool,
    /// What it printed, without colours.
    pub(crate) text: String,
}

impl Runner {
    /// A runner for the stage `name`, with an empty log.
    pub(crate) fn new(name: &'static str, tools: &Tools) -> Result<Self> {
        let folder = root().join("target/xtask");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let log = folder.join(format!("{name}.log"));
        std::fs::write(&log, "").with_context(|| format!("cannot write {}", log.display()))?;
        Ok(Self {
            name,
            log,
            tools: tools.clone(),
            start: Instant::now(),
        })
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    pub(crate) fn tools(&self) -> &Tools {
        &self.tools
    }

    /// The tool, installed now if it is not here.
    pub(crate) fn ensure(&self, tool: &'static Tool) -> Result<PathBuf> {
        self.tools
            .ensure(tool)
            .with_context(|| format!("{} is needed for {}", tool.name, tool.purpose))
    }

    /// A remark, on the screen and in the log.
    pub(crate) fn say(&self, line: &str) {
        paint::say(&format!("  {line}"));
        let appended = File::options().append(true).open(&self.log);
        if let Ok(mut log) = appended {
            // The log is a service, not the result.
            let _ = std::io::Write::write_all(&mut log, format!("{line}\n").as_bytes());
        }
    }

    /// Runs `command`, which has to succeed; answers what it printed.
    pub(crate) fn run(&mut self, command: Command) -> Result<String> {
        let line = shown(&command);
        let ran = self.attempt(command)?;
        if !ran.succeeded {
            bail!("`{line}` failed");
        }
        Ok(ran.text)
    }

    /// Runs `command`, which is quick, has to succeed, and whose output is for a program to read.
    pub(crate) fn quiet(&self, mut command: Command) -> Result<String> {
        command.env(COLOUR, "never");
        Ok(testbed::process::output(&mut command)?)
    }

    /// Runs `command` to its end, whatever that is.
    pub(crate) fn attempt(&mut self, command: Command) -> Result<Ran> {
        for (name, value) in command.get_envs() {
            if let Some(value) = value.filter(|_| name != COLOUR) {
                let value = value.to_string_lossy();
                self.say(&format!("with {}='{value}'", name.to_string_lossy()));
            }
        }
        let from = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        let mut follower = Follower::new(&self.log, from)?;
        let mut process = Process::spawn(self.name, command, &self.log)?;
        let bar = self.bar();
        let mut heard = Instant::now();
        let status = loop {
            let status = process.wait_until_ended(POLL);
            let lines = follower.read(status.is_some())?;
            if !lines.is_empty() {
                heard = Instant::now();
                bar.suspend(|| lines.iter().for_each(|line| shine(line)));
            } else if bar.is_hidden() && heard.elapsed() > SILENCE {
                heard = Instant::now();
                let elapsed = paint::seconds(self.start.elapsed());
                paint::say(&format!("  … {} at work, {elapsed}", self.name));
            }
            if let Some(status) = status {
                break status;
            }
        };
        bar.finish_and_clear();
        Ok(Ran {
            succeeded: status.success(),
            text: plain(&follower.text),
        })
    }

    /// Takes the colours out of the log.
    pub(crate) fn finish(self) {
        if let Ok(text) = std::fs::read(&self.log) {
            let _ = std::fs::write(&self.log, plain(&String::from_utf8_lossy(&text)));
        }
    }

    fn bar(&self) -> ProgressBar {
        let bar = ProgressBar::new_spinner()
            .with_message(self.name)
            .with_elapsed(self.start.elapsed());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(POLL);
        bar
    }
}

/// `cargo …` in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    // By its name, so that what is shown can be repeated. $RUSTUP_TOOLCHAIN, set by the cargo that
    // runs us, makes it the same one.
    let mut command = in_workspace("cargo");
    command.args(arguments);
    command
}

/// A command in the workspace, as if typed there: without what the cargo that runs us says about us,
/// without a bundle embedded by accident, coloured if our output is.
pub(crate) fn in_workspace(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
        if ours.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.env_remove("REGISTRY_ROOTCERTBUNDLE");
    let colour = match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => "never",
        _ => "always",
    };
    command.env(COLOUR, colour);
    command
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn shine(line: &str) {
    let line = match line.strip_prefix("$ ") {
        Some(command) => paint::cyan(&format!("$ {command}")),
        None => line.to_owned(),
    };
    paint::say(&format!("  {line}"));
}

/// Reads a growing file line by line.
#[derive(Debug)]
struct Follower {
    file: File,
    /// Everything read.
    text: String,
    /// Bytes after the last line feed.
    rest: Vec<u8>,
}

impl Follower {
    fn new(log: &Path, from: u64) -> Result<Self> {
        let mut file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
        file.seek(SeekFrom::Start(from))?;
        Ok(Self {
            file,
            text: String::new(),
            rest: Vec::new(),
        })
    }

    /// The lines that have come since; the last one only when it has ended or `all` is asked for.
    fn read(&mut self, all: bool) -> Result<Vec<String>> {
        self.file.read_to_end(&mut self.rest)?;
        let end = match self.rest.iter().rposition(|&byte| byte == b'\n') {
            _ if all => self.rest.len(),
            Some(feed) => feed.saturating_add(1),
            None => 0,
        };
        let whole: Vec<u8> = self.rest.drain(..end).collect();
        let whole = String::from_utf8_lossy(&whole);
        self.text.push_str(&whole);
        Ok(whole.lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn following_shows_whole_lines_and_in_the_end_everything() {
        let path = std::env::temp_dir().join(format!("xtask-follower-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        file.write_all(b"before\n").unwrap();
        let mut follower = Follower::new(&path, 7).unwrap();
        assert!(follower.read(false).unwrap().is_empty());
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(follower.read(false).unwrap(), ["one"]);
        file.write_all(b"o\nthree").unwrap();
        assert_eq!(follower.read(false).unwrap(), ["two"]);
        assert_eq!(follower.read(true).unwrap(), ["three"]);
        assert_eq!(follower.text, "one\ntwo\nthree");
        std::fs::remove_file(&path).unwrap();
    }
}
