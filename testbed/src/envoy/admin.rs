//! Envoy's admin interface, as far as tests and demos look at it.

use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};

/// The admin interface of one Envoy.
#[derive(Debug, Clone)]
pub struct Admin {
    port: u16,
    agent: ureq::Agent,
}

impl Admin {
    /// The interface that listens on this port of 127.0.0.1.
    #[must_use]
    pub fn new(port: u16) -> Self {
        let configuration = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(5)))
            .proxy(None)
            .build();
        Self {
            port,
            agent: configuration.new_agent(),
        }
    }

    /// URL of a page, such as `clusters`.
    #[must_use]
    pub fn url(&self, page: &str) -> String {
        format!("http://127.0.0.1:{}/{page}", self.port)
    }

    /// Text of a page: `clusters`, `config_dump`, `stats/prometheus`.
    ///
    /// # Errors
    /// When Envoy does not answer, or not with 200.
    pub fn page(&self, page: &str) -> Result<String> {
        let failed = |reason: String| Error::Other(format!("{}: {reason}", self.url(page)));
        let mut answer = self
            .agent
            .get(self.url(page))
            .call()
            .map_err(|error| failed(error.to_string()))?;
        if answer.status() != 200 {
            return Err(failed(format!("answered {}", answer.status())));
        }
        answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()
            .map_err(|error| failed(error.to_string()))
    }

    /// Sends a command to the admin interface: `reset_counters`, `logging?level=debug`.
    ///
    /// # Errors
    /// When Envoy does not answer, or not with 200.
    pub fn post(&self, page: &str) -> Result<()> {
        let failed = |reason: String| Error::Other(format!("{}: {reason}", self.url(page)));
        let answer = self
            .agent
            .post(self.url(page))
            .send_empty()
            .map_err(|error| failed(error.to_string()))?;
        if answer.status() == 200 {
            Ok(())
        } else {
            Err(failed(format!("answered {}", answer.status())))
        }
    }

    /// Value of a counter or gauge by its full name; 0 while Envoy does not know it.
    ///
    /// # Errors
    /// As [`Admin::page`].
    pub fn stat(&self, name: &str) -> Result<u64> {
        let all = self.stats(name)?;
        Ok(all
            .into_iter()
            .find(|(found, _)| found == name)
            .map_or(0, |(_, value)| value))
    }

    /// All counters and gauges whose name contains `part`, sorted by name.
    ///
    /// # Errors
    /// As [`Admin::page`].
    pub fn stats(&self, part: &str) -> Result<Vec<(String, u64)>> {
        let text = self.page("stats?format=json")?;
        let parsed: Value = serde_json::from_str(&text)
            .map_err(|error| Error::Other(format!("{}: {error}", self.url("stats"))))?;
        let rows = parsed.get("stats").and_then(Value::as_array);
        let mut stats: Vec<(String, u64)> = rows
            .into_iter()
            .flatten()
            .filter_map(|row| {
                let name = row.get("name")?.as_str()?;
                Some((name.to_owned(), row.get("value")?.as_u64()?))
            })
            .filter(|(name, _)| name.contains(part))
            .collect();
        stats.sort();
        Ok(stats)
    }

    /// Whether Envoy serves: `/ready` answers 200.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.page("ready").is_ok()
    }
}
