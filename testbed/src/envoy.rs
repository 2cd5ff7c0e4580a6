//! Envoy with the production bootstrap, made local.
//!
//! The file that runs is `envoy/envoy.yaml` with its site-specific places replaced (see
//! [`bootstrap`]); nothing else of it changes, so that what is tested is what is shipped.

mod admin;
pub mod bootstrap;
mod document;
pub mod listeners;

pub use admin::Admin;
pub use bootstrap::Site;
pub use document::Document;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::process::{Process, read_lossy};
use crate::tools::{ENVOY, FUNC_E, OLDER_ENVOYS, Tool, Tools, on_path};

const READY: Duration = Duration::from_secs(30);
const UPDATE: Duration = Duration::from_secs(20);

/// Names the version of Envoy to run, such as `1.37.0`; without it the newest of the catalogue runs.
pub const VERSION_VARIABLE: &str = "REGISTRY_TOKEN_FILTER_ENVOY";

/// The versions of Envoy that the filter is for, the newest first.
pub fn versions() -> impl Iterator<Item = &'static Tool> {
    std::iter::once(&ENVOY).chain(&OLDER_ENVOYS)
}

/// The Envoy that [`VERSION_VARIABLE`] names.
///
/// # Errors
/// When it names none of [`versions`].
pub fn chosen() -> Result<&'static Tool> {
    let Some(wanted) = std::env::var_os(VERSION_VARIABLE).filter(|wanted| !wanted.is_empty())
    else {
        return Ok(&ENVOY);
    };
    versions()
        .find(|known| *known.version == *wanted)
        .ok_or_else(|| {
            let known: Vec<&str> = versions().map(|known| known.version).collect();
            Error::Other(format!(
                "{VERSION_VARIABLE}: found {}; expected one of {}",
                wanted.display(),
                known.join(", ")
            ))
        })
}

/// Whether the chosen Envoy is at least 1.`minor`: for what versions do differently.
///
/// # Errors
/// As [`chosen`].
pub fn is_at_least(minor: u32) -> Result<bool> {
    let parts = chosen()?
        .version
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse::<u32>().ok());
    Ok(parts.is_some_and(|chosen| chosen >= minor))
}

/// How Envoy is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// This Envoy, instead of the catalogue's.
    pub binary: Option<PathBuf>,
    /// Through `func-e run`, in the foreground as its documentation shows it. A func-e on the PATH will do.
    pub through_func_e: bool,
    /// Whether the listener comes from a file that Envoy watches, for [`Envoy::update_plugin`].
    pub listener_from_file: bool,
    /// Number of workers. The filter's caches are per worker.
    pub concurrency: u32,
    /// `--log-level`; the filter's own lines are at `info` and above.
    pub log_level: String,
    /// Further `--component-log-level`, such as `wasm:debug`; empty for none.
    pub component_log_level: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            binary: None,
            through_func_e: false,
            listener_from_file: false,
            concurrency: 2,
            log_level: "info".to_owned(),
            component_log_level: String::new(),
        }
    }
}

/// What Envoy did with a configuration update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// The new configuration serves.
    Accepted,
    /// The old configuration serves on.
    Rejected,
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: Admin,
    configuration: PathBuf,
    listener: Option<(PathBuf, Document)>,
}

impl Envoy {
    /// Writes the bootstrap for `site` to `folder`, starts Envoy and waits until it is ready.
    /// `adjust` may change the bootstrap last, after it was made local.
    ///
    /// # Errors
    /// When Envoy cannot be had, refuses the configuration (its log says why) or is not ready within
    /// 30 seconds.
    pub fn start(
        tools: &Tools,
        site: &Site,
        settings: &Settings,
        folder: &Path,
        adjust: impl FnOnce(&mut Document) -> Result<()>,
    ) -> Result<Self> {
        let program = match &settings.binary {
            Some(binary) => binary.clone(),
            None => tools.ensure(chosen()?)?,
        };
        let mut document = bootstrap::production()?;
        bootstrap::localize(&mut document, site)?;
        adjust(&mut document)?;
        let listener = if settings.listener_from_file {
            let file = folder.join("listener.json");
            let listener = bootstrap::listener_from_file(&mut document, &file)?;
            write_whole(&file, &listener.to_json())?;
            Some((file, listener))
        } else {
            None
        };
        let configuration = folder.join("envoy.yaml");
        write_whole(&configuration, &document.to_yaml()?)?;

        let mut command = if settings.through_func_e {
            let func_e = match on_path(FUNC_E.name) {
                Some(func_e) => func_e,
                None => tools.ensure(&FUNC_E)?,
            };
            let mut command = Command::new(func_e);
            // With ENVOY_PATH func-e runs that binary and downloads none.
            command
                .env("ENVOY_PATH", &program)
                .env("FUNC_E_HOME", folder.join("func-e"));
            command.args(["run", "-c"]).arg(&configuration);
            command
        } else {
            let mut command = Command::new(&program);
            command.arg("-c").arg(&configuration);
            command
        };
        command.current_dir(folder);
        // Hot restart has its own parent-death signal, which comes when the *thread* that started
        // Envoy ends; and it wants a number that no other Envoy of the machine has.
        command.arg("--disable-hot-restart");
        // Ten seconds is the default: too late for who looks at the access log now.
        command.args(["--file-flush-interval-msec", "100"]);
        command.args(["--concurrency", &settings.concurrency.to_string()]);
        command.args(["--log-level", &settings.log_level]);
        if !settings.component_log_level.is_empty() {
            command.args(["--component-log-level", &settings.component_log_level]);
        }
        let mut process = Process::spawn("envoy", command, &folder.join("envoy.log"))?;
        let admin = Admin::new(site.admin_port);
        process.wait_until("its admin interface saying ready", READY, || {
            admin.is_ready()
        })?;
        process.wait_for_port(site.port, READY)?;
        Ok(Self {
            process,
            admin,
            configuration,
            listener,
        })
    }

