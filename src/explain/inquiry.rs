//! The questions that people ask, in the forms in which they have them at hand.

use std::fmt;

use serde_json::Value;

use crate::authorizer::Authorizer;
use crate::config::{Config, ConfigError};
use crate::request::{Body, RequestHead};
use crate::time::UnixTime;

use super::Explanation;

/// A question: what happens to this request?
#[derive(Clone, Copy)]
pub struct Inquiry<'a> {
    /// The plugin configuration, JSON.
    pub configuration: &'a str,
    /// See [`RequestText`].
    pub request: &'a str,
    /// See [`TokenText`].
    pub token: &'a str,
    /// When.
    pub now: UnixTime,
}

/// Why a question cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InquiryError {
    /// The configuration does not hold; the filter would not start with it either.
    Configuration(ConfigError),
    /// There is no request line.
    NoRequest,
    /// A line of the request is not `Name: value`.
    HeaderLine {
        /// The line, from 1. What stands there is not repeated: it may be a secret.
        line: usize,
    },
    /// The token is JSON, but not an answer of a token endpoint.
    NoTokenInJson,
}

/// A request as people write it: `GET /v2/group/app/manifests/latest`, an address alone, or a
/// whole head with one field a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestText {
    method: Vec<u8>,
    target: Vec<u8>,
    fields: Vec<(String, Vec<u8>)>,
}

/// A token as people have it: alone, as the value or the line of an Authorization field, or in the
/// JSON that a token endpoint answers. Nothing stands for a client without one.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText {
    authorization: Vec<Vec<u8>>,
}

impl Inquiry<'_> {
    /// Answers it.
    ///
    /// # Errors
    ///
    /// [`InquiryError`], when there is no question that a filter could decide.
    pub fn explain(&self) -> Result<Explanation, InquiryError> {
        let config = Config::from_json(self.configuration.as_bytes(), &[])
            .map_err(InquiryError::Configuration)?;
        let request = RequestText::parse(self.request)?;
        let token = TokenText::parse(self.token)?;
        let own = request.values("authorization");
        let given = token.authorization.iter().map(Vec::as_slice);
        let authorization: Vec<&[u8]> = given.chain(own).collect();
        let head = RequestHead {
            method: &request.method,
            target: &request.target,
            host: &request.values("host"),
            forwarded_proto: &request.values("x-forwarded-proto"),
            authorization: &authorization,
            content_type: &request.values("content-type"),
            body: request.body(),
        };
        Ok(Explanation::of(&Authorizer::new(config), &head, self.now))
    }
}

impl RequestText {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// [`InquiryError::NoRequest`] or [`InquiryError::HeaderLine`].
    pub fn parse(text: &str) -> Result<Self, InquiryError> {
        let mut lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().ok_or(InquiryError::NoRequest)?;
        let (method, address) = request_line(first.trim());
        let (host, target) = origin_form(address);
        let mut fields: Vec<(String, Vec<u8>)> = lines
            .map(|(index, line)| {
                let field = line.split_once(':').filter(|(name, _)| {
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
                });
                let line = index + 1;
                let (name, value) = field.ok_or(InquiryError::HeaderLine { line })?;
                Ok((name.to_ascii_lowercase(), value.trim().as_bytes().to_vec()))
            })
            .collect::<Result<_, _>>()?;
        if let Some(host) = host
            && fields.iter().all(|(name, _)| name != "host")
        {
            fields.push(("host".to_owned(), host.as_bytes().to_vec()));
        }
        Ok(Self {
            method: method.as_bytes().to_vec(),
            target: target.as_bytes().to_vec(),
            fields,
        })
    }

    fn values(&self, name: &str) -> Vec<&[u8]> {
        let named = self.fields.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_slice()).collect()
    }

    /// A body follows if a field announces one (RFC 9112 section 6).
    fn body(&self) -> Body {
        let lengths = self.values("content-length");
        let is_announced = lengths.iter().any(|length| **length != b"0"[..]);
        if is_announced || !self.values("transfer-encoding").is_empty() {
            Body::Expected
        } else {
            Body::Empty
        }
    }
}

/// Method and target of a first line: the version is optional, and so is the method.
fn request_line(line: &str) -> (&str, &str) {
    let bare = match line.rsplit_once(' ') {
        Some((bare, version)) if version.starts_with("HTTP/") => bare.trim_end(),
        _ => line,
    };
    let (method, target) = match bare.split_once(' ') {
        Some((method, target)) => (method, target.trim_start()),
        None => ("GET", bare),
    };
    (method, target)
}

