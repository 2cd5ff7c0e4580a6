//! `cargo xtask hosts`: what was seen of each host.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use testbed::artifact::root;
use testbed::hosts;

use crate::cli::Hosts;
use crate::paint;

/// Around the table in docs/hosts.md.
const MARKS: [&str; 2] = ["<!-- table -->\n", "\n<!-- end of table -->"];

/// Prints the table, or writes it.
pub(crate) fn run(options: &Hosts) -> Result<ExitCode> {
    let table = hosts::table()?;
    if !options.write {
        paint::say(&table);
        return Ok(ExitCode::SUCCESS);
    }
    let file = root().join("docs/hosts.md");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let text = within(&text, &table).context("docs/hosts.md has no place for the table")?;
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    paint::say(&format!("wrote {}", file.display()));
    Ok(ExitCode::SUCCESS)
}

/// The document with this table in it.
fn within(document: &str, table: &str) -> Option<String> {
    let [beginning, end] = MARKS;
    let (before, rest) = document.split_once(beginning)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{beginning}{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_put_between_its_marks() {
        let document = "a\n<!-- table -->\nold\n<!-- end of table -->\nb\n";
        let expected = "a\n<!-- table -->\nnew\n<!-- end of table -->\nb\n";
        assert_eq!(within(document, "new").as_deref(), Some(expected));
        assert_eq!(within(expected, "new").as_deref(), Some(expected));
        assert_eq!(within("no marks", "new"), None);
    }
}
