//! A client whose requests say exactly what they are told to: odd paths, repeated fields, any method, one
//! connection for each request, no redirect followed, nothing retried.
//!
//! HTTP/1.1 only, because there a target goes out as it stands. Each request has a time limit, and of a body
//! only the beginning is read.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Bytes of a body that are read, at most: more than any answer of a registry to a refused request has.
const BODY: usize = 64 * 1024;

const AGENT: &str = concat!("edgectl/", env!("CARGO_PKG_VERSION"));

/// Scheme, host and port of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether it speaks TLS (`https`).
    pub tls: bool,
    /// The host name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// As in the URL: `registry.example.com:5050`.
    authority: String,
}

/// The text is no URL of a server.
#[derive(Debug, thiserror::Error)]
#[error("expected an http or https URL with a host, such as https://registry.example.com")]
pub struct NotAnOrigin;

impl Origin {
    /// Takes a URL apart into its server and the target to ask it for.
    ///
    /// # Errors
    /// [`NotAnOrigin`] for anything but an absolute http or https URL without user and password.
    pub fn of_url(url: &str) -> Result<(Self, String), NotAnOrigin> {
        let uri: Uri = url.parse().map_err(|_| NotAnOrigin)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(NotAnOrigin),
        };
        let authority = uri.authority().ok_or(NotAnOrigin)?;
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(NotAnOrigin);
        }
        let origin = Self {
            tls,
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
        };
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok((origin, target.to_owned()))
    }
}

/// A server alone: a path would be lost.
impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        match Self::of_url(url)? {
            (origin, target) if matches!(&*target, "/" | "/v2" | "/v2/") => Ok(origin),
            _ => Err(NotAnOrigin),
        }
    }
}

/// `https://registry.example.com:5050`
impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(formatter, "{scheme}://{}", self.authority)
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, which need not be a known one.
    pub method: &'static str,
    /// The target as it goes out.
    pub target: String,
    /// Fields besides `Host` and `User-Agent`; names may repeat.
    pub fields: Vec<(&'static str, String)>,
    /// The body; none when empty.
    pub body: &'static str,
}

impl Request {
    /// A request without fields and body.
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            fields: Vec::new(),
            body: "",
        }
    }

    /// `GET`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// Adds a field, also when there is one of that name.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Adds a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.field("authorization", format!("Bearer {token}"))
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn body(self, content_type: &str, body: &'static str) -> Self {
        Self {
            body,
            ..self.field("content-type", content_type)
        }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The fields.
    pub fields: HeaderMap,
    /// The beginning of the body.
    pub body: Bytes,
    /// From the request's first byte to the answer's last.
    pub took: Duration,
}

impl Answer {
    /// The first value of a field, as text.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.to_str().ok()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The host has no address.
    #[error("the name {host} cannot be resolved: {reason}")]
    Name {
        /// The host.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// There is no connection.
    #[error("no connection to {address}: {reason}")]
    Connection {
        /// The address tried last.
        address: SocketAddr,
        /// What the system says.
        reason: String,
    },
    /// TLS does not come about, or the certificate is not trusted.
    #[error("TLS: {0}")]
    Tls(String),
    /// Nothing within the limit.
    #[error("no answer within {0:?}")]
    TimeLimit(Duration),
    /// The server speaks no HTTP, or closes the connection.
    #[error("no HTTP answer: {0}")]
    Http(String),
    /// The request has no form in HTTP.
    #[error("the request cannot be sent: {0}")]
    Request(String),
}

/// Which certificate authorities are believed.
#[derive(Debug, Clone)]
pub struct Trust(Arc<ClientConfig>);

/// A file of certificate authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the certificates of --ca {}: {reason}; expected a PEM file with the CA that signed the server's certificate", path.display())]
pub struct TrustError {
    path: PathBuf,
    reason: String,
}

impl Trust {
    /// The system's authorities, and those of a PEM file.
    ///
    /// # Errors
    /// [`TrustError`] when the file cannot be used.
    pub fn new(ca: Option<&Path>) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        // A system without authorities, or with a broken one among them, is judged by what is then refused.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = ca {
            let unusable = |reason: String| TrustError {
                path: path.to_owned(),
                reason,
            };
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| unusable(error.to_string()))?;
            if certificates.is_empty() {
                return Err(unusable("no certificate in it".to_owned()));
            }
            for certificate in certificates {
                roots
                    .add(certificate)
                    .map_err(|error| unusable(error.to_string()))?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError {
                path: ca.unwrap_or(Path::new("")).to_owned(),
                reason: error.to_string(),
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// Sends requests to one server.
#[derive(Debug, Clone)]
pub struct Client {
    origin: Origin,
    trust: Trust,
    limit: Duration,
}

/// What TLS came to.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// Such as `TLSv1_3`.
    pub version: String,
    /// The server's own certificate, DER.
    pub certificate: Vec<u8>,
}

/// An open connection, for requests one after another.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
    limit: Duration,
    /// TLS, where the origin has it.
    pub handshake: Option<Handshake>,
    /// Until the connection (with TLS) stood.
    pub took: Duration,
}

impl Client {
    /// A client for a server; `limit` is the time for each connection and each request.
    #[must_use]
    pub fn new(origin: Origin, trust: &Trust, limit: Duration) -> Self {
        Self {
            origin,
            trust: trust.clone(),
            limit,
        }
    }

