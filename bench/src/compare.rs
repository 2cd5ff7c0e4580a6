//! All chains under the same load, in one run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::bootstrap::Filter;
use crate::chain::{self, ALONE, Bits, Chain, HOT, Kind, Load};
use crate::lab::{HOST_SIGNATURES, Lab, configuration};
use crate::load::{Prepared, Requests};
use crate::native;
use crate::progress::Progress;
use crate::proxy::Proxy;
use crate::rounds::{Contender, Plan, Samples, measure};
use crate::statistics::Spread;
use crate::tokens::{REPOSITORY, pull};

/// What a filter without `verify_signature` logs at its first signature.
const SANDBOX_LINE: &str = "signatures are verified in the sandbox";

/// Another build of the filter, to be compared with the one of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Name, after an `@` in the table.
    pub label: String,
    /// The module.
    pub module: PathBuf,
}

impl Build {
    /// From `FILE`, which is then called by its name, or `NAME=FILE`.
    #[must_use]
    pub fn parse(argument: &str) -> Self {
        let file = |text: &str| std::path::absolute(text).unwrap_or_else(|_| text.into());
        match argument.split_once('=') {
            Some((label, module)) => Self {
                label: label.to_owned(),
                module: file(module),
            },
            None => {
                let module = file(argument);
                let label = module.file_stem().unwrap_or_default();
                Self {
                    label: label.to_string_lossy().into_owned(),
                    module,
                }
            }
        }
    }
}

/// A chain that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Name; with `@` and its label for another build.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Every round.
    pub samples: Samples,
}

/// All of them, and OpenSSL's times beside them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// How it was measured.
    pub plan: Plan,
    /// Chains, in the order of the table.
    pub chains: Vec<Measured>,
    /// Microseconds of one RSA-2048 verification by OpenSSL, by round.
    pub openssl_2048: Vec<f64>,
    /// Microseconds of one RSA-4096 verification by OpenSSL, by round.
    pub openssl_4096: Vec<f64>,
}

impl Comparison {
    /// The samples of a chain, if it was measured.
    #[must_use]
    pub fn samples(&self, name: &str) -> Option<&Samples> {
        let chain = self.chains.iter().find(|chain| chain.name == name)?;
        Some(&chain.samples)
    }
}

/// A chain with the build it is measured with; `None` is the workspace's.
type Entry<'a> = (&'static Chain, Option<&'a Build>);

/// One Envoy for all chains that differ in what is sent alone.
type Key = (Kind, Option<String>);

