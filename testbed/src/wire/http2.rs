//! The same requests over HTTP/2, without TLS and by prior knowledge (RFC 9113 section 3.3).

use std::net::{Ipv4Addr, SocketAddr};

use h2::client::SendRequest;
use http::{HeaderName, HeaderValue, Method, Uri};
use tokio::net::TcpStream;

use super::{Answer, DEADLINE, Request, Response};
use crate::error::{Error, Result};

/// One kept connection to one server, opened when it is needed.
#[derive(Debug)]
pub struct Http2 {
    address: SocketAddr,
    sender: Option<SendRequest<bytes::Bytes>>,
}

/// Why there is no response.
enum Fault {
    Connecting(std::io::Error),
    Http(h2::Error),
}

impl From<std::io::Error> for Fault {
    fn from(fault: std::io::Error) -> Self {
        Self::Connecting(fault)
    }
}

impl From<h2::Error> for Fault {
    fn from(fault: h2::Error) -> Self {
        Self::Http(fault)
    }
}

impl Http2 {
    /// A connection to a port of 127.0.0.1.
    #[must_use]
    pub fn to(port: u16) -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            sender: None,
        }
    }

    /// Sends a request and reads the answer; a stream that is reset counts as closed. `None` for a
    /// request that cannot be said over HTTP/2.
    ///
    /// # Errors
    /// When the server cannot be reached or hangs.
    pub async fn exchange(&mut self, request: &Request) -> Result<Option<Answer>> {
        let Some(head) = head(request) else {
            return Ok(None);
        };
        let was_open = self.sender.is_some();
        let answer = self.timed(head.clone(), request).await?;
        // A kept connection may have been closed for its age in the same moment.
        if answer == Answer::Closed && was_open {
            self.sender = None;
            return self.timed(head, request).await.map(Some);
        }
        Ok(Some(answer))
    }

    async fn timed(&mut self, head: http::Request<()>, request: &Request) -> Result<Answer> {
        let exchange = tokio::time::timeout(DEADLINE, self.attempt(head, request)).await;
        if let Ok(Ok(response)) = exchange {
            return Ok(Answer::Responded(response));
        }
        let was_open = self.sender.take().is_some();
        let fault = match exchange {
            // The server ended the stream, or the connection with it.
            Ok(Err(Fault::Http(fault)))
                if fault.is_remote() || fault.is_reset() || was_open && fault.is_io() =>
            {
                return Ok(Answer::Closed);
            }
            Ok(Err(Fault::Http(fault))) => fault.to_string(),
            Ok(Err(Fault::Connecting(fault))) => fault.to_string(),
            Ok(Ok(_)) | Err(_) => format!("no answer in {DEADLINE:?}"),
        };
        Err(Error::Other(format!("{}, HTTP/2: {fault}", self.address)))
    }

    async fn attempt(
        &mut self,
        head: http::Request<()>,
        request: &Request,
    ) -> std::result::Result<Response, Fault> {
        let sender = match self.sender.take() {
            Some(sender) => sender,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                let (sender, connection) = h2::client::handshake(stream).await?;
                // It lasts as long as the sender does.
                tokio::spawn(connection);
                sender
            }
        };
        let mut ready = sender.ready().await?;
        let is_bodiless = request.body.is_empty();
        let (response, mut body) = ready.send_request(head, is_bodiless)?;
        self.sender = Some(ready);
        if !is_bodiless {
            // A server that answers early takes no more of it.
            let _ = body.send_data(request.body.clone().into(), true);
        }
        let (head, mut body) = response.await?.into_parts();
        let mut bytes = Vec::new();
        while let Some(piece) = body.data().await {
            let piece = piece?;
            let _ = body.flow_control().release_capacity(piece.len());
            bytes.extend_from_slice(&piece);
        }
        let fields = head.headers.iter();
        Ok(Response {
            status: head.status.as_u16(),
            fields: fields
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: bytes,
        })
    }
}

/// The head of the request, if it is one that a client of HTTP/2 can write.
fn head(request: &Request) -> Option<http::Request<()>> {
    // Those fields of HTTP/1.1 have no place there (RFC 9113 section 8.2.2); a method by which a
    // tunnel is asked for has another form.
    if request.is_chunked() || request.method == b"CONNECT" {
        return None;
    }
    let target = Uri::try_from(request.target.as_slice()).ok()?;
    let path = target.path_and_query()?;
    // Only what is sent as it stands: some of a URI this library would leave out.
    if path.as_str().as_bytes() != request.target || target.authority().is_some() {
        return None;
    }
    let localhost = [b"localhost".to_vec()];
    let [host] = request.host.as_deref().unwrap_or(&localhost) else {
        return None;
    };
    let target = Uri::builder()
        .scheme("http")
        .authority(host.as_slice())
        .path_and_query(path.clone());
    let mut head = http::Request::new(());
    *head.uri_mut() = target.build().ok()?;
    *head.method_mut() = Method::from_bytes(&request.method).ok()?;
    *head.version_mut() = http::Version::HTTP_2;
    for (name, value) in &request.fields {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        head.headers_mut()
            .append(name, HeaderValue::from_bytes(value).ok()?);
    }
    if super::has_length(&request.method) || !request.body.is_empty() {
        let length = HeaderValue::from(request.body.len());
        head.headers_mut()
            .append(http::header::CONTENT_LENGTH, length);
    }
    Some(head)
}
