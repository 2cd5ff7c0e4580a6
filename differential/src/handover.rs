//! What Envoy hands over of a request: to the filter and, when that forwards it, to the pool alike.
//!
//! Where Envoy changes a request before the filter sees it, the edge has to be compared with what
//! the registry makes of the changed request: that is the one which is decided and served.

use corpus::bytes::Bytes;
use corpus::case::Request;
use testbed::envoy::listeners::Shape;

/// The request as a listener hands it over, where that differs from what was sent.
pub(crate) fn changed(request: &Request, shape: Shape) -> Option<Request> {
    let mut changed = request.clone();
    if let Some(values) = &mut changed.authorization {
        join(values);
    }
    let sent = request.target.to_vec();
    let mut target = in_origin_form(&sent);
    if shape == Shape::Hardened {
        target = normalized(&target);
    }
    if target != sent {
        changed.target = Bytes::new(&target);
    }
    (changed != *request).then_some(changed)
}

/// Repeated `Authorization` fields become one, in which empty ones leave no trace.
fn join(values: &mut Vec<Bytes>) {
    let is_blank = |value: &Bytes| value.to_vec().trim_ascii().is_empty();
    if !values.iter().all(is_blank) {
        values.retain(|value| !is_blank(value));
    }
}

/// The path of a target in absolute form, whose authority becomes the Host.
fn in_origin_form(target: &[u8]) -> Vec<u8> {
    let scheme = target.windows(3).position(|window| window == b"://");
    let rest = match scheme {
        Some(end) if target.first() != Some(&b'/') => target.get(end + 3..).unwrap_or_default(),
        _ => return target.to_vec(),
    };
    let slash = rest.iter().position(|&byte| byte == b'/');
    let path = slash.and_then(|slash| rest.get(slash..));
    path.unwrap_or(b"/").to_vec()
}

/// What `normalize_path` and then `merge_slashes` make of a target.
///
/// Letters, digits and `-_.~` are decoded (RFC 3986 section 6.2.2.2). A backslash counts as a slash,
/// as in browsers; dots are resolved by RFC 3986 section 5.2.4,
/// written as they are or as `%2e`; and then only repeated slashes become one. Go collapses
/// slashes first, so that `/a//../b` is `/b` to the registry and `/a/b` here.
fn normalized(target: &[u8]) -> Vec<u8> {
    if target.first() != Some(&b'/') {
        return target.to_vec();
    }
    let mark = target.iter().position(|&byte| byte == b'?');
    let (path, query) = target.split_at(mark.unwrap_or(target.len()));
    let path = &unreserved_decoded(path);
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    let mut segments: Vec<&[u8]> = Vec::new();
    let slashes = path.iter().copied().filter(is_slash);
    let mut last = slashes.zip(path.split(is_slash).skip(1)).peekable();
    while let Some((slash, segment)) = last.next() {
        let dots = dots(slash, segment);
        if dots == 2 {
            segments.pop();
        }
        match (dots, last.peek()) {
            (0, _) => segments.push(segment),
            // The slash before dots at the end stays.
            (_, None) => segments.push(b""),
            _ => {}
        }
    }
    if segments.len() > 1 && segments.iter().all(|segment| segment.is_empty()) {
        // A path of nothing but slashes keeps its first and its last.
        return [b"//", query].concat();
    }
    let count = segments.len();
    let kept = segments.iter().enumerate();
    let kept = kept.filter(|(index, segment)| !segment.is_empty() || index + 1 == count);
    let mut cleaned = Vec::with_capacity(target.len());
    for (_, segment) in kept {
        cleaned.push(b'/');
        cleaned.extend_from_slice(segment);
    }
    cleaned.extend_from_slice(query);
    cleaned
}

/// The path without escapes of what need not be escaped; as it is where a percent sign begins none.
fn unreserved_decoded(path: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut pieces = path.split(|&byte| byte == b'%').skip(1);
    let is_escape = |piece: &[u8]| match piece {
        [high, low, ..] => digit(*high).is_some() && digit(*low).is_some(),
        _ => false,
    };
    if !pieces.all(is_escape) {
        return path.to_vec();
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        let byte = escaped.and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        // Escaped dots have their turn later.
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_~".contains(byte);
        match byte.filter(is_plain) {
            Some(byte) => {
                decoded.push(byte);
                rest = rest.get(3..).unwrap_or_default();
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}

/// How many dots a segment is, and nothing else: 1, 2, or 0. What follows a semicolon does not
/// count behind dots that are written as they are, and behind a slash that is one (measured).
fn dots(slash: u8, segment: &[u8]) -> usize {
    let bare = segment.split(|&byte| byte == b';').next();
    match bare {
        Some(b".") if slash == b'/' => return 1,
        Some(b"..") if slash == b'/' => return 2,
        _ => {}
    }
    let text = String::from_utf8_lossy(segment).to_ascii_lowercase();
    match text.replace("%2e", ".").as_str() {
        "." => 1,
        ".." => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str) -> Request {
        Request {
            target: target.into(),
            ..Request::default()
        }
    }

    #[test]
    fn empty_credentials_leave_no_trace() {
        for (sent, handed_over) in [
            (&["", "Bearer T"][..], &["Bearer T"][..]),
            (&["", "a", "", "b"], &["a", "b"]),
            (&["a", "b"], &["a", "b"]),
            (&["", ""], &["", ""]),
            (&[], &[]),
        ] {
            let values = |all: &[&str]| all.iter().map(|&value| value.into()).collect::<Vec<_>>();
            let mut joined = values(sent);
            join(&mut joined);
            assert_eq!(joined, values(handed_over));
        }
    }

    #[test]
    fn an_absolute_target_counts_by_its_path() {
        for (target, expected) in [
            ("http://a/v2/?b", "/v2/?b"),
            ("http://a", "/"),
            ("/v2/http://a/b", "/v2/http://a/b"),
            ("*", "*"),
        ] {
            let found = in_origin_form(target.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), expected);
        }
    }

    #[test]
    fn a_path_is_normalized_as_envoy_does_it() {
        for (target, expected) in [
            ("/v2/a", "/v2/a"),
            ("/v2//a", "/v2/a"),
            ("//", "//"),
            ("///?a", "//?a"),
            ("//.", "//"),
            ("/", "/"),
            ("/v2/a/%2e%2E/b?c//d", "/v2/b?c//d"),
            ("/v2/a/.", "/v2/a/"),
            ("/v2/a/..?b", "/v2/?b"),
            ("/v2/a//../b", "/v2/a/b"),
            ("/v2/../../a", "/a"),
            ("/v2\\a?\\", "/v2/a?\\"),
            ("/v2/a/", "/v2/a/"),
            ("/v2/...", "/v2/..."),
            ("/v2/a/..;x/b/.;", "/v2/b/"),
            ("/v2/a\\..;x/b\\.;", "/v2/a/..;x/b/.;"),
            ("/v2/a\\../b\\.", "/v2/b/"),
            ("/v2/%2e;/a", "/v2/%2e;/a"),
            ("/jwt/a%75th?%75", "/jwt/auth?%75"),
            ("/v2/%2fa%4", "/v2/%2fa%4"),
            ("/%2%32", "/%2%32"),
            ("*", "*"),
        ] {
            let found = normalized(target.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), expected, "{target}");
        }
        assert_eq!(changed(&request("/a//b"), Shape::Plain), None);
        let clean = changed(&request("/a//b"), Shape::Hardened);
        assert_eq!(clean, Some(request("/a/b")));
    }
}
