//! What a token says before anything of it is proven: for display, and for display only.
//!
//! The filter parses claims after the signature over them holds, and nothing here leads back to it:
//! a diagnosis must show what a forged or outdated token says, a decision must not know. Readers
//! are told which of the two it is ([`Standing`]).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::access::Grants;
use crate::credentials::BearerToken;
use crate::time::UnixTime;
use crate::token::MAX_TOKEN_BYTES;

use super::moment::dated;
use super::printable::{shown, shown_once};

/// How many members of a token, and how many grants, are shown.
const MOST_SHOWN: usize = 40;

/// The claims that people look for first, in the order in which they are shown.
const KNOWN_CLAIMS: [&str; 10] = [
    "iss",
    "aud",
    "sub",
    "auth_type",
    "iat",
    "nbf",
    "exp",
    "jti",
    "access",
    "user",
];

/// What a token says, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenSays {
    /// Whether it is so, or is only said.
    pub standing: Standing,
    /// The header's members; never proven to be more than a hint at the key.
    pub header: Vec<Member>,
    /// The claims; empty if they cannot be read.
    pub claims: Vec<Member>,
}

/// What the claims of a token are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// The signature of a trusted key holds over them, and every reader takes them alike.
    Proven,
    /// The signature holds, but two readers could take them differently, or a type is wrong: the
    /// filter does not read them.
    Signed,
    /// Anybody may have written them.
    Unproven,
}

/// One member of a header or of claims, safe to print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its value, the elements of `access` one by one in the form of scopes.
    pub values: Vec<String>,
    /// What the value means, such as the date of a time.
    pub note: Option<String>,
}

/// A token taken apart without proof, and without the strictness of the filter.
#[derive(Debug, Default)]
pub(super) struct UnprovenToken {
    pub(super) bytes: usize,
    /// How many parts there are, and the first that is not base64url of any kind, from 1.
    pub(super) parts: usize,
    pub(super) bad_part: Option<usize>,
    pub(super) header: Option<Map<String, Value>>,
    pub(super) claims: Option<Map<String, Value>>,
}

impl UnprovenToken {
    pub(super) fn read(token: BearerToken<'_>) -> Self {
        let bytes = token.as_bytes();
        let mut read = Self {
            bytes: bytes.len(),
            ..Self::default()
        };
        if bytes.len() > MAX_TOKEN_BYTES {
            return read;
        }
        let parts: Vec<&[u8]> = bytes.split(|&byte| byte == b'.').collect();
        read.parts = parts.len();
        let is_strict = |part: &&[u8]| {
            std::str::from_utf8(part).is_ok_and(|text| Base64UrlUnpadded::decode_vec(text).is_ok())
        };
        read.bad_part = parts
            .iter()
            .position(|part| !is_strict(part))
            .map(|index| index + 1);
        read.header = parts.first().and_then(|part| object(part));
        read.claims = parts.get(1).and_then(|part| object(part));
        read
    }

    /// A member of the header, if it is a string.
    pub(super) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.as_ref()?.get(name)?.as_str()
    }

    pub(super) fn has_header(&self, name: &str) -> bool {
        let member = self.header.as_ref().and_then(|header| header.get(name));
        member.is_some_and(|value| {
            !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
        })
    }

    pub(super) fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.as_ref()?.get(name)
    }

    pub(super) fn time(&self, name: &str) -> Option<i64> {
        self.claim(name)?.as_i64()
    }

    /// The `access` claim, as far as it is one.
    pub(super) fn access(&self) -> Vec<AccessEntry> {
        let text = |entry: &Value, name: &str| {
            let value = entry.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let entries = self.claim("access").and_then(Value::as_array);
        entries
            .into_iter()
            .flatten()
            .map(|entry| {
                let actions = entry.get("actions").and_then(Value::as_array);
                AccessEntry {
                    kind: text(entry, "type"),
                    name: text(entry, "name"),
                    actions: actions
                        .into_iter()
                        .flatten()
                        .filter_map(|action| action.as_str().map(str::to_owned))
                        .collect(),
                }
            })
            .collect()
    }

    /// What the token would convey, were it proven.
    pub(super) fn grants(&self) -> Grants {
        let mut grants = Grants::default();
        for entry in self.access() {
            let actions = entry.actions.iter().map(String::as_str).collect();
            grants.insert(&entry.kind, &entry.name, actions);
        }
        grants
    }

    /// What is left to show a person.
    pub(super) fn says(&self, standing: Standing, now: UnixTime) -> Option<TokenSays> {
        let header = self.header.as_ref().map(header_members).unwrap_or_default();
        let claims = self
            .claims
            .as_ref()
            .map(|claims| self.claim_members(claims, now));
        let claims = claims.unwrap_or_default();
        let is_readable = !header.is_empty() || !claims.is_empty();
        is_readable.then_some(TokenSays {
            standing,
            header,
            claims,
        })
    }

    fn claim_members(&self, claims: &Map<String, Value>, now: UnixTime) -> Vec<Member> {
        let known = KNOWN_CLAIMS
            .iter()
            .filter_map(|name| claims.get_key_value(*name));
        let others = claims
            .iter()
            .filter(|(name, _)| !KNOWN_CLAIMS.contains(&name.as_str()));
        let members = known.chain(others).map(|(name, value)| {
            let time = matches!(name.as_str(), "iat" | "nbf" | "exp");
            let note = value
                .as_i64()
                .filter(|_| time)
                .map(|seconds| dated(seconds, now));
            let values = match (name.as_str(), value) {
                ("access", Value::Array(_)) => self.granted(),
                // A credential of its own kind, signed with the same key: never repeated.
                ("user", Value::String(token)) => {
                    vec![format!("a token inside, {} bytes", token.len())]
                }
                (_, value) => vec![text(value)],
            };
            Member {
                name: shown(name.as_bytes()),
                values,
                note,
            }
        });
        members.take(MOST_SHOWN).collect()
    }

    /// What the token says it grants, in the form of scopes.
    pub(super) fn granted(&self) -> Vec<String> {
        let entries = self.access();
        let mut scopes: Vec<String> = entries.iter().take(MOST_SHOWN).map(scope).collect();
        if entries.len() > MOST_SHOWN {
            scopes.push(format!("{} more", entries.len() - MOST_SHOWN));
        }
        scopes
    }
}

/// An element of the `access` claim, as a token says it.
pub(super) struct AccessEntry {
    kind: String,
    pub(super) name: String,
    actions: Vec<String>,
}

fn scope(entry: &AccessEntry) -> String {
    let actions = match &entry.actions[..] {
        [] => "(no action)".to_owned(),
        actions => actions.join(","),
    };
    shown(format!("{}:{}:{actions}", entry.kind, entry.name).as_bytes())
}

fn header_members(header: &Map<String, Value>) -> Vec<Member> {
    let member = |(name, value): (&String, &Value)| Member {
        name: shown(name.as_bytes()),
        values: vec![text(value)],
        note: None,
    };
    header.iter().take(MOST_SHOWN).map(member).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => shown(text.as_bytes()),
        other => shown_once(&other.to_string()),
    }
}

/// The JSON object in a part, padded or not, in either alphabet.
fn object(part: &[u8]) -> Option<Map<String, Value>> {
    let url_safe = |byte: &u8| match byte {
        b'+' => '-',
        b'/' => '_',
        other => char::from(*other),
    };
    let text: String = part.trim_ascii().iter().map(url_safe).collect();
    let json = Base64UrlUnpadded::decode_vec(text.trim_end_matches('=')).ok()?;
    serde_json::from_str(&String::from_utf8_lossy(&json)).ok()
}
