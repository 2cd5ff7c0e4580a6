//! The parts of a token, decoded (RFC 7515 section 2: base64url without padding).

use base64ct::{Base64UrlUnpadded, Encoding as _};

/// The bytes of `text`; `None` for padding, blanks, another alphabet, or bits left over that are
/// not zero.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_text_for_each_value() {
        assert_eq!(decode("_-8"), Some(vec![0xff, 0xef]));
        // Padding, a bit left over, the other alphabet, a blank, a length that none has.
        for refused in ["_-8=", "_-9", "/+8", "_-8 ", "_"] {
            assert_eq!(decode(refused), None, "{refused}");
        }
    }
}
