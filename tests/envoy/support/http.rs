//! HTTP with nothing tidied up: paths and header bytes go out as they are given, on HTTP/1.1 and
//! HTTP/2 over TLS. Every request has a connection of its own.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::digest;
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::payload::{Payload, named};

/// Nothing here takes this long, unless it hangs.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// The largest response body that is kept.
const KEPT: usize = 1 << 20;

/// The version of HTTP that is negotiated by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Http11,
    Http2,
}

impl Version {
    pub(crate) const BOTH: [Self; 2] = [Self::Http11, Self::Http2];

    fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http11 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// A user agent that no other request has, by which a request can be found in a log.
pub(crate) fn marker() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!(
        "suite-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Payload,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: Vec::new(),
            body: Payload::default(),
        }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// Adds a header field, also when there is one of that name already.
    pub(crate) fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.field("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Payload::once(body);
        self
    }

    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.body = payload;
        self
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        for (name, value) in &self.fields {
            let shown: String = String::from_utf8_lossy(value).chars().take(60).collect();
            write!(f, " [{name}: {shown}]")?;
        }
        Ok(())
    }
}

/// A response.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body, up to a megabyte.
    pub(crate) body: Bytes,
    /// The length of the whole body.
    pub(crate) length: u64,
    /// SHA-256 of the whole body, as a digest.
    pub(crate) digest: String,
}

impl Answer {
    /// The only value of a field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} more than once: {self}");
        Some(std::str::from_utf8(value.as_bytes()).unwrap_or("(not UTF-8)"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// `name` of a list of tags.
    pub(crate) fn json_name(&self) -> Option<String> {
        let json: Value = serde_json::from_slice(&self.body).ok()?;
        json.get("name")?.as_str().map(str::to_owned)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.status, self.headers, self.text())
    }
}

/// Sends requests to one port of this machine, as `localhost`.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    authority: String,
    tls: Arc<ClientConfig>,
}

impl Client {
    /// For a server whose certificate this CA signed.
    pub(crate) fn new(port: u16, ca: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(ca).unwrap())
            .unwrap();
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            authority: format!("localhost:{port}"),
            tls: Arc::new(tls),
        }
    }

    /// Host and port as in the Host field.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// GET with this token, on HTTP/1.1.
    pub(crate) fn get(&self, target: &str, token: &str) -> Answer {
        self.send(Version::Http11, &Request::get(target).bearer(token))
    }

    /// Sends a request and waits for the whole answer.
    pub(crate) fn send(&self, version: Version, request: &Request) -> Answer {
        self.try_send(version, request)
            .unwrap_or_else(|error| panic!("{version:?} {request}: no answer: {error}"))
    }

    /// As [`Client::send`], for when there may be no answer.
    pub(crate) fn try_send(&self, version: Version, request: &Request) -> Result<Answer, String> {
        runtime().block_on(self.exchange(version, request))
    }

    /// As [`Client::try_send`], for many at a time.
    pub(crate) async fn exchange(
        &self,
        version: Version,
        request: &Request,
    ) -> Result<Answer, String> {
        tokio::time::timeout(DEADLINE, self.exchange_now(version, request))
            .await
            .map_err(|_| format!("nothing for {DEADLINE:?}"))?
    }

    async fn exchange_now(&self, version: Version, request: &Request) -> Result<Answer, String> {
        let stream = TokioIo::new(self.connect(version).await?);
        let message = self.message(version, request);
        match version {
            Version::Http11 => {
                let (mut sender, connection) = http1::handshake(stream).await.map_err(said)?;
                tokio::spawn(connection);
                read(sender.send_request(message).await.map_err(said)?).await
            }
            Version::Http2 => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                // As large as those of clients that fetch layers.
                builder
                    .initial_stream_window_size(4 << 20)
                    .initial_connection_window_size(8 << 20);
                // Longer heads than the server takes are part of what is tried.
                let (mut sender, connection) = builder.handshake(stream).await.map_err(said)?;
                tokio::spawn(connection);
                read(sender.send_request(message).await.map_err(said)?).await
            }
        }
    }

    /// Sends bytes, which should ask for `Connection: close`, and reads the response.
    pub(crate) fn send_bytes(&self, bytes: &[u8]) -> Answer {
        parse(&self.send_raw(bytes))
    }

    /// As [`Client::send_bytes`], for the bytes that come back.
    pub(crate) fn send_raw(&self, bytes: &[u8]) -> Vec<u8> {
        let exchange = async {
            let mut stream = self.connect(Version::Http11).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            let mut response = Vec::new();
            // A server that refuses a head need not close TLS politely.
            let _ = stream.read_to_end(&mut response).await;
            response
        };
        runtime()
            .block_on(async { tokio::time::timeout(DEADLINE, exchange).await })
            .unwrap_or_default()
    }

    pub(super) async fn connect(&self, version: Version) -> Result<TlsStream<TcpStream>, String> {
        let mut tls = ClientConfig::clone(&self.tls);
        tls.alpn_protocols = vec![version.alpn().to_vec()];
        let stream = TcpStream::connect(self.address).await.map_err(said)?;
        stream.set_nodelay(true).map_err(said)?;
        let name = ServerName::try_from("localhost").map_err(said)?;
        TlsConnector::from(Arc::new(tls))
            .connect(name, stream)
            .await
            .map_err(said)
    }

    pub(super) fn message(&self, version: Version, request: &Request) -> hyper::Request<Payload> {
        let mut message = hyper::Request::new(request.body.clone());
        *message.method_mut() = request.method.parse().unwrap();
        let uri = match version {
            Version::Http11 => request.target.clone(),
            Version::Http2 => format!("https://{}{}", self.authority, request.target),
        };
        *message.uri_mut() = uri.parse().unwrap_or_else(|error| panic!("{uri}: {error}"));
        let fields = message.headers_mut();
        if version == Version::Http11 {
            fields.insert("host", self.authority.parse().unwrap());
        }
        for (name, value) in &request.fields {
            let name: HeaderName = name.parse().unwrap();
            fields.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        message
    }
}

pub(super) async fn read(response: hyper::Response<Incoming>) -> Result<Answer, String> {
    let (head, mut body) = response.into_parts();
    let mut kept = Vec::new();
    let mut length = 0_u64;
    let mut context = digest::Context::new(&digest::SHA256);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(said)?.into_data() {
            length += u64::try_from(data.len()).unwrap();
            context.update(&data);
            kept.extend_from_slice(&data[..data.len().min(KEPT.saturating_sub(kept.len()))]);
        }
    }
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: kept.into(),
        length,
        digest: named(context),
    })
}

/// An error with its causes.
pub(super) fn said(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A response of HTTP/1.1 whose connection was closed after it.
fn parse(response: &[u8]) -> Answer {
    let shown = String::from_utf8_lossy(response).into_owned();
    let end = response.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("not a response: {shown:?}"));
    let head = String::from_utf8_lossy(&response[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines
        .map(|line| {
            line.split_once(": ")
                .unwrap_or_else(|| panic!("not a field: {line:?}"))
        })
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let body = Bytes::copy_from_slice(&response[end + 4..]);
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&body);
    Answer {
        status: status.unwrap_or_else(|| panic!("no status: {shown:?}")),
        headers,
        length: u64::try_from(body.len()).unwrap(),
        digest: named(context),
        body,
    }
}

/// The threads that all clients share.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    })
}
