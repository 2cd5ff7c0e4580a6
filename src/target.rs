//! The request target: percent-decoding, the canonical form, and the query.
//!
//! The path is decoded once, as Go's `net/url` does for the registry. A path whose decoded form
//! would let two hops disagree about its structure is refused rather than interpreted.

use std::borrow::Cow;
use std::fmt;

/// The longest request target that is read, in bytes.
///
/// Go's `http.DefaultMaxHeaderBytes`, the registry's limit for a whole request head (measured: a
/// head of 342 kB is served, one of 2 MB is answered 431).
pub const MAX_TARGET_BYTES: usize = 1 << 20;

/// A request target that can be read in one way only.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    path: Cow<'a, [u8]>,
    query: Option<&'a [u8]>,
}

/// Why a request target is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// Longer than [`MAX_TARGET_BYTES`].
    TooLong,
    /// Does not begin with `/`.
    NotAPath,
    /// Holds a raw control byte or a blank.
    ControlByte,
    /// A `%` in the path is not followed by two hexadecimal digits.
    BadEscape,
    /// `%2F`, `%5C`, `%25` or an encoded control byte in the path: the registry would decode it
    /// into structure, another hop might not.
    AmbiguousEscape,
}

impl<'a> Target<'a> {
    /// Reads a target such as `/v2/group/app/tags/list?n=10`.
    ///
    /// # Errors
    ///
    /// One of [`TargetError`]; nothing about the target is used then.
    pub fn parse(text: &'a [u8]) -> Result<Self, TargetError> {
        if text.len() > MAX_TARGET_BYTES {
            return Err(TargetError::TooLong);
        }
        if text.first() != Some(&b'/') {
            return Err(TargetError::NotAPath);
        }
        // Go's url.Parse refuses control bytes anywhere; a blank cannot stand in a request line.
        if text.iter().any(|&byte| byte <= b' ' || byte == 0x7f) {
            return Err(TargetError::ControlByte);
        }
        let (path, query) = match text.iter().position(|&byte| byte == b'?') {
            Some(mark) => {
                let (path, rest) = text.split_at(mark);
                (path, rest.get(1..))
            }
            None => (text, None),
        };
        Ok(Self {
            path: decode_path(path)?,
            query,
        })
    }

    /// The decoded path.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The query as sent, without the `?`; `None` if there is no `?`.
    #[must_use]
    pub fn query(&self) -> Option<&'a [u8]> {
        self.query
    }

    /// The cleaned path, if cleaning changes it.
    ///
    /// Go's `path.Clean` with one trailing slash kept, as the registry's router does it: repeated
    /// slashes collapse, `.` and `..` are resolved and never lead above the root.
    #[must_use]
    pub fn cleaned(&self) -> Option<Vec<u8>> {
        let path = self.path.as_ref();
        let last = path.iter().filter(|&&byte| byte == b'/').count();
        let is_clean = path
            .split(|&byte| byte == b'/')
            .enumerate()
            .all(|(index, segment)| match segment {
                b"" => index == 0 || index == last,
                b"." | b".." => false,
                _ => true,
            });
        if is_clean {
            return None;
        }
        let mut segments: Vec<&[u8]> = Vec::new();
        for segment in path.split(|&byte| byte == b'/') {
            match segment {
                b"" | b"." => {}
                b".." => {
                    segments.pop();
                }
                _ => segments.push(segment),
            }
        }
        let mut cleaned = Vec::with_capacity(path.len());
        for segment in &segments {
            cleaned.push(b'/');
            cleaned.extend_from_slice(segment);
        }
        if cleaned.is_empty() || path.ends_with(b"/") {
            cleaned.push(b'/');
        }
        Some(cleaned)
    }

    /// The repository a blob is mounted from, by Go's `FormValue("from")`: an empty first one means
    /// none.
    #[must_use]
    pub fn mount_source(&self) -> Option<Cow<'a, [u8]>> {
        self.query_value(b"from").filter(|from| !from.is_empty())
    }

    /// The first value of a key in the query, as Go's `url.ParseQuery` reads it.
    ///
    /// Pieces are separated by `&`; one with a raw `;` or a bad escape is dropped; `+` is a blank;
    /// keys are compared after decoding, with case.
    #[must_use]
    pub fn query_value(&self, key: &[u8]) -> Option<Cow<'a, [u8]>> {
        self.query?
            .split(|&byte| byte == b'&')
            .filter(|piece| !piece.is_empty() && !piece.contains(&b';'))
            .find_map(|piece| {
                let (name, value) = match piece.iter().position(|&byte| byte == b'=') {
                    Some(sign) => {
                        let (name, rest) = piece.split_at(sign);
                        (name, rest.get(1..).unwrap_or_default())
                    }
                    None => (piece, &b""[..]),
                };
                let value = decode_query(value)?;
                (decode_query(name)?.as_ref() == key).then_some(value)
            })
    }
}

