//! HTTP with nothing tidied up: the bytes of a request go out as they are given, on kept
//! connections. No client library sends such targets and fields.
//!
//! HTTP/1.1 here; [`Http2`] is for what can be said over HTTP/2 too.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::error::{Error, Result};

mod http2;

pub use http2::Http2;

/// Nothing on loopback takes this long, unless it hangs.
const DEADLINE: Duration = Duration::from_secs(20);

/// The most response fields that are read.
const MAX_FIELDS: usize = 64;

/// A request, as it is to be sent.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method, as it stands.
    pub method: Vec<u8>,
    /// The request target, as it stands.
    pub target: Vec<u8>,
    /// The values of the `Host` fields: `localhost` without; with none it is a request of HTTP/1.0.
    pub host: Option<Vec<Vec<u8>>>,
    /// Names in lower case, without `host` and the length, in order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body; empty is none.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A response, whoever gave it.
    Responded(Response),
    /// The connection was closed without a response.
    Closed,
}

/// A response.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Field names in lower case.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body; for HEAD there is none.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a field; several are joined by a line feed, which stands in none.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let named = self.fields.iter().filter(|(known, _)| known == name);
        let values: Vec<_> = named
            .map(|(_, value)| String::from_utf8_lossy(value))
            .collect();
        (!values.is_empty()).then(|| values.join("\n"))
    }

    /// The body as text, what is none replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Responded(response) = self else {
            return formatter.write_str("(closed without an answer)");
        };
        write!(formatter, "{}", response.status)?;
        for (name, value) in &response.fields {
            if !matches!(
                name.as_str(),
                "date" | "server" | "connection" | "x-envoy-upstream-service-time"
            ) {
                write!(formatter, " [{name}: {}]", value.escape_ascii())?;
            }
        }
        let body: String = response.text().chars().take(300).collect();
        write!(formatter, " {body:?}")
    }
}

impl Request {
    /// Whether the body is sent in chunks, as a field says then.
    fn is_chunked(&self) -> bool {
        self.fields
            .iter()
            .any(|(name, _)| name == "transfer-encoding")
    }

    /// The bytes of the request. The body is announced by its length, or sent in one chunk when
    /// there is a `transfer-encoding`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            method,
            target,
            host,
            fields,
            body,
        } = self;
        let localhost = [b"localhost".to_vec()];
        let hosts = host.as_deref().unwrap_or(&localhost);
        let version: &[u8] = if hosts.is_empty() {
            b" HTTP/1.0\r\n"
        } else {
            b" HTTP/1.1\r\n"
        };
        let mut bytes = [method, &b" "[..], target, version].concat();
        let mut field = |name: &str, value: &[u8]| {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        };
        for value in hosts {
            field("host", value);
        }
        for (name, value) in fields {
            field(name, value);
        }
        let is_chunked = self.is_chunked();
        if !is_chunked && (!body.is_empty() || has_length(method)) {
            field("content-length", body.len().to_string().as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        if !is_chunked {
            bytes.extend_from_slice(body);
            return bytes;
        }
        if !body.is_empty() {
            bytes.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(body);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }
}

/// The methods whose requests say their length even when it is 0 (RFC 9110 section 8.6).
fn has_length(method: &[u8]) -> bool {
    matches!(method, b"POST" | b"PUT" | b"PATCH")
}

/// One kept connection to one server, opened when it is needed.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    /// Bytes read and not used yet.
    buffer: Vec<u8>,
}

