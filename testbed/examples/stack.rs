//! Starts a local stack, pushes and pulls an image through it, and serves until Ctrl-C.
//!
//! ```text
//! cargo run -p testbed --example stack
//! ```
//!
//! `FILTER=<file>` and `EDGECTL=<file>` use these instead of building them; `FUNC_E=1` runs Envoy
//! through func-e; `ONCE=1` ends after the round.

use std::env::var_os;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use testbed::clients::{Buildah, Skopeo};
use testbed::issuer::User;
use testbed::process::interrupt;
use testbed::tools::{Progress, Tools};
use testbed::{Result, Stack, envoy};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let interrupt = interrupt::install()?;
    let tools = Tools::open(Progress::stderr())?;
    let alice = User::new("alice", "alice-password").may("team", &["pull", "push", "delete"]);

    let start = Instant::now();
    let mut builder = Stack::builder(&tools)
        .user(alice.clone())
        .envoy(envoy::Settings {
            through_func_e: var_os("FUNC_E").is_some(),
            ..Default::default()
        });
    if let Some(file) = var_os("FILTER") {
        builder = builder.wasm(Path::new(&file));
    }
    if let Some(file) = var_os("EDGECTL") {
        builder = builder.edgectl(Path::new(&file));
    }
    let stack = builder.start()?;
    println!("{} serves after {:?}", stack.url(), start.elapsed());
    for (name, log) in stack.logs() {
        println!("  {name}: {}", log.display());
    }

    let target = stack.target();
    let image = target.image("team/app", "1");
    let buildah = Buildah::new(&tools, &target)?;
    let skopeo = Skopeo::new(&tools, &target)?;
    for outcome in [
        buildah.login(&alice)?,
        skopeo.login(&alice)?,
        buildah.build(&image, "hello")?,
        buildah.push(&image)?,
        buildah.remove(&image)?,
        buildah.pull(&image)?,
        skopeo.inspect(&image)?,
        skopeo.delete(&image)?,
    ] {
        let outcome = outcome.success()?;
        println!("{:>6} ms  {}", outcome.took.as_millis(), outcome.command);
    }
    if var_os("ONCE").is_none() {
        println!("Ctrl-C ends it.");
        interrupt.wait();
    }
    Ok(())
}
