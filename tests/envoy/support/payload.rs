//! Bodies that are sent, and the digests of blobs.

use std::pin::Pin;
use std::task::{Context, Poll};

use aws_lc_rs::digest;
use hyper::body::{Body, Bytes, Frame, SizeHint};

/// A body: one block, sent once or over and over up to a length.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payload {
    block: Bytes,
    left: u64,
}

impl Payload {
    pub(crate) fn once(block: impl Into<Bytes>) -> Self {
        let block = block.into();
        let left = u64::try_from(block.len()).unwrap();
        Self { block, left }
    }

    pub(crate) fn repeated(block: impl Into<Bytes>, length: u64) -> Self {
        Self {
            block: block.into(),
            left: length,
        }
    }

    pub(crate) fn length(&self) -> u64 {
        self.left
    }

    /// SHA-256 in the form of a digest, `sha256:…`.
    pub(crate) fn digest(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        let mut rest = self.clone();
        while let Some(block) = rest.next_block() {
            context.update(&block);
        }
        named(context)
    }

    fn next_block(&mut self) -> Option<Bytes> {
        let length = self.left.min(u64::try_from(self.block.len()).unwrap());
        self.left -= length;
        (length > 0).then(|| self.block.slice(..usize::try_from(length).unwrap()))
    }
}

pub(super) fn named(context: digest::Context) -> String {
    let hex: String = context
        .finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

impl Body for Payload {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.next_block().map(|block| Ok(Frame::data(block))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
