//! A challenge as a client reads it, and what a client then does: fetch a token at the realm.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64, Encoding as _};
use testbed::issuer::User;

use super::http::{Answer, Client, Request, Version};

/// `WWW-Authenticate`, taken apart. Scopes and actions are sets: a registry writes them in any
/// order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) realm: String,
    pub(crate) service: String,
    pub(crate) scope: BTreeMap<String, BTreeSet<String>>,
    pub(crate) error: Option<String>,
}

impl Challenge {
    /// That of an answer; panics if there is none.
    pub(crate) fn of(answer: &Answer) -> Self {
        let value = answer.header("www-authenticate");
        Self::parse(value.unwrap_or_else(|| panic!("no challenge: {answer}")))
    }

    pub(crate) fn parse(value: &str) -> Self {
        let mut parameters = parameters(value);
        let mut take = |name: &str| parameters.remove(name);
        let challenge = Self {
            realm: take("realm").unwrap_or_default(),
            service: take("service").unwrap_or_default(),
            scope: take("scope")
                .map(|scope| scopes(&scope))
                .unwrap_or_default(),
            error: take("error"),
        };
        assert!(
            parameters.is_empty(),
            "{parameters:?} besides the known ones in {value}"
        );
        challenge
    }

    /// The scope in the form of a token request.
    pub(crate) fn scopes(&self) -> Vec<String> {
        self.scope
            .iter()
            .map(|(name, actions)| {
                let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
                format!("{name}:{}", actions.join(","))
            })
            .collect()
    }

    /// Fetches a token at the realm, as `user` or as nobody.
    pub(crate) fn answer_as(&self, client: &Client, user: Option<&User>) -> Answer {
        let path = self.realm.split_once("://").unwrap().1;
        let (authority, path) = path.split_at(path.find('/').unwrap());
        assert_eq!(
            authority,
            client.authority(),
            "the realm is served at the edge"
        );
        let scopes: String = self
            .scopes()
            .iter()
            .map(|scope| format!("&scope={}", escaped(scope)))
            .collect();
        let request = Request::get(&format!(
            "{path}?service={}{scopes}",
            escaped(&self.service)
        ));
        let request = match user {
            Some(User { name, password, .. }) => {
                let basic = Base64::encode_string(format!("{name}:{password}").as_bytes());
                request.field("authorization", format!("Basic {basic}"))
            }
            None => request,
        };
        client.send(Version::Http11, &request)
    }

    /// The token that `user` gets for this challenge.
    pub(crate) fn token_for(&self, client: &Client, user: &User) -> String {
        let answer = self.answer_as(client, Some(user));
        assert_eq!(answer.status, 200, "{answer}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }
}

/// `Bearer a="x",b="y"`; a value is quoted as Go quotes strings.
fn parameters(value: &str) -> BTreeMap<String, String> {
    let mut rest = value
        .strip_prefix("Bearer ")
        .unwrap_or_else(|| panic!("not Bearer: {value}"));
    let mut parameters = BTreeMap::new();
    while !rest.is_empty() {
        let (name, after) = rest
            .split_once("=\"")
            .unwrap_or_else(|| panic!("no value: {value}"));
        let mut is_escaped = false;
        let end = after.find(|c| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        });
        let end = end.unwrap_or_else(|| panic!("no end: {value}"));
        let text = after[..end].replace("\\\"", "\"").replace("\\\\", "\\");
        assert!(
            parameters.insert(name.to_owned(), text).is_none(),
            "{name} twice: {value}"
        );
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    parameters
}

fn scopes(scope: &str) -> BTreeMap<String, BTreeSet<String>> {
    // A name may hold blanks (`from=x+y`), so an item begins where a type does.
    let mut items: Vec<String> = Vec::new();
    for word in scope.split(' ') {
        let begins = word.starts_with("repository:") || word.starts_with("registry:");
        match items.last_mut() {
            Some(last) if !begins => last.push_str(&format!(" {word}")),
            _ => items.push(word.to_owned()),
        }
    }
    items
        .iter()
        .map(|item| {
            let (name, actions) = item.rsplit_once(':').unwrap();
            (
                name.to_owned(),
                actions.split(',').map(str::to_owned).collect(),
            )
        })
        .collect()
}

/// Percent-encodes everything that means something in a query.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
