//! One Envoy, pinned to its core.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testbed::envoy::Admin;
use testbed::process::{Process, free_port};
use testbed::tools::{Tool, Tools};

use crate::bootstrap::{Behind, Filter, Ports, bootstrap};
use crate::cores::Cores;
use crate::procfs;

const READY: Duration = Duration::from_secs(30);

/// A running Envoy with one listener.
#[derive(Debug)]
pub struct Proxy {
    process: Process,
    port: u16,
    admin: Admin,
}

/// What an Envoy is started with.
#[derive(Debug)]
pub struct Settings<'a> {
    /// Name of its files.
    pub name: &'a str,
    /// Which Envoy.
    pub envoy: &'static Tool,
    /// Its filter.
    pub filter: Filter<'a>,
    /// What is behind it.
    pub behind: Behind,
    /// Worker threads.
    pub concurrency: u32,
    /// Which cores there are.
    pub pinned: Cores,
    /// Those it may use, as `taskset --cpu-list` reads them.
    pub cores: String,
}

impl Proxy {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// When Envoy cannot be had, refuses its configuration, or is not ready in time.
    pub fn start(tools: &Tools, folder: &Path, settings: &Settings<'_>) -> Result<Self> {
        let ports = Ports {
            listener: free_port()?,
            admin: free_port()?,
        };
        let file = folder.join(format!("{}.json", settings.name));
        let document = bootstrap(ports, &settings.filter, settings.behind);
        std::fs::write(&file, document.to_string())
            .with_context(|| format!("cannot write {}", file.display()))?;
        let envoy = tools.ensure(settings.envoy)?;
        let mut command = settings.pinned.command(tools, &settings.cores, &envoy)?;
        command.arg("-c").arg(&file);
        command.args(["--disable-hot-restart", "--log-level", "warning"]);
        command.args(["--concurrency", &settings.concurrency.to_string()]);
        let log = folder.join(format!("{}.log", settings.name));
        let mut process = Process::spawn("envoy", command, &log)?;
        process.wait_for_port(ports.listener, READY)?;
        Ok(Self {
            process,
            port: ports.listener,
            admin: Admin::new(ports.admin),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A counter of its connection manager, by the name after `http.bench.`.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn counter(&self, name: &str) -> Result<u64> {
        Ok(self.admin.stat(&format!("http.bench.{name}"))?)
    }

    /// What it logged, warnings and above.
    #[must_use]
    pub fn log_text(&self) -> String {
        self.process.log_text()
    }

    /// Processor time it took so far, in seconds.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu_seconds(&self) -> Result<f64> {
        procfs::cpu_seconds(self.process.pid()).context("Envoy has ended under load")
    }

    /// Its process, for what else Linux counts.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The status it answers one request with.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn status(&self, method: &str, path: &str, token: Option<&str>) -> Result<u16> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .max_response_header_size(1 << 21)
            .proxy(None)
            .build()
            .new_agent();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = agent.run(request.body(())?)?;
        Ok(answer.status().as_u16())
    }
}
