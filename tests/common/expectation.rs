//! What an answer is expected to be. How one differs from it: `comparison.rs`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// The kinds of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The registry does what is asked, or says why not: authentication is passed.
    Forward,
    /// 401 with a challenge.
    Challenge,
    /// 301 to the cleaned path.
    RedirectClean,
    /// 301 to the same path with or without its trailing slash.
    RedirectSlash,
    /// 404, without a token being looked at.
    NotFound,
    /// 400 by the HTTP server.
    BadRequest,
    /// 431 by the HTTP server.
    TooLarge,
    /// A refusal only a filter makes, with an error body.
    Refused,
    /// The connection is closed without an answer: a defect of the registry.
    Closed,
}

/// An expected answer. Fields that do not belong to its kind are left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    pub answer: Kind,
    /// Forward: the registry's own status, after authentication. Refused: the filter's.
    pub status: Option<u16>,
    /// Forward: the registry's `Allow`.
    pub allow: Option<String>,
    /// Challenge: the realm, where it is not the configured one.
    pub realm: Option<String>,
    /// Challenge: the items of `scope`.
    #[serde(default)]
    pub scope: Vec<Scope>,
    /// Challenge: the records of the body, where they are not one for each action of `scope`.
    pub detail: Option<Vec<Scope>>,
    /// Challenge: the `error` parameter.
    pub error: Option<String>,
    /// Challenge: texts that stand in the header value, before it is parsed.
    #[serde(default)]
    pub header_holds: Vec<String>,
    /// Challenge: texts that stand in the body, before it is parsed.
    #[serde(default)]
    pub body_holds: Vec<String>,
    /// Fields that differ from those of the profile; an empty value means that there is none.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Redirect: where to.
    pub location: Option<String>,
    /// The length of the body in bytes.
    pub length: Option<usize>,
    /// The tag of the filter's reason, in logs and counters.
    pub reason: Option<String>,
}

/// `repository:group/app:pull,push`, or with the name as hexadecimal digits where it is not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "ScopeText")]
pub struct Scope {
    pub kind: String,
    pub name: Vec<u8>,
    pub actions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ScopeText {
    Text(String),
    Hex {
        r#type: String,
        hex_name: String,
        actions: String,
    },
}

impl From<ScopeText> for Scope {
    fn from(text: ScopeText) -> Self {
        let (kind, name, actions) = match text {
            ScopeText::Text(text) => {
                let (kind, rest) = text.split_once(':').expect("a scope has a type");
                let (name, actions) = rest.rsplit_once(':').expect("a scope has actions");
                (
                    kind.to_owned(),
                    name.as_bytes().to_vec(),
                    actions.to_owned(),
                )
            }
            ScopeText::Hex {
                r#type,
                hex_name,
                actions,
            } => (r#type, super::bytes::from_hex(&hex_name), actions),
        };
        Self {
            kind,
            name,
            actions: actions.split(',').map(str::to_owned).collect(),
        }
    }
}

impl Kind {
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Challenge => Some(401),
            Self::RedirectClean | Self::RedirectSlash => Some(301),
            Self::NotFound => Some(404),
            Self::BadRequest => Some(400),
            Self::TooLarge => Some(431),
            Self::Forward | Self::Refused | Self::Closed => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Challenge => "challenge",
            Self::RedirectClean => "redirect-clean",
            Self::RedirectSlash => "redirect-slash",
            Self::NotFound => "not-found",
            Self::BadRequest => "bad-request",
            Self::TooLarge => "too-large",
            Self::Refused => "refused",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for Expectation {
    /// The kind, the status and `Allow` if they are said, and the error if there is one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.answer.name())?;
        if let Some(status) = self.status {
            write!(formatter, " {status}")?;
        }
        if let Some(allow) = &self.allow {
            write!(formatter, " ({allow})")?;
        }
        if let Some(error) = &self.error {
            write!(formatter, " {error}")?;
        }
        Ok(())
    }
}

impl Expectation {
    pub const fn is_forward(&self) -> bool {
        matches!(self.answer, Kind::Forward)
    }
}
