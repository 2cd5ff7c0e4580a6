//! `cargo xtask tools`: which programs the project needs, and which of them are here.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;
use testbed::process::output;
use testbed::tools::{self, Progress, Source, Tool, Tools};

use crate::{cli, paint};

/// Lists the tools; installs what is missing first, when asked to.
pub(crate) fn run(options: &cli::Tools) -> Result<ExitCode> {
    let tools = Tools::open(Progress::stderr())?;
    let mut failed = false;
    if let Some(names) = &options.install {
        for tool in wanted(names) {
            if let Err(error) = tools.ensure(tool) {
                failed = true;
                paint::complain(&format!("{}: {error}", paint::red("error")));
            }
        }
    }
    paint::say(&format!("Tools folder: {}", tools.folder().display()));
    for tool in tools::ALL {
        for line in lines(&tools, tool) {
            paint::say(&line);
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The tools of these names; all that can be installed, when there are none.
fn wanted(names: &[String]) -> impl Iterator<Item = &'static Tool> {
    tools::ALL.iter().copied().filter(move |tool| {
        let installable = !matches!(tool.source, Source::Path { .. });
        (names.is_empty() && installable) || names.iter().any(|name| name == tool.name)
    })
}

fn lines(tools: &Tools, tool: &Tool) -> Vec<String> {
    let name = format!("{:<23}", tool.name);
    match tools.find(tool) {
        Some(path) => vec![format!(
            "  {} {name} {:<10} {:<42} {}",
            paint::green("found  "),
            version(tool, &path),
            tool.purpose,
            paint::dim(&path.display().to_string()),
        )],
        None => vec![
            format!(
                "  {} {name} {:<10} {}",
                paint::yellow("missing"),
                tool.version,
                tool.purpose
            ),
            paint::dim(&format!("          to have it: {}", tools.remedy(tool))),
        ],
    }
}

/// The wanted version, which is the one that was found; else what the program says.
fn version(tool: &Tool, path: &Path) -> String {
    if !tool.version.is_empty() {
        return tool.version.to_owned();
    }
    if matches!(tool.source, Source::RustTarget) {
        return String::new();
    }
    // The second is openssl's.
    ["--version", "version"]
        .into_iter()
        .filter_map(|argument| output(Command::new(path).arg(argument)).ok())
        .find_map(|text| first_version(&text))
        .unwrap_or_default()
}

/// The first word of a program's `--version` that looks like one.
fn first_version(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || c == ',' || c == '(')
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_programs_print_them() {
        for (text, expected) in [
            ("skopeo version 1.9.3", Some("1.9.3")),
            ("Docker version 28.1.1, build 4eba377", Some("28.1.1")),
            ("buildah version 1.28.2 (image-spec 1.0.2)", Some("1.28.2")),
            (
                "OpenSSL 3.0.17 1 Jul 2025 (Library: OpenSSL 3.0.17)",
                Some("3.0.17"),
            ),
            ("docker-registry v2.8.2+unknown", Some("2.8.2+unknown")),
            ("no version", None),
        ] {
            assert_eq!(first_version(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn without_names_everything_that_can_be_installed_is_wanted() {
        let names = |names: &[&str]| -> Vec<&str> {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            wanted(&names).map(|tool| tool.name).collect()
        };
        let all = names(&[]);
        assert!(
            all.contains(&"envoy") && !all.contains(&"docker"),
            "{all:?}"
        );
        assert_eq!(names(&["docker"]), ["docker"]);
    }
}
