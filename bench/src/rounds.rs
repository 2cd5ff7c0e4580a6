//! Rounds that alternate between contenders, one under load at a time.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::load::{Count, Loader, Prepared};
use crate::procfs;
use crate::progress::Progress;
use crate::proxy::Proxy;
use crate::statistics::Spread;

/// The part of a core that other programs may take during a sample. Beyond it the sample is taken
/// again.
const DISTURBED: f64 = 0.10;

/// How long calm moments are waited for, in all rounds of a measurement together. A machine that
/// stays busy is measured as it is; what other programs took is part of the result.
const PATIENCE: Duration = Duration::from_secs(15);

/// Seconds that one run of a warm-up may take.
const LONGEST: u64 = 10;

/// Somebody to put under load.
#[derive(Debug)]
pub struct Contender<'a> {
    /// Name in progress and messages.
    pub name: String,
    /// Who answers.
    pub proxy: &'a Proxy,
    /// What is sent.
    pub requests: Prepared,
    /// Whether every request must be refused; otherwise none may be.
    pub refused: bool,
    /// Requests to send before anything is measured: at least one of each, when what matters is
    /// that they were seen before.
    pub warm_up: u64,
}

/// One contender, one round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Processor time of Envoy for one request, microseconds.
    pub cpu_us: f64,
    /// Requests a second.
    pub requests_per_second: f64,
    /// Part of the sample during which Envoy was busy; near 1 it was the bottleneck, otherwise the
    /// client.
    pub busy: f64,
    /// Median latency, microseconds.
    pub p50_us: f64,
    /// 99th percentile of the latency, microseconds.
    pub p99_us: f64,
    /// Part of a core that other programs took.
    pub foreign: f64,
}

/// How long and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Rounds.
    pub rounds: usize,
    /// Seconds of load in each, for each contender.
    pub seconds: u64,
}

impl Plan {
    /// Whether one round has to do: it says whether a chain works, and no more.
    #[must_use]
    pub const fn is_smoke(self) -> bool {
        self.rounds == 1
    }
}

/// All samples of one contender, by round.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Samples(pub Vec<Sample>);

impl Samples {
    /// One quantity in all rounds.
    #[must_use]
    pub fn each(&self, quantity: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.0.iter().map(quantity).collect()
    }

    /// Spread of one quantity; zeros without samples.
    #[must_use]
    pub fn spread(&self, quantity: impl Fn(&Sample) -> f64) -> Spread {
        Spread::of(self.each(quantity)).unwrap_or(Spread {
            low: 0.0,
            median: 0.0,
            high: 0.0,
        })
    }
}

/// Warms every contender up, then measures them in turn, round by round. `between` is called before
/// each round, with its number, from 1.
///
/// # Errors
/// When a contender does not answer as it must.
pub fn measure(
    what: &str,
    loader: &mut Loader,
    contenders: &[Contender<'_>],
    plan: Plan,
    mut between: impl FnMut(usize) -> Result<()>,
) -> Result<Vec<Samples>> {
    let mut samples = vec![Samples::default(); contenders.len()];
    let mut progress = Progress::begin(what, contenders.len() * (plan.rounds + 1));
    for contender in contenders {
        progress.step(&format!("{} (warming up)", contender.name));
        let (mut sent, mut seconds) = (0, 1);
        while sent < contender.warm_up {
            sent += load(loader, contender, seconds)?.requests;
            // As long as the rest should take: starting wrk with many requests takes its time too.
            let left = contender.warm_up.saturating_sub(sent);
            seconds = (left * seconds / sent.max(1)).clamp(1, LONGEST);
        }
    }
    let mut patience = if plan.is_smoke() {
        Duration::ZERO
    } else {
        PATIENCE
    };
    for round in 1..=plan.rounds {
        between(round)?;
        for (contender, samples) in contenders.iter().zip(&mut samples) {
            progress.step(&format!("{} (round {round})", contender.name));
            samples
                .0
                .push(calm_sample(loader, contender, plan.seconds, &mut patience)?);
        }
    }
    Ok(samples)
}

/// A sample; a disturbed one is taken again after a wait, as long as `patience` lasts.
fn calm_sample(
    loader: &mut Loader,
    contender: &Contender<'_>,
    seconds: u64,
    patience: &mut Duration,
) -> Result<Sample> {
    let first = sample(loader, contender, seconds)?;
    if first.foreign <= DISTURBED || patience.is_zero() {
        return Ok(first);
    }
    let start = Instant::now();
    wait_for_calm(*patience)?;
    let again = sample(loader, contender, seconds)?;
    *patience = patience.saturating_sub(start.elapsed());
    Ok(if again.foreign < first.foreign {
        again
    } else {
        first
    })
}

fn sample(loader: &mut Loader, contender: &Contender<'_>, seconds: u64) -> Result<Sample> {
    let start = Instant::now();
    let envoy = contender.proxy.cpu_seconds()?;
    let machine = procfs::machine_seconds()?;
    let own = procfs::own_and_ended_children_seconds()?;
    let count = load(loader, contender, seconds)?;
    let envoy = contender.proxy.cpu_seconds()? - envoy;
    let own = procfs::own_and_ended_children_seconds()? - own;
    let machine = procfs::machine_seconds()? - machine;
    let elapsed = start.elapsed().as_secs_f64();
    Ok(Sample {
        cpu_us: envoy * 1e6 / count.requests as f64,
        requests_per_second: count.per_second(),
        busy: envoy * 1e6 / count.microseconds as f64,
        p50_us: count.p50 as f64,
        p99_us: count.p99 as f64,
        foreign: ((machine - envoy - own) / elapsed).max(0.0),
    })
}

/// Load, and the proof that it did what it should.
fn load(loader: &mut Loader, contender: &Contender<'_>, seconds: u64) -> Result<Count> {
    let count = loader
        .run(&contender.requests, contender.proxy.port(), seconds)
        .with_context(|| contender.name.clone())?;
    let expected = if contender.refused { count.requests } else { 0 };
    ensure!(
        count.refused == expected,
        "{}: {} of {} requests were refused, expected {expected}",
        contender.name,
        count.refused,
        count.requests
    );
    Ok(count)
}

/// Waits until the machine has been nearly idle for a moment, but not for ever.
fn wait_for_calm(patience: Duration) -> Result<()> {
    const MOMENT: Duration = Duration::from_millis(500);
    const AT_ONCE: Duration = Duration::from_secs(10);
    let start = Instant::now();
    while start.elapsed() < patience.min(AT_ONCE) {
        let before = procfs::machine_seconds()?;
        std::thread::sleep(MOMENT);
        let busy = procfs::machine_seconds()? - before;
        if busy / MOMENT.as_secs_f64() <= DISTURBED {
            break;
        }
    }
    Ok(())
}
