//! Tells the walk: each step with its number, what was sent, what was answered, and whether that is
//! what had to come.

use std::fmt;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::paint;

/// Lines of each log in an excerpt.
const EXCERPT: usize = 8;

/// Columns of a long line before it is folded.
const WIDTH: usize = 92;

/// Envoy and the others write their logs a moment after they answered.
const LOGS_SETTLE: Duration = Duration::from_millis(400);

/// Tells steps, and counts how they went.
#[derive(Debug)]
pub(super) struct Narrator {
    logs: Vec<(String, PathBuf)>,
    steps: usize,
    wrong: usize,
}

impl Narrator {
    /// `logs` are the files that an excerpt is taken from when a step goes wrong.
    pub(super) fn new(logs: Vec<(String, PathBuf)>) -> Self {
        Self {
            logs,
            steps: 0,
            wrong: 0,
        }
    }

    /// A heading.
    pub(super) fn chapter(&self, title: &str) {
        paint::say(&format!("\n{}", paint::bold(title)));
    }

    /// Does a step. An error (a claim that does not hold, a request that did not arrive) is shown with
    /// what the logs got meanwhile, and answered as `None`.
    pub(super) fn step<T>(
        &mut self,
        title: &str,
        act: impl FnOnce(&Step) -> Result<T>,
    ) -> Option<T> {
        self.steps += 1;
        let number = paint::cyan(&format!("{:>2}", self.steps));
        paint::say(&format!("\n{number}  {}", paint::bold(title)));
        let before = self.lengths();
        let start = Instant::now();
        let step = Step::new();
        let result = act(&step);
        step.bar.finish_and_clear();
        match result {
            Ok(value) => {
                if start.elapsed() > Duration::from_secs(2) {
                    let took = paint::seconds(start.elapsed());
                    paint::say(&paint::dim(&format!("      took {took}")));
                }
                Some(value)
            }
            Err(error) => {
                self.wrong += 1;
                paint::say(&format!(
                    "    {} {}",
                    paint::red("✗ WRONG:"),
                    format!("{error:#}").trim().replace('\n', "\n      ")
                ));
                self.excerpts(&before);
                None
            }
        }
    }

    /// How all steps went.
    pub(super) fn went(&self) -> Went {
        Went {
            steps: self.steps,
            wrong: self.wrong,
        }
    }

    fn lengths(&self) -> Vec<u64> {
        let length = |path: &PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
        self.logs.iter().map(|(_, path)| length(path)).collect()
    }

    /// What each log got since it was as long as `before` says.
    fn excerpts(&self, before: &[u64]) {
        std::thread::sleep(LOGS_SETTLE);
        for ((name, path), &from) in self.logs.iter().zip(before) {
            let mut bytes = Vec::new();
            let read = std::fs::File::open(path).and_then(|mut file| {
                file.seek(SeekFrom::Start(from))?;
                file.read_to_end(&mut bytes)
            });
            if read.is_err() || bytes.is_empty() {
                continue;
            }
            paint::say(&format!("      {name} log, {}:", path.display()));
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            for line in lines.iter().skip(lines.len().saturating_sub(EXCERPT)) {
                paint::say(&paint::dim(&format!("        {line}")));
            }
        }
    }
}

/// The step that is being told.
#[derive(Debug)]
pub(super) struct Step {
    /// Turns below the last line while something is waited for; only on a terminal.
    bar: ProgressBar,
}

impl Step {
    fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("    {spinner} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| paint::say(line));
    }

    /// What goes to the edge: a request or a command.
    pub(super) fn sent(&self, line: &str) {
        self.say(&format!("    {} {line}", paint::cyan("→")));
    }

    /// What comes back.
    pub(super) fn answered(&self, line: &str) {
        self.say(&format!("    {} {line}", paint::cyan("←")));
    }

    /// A detail of what was sent or came back.
    pub(super) fn detail(&self, line: &str) {
        for line in paint::folded(line, WIDTH) {
            self.say(&format!("        {line}"));
        }
    }

    /// Something to know, no outcome.
    pub(super) fn remark(&self, line: &str) {
        self.say(&paint::dim(&format!("      {line}")));
    }

    /// A claim about the outcome, which has to hold. `found` is what there is instead.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn holds(&self, claim: &str, does: bool, found: &dyn fmt::Display) -> Result<()> {
        if !does {
            bail!("it should be that {claim}; found: {found}");
        }
        self.say(&format!("    {} {claim}", paint::green("✓")));
        Ok(())
    }
}

/// How the walk went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Went {
    steps: usize,
    wrong: usize,
}

impl Went {
    pub(super) fn all_right(self) -> bool {
        self.wrong == 0 && self.steps > 0
    }
}

impl fmt::Display for Went {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, wrong } = self;
        if self.all_right() {
            let all = paint::green(&format!("All {steps} steps went as they must."));
            return f.write_str(&all);
        }
        let some = paint::red(&format!(
            "{wrong} of {steps} steps did NOT go as they must."
        ));
        f.write_str(&some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_step_is_counted_and_has_no_value() {
        let mut narrator = Narrator::new(Vec::new());
        assert!(!narrator.went().all_right(), "nothing went yet");
        let right = narrator.step("right", |step| {
            step.holds("it is so", true, &"").map(|()| 1)
        });
        assert_eq!(right, Some(1));
        assert!(narrator.went().all_right());
        let wrong = narrator.step("wrong", |step| {
            step.holds("it is so", false, &"not").map(|()| 1)
        });
        assert_eq!(wrong, None);
        assert!(!narrator.went().all_right());
    }
}
