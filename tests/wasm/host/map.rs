//! How the ABI writes a header map: a count, the lengths, then names and values, each ended by NUL.

use super::request::Field;

/// The bytes of a map. An empty one has none at all.
pub(super) fn encode(fields: &[Field]) -> Vec<u8> {
    if fields.is_empty() {
        return Vec::new();
    }
    let word = |length: usize| {
        u32::try_from(length)
            .expect("fields are short")
            .to_le_bytes()
    };
    let mut bytes = word(fields.len()).to_vec();
    for (name, value) in fields {
        bytes.extend(word(name.len()));
        bytes.extend(word(value.len()));
    }
    for (name, value) in fields {
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.extend(value);
        bytes.push(0);
    }
    bytes
}

/// The fields of a map, if the bytes are exactly one.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Field>> {
    let (count, mut lengths) = word(bytes)?;
    let mut contents = lengths.get(count.checked_mul(8)?..)?;
    let mut fields = Vec::new();
    for _ in 0..count {
        let (name_length, after) = word(lengths)?;
        let (value_length, after) = word(after)?;
        lengths = after;
        let (name, after) = part(contents, name_length)?;
        let (value, after) = part(after, value_length)?;
        contents = after;
        fields.push((String::from_utf8(name.to_vec()).ok()?, value.to_vec()));
    }
    contents.is_empty().then_some(fields)
}

fn word(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*word) as usize, rest))
}

fn part(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (part, rest) = bytes.split_at_checked(length)?;
    Some((part, rest.strip_prefix(b"\0")?))
}
