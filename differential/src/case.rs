//! One case: a request and the recipe of its token, as in `tests/corpus`.
//!
//! Generated cases are values of the same types as the corpus's, so that one that fails can be
//! printed as an entry of the corpus and the corpus can be put to real registries.

use corpus::case::{Message, Request};
use corpus::token::Token;
use serde::Deserialize;
use testbed::wire;

/// A request and its token.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Case {
    pub(crate) request: Request,
    pub(crate) token: Option<Token>,
    /// Changes of single characters of the token's text. Not in the schema of the corpus: such a
    /// token is printed as `text`.
    #[serde(skip)]
    pub(crate) edits: Vec<Edit>,
}

/// A change of one place of a text. Places are fractions of 65536 of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Replace(u16, u8),
    Insert(u16, u8),
    Remove(u16),
}

impl Edit {
    pub(crate) fn apply(self, text: &mut Vec<u8>) {
        let place = |fraction: u16, length: usize| length * usize::from(fraction) / 0x1_0000;
        match self {
            Self::Replace(at, byte) => {
                let at = place(at, text.len());
                text.iter_mut().skip(at).take(1).for_each(|old| *old = byte);
            }
            Self::Insert(at, byte) => text.insert(place(at, text.len()), byte),
            Self::Remove(at) if !text.is_empty() => {
                text.remove(place(at, text.len()));
            }
            Self::Remove(_) => {}
        }
    }
}

/// A request with its token, as it is sent.
pub(crate) fn sent(request: &Request, token: Option<&[u8]>) -> wire::Request {
    let Message {
        method,
        target,
        fields,
        body,
        host,
    } = Message::new(request, token);
    wire::Request {
        method,
        target,
        host,
        fields,
        body,
    }
}
