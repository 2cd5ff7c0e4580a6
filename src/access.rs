//! What a request needs and what a token conveys.
//!
//! Required and granted access are different types; only [`Grants::cover`] compares them, by the
//! registry's rules (`registry/auth/token`, `accessSet`).

use std::borrow::Cow;
use std::fmt;

use crate::name::RepositoryName;

/// What may be done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `pull`: read.
    Pull,
    /// `push`: write; the registry always asks for `pull` beside it.
    Push,
    /// `delete`: remove.
    Delete,
    /// `*`: as a requirement, everything (only `*` satisfies it); as a grant, any action.
    All,
}

impl Action {
    const ALL: [Self; 4] = [Self::Pull, Self::Push, Self::Delete, Self::All];

    /// Its place in a set of [`Actions`].
    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The word that stands in scopes and in the `access` claim.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::All => "*",
        }
    }
}

/// A resource type of the token specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceType {
    /// `repository`: one repository, by name.
    Repository,
    /// `registry`: the registry itself, such as its catalog.
    Registry,
}

impl ResourceType {
    /// The type of this word.
    fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Repository, Self::Registry];
        all.into_iter().find(|known| known.as_str() == word)
    }

    /// The word that stands in scopes and in the `access` claim.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Registry => "registry",
        }
    }
}

/// Something that access is asked for: a type and a name.
///
/// The name is bytes: that of a mount's source (`from`) is whatever the client sent, unparsed, as
/// in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The resource type.
    pub kind: ResourceType,
    /// The name, compared byte by byte.
    pub name: Cow<'a, [u8]>,
}

/// One record of required access: one action on one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// What is acted upon.
    pub resource: &'a Resource<'a>,
    /// What is done.
    pub action: Action,
}

/// Everything a request needs, in the registry's order.
///
/// May be empty: then any verified token will do, which is the registry's rule for its base route
/// and for methods that name no action (OPTIONS among them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredAccess<'a> {
    primary: Option<Resource<'a>>,
    actions: &'static [Action],
    descendants: Option<Resource<'a>>,
    source: Option<Resource<'a>>,
}

impl<'a> RequiredAccess<'a> {
    /// No record: any verified token will do.
    pub const NONE: RequiredAccess<'static> = RequiredAccess {
        primary: None,
        actions: &[],
        descendants: None,
        source: None,
    };

    /// What the registry asks of `method` on a repository (`appendAccessRecords`).
    ///
    /// The method is compared as it stands: `get` is not `GET`, and names no action.
    #[must_use]
    pub fn on_repository(name: RepositoryName<'a>, method: &[u8]) -> Self {
        let actions: &'static [Action] = match method {
            b"GET" | b"HEAD" => &[Action::Pull],
            b"POST" | b"PUT" | b"PATCH" => &[Action::Pull, Action::Push],
            b"DELETE" => &[Action::Delete],
            _ => &[],
        };
        let name = Cow::Borrowed(name.as_str().as_bytes());
        Self {
            primary: Some(Resource {
                kind: ResourceType::Repository,
                name,
            }),
            actions,
            descendants: None,
            source: None,
        }
    }

    /// What the catalog asks of every method: `registry:catalog:*`.
    #[must_use]
    pub fn on_catalog() -> RequiredAccess<'static> {
        Self::on_registry(b"catalog")
    }

    /// What something of the registry itself asks of every method: `registry:NAME:*`.
    #[must_use]
    pub fn on_registry(name: &'static [u8]) -> RequiredAccess<'static> {
        RequiredAccess {
            primary: Some(Resource {
                kind: ResourceType::Registry,
                name: Cow::Borrowed(name),
            }),
            actions: &[Action::All],
            descendants: None,
            source: None,
        }
    }

    /// Adds `pull` on all below a repository, a resource of its own.
    #[must_use]
    pub fn with_descendants(self, below: Resource<'a>) -> Self {
        Self {
            descendants: Some(below),
            ..self
        }
    }

    /// Adds `pull` on the repository a blob is mounted from.
    #[must_use]
    pub fn with_mount_source(self, from: Cow<'a, [u8]>) -> Self {
        Self {
            source: Some(Resource {
                kind: ResourceType::Repository,
                name: from,
            }),
            ..self
        }
    }

    /// The records, in the registry's order: those of the method, all below, the mount's source.
    pub fn records(&self) -> impl Iterator<Item = Access<'_>> {
        let primary = self.primary.iter().flat_map(|resource| {
            self.actions
                .iter()
                .map(move |&action| Access { resource, action })
        });
        let others = self.descendants.iter().chain(&self.source);
        let others = others.map(|resource| Access {
            resource,
            action: Action::Pull,
        });
        primary.chain(others)
    }

    /// The same requirement, independent of the request it was read from.
    #[must_use]
    pub fn into_owned(self) -> RequiredAccess<'static> {
        let own = |resource: Resource<'_>| Resource {
            kind: resource.kind,
            name: Cow::Owned(resource.name.into_owned()),
        };
        RequiredAccess {
            primary: self.primary.map(own),
            actions: self.actions,
            descendants: self.descendants.map(own),
            source: self.source.map(own),
        }
    }
}

