//! Plain HTTP requests to the edge, and what they look like to a reader.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testbed::issuer::User;
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

/// A client that trusts the stack's CA alone and follows nothing by itself.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
}

/// What a request proves who sends it with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Authorization<'a> {
    /// Nothing.
    None,
    /// Name and password.
    Basic(&'a User),
    /// A token.
    Bearer(&'a str),
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Http {
    pub(super) fn new(ca_file: &Path) -> Result<Self> {
        let pem =
            std::fs::read(ca_file).with_context(|| format!("cannot read {}", ca_file.display()))?;
        let ca = Certificate::from_pem(&pem).context("the CA certificate is not one")?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[ca]))
            .unversioned_rustls_crypto_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(LIMIT))
            .user_agent("registry-token-filter-demo")
            .build()
            .into();
        Ok(Self { agent })
    }

    /// Sends a request without a body.
    pub(super) fn send(
        &self,
        method: &Method,
        url: &str,
        authorization: Authorization<'_>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(url);
        match authorization {
            Authorization::None => {}
            Authorization::Basic(user) => {
                let pair = format!("{}:{}", user.name, user.password);
                let pair = data_encoding::BASE64.encode(pair.as_bytes());
                request = request.header("Authorization", format!("Basic {pair}"));
            }
            Authorization::Bearer(token) => {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
        }
        // Manifests come in several types, and the registry converts to an old one unless told.
        for accept in [
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json",
            "*/*",
        ] {
            request = request.header("Accept", accept);
        }
        let request = request.body(())?;
        let mut response = self
            .agent
            .run(request)
            .with_context(|| format!("{method} {url}"))?;
        let body = response
            .body_mut()
            .read_to_vec()
            .with_context(|| format!("the body of {method} {url}"))?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
        })
    }
}

impl Authorization<'_> {
    /// The header as it may be shown: without the secret in it.
    pub(super) fn shown(self) -> String {
        match self {
            Self::None => "no Authorization".to_owned(),
            Self::Basic(user) => format!("Authorization: Basic {}:{}", user.name, "*".repeat(8)),
            Self::Bearer(_) => "Authorization: Bearer <the token>".to_owned(),
        }
    }
}

impl Answer {
    /// A header's value, when it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Status code with its phrase: `401 Unauthorized`.
    pub(super) fn status_line(&self) -> String {
        let phrase = ureq::http::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason());
        format!("{} {}", self.status, phrase.unwrap_or_default())
    }

    /// Code of the first error of a registry's error body: `UNAUTHORIZED`.
    pub(super) fn error_code(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let code = body.pointer("/errors/0/code")?.as_str()?;
        Some(code.to_owned())
    }
}

/// `base` with a query, its values percent-encoded as [RFC 3986] wants them.
///
/// [RFC 3986]: https://www.rfc-editor.org/rfc/rfc3986#section-3.4
pub(super) fn with_query(base: &str, query: &[(&str, &str)]) -> Result<String> {
    let mut url = base.to_owned();
    for (number, (key, value)) in query.iter().enumerate() {
        url.push(if number == 0 { '?' } else { '&' });
        url.push_str(key);
        url.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => url.push(char::from(byte)),
                b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b',' => url.push(char::from(byte)),
                _ => url.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    let _: Uri = url
        .parse()
        .with_context(|| format!("not an address: {url}"))?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        for (value, expected) in [
            (
                "repository:team/app:pull,push",
                "repository:team/app:pull,push",
            ),
            ("a b&c=d", "a%20b%26c%3Dd"),
            ("ü", "%C3%BC"),
        ] {
            let url = with_query("https://h/p", &[("x", "1"), ("scope", value)]).unwrap();
            assert_eq!(url, format!("https://h/p?x=1&scope={expected}"));
        }
        assert!(with_query("not an address", &[]).is_err());
    }

    #[test]
    fn secrets_are_not_shown() {
        let user = User::new("alice", "hunter2");
        for authorization in [
            Authorization::Basic(&user),
            Authorization::Bearer("hunter2"),
        ] {
            assert!(!authorization.shown().contains("hunter2"));
        }
    }
}
