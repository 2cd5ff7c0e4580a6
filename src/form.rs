//! Form bodies, in which the registry would look for a mount's source.
//!
//! The registry reads `from` with Go's `FormValue`, which also parses urlencoded and multipart
//! bodies (measured: a mount driven by a form body alone answers 201). A filter that decides on
//! the head cannot see it, so such a body is refused. Nothing legitimate is lost: the registry
//! swallows these bodies, and an upload sent that way fails there too (`DIGEST_INVALID`).

use std::fmt;

use crate::request::{Body, RequestHead};

/// Why a request with a body cannot be decided on its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// More than one `Content-Type`: the registry reads the first, another hop may read the last.
    RepeatedContentType,
    /// A `Content-Type` with a byte that is not printable ASCII. Go folds case and trims blanks by
    /// Unicode, so that `applİcation/…` or a no-break space before the type would hide a form.
    UnreadableContentType,
    /// An `application/x-www-form-urlencoded` body on POST, PUT or PATCH.
    UrlEncoded,
    /// A `multipart/form-data` body, on any method.
    Multipart,
    /// A body in which GitLab's registry looks for a namespace to move a repository to, and for
    /// `push` on all of that, whatever it is called.
    Namespace,
}

/// Refuses a body in which the registry would look for `from`.
///
/// An empty body is always fine: many scripts send the urlencoded type with one.
///
/// # Errors
///
/// The [`FormError`] that applies.
pub fn refuse_form_body(head: &RequestHead<'_>) -> Result<(), FormError> {
    let content_type = match head.content_type {
        [] => return Ok(()),
        [one] => one,
        // One line that a host joined out of several looks like this; no media type of the
        // registry holds a comma.
        _ => return Err(FormError::RepeatedContentType),
    };
    if content_type.contains(&b',') {
        return Err(FormError::RepeatedContentType);
    }
    if head.body == Body::Empty {
        return Ok(());
    }
    if !content_type
        .iter()
        .all(|&byte| matches!(byte, b'\t' | b' '..=b'~'))
    {
        return Err(FormError::UnreadableContentType);
    }
    // As Go's mime.ParseMediaType: the type ends at the first `;`, in any case, blanks around it
    // do not count, and broken parameters do not matter.
    let media_type = content_type
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii()
        .to_ascii_lowercase();
    match (media_type.as_slice(), head.method) {
        (b"application/x-www-form-urlencoded", b"POST" | b"PUT" | b"PATCH") => {
            Err(FormError::UrlEncoded)
        }
        (b"multipart/form-data", _) => Err(FormError::Multipart),
        _ => Ok(()),
    }
}

/// Refuses a body that the registry reads before it authorizes.
///
/// What it needs depends on a name in there, and no grant stands for every name.
///
/// # Errors
///
/// [`FormError::Namespace`], unless there is no body.
pub const fn refuse_namespace_body(head: &RequestHead<'_>) -> Result<(), FormError> {
    match head.body {
        Body::Empty => Ok(()),
        Body::Expected => Err(FormError::Namespace),
    }
}

impl FormError {
    /// The name of this refusal in logs.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::RepeatedContentType => "content-type-repeated",
            Self::UnreadableContentType => "content-type-unreadable",
            Self::UrlEncoded => "form-urlencoded",
            Self::Multipart => "form-multipart",
            Self::Namespace => "form-namespace",
        }
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::RepeatedContentType => "the request has more than one Content-Type",
            Self::UnreadableContentType => "the Content-Type is not printable ASCII",
            Self::UrlEncoded | Self::Multipart => {
                "a form body is not part of the registry API; send the parameters in the query"
            }
            Self::Namespace => {
                "the body could name a namespace, which is not read here; send it to the \
                 registry's internal address"
            }
        })
    }
}

impl std::error::Error for FormError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_body_is_refused_where_the_registry_would_read_it() {
        use FormError::{Multipart, RepeatedContentType, UnreadableContentType, UrlEncoded};
        let form = "application/x-www-form-urlencoded";
        let parts = "multipart/form-data; boundary=x";
        let octets = "application/octet-stream";
        for (method, types, with_body, without_body) in [
            ("POST", &[form][..], Err(UrlEncoded), Ok(())),
            ("PUT", &[form], Err(UrlEncoded), Ok(())),
            ("PATCH", &[form], Err(UrlEncoded), Ok(())),
            ("GET", &[form], Ok(()), Ok(())),
            ("DELETE", &[form], Ok(()), Ok(())),
            (
                "POST",
                &["Application/X-WWW-Form-UrlEncoded"],
                Err(UrlEncoded),
                Ok(()),
            ),
            (
                "POST",
                &[" application/x-www-form-urlencoded ; =broken"],
                Err(UrlEncoded),
                Ok(()),
            ),
            ("POST", &[parts], Err(Multipart), Ok(())),
            ("GET", &[parts], Err(Multipart), Ok(())),
            ("DELETE", &["MULTIPART/FORM-DATA"], Err(Multipart), Ok(())),
            ("POST", &["multipart/mixed; boundary=x"], Ok(()), Ok(())),
            (
                "POST",
                &["appl\u{130}cation/x-www-form-urlencoded"],
                Err(UnreadableContentType),
                Ok(()),
            ),
            (
                "GET",
                &["\u{a0}multipart/form-data; boundary=x"],
                Err(UnreadableContentType),
                Ok(()),
            ),
            (
                "POST",
                &["\x0bapplication/octet-stream"],
                Err(UnreadableContentType),
                Ok(()),
            ),
            ("POST", &[octets], Ok(()), Ok(())),
            ("POST", &[""], Ok(()), Ok(())),
            ("POST", &[], Ok(()), Ok(())),
            (
                "POST",
                &[octets, form],
                Err(RepeatedContentType),
                Err(RepeatedContentType),
            ),
            (
                "POST",
                &[octets, octets],
                Err(RepeatedContentType),
                Err(RepeatedContentType),
            ),
            (
                "POST",
                &["application/octet-stream, application/x-www-form-urlencoded"],
                Err(RepeatedContentType),
                Err(RepeatedContentType),
            ),
        ] {
            let types: Vec<&[u8]> = types.iter().map(|text| text.as_bytes()).collect();
            for (body, expected) in [(Body::Expected, with_body), (Body::Empty, without_body)] {
                let head = RequestHead {
                    method: method.as_bytes(),
                    target: b"/v2/a/blobs/uploads/",
                    host: &[],
                    forwarded_proto: &[],
                    authorization: &[],
                    content_type: &types,
                    body,
                };
                assert_eq!(
                    refuse_form_body(&head),
                    expected,
                    "{method} {types:?} {body:?}"
                );
            }
        }
    }
}
