//! What others sent, made safe to print: one line, no control or invisible character, not too long.

use crate::challenge::quote;

/// The longest text that is shown whole, in characters.
const LONGEST: usize = 240;

/// Bytes from outside, escaped as Go's `strconv.Quote` does it, without the quotes.
pub(super) fn shown(text: &[u8]) -> String {
    // Cut before quoting, so that the work does not grow with what was sent. An escape takes four
    // bytes at least one character.
    let head = text.get(..LONGEST * 4).unwrap_or(text);
    let quoted = quote::quoted(head);
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(&quoted);
    let mut cut: String = inner.chars().take(LONGEST).collect();
    if cut.len() < inner.len() || head.len() < text.len() {
        cut.push_str(&format!("… ({} bytes)", text.len()));
    }
    cut
}

/// Text in which backslashes and quotes stand for themselves, because whoever wrote it escaped it
/// already: only what must not be printed is escaped.
pub(super) fn shown_once(text: &str) -> String {
    let kept = |piece: &str| shown(piece.as_bytes());
    let mut out = String::new();
    for (index, letter) in text.chars().take(LONGEST).enumerate() {
        match letter {
            '"' | '\\' => out.push(letter),
            other => out.push_str(&kept(other.encode_utf8(&mut [0; 4]))),
        }
        if index + 1 == LONGEST {
            out.push('…');
        }
    }
    out
}

/// What others sent, in quotes.
pub(super) fn in_quotes(text: &str) -> String {
    format!("\"{}\"", shown(text.as_bytes()))
}

/// `a, b and c`; `nothing` without any.
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_one_short_printable_line() {
        for (sent, seen) in [
            (&b"group/app"[..], "group/app"),
            (b"a\x1b[31m\r\nb", r"a\x1b[31m\r\nb"),
            (b"\xff\x00", r"\xff\x00"),
            ("\u{202e}evil\u{200b}".as_bytes(), r"\u202eevil\u200b"),
            (b"<script>", "<script>"),
        ] {
            assert_eq!(shown(sent), seen);
        }
        let long = shown(&vec![0; 65_536]);
        assert!(
            long.ends_with("… (65536 bytes)") && long.chars().count() < 260,
            "{long}"
        );
    }

    #[test]
    fn what_is_escaped_already_is_not_escaped_again() {
        assert_eq!(shown_once(r#"a\"b\x1b"#), r#"a\"b\x1b"#);
        assert_eq!(shown_once("a\x1bb"), r"a\x1bb");
    }

    #[test]
    fn lists_are_read_aloud() {
        let list =
            |items: &[&str]| listed(&items.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(list(&[]), "nothing");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
