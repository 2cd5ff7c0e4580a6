//! The parts of documents that are figures: between `<!-- bench:NAME -->` and `<!-- /bench -->`.

use anyhow::{Context as _, Result};

use crate::chain::{ALONE, CHALLENGE, COLD, COLD_WASM, HOT, JWT, JWT_CACHED, NOTHING};
use crate::compare::Measured;
use crate::growth;
use crate::report::Report;
use crate::rounds::Sample;
use crate::statistics::Spread;
use crate::targets::targets;

/// The document with its figures those of `report`.
///
/// # Errors
/// When a mark names no table or has no end.
pub fn filled(document: &str, report: &Report) -> Result<String> {
    const OPEN: &str = "<!-- bench:";
    const CLOSE: &str = "<!-- /bench -->";
    let mut text = String::new();
    let mut rest = document;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, after) = after
            .split_once(" -->")
            .context("a mark that does not end")?;
        let (_, after) = after
            .split_once(CLOSE)
            .with_context(|| format!("bench:{name} has no end"))?;
        let table = table(name, report).with_context(|| format!("bench:{name} is no table"))?;
        text.push_str(&format!("{before}{OPEN}{name} -->\n{table}{CLOSE}"));
        rest = after;
    }
    Ok(text + rest)
}

fn table(name: &str, report: &Report) -> Option<String> {
    match name {
        "chains" => Some(chains(report, None)),
        "short" => Some(chains(
            report,
            Some(&[NOTHING, JWT_CACHED, HOT, JWT, COLD, COLD_WASM, CHALLENGE]),
        )),
        "targets" => Some(target_lines(report)),
        "growth" => Some(series(report)),
        "memory" => Some(memory(report)),
        "taken" => Some(taken(report)),
        _ => None,
    }
}

fn rows(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|&it| it.to_owned()).collect();
    let rule = vec!["---".to_owned(); head.len()];
    let rows = rows.into_iter().map(|cells| line(&cells));
    line(&head) + &line(&rule) + &rows.collect::<String>()
}

/// `None` for all of them with every column, else those named, with few.
fn chains(report: &Report, only: Option<&[&str]>) -> String {
    let Some(comparison) = &report.comparison else {
        return String::new();
    };
    let alone = comparison.samples(ALONE);
    let cpu = |sample: &Sample| sample.cpu_us;
    let cells = |chain: &Measured| {
        let added = alone
            .and_then(|alone| Spread::of_differences(&chain.samples.each(cpu), &alone.each(cpu)))
            .filter(|_| chain.name != ALONE);
        let rate = chain.samples.spread(|it| it.requests_per_second);
        let ratio = alone.and_then(|alone| {
            let each = |it: &Sample| it.requests_per_second;
            Spread::of_ratios(&chain.samples.each(each), &alone.each(each))
        });
        let total = chain.samples.spread(cpu);
        let added_text = added.map_or_else(String::new, |it| format!("{:.2}", it.median));
        let interval =
            added.map_or_else(String::new, |it| format!("{:.2} to {:.2}", it.low, it.high));
        let ratio = ratio.map_or_else(String::new, |it| format!("{:.2}", it.median));
        if only.is_some() {
            return vec![
                chain.about.clone(),
                added_text,
                format!("{:.0}", rate.median),
            ];
        }
        vec![
            format!("`{}`", chain.name),
            chain.about.clone(),
            format!("{:.2}", total.median),
            added_text,
            interval,
            format!("{:.0}", rate.median),
            ratio,
            format!("{:.0}", chain.samples.spread(|it| it.p50_us).median),
            format!("{:.0}", chain.samples.spread(|it| it.p99_us).median),
            format!("{:.2}", chain.samples.spread(|it| it.busy).median),
            format!("{:.2}", chain.samples.spread(|it| it.foreign).median),
        ]
    };
    let shown = comparison
        .chains
        .iter()
        .filter(|chain| only.is_none_or(|names| names.contains(&chain.name.as_str())));
    if only.is_some() {
        return rows(
            &[
                "",
                "adds, us of Envoy's processor time a request",
                "requests a second",
            ],
            shown.map(cells),
        );
    }
    let table = rows(
        &[
            "chain",
            "what",
            "cpu us",
            "added us",
            "quartiles",
            "req/s",
            "of alone",
            "p50 us",
            "p99 us",
            "busy",
            "others",
        ],
        shown.map(cells),
    );
    let openssl = [
        (2048, &comparison.openssl_2048),
        (4096, &comparison.openssl_4096),
    ]
    .into_iter()
    .filter_map(|(bits, times)| {
        let time = Spread::of(times.iter().copied())?;
        Some(format!(
            "One RSA-{bits} verification by OpenSSL on the same core in the same run: {:.1} us.\n",
            time.median
        ))
    });
    format!(
        "{table}\n{} rounds of {} s.\n{}",
        comparison.plan.rounds,
        comparison.plan.seconds,
        openssl.collect::<String>()
    )
}

