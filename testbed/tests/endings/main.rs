//! However a program ends, what it started ends too, and only that.
//!
//! This test program starts itself as the victim, once for every way to end, and looks at what is
//! left. It has no harness, because the harness catches panics and ends programs in its own way.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test, although without `#[test]`"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, exit};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use testbed::Result;
use testbed::process::{Folder, Process, interrupt};

/// Every way to end: its name, and the signal that brings it about, if one does.
const ENDINGS: &[(&str, Option<Signal>)] = &[
    ("return", None),
    ("panic", None),
    ("exit", None),
    ("abort", None),
    ("forget", None),
    ("sleep", Some(Signal::KILL)),
    ("sleep", Some(Signal::TERM)),
    ("interruptible", Some(Signal::INT)),
    ("interruptible", Some(Signal::HUP)),
    ("waiting", Some(Signal::INT)),
];

/// The processes of a victim: one that obeys SIGTERM, one that does not, and a child of each.
const OBEDIENT: &str = "sleep 1000 & wait";
const STUBBORN: &str = "trap '' TERM; sleep 1000 & wait; wait";

fn main() {
    if let Some(ending) = std::env::args()
        .nth(1)
        .filter(|first| first.starts_with("victim="))
    {
        let folder = std::env::args().nth(2).map(PathBuf::from);
        let folder = folder.expect("a victim is told where to report");
        victim(ending.trim_start_matches("victim="), &folder).expect("the victim starts");
        return;
    }
    let mut bystander = Bystander::new();
    for &(ending, signal) in ENDINGS {
        let name = format!("{ending} {signal:?}");
        let left = left_after(ending, signal);
        assert!(left.is_empty(), "{name}: left behind: {left:?}");
        assert!(
            bystander.lives(),
            "{name}: what someone else started was ended"
        );
        println!("{name}: ok");
    }
}

/// What someone else started, which has to survive.
struct Bystander(Child);

impl Bystander {
    fn new() -> Self {
        Self(Command::new("sleep").arg("1000").spawn().expect("sleep"))
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().expect("wait").is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets a victim end and answers what is still there five seconds later.
fn left_after(ending: &str, signal: Option<Signal>) -> Vec<String> {
    let report = tempfile::tempdir().expect("a folder");
    let mut victim = Command::new(std::env::current_exe().expect("this program"))
        .arg(format!("victim={ending}"))
        .arg(report.path())
        .stderr(Stdio::null())
        .spawn()
        .expect("the victim");
    let lines = reported(&mut victim, report.path());
    if let Some(signal) = signal {
        kill_process(Pid::from_child(&victim), signal).expect("signal the victim");
    }
    victim.wait().expect("wait for the victim");
    let start = Instant::now();
    loop {
        let left: Vec<String> = lines.iter().filter(|line| exists(line)).cloned().collect();
        if left.is_empty() || start.elapsed() > Duration::from_secs(5) {
            return left;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the victim has: process ids and folders, one a line.
fn reported(victim: &mut Child, report: &Path) -> Vec<String> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        if let Ok(text) = std::fs::read_to_string(report.join("done")) {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            assert_eq!(
                lines.len(),
                5,
                "two leaders, two children, one folder: {lines:?}"
            );
            return lines;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the victim did not report: {:?}", victim.try_wait());
}

fn exists(line: &str) -> bool {
    match line.parse().ok().and_then(Pid::from_raw) {
        // A zombie that waits for PID 1 is no longer running.
        Some(pid) => test_kill_process(pid).is_ok() && !is_zombie(line),
        None => Path::new(line).exists(),
    }
}

fn is_zombie(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with('Z'))
}

fn victim(ending: &str, report: &Path) -> Result<()> {
    let interrupt = match ending {
        "interruptible" | "waiting" => Some(interrupt::install()?),
        _ => None,
    };
    let folder = Folder::temporary("testbed-endings-")?;
    let mut lines = vec![folder.path().display().to_string()];
    let mut processes = Vec::new();
    for script in [OBEDIENT, STUBBORN] {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut process = Process::spawn("sh", command, &folder.path().join("log"))?;
        let children = format!("/proc/{0}/task/{0}/children", process.pid());
        let mut child = String::new();
        process.wait_until("its child", Duration::from_secs(5), || {
            child = std::fs::read_to_string(&children)
                .unwrap_or_default()
                .trim()
                .to_owned();
            !child.is_empty()
        })?;
        lines.extend([process.pid().to_string(), child]);
        processes.push(process);
    }
    let write = |name: &str| std::fs::write(report.join(name), lines.join("\n"));
    write("new")
        .and_then(|()| std::fs::rename(report.join("new"), report.join("done")))
        .expect("report");
    match ending {
        "return" => {}
        "panic" => panic!("as asked"),
        "exit" => exit(3),
        "abort" => std::process::abort(),
        // As a static of a test program, which is never dropped.
        "forget" => std::mem::forget((processes, folder)),
        "waiting" => interrupt.expect("installed").wait(),
        _ => std::thread::sleep(Duration::from_secs(1000)),
    }
    Ok(())
}
