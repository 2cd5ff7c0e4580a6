//! The claims of a token whose signature holds: JSON to values of the expected types.
//!
//! Types are judged as the registry judges them: a number in the wrong notation or a string where
//! a list belongs spoils the whole token, also where the value would not be used.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::access::{Actions, Grants};
use crate::profile::Profile;
use crate::shape::{Members, Shape, Text};
use crate::token::TokenError;

/// The claims a registry judges. Those it only types were typed, and are not kept.
#[derive(Debug, Default)]
pub(super) struct Claims<'a> {
    pub(super) issuer: Cow<'a, str>,
    pub(super) audience: Vec<Cow<'a, str>>,
    pub(super) expiry: Option<i64>,
    pub(super) not_before: Option<i64>,
    pub(super) grants: Grants,
    has_audience_list: bool,
    has_null_access: bool,
}

/// Why claims cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsError {
    /// Not JSON, a member of the wrong type or twice, a number in the wrong notation, or a name
    /// that two readers would take for different ones.
    Json,
    /// `aud` is a list, and this registry takes a string only.
    AudienceList,
}

impl ClaimsError {
    /// Every one of them.
    pub const ALL: [Self; 2] = [Self::Json, Self::AudienceList];
}

impl<'a> Claims<'a> {
    /// Parses the claims as `profile`'s registry would type them.
    pub(super) fn parse(json: &'a [u8], profile: Profile) -> Result<Self, TokenError> {
        let reader = Reader {
            gitlab: profile.has_gitlab_claims(),
        };
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let claims = reader
            .deserialize(&mut deserializer)
            .and_then(|claims| deserializer.end().map(|()| claims))
            .map_err(|_| ClaimsError::Json)?;
        // `null` is an empty set of claims to Go, of which the issuer is judged first.
        let claims = claims.ok_or(TokenError::Issuer)?;
        if claims.has_audience_list && !profile.accepts_audience_list() {
            return Err(ClaimsError::AudienceList.into());
        }
        // The registry dereferences a null here and drops the connection.
        if claims.has_null_access {
            return Err(TokenError::NullAccess);
        }
        Ok(claims)
    }
}

/// Reads the claims; `gitlab` says whether GitLab's own have a meaning.
#[derive(Clone, Copy)]
struct Reader {
    gitlab: bool,
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Option<Claims<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Option<Claims<'de>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("claims")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        const NAMES: &[&str] = &["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access"];
        const GITLAB_NAMES: &[&str] = &[
            "iss",
            "sub",
            "aud",
            "exp",
            "nbf",
            "iat",
            "jti",
            "access",
            "auth_type",
            "user",
        ];
        let names = if self.gitlab { GITLAB_NAMES } else { NAMES };
        let mut members = Members::new(members, names);
        let mut claims = Claims::default();
        while let Some(name) = members.next_name()? {
            match &*name {
                "iss" => claims.issuer = text(members.value()?),
                "aud" => {
                    let audience: Audience<'_> = members.value()?;
                    claims.has_audience_list = audience.is_list;
                    claims.audience = audience.names;
                }
                // Go's zero value: 0 is as good as absent.
                "exp" => {
                    claims.expiry = members.value::<Option<i64>>()?.filter(|&exp| exp != 0);
                }
                "nbf" => claims.not_before = members.value()?,
                // Never compared with the clock; read for its type.
                "iat" => drop(members.value::<Option<i64>>()?),
                "access" => members.value_seed(AccessList {
                    gitlab: self.gitlab,
                    claims: &mut claims,
                })?,
                "sub" | "jti" => members.value_seed(Shape::Text)?,
                "auth_type" | "user" if self.gitlab => members.value_seed(Shape::Text)?,
                _ => members.value_seed(Shape::Any)?,
            }
        }
        Ok(Some(claims))
    }
}

/// A string; null is Go's zero value.
fn text(value: Option<Text<'_>>) -> Cow<'_, str> {
    value.map(|Text(text)| text).unwrap_or_default()
}

/// The `aud` claim: a string, or a list of them.
#[derive(Default)]
struct Audience<'de> {
    names: Vec<Cow<'de, str>>,
    is_list: bool,
}

impl<'de> Deserialize<'de> for Audience<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudienceVisitor)
    }
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = Audience<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string or a list of strings")
    }

    fn visit_unit<E>(self) -> Result<Audience<'de>, E> {
        Ok(Audience::default())
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Audience<'de>, E> {
        Ok(Audience {
            names: vec![Cow::Borrowed(name)],
            is_list: false,
        })
    }

    fn visit_str<E>(self, name: &str) -> Result<Audience<'de>, E> {
        Ok(Audience {
            names: vec![Cow::Owned(name.to_owned())],
            is_list: false,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Audience<'de>, A::Error> {
        let mut names = Vec::new();
        while let Some(Text(name)) = elements.next_element()? {
            names.push(name);
        }
        Ok(Audience {
            names,
            is_list: true,
        })
    }
}

/// The `access` claim: a list.
struct AccessList<'c, 'a> {
    gitlab: bool,
    claims: &'c mut Claims<'a>,
}

impl<'de> DeserializeSeed<'de> for AccessList<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AccessList<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of access entries")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let entry = AccessEntry {
            gitlab: self.gitlab,
        };
        while let Some(granted) = elements.next_element_seed(entry)? {
            match granted {
                Some(Granted {
                    kind,
                    name,
                    actions,
                }) => self.claims.grants.insert(&kind, &name, actions),
                None => self.claims.has_null_access = true,
            }
        }
        Ok(())
    }
}

/// An element of the `access` claim: an object, or null.
#[derive(Clone, Copy)]
struct AccessEntry {
    gitlab: bool,
}

/// What an element says: on this resource, these actions.
#[derive(Default)]
struct Granted<'de> {
    kind: Cow<'de, str>,
    name: Cow<'de, str>,
    actions: Actions,
}

impl<'de> DeserializeSeed<'de> for AccessEntry {
    type Value = Option<Granted<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AccessEntry {
    type Value = Option<Granted<'de>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an access entry")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        const NAMES: &[&str] = &["type", "class", "name", "actions"];
        const GITLAB_NAMES: &[&str] = &["type", "class", "name", "actions", "meta"];
        let names = if self.gitlab { GITLAB_NAMES } else { NAMES };
        let mut members = Members::new(members, names);
        let mut granted = Granted::default();
        while let Some(name) = members.next_name()? {
            match &*name {
                "type" => granted.kind = text(members.value()?),
                "name" => granted.name = text(members.value()?),
                "actions" => {
                    granted.actions = members.value::<Option<ActionList>>()?.unwrap_or_default().0;
                }
                "class" => members.value_seed(Shape::Text)?,
                "meta" if self.gitlab => members.value_seed(Shape::Meta)?,
                _ => members.value_seed(Shape::Any)?,
            }
        }
        Ok(Some(granted))
    }
}

/// The `actions` of an entry: a list of strings.
#[derive(Default)]
struct ActionList(Actions);

impl<'de> Deserialize<'de> for ActionList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ActionVisitor)
    }
}

struct ActionVisitor;

impl<'de> Visitor<'de> for ActionVisitor {
    type Value = ActionList;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of actions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<ActionList, A::Error> {
        let mut actions = Actions::default();
        while let Some(Text(action)) = elements.next_element()? {
            actions.insert(&action);
        }
        Ok(ActionList(actions))
    }
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Json => "the claims are not JSON of the expected types, or name a member twice",
            Self::AudienceList => "aud is a list; this registry takes a string",
        })
    }
}

impl std::error::Error for ClaimsError {}

#[cfg(test)]
mod tests;
