//! Go's two ways of quoting a string, as the registry uses them.
//!
//! The header is quoted by `strconv.Quote` (not by the quoted-string rule of RFC 9110), the body
//! by `encoding/json` with HTML escaping. Both take bytes that need not be UTF-8.

use std::fmt::Write as _;

/// The text as Go's `strconv.Quote` writes it, quotes included.
///
/// The result holds no control byte and no `"` that is not escaped.
#[must_use]
pub fn quoted(text: &[u8]) -> String {
    if let Some(plain) = between_quotes(text, b"\"\\") {
        return plain;
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_quoted(&mut out, character);
        }
        for byte in chunk.invalid() {
            push(&mut out, format_args!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// The text as it is, if it is printable ASCII without any of these bytes, as realms, services and
/// nearly all names are.
fn between_quotes(text: &[u8], escaped: &[u8]) -> Option<String> {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !escaped.contains(byte);
    if !text.iter().all(is_plain) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    out.push_str(text);
    out.push('"');
    Some(out)
}

fn push_quoted(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        '\0'..' ' | '\x7f' => push(out, format_args!("\\x{:02x}", u32::from(character))),
        _ if is_printable(character) => out.push(character),
        _ if character <= '\u{ffff}' => push(out, format_args!("\\u{:04x}", u32::from(character))),
        _ => push(out, format_args!("\\U{:08x}", u32::from(character))),
    }
}

/// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII blank.
///
/// The standard library keeps the same table for `escape_debug`. Asked about a character that
/// does not stand first, it does not escape marks, which leaves exactly this distinction.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    let mut after_letter = [0; 5];
    let Some((first, rest)) = after_letter.split_first_mut() else {
        return false;
    };
    *first = b'a';
    let length = 1 + character.encode_utf8(rest).len();
    after_letter
        .get(..length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .is_some_and(|text| text.escape_debug().nth(1) == Some(character))
}

/// The text as Go's `encoding/json` writes it, quotes included.
///
/// A byte that is not UTF-8 becomes `\ufffd`, as there.
#[must_use]
pub fn json_string(text: &[u8]) -> String {
    if let Some(plain) = between_quotes(text, b"\"\\<>&") {
        return plain;
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    push(&mut out, format_args!("\\u{:04x}", u32::from(character)));
                }
                _ => out.push(character),
            }
        }
        for _ in chunk.invalid() {
            out.push_str("\\ufffd");
        }
    }
    out.push('"');
    out
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _: std::fmt::Result = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_quoted_as_go_quotes() {
        for (text, expected) in [
            (&b"group/app"[..], r#""group/app""#),
            (b"", r#""""#),
            (b"a\"b\\c", r#""a\"b\\c""#),
            (b"\r\n\t", r#""\r\n\t""#),
            (b"\x07\x08\x0c\x0b", r#""\a\b\f\v""#),
            (b"\x00\x01\x1f\x7f", r#""\x00\x01\x1f\x7f""#),
            (b"\xff\xc3", r#""\xff\xc3""#),
            (b"<b>&'", r#""<b>&'""#),
            ("ünïcode e\u{301}".as_bytes(), "\"ünïcode e\u{301}\""),
            (
                "\u{2028}\u{200b}\u{a0}".as_bytes(),
                r#""\u2028\u200b\u00a0""#,
            ),
            ("\u{feff}\u{85}".as_bytes(), r#""\ufeff\u0085""#),
            ("\u{100000}\u{1f600}".as_bytes(), "\"\\U00100000\u{1f600}\""),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn the_body_is_quoted_as_gos_json() {
        for (text, expected) in [
            (&b"group/app"[..], r#""group/app""#),
            (b"a\"b\\c/", r#""a\"b\\c/""#),
            (b"\r\n\t\x01\x08\x0c", r#""\r\n\t\u0001\u0008\u000c""#),
            (b"<b>&\x7f", "\"\\u003cb\\u003e\\u0026\x7f\""),
            (b"\xff\xfe", r#""\ufffd\ufffd""#),
            ("ü\u{2028}\u{2029}".as_bytes(), r#""ü\u2028\u2029""#),
        ] {
            assert_eq!(json_string(text), expected);
        }
    }

    #[test]
    fn no_byte_can_end_the_quotes_or_the_line() {
        for byte in 0..=u8::MAX {
            let inner = quoted(&[b'x', byte, b'x']);
            let inner = inner
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .unwrap();
            assert!(
                inner.chars().all(|character| !character.is_control()),
                "{byte}"
            );
            assert!(
                !inner.replace("\\\\", "").replace("\\\"", "").contains('"'),
                "{byte}"
            );
        }
    }
}
