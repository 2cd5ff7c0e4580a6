//! Results as text for a terminal.

use crate::chain::ALONE;
use crate::compare::Comparison;
use crate::rounds::Sample;
use crate::statistics::Spread;

/// A line for each chain.
#[must_use]
pub fn comparison(result: &Comparison) -> String {
    let alone = result.samples(ALONE);
    let fastest = alone.map(|it| it.spread(|it| it.requests_per_second).median);
    let width = result.chains.iter().map(|it| it.name.len()).max();
    let width = width.unwrap_or_default().max(5);
    let mut lines = vec![format!(
        "{:width$} {:>8} {:>17}  {:>7} {:>17}  {:>7} {:>5} {:>7} {:>5} {:>6}",
        "chain",
        "cpu us",
        "[low high]",
        "added",
        "[low high]",
        "req/s",
        "of",
        "p99 us",
        "busy",
        "others"
    )];
    for chain in &result.chains {
        let cpu = |sample: &Sample| sample.cpu_us;
        let total = chain.samples.spread(cpu);
        let added = alone
            .and_then(|alone| Spread::of_differences(&chain.samples.each(cpu), &alone.each(cpu)));
        let rate = chain.samples.spread(|it| it.requests_per_second).median;
        lines.push(format!(
            "{:width$} {:8.2} {:>17}  {:>7} {:>17}  {rate:7.0} {:>5} {:7.0} {:5.2} {:6.2}",
            chain.name,
            total.median,
            interval(total),
            added.map_or_else(String::new, |it| format!("{:.2}", it.median)),
            added.map_or_else(String::new, interval),
            fastest.map_or_else(String::new, |it| format!("{:.2}", rate / it)),
            chain.samples.spread(|it| it.p99_us).median,
            chain.samples.spread(|it| it.busy).median,
            chain.samples.spread(|it| it.foreign).median,
        ));
    }
    for (bits, times) in [(2048, &result.openssl_2048), (4096, &result.openssl_4096)] {
        if let Some(time) = Spread::of(times.iter().copied()) {
            lines.push(format!(
                "one RSA-{bits} verification by OpenSSL: {:.1} us",
                time.median
            ));
        }
    }
    lines.join("\n")
}

fn interval(spread: Spread) -> String {
    format!("[{:.2} {:.2}]", spread.low, spread.high)
}
