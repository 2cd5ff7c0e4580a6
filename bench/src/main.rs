//! The benchmark: `cargo xtask bench`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use bench::cli::Options;
use bench::compare::{Build, compare};
use bench::growth::{self, measure_series};
use bench::lab::Lab;
use bench::progress::complain;
use bench::report::{CHAINS, MEMORY, Report, Taken};
use bench::targets::targets;
use bench::{chain, document, envoys, hosts, memory, plot, table};
use clap::Parser as _;
use testbed::artifact::root;
use testbed::nginx::Version;
use testbed::process::interrupt;
use testbed::tools::{Progress, Tools};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    if options.list {
        list();
        return Ok(());
    }
    if options.draw {
        return draw();
    }
    let chains = options.chains().len();
    ensure!(
        !options.write || chains == 0 || chains == chain::ALL.len(),
        "--write: the chains of one table come from one run; --only {CHAINS} measures all of them"
    );
    let _interrupt = interrupt::install()?;
    let mut builds = options.builds()?.into_iter();
    let tools = Tools::open(Progress::stderr())?;
    let mut lab = Lab::open(tools, options.nice, builds.next(), options.modules())?;
    if options.hosts {
        for version in Version::ALL {
            say(&hosts::measure(&mut lab, version, options.plan())?);
        }
        say(&envoys::measure(&mut lab, options.plan())?);
        return Ok(());
    }
    complain(&format!(
        "about {} s on a calm machine; Ctrl-C ends it and leaves nothing",
        options.estimate()
    ));
    let report = measure(&mut lab, options, &builds.collect::<Vec<_>>())?;
    if options.smoke {
        let chains = report.comparison.map_or(0, |it| it.chains.len());
        say(&format!("{chains} chains answer as they must"));
        return Ok(());
    }
    print(&report)?;
    match &options.json {
        Some(file) => report.write(file),
        None => Ok(()),
    }
}

/// Measures what was asked for; with `--write` a part is in the documents as soon as it is there.
fn measure(lab: &mut Lab, options: &Options, builds: &[Build]) -> Result<Report> {
    let mut report = Report::default();
    let taken = Taken::now()?;
    let mut add = |name: &str, mut part: Report| {
        part.taken.insert(name.to_owned(), taken.clone());
        report.take(part.clone());
        if !options.write {
            return Ok(());
        }
        let mut kept = Report::read(&kept())?;
        kept.take(part);
        kept.write(&self::kept())?;
        draw()
    };
    if !options.chains().is_empty() {
        let part = Report {
            comparison: Some(compare(lab, &options.chains(), builds, options.plan())?),
            ..Report::default()
        };
        add(CHAINS, part)?;
    }
    for series in options.series() {
        let part = Report {
            growth: vec![measure_series(lab, series, options.series_plan())?],
            ..Report::default()
        };
        add(series.name, part)?;
    }
    if options.memory() {
        let part = Report {
            memory: Some(memory::measure(lab)?),
            ..Report::default()
        };
        add(MEMORY, part)?;
    }
    Ok(report)
}

fn print(report: &Report) -> Result<()> {
    if let Some(comparison) = &report.comparison {
        say(&table::comparison(comparison));
    }
    for (there, mark) in [
        (!report.growth.is_empty(), "growth"),
        (report.memory.is_some(), "memory"),
    ] {
        if there {
            let marked = format!("<!-- bench:{mark} --><!-- /bench -->");
            let text = document::filled(&marked, report)?;
            let lines = text.lines().filter(|line| line.starts_with('|'));
            say(&lines.collect::<Vec<_>>().join("\n"));
        }
    }
    for target in targets(report) {
        let word = if target.reached {
            "reached"
        } else {
            "not reached"
        };
        say(&format!(
            "{word}: {} ({}): {:.2}",
            target.what, target.bound, target.measured
        ));
    }
    Ok(())
}

fn list() {
    for chain in chain::ALL {
        say(&format!("{:16} {}", chain.name, chain.about));
    }
    for series in growth::ALL {
        say(&format!(
            "{:16} how cost grows: {}",
            series.name, series.about
        ));
    }
    say(&format!(
        "{MEMORY:16} of Envoy and of the sandbox, up to a million tokens new to it"
    ));
}

/// Where the results of the documents are kept.
fn kept() -> PathBuf {
    root().join("docs/performance.json")
}

/// Writes what follows from the kept results.
fn draw() -> Result<()> {
    let report = Report::read(&kept())?;
    for name in ["docs/performance.md", "README.md"] {
        let file = root().join(name);
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
        let new = document::filled(&text, &report).with_context(|| name.to_owned())?;
        std::fs::write(&file, new).with_context(|| format!("cannot write {name}"))?;
    }
    for (name, svg) in [
        ("docs/performance.svg", plot::chains(&report)?),
        ("docs/performance-growth.svg", plot::growth(&report)?),
    ] {
        std::fs::write(root().join(name), svg).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(())
}

/// A line on standard output. Not `println!`, which panics when nobody reads any more.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