    /// The server.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sends a request on a connection of its own.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn send(&self, request: &Request) -> Result<Answer, NoAnswer> {
        self.connect().await?.send(request).await
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn connect(&self) -> Result<Connection, NoAnswer> {
        timeout(self.limit, self.connect_now())
            .await
            .map_err(|_| NoAnswer::TimeLimit(self.limit))?
    }

    async fn connect_now(&self) -> Result<Connection, NoAnswer> {
        let start = Instant::now();
        let stream = self.tcp().await?;
        let (sender, handshake) = if self.origin.tls {
            let name = ServerName::try_from(self.origin.host.clone())
                .map_err(|error| NoAnswer::Tls(error.to_string()))?;
            let stream = TlsConnector::from(Arc::clone(&self.trust.0))
                .connect(name, stream)
                .await
                .map_err(|error| NoAnswer::Tls(error.to_string()))?;
            let (_, session) = stream.get_ref();
            let certificates = session.peer_certificates().unwrap_or_default();
            let handshake = Handshake {
                version: format!(
                    "{:?}",
                    session
                        .protocol_version()
                        .unwrap_or(rustls::ProtocolVersion::Unknown(0))
                ),
                certificate: certificates
                    .first()
                    .map(|leaf| leaf.to_vec())
                    .unwrap_or_default(),
            };
            (speak_http(stream).await?, Some(handshake))
        } else {
            (speak_http(stream).await?, None)
        };
        Ok(Connection {
            sender,
            authority: self.origin.authority.clone(),
            limit: self.limit,
            handshake,
            took: start.elapsed(),
        })
    }

    async fn tcp(&self) -> Result<TcpStream, NoAnswer> {
        let host = &self.origin.host;
        let unresolved = |reason: String| NoAnswer::Name {
            host: host.clone(),
            reason,
        };
        let mut failure = unresolved("it has no address".to_owned());
        let addresses = lookup_host((host.as_str(), self.origin.port))
            .await
            .map_err(|error| unresolved(error.to_string()))?;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    failure = NoAnswer::Connection {
                        address,
                        reason: error.to_string(),
                    };
                }
            }
        }
        Err(failure)
    }
}

async fn speak_http<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, NoAnswer>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(no_http)?;
    // Its end is seen where a request waits for its answer.
    tokio::spawn(connection);
    Ok(sender)
}

impl Connection {
    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn send(&mut self, request: &Request) -> Result<Answer, NoAnswer> {
        timeout(self.limit, self.send_now(request))
            .await
            .map_err(|_| NoAnswer::TimeLimit(self.limit))?
    }

    async fn send_now(&mut self, request: &Request) -> Result<Answer, NoAnswer> {
        let message = self.message(request)?;
        self.sender.ready().await.map_err(no_http)?;
        let start = Instant::now();
        let response = self.sender.send_request(message).await.map_err(no_http)?;
        let (head, body) = response.into_parts();
        Ok(Answer {
            status: head.status.as_u16(),
            fields: head.headers,
            body: beginning(body).await?,
            took: start.elapsed(),
        })
    }

    fn message(&self, request: &Request) -> Result<hyper::Request<Full<Bytes>>, NoAnswer> {
        let unsendable = |error: &dyn fmt::Display| NoAnswer::Request(error.to_string());
        let mut message =
            hyper::Request::new(Full::new(Bytes::from_static(request.body.as_bytes())));
        *message.method_mut() =
            Method::from_bytes(request.method.as_bytes()).map_err(|error| unsendable(&error))?;
        *message.uri_mut() = request.target.parse().map_err(|error| unsendable(&error))?;
        let fields = message.headers_mut();
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| unsendable(&error));
        fields.insert(HOST, value(&self.authority)?);
        fields.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        for (name, text) in &request.fields {
            fields.append(HeaderName::from_static(name), value(text)?);
        }
        Ok(message)
    }
}

async fn beginning(mut body: Incoming) -> Result<Bytes, NoAnswer> {
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(no_http)?.into_data() {
            kept.extend_from_slice(
                data.get(..BODY.saturating_sub(kept.len()).min(data.len()))
                    .unwrap_or_default(),
            );
        }
        if kept.len() >= BODY {
            break;
        }
    }
    Ok(kept.into())
}

fn no_http(error: hyper::Error) -> NoAnswer {
    NoAnswer::Http(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, expected) in [
            ("https://r.example.com", Some((true, "r.example.com", 443))),
            ("http://r.example.com/", Some((false, "r.example.com", 80))),
            (
                "https://r.example.com:5050/v2/",
                Some((true, "r.example.com", 5050)),
            ),
            ("https://[::1]:5050", Some((true, "::1", 5050))),
            ("r.example.com", None),
            ("ftp://r.example.com", None),
            ("https://", None),
            ("https://u:p@r.example.com", None),
            ("https://r.example.com/group", None),
        ] {
            let origin = url.parse::<Origin>().ok();
            let parts = origin
                .as_ref()
                .map(|origin| (origin.tls, &*origin.host, origin.port));
            assert_eq!(parts, expected, "{url}");
        }
        let (origin, target) = Origin::of_url("https://g.example.com:8443/jwt/auth?a=b").unwrap();
        assert_eq!(origin.to_string(), "https://g.example.com:8443");
        assert_eq!(target, "/jwt/auth?a=b");
    }
}
