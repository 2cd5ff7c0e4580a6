//! Challenges that can be compared.
//!
//! The registry's scopes come in any order, and so do the actions of one.

use std::collections::BTreeSet;

use corpus::challenge;

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
        let parameters = challenge::parse(value).ok()?;
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
