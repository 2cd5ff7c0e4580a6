//! Text for people: colours, and printing that survives a reader who went away.
//!
//! Everything is written with its colours; `anstream` takes them out again where there is no
//! terminal or `NO_COLOR` is set.

use std::io::Write as _;

use anstyle::{AnsiColor, Effects, Style};

/// A line on standard output. Not `println!`, which panics when nobody reads any more.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{line}");
}

/// A line on standard error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

pub(crate) fn bold(text: &str) -> String {
    styled(Style::new().effects(Effects::BOLD), text)
}

pub(crate) fn dim(text: &str) -> String {
    styled(Style::new().effects(Effects::DIMMED), text)
}

pub(crate) fn red(text: &str) -> String {
    styled(colour(AnsiColor::Red).effects(Effects::BOLD), text)
}

pub(crate) fn green(text: &str) -> String {
    styled(colour(AnsiColor::Green), text)
}

pub(crate) fn yellow(text: &str) -> String {
    styled(colour(AnsiColor::Yellow), text)
}

pub(crate) fn cyan(text: &str) -> String {
    styled(colour(AnsiColor::Cyan), text)
}

/// A duration as people read it: `0.4 s`, `12.3 s`, `2 min 5 s`.
pub(crate) fn seconds(duration: std::time::Duration) -> String {
    let whole = duration.as_secs();
    if whole < 100 {
        format!("{:.1} s", duration.as_secs_f32())
    } else {
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

/// Text folded to lines of at most `width` characters, broken at blanks where there are any.
pub(crate) fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let length = line.chars().count() + word.chars().count() + 1;
        if !line.is_empty() && length > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn durations() {
        for (milliseconds, expected) in [
            (40, "0.0 s"),
            (12_340, "12.3 s"),
            (99_000, "99.0 s"),
            (125_900, "2 min 5 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn folding_loses_nothing() {
        let text = "a bb ccc dddd averyveryverylongword e";
        assert_eq!(folded(text, 1_000), [text]);
        assert_eq!(folded(text, 8).join(" "), text);
        assert_eq!(folded(text, 8)[0], "a bb ccc");
        assert_eq!(folded("", 8), [""]);
    }
}
