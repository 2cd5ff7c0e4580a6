//! Installing one tool: once, to the end or not at all, with a log.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{ALL, Source, Tool, Tools, on_path, title};
use crate::error::{Error, Result};
use crate::process::{Process, output, shown, tail};

/// Longer than any of the installations takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Installs `tool`, unless another program did while we waited for the lock.
pub(super) fn install(tools: &Tools, tool: &'static Tool) -> Result<PathBuf> {
    let steps = steps(tools, tool)?;
    tools
        .progress
        .step(&format!("installing {}", title(tool)), || {
            let _lock = lock(tools, tool)?;
            if let Some(path) = tools.find(tool) {
                return Ok(path);
            }
            let place = tools.place(tool);
            let ours = !matches!(tool.source, Source::RustTarget | Source::Apt { .. });
            if ours {
                clear(&place)?;
                std::fs::create_dir_all(&place).map_err(Error::io("make folder", &place))?;
            }
            let log = tools
                .folder
                .join("logs")
                .join(format!("{}.log", title(tool).replace(' ', "-")));
            for step in steps {
                run(tool, step, &log)?;
            }
            if ours {
                let stamp = tools.stamp(tool);
                std::fs::write(&stamp, "").map_err(Error::io("write", &stamp))?;
                forget_build(tools, tool)?;
            }
            tools.find(tool).ok_or_else(|| Error::Install {
                tool: tool.name,
                reason: "the installer succeeded, but the program is not where it should be"
                    .to_owned(),
                command: remedy(tools, tool),
                tail: tail(&log),
                log,
            })
        })
}

/// What a person would type.
pub(super) fn remedy(tools: &Tools, tool: &Tool) -> String {
    match tool.source {
        Source::Path { remedy, .. } => return remedy.to_owned(),
        Source::AptUnpacked { package, .. } => {
            let place = tools.place(tool);
            return format!(
                "cd {} && apt-get download {package} && dpkg-deb --extract {package}_*.deb .",
                place.display()
            );
        }
        _ => {}
    }
    commands(tools, tool)
        .iter()
        .map(with_environment)
        .collect::<Vec<_>>()
        .join(" && ")
}

/// The commands, or [`Error::Missing`] when the installer itself is not here.
fn steps(tools: &Tools, tool: &'static Tool) -> Result<Vec<Command>> {
    let missing = |remedy: String| {
        Err(Error::Missing {
            tool: tool.name,
            remedy,
        })
    };
    match tool.source {
        Source::Path { remedy, .. } => return missing(remedy.to_owned()),
        Source::RustTarget if on_path("rustup").is_none() => {
            return missing("install rustup (https://rustup.rs), then run this again".to_owned());
        }
        Source::Go { .. } if on_path("go").is_none() => {
            return missing("install Go (https://go.dev/dl), then run this again".to_owned());
        }
        Source::Python { .. } if on_path("python3").is_none() => {
            return missing(
                "install Python 3 with its module venv, then run this again".to_owned(),
            );
        }
        Source::Apt { package, .. } | Source::AptUnpacked { package, .. }
            if on_path("apt-get").is_none() =>
        {
            return missing(format!(
                "install {package} with the system's package manager"
            ));
        }
        Source::Apt { package, .. } if privilege().is_none() => {
            return missing(format!("sudo apt-get install {package}"));
        }
        _ => {}
    }
    Ok(commands(tools, tool))
}

fn commands(tools: &Tools, tool: &Tool) -> Vec<Command> {
    let place = tools.place(tool);
    match tool.source {
        Source::Path { .. } => Vec::new(),
        Source::RustTarget => {
            let mut rustup = Command::new("rustup");
            // The toolchain is the one that builds this workspace.
            rustup
                .current_dir(crate::artifact::root())
                .args(["target", "add", tool.name]);
            vec![rustup]
        }
        Source::Go { module, .. } => {
            let mut go = Command::new("go");
            go.current_dir(std::env::temp_dir())
                .env("GOBIN", &place)
                .env("GOCACHE", go_cache(tools, tool))
                .env_remove("GOFLAGS");
            // Nothing reads the debug information, which is a fifth of what a build takes on the disk.
            go.args(["install", "-trimpath", "-gcflags=all=-dwarf=false"])
                .args(["-ldflags=-s -w", &format!("{module}@v{}", tool.version)]);
            vec![go]
        }
        Source::Python { packages, .. } => {
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv"]).arg(&place);
            let mut pip = Command::new(place.join("bin/pip"));
            pip.args(["install", "--progress-bar", "off"])
                .args(packages);
            vec![venv, pip]
        }
        Source::Cargo { package, .. } => {
            let mut cargo = Command::new("cargo");
            // Not `--locked`: the lock file in wasm-bindgen-cli names a crate that was withdrawn.
            cargo
                .current_dir(std::env::temp_dir())
                .args(["install", package]);
            // A tool that runs for seconds is not worth minutes of optimization: cargo-deny takes a
            // sixth of the time like this.
            cargo
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
                .env("CARGO_PROFILE_RELEASE_LTO", "off")
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256");
            cargo
                .args(["--version", tool.version, "--root"])
                .arg(&place);
            vec![cargo]
        }
        // A fresh machine has no package lists, an old one those of packages long replaced.
        Source::Apt { package, .. } => vec![
            apt(&["update"]),
            // Another program of the machine may hold dpkg's lock: half a minute is its habit.
            apt(&[
                "install",
                "--yes",
                "--no-install-recommends",
                "-o",
                "DPkg::Lock::Timeout=300",
                package,
            ]),
        ],
        Source::AptUnpacked { package, .. } => unpack(&place, package),
    }
}

