//! What a token seen before costs in each version of Envoy that is tested.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use testbed::envoy;
use testbed::hosts::{self, Fact};

use crate::chain;
use crate::compare::compare;
use crate::lab::Lab;
use crate::rounds::Plan;
use crate::statistics::Spread;

/// The chains that say it: no filter, one that does nothing, this one.
const CHAINS: [&str; 3] = ["alone", "nothing", "hot"];

/// Measures one version after the other, tells docs/hosts.md of it, and answers the table for people to
/// read.
///
/// # Errors
/// When something cannot be had, or a chain does not do what its name says.
pub fn measure(lab: &mut Lab, plan: Plan) -> Result<String> {
    let chains: Vec<_> = chain::ALL
        .iter()
        .filter(|chain| CHAINS.contains(&chain.name))
        .collect();
    let mut table = String::from(
        "| Envoy | CPU µs | over no filter | over a filter that does nothing | low | high |\n\
         |---|---|---|---|---|---|\n",
    );
    for version in envoy::versions() {
        lab.envoy = version;
        let compared = compare(lab, &chains, &[], plan)?;
        let microseconds = |name: &str| {
            let samples = compared.samples(name).context("a chain was not measured")?;
            Ok::<_, anyhow::Error>(samples.each(|sample| sample.cpu_us))
        };
        let [alone, nothing, hot] = [
            microseconds("alone")?,
            microseconds("nothing")?,
            microseconds("hot")?,
        ];
        let more =
            |than: &[f64]| Spread::of_differences(&hot, than).context("nothing was measured");
        let (over_alone, over_nothing) = (more(&alone)?, more(&nothing)?);
        let all = Spread::of(hot.iter().copied()).context("nothing was measured")?;
        writeln!(
            table,
            "| {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            version.version,
            all.median,
            over_alone.median,
            over_nothing.median,
            over_nothing.low,
            over_nothing.high
        )?;
        let saw = format!(
            "{:.1} µs over no filter, {:.1} over one that does nothing",
            over_alone.median, over_nothing.median
        );
        hosts::saw(&hosts::envoy(version.version), Fact::Cost, &saw)?;
    }
    Ok(table.trim_end().to_owned())
}
