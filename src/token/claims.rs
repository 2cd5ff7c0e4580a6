//! The claims of a token whose signature holds: JSON to values of the expected types.
//!
//! Types are judged as the registry judges them: a number in the wrong notation or a string where
//! a list belongs spoils the whole token, also where the value would not be used.

use std::fmt;

use serde::Deserialize;

use crate::access::{AccessEntry, Grants};
use crate::profile::Profile;
use crate::shape::{self, Shape};
use crate::token::TokenError;

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
    /// Not JSON, a member of the wrong type or twice, or one that two readers would take for
    /// different ones.
    Shape,
    /// A member that is used has the wrong type, or a number the wrong notation.
    Json,
    /// `aud` is a list, and this registry takes a string only.
    AudienceList,
}

/// The wire form of what is used. The types of the rest are judged with the shape.
#[derive(Deserialize)]
struct ClaimSet {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<i64>,
    nbf: Option<i64>,
    // Never compared with the clock; read for its type.
    #[serde(rename = "iat")]
    _iat: Option<i64>,
    access: Option<Vec<Option<Entry>>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    actions: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List(Vec<String>),
}

impl ClaimsError {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Shape, Self::Json, Self::AudienceList];
}

impl Claims {
    /// Parses the claims as `profile`'s registry would type them.
    pub(super) fn parse(json: &[u8], profile: Profile) -> Result<Self, TokenError> {
        let gitlab = profile.has_gitlab_claims();
        shape::read(json, Shape::Claims { gitlab }).map_err(|_| ClaimsError::Shape)?;
        // `null` is an empty set of claims to Go, of which the issuer is judged first.
        let wire: Option<ClaimSet> = serde_json::from_slice(json).map_err(|_| ClaimsError::Json)?;
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

impl fmt::Display for ClaimsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Json => "the claims are not JSON of the expected types",
            Self::Shape => "the claims are not JSON of the expected shape, or name a member twice",
            Self::AudienceList => "aud is a list; this registry takes a string",
        })
    }
}

impl std::error::Error for ClaimsError {}
