//! Rules of the repository that no compiler knows.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use testbed::artifact::root;
use testbed::tools::WASM32_WASIP1;

use crate::runner::{Runner, cargo};

/// A source file longer than this is due to be split.
const MANY_LINES: usize = 400;

/// Larger files are data.
const MOST_BYTES: u64 = 1_000_000;

/// The beginnings of paths that exist on one machine only. In two pieces, because this file is
/// looked at too.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

pub(super) fn tidy(runner: &mut Runner) -> Result<String> {
    let mut wrong = host_split(runner)?;
    let mut long = 0_usize;
    for path in files(root())? {
        let Some(text) = text(&path)? else { continue };
        let name = path.strip_prefix(root()).unwrap_or(&path).display();
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(problem) = problem(line) {
                wrong.push(format!("{name}:{number}: {problem}: {}", line.trim()));
            }
        }
        let lines = text.lines().count();
        if path.extension().is_some_and(|kind| kind == "rs") && lines > MANY_LINES {
            long += 1;
            runner.say(&format!("warning: {name} has {lines} lines; split it"));
        }
    }
    for line in &wrong {
        runner.say(line);
    }
    match wrong.len() {
        0 if long > 0 => Ok(format!("{long} files of more than {MANY_LINES} lines")),
        0 => Ok(String::new()),
        1 => bail!("one rule is broken"),
        more => bail!("rules are broken in {more} places"),
    }
}

/// The core knows no host: natively the proxy-wasm SDK is not in the dependency graph; in the
/// artifact it is (or this stage would look for the wrong thing).
fn host_split(runner: &mut Runner) -> Result<Vec<String>> {
    runner.ensure(&WASM32_WASIP1)?;
    let mut wrong = Vec::new();
    for (target, expected) in [(None, false), (Some(WASM32_WASIP1.name), true)] {
        let mut command = cargo(&["tree", "--package", "registry-token-filter"]);
        command.args(["--edges", "normal", "--prefix", "none", "--format", "{p}"]);
        if let Some(target) = target {
            command.args(["--target", target]);
        }
        let tree = runner.quiet(command)?;
        let found = tree.lines().any(|line| line.starts_with("proxy-wasm v"));
        let graph = target.unwrap_or("native");
        runner.say(&format!(
            "proxy-wasm in the {graph} dependency graph: {}",
            if found { "yes" } else { "no" }
        ));
        if found != expected {
            wrong.push(format!(
                "proxy-wasm has {} in the {graph} dependency graph",
                if expected { "to be" } else { "no place" }
            ));
        }
    }
    Ok(wrong)
}

/// All files of the repository, whether committed yet or not: everything but what is built and git's
/// own.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let context = || format!("cannot list {}", folder.display());
        for entry in std::fs::read_dir(&folder).with_context(context)? {
            let entry = entry.with_context(context)?;
            let kind = entry.file_type().with_context(context)?;
            let name = entry.file_name();
            if kind.is_dir() && name != "target" && name != ".git" && name != "node_modules" {
                folders.push(entry.path());
            } else if kind.is_file() && name != ".git" {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The file's text; nothing when it is data.
fn text(path: &Path) -> Result<Option<String>> {
    let context = || format!("cannot read {}", path.display());
    if std::fs::metadata(path).with_context(context)?.len() > MOST_BYTES {
        return Ok(None);
    }
    Ok(String::from_utf8(std::fs::read(path).with_context(context)?).ok())
}

/// What a line must not have, if it has it.
fn problem(line: &str) -> Option<&'static str> {
    if MACHINE_PATHS.iter().any(|path| has_path(line, path)) {
        return Some("a path of one machine");
    }
    has_issue_number(line).then_some("a number of an issue, which says nothing without its tracker")
}

/// Whether `path` begins in `line`, as it does not inside the path of a URL.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || "-_.~/}".contains(c))
    })
}

/// Whether a word of `line` begins with `#` and goes on with digits only, or names an issue by its
/// address.
fn has_issue_number(line: &str) -> bool {
    let numbered = |text: &str| {
        let digits = text.chars().take_while(char::is_ascii_digit).count();
        let after = text.chars().nth(digits);
        digits > 0 && !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let hash = line.match_indices('#').any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let begins = before.is_none_or(|c| c.is_whitespace() || "([,".contains(c));
        // The public-key cryptography standards are numbered so.
        let standard = line
            .get(..at)
            .is_some_and(|before| before.ends_with("PKCS "));
        begins && !standard && line.get(at + 1..).is_some_and(numbered)
    });
    let address = ["/issues/", "/pull/", "/merge_requests/"]
        .iter()
        .any(|kind| {
            line.split(kind)
                .skip(1)
                .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
    hash || address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_repository() {
        let home = MACHINE_PATHS[1];
        for (line, wrong) in [
            ("a plain line".to_owned(), false),
            (format!("cd {home}me/src"), true),
            (format!("\"{home}me\""), true),
            (format!("https://example.com{home}me"), false),
            (format!("${{HOME}}{home}x"), false),
            (format!("fixes {}", concat!("#", "12")), true),
            (format!("({})", concat!("#", "12")), true),
            ("a PKCS #8 key".to_owned(), false),
            ("# 12 things".to_owned(), false),
            ("#12ab34".to_owned(), false),
            ("colour: \"#000\"".to_owned(), false),
            ("[link](#2-why)".to_owned(), false),
            ("rfc9110#12".to_owned(), false),
            (format!("example.com/a/b{}7", "/issues/"), true),
            ("example.com/issues/list".to_owned(), false),
        ] {
            assert_eq!(problem(&line).is_some(), wrong, "{line}");
        }
    }
}
