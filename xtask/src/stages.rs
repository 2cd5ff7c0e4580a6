//! `cargo xtask test`: the stages, in an order that fails fast, and their run.

mod artifact;
mod dependencies;
mod differential;
mod lints;
mod suites;
mod tidy;
mod web;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use testbed::tools::{Progress, Tools};

use crate::runner::Runner;
use crate::stage::{Entry, Outcome, Stage, selected, summary};
use crate::{cli, disk, paint};

/// All stages. Seconds first, then what compiles, then what starts programs.
pub(crate) const ALL: &[Stage] = &[
    Stage {
        name: "fmt",
        purpose: "the source is formatted",
        work: lints::fmt,
    },
    Stage {
        name: "tidy",
        purpose: "rules of the repository: the core knows no host, no machine paths",
        work: tidy::tidy,
    },
    Stage {
        name: "clippy",
        purpose: "lints, warnings are errors",
        work: lints::clippy,
    },
    Stage {
        name: "clippy-wasm",
        purpose: "lints of the filter as wasm, with its host adapter",
        work: lints::clippy_wasm,
    },
    Stage {
        name: "doc",
        purpose: "the documentation builds, links included",
        work: lints::doc,
    },
    Stage {
        name: "native",
        purpose: "unit tests, native suites and the examples in the documentation",
        work: suites::native,
    },
    Stage {
        name: "artifact",
        purpose: "the artifact builds, is small, and asks its host for nothing unusual",
        work: artifact::artifact,
    },
    Stage {
        name: "wasm",
        purpose: "the artifact in a strict host of our own, and the instructions it takes",
        work: suites::wasm,
    },
    Stage {
        name: "node",
        purpose: "the core inside wasm, on Node",
        work: suites::node,
    },
    Stage {
        name: "web",
        purpose: "the page that explains decisions, in Chromium, against the command",
        work: web::web,
    },
    Stage {
        name: "embedding",
        purpose: "certificates embedded at build time, in Envoy",
        work: suites::embedding,
    },
    Stage {
        name: "registry",
        purpose: "the cases of the corpus on the registries themselves",
        work: suites::registry,
    },
    Stage {
        name: "envoy",
        purpose: "end to end: the artifact in Envoy, real registries and clients",
        work: suites::envoy,
    },
    Stage {
        name: "envoys",
        purpose: "the same on the four minor versions of Envoy before the newest",
        work: suites::envoys,
    },
    Stage {
        name: "hosts",
        purpose: "Envoy Gateway and Istio, really running, by the manifests that edgectl renders",
        work: suites::hosts,
    },
    Stage {
        name: "nginx",
        purpose: "the native module in stock NGINX, two versions",
        work: suites::nginx,
    },
    Stage {
        name: "edgectl",
        purpose: "the operator's tool against real edges and registries",
        work: suites::edgectl,
    },
    Stage {
        name: "differential",
        purpose: "generated requests to filter and registry, which have to answer alike",
        work: differential::differential,
    },
    Stage {
        name: "conformance",
        purpose: "the OCI conformance suite, through the edge and straight at the registry",
        work: differential::conformance,
    },
    Stage {
        name: "bench",
        purpose: "the chains of the benchmark answer as they must, no figure is judged",
        work: suites::bench,
    },
    Stage {
        name: "deny",
        purpose: "licences, sources, duplicates and advisories of dependencies",
        work: dependencies::deny,
    },
];

/// Runs the stages that were asked for.
pub(crate) fn run(options: &cli::Test) -> Result<ExitCode> {
    let stages = selected(ALL, &options.only, &options.skip);
    if stages.is_empty() {
        bail!("--only and --skip leave no stage to run; `cargo xtask test --list` names them");
    }
    if options.list {
        for stage in stages {
            paint::say(&format!("{:<12} {}", stage.name, stage.purpose));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let start = Instant::now();
    let tools = Tools::open(Progress::stderr())?;
    let names: Vec<&str> = stages.iter().map(|stage| stage.name).collect();
    paint::say(&format!("{} stages: {}", names.len(), names.join(", ")));
    disk::say_what_is_free();

    let mut entries = Vec::new();
    let mut stopped = false;
    for stage in stages {
        let entry = if stopped {
            Entry {
                name: stage.name,
                outcome: Outcome::NotRun,
                took: Duration::ZERO,
            }
        } else {
            one(stage, &tools)?
        };
        stopped |= matches!(entry.outcome, Outcome::Failed(_)) && !options.keep_going;
        entries.push(entry);
    }
    let failed = entries
        .iter()
        .any(|entry| matches!(entry.outcome, Outcome::Failed(_)));
    let took = paint::seconds(start.elapsed());
    paint::say(&format!("\nAll of it took {took}.\n{}", summary(&entries)));
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn one(stage: &Stage, tools: &Tools) -> Result<Entry> {
    let title = paint::bold(&format!("== {}", stage.name));
    paint::say(&format!("\n{title}: {}", stage.purpose));
    let start = Instant::now();
    let mut runner = Runner::new(stage.name, tools)?;
    let log = runner.log().to_owned();
    let result = (stage.work)(&mut runner);
    let took = start.elapsed();
    let outcome = match result {
        Ok(remark) => {
            paint::say(&format!(
                "{}: {} ({})",
                stage.name,
                paint::green("passed"),
                paint::seconds(took)
            ));
            Outcome::Passed(remark)
        }
        Err(error) => {
            let why = format!("{error:#}");
            runner.say(&format!("{}: {why}", stage.name));
            paint::say(&format!(
                "{}: {} ({}), log: {}",
                stage.name,
                paint::red("failed"),
                paint::seconds(took),
                log.display()
            ));
            Outcome::Failed(why.lines().next().unwrap_or_default().to_owned())
        }
    };
    runner.finish();
    Ok(Entry {
        name: stage.name,
        outcome,
        took,
    })
}