/// Measures chains. Those with the filter are measured once more for each of `builds`.
///
/// # Errors
/// When a chain does not do what its name says.
pub fn compare(
    lab: &mut Lab,
    chains: &[&'static Chain],
    builds: &[Build],
    plan: Plan,
) -> Result<Comparison> {
    let entries: Vec<Entry<'_>> = chains
        .iter()
        .flat_map(|&chain| {
            let others = builds.iter().filter(|_| chain.kind.has_filter());
            std::iter::once((chain, None)).chain(others.map(move |build| (chain, Some(build))))
        })
        .collect();
    let requests = prepare(lab, chains)?;
    let proxies = start(lab, &entries)?;
    let mut contenders = Vec::new();
    for (chain, build) in &entries {
        let proxy = proxies
            .get(&key(chain, *build))
            .context("a proxy for each chain")?;
        contenders.push(Contender {
            name: name(chain, *build),
            proxy,
            requests: requests
                .get(&chain.load)
                .context("requests for each load")?
                .clone(),
            refused: chain.load.is_refused(),
            // Long enough for V8 to have compiled the module once more, optimized.
            warm_up: if plan.is_smoke() { 0 } else { 3_000 },
        });
    }
    let mut result = Comparison {
        plan,
        ..Comparison::default()
    };
    let (tools, cores) = (lab.tools.clone(), lab.cores);
    let samples = measure("chains", &mut lab.loader, &contenders, plan, |round| {
        // It takes four seconds, and OpenSSL has nothing to warm up.
        if !plan.is_smoke() && (round == 1 || round == plan.rounds) {
            let native = native::measure(&tools, cores)?;
            result.openssl_2048.push(native.rsa_2048);
            result.openssl_4096.push(native.rsa_4096);
        }
        Ok(())
    })?;
    for (proxy_key, proxy) in &proxies {
        expect_verifier(proxy_key, proxy)?;
        expect_counters(proxy_key, proxy)?;
    }
    result.chains = entries
        .iter()
        .zip(samples)
        .map(|((chain, build), samples)| Measured {
            name: name(chain, *build),
            about: chain.about.to_owned(),
            samples,
        })
        .collect();
    expect_cold(&result, chains)?;
    Ok(result)
}

fn name(chain: &Chain, build: Option<&Build>) -> String {
    match build {
        None => chain.name.to_owned(),
        Some(build) => format!("{}@{}", chain.name, build.label),
    }
}

fn key(chain: &Chain, build: Option<&Build>) -> Key {
    (chain.kind, build.map(|build| build.label.clone()))
}

/// Mints what the chains send.
fn prepare(lab: &Lab, chains: &[&'static Chain]) -> Result<BTreeMap<Load, Prepared>> {
    let mut prepared = BTreeMap::new();
    let mut progress = Progress::begin("minting tokens", chains.len());
    for chain in chains {
        progress.step(chain.name);
        if prepared.contains_key(&chain.load) {
            continue;
        }
        let one = |bits: Bits| lab.signer(bits).token(vec![pull(REPOSITORY)]);
        let tokens = match chain.load {
            Load::Same(bits) => vec![one(bits)?],
            Load::Cycle(count, bits) => lab.signer(bits).tokens(count)?,
            Load::Absent => Vec::new(),
            Load::Forged(bits) => vec![lab.signer(bits).forged()?],
        };
        let requests = Requests {
            method: "GET",
            path: format!("/v2/{REPOSITORY}/manifests/latest"),
            tokens,
        };
        prepared.insert(chain.load, lab.loader.prepare(chain.name, &requests)?);
    }
    Ok(prepared)
}

fn start(lab: &Lab, entries: &[Entry<'_>]) -> Result<BTreeMap<Key, Proxy>> {
    let mut proxies = BTreeMap::new();
    for (chain, build) in entries {
        let key = key(chain, *build);
        if proxies.contains_key(&key) {
            continue;
        }
        let module = build.map_or(&lab.filter, |build| &build.module);
        let wasm = |token_cache, withheld| Filter::Wasm {
            module,
            configuration: configuration(&lab.bundle(), token_cache),
            withheld,
        };
        let small = Some((chain::COLD_ENTRIES, 1 << 24));
        let filter = match chain.kind {
            Kind::Envoy => Filter::Absent,
            Kind::Nothing => Filter::Wasm {
                module: &lab.nothing,
                configuration: String::new(),
                withheld: &[],
            },
            Kind::JwtAuthn | Kind::JwtAuthnCached => Filter::JwtAuthn {
                jwks: lab.jwks()?,
                cached: (chain.kind == Kind::JwtAuthnCached).then_some(1_000),
            },
            Kind::Filter => wasm(None, &[]),
            Kind::FilterSmallCache => wasm(small, &[]),
            Kind::FilterSandboxed => wasm(small, &[HOST_SIGNATURES]),
        };
        let file = name(chain, *build);
        proxies.insert(key, lab.proxy(&file, filter)?);
    }
    Ok(proxies)
}

/// Whether the filter took the verifier that the chain is about, by its own word.
fn expect_verifier(key: &Key, proxy: &Proxy) -> Result<()> {
    let sandboxed = proxy.log_text().contains(SANDBOX_LINE);
    let expected = key.0 == Kind::FilterSandboxed;
    ensure!(
        sandboxed == expected,
        "signatures were verified {}, against what the chain is about; the log:\n{}",
        if sandboxed {
            "in the sandbox"
        } else {
            "by the host"
        },
        proxy.log_text()
    );
    Ok(())
}

/// What Envoy counted: no answer of its own making, and `jwt_authn` did what the chain is about.
fn expect_counters(key: &Key, proxy: &Proxy) -> Result<()> {
    let own = proxy.counter("downstream_rq_5xx")?;
    ensure!(
        own == 0,
        "{:?}: Envoy answered {own} requests with 5xx",
        key.0
    );
    if !matches!(key.0, Kind::JwtAuthn | Kind::JwtAuthnCached) {
        return Ok(());
    }
    let count = |name: &str| proxy.counter(&format!("jwt_authn.{name}"));
    let (allowed, denied) = (count("allowed")?, count("denied")?);
    ensure!(
        allowed > 0 && denied == 0,
        "jwt_authn allowed {allowed} requests and denied {denied}"
    );
    let (hit, miss) = (count("jwt_cache_hit")?, count("jwt_cache_miss")?);
    let expected = match key.0 {
        Kind::JwtAuthnCached => hit > 100 * miss,
        _ => hit == 0,
    };
    ensure!(
        expected,
        "jwt_authn found {hit} tokens in its cache and missed {miss}, against what the chain is about"
    );
    Ok(())
}

/// A chain in which every request costs a signature has to cost at least half of one more than a hot
/// one. (The filter counts nothing itself; its cache of fewer entries than there are tokens makes
/// the chain cold, and this would show that it did not.)
fn expect_cold(result: &Comparison, chains: &[&'static Chain]) -> Result<()> {
    let median = |name: &str| {
        result
            .samples(name)
            .map(|it| it.spread(|it| it.cpu_us).median)
    };
    let Some(base) = median(HOT).or_else(|| median(ALONE)) else {
        return Ok(());
    };
    for chain in chains {
        let Load::Cycle(_, bits) = chain.load else {
            continue;
        };
        let openssl = match bits {
            Bits::B2048 => &result.openssl_2048,
            Bits::B4096 => &result.openssl_4096,
        };
        let signature = Spread::of(openssl.iter().copied()).map_or(0.0, |it| it.median);
        let cost = median(chain.name).unwrap_or_default();
        ensure!(
            cost >= base + signature / 2.0,
            "{}: {cost:.1} us a request, beside {base:.1} without a signature, which costs \
             {signature:.1}: its tokens were not verified each time",
            chain.name
        );
    }
    Ok(())
}
