//! An explanation as text for a terminal.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use registry_token_filter::explain::{
    Cause, Explanation, LogExplanation, Member, Outcome, Standing, StepReport, TokenSays, Verdict,
};

use crate::cli::Failure;

const WIDTH: usize = 100;
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// What a line alone cannot tell.
pub(super) const NEXT: &str = "
With the request, the configuration and a token at hand, every step is shown:
  $ edgectl explain --config edge.json --token-file FILE \"METHOD PATH\"
";

/// Writes a text, without its colours where nobody sees them.
pub(super) fn show(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    write!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot write to stdout: {error}").into())
}

/// The verdict, the steps, the causes, the token, the answer.
pub(super) fn explanation(told: &Explanation) -> String {
    let mut out = verdict(told.verdict, told.reason);
    out.push_str(&paragraph(&told.summary, ""));
    out.push_str(&format!(
        "\n{}\n",
        paint(DIM, &format!("Decided for {}", told.at))
    ));
    for report in &told.steps {
        out.push_str(&step(report));
    }
    out.push_str(&causes(&told.causes));
    if let Some(token) = &told.token {
        out.push_str(&token_says(token));
    }
    if let Some(answer) = &told.answer {
        out.push_str(&format!("\nThe client gets {}\n", answer.status));
        for (name, value) in &answer.headers {
            out.push_str(&paragraph(&format!("{name}: {value}"), "  "));
        }
    }
    out
}

/// A line of the log.
pub(super) fn line(told: &LogExplanation) -> String {
    let mut out = verdict(told.verdict, Some(told.reason));
    out.push_str(&paragraph(&told.summary, ""));
    out.push('\n');
    for (name, value) in [
        ("failed at", Some(told.title)),
        ("route", told.route.as_deref()),
        ("needs", told.required.as_deref()),
    ] {
        if let Some(value) = value {
            out.push_str(&format!("  {name:<11} {value}\n"));
        }
    }
    out.push_str(&causes(&told.causes));
    out
}

fn verdict(verdict: Verdict, reason: Option<&str>) -> String {
    let (style, word) = match verdict {
        Verdict::Forward => (GREEN, "Forwarded"),
        Verdict::Challenge => (YELLOW, "Challenged"),
        Verdict::Reject => (RED, "Rejected"),
    };
    match reason {
        Some(reason) => format!("{}: {reason}\n", paint(style, word)),
        None => format!("{}\n", paint(style, word)),
    }
}

fn step(report: &StepReport) -> String {
    let StepReport {
        title,
        outcome,
        seen,
        needed,
        ..
    } = report;
    let (mark, seen) = match (outcome, seen) {
        (Outcome::Passed, Some(seen)) => (paint(GREEN, "✓"), seen.clone()),
        (Outcome::Failed, Some(seen)) => (paint(RED, "✗"), seen.clone()),
        (_, _) => return format!("  {} {}\n", paint(DIM, "·"), paint(DIM, title)),
    };
    let indent = " ".repeat(20);
    let mut lines = paragraph(&seen, &indent);
    if *outcome == Outcome::Failed {
        lines.push_str(&paragraph(&format!("needed: {needed}"), &indent));
    }
    format!("  {mark} {title:<16}{}", lines.trim_start())
}

fn causes(causes: &[Cause]) -> String {
    if causes.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "\n{}\n",
        paint(BOLD, "What may be behind it, the likeliest first")
    );
    for (number, cause) in (1..).zip(causes) {
        let what = paragraph(&cause.what, "     ");
        out.push_str(&format!("  {number}. {}", what.trim_start()));
        let remedy = paragraph(&cause.remedy, "       ");
        out.push_str(&format!("     → {}", remedy.trim_start()));
        if let Some(command) = cause.command {
            out.push_str(&format!(
                "       {}\n",
                paint(BOLD, &format!("$ {command}"))
            ));
        }
    }
    out
}

fn token_says(token: &TokenSays) -> String {
    let claims = match token.standing {
        Standing::Proven => paint(GREEN, "proven"),
        Standing::Signed => paint(YELLOW, "signed, but not read by the filter"),
        Standing::Unproven => paint(YELLOW, "not proven: anybody may have written this"),
    };
    let mut out = String::new();
    for (name, members) in [("header", &token.header), ("claims", &token.claims)] {
        if members.is_empty() {
            continue;
        }
        let standing = if name == "claims" {
            &claims
        } else {
            "read to find the key"
        };
        let title = format!(
            "{} ({standing})",
            paint(BOLD, &format!("The token's {name}"))
        );
        out.push_str(&format!("\n{title}\n"));
        members
            .iter()
            .for_each(|member| out.push_str(&self::member(member)));
    }
    out
}

fn member(member: &Member) -> String {
    let Member { name, values, note } = member;
    let note = note
        .as_ref()
        .map(|note| format!("  {note}"))
        .unwrap_or_default();
    let value = match &values[..] {
        [] => "nothing".to_owned(),
        values => values.join("\n"),
    };
    let indent = " ".repeat(14);
    let lines: String = format!("{value}{note}")
        .lines()
        .map(|line| paragraph(line, &indent))
        .collect();
    format!("  {name:<11} {}", lines.trim_start())
}

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Words in lines of at most [`WIDTH`], each behind `indent`. A longer word has a line of its own.
pub(super) fn paragraph(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    let room = WIDTH.saturating_sub(indent.len());
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
        .iter()
        .map(|line| format!("{indent}{line}\n"))
        .collect()
}
