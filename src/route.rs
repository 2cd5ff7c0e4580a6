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
    },
    /// No route of the registry.
    Unknown,
    /// A route of GitLab's own registry API (`/gitlab/v1/`), which only Rails uses, over the
    /// registry's internal address. Denied at the edge.
    GitlabApi,
}

impl<'a> Route<'a> {
    /// Finds the route of a target.
    ///
    /// # Errors
    ///
    /// The [`RouteError`] whose answer the registry would give.
    pub fn parse(target: &'a Target<'_>, profile: Profile) -> Result<Self, RouteError> {
        let path = target.path();
        // GitLab's registry takes its other router on the path as it stands, before cleaning.
        if profile.has_gitlab_api() && path.starts_with(b"/gitlab/v1/") {
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
        let route = Self::find(bare, profile).ok_or(RouteError::Unknown)?;
        match (route.ends_in_slash(), has_slash) {
            (true, true) | (false, false) => Ok(route),
            (wants_slash, _) => {
                let mut path = bare.to_vec();
                if wants_slash {
                    path.push(b'/');
                }
                Err(RouteError::TrailingSlash {
                    location: location(&path, target.query()),
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
            Self::Base | Self::Uploads(_) => true,
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
            Self::Tags(name)
            | Self::Manifest(name)
            | Self::Blob(name)
            | Self::Uploads(name)
            | Self::UploadSession(name) => {
                let required = RequiredAccess::on_repository(name, method);
                match target.mount_source() {
                    Some(from) => required.with_mount_source(from),
                    None => required,
                }
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
        }
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
mod tests {
    use super::*;

    /// What the router makes of a path: `ROUTE NAME`, a redirect `-> LOCATION`, or `404`.
    fn outcome(path: &str, profile: Profile) -> String {
        let target = Target::parse(path.as_bytes()).unwrap();
        match Route::parse(&target, profile) {
            Ok(route) => match route.repository() {
                Some(name) => format!("{} {name}", route.tag()),
                None => route.tag().to_owned(),
            },
            Err(RouteError::NotClean { location }) => {
                format!("clean -> {}", String::from_utf8(location).unwrap())
            }
            Err(RouteError::TrailingSlash { location }) => {
                format!("slash -> {}", String::from_utf8(location).unwrap())
            }
            Err(RouteError::Unknown) => "404".to_owned(),
            Err(RouteError::GitlabApi) => "gitlab".to_owned(),
        }
    }

    #[test]
    fn paths_are_routed_as_the_registry_routes_them() {
        let tag = "t".repeat(128);
        let app = "/v2/group/app";
        for (path, expected) in [
            ("/v2/".to_owned(), "base"),
            ("/v2/?from=x".to_owned(), "base"),
            ("/v2".to_owned(), "slash -> /v2/"),
            ("/v2?a=b".to_owned(), "slash -> /v2/?a=b"),
            ("/v2?".to_owned(), "slash -> /v2/?"),
            ("//v2/".to_owned(), "clean -> /v2/"),
            ("/v2//".to_owned(), "clean -> /v2/"),
            ("//".to_owned(), "clean -> /"),
            ("/v3/".to_owned(), "404"),
            ("/V2/".to_owned(), "404"),
            ("/v2x".to_owned(), "404"),
            ("/".to_owned(), "404"),
            ("/v2/_catalog?n=10".to_owned(), "catalog"),
            ("/v2/_catalog/".to_owned(), "slash -> /v2/_catalog"),
            ("/v2/_Catalog".to_owned(), "404"),
            (app.to_owned(), "404"),
            (format!("{app}/"), "404"),
            (format!("{app}/tags/list"), "tags group/app"),
            (
                format!("{app}/tags/list/"),
                "slash -> /v2/group/app/tags/list",
            ),
            (format!("{app}/tags"), "404"),
            (format!("{app}/tags/list/x"), "404"),
            (format!("{app}/manifests/latest"), "manifest group/app"),
            (
                format!("{app}/manifests/latest/"),
                "slash -> /v2/group/app/manifests/latest",
            ),
            (format!("{app}/manifests/"), "404"),
            (format!("{app}/manifests/sha256:abc"), "manifest group/app"),
            (format!("{app}/manifests/.hidden"), "404"),
            (format!("{app}/manifests/-x"), "404"),
            (format!("{app}/manifests/_x"), "manifest group/app"),
            (format!("{app}/manifests/{tag}"), "manifest group/app"),
            (format!("{app}/manifests/{tag}t"), "404"),
            (format!("{app}/blobs/sha256:{tag}"), "blob group/app"),
            (format!("{app}/blobs/sha256%3Aabc"), "blob group/app"),
            (format!("{app}/blobs/latest"), "404"),
            (
                format!("{app}/blobs/uploads"),
                "slash -> /v2/group/app/blobs/uploads/",
            ),
            (format!("{app}/blobs/uploads/"), "uploads group/app"),
            (
                format!("{app}/blobs/uploads/abc-123"),
                "upload-session group/app",
            ),
            (
                format!("{app}/blobs/uploads/abc-123/"),
                "slash -> /v2/group/app/blobs/uploads/abc-123",
            ),
            (format!("{app}/blobs/uploads/a:b"), "404"),
            (format!("{app}/referrers/sha256:{tag}"), "404"),
            (format!("{app}/tags/reference/latest"), "404"),
            ("/v2/tags/list".to_owned(), "404"),
            ("/v2/manifests/latest".to_owned(), "404"),
            (
                "/v2/manifests/manifests/latest".to_owned(),
                "manifest manifests",
            ),
            (
                "/v2/a/manifests/b/manifests/c".to_owned(),
                "manifest a/manifests/b",
            ),
            ("/v2/a/tags/list/tags/list".to_owned(), "tags a/tags/list"),
            (
                "/v2/a/blobs/uploads/tags/list".to_owned(),
                "tags a/blobs/uploads",
            ),
            (
                "/v2/a/blobs/uploads/manifests/x".to_owned(),
                "manifest a/blobs/uploads",
            ),
            ("/v2/a/blobs/uploads/uploads".to_owned(), "upload-session a"),
            ("/v2/Group/app/tags/list".to_owned(), "tags Group/app"),
            ("/v2/Group/tags/list".to_owned(), "404"),
            ("/v2/group/App/tags/list".to_owned(), "404"),
            (
                "/v2/reg.example.com:5000/app/tags/list".to_owned(),
                "tags reg.example.com:5000/app",
            ),
            ("/v2/foo:5000/tags/list".to_owned(), "404"),
            ("/v2/%67roup/app/tags/li%73t".to_owned(), "tags group/app"),
            (
                "/v2/group/%2e%2e/secret/tags/list".to_owned(),
                "clean -> /v2/secret/tags/list",
            ),
            (
                "/v2/group//app/tags/list?n=1".to_owned(),
                "clean -> /v2/group/app/tags/list?n=1",
            ),
            ("/v2/a b/../%20".replace(' ', "%20"), "clean -> /v2/%20"),
            (format!("{app}/tags/list%20"), "404"),
            (format!("{app}/tags/list;x=1"), "404"),
            (format!("{app}/tags/list%3Fx=1"), "404"),
            (format!("{app}/tags/list\\"), "404"),
            (format!("{app}/tags/list#frag"), "404"),
            ("/gitlab/v1".to_owned(), "404"),
            ("/gitlab//v1/".to_owned(), "clean -> /gitlab/v1/"),
        ] {
            for profile in Profile::ALL {
                assert_eq!(outcome(&path, profile), expected, "{path} for {profile}");
            }
        }
    }

    #[test]
    fn gitlabs_own_api_is_known_before_the_path_is_cleaned() {
        for (path, elsewhere) in [
            ("/gitlab/v1/", "404"),
            ("/gitlab/v1/repositories/../../../v2/", "clean -> /v2/"),
        ] {
            assert_eq!(outcome(path, Profile::Gitlab), "gitlab", "{path}");
            assert_eq!(outcome(path, Profile::Distribution28), elsewhere, "{path}");
            assert_eq!(outcome(path, Profile::Distribution3), elsewhere, "{path}");
        }
    }

    #[test]
    fn an_address_in_brackets_is_a_host_for_distribution_3_only() {
        let path = "/v2/[::1]:5000/foo/tags/list";
        assert_eq!(outcome(path, Profile::Distribution3), "tags [::1]:5000/foo");
        assert_eq!(outcome(path, Profile::Distribution28), "404");
        assert_eq!(outcome(path, Profile::Gitlab), "404");
    }

    #[test]
    fn a_mount_source_counts_on_named_routes_only() {
        for (path, method, required) in [
            (
                "/v2/a/b/blobs/uploads/?from=c/d",
                "POST",
                "repository:a/b:pull,push repository:c/d:pull",
            ),
            (
                "/v2/a/b/tags/list?from=c/d",
                "GET",
                "repository:a/b:pull repository:c/d:pull",
            ),
            ("/v2/a/b/tags/list?from=a/b", "GET", "repository:a/b:pull"),
            (
                "/v2/a/b/manifests/x?from=c/d",
                "OPTIONS",
                "repository:c/d:pull",
            ),
            (
                "/v2/a/b/manifests/x?from=c/d",
                "DELETE",
                "repository:a/b:delete repository:c/d:pull",
            ),
            ("/v2/?from=c/d", "GET", "any token"),
            ("/v2/_catalog?from=c/d", "GET", "registry:catalog:*"),
            ("/v2/_catalog", "OPTIONS", "registry:catalog:*"),
        ] {
            let target = Target::parse(path.as_bytes()).unwrap();
            let route = Route::parse(&target, Profile::Gitlab).unwrap();
            let access = route.required_access(method.as_bytes(), &target);
            assert_eq!(access.to_string(), required, "{method} {path}");
        }
    }
}