impl Connection {
    /// A connection to a port of 127.0.0.1.
    #[must_use]
    pub fn to(port: u16) -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            stream: None,
            buffer: Vec::new(),
        }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// When the server cannot be reached, hangs, or answers something that is not HTTP.
    pub async fn exchange(&mut self, request: &Request) -> Result<Answer> {
        self.exchange_bytes(&request.encode(), &request.method)
            .await
    }

    /// The same, and for HEAD the body whose length is announced: that of the same GET.
    ///
    /// # Errors
    /// As [`Connection::exchange`].
    pub async fn exchange_whole(&mut self, request: &Request) -> Result<Answer> {
        let mut answer = self.exchange(request).await?;
        if let Answer::Responded(response) = &mut answer
            && request.method == b"HEAD"
            && let Some(length) = response.field("content-length")
            && length != "0"
        {
            let get = Request {
                method: b"GET".to_vec(),
                ..request.clone()
            };
            if let Answer::Responded(whole) = self.exchange(&get).await?
                && whole.body.len().to_string() == length
            {
                response.body = whole.body;
            } else {
                response.body = b"(GET has another length)".to_vec();
            }
        }
        Ok(answer)
    }

    /// The same for bytes that need not be one request; `method` tells whether a body is awaited.
    ///
    /// # Errors
    /// As [`Connection::exchange`].
    pub async fn exchange_bytes(&mut self, request: &[u8], method: &[u8]) -> Result<Answer> {
        let was_open = self.stream.is_some();
        let answer = self.timed(request, method).await?;
        // A kept connection may have been closed for its age in the same moment.
        if answer == Answer::Closed && was_open {
            return self.timed(request, method).await;
        }
        Ok(answer)
    }

    async fn timed(&mut self, request: &[u8], method: &[u8]) -> Result<Answer> {
        let exchange = tokio::time::timeout(DEADLINE, self.attempt(request, method)).await;
        match exchange {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.stream = None;
                Err(Error::Other(format!("{}: {error}", self.address)))
            }
            Err(_) => {
                self.stream = None;
                let request = request.escape_ascii().to_string();
                let shown = request.get(..400).unwrap_or(&request);
                Err(Error::Other(format!(
                    "{}: no answer in {DEADLINE:?} to {shown}",
                    self.address
                )))
            }
        }
    }

    async fn attempt(&mut self, request: &[u8], method: &[u8]) -> std::io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                self.buffer.clear();
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        // A server that answers early and closes makes the rest of the writing fail.
        let _ = stream.write_all(request).await;
        let Some((response, is_kept)) = self.read(&mut stream, method).await? else {
            return Ok(Answer::Closed);
        };
        if is_kept {
            self.stream = Some(stream);
        }
        Ok(Answer::Responded(response))
    }

    /// A response, and whether the connection can be used again.
    async fn read(
        &mut self,
        stream: &mut TcpStream,
        method: &[u8],
    ) -> std::io::Result<Option<(Response, bool)>> {
        let (mut response, used) = loop {
            match self.head()? {
                Some((response, used)) if (100..200).contains(&response.status) => {
                    self.buffer.drain(..used);
                }
                Some(found) => break found,
                None if self.fill(stream).await? => {}
                None => return Ok(None),
            }
        };
        self.buffer.drain(..used);
        let lower = |name: &str| response.field(name).map(|value| value.to_ascii_lowercase());
        let is_closing = lower("connection").is_some_and(|value| value.contains("close"));
        let is_chunked = lower("transfer-encoding").is_some();
        let length = lower("content-length").and_then(|value| value.parse::<usize>().ok());
        let is_bodiless = method == b"HEAD" || matches!(response.status, 204 | 304);
        let mut is_kept = !is_closing;
        if is_bodiless {
        } else if is_chunked {
            response.body = self.chunks(stream).await?;
        } else if let Some(length) = length {
            while self.buffer.len() < length && self.fill(stream).await? {}
            response.body = self.buffer.drain(..length.min(self.buffer.len())).collect();
        } else {
            is_kept = false;
            while self.fill(stream).await? {}
            response.body = std::mem::take(&mut self.buffer);
        }
        Ok(Some((response, is_kept)))
    }

    /// The head in the buffer and its length, once it is whole.
    fn head(&self) -> std::io::Result<Option<(Response, usize)>> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(&self.buffer).map_err(std::io::Error::other)? {
            httparse::Status::Partial => Ok(None),
            httparse::Status::Complete(used) => {
                let fields = parsed.headers.iter();
                let response = Response {
                    status: parsed.code.unwrap_or_default(),
                    fields: fields
                        .map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()))
                        .collect(),
                    body: Vec::new(),
                };
                Ok(Some((response, used)))
            }
        }
    }

    async fn chunks(&mut self, stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = httparse::parse_chunk_size(&self.buffer)
                .map_err(|_| std::io::Error::other("a chunk without a size"))?;
            let httparse::Status::Complete((start, size)) = size else {
                if self.fill(stream).await? {
                    continue;
                }
                return Ok(body);
            };
            let end = start + usize::try_from(size).unwrap_or(usize::MAX / 2);
            // The line feed after the chunk belongs to it; so do trailers, of which there are none.
            while self.buffer.len() < end + 2 && self.fill(stream).await? {}
            let chunk = self.buffer.get(start..end).unwrap_or_default();
            body.extend_from_slice(chunk);
            self.buffer.drain(..(end + 2).min(self.buffer.len()));
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// Reads more; `false` at the end of the stream.
    async fn fill(&mut self, stream: &mut TcpStream) -> std::io::Result<bool> {
        match stream.read_buf(&mut self.buffer).await {
            Ok(read) => Ok(read > 0),
            // What was not read of a request that was refused resets the connection.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let headers = headers.iter();
        Request {
            method: method.into(),
            target: "/v2/".into(),
            fields: headers
                .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
                .collect(),
            body: body.into(),
            host: None,
        }
    }

    #[test]
    fn a_body_is_announced_as_http_asks() {
        const START: &str = " /v2/ HTTP/1.1\r\nhost: localhost\r\n";
        let chunked = &[("transfer-encoding", "chunked")][..];
        for (method, headers, body, rest) in [
            ("GET", &[][..], "", "\r\n"),
            ("POST", &[], "", "content-length: 0\r\n\r\n"),
            ("GET", &[], "ab", "content-length: 2\r\n\r\nab"),
            (
                "PUT",
                chunked,
                "ab",
                "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            ),
            (
                "PUT",
                chunked,
                "",
                "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
        ] {
            let bytes = request(method, headers, body).encode();
            assert_eq!(
                String::from_utf8_lossy(&bytes),
                format!("{method}{START}{rest}")
            );
        }
    }

    #[tokio::test]
    async fn answers_are_read_from_a_kept_connection() {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for answer in [
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
                "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n",
                "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n",
                "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            ] {
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).await.unwrap() > 0);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let mut connection = Connection::to(port);
        for (method, status, body) in [
            ("GET", 200, "ab"),
            ("GET", 401, "cde"),
            ("HEAD", 404, ""),
            ("GET", 204, ""),
        ] {
            let answer = connection
                .exchange(&request(method, &[], ""))
                .await
                .unwrap();
            let Answer::Responded(response) = answer else {
                panic!("{method}: {answer}");
            };
            assert_eq!((response.status, response.text().as_str()), (status, body));
        }
    }
}
