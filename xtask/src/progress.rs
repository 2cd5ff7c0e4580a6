//! Work done side by side, each piece with a line of its own while it lasts.
//!
//! `testbed`'s own progress is for one thing at a time; the preparation of the demo is mostly waiting
//! for the network, so it does several.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::paint;

/// Without a terminal, what is still going on is said this often.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// One piece of work.
pub(crate) struct Job<'a> {
    /// What it is, as in "building the filter".
    what: String,
    work: Box<dyn FnOnce() -> testbed::Result<()> + Send + 'a>,
    /// Whether nothing depends on it.
    optional: bool,
}

impl<'a> Job<'a> {
    pub(crate) fn new(
        what: impl Into<String>,
        work: impl FnOnce() -> testbed::Result<()> + Send + 'a,
    ) -> Self {
        Self {
            what: what.into(),
            work: Box::new(work),
            optional: false,
        }
    }

    /// The same, but its failure is only shown.
    pub(crate) fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// Does the jobs of each lane one after another, and the lanes side by side. After a failure no
/// further job is begun.
///
/// # Errors
/// That of the first job that fails, once those in progress have ended.
pub(crate) fn side_by_side(lanes: Vec<Vec<Job<'_>>>) -> testbed::Result<()> {
    let board = Board::default();
    let failed = AtomicBool::new(false);
    let lane = |jobs: Vec<Job<'_>>| -> testbed::Result<()> {
        for job in jobs {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            let result = board.shown(job);
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
                return result;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        scope.spawn(|| board.beat());
        let lane = &lane;
        let running: Vec<_> = lanes
            .into_iter()
            .map(|jobs| scope.spawn(move || lane(jobs)))
            .collect();
        let results: Vec<_> = running
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect();
        board.close();
        results.into_iter().collect()
    })
}

/// What is in progress.
#[derive(Default)]
struct Board {
    bars: MultiProgress,
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Default)]
struct State {
    running: Vec<(String, Instant)>,
    closed: bool,
}

impl Board {
    /// Does a job, with a line while it lasts and one when it has ended.
    fn shown(&self, job: Job<'_>) -> testbed::Result<()> {
        let what = &job.what;
        let start = Instant::now();
        self.state().running.push((what.clone(), start));
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.clone());
        bar.enable_steady_tick(Duration::from_millis(120));
        let result = (job.work)();
        bar.finish_and_clear();
        self.state().running.retain(|(running, _)| running != what);
        let (mark, result, why) = match result {
            Ok(()) => (paint::green("✓"), Ok(()), String::new()),
            Err(error) if job.optional => (paint::yellow("!"), Ok(()), format!(": {error}")),
            Err(error) => (paint::red("✗"), Err(error), String::new()),
        };
        let took = paint::dim(&format!("({})", paint::seconds(start.elapsed())));
        self.bars
            .suspend(|| paint::say(&format!("  {mark} {what} {took}{why}")));
        result
    }

    /// Says now and then what goes on, until [`Board::close`]; on a terminal the spinners do.
    fn beat(&self) {
        let silent = std::io::stderr().is_terminal();
        let mut state = self.state();
        while !state.closed {
            let (next, timeout) = self
                .closed
                .wait_timeout(state, HEARTBEAT)
                .unwrap_or_else(PoisonError::into_inner);
            state = next;
            if timeout.timed_out() && !silent && !state.closed {
                let running: Vec<String> = state
                    .running
                    .iter()
                    .map(|(what, since)| format!("{what} ({})", paint::seconds(since.elapsed())))
                    .collect();
                paint::say(&format!("  … {}", running.join(", ")));
            }
        }
    }

    fn close(&self) {
        self.state().closed = true;
        self.closed.notify_all();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_lane_keeps_its_order_and_ends_at_a_failure() {
        let done = Mutex::new(Vec::new());
        let job = |name: &'static str, succeeds: bool| {
            let done = &done;
            Job::new(name, move || {
                done.lock().unwrap().push(name);
                match succeeds {
                    true => Ok(()),
                    false => Err(testbed::Error::Other(format!("{name} failed"))),
                }
            })
        };
        side_by_side(vec![vec![job("a", true), job("b", true)]]).unwrap();
        let error = side_by_side(vec![vec![
            job("c", false).optional(),
            job("d", false),
            job("e", true),
        ]])
        .unwrap_err();
        assert_eq!(error.to_string(), "d failed");
        assert_eq!(*done.lock().unwrap(), ["a", "b", "c", "d"]);
    }

    #[test]
    fn lanes_run_side_by_side() {
        // Neither job ends before both have begun.
        let barrier = std::sync::Barrier::new(2);
        let job = |name: &str| {
            let barrier = &barrier;
            Job::new(name, move || {
                barrier.wait();
                Ok(())
            })
        };
        side_by_side(vec![vec![job("a")], vec![job("b")]]).unwrap();
    }
}