/// The value of the two hexadecimal digits at the start of `text`.
fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    match text {
        [high, low, ..] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

fn decode_path(path: &[u8]) -> Result<Cow<'_, [u8]>, TargetError> {
    let decoded = decode(path).ok_or(TargetError::BadEscape)?;
    if let Cow::Owned(_) = decoded {
        let is_ambiguous = |byte: u8| matches!(byte, b'/' | b'\\' | b'%' | ..b' ' | 0x7f);
        let mut rest = path;
        while let Some(percent) = rest.iter().position(|&byte| byte == b'%') {
            rest = rest.get(percent + 1..).unwrap_or_default();
            if hex_pair(rest).is_some_and(is_ambiguous) {
                return Err(TargetError::AmbiguousEscape);
            }
        }
    }
    Ok(decoded)
}

fn decode_query(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if text.contains(&b'+') {
        let plus_as_blank = |byte| if byte == b'+' { b' ' } else { byte };
        return decode_into(text, plus_as_blank).map(Cow::Owned);
    }
    decode(text)
}

fn decode(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if text.contains(&b'%') {
        decode_into(text, |byte| byte).map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(text))
    }
}

/// Percent-decodes `text`, passing every byte that stands for itself through `plain`; `None` if a
/// `%` lacks its digits.
fn decode_into(text: &[u8], plain: impl Fn(u8) -> u8) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            decoded.push(hex_pair(tail)?);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            decoded.push(plain(*first));
            rest = tail;
        }
    }
    Some(decoded)
}

/// The path as Go's `net/url` writes it (`escape` with `encodePath`).
#[must_use]
pub fn encode_path(path: &[u8]) -> String {
    let mut encoded = String::with_capacity(path.len());
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A target as a header value: bytes that are not ASCII are percent-encoded, as Go's
/// `hexEscapeNonASCII` does it. Control bytes and blanks never get here, see [`Target::parse`].
#[must_use]
pub fn escape_non_ascii(target: &[u8]) -> String {
    let mut escaped = String::with_capacity(target.len());
    for &byte in target {
        if byte.is_ascii() {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02x}"));
        }
    }
    escaped
}

impl TargetError {
    /// The name of this refusal in logs.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::TooLong => "target-too-long",
            Self::NotAPath => "target-not-a-path",
            Self::ControlByte => "target-control-byte",
            Self::BadEscape => "target-bad-escape",
            Self::AmbiguousEscape => "target-ambiguous-escape",
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLong => "the request target is longer than 1 MiB",
            Self::NotAPath => "the request target does not begin with a slash",
            Self::ControlByte => "the request target holds a control byte or a blank",
            Self::BadEscape => "a percent sign in the path lacks its two hexadecimal digits",
            Self::AmbiguousEscape => {
                "the path holds an encoded slash, backslash, percent sign or control byte"
            }
        })
    }
}