/// Host and target as they stand in a request to the edge for an address (RFC 9110 section 7.1).
fn origin_form(address: &str) -> (Option<&str>, &str) {
    let rest = address
        .strip_prefix("https://")
        .or_else(|| address.strip_prefix("http://"));
    let Some(rest) = rest else {
        return (None, address);
    };
    let (host, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    (Some(host), if target.is_empty() { "/" } else { target })
}

impl TokenText {
    /// Reads a token.
    ///
    /// # Errors
    ///
    /// [`InquiryError::NoTokenInJson`].
    pub fn parse(text: &str) -> Result<Self, InquiryError> {
        const FIELD: &str = "authorization:";
        let text = text.trim();
        let value = |line: &str| -> Option<Vec<u8>> {
            let name = line.get(..FIELD.len())?;
            let value = line.get(FIELD.len()..)?;
            name.eq_ignore_ascii_case(FIELD)
                .then(|| value.trim().as_bytes().to_vec())
        };
        let lines: Vec<Vec<u8>> = text.lines().filter_map(value).collect();
        if !lines.is_empty() {
            return Ok(Self {
                authorization: lines,
            });
        }
        if text.is_empty() {
            return Ok(Self {
                authorization: Vec::new(),
            });
        }
        let value = if text.starts_with('{') {
            format!("Bearer {}", token_in(text)?)
        } else if text.lines().any(|line| line.trim().contains(' ')) {
            text.to_owned()
        } else {
            // A token that a terminal or a mail broke into lines.
            let token: String = text.split_whitespace().collect();
            format!("Bearer {token}")
        };
        Ok(Self {
            authorization: vec![value.into_bytes()],
        })
    }
}

/// The token of a token endpoint's answer; `access_token` is OAuth 2's name for it.
fn token_in(json: &str) -> Result<String, InquiryError> {
    let answer: Value = serde_json::from_str(json).map_err(|_| InquiryError::NoTokenInJson)?;
    ["token", "access_token"]
        .iter()
        .find_map(|name| answer.get(*name)?.as_str())
        .map(str::to_owned)
        .ok_or(InquiryError::NoTokenInJson)
}

impl fmt::Debug for TokenText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TokenText({} fields)", self.authorization.len())
    }
}

impl fmt::Display for InquiryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(error) => write!(
                formatter,
                "the configuration does not hold, the filter would refuse it too: {error}"
            ),
            Self::NoRequest => formatter.write_str(
                "there is no request: expected a line such as GET /v2/group/app/manifests/latest",
            ),
            Self::HeaderLine { line } => write!(
                formatter,
                "line {line} of the request is no field: expected one such as \
                 Content-Type: application/json"
            ),
            Self::NoTokenInJson => formatter.write_str(
                "the token is JSON without a `token` or `access_token`: expected the answer of a \
                 token endpoint, or the token alone",
            ),
        }
    }
}

impl std::error::Error for InquiryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Configuration(error) => Some(error),
            Self::NoRequest | Self::HeaderLine { .. } | Self::NoTokenInJson => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_people_write_it() {
        for (text, method, target) in [
            ("GET /v2/", "GET", "/v2/"),
            ("/v2/", "GET", "/v2/"),
            (
                "  PUT /v2/a/b/manifests/x HTTP/1.1\r\n",
                "PUT",
                "/v2/a/b/manifests/x",
            ),
            (
                "https://registry.example.com/v2/_catalog?n=1",
                "GET",
                "/v2/_catalog?n=1",
            ),
            ("HEAD https://registry.example.com", "HEAD", "/"),
            ("GET /v2/a b", "GET", "/v2/a b"),
            ("get v2", "get", "v2"),
        ] {
            let request = RequestText::parse(text).unwrap();
            assert_eq!(request.method, method.as_bytes(), "{text}");
            assert_eq!(request.target, target.as_bytes(), "{text}");
        }
        assert_eq!(RequestText::parse(" \n"), Err(InquiryError::NoRequest));
    }

    #[test]
    fn an_address_names_the_host_unless_a_field_does() {
        let address = "GET https://registry.example.com:5050/v2/";
        for (text, host) in [
            (address.to_owned(), Some("registry.example.com:5050")),
            (format!("{address}\nHost: other"), Some("other")),
            ("GET /v2/".to_owned(), None),
        ] {
            let request = RequestText::parse(&text).unwrap();
            let host: Vec<&[u8]> = host.iter().map(|host| host.as_bytes()).collect();
            assert_eq!(request.values("host"), host, "{text}");
        }
    }

    #[test]
    fn fields_announce_a_body_and_may_bring_credentials() {
        for (fields, body) in [
            ("", Body::Empty),
            ("Content-Length: 0", Body::Empty),
            ("content-length: 12", Body::Expected),
            ("Transfer-Encoding: chunked", Body::Expected),
        ] {
            let request = RequestText::parse(&format!("POST /v2/\n{fields}")).unwrap();
            assert_eq!(request.body(), body, "{fields}");
            assert!(request.values("authorization").is_empty());
        }
        let own = RequestText::parse("GET /v2/\nAuthorization: Basic YTpi").unwrap();
        assert_eq!(own.values("authorization"), [b"Basic YTpi"]);
        let fault = RequestText::parse("GET /v2/\n\neyJhbGciOiJSUzI1NiIsImtpZCI6").unwrap_err();
        assert_eq!(fault, InquiryError::HeaderLine { line: 3 });
    }

    #[test]
    fn a_token_is_read_from_where_people_have_it() {
        for (text, values) in [
            ("", &[][..]),
            ("a.b.c\n", &["Bearer a.b.c"]),
            ("a.b\n.c", &["Bearer a.b.c"]),
            ("Bearer a.b.c", &["Bearer a.b.c"]),
            ("Basic YTpi", &["Basic YTpi"]),
            ("Authorization: Bearer a.b.c", &["Bearer a.b.c"]),
            (
                "authorization:Bearer a\nAuthorization: Basic b",
                &["Bearer a", "Basic b"],
            ),
            (r#"{"token":"a.b.c","expires_in":300}"#, &["Bearer a.b.c"]),
            (r#"{"access_token":"a.b.c"}"#, &["Bearer a.b.c"]),
        ] {
            let read = TokenText::parse(text).unwrap().authorization;
            let values: Vec<Vec<u8>> = values
                .iter()
                .map(|value| value.as_bytes().to_vec())
                .collect();
            assert_eq!(read, values, "{text}");
        }
        for text in ["{", r#"{"errors":[]}"#, r#"{"token":5}"#] {
            assert_eq!(TokenText::parse(text), Err(InquiryError::NoTokenInJson));
        }
    }
}
