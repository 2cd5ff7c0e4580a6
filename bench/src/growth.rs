//! How cost grows with what grows in use: a series for each.

use anyhow::{Context as _, Result};
use edgectl::Access;
use serde::{Deserialize, Serialize};

use crate::bootstrap::{Behind, Filter};
use crate::chain::{Bits, COLD_ENTRIES, COLD_TOKENS};
use crate::lab::{Lab, configuration};
use crate::load::{Prepared, Requests};
use crate::progress::Progress;
use crate::proxy::{Proxy, Settings};
use crate::rounds::{Contender, Plan, Samples, measure};
use crate::statistics::Spread;
use crate::tokens::{REPOSITORY, Signer, pull};

mod series;

pub use series::{ALL, Kind, Named};

/// A cache that no series fills.
const ROOMY: (usize, usize) = (200_000, 600 << 20);

/// One series, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Name on the command line.
    pub name: String,
    /// In the order of growth.
    pub points: Vec<Point>,
}

/// One point: the same requests through an Envoy with the filter and through one without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// How much there is of what grows.
    pub size: u64,
    /// Processor time of Envoy for one request without the filter, microseconds.
    pub alone_us: Spread,
    /// The same with the filter.
    pub filter_us: Spread,
    /// What the filter adds, from pairs of one round.
    pub added_us: Spread,
}

/// A point before it is measured.
struct Pair {
    size: u64,
    alone: Proxy,
    filter: Proxy,
    requests: Prepared,
    warm_up: u64,
    /// Who answers behind both, if not they themselves.
    _server: Option<Proxy>,
}

/// Measures one series.
///
/// # Errors
/// When an Envoy does not answer as it must.
pub fn measure_series(lab: &mut Lab, named: &Named, plan: Plan) -> Result<Series> {
    let mut pairs = Vec::new();
    let mut preparing = Progress::begin(&format!("{}: preparing", named.name), named.sizes.len());
    for &size in named.sizes {
        preparing.step(&size.to_string());
        pairs.push(prepare(lab, named, size)?);
    }
    drop(preparing);
    let mut contenders = Vec::new();
    for pair in &pairs {
        for (proxy, warm_up) in [(&pair.alone, 1_000), (&pair.filter, pair.warm_up)] {
            contenders.push(Contender {
                name: format!("{} {}", named.name, pair.size),
                proxy,
                requests: pair.requests.clone(),
                refused: false,
                warm_up,
            });
        }
    }
    let samples = measure(named.name, &mut lab.loader, &contenders, plan, |_| Ok(()))?;
    let points = pairs.iter().zip(samples.chunks(2)).map(|(pair, samples)| {
        let [alone, filter] = samples else {
            anyhow::bail!("two contenders make a point");
        };
        point(pair.size, alone, filter).context("a series without rounds")
    });
    Ok(Series {
        name: named.name.to_owned(),
        points: points.collect::<Result<_>>()?,
    })
}

fn point(size: u64, alone: &Samples, filter: &Samples) -> Option<Point> {
    let cpu = |samples: &Samples| samples.each(|it| it.cpu_us);
    Some(Point {
        size,
        alone_us: Spread::of(cpu(alone))?,
        filter_us: Spread::of(cpu(filter))?,
        added_us: Spread::of_differences(&cpu(filter), &cpu(alone))?,
    })
}

fn prepare(lab: &Lab, named: &Named, size: u64) -> Result<Pair> {
    let count = usize::try_from(size)?;
    let signer = lab.signer(Bits::B2048);
    let mut path = format!("/v2/{REPOSITORY}/manifests/latest");
    let mut tokens = Vec::new();
    let mut cache = ROOMY;
    let mut bundle = lab.bundle();
    let mut concurrency = 1;
    let mut server = None;
    match named.kind {
        Kind::Tokens => tokens = lab.tokens(count)?,
        Kind::Access => {
            // Short ones: wrk takes no request with more than 80 KiB of header (http_parser).
            let others = (1..count).map(|it| Access::repository(format!("g/{it}"), ["pull"]));
            tokens.push(signer.token(others.chain([pull(REPOSITORY)]).collect())?);
        }
        Kind::Certificates => {
            tokens = lab.tokens(COLD_TOKENS)?;
            cache.0 = COLD_ENTRIES;
            bundle = signer.certificate().to_owned();
            for _ in 1..count {
                bundle.insert_str(0, Signer::generate(2048)?.certificate());
            }
        }
        Kind::Path => path.push_str(&format!(
            "?{}",
            "n".repeat(count.saturating_sub(path.len() + 1))
        )),
        Kind::Workers => concurrency = u32::try_from(size)?,
        Kind::Blob => {
            path = format!("/v2/{REPOSITORY}/blobs/sha256:{}", "0".repeat(64));
            server = Some(start(
                lab,
                &format!("blob-{size}-server"),
                Filter::Absent,
                Behind::Body(count),
                1,
            )?);
        }
    }
    if tokens.is_empty() {
        tokens.push(signer.token(vec![pull(REPOSITORY)])?);
    }
    let name = format!("{}-{size}", named.name);
    let behind = server
        .as_ref()
        .map_or(Behind::DirectResponse, |it| Behind::Server(it.port()));
    let filter = Filter::Wasm {
        module: &lab.filter,
        configuration: configuration(&bundle, Some(cache)),
        withheld: &[],
    };
    // Every token at least once where they are to have been seen, and some for V8.
    let warm_up = u64::try_from(tokens.len())? + 3_000;
    Ok(Pair {
        size,
        alone: start(
            lab,
            &format!("{name}-alone"),
            Filter::Absent,
            behind,
            concurrency,
        )?,
        filter: start(lab, &name, filter, behind, concurrency)?,
        requests: lab.loader.prepare(
            &name,
            &Requests {
                method: "GET",
                path,
                tokens,
            },
        )?,
        warm_up,
        _server: server,
    })
}

/// One worker runs on Envoy's core; a second one has to share the load's. So does a server.
fn start(
    lab: &Lab,
    name: &str,
    filter: Filter<'_>,
    behind: Behind,
    concurrency: u32,
) -> Result<Proxy> {
    let cores = match (behind, concurrency) {
        (Behind::Body(_), _) => lab.cores.load.to_string(),
        (_, 1) => lab.cores.envoy.to_string(),
        _ => lab.cores.both(),
    };
    let settings = Settings {
        name,
        envoy: lab.envoy,
        filter,
        behind,
        concurrency,
        pinned: lab.cores,
        cores,
    };
    Proxy::start(&lab.tools, lab.folder.path(), &settings)
}
