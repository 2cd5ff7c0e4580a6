//! One started program: its log, its readiness, its end.
//!
//! Every [`Process`] leads its own process group, so that ending it also ends what it started, and a
//! Ctrl-C at the terminal does not reach it before we do. It ends
//!
//! 1. when it is dropped (SIGTERM, after [`GRACE`] SIGKILL), also while a panic unwinds;
//! 2. on Ctrl-C, when the program installed [`interrupt`](mod@interrupt);
//! 3. in every other case (`exit`, abort, SIGKILL of this program) by the guardian, a small shell
//!    that notices and cleans up.
//!
//! Only what was started here is ever signalled: by the id of the group, never by a name.

mod guardian;
pub mod interrupt;
mod port;

pub use port::free_port;

use std::fs::File;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::error::{Error, Result};

/// How long a program may take to end after SIGTERM.
pub const GRACE: Duration = Duration::from_secs(3);

/// How often readiness and endings are looked at.
const POLL: Duration = Duration::from_millis(20);

/// A running program that ends with this value.
#[derive(Debug)]
pub struct Process {
    name: String,
    command: String,
    child: Child,
    group: Pid,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command`; standard output and standard error are appended to `log`, standard input
    /// is empty. `name` is what messages call the program.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be started.
    pub fn spawn(name: &str, command: Command, log: &Path) -> Result<Self> {
        let mut out = appended(log)?;
        writeln!(out, "$ {}", shown(&command)).map_err(Error::io("write", log))?;
        Self::spawn_onto(name, command, out, log)
    }

    /// As [`Process::spawn`], with standard output in a file of its own, for a program to read.
    ///
    /// # Errors
    /// As [`Process::spawn`].
    pub fn spawn_apart(name: &str, command: Command, out: &Path, log: &Path) -> Result<Self> {
        Self::spawn_onto(name, command, appended(out)?, log)
    }

    fn spawn_onto(name: &str, mut command: Command, out: File, log: &Path) -> Result<Self> {
        let shown = shown(&command);
        let err = appended(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .map_err(|reason| Error::Spawn {
                name: name.to_owned(),
                command: shown.clone(),
                reason,
            })?;
        let group = Pid::from_child(&child);
        guardian::watch_group(group);
        Ok(Self {
            name: name.to_owned(),
            command: shown,
            child,
            group,
            log: log.to_owned(),
            ended: None,
        })
    }

    /// What messages call the program.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command line, as a person would type it.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Process id, which is also the id of its process group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// File with everything the program printed.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Everything the program printed so far.
    #[must_use]
    pub fn log_text(&self) -> String {
        read_lossy(&self.log)
    }

    /// Whether the program still runs.
    pub fn is_running(&mut self) -> bool {
        self.exit_status().is_none()
    }

    /// Exit status, once the program has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Calls `probe` until it is true. `awaited` says in words what is waited for.
    ///
    /// # Errors
    /// [`Error::Ended`] as soon as the program has ended, [`Error::NotReady`] after `deadline`; both
    /// with the last lines of its log.
    pub fn wait_until(
        &mut self,
        awaited: &str,
        deadline: Duration,
        mut probe: impl FnMut() -> bool,
    ) -> Result<()> {
        let start = Instant::now();
        loop {
            if probe() {
                return Ok(());
            }
            if let Some(status) = self.exit_status() {
                return Err(Error::Ended {
                    name: self.name.clone(),
                    status: status.to_string(),
                    log: self.log.clone(),
                    tail: tail(&self.log),
                });
            }
            if start.elapsed() >= deadline {
                return Err(Error::NotReady {
                    name: self.name.clone(),
                    awaited: awaited.to_owned(),
                    waited: deadline,
                    log: self.log.clone(),
                    tail: tail(&self.log),
                });
            }
            std::thread::sleep(POLL);
        }
    }

    /// Waits until something accepts connections on `127.0.0.1:port`.
    ///
    /// # Errors
    /// As [`Process::wait_until`].
    pub fn wait_for_port(&mut self, port: u16, deadline: Duration) -> Result<()> {
        self.wait_until(
            &format!("a connection to 127.0.0.1:{port}"),
            deadline,
            || TcpStream::connect(("127.0.0.1", port)).is_ok(),
        )
    }

    /// Waits for a line of the log for which `pick` answers something.
    ///
    /// # Errors
    /// As [`Process::wait_until`].
    pub fn wait_for_line<T>(
        &mut self,
        awaited: &str,
        deadline: Duration,
        pick: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let log = self.log.clone();
        let mut found = None;
        self.wait_until(awaited, deadline, || {
            let text = read_lossy(&log);
            // Without its line feed the last line may be half written.
            found = text
                .split_inclusive('\n')
                .filter_map(|line| line.strip_suffix('\n'))
                .find_map(&pick);
            found.is_some()
        })?;
        found.ok_or_else(|| Error::Other(format!("{}: no line with {awaited}", self.name)))
    }

    /// Waits until the program has ended by itself; `None` when it still runs after `limit`.
    pub fn wait_until_ended(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        while self.exit_status().is_none() && start.elapsed() < limit {
            std::thread::sleep(POLL);
        }
        self.ended
    }

    /// SIGKILL, at once: a crash, as far as the others can see.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// SIGTERM; SIGKILL for what is left after [`GRACE`].
    pub fn terminate(&mut self) {
        self.end(Signal::TERM);
    }

    fn end(&mut self, first: Signal) {
        let _ = kill_process_group(self.group, first);
        let start = Instant::now();
        while start.elapsed() < GRACE {
            let gone = self.exit_status().is_some() && test_kill_process_group(self.group).is_err();
            if gone {
                break;
            }
            std::thread::sleep(POLL);
        }
        let _ = kill_process_group(self.group, Signal::KILL);
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
        guardian::forget_group(self.group);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.terminate();
    }
}

/// A folder that is removed with this value, or by the guardian when this program
/// ends before it could.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// A new folder, readable by this user only, under the system's temporary folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn temporary(prefix: &str) -> Result<Self> {
        let parent = std::env::temp_dir();
        let path = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(&parent)
            .map_err(Error::io("make a folder in", &parent))?
            .keep();
        guardian::watch_folder(&path);
        Ok(Self {
            path,
            temporary: true,
        })
    }

    /// A folder of the caller's, made when absent, never removed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn kept(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(Error::io("make folder", path))?;
        let path = path.canonicalize().map_err(Error::io("find", path))?;
        Ok(Self {
            path,
            temporary: false,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
            guardian::forget_folder(&self.path);
        }
    }
}

/// The command line as a person would type it, without the environment.
#[must_use]
pub fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|word| quoted(&word.to_string_lossy())),
    );
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Runs `command` to its end and answers its output.
///
/// # Errors
/// When it cannot be started or ends with another status than 0.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let out = command
        .stdin(Stdio::null())
        .output()
        .map_err(|reason| Error::Spawn {
            name: "command".to_owned(),
            command: shown.clone(),
            reason,
        })?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if out.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&out.stderr);
    Err(Error::Command {
        command: shown,
        status: out.status.to_string(),
        output: indented(&format!("{text}{errors}"), 40),
    })
}

fn appended(file: &Path) -> Result<File> {
    let options = File::options().create(true).append(true).open(file);
    options.map_err(Error::io("open", file))
}

pub(crate) fn read_lossy(file: &Path) -> String {
    std::fs::read(file)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// Last lines of a log, indented for an error message.
pub(crate) fn tail(log: &Path) -> String {
    indented(&read_lossy(log), 15)
}

pub(crate) fn indented(text: &str, last: usize) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let start = lines.len().saturating_sub(last);
    lines
        .iter()
        .skip(start)
        .map(|line| format!("  | {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests;
