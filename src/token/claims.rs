//! The claims of a token whose signature holds: JSON to values of the expected types.
//!
//! Types are judged as the registry judges them: a number in the wrong notation or a string where
//! a list belongs spoils the whole token, also where the value would not be used.

use std::fmt;

use serde::de::{Error, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};

use crate::access::{AccessEntry, Grants};
use crate::profile::Profile;
use crate::token::TokenError;
use crate::unambiguous::{self, Shape};

/// The claims a registry judges.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) issuer: String,
    pub(super) audience: Vec<String>,
    pub(super) expiry: Option<i64>,
    pub(super) not_before: Option<i64>,
    pub(super) grants: Grants,
}

/// Why claims cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsError {
    /// Not a JSON object, or a member is missing its type.
    Json,
    /// A member twice, or one that two readers would take for different ones.
    Ambiguous,
    /// `aud` is a list, and this registry takes a string only.
    AudienceList,
}

/// The wire form. `Text` and `Meta` are what only GitLab's registry types.
#[derive(Deserialize)]
struct ClaimSet<Text, Meta> {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<i64>,
    nbf: Option<i64>,
    // Read for their types only.
    #[serde(rename = "iat")]
    _iat: Option<i64>,
    #[serde(rename = "sub")]
    _sub: Option<AnyString>,
    #[serde(rename = "jti")]
    _jti: Option<AnyString>,
    #[serde(rename = "auth_type", default = "Option::default")]
    _auth_type: Option<Text>,
    #[serde(rename = "user", default = "Option::default")]
    _user: Option<Text>,
    #[serde(default = "Option::default")]
    access: Option<Vec<Option<Entry<Meta>>>>,
}

#[derive(Deserialize)]
struct Entry<Meta> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "class")]
    _class: Option<AnyString>,
    name: Option<String>,
    actions: Option<Vec<String>>,
    #[serde(rename = "meta", default = "Option::default")]
    _meta: Option<Meta>,
}

/// GitLab's `meta`, of which this filter uses nothing: its types alone count.
#[derive(Deserialize)]
struct GitlabMeta {
    #[serde(rename = "project_path")]
    _project_path: Option<AnyString>,
    #[serde(rename = "tag_deny_access_patterns")]
    _tag_deny_access_patterns: Option<TagPatterns>,
    #[serde(rename = "tag_immutable_patterns")]
    _tag_immutable_patterns: Option<Vec<AnyString>>,
}

#[derive(Deserialize)]
struct TagPatterns {
    #[serde(rename = "push")]
    _push: Option<Vec<AnyString>>,
    #[serde(rename = "delete")]
    _delete: Option<Vec<AnyString>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List(Vec<String>),
}

/// A string that nothing is done with.
struct AnyString;

impl<'de> Deserialize<'de> for AnyString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringVisitor;
        impl Visitor<'_> for StringVisitor {
            type Value = AnyString;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_str<E: Error>(self, _: &str) -> Result<AnyString, E> {
                Ok(AnyString)
            }
        }
        deserializer.deserialize_str(StringVisitor)
    }
}

impl Claims {
    /// Parses the claims as `profile`'s registry would type them.
    pub(super) fn parse(json: &[u8], profile: Profile) -> Result<Self, TokenError> {
        let gitlab = profile.has_gitlab_claims();
        unambiguous::read(json, Shape::Claims { gitlab }).map_err(|_| ClaimsError::Ambiguous)?;
        if gitlab {
            Self::from_wire(parse::<AnyString, GitlabMeta>(json)?, profile)
        } else {
            Self::from_wire(parse::<IgnoredAny, IgnoredAny>(json)?, profile)
        }
    }

    fn from_wire<Text, Meta>(
        wire: Option<ClaimSet<Text, Meta>>,
        profile: Profile,
    ) -> Result<Self, TokenError> {
        // `null` is an empty set of claims to Go, of which the issuer is judged first.
        let wire = wire.ok_or(TokenError::Issuer)?;
        let audience = match wire.aud {
            None => Vec::new(),
            Some(Audience::One(service)) => vec![service],
            Some(Audience::List(services)) if profile.accepts_audience_list() => services,
            Some(Audience::List(_)) => return Err(ClaimsError::AudienceList.into()),
        };
        let entries = wire
            .access
            .unwrap_or_default()
            .into_iter()
            .map(|entry| {
                // The registry dereferences a null here and drops the connection.
                let entry = entry.ok_or(TokenError::NullAccess)?;
                Ok(AccessEntry {
                    kind: entry.kind.unwrap_or_default(),
                    name: entry.name.unwrap_or_default(),
                    actions: entry.actions.unwrap_or_default(),
                })
            })
            .collect::<Result<_, TokenError>>()?;
        Ok(Self {
            issuer: wire.iss.unwrap_or_default(),
            audience,
            // Go's zero value: 0 is as good as absent.
            expiry: wire.exp.filter(|&exp| exp != 0),
            not_before: wire.nbf,
            grants: Grants::new(entries),
        })
    }
}

fn parse<'de, Text: Deserialize<'de>, Meta: Deserialize<'de>>(
    json: &'de [u8],
) -> Result<Option<ClaimSet<Text, Meta>>, ClaimsError> {
    serde_json::from_slice(json).map_err(|_| ClaimsError::Json)
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Json => "the claims are not JSON of the expected types",
            Self::Ambiguous => "the claims are not JSON, or name a member twice",
            Self::AudienceList => "aud is a list; this registry takes a string",
        })
    }
}

impl std::error::Error for ClaimsError {}
