//! Before the stack: what is missing is installed and built, several things at once.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use testbed::artifact;
use testbed::registry::Release;
use testbed::tools::{
    BUILDAH, DISTRIBUTION_2, DISTRIBUTION_3, ENVOY, FUNC_E, Progress, SKOPEO, Source, Tool, Tools,
    WASM32_WASIP1,
};

use crate::paint;
use crate::progress::{Job, side_by_side};

/// What the stack is made of.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The artifact.
    pub(super) filter: PathBuf,
    pub(super) edgectl: PathBuf,
    /// Whether Envoy can be run through func-e.
    pub(super) func_e: bool,
}

/// The tools of the demo. Not among them: docker, which is used when it is there.
pub(super) fn needed(release: Release) -> [&'static Tool; 6] {
    let registry = match release {
        Release::Distribution2 => &DISTRIBUTION_2,
        Release::Distribution3 => &DISTRIBUTION_3,
    };
    [&WASM32_WASIP1, &ENVOY, registry, &SKOPEO, &BUILDAH, &FUNC_E]
}

/// Installs and builds. Lanes are by what they wait for: apt for its own lock, the others for the
/// network; the two builds for nothing of each other, being of different profiles and targets.
pub(super) fn prepare(release: Release, tools: &Tools) -> Result<Prepared> {
    let filter = OnceLock::new();
    let edgectl = OnceLock::new();
    let silent = Tools::at(tools.folder(), Progress::Silent)?;

    let mut wasm = Vec::new();
    let (mut apt, mut python, mut go) = (Vec::new(), Vec::new(), Vec::new());
    for tool in needed(release) {
        if tools.find(tool).is_some() {
            continue;
        }
        let what = format!("installing {} {}", tool.name, tool.version);
        let silent = &silent;
        let mut job = Job::new(what.trim(), move || silent.ensure(tool).map(drop));
        if tool.name == FUNC_E.name {
            job = job.optional();
        }
        match tool.source {
            Source::Apt { .. } | Source::AptUnpacked { .. } => apt.push(job),
            Source::Go { .. } => go.push(job),
            Source::RustTarget | Source::Cargo { .. } => wasm.push(job),
            Source::Python { .. } | Source::Path { .. } => python.push(job),
        }
    }
    wasm.push(Job::new("building the filter", || {
        artifact::filter(&silent).map(|path| drop(filter.set(path)))
    }));
    let tool = vec![Job::new("building edgectl", || {
        artifact::edgectl(&silent).map(|path| drop(edgectl.set(path)))
    })];
    side_by_side(vec![wasm, tool, apt, python, go])?;

    let func_e = tools.find(&FUNC_E).is_some();
    if !func_e {
        paint::say("    Envoy is run by itself, not through func-e.");
    }
    Ok(Prepared {
        filter: filter.into_inner().context("the filter was not built")?,
        edgectl: edgectl.into_inner().context("edgectl was not built")?,
        func_e,
    })
}
