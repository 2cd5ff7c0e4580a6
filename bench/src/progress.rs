//! Progress of a long run: what is measured now, how far, how long.
//!
//! On a terminal a bar with the elapsed and the remaining time; elsewhere a plain line every ten
//! seconds.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const HEARTBEAT: Duration = Duration::from_secs(10);

/// A phase of a run.
#[derive(Debug)]
pub struct Progress {
    what: String,
    bar: ProgressBar,
    plain: bool,
    start: Instant,
    said: Instant,
    total: u64,
    done: u64,
}

impl Progress {
    /// Begins a phase of `total` steps.
    #[must_use]
    pub fn begin(what: &str, total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::new(total);
        let template = "{prefix} {bar:24} {pos}/{len} {elapsed} (left {eta}) {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        let plain = !std::io::stderr().is_terminal();
        if !plain {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        let now = Instant::now();
        let progress = Self {
            what: what.to_owned(),
            bar,
            plain,
            start: now,
            said: now,
            total,
            done: 0,
        };
        progress.say("");
        progress
    }

    /// A step begins.
    pub fn step(&mut self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.bar.set_position(self.done);
        if self.said.elapsed() >= HEARTBEAT {
            self.said = Instant::now();
            self.say(name);
        }
        self.done = self.done.saturating_add(1).min(self.total);
    }

    fn say(&self, name: &str) {
        if self.plain {
            let Self {
                what,
                done,
                total,
                start,
                ..
            } = self;
            let elapsed = start.elapsed().as_secs();
            complain(&format!("{what}: {done}/{total} {elapsed} s {name}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        let elapsed = self.start.elapsed().as_secs();
        complain(&format!("{}: ended after {elapsed} s", self.what));
    }
}

/// A line on standard error. Not `eprintln!`, which panics when nobody reads any more.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
