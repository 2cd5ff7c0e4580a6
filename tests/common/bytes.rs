//! Text or bytes, as they stand in a case.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A string, or `{ hex = "…" }` where the bytes are not UTF-8.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bytes {
    Text(String),
    Hex { hex: String },
}

/// Where the token goes.
const TOKEN: &str = "{token}";

impl Bytes {
    /// Text where the bytes are UTF-8.
    pub fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hex {
                hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
        }
    }

    /// Whether a token belongs in it.
    pub fn asks_for_token(&self) -> bool {
        matches!(self, Self::Text(text) if text.contains(TOKEN))
    }

    pub fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Hex { hex } => from_hex(hex),
        }
    }

    /// The bytes, with every `{token}` in a text replaced, if there is one to replace it with.
    pub fn with_token(&self, token: Option<&[u8]>) -> Vec<u8> {
        let (Self::Text(text), Some(token)) = (self, token) else {
            return self.to_vec();
        };
        let pieces: Vec<&[u8]> = text.split(TOKEN).map(str::as_bytes).collect();
        pieces.join(token)
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
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
pub fn from_hex(hex: &str) -> Vec<u8> {
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
