//! Text or bytes, as they stand in a case.

use std::fmt;

use serde::Deserialize;

/// A string, or `{ hex = "…" }` where the bytes are not UTF-8.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Bytes {
    Text(String),
    Hex { hex: String },
}

impl Bytes {
    pub(super) fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Hex { hex } => from_hex(hex),
        }
    }

    /// The bytes, with every `{token}` in a text replaced.
    pub(super) fn with_token(&self, token: Option<&[u8]>) -> Vec<u8> {
        const PLACE: &str = "{token}";
        let Self::Text(text) = self else {
            return self.to_vec();
        };
        let mut pieces = text.split(PLACE).map(str::as_bytes);
        let mut bytes = pieces.next().unwrap_or_default().to_vec();
        for piece in pieces {
            bytes.extend_from_slice(token.expect("a request with {token} has a token"));
            bytes.extend_from_slice(piece);
        }
        bytes
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(formatter),
            Self::Hex { hex } => write!(formatter, "0x{hex}"),
        }
    }
}

/// The bytes of pairs of hexadecimal digits.
pub(super) fn from_hex(hex: &str) -> Vec<u8> {
    assert!(
        hex.len().is_multiple_of(2),
        "an odd number of digits: {hex}"
    );
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("hexadecimal digits");
        u8::from_str_radix(pair, 16).unwrap_or_else(|_| panic!("not hexadecimal: {pair}"))
    };
    hex.as_bytes().chunks(2).map(byte).collect()
}
