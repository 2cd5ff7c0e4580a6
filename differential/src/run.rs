//! A run: many cases, some at a time, against one registry.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use corpus::Corpus;
use indicatif::{ProgressBar, ProgressStyle};
use testbed::registry::{Release, content};
use testbed::tools::Tools;
use testbed::{Error, Result};

use crate::case::Case;
use crate::entry;
use crate::generate::Generator;
use crate::judge::{Judge, Judged};
use crate::mint::Mint;
use crate::shrink::shrink;
use crate::stand::{Ports, Stand};
use crate::tally::{Found, Tally};
use crate::verdict::Verdict;
use crate::way::Way;

/// Cases under way at the same time.
const TASKS: usize = 8;

/// One case in so many goes each of the other ways to the edge as well.
const SAMPLE: u64 = 6;

/// The most failures that are made small and shown; the others are counted.
const MAX_FOUND: usize = 40;

/// The most failures alike that are made small.
const MAX_ALIKE: usize = 3;

/// How often progress is said where there is no terminal.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Which cases.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) seed: u64,
    pub(crate) first: u64,
    /// Begins after the cases of the corpus.
    pub(crate) is_fresh: bool,
    pub(crate) count: u64,
}

/// What a run came to.
pub(crate) struct Outcome {
    pub(crate) release: Release,
    pub(crate) tally: Tally,
    pub(crate) elapsed: Duration,
}

/// Starts the programs and runs the cases: those of the range, of which the corpus's are the
/// first, or `entries` in their place.
///
/// # Errors
/// When a program cannot be started, ends, or hangs; never for what the cases come to.
pub(crate) fn run(
    tools: &Tools,
    release: Release,
    wasm: &Path,
    range: Range,
    entries: Option<&[Case]>,
) -> Result<Outcome> {
    let corpus = Corpus::load();
    let setting = corpus
        .settings()
        .find(|setting| setting.profile.name == release.profile());
    let setting = setting.ok_or_else(|| Error::Other("a profile without a setting".to_owned()))?;
    let mint = Mint::new(&setting)?;
    let what = format!("starting the registry ({}) and Envoy", release.profile());
    let stand = tools.progress().step(&what, || {
        Stand::start(tools, release, mint.configuration(), wasm)
    });
    let mut stand = stand?;
    let written = match entries {
        Some(entries) => entries.to_vec(),
        None => entry::written(&corpus, release),
    };
    let generator = Generator::new(range.seed, written);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|fault| Error::Other(format!("no threads: {fault}")))?;
    runtime.block_on(content::push(stand.open_port()))?;
    let first = if range.is_fresh {
        generator.written()
    } else {
        range.first
    };
    let shared = Arc::new(Shared {
        first,
        release,
        mint,
        generator,
        ports: stand.ports(),
        range,
        next: AtomicU64::new(0),
        shown: Mutex::default(),
    });
    let start = Instant::now();
    let tally = runtime.block_on(all(&shared, start));
    if let Some(name) = stand.ended() {
        let cause = tally
            .err()
            .map_or_else(String::new, |error| format!(": {error}"));
        return Err(Error::Other(format!("{name} ended during the run{cause}")));
    }
    Ok(Outcome {
        release,
        tally: tally?,
        elapsed: start.elapsed(),
    })
}

/// What the tasks of a run share.
struct Shared {
    release: Release,
    mint: Mint,
    generator: Generator,
    ports: Ports,
    range: Range,
    /// The number of the first case.
    first: u64,
    /// How many cases were begun.
    next: AtomicU64,
    /// The kinds of failure that were made small already, for not to do one over and over.
    shown: Mutex<Vec<String>>,
}

