//! The benchmark.
use bench::{chain, compare, lab::Lab, rounds::Plan, statistics::Spread};
fn main() -> anyhow::Result<()> {
    let _interrupt = testbed::process::interrupt::install()?;
    let tools = testbed::tools::Tools::open(testbed::tools::Progress::stderr())?;
    let mut lab = Lab::open(tools, std::env::var("NICE").map_or(0, |n| n.parse().unwrap()))?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rounds = args[0].parse()?;
    let seconds = args[1].parse()?;
    let only: Vec<&str> = args[2].split(',').collect();
    let chains: Vec<_> = chain::ALL
        .iter()
        .filter(|c| only == ["all"] || only.contains(&c.name))
        .collect();
    let builds: Vec<_> = args[3..]
        .iter()
        .map(|a| {
            let (l, m) = a.split_once('=').unwrap();
            compare::Build {
                label: l.into(),
                module: m.into(),
            }
        })
        .collect();
    let c = compare::compare(&mut lab, &chains, &builds, Plan { rounds, seconds })?;
    let nothing = c
        .samples("nothing")
        .map(|s| s.each(|s| s.cpu_us))
        .unwrap_or_default();
    for m in &c.chains {
        let cpu = m.samples.each(|s| s.cpu_us);
        let rps = m.samples.spread(|s| s.requests_per_second);
        let s = m.samples.spread(|s| s.cpu_us);
        println!(
            "{:28} {:8.0} r/s  cpu {:7.2} [{:.2} {:.2}]  +nothing {:7.2}  busy {:.2} p50 {:.0} foreign {:.2}",
            m.name,
            rps.median,
            s.median,
            s.low,
            s.high,
            Spread::of_differences(&cpu, &nothing).map_or(0.0, |s| s.median),
            m.samples.spread(|s| s.busy).median,
            m.samples.spread(|s| s.p50_us).median,
            m.samples.spread(|s| s.foreign).median
        );
    }
    println!(
        "openssl {:?} {:?}",
        Spread::of(c.openssl_2048),
        Spread::of(c.openssl_4096)
    );
    Ok(())
}
