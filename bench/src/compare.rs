//! All chains under the same load, in one run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use crate::bootstrap::Filter;
use crate::chain::{self, Bits, Chain, Kind, Load};
use crate::lab::{HOST_SIGNATURES, Lab, configuration};
use crate::load::{Prepared, Requests};
use crate::native;
use crate::progress::Progress;
use crate::proxy::Proxy;
use crate::rounds::{Contender, Plan, Samples, measure};
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

/// A chain that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Name; with `@` and its label for another build.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Every round.
    pub samples: Samples,
}

/// All of them, and OpenSSL's times beside them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Comparison {
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
            warm_up: 5_000,
        });
    }
    let mut result = Comparison::default();
    let wants_native = chains
        .iter()
        .any(|chain| chain.kind == Kind::FilterSandboxed);
    let (tools, cores) = (lab.tools.clone(), lab.cores);
    let samples = measure("chains", &mut lab.loader, &contenders, plan, || {
        if wants_native {
            let native = native::measure(&tools, cores)?;
            result.openssl_2048.push(native.rsa_2048);
            result.openssl_4096.push(native.rsa_4096);
        }
        Ok(())
    })?;
    for (proxy_key, proxy) in &proxies {
        expect_verifier(proxy_key, proxy)?;
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
            numbered: matches!(chain.load, Load::Forged(_)),
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
