//! The parts of a token, decoded (RFC 7515 section 2: base64url without padding).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The bytes of `text`; `None` for padding, blanks, another alphabet, or bits left over that are
/// not zero.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_text_for_each_value() {
        assert_eq!(decode(b"_-8"), Some(vec![0xff, 0xef]));
        // Padding, a bit left over, the other alphabet, a blank, a length that none has.
        for refused in [
            "_-8=", "_-9", "/+8", "_-8 ", "_", "_-8\n", "_-8A=", "_-8==", "\u{e9}-8",
        ] {
            assert_eq!(decode(refused.as_bytes()), None, "{refused}");
        }
    }
}