impl std::error::Error for TargetError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_never_into_structure() {
        use TargetError::{AmbiguousEscape, BadEscape, ControlByte, NotAPath};
        for (target, path) in [
            ("/v2/", Ok("/v2/")),
            ("/v2/?a=b", Ok("/v2/")),
            ("/v2/%67roup/app", Ok("/v2/group/app")),
            ("/v2/a/blobs/sha256%3Aabc", Ok("/v2/a/blobs/sha256:abc")),
            ("/v2/%2e%2e/x", Ok("/v2/../x")),
            ("/v2/a%3Fb", Ok("/v2/a?b")),
            ("/v2/a%20b", Ok("/v2/a b")),
            ("/v2/group%2Fapp", Err(AmbiguousEscape)),
            ("/v2/group%2fapp", Err(AmbiguousEscape)),
            ("/v2/a%5cb", Err(AmbiguousEscape)),
            ("/v2/a%252e", Err(AmbiguousEscape)),
            ("/v2/a%00", Err(AmbiguousEscape)),
            ("/v2/a%0a", Err(AmbiguousEscape)),
            ("/v2/a%7F", Err(AmbiguousEscape)),
            ("/v2/a%zz", Err(BadEscape)),
            ("/v2/a%", Err(BadEscape)),
            ("/v2/a%4", Err(BadEscape)),
            ("/v2/a%+1", Err(BadEscape)),
            ("/v2/?a=%zz", Ok("/v2/")),
            ("v2/", Err(NotAPath)),
            ("*", Err(NotAPath)),
            ("", Err(NotAPath)),
            ("/v2/ x", Err(ControlByte)),
            ("/v2/?a=\r\nb", Err(ControlByte)),
            ("/v2/\x7f", Err(ControlByte)),
        ] {
            let parsed = Target::parse(target.as_bytes());
            let parsed = parsed.map(|target| String::from_utf8(target.path().to_vec()).unwrap());
            assert_eq!(parsed, path.map(String::from), "{target:?}");
        }
        assert_eq!(
            Target::parse(&vec![b'/'; MAX_TARGET_BYTES + 1]).unwrap_err(),
            TargetError::TooLong
        );
        assert!(Target::parse(&vec![b'/'; MAX_TARGET_BYTES]).is_ok());
    }

    #[test]
    fn cleaning_follows_the_router() {
        for (path, cleaned) in [
            ("/v2/", None),
            ("/v2", None),
            ("/", None),
            ("/v2/a.b/..c/...", None),
            ("//", Some("/")),
            ("//v2/", Some("/v2/")),
            ("/v2//", Some("/v2/")),
            ("/v2/a//b", Some("/v2/a/b")),
            ("/v2/a/../b", Some("/v2/b")),
            ("/v2/a/%2e%2e/b/", Some("/v2/b/")),
            ("/v2/./a", Some("/v2/a")),
            ("/v2/.", Some("/v2")),
            ("/v2/..", Some("/")),
            ("/../../v2/", Some("/v2/")),
            ("/v2/a/..", Some("/v2")),
        ] {
            let target = Target::parse(path.as_bytes()).unwrap();
            assert_eq!(
                target.cleaned(),
                cleaned.map(|text| text.as_bytes().to_vec()),
                "{path}"
            );
        }
    }

    #[test]
    fn the_mount_source_follows_gos_form_value() {
        for (query, from) in [
            ("from=x/y", Some("x/y")),
            ("mount=sha256:aa&from=x/y", Some("x/y")),
            ("from=x/y&from=z/w", Some("x/y")),
            ("from=&from=x/y", None),
            ("from", None),
            ("from=", None),
            ("FROM=x/y", None),
            ("%66rom=x%2Fy", Some("x/y")),
            ("from=x+y", Some("x y")),
            ("fr+om=x", None),
            ("from=%zz", None),
            ("from=%zz&from=x", Some("x")),
            ("%zz=1&from=x", Some("x")),
            ("a=1;from=x/y", None),
            ("from=a;b", None),
            ("from=a;b&from=c", Some("c")),
            ("from=a=b", Some("a=b")),
            ("&&from=x", Some("x")),
            ("=from", None),
            ("from=a%22b", Some("a\"b")),
            ("from=a%0D%0Ab", Some("a\r\nb")),
            ("", None),
        ] {
            let target = format!("/v2/?{query}");
            let target = Target::parse(target.as_bytes()).unwrap();
            assert_eq!(
                target.mount_source().as_deref(),
                from.map(str::as_bytes),
                "{query}"
            );
        }
        assert_eq!(Target::parse(b"/v2/").unwrap().mount_source(), None);
        let bytes = Target::parse(b"/v2/?from=%FF").unwrap();
        assert_eq!(bytes.mount_source().as_deref(), Some(&b"\xff"[..]));
    }

    #[test]
    fn a_path_is_written_as_go_writes_it() {
        for (path, encoded) in [
            ("/v2/a:b@c;d=e&f+g$h,i~j", "/v2/a:b@c;d=e&f+g$h,i~j"),
            (
                "/v2/a b\"<>?#[]!*'()",
                "/v2/a%20b%22%3C%3E%3F%23%5B%5D%21%2A%27%28%29",
            ),
            ("/v2/ü", "/v2/%C3%BC"),
        ] {
            assert_eq!(encode_path(path.as_bytes()), encoded);
        }
    }
}
