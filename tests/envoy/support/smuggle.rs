//! HTTP/2 heads with bytes that no client library lets into one.
//!
//! The library writes a text in their place, of letters whose Huffman code is a whole byte
//! (RFC 7541 appendix B), so that it stands on the wire as a string of the same length. There it is
//! replaced, on its way into TLS, by the bytes as a string without Huffman coding.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::http::{Answer, Client, DEADLINE, Request, Version, read, runtime, said};

/// What is written in place of some bytes.
struct Placeholder {
    text: String,
    /// As it stands on the wire: length with the Huffman bit, and code.
    coded: Vec<u8>,
    /// What takes its place there.
    bytes: Vec<u8>,
}

impl Placeholder {
    /// The code of `/00`, which has as many bits as two bytes.
    const PATH: (&'static str, &'static [u8]) = ("/00", &[0x60, 0x00]);

    fn of_path(bytes: &[u8]) -> Self {
        let (text, code) = Self::PATH;
        Self::new(text, code, b'X', 0xfc, bytes)
    }

    fn of_value(bytes: &[u8]) -> Self {
        Self::new("", &[], b'Z', 0xfd, bytes)
    }

    /// `letter` has the one-byte code `code_of_letter`.
    fn new(text: &str, code: &[u8], letter: u8, code_of_letter: u8, bytes: &[u8]) -> Self {
        let count = bytes.len() - code.len();
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 0x7f, "the length is one byte");
        let letters = String::from_utf8(vec![letter; count]).unwrap();
        Self {
            text: format!("{text}{letters}"),
            coded: [&[0x80 | length], code, &vec![code_of_letter; count]].concat(),
            bytes: [&[length], bytes].concat(),
        }
    }
}

impl Client {
    /// `GET` of a target over HTTP/2, with one field; both as they are given, 8 bytes at least.
    /// An error is a stream or a connection that the server ended.
    pub(crate) fn smuggle(
        &self,
        target: &[u8],
        (name, value): (&str, &[u8]),
    ) -> Result<Answer, String> {
        let (path, value) = (Placeholder::of_path(target), Placeholder::of_value(value));
        let request = Request::get(&path.text).field(name, &value.text);
        let exchange = async {
            let stream = Smuggler {
                stream: self.connect(Version::Http2).await?,
                places: vec![path, value],
            };
            let builder = http2::Builder::new(TokioExecutor::new());
            let (mut sender, connection) = builder
                .handshake(TokioIo::new(stream))
                .await
                .map_err(said)?;
            tokio::spawn(connection);
            let message = self.message(Version::Http2, &request);
            read(sender.send_request(message).await.map_err(said)?).await
        };
        runtime()
            .block_on(async { tokio::time::timeout(DEADLINE, exchange).await })
            .map_err(|_| format!("nothing for {DEADLINE:?}"))?
    }
}

/// A stream that replaces what is written to it.
struct Smuggler<S> {
    stream: S,
    places: Vec<Placeholder>,
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Smuggler<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut written = bytes.to_vec();
        // A head is written in one piece, and is the only one.
        self.places.retain(|place| {
            let at = written
                .windows(place.coded.len())
                .position(|window| window == place.coded);
            if let Some(at) = at {
                written[at..at + place.bytes.len()].copy_from_slice(&place.bytes);
            }
            at.is_none()
        });
        let taken = ready!(Pin::new(&mut self.stream).poll_write(context, &written))?;
        assert_eq!(taken, written.len(), "a head in two pieces");
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was never sent was never tried.
        assert!(self.places.is_empty(), "the bytes were not in the head");
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Smuggler<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
