//! What the filter is to reach, and whether it does.

use crate::chain::{COLD, COLD_4096_NAME, COLD_WASM, HOT, JWT, JWT_4096, JWT_CACHED, NOTHING};
use crate::memory::{FULL, MILLION, Stage};
use crate::report::Report;
use crate::rounds::Sample;
use crate::statistics::Spread;

/// More than this is growth; less is the allocator's and V8's own business.
const FLAT: f64 = 1.05;

/// A target beside what was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// In words.
    pub what: &'static str,
    /// The bound, with its unit.
    pub bound: String,
    /// What was measured.
    pub measured: f64,
    /// Whether that is within the bound.
    pub reached: bool,
}

/// All targets for which there are figures.
#[must_use]
pub fn targets(report: &Report) -> Vec<Target> {
    let cpu = |sample: &Sample| sample.cpu_us;
    let rate = |sample: &Sample| sample.requests_per_second;
    let each = |name: &str, quantity: fn(&Sample) -> f64| {
        let comparison = report.comparison.as_ref()?;
        Some(comparison.samples(name)?.each(quantity))
    };
    let difference = |left, right| {
        let spread = Spread::of_differences(&each(left, cpu)?, &each(right, cpu)?)?;
        Some(spread.median)
    };
    let ratio = |left, right| {
        let spread = Spread::of_ratios(&each(left, rate)?, &each(right, rate)?)?;
        Some(spread.median)
    };
    let openssl = report
        .comparison
        .as_ref()
        .and_then(|it| Spread::of(it.openssl_2048.iter().copied()));
    let in_wasm = difference(COLD_WASM, HOT)
        .zip(openssl)
        .map(|(added, openssl)| added / openssl.median);
    let grown = |quantity: fn(&Stage) -> u64| {
        let stages = &report.memory.as_ref()?.stages;
        let of = |name: &str| stages.iter().find(|it| it.name == name).map(quantity);
        Some(of(MILLION)? as f64 / of(FULL)? as f64)
    };
    let candidates = [
        at_most(
            "processor time that a token seen before adds to the do-nothing filter's",
            2.5,
            " us",
            difference(HOT, NOTHING),
        ),
        at_least(
            "requests a second with a token seen before, of `jwt_authn` with its cache",
            0.85,
            ratio(HOT, JWT_CACHED),
        ),
        at_least(
            "requests a second with tokens never seen, verified by the host, of `jwt_authn` without cache, RSA-2048",
            1.0,
            ratio(COLD, JWT),
        ),
        at_least("the same, RSA-4096", 1.0, ratio(COLD_4096_NAME, JWT_4096)),
        at_most(
            "everything that a token never seen costs in wasm beyond one seen before, of one RSA-2048 verification by OpenSSL",
            8.0,
            "",
            in_wasm,
        ),
        at_most(
            "the sandbox after a million tokens new to it, of the sandbox with a full cache",
            FLAT,
            "",
            grown(|it| it.sandbox),
        ),
        at_most(
            "resident memory after a million tokens new to the cache, of that with a full cache",
            FLAT,
            "",
            grown(|it| it.resident),
        ),
    ];
    candidates.into_iter().flatten().collect()
}

fn at_most(what: &'static str, bound: f64, unit: &str, measured: Option<f64>) -> Option<Target> {
    let measured = measured?;
    Some(Target {
        what,
        bound: format!("at most {bound}{unit}"),
        measured,
        reached: measured <= bound,
    })
}

fn at_least(what: &'static str, bound: f64, measured: Option<f64>) -> Option<Target> {
    let measured = measured?;
    Some(Target {
        what,
        bound: format!("at least {bound}"),
        measured,
        reached: measured >= bound,
    })
}
