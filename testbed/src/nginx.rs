//! A stock NGINX that runs with the module.

mod version;

pub use version::Version;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::{Process, read_lossy};
use crate::tools::Tools;

const READY: Duration = Duration::from_secs(20);

/// Where NGINX puts what does not fit into memory.
const TEMPORARY: &str = "\
client_body_temp_path body;
proxy_temp_path proxy;
fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi;
scgi_temp_path scgi;
";

/// What NGINX is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which one.
    pub version: Version,
    /// The module for it: [`Version::module`].
    pub module: PathBuf,
    /// How many workers.
    pub workers: u32,
    /// What it is to do.
    pub text: Text,
}

/// A configuration, which begins with what a test wants the same everywhere: the module, logs and
/// temporary files in the folder, nothing in the background.
#[derive(Debug, Clone)]
pub enum Text {
    /// The inside of the `http` block.
    Http(String),
    /// A whole file, without `load_module`.
    Whole(String),
}

/// A running NGINX; it ends with this value.
#[derive(Debug)]
pub struct Nginx {
    program: PathBuf,
    folder: PathBuf,
    settings: Settings,
    process: Process,
}

impl Nginx {
    /// Writes the configuration to `folder`, and starts NGINX, which is installed or built when it is
    /// not there. It is ready when `port` accepts connections.
    ///
    /// # Errors
    /// When something cannot be had, or NGINX does not listen within 20 seconds.
    pub fn start(tools: &Tools, settings: Settings, folder: &Path, port: u16) -> Result<Self> {
        let program = settings.version.program(tools)?;
        write(folder, &settings)?;
        let mut command = Command::new(&program);
        command.arg("-p").arg(folder).args(["-c", "nginx.conf"]);
        let mut process = Process::spawn("nginx", command, &folder.join("nginx.log"))?;
        process.wait_for_port(port, READY)?;
        Ok(Self {
            program,
            folder: folder.to_owned(),
            settings,
            process,
        })
    }

    /// Process id of the master.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Process ids of the workers that run now.
    #[must_use]
    pub fn workers(&self) -> Vec<u32> {
        let pid = self.pid();
        let list = read_lossy(Path::new(&format!("/proc/{pid}/task/{pid}/children")));
        list.split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect()
    }

    /// The error log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// What was logged so far.
    #[must_use]
    pub fn log_text(&self) -> String {
        read_lossy(self.log())
    }

    /// Replaces the configuration and has the master read it, as `nginx -s reload` does. What the
    /// master makes of it is in the log.
    ///
    /// # Errors
    /// When a file cannot be written or the master cannot be signalled.
    pub fn reload(&mut self, http: &str) -> Result<()> {
        self.settings.text = Text::Http(http.to_owned());
        write(&self.folder, &self.settings)?;
        let mut signal = Command::new(&self.program);
        signal.arg("-p").arg(&self.folder);
        signal.args(["-c", "nginx.conf", "-s", "reload"]);
        crate::process::output(&mut signal).map(drop)
    }
}

/// `nginx -t` on a configuration that is written to `folder`. Answers what NGINX printed.
///
/// # Errors
/// [`Error::Command`] with what NGINX printed when it refuses.
pub fn try_out(tools: &Tools, settings: &Settings, folder: &Path) -> Result<String> {
    write(folder, settings)?;
    let mut command = Command::new(settings.version.program(tools)?);
    command
        .arg("-p")
        .arg(folder)
        .args(["-c", "nginx.conf", "-t"]);
    crate::process::output(&mut command)
}

fn write(folder: &Path, settings: &Settings) -> Result<()> {
    let module = settings.module.display();
    let preface = format!("load_module {module};\ndaemon off;\npid nginx.pid;\n");
    // Workers as the user who starts it, so that the folder is theirs too.
    let user = if rustix::process::geteuid().is_root() {
        "user root;\n"
    } else {
        ""
    };
    let text = match &settings.text {
        Text::Http(http) => format!(
            "{preface}{user}worker_processes {};\nerror_log stderr info;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\naccess_log off;\n{TEMPORARY}{http}\n}}\n",
            settings.workers
        ),
        Text::Whole(text) => {
            format!("{preface}{user}{text}").replace("http {\n", &format!("http {{\n{TEMPORARY}"))
        }
    };
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text).map_err(Error::io("write", &file))
}
