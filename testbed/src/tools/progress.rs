//! Progress on anything that takes longer than two seconds.
//!
//! On a terminal: a spinner with the elapsed time. Elsewhere: one plain line once two seconds have
//! passed and one at the end, nothing for what is quicker.

use std::io::IsTerminal as _;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::Result;

/// What is quicker than this needs no line in a log.
const SLOW: Duration = Duration::from_secs(2);

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A spinner.
    Terminal,
    /// Plain lines on standard error.
    Lines,
    /// Nothing.
    Silent,
}

impl Progress {
    /// [`Progress::Terminal`] when standard error is one, [`Progress::Lines`] otherwise.
    #[must_use]
    pub fn stderr() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Terminal
        } else {
            Self::Lines
        }
    }

    /// Does `work` and shows meanwhile that `what` ("building the filter") is being done.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn step<T>(self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        match self {
            Self::Silent => work(),
            Self::Terminal => {
                let bar = ProgressBar::new_spinner().with_message(what.to_owned());
                if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                    bar.set_style(style);
                }
                bar.enable_steady_tick(Duration::from_millis(120));
                let result = work();
                bar.finish_and_clear();
                if start.elapsed() >= SLOW {
                    report(what, start, result.is_ok());
                }
                result
            }
            Self::Lines => {
                let (done, waiting) = mpsc::channel::<()>();
                let result = std::thread::scope(|scope| {
                    scope.spawn(move || {
                        if waiting.recv_timeout(SLOW) == Err(RecvTimeoutError::Timeout) {
                            eprintln!("{what} …");
                        }
                    });
                    let result = work();
                    drop(done);
                    result
                });
                if start.elapsed() >= SLOW {
                    report(what, start, result.is_ok());
                }
                result
            }
        }
    }
}

fn report(what: &str, start: Instant, succeeded: bool) {
    let end = if succeeded { "done" } else { "failed" };
    eprintln!("{what}: {end} ({:.1} s)", start.elapsed().as_secs_f32());
}