async fn all(shared: &Arc<Shared>, start: Instant) -> Result<Tally> {
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let shared = Arc::clone(shared);
            tokio::spawn(async move { shared.task().await })
        })
        .collect();
    let watch = tokio::spawn(progress(Arc::clone(shared), start));
    let mut tally = Tally::default();
    let mut failed = None;
    for task in tasks {
        match task.await {
            Ok(Ok(part)) => tally.merge(part),
            Ok(Err(error)) => failed = Some(error),
            Err(fault) => failed = Some(Error::Other(fault.to_string())),
        }
    }
    watch.abort();
    failed.map_or(Ok(tally), Err)
}

/// A line that tells how far the run is, until it is aborted.
async fn progress(shared: Arc<Shared>, start: Instant) {
    let count = shared.range.count;
    let bar = ProgressBar::new(count);
    let template = "  {elapsed_precise} {wide_bar} {pos}/{len} cases, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let mut said = start;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let done = shared.next.load(Ordering::Relaxed).min(count);
        bar.set_position(done);
        if bar.is_hidden() && said.elapsed() >= HEARTBEAT {
            said = Instant::now();
            let elapsed = start.elapsed().as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = done as f64 / elapsed;
            eprintln!(
                "  … {}: {done} of {count} cases, {elapsed:.0} s, {rate:.0}/s",
                shared.release.profile()
            );
        }
    }
}

impl Shared {
    /// Takes case after case until none is left.
    async fn task(&self) -> Result<Tally> {
        let mut judge = Judge::new(self.release, &self.mint, self.ports);
        let mut tally = Tally::default();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.range.count {
                return Ok(tally);
            }
            let number = self.first + index;
            self.put(&mut judge, &mut tally, number, Way::FIRST).await?;
            for (way, place) in Way::OTHERS.into_iter().zip(0..) {
                if number % SAMPLE == place || number < self.generator.written() {
                    self.put(&mut judge, &mut tally, number, way).await?;
                }
            }
        }
    }

    async fn put(
        &self,
        judge: &mut Judge<'_>,
        tally: &mut Tally,
        number: u64,
        way: Way,
    ) -> Result<()> {
        let case = self.generator.case(number);
        let Some(mut judged) = judge.judge(&case, way).await? else {
            tally.impassable += 1;
            return Ok(());
        };
        if matches!(judged.verdict, Verdict::Failed(..)) {
            // Between the two requests another case may have written something.
            if let Some(again) = judge.judge(&case, way).await? {
                let is_steady = matches!(again.verdict, Verdict::Failed(..));
                tally.unsteady += u64::from(!is_steady);
                judged = again;
            }
        }
        tally.add(&judged.verdict);
        if let Verdict::Failed(failure, text) = &judged.verdict {
            let failure = *failure;
            // Those whose differences begin alike are one defect, mostly.
            let alike: String = text.chars().take(60).collect();
            if !self.is_worth_showing(&format!("{failure} {alike}")) {
                return Ok(());
            }
            let (case, judged) = shrink(judge, case, way, failure, judged).await?;
            let found = self.found(number, way, &case, judged)?;
            let is_new = !tally.found.iter().any(|known| known.entry == found.entry);
            if is_new {
                tally.found.push(found);
            }
        }
        Ok(())
    }

    /// Whether no failure like this one was shown yet, and not too many others.
    fn is_worth_showing(&self, failure: &str) -> bool {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let again = shown.iter().filter(|known| *known == failure).count();
        if shown.len() >= MAX_FOUND || again >= MAX_ALIKE {
            return false;
        }
        shown.push(failure.to_owned());
        true
    }

    fn found(&self, number: u64, way: Way, case: &Case, judged: Judged) -> Result<Found> {
        let token = self.mint.token(case);
        let (failure, difference) = match judged.verdict {
            Verdict::Failed(failure, difference) => (failure, difference),
            Verdict::Identical(_) | Verdict::Listed(_) => {
                return Err(Error::Other(format!("case {number} fails no more")));
            }
        };
        Ok(Found {
            number,
            way,
            failure,
            difference,
            entry: entry::entry(case, token.as_deref(), self.release, &judged.registry),
            registry: judged.registry.to_string(),
            edge: judged.edge.to_string(),
        })
    }
}
