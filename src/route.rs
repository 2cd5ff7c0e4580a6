//! A registry URL, parsed: which route it is and which repository it names.
//!
//! The order of events is the registry's router's (gorilla/mux with strict slashes): an unclean
//! path is redirected, then the routes are tried in order with an optional trailing slash, and a
//! route found with the wrong slash is redirected. No token is looked at for any of that.

use std::fmt;

use crate::access::RequiredAccess;
use crate::name::{self, RepositoryName};
use crate::profile::Profile;
use crate::target::{self, Target};

mod gitlab;

pub use gitlab::{GitlabApi, GitlabRoute};

/// A route of the registry API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// `/v2/`: does the client have any valid token?
    Base,
    /// `/v2/_catalog`: the list of repositories.
    Catalog,
    /// `/v2/NAME/tags/list`
    Tags(RepositoryName<'a>),
    /// `/v2/NAME/manifests/REFERENCE`
    Manifest(RepositoryName<'a>),
    /// `/v2/NAME/blobs/DIGEST`
    Blob(RepositoryName<'a>),
    /// `/v2/NAME/blobs/uploads/`: where uploads and mounts begin.
    Uploads(RepositoryName<'a>),
    /// `/v2/NAME/blobs/uploads/UUID`: an upload under way.
    UploadSession(RepositoryName<'a>),
    /// A route of GitLab's own registry API.
    Gitlab(GitlabRoute<'a>),
}

/// The registry's APIs, whose answers have different headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `/v2/`, which every registry has.
    Distribution,
    /// `/gitlab/v1/`, GitLab's own.
    Gitlab,
}

/// Why a path is no route. Each is what the registry itself answers without a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// The path is not clean; the registry redirects to the clean one.
    NotClean {
        /// Path and query to go to.
        location: Vec<u8>,
    },
    /// A route, but for its trailing slash; the registry redirects to the right form.
    TrailingSlash {
        /// Path and query to go to.
        location: Vec<u8>,
        /// Of which API the route is.
        api: Api,
    },
    /// No route of the registry.
    Unknown,
    /// A route of GitLab's own registry API (`/gitlab/v1/`), which only Rails uses, over the
    /// registry's internal address. Denied at the edge, see [`GitlabApi`].
    GitlabApi,
}

impl<'a> Route<'a> {
    /// Finds the route of a target.
    ///
    /// # Errors
    ///
    /// The [`RouteError`] whose answer the registry would give.
    pub fn parse(
        target: &'a Target<'_>,
        profile: Profile,
        gitlab_api: GitlabApi,
    ) -> Result<Self, RouteError> {
        let path = target.path();
        // GitLab's registry takes its other router on the path as it stands, before cleaning.
        let is_gitlab = profile.has_gitlab_api() && path.starts_with(gitlab::PREFIX);
        if is_gitlab && gitlab_api == GitlabApi::Deny {
            return Err(RouteError::GitlabApi);
        }
        if let Some(cleaned) = target.cleaned() {
            let location = location(&cleaned, target.query());
            return Err(RouteError::NotClean { location });
        }
        let (bare, has_slash) = match path.strip_suffix(b"/") {
            Some(bare) => (bare, true),
            None => (path, false),
        };
        let route = if is_gitlab {
            // The prefix has its own slash, so that of the base route is not a trailing one.
            let rest = bare.get(gitlab::PREFIX.len()..).unwrap_or_default();
            GitlabRoute::find(rest).map(Self::Gitlab)
        } else {
            Self::find(bare, profile)
        };
        let route = route.ok_or(RouteError::Unknown)?;
        match (route.ends_in_slash(), has_slash) {
            (true, true) | (false, false) => Ok(route),
            (wants_slash, _) => {
                let mut path = bare.to_vec();
                if wants_slash {
                    path.push(b'/');
                }
                Err(RouteError::TrailingSlash {
                    location: location(&path, target.query()),
                    api: route.api(),
                })
            }
        }
    }

    /// The first route, in the router's order, of a clean path without its trailing slash.
    ///
    /// A repository name is matched greedily, so the *last* keyword decides:
    /// `/v2/a/manifests/b/manifests/c` is a manifest of `a/manifests/b`.
    fn find(path: &'a [u8], profile: Profile) -> Option<Self> {
        let rest = match path.strip_prefix(b"/v2")? {
            b"" => return Some(Self::Base),
            rest => rest.strip_prefix(b"/")?,
        };
        let named = |text| RepositoryName::parse(text, profile.routes_literal_addresses());
        if let Some(name) = rest.strip_suffix(b"/tags/list").and_then(named) {
            return Some(Self::Tags(name));
        }
        if rest == b"_catalog" {
            return Some(Self::Catalog);
        }
        let (before, last) = cut_last(rest)?;
        if let Some(name) = before.strip_suffix(b"/manifests").and_then(named)
            && name::is_reference(last)
        {
            return Some(Self::Manifest(name));
        }
        if let Some(name) = before.strip_suffix(b"/blobs").and_then(named) {
            if name::is_digest(last) {
                return Some(Self::Blob(name));
            }
            if last == b"uploads" {
                return Some(Self::Uploads(name));
            }
        }
        if let Some(name) = before.strip_suffix(b"/blobs/uploads").and_then(named)
            && name::is_upload_id(last)
        {
            return Some(Self::UploadSession(name));
        }
        None
    }

    /// Whether the route's own form ends in a slash.
    const fn ends_in_slash(self) -> bool {
        match self {
            Self::Base | Self::Uploads(_) | Self::Gitlab(_) => true,
            Self::Catalog
            | Self::Tags(_)
            | Self::Manifest(_)
            | Self::Blob(_)
            | Self::UploadSession(_) => false,
        }
    }

    /// The repository this route is about.
    #[must_use]
    pub const fn repository(self) -> Option<RepositoryName<'a>> {
        match self {
            Self::Base | Self::Catalog => None,
            Self::Tags(name)
            | Self::Manifest(name)
            | Self::Blob(name)
            | Self::Uploads(name)
            | Self::UploadSession(name) => Some(name),
            Self::Gitlab(route) => route.repository(),
        }
    }

    /// Which API it is of.
    #[must_use]
    pub const fn api(self) -> Api {
        match self {
            Self::Gitlab(_) => Api::Gitlab,
            _ => Api::Distribution,
        }
    }

    /// Whether the registry looks into the body of `method` for more to demand, whatever its type.
    #[must_use]
    pub fn reads_body(self, method: &[u8]) -> bool {
        match self {
            Self::Gitlab(route) => route.reads_body(method),
            _ => false,
        }
    }

    /// What the registry demands of `method` on this route (`authorized`,
    /// `appendAccessRecords`, `appendCatalogAccessRecord`).
    ///
    /// A `from` in the query adds `pull` on that repository to every route with a name, whatever
    /// the method; it is ignored on the base route and the catalog.
    #[must_use]
    pub fn required_access<'b>(self, method: &[u8], target: &Target<'b>) -> RequiredAccess<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Base => RequiredAccess::NONE,
            Self::Catalog => RequiredAccess::on_catalog(),
            Self::Gitlab(route) => route.required_access(method, target),
            Self::Tags(name)
            | Self::Manifest(name)
            | Self::Blob(name)
            | Self::Uploads(name)
            | Self::UploadSession(name) => {
                mounted(RequiredAccess::on_repository(name, method), target)
            }
        }
    }

    /// The route's name in logs.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Catalog => "catalog",
            Self::Tags(_) => "tags",
            Self::Manifest(_) => "manifest",
            Self::Blob(_) => "blob",
            Self::Uploads(_) => "uploads",
            Self::UploadSession(_) => "upload-session",
            Self::Gitlab(route) => route.tag(),
        }
    }
}

