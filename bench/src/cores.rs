//! Which core Envoy has, and which the load.

use anyhow::{Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity};

/// Two cores of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores {
    /// Envoy's: the last one, because interrupts tend to go to the first.
    pub envoy: usize,
    /// That of the load generator: the first one.
    pub load: usize,
}

impl Cores {
    /// The first and the last core this process may use.
    ///
    /// # Errors
    /// When there is only one: client and proxy would take turns.
    pub fn choose() -> Result<Self> {
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
        })
    }

    /// Both, as `taskset --cpu-list` reads them.
    #[must_use]
    pub fn both(self) -> String {
        format!("{},{}", self.load, self.envoy)
    }
}
