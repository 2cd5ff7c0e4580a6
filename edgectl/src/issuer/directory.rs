//! Who may do what: users and namespaces from a TOML file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::claims::{Account, AuthType};
use crate::{Access, Meta};

/// Components of a path that GitLab looks at, at most (`Namespace::NUMBER_OF_ANCESTORS_ALLOWED`).
const MOST_COMPONENTS: usize = 20;

/// The users and namespaces of the stand-in.
#[derive(Debug)]
pub struct Directory {
    namespaces: BTreeMap<String, Namespace>,
    members: Vec<Arc<Member>>,
}

/// A user or deploy token.
#[derive(Debug)]
pub struct Member {
    /// Name, number, kind of credential.
    pub account: Account,
    /// May do everything, and list the catalog.
    pub admin: bool,
    /// Whether the credential is good for registries at all; a personal access token may lack the scope.
    pub registry: bool,
    password: Digest,
    rights: BTreeMap<String, BTreeSet<Right>>,
}

/// A group, user namespace or project, with everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Namespace {
    /// Who may pull without rights of their own.
    pub visibility: Visibility,
    /// Whether only admins may push: GitLab's protected container repositories.
    #[serde(default)]
    pub push_protected: bool,
}

/// Who may pull from a namespace without rights of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody, without credentials too.
    Public,
    /// Everybody who signed in.
    Internal,
    /// Nobody.
    Private,
}

/// What a user may do in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Read.
    Pull,
    /// Write.
    Push,
    /// Delete. Together with the two others it also gives the action `*`.
    Delete,
}

/// The users file cannot be used: what is wrong, and where.
///
/// The lines of the file are not shown: passwords stand in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryError {
    /// Line and column, from 1; none for what is missing from the whole file.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a users file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not TOML, an unknown key, a value of the wrong kind.
    #[error("{0}")]
    Syntax(String),
    /// Nothing could be granted to anybody.
    #[error("no namespace: add one, such as `[namespaces.group]` with `visibility = \"private\"`")]
    NoNamespace,
    /// A namespace that no request can name.
    #[error(
        "namespaces.{0:?} cannot be matched: GitLab's paths are in lower case, without blanks, and without a \
         slash at either end"
    )]
    Path(String),
    /// A user that cannot sign in with HTTP Basic.
    #[error("users.name {0:?} cannot sign in: a name is not empty and holds no colon")]
    Name(String),
    /// The same name twice.
    #[error("users.name {0:?} occurs twice: each user needs a name of its own")]
    Duplicate(String),
    /// An empty password.
    #[error("users.password of {0:?} is empty: give one")]
    Password(String),
    /// A right where there is nothing.
    #[error(
        "users.access of {user:?} names {path:?}, which is in no namespace: add it under `namespaces`"
    )]
    Rights {
        /// The user.
        user: String,
        /// The path.
        path: String,
    },
}

impl Fault {
    /// At the bytes of the text.
    fn at(self, text: &str, span: Range<usize>) -> DirectoryError {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        DirectoryError {
            place: Some((line, column)),
            fault: self,
        }
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(formatter, "line {line}, column {column}: ")?;
        }
        self.fault.fmt(formatter)
    }
}

impl std::error::Error for DirectoryError {}

/// The directory of now: everybody who holds it sees a replacement.
#[derive(Debug, Clone)]
pub struct CurrentDirectory(Arc<RwLock<Arc<Directory>>>);

impl CurrentDirectory {
    /// Begins with a directory.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(directory))))
    }

    /// The directory, as it is now.
    #[must_use]
    pub fn now(&self) -> Arc<Directory> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes another one. Requests under way end with the one before.
    pub fn replace(&self, directory: Directory) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(directory);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    namespaces: BTreeMap<Spanned<String>, Namespace>,
    #[serde(default)]
    users: Vec<User>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: Spanned<String>,
    password: Spanned<Password>,
    #[serde(default)]
    admin: bool,
    #[serde(default = "yes")]
    registry: bool,
    #[serde(default)]
    auth_type: AuthType,
    #[serde(default)]
    access: BTreeMap<Spanned<String>, BTreeSet<Right>>,
}

