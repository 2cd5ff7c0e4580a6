//! One case: a request, a token, and what the registry answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use super::expectation::Expectation;
use super::token::Token;

/// A case, as it stands in the files. Its name is a sentence and names it alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// Where the expectation comes from: the row of a measurement, or an RFC's section.
    pub source: String,
    /// The profiles it applies to; empty means all.
    #[serde(default)]
    pub profiles: Vec<String>,
    #[serde(default = "standard")]
    pub configuration: String,
    #[serde(default)]
    pub request: Request,
    pub token: Option<Token>,
    /// What the registry answers.
    pub expect: Expectation,
    /// What the registry of one profile answers instead.
    #[serde(default)]
    pub expect_on: BTreeMap<String, Expectation>,
    /// The forwarded cases from which this one differs in one fact.
    #[serde(default)]
    pub twin_of: Vec<String>,
}

/// The request. Without anything: `GET /v2/group/app/tags/list` with the token, if there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    pub method: String,
    pub target: Bytes,
    /// The values of the `Host` fields; without it, the implementation's own. An empty list is a
    /// request of HTTP/1.0 that has none.
    pub host: Option<Vec<String>>,
    /// The values of the `Authorization` fields; without it, `Bearer {token}`.
    pub authorization: Option<Vec<Bytes>>,
    /// The values of the `Content-Type` fields.
    pub content_type: Vec<String>,
    /// Further fields, by name.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

fn standard() -> String {
    "standard".to_owned()
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            target: Bytes::Text("/v2/group/app/tags/list".to_owned()),
            host: None,
            authorization: None,
            content_type: Vec::new(),
            headers: Vec::new(),
            body: String::new(),
        }
    }
}

impl Request {
    /// The values of the `Authorization` fields, with the token in them.
    pub fn authorization(&self, token: Option<&[u8]>) -> Vec<Vec<u8>> {
        let bearer = [Bytes::from("Bearer {token}")];
        let values: &[Bytes] = match &self.authorization {
            Some(values) => values,
            None if token.is_some() => &bearer,
            None => &[],
        };
        values.iter().map(|value| value.with_token(token)).collect()
    }

    /// Whether `{token}` stands in it.
    pub fn asks_for_token(&self) -> bool {
        let values = self.authorization.iter().flatten();
        values.chain([&self.target]).any(Bytes::asks_for_token)
    }
}

impl Case {
    pub fn applies_to(&self, profile: &str) -> bool {
        self.profiles.is_empty() || self.profiles.iter().any(|name| name == profile)
    }

    /// What the registry of `profile` answers.
    pub fn expectation(&self, profile: &str) -> &Expectation {
        self.expect_on.get(profile).unwrap_or(&self.expect)
    }
}

/// A request as an implementation is to send it.
pub struct Message {
    pub method: Vec<u8>,
    /// The request target, exactly as it is to stand in the request line.
    pub target: Vec<u8>,
    /// The values of the `Host` fields, where the case says which; they are not among `fields`.
    pub host: Option<Vec<Vec<u8>>>,
    /// Field names in lower case, in order, repeated ones as they come.
    pub fields: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Message {
    /// The message of a request with this token.
    pub fn new(request: &Request, token: Option<&[u8]>) -> Self {
        let authorization = request.authorization(token).into_iter();
        let authorization = authorization.map(|value| ("authorization", value));
        let content_type = request
            .content_type
            .iter()
            .map(|value| ("content-type", value.clone().into_bytes()));
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone().into_bytes()));
        Self {
            method: request.method.clone().into_bytes(),
            target: request.target.with_token(token),
            host: request.host.as_ref().map(|values| {
                let bytes = |value: &String| value.clone().into_bytes();
                values.iter().map(bytes).collect()
            }),
            fields: authorization
                .chain(content_type)
                .chain(headers)
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: request.body.clone().into_bytes(),
        }
    }

    /// The values of every field of this name, in order.
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        self.fields
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
            .collect()
    }
}