/// With `pull` on the source of a mount, if the query names one.
fn mounted<'a>(required: RequiredAccess<'a>, target: &Target<'a>) -> RequiredAccess<'a> {
    match target.mount_source() {
        Some(from) => required.with_mount_source(from),
        None => required,
    }
}

/// Cuts at the last slash.
fn cut_last(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = path.iter().rposition(|&byte| byte == b'/')?;
    let (before, rest) = path.split_at(slash);
    Some((before, rest.get(1..).unwrap_or_default()))
}

/// A path, written as Go writes it, and the query as it came.
fn location(path: &[u8], query: Option<&[u8]>) -> Vec<u8> {
    let mut location = target::encode_path(path).into_bytes();
    if let Some(query) = query {
        location.push(b'?');
        location.extend_from_slice(query);
    }
    location
}

impl RouteError {
    /// The name of this refusal in logs.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::NotClean { .. } => "path-not-clean",
            Self::TrailingSlash { .. } => "path-trailing-slash",
            Self::Unknown => "route-unknown",
            Self::GitlabApi => "gitlab-api-denied",
        }
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotClean { .. } => "the path is not clean and is redirected to the clean one",
            Self::TrailingSlash { .. } => "the path has a slash too many or too few at its end",
            Self::Unknown => "the registry has no such route",
            Self::GitlabApi => "GitLab's own registry API is not served at the edge",
        })
    }
}

impl std::error::Error for RouteError {}

#[cfg(test)]
mod tests;