/// Where Go keeps what it compiled for this tool. Programs of one source have one version, and share
/// most of what they are made of.
fn go_cache(tools: &Tools, tool: &Tool) -> PathBuf {
    tools.folder.join(format!("go-build-{}", tool.version))
}

/// Removes what Go compiled, two gigabytes for some, once all programs of its source are here.
fn forget_build(tools: &Tools, tool: &Tool) -> Result<()> {
    let of_one_source =
        |other: &&&Tool| matches!(other.source, Source::Go { .. }) && other.version == tool.version;
    let mut siblings = ALL.iter().filter(of_one_source);
    if siblings.all(|other| tools.find(other).is_some()) {
        clear(&go_cache(tools, tool))?;
    }
    Ok(())
}

/// Downloads a package and unpacks it. Needs no privileges: apt's state is kept beside the package,
/// so that even a machine on which `apt-get update` never ran will do.
fn unpack(place: &Path, package: &str) -> Vec<Command> {
    let private = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.current_dir(place)
            .env("DEBIAN_FRONTEND", "noninteractive");
        for (option, folder) in [("Dir::State::lists", "lists"), ("Dir::Cache", "cache")] {
            apt.arg("-o")
                .arg(format!("{option}={}/", place.join(folder).display()));
        }
        apt.args(arguments);
        apt
    };
    let mut make = Command::new("mkdir");
    make.arg("-p").args([
        place.join("lists/partial"),
        place.join("cache/archives/partial"),
    ]);
    let mut extract = Command::new("sh");
    extract
        .current_dir(place)
        .args(["-c", &format!("dpkg-deb --extract {package}_*.deb .")]);
    let mut tidy = Command::new("sh");
    tidy.current_dir(place)
        .args(["-c", "rm -rf lists cache *.deb"]);
    vec![
        make,
        private(&["update"]),
        private(&["download", package]),
        extract,
        tidy,
    ]
}

/// apt-get without questions, through sudo where that needs no password.
fn apt(arguments: &[&str]) -> Command {
    let mut words = privilege().unwrap_or_default();
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    let mut command = Command::new(words.remove(0));
    command.args(words).args(arguments);
    command
}

/// The words in front of a command that needs root; `None` when we cannot be root.
fn privilege() -> Option<Vec<&'static str>> {
    if rustix::process::geteuid().is_root() {
        return Some(Vec::new());
    }
    output(Command::new("sudo").args(["-n", "true"]))
        .ok()
        .map(|_| vec!["sudo", "-n"])
}

fn run(tool: &'static Tool, command: Command, log: &Path) -> Result<()> {
    let shown = with_environment(&command);
    let ended =
        Process::spawn(tool.name, command, log).map(|mut process| process.wait_until_ended(LIMIT));
    let reason = match ended {
        Ok(Some(status)) if status.success() => return Ok(()),
        Ok(Some(status)) => status.to_string(),
        Ok(None) => format!("not finished after {LIMIT:?}"),
        Err(error) => error.to_string(),
    };
    Err(Error::Install {
        tool: tool.name,
        reason,
        command: shown,
        log: log.to_owned(),
        tail: tail(log),
    })
}

fn with_environment(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| {
            Some(format!(
                "{}={}",
                name.to_string_lossy(),
                value?.to_string_lossy()
            ))
        })
        .collect();
    words.push(shown(command));
    words.join(" ")
}

/// One installation of a tool at a time, and one by apt, which has a lock of its own and does not
/// wait for it.
fn lock(tools: &Tools, tool: &Tool) -> Result<File> {
    let name = match tool.source {
        Source::Apt { .. } => "apt".to_owned(),
        _ => title(tool).replace(' ', "-"),
    };
    let path = tools.folder.join(format!("{name}.lock"));
    let file = File::create(&path).map_err(Error::io("open", &path))?;
    file.lock().map_err(Error::io("lock", &path))?;
    Ok(file)
}

fn clear(place: &Path) -> Result<()> {
    match std::fs::remove_dir_all(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", place)(error))
        }
        _ => Ok(()),
    }
}
