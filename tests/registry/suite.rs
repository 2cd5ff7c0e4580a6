//! Which cases run, and which do not and why.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use corpus::Corpus;
use corpus::expectation::Kind;
use corpus::trial::Trial;
use libtest_mimic::{Arguments, Failed};
use testbed::process::interrupt;
use testbed::registry::Release;

use crate::nodes::{Nodes, Registry};

/// Cases that no registry here can run, by the reason.
type Left = BTreeMap<&'static str, Vec<String>>;

pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::from_args();
    // Ctrl-C ends what was started, too.
    let _interrupt = interrupt::install().unwrap();
    // For as long as the process runs, so that every test may hold on to its case.
    let corpus: &'static Corpus = Box::leak(Box::new(Corpus::load()));
    let nodes = Arc::new(Nodes::default());
    let mut left = Left::new();
    let mut trials = Vec::new();
    for trial in corpus.trials() {
        match registry(corpus, &trial) {
            Ok(release) => {
                let nodes = Arc::clone(&nodes);
                trials.push(libtest_mimic::Trial::test(trial.name(), move || {
                    let registry = Registry { release, nodes };
                    trial.hold(&registry).map_err(Failed::from)
                }));
            }
            Err(reason) => left.entry(reason).or_default().push(trial.name()),
        }
    }
    let is_everything = arguments.filter.is_none() && !arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(nodes);
    if is_everything {
        tell(&left);
    }
    conclusion.exit_code()
}

/// The registry that can run a case, or why none can.
fn registry(corpus: &Corpus, trial: &Trial<'_>) -> Result<Release, &'static str> {
    const DISTRIBUTION_2: &str = "distribution-2.8";
    let case = trial.case();
    let profile = trial.setting().profile.name.as_str();
    let expected = case.expectation(profile);
    if expected.answer == Kind::Refused {
        return Err("only the filter gives such an answer");
    }
    match profile {
        DISTRIBUTION_2 => Ok(Release::Distribution2),
        "distribution-3" => Ok(Release::Distribution3),
        "gitlab" => {
            let is_same =
                case.applies_to(DISTRIBUTION_2) && case.expectation(DISTRIBUTION_2) == expected;
            let is_known = corpus.cases().any(|known| known.name == case.name);
            Err(if is_same && is_known {
                "GitLab's registry answers as Distribution 2.8 does, where the case runs"
            } else {
                "GitLab's registry alone answers so, and cannot be had here"
            })
        }
        other => panic!("no registry is known for the profile {other}"),
    }
}

/// Says which cases did not run; in full where nothing else shows their expectation either.
fn tell(left: &Left) {
    for (reason, names) in left {
        println!("{} not run: {reason}", names.len());
        if !reason.contains("where the case runs") {
            for name in names {
                println!("    {name}");
            }
        }
    }
}
