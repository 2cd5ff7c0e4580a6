//! What `cargo xtask` alone prints: every command with one line.

use clap::CommandFactory as _;

use crate::cli::Xtask;
use crate::paint;

/// Prints the menu.
pub(crate) fn print() {
    paint::say(&text());
}

/// The menu, made from the same text as `--help`, so that the two cannot differ.
fn text() -> String {
    let mut lines = vec![paint::bold("cargo xtask COMMAND")];
    let menu = Xtask::command();
    let longest = menu
        .get_subcommands()
        .map(|command| command.get_name().len());
    let width = longest.max().unwrap_or_default();
    for command in menu.get_subcommands() {
        let about = command.get_about().map(ToString::to_string);
        lines.push(format!(
            "  {}  {}",
            paint::cyan(&format!("{:<width$}", command.get_name())),
            about.unwrap_or_default()
        ));
    }
    lines.push(paint::dim(
        "`cargo xtask help COMMAND` explains a command and its options.",
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_one_line() {
        let text = text();
        for name in [
            "demo",
            "test",
            "build",
            "page",
            "nginx",
            "bench",
            "differential",
            "tools",
        ] {
            let lines = text.lines().filter(|line| {
                let plain = anstream::adapter::strip_str(line).to_string();
                plain.split_whitespace().next() == Some(name)
            });
            let lines: Vec<_> = lines.collect();
            assert_eq!(lines.len(), 1, "{name}: {text}");
        }
    }
}
