//! One case: a request, a token, and what the registry answers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bytes::Bytes;
use super::expectation::Expectation;
use super::token::Token;

/// A case, as it stands in the files. Its name is a sentence and names it alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// Where the expectation comes from: the row of a measurement, or an RFC's section.
    pub(super) source: String,
    /// The profiles it applies to; empty means all.
    #[serde(default)]
    pub(super) profiles: Vec<String>,
    #[serde(default = "standard")]
    pub(super) configuration: String,
    #[serde(default)]
    pub(super) request: Request,
    pub(super) token: Option<Token>,
    /// What the registry answers.
    pub(super) expect: Expectation,
    /// What the registry of one profile answers instead.
    #[serde(default)]
    pub(super) expect_on: BTreeMap<String, Expectation>,
    /// The forwarded cases from which this one differs in one fact.
    #[serde(default)]
    pub(super) twin_of: Vec<String>,
}

/// The request. Without anything: `GET /v2/group/app/tags/list` with the token, if there is one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: Bytes,
    /// The values of the `Authorization` fields; without it, `Bearer {token}`.
    pub(super) authorization: Option<Vec<Bytes>>,
    /// The values of the `Content-Type` fields.
    pub(super) content_type: Vec<String>,
    /// Further fields, by name.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

fn standard() -> String {
    "standard".to_owned()
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            target: Bytes::Text("/v2/group/app/tags/list".to_owned()),
            authorization: None,
            content_type: Vec::new(),
            headers: Vec::new(),
            body: String::new(),
        }
    }
}

impl Case {
    pub(super) fn applies_to(&self, profile: &str) -> bool {
        self.profiles.is_empty() || self.profiles.iter().any(|name| name == profile)
    }

    /// What the registry of `profile` answers.
    pub(super) fn expectation(&self, profile: &str) -> &Expectation {
        self.expect_on.get(profile).unwrap_or(&self.expect)
    }
}

/// A request as an implementation is to send it.
pub(crate) struct Message {
    pub(crate) method: Vec<u8>,
    /// The request target, exactly as it is to stand in the request line.
    pub(crate) target: Vec<u8>,
    /// Field names in lower case, in order, repeated ones as they come.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The message of a request with this token.
    pub(super) fn new(request: &Request, token: Option<&[u8]>) -> Self {
        let bearer = [Bytes::Text("Bearer {token}".to_owned())];
        let authorization: &[Bytes] = match &request.authorization {
            Some(values) => values,
            None if token.is_some() => &bearer,
            None => &[],
        };
        let authorization = authorization
            .iter()
            .map(|value| ("authorization", value.with_token(token)));
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
            fields: authorization
                .chain(content_type)
                .chain(headers)
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: request.body.clone().into_bytes(),
        }
    }

    /// The values of every field of this name, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<&[u8]> {
        self.fields
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
            .collect()
    }
}
