//! Memory: of Envoy, and of the sandbox in it.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::bootstrap::Filter;
use crate::chain::Bits;
use crate::lab::{Lab, configuration};
use crate::load::{Prepared, Requests};
use crate::procfs;
use crate::progress::Progress;
use crate::proxy::Proxy;
use crate::tokens::{REPOSITORY, pull};

/// Distinct valid tokens: ten times what the cache keeps by default, so that in turn every one is
/// new to it each time. Making a million would take RSA longer than everything else together.
const TOKENS: usize = 100_000;

/// What the cache keeps by default.
const KEPT: u64 = 10_000;

/// New tokens of each sort that are sent in the end: half a million valid ones, and as many that
/// are well formed, each another, with a wrong signature.
const EACH: u64 = 500_000;

/// Seconds of one run of the load.
const RUN: u64 = 2;

/// What was read at each stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// In the order of time.
    pub stages: Vec<Stage>,
}

/// A reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// What had happened.
    pub name: String,
    /// Requests answered so far.
    pub requests: u64,
    /// Resident memory of Envoy, bytes.
    pub resident: u64,
    /// Linear memory of the worker's sandbox, bytes; 0 without one.
    pub sandbox: u64,
}

/// The stages' names, which the targets refer to.
pub const ALONE: &str = "without filter";
/// With the filter, before any token.
pub const EMPTY: &str = "empty cache";
/// After as many tokens as are kept.
pub const FULL: &str = "full cache";
/// After a million that were not in the cache when they came.
pub const MILLION: &str = "after a million tokens new to it";

/// Takes the readings.
///
/// # Errors
/// When Envoy does not answer as it must.
pub fn measure(lab: &mut Lab) -> Result<Memory> {
    let signer = lab.signer(Bits::B2048);
    let mut progress = Progress::begin("memory", 4);
    progress.step("minting 100 000 tokens");
    let tokens = lab.tokens(TOKENS)?;
    let path = format!("/v2/{REPOSITORY}/manifests/latest");
    let prepare = |name: &str, tokens: Vec<String>| {
        let method = "GET";
        let path = path.clone();
        lab.loader.prepare(
            name,
            &Requests {
                method,
                path,
                tokens,
            },
        )
    };
    let one = prepare("memory-one", vec![signer.token(vec![pull(REPOSITORY)])?])?;
    let valid = prepare("memory-valid", tokens)?;
    let forged = prepare("memory-forged", vec![signer.forged()?])?;

    let alone = lab.proxy("memory-alone", Filter::Absent)?;
    let filter = Filter::Wasm {
        module: &lab.filter,
        configuration: configuration(&lab.bundle(), None),
        withheld: &[],
    };
    let proxy = lab.proxy("memory", filter)?;
    let mut stages = Vec::new();
    let sent = send(lab, &alone, &one, 1, false)?;
    stages.push(read(ALONE, &alone, sent)?);
    let mut sent = send(lab, &proxy, &one, 1, false)?;
    stages.push(read(EMPTY, &proxy, sent)?);
    progress.step("filling the cache");
    sent += send(lab, &proxy, &valid, 2 * KEPT, false)?;
    stages.push(read(FULL, &proxy, sent)?);
    progress.step("half a million valid tokens");
    sent += send(lab, &proxy, &valid, EACH, false)?;
    progress.step("half a million forged tokens");
    sent += send(lab, &proxy, &forged, EACH, true)?;
    stages.push(read(MILLION, &proxy, sent)?);
    Ok(Memory { stages })
}

/// Sends at least `count` requests, all of which must be refused or none.
fn send(
    lab: &mut Lab,
    proxy: &Proxy,
    requests: &Prepared,
    count: u64,
    refused: bool,
) -> Result<u64> {
    let mut sent = 0;
    while sent < count {
        let seconds = if count == 1 { 1 } else { RUN };
        let run = lab.loader.run(requests, proxy.port(), seconds)?;
        let expected = if refused { run.requests } else { 0 };
        anyhow::ensure!(
            run.refused == expected,
            "memory: {} of {} requests were refused, expected {expected}",
            run.refused,
            run.requests
        );
        sent += run.requests;
    }
    Ok(sent)
}

fn read(name: &str, proxy: &Proxy, requests: u64) -> Result<Stage> {
    Ok(Stage {
        name: name.to_owned(),
        requests,
        resident: procfs::resident_bytes(proxy.pid())?,
        sandbox: procfs::sandbox_bytes(proxy.pid())?
            .first()
            .copied()
            .unwrap_or_default(),
    })
}