struct Password(String);

/// Says that a password is no text without saying what it is.
impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self).map_err(|_| {
            serde::de::Error::custom("users.password is no text: put it between quotes")
        })
    }
}

fn yes() -> bool {
    true
}

impl Directory {
    /// Reads the users file; `edgectl/users.example.toml` explains its keys.
    ///
    /// # Errors
    /// [`DirectoryError`], which names the key.
    pub fn from_toml(text: &str) -> Result<Self, DirectoryError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let message: Vec<&str> = error.message().lines().collect();
            Fault::Syntax(message.join(", ")).at(text, error.span().unwrap_or_default())
        })?;
        if file.namespaces.is_empty() {
            return Err(DirectoryError {
                place: None,
                fault: Fault::NoNamespace,
            });
        }
        for path in file.namespaces.keys() {
            let name = path.get_ref();
            let unusable = name.split('/').any(str::is_empty)
                || name.contains(char::is_whitespace)
                || name.to_lowercase() != *name;
            if unusable {
                return Err(Fault::Path(name.clone()).at(text, path.span()));
            }
        }
        let plain =
            |(path, namespace): (Spanned<String>, Namespace)| (path.into_inner(), namespace);
        let mut directory = Self {
            namespaces: file.namespaces.into_iter().map(plain).collect(),
            members: Vec::new(),
        };
        for user in file.users {
            directory.admit(text, user)?;
        }
        Ok(directory)
    }

    /// How many users and namespaces there are.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.members.len(), self.namespaces.len())
    }

    fn admit(&mut self, text: &str, user: User) -> Result<(), DirectoryError> {
        let name = user.name.get_ref().clone();
        if name.is_empty() || name.contains(':') {
            return Err(Fault::Name(name).at(text, user.name.span()));
        }
        if self
            .members
            .iter()
            .any(|member| member.account.username == name)
        {
            return Err(Fault::Duplicate(name).at(text, user.name.span()));
        }
        let Password(password) = user.password.get_ref();
        if password.is_empty() {
            return Err(Fault::Password(name).at(text, user.password.span()));
        }
        if let Some(path) = user
            .access
            .keys()
            .find(|path| self.covering(path.get_ref()).is_none())
        {
            let fault = Fault::Rights {
                user: name,
                path: path.get_ref().clone(),
            };
            return Err(fault.at(text, path.span()));
        }
        let plain =
            |(path, rights): (Spanned<String>, BTreeSet<Right>)| (path.into_inner(), rights);
        self.members.push(Arc::new(Member {
            password: digest(&SHA256, password.as_bytes()),
            account: Account {
                username: name,
                // GitLab numbers users from 1; so does the order of the file.
                id: u64::try_from(self.members.len()).unwrap_or_default() + 1,
                auth_type: user.auth_type,
            },
            admin: user.admin,
            registry: user.registry,
            rights: user.access.into_iter().map(plain).collect(),
        }));
        Ok(())
    }

    /// Finds the member of a login name, and whether the password is theirs.
    ///
    /// Digests are compared, in constant time, so that neither the length nor a common beginning shows; an
    /// unknown name costs as much as a known one.
    #[must_use]
    pub fn sign_in(&self, login: &str, password: &str) -> (Option<&Arc<Member>>, bool) {
        let offered = digest(&SHA256, password.as_bytes());
        let member = self
            .members
            .iter()
            .find(|member| member.account.username == login);
        let expected = member.map_or_else(|| digest(&SHA256, b""), |member| member.password);
        let same = verify_slices_are_equal(offered.as_ref(), expected.as_ref()).is_ok();
        (member, same && member.is_some())
    }

    /// What is granted of one scope, to a member or to somebody without credentials; nothing when no action is
    /// left. Reads the scope as GitLab does: three parts at the first two colons, the path in lower case.
    #[must_use]
    pub fn grant(&self, member: Option<&Member>, scope: &str) -> Option<Access> {
        let mut parts = scope.splitn(3, ':');
        let (kind, name, actions) = (parts.next()?, parts.next()?, parts.next()?);
        match kind {
            "registry" => {
                let listed = member.is_some_and(|member| member.admin)
                    && name == "catalog"
                    && actions == "*";
                listed.then(|| Access {
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                    actions: vec!["*".to_owned()],
                    meta: None,
                })
            }
            "repository" => self.grant_repository(member, &name.to_lowercase(), actions),
            _ => None,
        }
    }

    fn grant_repository(
        &self,
        member: Option<&Member>,
        path: &str,
        actions: &str,
    ) -> Option<Access> {
        let components = path.split('/').count();
        if !(2..=MOST_COMPONENTS).contains(&components) || path.split('/').any(str::is_empty) {
            return None;
        }
        let rights = self.rights(member, path)?;
        let allowed: Vec<&str> = actions
            .split(',')
            .filter(|action| match *action {
                "pull" => rights.contains(&Right::Pull),
                "push" => rights.contains(&Right::Push),
                "delete" => rights.contains(&Right::Delete),
                "*" => rights.len() == ALL_RIGHTS.len(),
                _ => false,
            })
            .collect();
        (!allowed.is_empty())
            .then(|| Access::repository(path, allowed).with_meta(Some(self.meta(path))))
    }

    /// The union of what a member may do in the namespaces around a path; `None` outside all namespaces,
    /// where GitLab finds no project, for admins too.
    fn rights(&self, member: Option<&Member>, path: &str) -> Option<BTreeSet<Right>> {
        let (_, namespace) = self.covering(path)?;
        let open = match namespace.visibility {
            Visibility::Public => true,
            Visibility::Internal => member.is_some(),
            Visibility::Private => false,
        };
        let mut rights = BTreeSet::new();
        if open {
            rights.insert(Right::Pull);
        }
        if let Some(member) = member {
            if member.admin {
                rights.extend(ALL_RIGHTS);
            }
            rights.extend(
                member
                    .rights
                    .iter()
                    .filter(|(around, _)| covers(around, path))
                    .flat_map(|(_, own)| own),
            );
        }
        Some(rights)
    }

    /// Whether pushing to a path is kept to admins.
    #[must_use]
    pub fn push_protected(&self, path: &str) -> bool {
        self.covering(path)
            .is_some_and(|(_, namespace)| namespace.push_protected)
    }

    /// The nearest namespace around a path.
    fn covering(&self, path: &str) -> Option<(&str, &Namespace)> {
        self.namespaces
            .iter()
            .filter(|(around, _)| covers(around, path))
            .max_by_key(|(around, _)| around.len())
            .map(|(around, namespace)| (around.as_str(), namespace))
    }

    /// GitLab looks the project up; here it is the nearest namespace that can be one (two components or more),
    /// or else the first two components. The numbers are made up, and the same in every run.
    fn meta(&self, path: &str) -> Meta {
        let nearest = self
            .covering(path)
            .map(|(around, _)| around)
            .filter(|around| around.contains('/'));
        let first_two = || {
            path.match_indices('/')
                .nth(1)
                .and_then(|(end, _)| path.get(..end))
        };
        let project = nearest.or_else(first_two).unwrap_or(path);
        let root = project.split('/').next().unwrap_or(project);
        Meta {
            project_id: Some(made_up_number(project)),
            root_namespace_id: Some(made_up_number(root)),
            ..Meta::of_project(project)
        }
    }
}

const ALL_RIGHTS: [Right; 3] = [Right::Pull, Right::Push, Right::Delete];

/// Whether a namespace is the path or lies above it, at a slash.
fn covers(namespace: &str, path: &str) -> bool {
    path.strip_prefix(namespace)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A positive number of up to 31 bits that a path always has.
fn made_up_number(path: &str) -> u64 {
    let hash = digest(&SHA256, path.as_bytes());
    let number = hash
        .as_ref()
        .iter()
        .take(4)
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    (number >> 1) + 1
}