fn target_lines(report: &Report) -> String {
    let lines = targets(report).into_iter().map(|target| {
        vec![
            target.what.to_owned(),
            target.bound,
            format!("{:.2}", target.measured),
            (if target.reached {
                "reached"
            } else {
                "**not reached**"
            })
            .to_owned(),
        ]
    });
    rows(&["target", "bound", "measured", ""], lines)
}

fn series(report: &Report) -> String {
    let lines = growth::ALL
        .iter()
        .filter_map(|named| {
            let series = report.growth.iter().find(|it| it.name == named.name)?;
            Some((named, series))
        })
        .flat_map(|(named, series)| {
            series.points.iter().map(|point| {
                vec![
                    named.about.to_owned(),
                    point.size.to_string(),
                    format!("{:.2}", point.alone_us.median),
                    format!("{:.2}", point.filter_us.median),
                    format!("{:.2}", point.added_us.median),
                    format!("{:.2} to {:.2}", point.added_us.low, point.added_us.high),
                ]
            })
        });
    rows(
        &[
            "what grows",
            "to",
            "without filter, cpu us",
            "with it, cpu us",
            "added us",
            "quartiles",
        ],
        lines,
    )
}

fn memory(report: &Report) -> String {
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    let stages = report.memory.iter().flat_map(|memory| &memory.stages);
    let lines = stages.map(|stage| {
        vec![
            stage.name.clone(),
            stage.requests.to_string(),
            mib(stage.sandbox),
            mib(stage.resident),
        ]
    });
    rows(
        &[
            "stage",
            "requests so far",
            "sandbox, MiB",
            "Envoy resident, MiB",
        ],
        lines,
    )
}

fn taken(report: &Report) -> String {
    let lines = report.taken.iter().map(|(part, taken)| {
        vec![
            part.clone(),
            taken.day.clone(),
            taken.commit.clone(),
            taken.envoy.clone(),
            taken.processor.clone(),
        ]
    });
    rows(&["part", "day", "commit", "Envoy", "processor"], lines)
}

#[cfg(test)]
mod tests {
    use testbed::artifact::root;

    use super::*;
    use crate::plot;

    fn read(name: &str) -> String {
        std::fs::read_to_string(root().join(name)).unwrap()
    }

    #[test]
    fn the_documents_and_plots_say_what_the_kept_report_says() {
        let report: Report = serde_json::from_str(&read("docs/performance.json")).unwrap();
        for document in ["docs/performance.md", "README.md"] {
            let text = read(document);
            assert!(text.contains("<!-- bench:"), "{document} has no figures");
            assert_eq!(
                filled(&text, &report).unwrap(),
                text,
                "{document}: `cargo xtask bench --draw` writes it anew"
            );
        }
        assert_eq!(plot::chains(&report).unwrap(), read("docs/performance.svg"));
        assert_eq!(
            plot::growth(&report).unwrap(),
            read("docs/performance-growth.svg")
        );
    }

    #[test]
    fn marks_are_filled_and_wrong_ones_refused() {
        let report = Report::default();
        let text = "a\n<!-- bench:memory -->\nold\n<!-- /bench -->\nb\n";
        let new = filled(text, &report).unwrap();
        assert!(
            new.starts_with("a\n<!-- bench:memory -->\n| stage |"),
            "{new}"
        );
        assert!(new.ends_with("|\n<!-- /bench -->\nb\n"), "{new}");
        for wrong in [
            "<!-- bench:memory -->",
            "<!-- bench:x --><!-- /bench -->",
            "<!-- bench:",
        ] {
            assert!(filled(wrong, &report).is_err(), "{wrong}");
        }
    }
}
