//! `cargo xtask nginx`: the native module for each version of NGINX that the project knows.

use std::process::ExitCode;

use anyhow::Result;
use testbed::nginx::Version;
use testbed::tools::{Progress, Tools};

use crate::paint;

pub(crate) fn run() -> Result<ExitCode> {
    let tools = Tools::open(Progress::stderr())?;
    for version in Version::ALL {
        let module = version.module(&tools)?;
        paint::say(&format!("{}  {}", version.name(), module.display()));
    }
    Ok(ExitCode::SUCCESS)
}
