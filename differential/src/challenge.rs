//! Reading a `WWW-Authenticate` value as the registry writes it, independently of the filter.
//!
//! `Bearer name="value",name="value"`, a comma alone between the parameters, every value quoted by
//! Go's `strconv.Quote`. The registry's scopes come in any order, and so do the actions of one.

use std::collections::BTreeSet;

/// A challenge, in a form in which two can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// The names of the parameters, in order.
    names: Vec<String>,
    realm: Vec<u8>,
    service: Vec<u8>,
    scope: BTreeSet<Vec<u8>>,
    error: Option<String>,
}

impl Challenge {
    /// Reads a value; `None` if it is not what a registry writes.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let parameters = parameters(value)?;
        let named = |wanted: &str| {
            let found = parameters.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone())
        };
        let error = named("error").map(|error| String::from_utf8_lossy(&error).into_owned());
        Some(Self {
            realm: named("realm")?,
            service: named("service")?,
            scope: items(&named("scope").unwrap_or_default()),
            names: parameters.into_iter().map(|(name, _)| name).collect(),
            error,
        })
    }

    /// The `error` parameter.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The scopes, as a person would write them.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let shown = |item: &Vec<u8>| String::from_utf8_lossy(item).into_owned();
        self.scope.iter().map(shown).collect()
    }

    /// The same challenge without its `error`.
    pub(crate) fn without_error(&self) -> Self {
        let mut other = self.clone();
        other.error = None;
        other.names.retain(|name| name != "error");
        other
    }
}

/// The items of a scope, the actions of each sorted.
///
/// A `from` may hold blanks and colons itself, so that items cannot be told apart with certainty;
/// both sides are taken apart alike, and the pieces are compared.
fn items(scope: &[u8]) -> BTreeSet<Vec<u8>> {
    let pieces = scope.split(|&byte| byte == b' ');
    pieces
        .map(|piece| {
            let Some(colon) = piece.iter().rposition(|&byte| byte == b':') else {
                return piece.to_vec();
            };
            let (resource, actions) = piece.split_at(colon + 1);
            let mut actions: Vec<&[u8]> = actions.split(|&byte| byte == b',').collect();
            actions.sort_unstable();
            [resource, &actions.join(&b","[..])].concat()
        })
        .collect()
}

/// The parameters, in order, their values unquoted.
fn parameters(value: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut rest = value.strip_prefix(b"Bearer ")?;
    let mut parameters = Vec::new();
    loop {
        let sign = rest.iter().position(|&byte| byte == b'=')?;
        let (name, after) = rest.split_at(sign);
        if !name.iter().all(u8::is_ascii_lowercase) {
            return None;
        }
        let (value, after) = unquote(after.get(1..)?)?;
        parameters.push((String::from_utf8_lossy(name).into_owned(), value));
        match after {
            [] => return Some(parameters),
            [b',', after @ ..] => rest = after,
            _ => return None,
        }
    }
}

/// Takes one Go-quoted string off the front: its value, and what follows.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut value = Vec::new();
    loop {
        match rest {
            [b'"', after @ ..] => return Some((value, after)),
            [b'\\', escape, after @ ..] => rest = unescape(*escape, after, &mut value)?,
            [byte, after @ ..] if !byte.is_ascii_control() => {
                value.push(*byte);
                rest = after;
            }
            _ => return None,
        }
    }
}

fn unescape<'a>(escape: u8, rest: &'a [u8], value: &mut Vec<u8>) -> Option<&'a [u8]> {
    let plain = match escape {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' | b'"' => escape,
        b'x' => {
            let (number, rest) = hexadecimal(rest, 2)?;
            value.push(u8::try_from(number).ok()?);
            return Some(rest);
        }
        b'u' | b'U' => {
            let (number, rest) = hexadecimal(rest, if escape == b'u' { 4 } else { 8 })?;
            let character = char::from_u32(number)?;
            value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
        _ => return None,
    };
    value.push(plain);
    Some(rest)
}

fn hexadecimal(text: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let (number, rest) = text.split_at_checked(digits)?;
    let number = std::str::from_utf8(number).ok()?;
    Some((u32::from_str_radix(number, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"Bearer realm="https://r.example/a",service="s""#;

    fn parse(rest: &str) -> Option<Challenge> {
        Challenge::parse(format!("{START}{rest}").as_bytes())
    }

    #[test]
    fn scopes_are_compared_as_sets() {
        for (one, other, alike) in [
            (
                r#",scope="repository:a:pull,push""#,
                r#",scope="repository:a:push,pull""#,
                true,
            ),
            (
                r#",scope="repository:a:pull x:y:*""#,
                r#",scope="x:y:* repository:a:pull""#,
                true,
            ),
            (
                r#",scope="repository:a:pull""#,
                r#",scope="repository:a:push""#,
                false,
            ),
            (r#",scope="repository:a:pull""#, "", false),
            ("", r#",error="invalid_token""#, false),
            (
                r#",scope="a\"b\\\r\xff\u200b""#,
                r#",scope="a\"b\\\r\xff\u200b""#,
                true,
            ),
        ] {
            assert_eq!(
                parse(one).unwrap() == parse(other).unwrap(),
                alike,
                "{one} {other}"
            );
        }
        let with_error = parse(r#",error="invalid_token""#).unwrap();
        assert_eq!(with_error.without_error(), parse("").unwrap());
    }

    #[test]
    fn what_no_registry_writes_is_no_challenge() {
        for rest in [
            ",",
            r#",scope=x"#,
            r#", scope="x""#,
            r#",scope="x"#,
            r#",scope="\q""#,
        ] {
            assert_eq!(parse(rest), None, "{rest}");
        }
        assert_eq!(Challenge::parse(b"Basic realm=\"x\""), None);
    }
}
