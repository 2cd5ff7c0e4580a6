//! Which core Envoy has, and which the load.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity};
use testbed::tools::{TASKSET, Tools};

/// Two cores of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores {
    /// Envoy's: the last one, because interrupts tend to go to the first.
    pub envoy: usize,
    /// That of the load generator: the first one.
    pub load: usize,
    /// Niceness of both; below 0 they go before other programs, which needs privileges.
    pub nice: i32,
}

impl Cores {
    /// The first and the last core this process may use.
    ///
    /// # Errors
    /// When there is only one: client and proxy would take turns.
    pub fn choose(nice: i32) -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut usable = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let (load, envoy) = (usable.next(), usable.next_back());
        ensure!(
            envoy.is_some(),
            "one core is not enough: Envoy and the load generator need one each"
        );
        Ok(Self {
            envoy: envoy.unwrap_or_default(),
            load: load.unwrap_or_default(),
            nice,
        })
    }

    /// The words in front of a program that runs on `list` of cores, as `taskset` reads it.
    ///
    /// # Errors
    /// When `taskset` cannot be had.
    pub fn command(self, tools: &Tools, list: &str, program: &Path) -> Result<Command> {
        let mut command = Command::new(tools.ensure(&TASKSET)?);
        command.args(["--cpu-list", list]);
        if self.nice != 0 {
            command.args(["nice", "-n", &self.nice.to_string()]);
        }
        command.arg(program);
        Ok(command)
    }

    /// Both, as `taskset --cpu-list` reads them.
    #[must_use]
    pub fn both(self) -> String {
        format!("{},{}", self.load, self.envoy)
    }
}