    /// The admin interface.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Process id; with func-e that of func-e.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The command line, as a person would type it.
    #[must_use]
    pub fn command(&self) -> &str {
        self.process.command()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// The bootstrap that runs.
    #[must_use]
    pub fn configuration(&self) -> &Path {
        &self.configuration
    }

    /// Envoy's log, with the access log's JSON lines in it.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// What Envoy logged so far.
    #[must_use]
    pub fn log_text(&self) -> String {
        read_lossy(self.log())
    }

    /// The access log's entries so far.
    #[must_use]
    pub fn access_log(&self) -> Vec<serde_json::Value> {
        let text = self.log_text();
        let entries = text.lines().filter(|line| line.starts_with('{'));
        entries
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Waits until `nodes` nodes of the pool are healthy.
    ///
    /// # Errors
    /// When they are not within `deadline`.
    pub fn wait_for_nodes(&mut self, nodes: u64, deadline: Duration) -> Result<()> {
        let admin = self.admin.clone();
        self.process
            .wait_until(&format!("{nodes} healthy nodes"), deadline, || {
                admin
                    .stat("cluster.registry.membership_healthy")
                    .is_ok_and(|healthy| healthy == nodes)
            })
    }

    /// Gives the running Envoy another filter configuration, the way a control plane would: the
    /// listener's file is replaced by renaming. Answers what Envoy made of it.
    ///
    /// # Errors
    /// Without [`Settings::listener_from_file`], or when Envoy does not react within 20 seconds.
    pub fn update_plugin(&mut self, plugin_configuration: &str) -> Result<Update> {
        self.update_listener(|listener| {
            let place = "resources[0].filter_chains[0].filters[0].typed_config\
                .http_filters[name=registry_token_filter].typed_config.config.configuration.value";
            listener.set(place, plugin_configuration)
        })
    }

    /// As [`Envoy::update_plugin`], for any change of the listener, which is `resources[0]` of the
    /// document.
    ///
    /// # Errors
    /// As [`Envoy::update_plugin`], and those of `change`.
    pub fn update_listener(
        &mut self,
        change: impl FnOnce(&mut Document) -> Result<()>,
    ) -> Result<Update> {
        let Some((file, current)) = &self.listener else {
            return Err(Error::Other(
                "this Envoy's listener does not come from a file".to_owned(),
            ));
        };
        let mut next = current.clone();
        change(&mut next)?;
        let before = Lds::read(&self.admin)?;
        write_whole(file, &next.to_json())?;
        let start = Instant::now();
        loop {
            let now = Lds::read(&self.admin)?;
            if now.rejected > before.rejected {
                return Ok(Update::Rejected);
            }
            // Warming is over when the workers have the listener.
            if now.accepted > before.accepted && now.warming == 0 {
                if let Some((_, current)) = &mut self.listener {
                    *current = next;
                }
                return Ok(Update::Accepted);
            }
            if start.elapsed() > UPDATE {
                return Err(Error::Other(format!(
                    "Envoy did not react to the update in {UPDATE:?}"
                )));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Counters of listener updates.
struct Lds {
    accepted: u64,
    rejected: u64,
    warming: u64,
}

impl Lds {
    fn read(admin: &Admin) -> Result<Self> {
        let stat = |name: &str| admin.stat(&format!("listener_manager.{name}"));
        Ok(Self {
            accepted: stat("lds.update_success")?,
            rejected: stat("lds.update_rejected")?,
            warming: stat("total_listeners_warming")?,
        })
    }
}

/// `envoy --mode validate`: Envoy reads `configuration` and configures the filter with it, without
/// serving. Answers Envoy's output.
///
/// # Errors
/// [`Error::Command`] with Envoy's output when it refuses.
pub fn try_out(tools: &Tools, configuration: &Path) -> Result<String> {
    let mut command = Command::new(tools.ensure(chosen()?)?);
    command
        .args(["--mode", "validate", "--disable-hot-restart", "-c"])
        .arg(configuration);
    crate::process::output(&mut command)
}

/// Replaces a file in one step, so that a watching Envoy never reads half of it.
fn write_whole(file: &Path, text: &str) -> Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    std::fs::write(&new, text).map_err(Error::io("write", &new))?;
    std::fs::rename(&new, file).map_err(Error::io("replace", file))
}