/// A set of actions that a token names for one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions(u8);

impl Actions {
    /// Adds the action of this word. A word that is none of [`Action`] grants nothing, since no
    /// request needs it.
    pub fn insert(&mut self, word: &str) {
        let known = Action::ALL.into_iter().find(|known| known.as_str() == word);
        self.0 |= known.map_or(0, Action::bit);
    }

    /// Whether `action` is among them, or `*`.
    const fn grant(self, action: Action) -> bool {
        self.0 & (action.bit() | Action::All.bit()) != 0
    }
}

impl<'a> FromIterator<&'a str> for Actions {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        let mut actions = Self::default();
        words.into_iter().for_each(|word| actions.insert(word));
        actions
    }
}

/// What a verified token conveys: of its `access` claim, what a request can need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(Vec<Grant>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    kind: ResourceType,
    name: Box<str>,
    actions: Actions,
}

impl Grants {
    /// Adds an element of the `access` claim. One of another type than [`ResourceType`] grants
    /// nothing, since no request needs it.
    pub fn insert(&mut self, kind: &str, name: &str, actions: Actions) {
        if let Some(kind) = ResourceType::from_word(kind) {
            let name = Box::from(name);
            self.0.push(Grant {
                kind,
                name,
                actions,
            });
        }
    }

    /// Whether every required record is granted.
    ///
    /// A record is granted by an entry of the same type and name, byte for byte, that holds its
    /// action or `*`. A `*` or a prefix as a *name* is an ordinary string and covers nothing else.
    /// The work is at most four passes over the entries.
    #[must_use]
    pub fn cover(&self, required: &RequiredAccess<'_>) -> bool {
        required.records().all(|record| self.grant(record))
    }

    /// The memory the grants hold, in bytes, for whoever keeps them.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let names: usize = self.0.iter().map(|entry| entry.name.len()).sum();
        names + self.0.capacity() * size_of::<Grant>()
    }

    pub(crate) fn grant(&self, record: Access<'_>) -> bool {
        self.0.iter().any(|entry| {
            // The name first: most entries of a long claim differ in it alone.
            entry.name.as_bytes() == record.resource.name.as_ref()
                && entry.kind == record.resource.kind
                && entry.actions.grant(record.action)
        })
    }
}

impl fmt::Display for RequiredAccess<'_> {
    /// The scope text of a challenge (see [`crate::challenge::scope`]), or `any token`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match crate::challenge::scope(self) {
            Some(scope) => formatter.write_str(&scope),
            None => formatter.write_str("any token"),
        }
    }
}

#[cfg(test)]
mod tests;
