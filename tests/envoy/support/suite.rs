//! The harness: tests with sentences for names, and an end at which every process has ended.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use testbed::process::interrupt;

use super::lab::Lab;

/// A behaviour in a sentence, and the function that panics unless it is so.
pub(crate) type Test = (&'static str, fn(&Lab));

/// Tests that run side by side. More would not be faster on the smallest machine that this runs
/// on, and what is measured would suffer.
const SIDE_BY_SIDE: usize = 2;

thread_local! {
    /// What is told of a failure besides its message: where it was, and what the edges logged.
    static EVIDENCE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Adds to what is told should the running test fail.
pub(crate) fn tell(evidence: String) {
    EVIDENCE.with_borrow_mut(|all| all.push(evidence));
}

/// What was told on this thread since it was last asked for.
pub(crate) fn evidence() -> Vec<String> {
    EVIDENCE.take()
}

/// Runs the themes that the command line asks for.
pub(crate) fn run(themes: Vec<(&'static str, &'static [Test])>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(SIDE_BY_SIDE);
    // Ctrl-C ends what was started, too.
    let _interrupt = interrupt::install().unwrap();
    // The location goes into the test's own report, not between the names of other tests.
    std::panic::set_hook(Box::new(|panic| tell(panic.to_string())));

    let lab = Arc::new(Lab::default());
    let trials = themes
        .into_iter()
        .flat_map(|(theme, tests)| tests.iter().map(move |&(name, test)| (theme, name, test)))
        .map(|(theme, name, test)| {
            let lab = Arc::clone(&lab);
            Trial::test(format!("{theme}: {name}"), move || attempt(&lab, test))
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let left = Arc::into_inner(lab).unwrap().close();
    if !left.is_empty() {
        eprintln!("still running after the end: {left:?}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

fn attempt(lab: &Lab, test: fn(&Lab)) -> Result<(), Failed> {
    evidence();
    let outcome = catch_unwind(AssertUnwindSafe(|| test(lab)));
    lab.tell_logs(outcome.is_err());
    let evidence = evidence();
    outcome.map_err(|panic| {
        let message = if evidence.is_empty() {
            message(&*panic)
        } else {
            evidence.join("\n")
        };
        Failed::from(message)
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
        .to_owned()
}
