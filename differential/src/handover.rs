//! What Envoy hands over of a request: to the filter and, when that forwards it, to the pool alike.
//!
//! Where Envoy changes a request before the filter sees it, the edge has to be compared with what
//! the registry makes of the changed request: that is the one which is decided and served.

use crate::bytes::Bytes;
use crate::case::Request;
use crate::judge::Listener;
use crate::wire::{Answer, Response};

/// The request as a listener hands it over, where that differs from what was sent.
pub(crate) fn changed(request: &Request, listener: Listener) -> Option<Request> {
    let mut changed = request.clone();
    join_credentials(&mut changed);
    if listener == Listener::Hardened {
        turn_backslashes(&mut changed);
    }
    (changed != *request).then_some(changed)
}

/// Repeated `Authorization` fields become one, and an empty one before the others leaves no trace.
fn join_credentials(request: &mut Request) {
    if let Some(values) = &mut request.authorization {
        let is_blank = |value: &Bytes| value.to_vec().trim_ascii().is_empty();
        let blanks = values.iter().take_while(|value| is_blank(value)).count();
        values.drain(..blanks.min(values.len().saturating_sub(1)));
    }
}

/// `normalize_path` takes a backslash in a path for a slash, as browsers do.
fn turn_backslashes(request: &mut Request) {
    let mut target = request.target();
    let path = target.split_mut(|&byte| byte == b'?').next();
    for byte in path.into_iter().flatten() {
        if *byte == b'\\' {
            *byte = b'/';
        }
    }
    if target != request.target() {
        request.target = Bytes::new(&target);
    }
}

/// The request for the path that `normalize_path` and `merge_slashes` make of an unclean one: the
/// one the registry redirects to. `None` if the path is clean.
pub(crate) fn cleaned(request: &Request, registry: &Answer) -> Option<Request> {
    let Answer::Responded(response) = registry else {
        return None;
    };
    let target = request.target();
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let segments: Vec<&[u8]> = path.split(|&byte| byte == b'/').skip(1).collect();
    let (last, before) = segments.split_last()?;
    let is_unclean = is_dots(last) || before.iter().any(|segment| segment.is_empty() || is_dots(segment));
    if response.status != 301 || !is_unclean {
        return None;
    }
    let target = Bytes::Text(location(response, is_dots(last))?);
    Some(Request {
        target,
        ..request.clone()
    })
}

/// Whether a segment is `.` or `..`, written in whatever way.
fn is_dots(segment: &[u8]) -> bool {
    let text = String::from_utf8_lossy(segment).to_ascii_lowercase();
    matches!(text.replace("%2e", ".").as_str(), "." | "..")
}

/// Where a redirect goes. Of a path that ends in dots Go takes the last slash too, RFC 3986 section
/// 5.2.4 does not.
fn location(response: &Response, keeps_slash: bool) -> Option<String> {
    let location = response.field("location")?;
    let (path, query) = match location.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (location.as_str(), None),
    };
    let slash = if keeps_slash && !path.ends_with('/') { "/" } else { "" };
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    Some(format!("{path}{slash}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, authorization: &[&str]) -> Request {
        Request {
            target: target.into(),
            authorization: Some(authorization.iter().map(|&value| value.into()).collect()),
            ..Request::default()
        }
    }

    #[test]
    fn empty_credentials_before_others_leave_no_trace() {
        for (sent, handed_over) in [
            (&["", "Bearer T"][..], &["Bearer T"][..]),
            (&["", "", "a", ""], &["a", ""]),
            (&["a", "b"], &["a", "b"]),
            (&[""], &[""]),
            (&[], &[]),
        ] {
            let mut joined = request("/", sent);
            join_credentials(&mut joined);
            assert_eq!(joined, request("/", handed_over));
        }
    }

    #[test]
    fn a_path_is_cleaned_where_the_registry_redirects() {
        let redirect = |location: &str| {
            Answer::Responded(Response {
                status: 301,
                fields: vec![("location".to_owned(), location.as_bytes().to_vec())],
                ..Response::default()
            })
        };
        for (target, location, expected) in [
            ("/v2//a", "/v2/a", Some("/v2/a")),
            ("/v2/a/%2e%2E/b?c", "/v2/b?c", Some("/v2/b?c")),
            ("/v2/a/.", "/v2/a", Some("/v2/a/")),
            ("/v2/a/..?b", "/v2?b", Some("/v2/?b")),
            ("/v2/a/", "/v2/a", None),
            ("/v2", "/v2/", None),
        ] {
            let cleaned = cleaned(&request(target, &[]), &redirect(location));
            let expected = expected.map(Bytes::from);
            assert_eq!(cleaned.map(|request| request.target), expected, "{target}");
        }
        assert_eq!(changed(&request("/a\\b?\\", &[]), Listener::Plain), None);
        let turned = changed(&request("/a\\b?\\", &[]), Listener::Hardened);
        assert_eq!(turned, Some(request("/a/b?\\", &[])));
    }
}
