//! GitLab's own registry API, `/gitlab/v1/`: its routes and what they demand.
//!
//! The table is that of the registry (`registry/api/gitlab/v1/routes.go` and
//! `registry/handlers/app.go`, `authorized` with its `append…AccessRecords`; measured on 3.86). Only
//! Rails calls it. What is not in the table is no route: GitLab 3 has another, for imports, that it
//! serves without looking at a token.

use std::borrow::Cow;

use super::{cut_last, mounted};
use crate::access::{RequiredAccess, Resource, ResourceType};
use crate::name::{self, RepositoryName};
use crate::target::Target;

/// What every path of this API begins with.
pub(super) const PREFIX: &[u8] = b"/gitlab/v1/";

/// What is to become of requests to this API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GitlabApi {
    /// None is a route: GitLab has the registry's internal address for them.
    #[default]
    Deny,
    /// Each is authorized by the registry's own table.
    Authorize,
}

/// A route of GitLab's own registry API. Each ends in a slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitlabRoute<'a> {
    /// `/gitlab/v1/`: does the client have any valid token?
    Base,
    /// `repositories/NAME/tags/list/`
    Tags(RepositoryName<'a>),
    /// `repositories/NAME/tags/detail/TAG/`, since GitLab 4.
    TagDetail(RepositoryName<'a>),
    /// `repositories/NAME/`: its size; PATCH renames or moves it with all below it.
    Repository(RepositoryName<'a>),
    /// `repository-paths/NAME/repositories/list/`: the repositories below a path.
    Below(RepositoryName<'a>),
    /// `statistics/`, since GitLab 4.
    Statistics,
    /// `background-migrations/` and what is below it, since GitLab 4.
    BackgroundMigrations,
}

impl GitlabApi {
    /// The names used in the configuration.
    pub const ALL: [(&'static str, Self); 2] =
        [("deny", Self::Deny), ("authorize", Self::Authorize)];
}

impl<'a> GitlabRoute<'a> {
    /// The first route, in the router's order, of a clean path without prefix and trailing slash.
    pub(super) fn find(rest: &'a [u8]) -> Option<Self> {
        let named = |text| RepositoryName::parse(text, false);
        match rest {
            b"" => return Some(Self::Base),
            b"statistics" => return Some(Self::Statistics),
            b"background-migrations" => return Some(Self::BackgroundMigrations),
            _ => {}
        }
        if let Some(path) = rest.strip_prefix(b"repositories/") {
            if let Some(name) = path.strip_suffix(b"/tags/list").and_then(named) {
                return Some(Self::Tags(name));
            }
            if let Some((before, tag)) = cut_last(path)
                && let Some(name) = before.strip_suffix(b"/tags/detail").and_then(named)
                && name::is_tag(tag)
            {
                return Some(Self::TagDetail(name));
            }
            return named(path).map(Self::Repository);
        }
        if let Some(path) = rest.strip_prefix(b"repository-paths/") {
            let name = path.strip_suffix(b"/repositories/list").and_then(named);
            return name.map(Self::Below);
        }
        let migration = rest.strip_prefix(b"background-migrations/")?;
        let is_number = !migration.is_empty() && migration.iter().all(u8::is_ascii_digit);
        (is_number || matches!(migration, b"pause" | b"resume"))
            .then_some(Self::BackgroundMigrations)
    }

    /// The repository this route is about.
    pub(super) const fn repository(self) -> Option<RepositoryName<'a>> {
        match self {
            Self::Base | Self::Statistics | Self::BackgroundMigrations => None,
            Self::Tags(name)
            | Self::TagDetail(name)
            | Self::Repository(name)
            | Self::Below(name) => Some(name),
        }
    }

    /// What the registry demands of `method`.
    pub(super) fn required_access<'b>(
        self,
        method: &[u8],
        target: &Target<'b>,
    ) -> RequiredAccess<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Base => RequiredAccess::NONE,
            Self::Statistics => RequiredAccess::on_registry(b"statistics"),
            Self::BackgroundMigrations => RequiredAccess::on_registry(b"background-migrations"),
            Self::Tags(name) | Self::TagDetail(name) => {
                mounted(RequiredAccess::on_repository(name, method), target)
            }
            Self::Repository(name) => {
                let required = RequiredAccess::on_repository(name, method);
                let size = target.query_value(b"size");
                let is_of_all = size.as_deref() == Some(b"self_with_descendants");
                if is_of_all || method == b"PATCH" {
                    mounted(required.with_descendants(below(name)), target)
                } else {
                    mounted(required, target)
                }
            }
            Self::Below(name) => {
                let required = RequiredAccess::on_repository(name, method);
                mounted(required.with_descendants(below(name)), target)
            }
        }
    }

    /// Whether the registry looks for more to demand in the body: since GitLab 4, PATCH of a
    /// repository may name a namespace to move it to, and needs `push` on all of that.
    pub(super) fn reads_body(self, method: &[u8]) -> bool {
        matches!(self, Self::Repository(_)) && method == b"PATCH"
    }

    /// The route's name in logs.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Base => "gitlab-base",
            Self::Tags(_) => "gitlab-tags",
            Self::TagDetail(_) => "gitlab-tag-detail",
            Self::Repository(_) => "gitlab-repository",
            Self::Below(_) => "gitlab-repositories",
            Self::Statistics => "gitlab-statistics",
            Self::BackgroundMigrations => "gitlab-background-migrations",
        }
    }
}

/// All repositories below one, which is a name like any other: `NAME/*`.
fn below(name: RepositoryName<'_>) -> Resource<'static> {
    Resource {
        kind: ResourceType::Repository,
        name: Cow::Owned([name.as_str().as_bytes(), b"/*"].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::route::{Route, RouteError};

    /// `TAG: REQUIRED`, a redirect `-> LOCATION`, or `404`.
    fn outcome(method: &str, path: &str) -> String {
        let target = Target::parse(path.as_bytes()).unwrap();
        match Route::parse(&target, Profile::Gitlab, GitlabApi::Authorize) {
            Ok(route) => {
                let required = route.required_access(method.as_bytes(), &target);
                format!("{}: {required}", route.tag())
            }
            Err(RouteError::NotClean { location } | RouteError::TrailingSlash { location, .. }) => {
                format!("-> {}", String::from_utf8(location).unwrap())
            }
            Err(error) => {
                assert_eq!(error, RouteError::Unknown);
                "404".to_owned()
            }
        }
    }

    #[test]
    fn every_route_demands_what_the_registry_demands() {
        const REPOSITORY: &str = "/gitlab/v1/repositories/group/app/";
        const ALL: &str = "repository:group/app:pull repository:group/app/*:pull";
        for (method, path, expected) in [
            ("GET", "/gitlab/v1/", "gitlab-base: any token".to_owned()),
            (
                "DELETE",
                "/gitlab/v1/?from=a/b",
                "gitlab-base: any token".to_owned(),
            ),
            (
                "GET",
                REPOSITORY,
                "gitlab-repository: repository:group/app:pull".to_owned(),
            ),
            (
                "HEAD",
                REPOSITORY,
                "gitlab-repository: repository:group/app:pull".to_owned(),
            ),
            (
                "DELETE",
                REPOSITORY,
                "gitlab-repository: repository:group/app:delete".to_owned(),
            ),
            (
                "OPTIONS",
                REPOSITORY,
                "gitlab-repository: any token".to_owned(),
            ),
            (
                "PATCH",
                REPOSITORY,
                "gitlab-repository: repository:group/app:pull,push repository:group/app/*:pull"
                    .to_owned(),
            ),
            (
                "patch",
                REPOSITORY,
                "gitlab-repository: any token".to_owned(),
            ),
            (
                "PATCH",
                "/gitlab/v1/repositories/group/app/?from=x/y",
                "gitlab-repository: repository:group/app:pull,push repository:group/app/*:pull \
                 repository:x/y:pull"
                    .to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/group/app/?size=self",
                "gitlab-repository: repository:group/app:pull".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/group/app/?size=self_with_descendants",
                format!("gitlab-repository: {ALL}"),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/group/app/?s%69ze=self%5Fwith_descendants",
                format!("gitlab-repository: {ALL}"),
            ),
            (
                "OPTIONS",
                "/gitlab/v1/repositories/group/app/?size=self_with_descendants",
                "gitlab-repository: repository:group/app/*:pull".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/group/app/?size=&size=self_with_descendants",
                "gitlab-repository: repository:group/app:pull".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/group/app/?size=self_with_descendants&size=self",
                format!("gitlab-repository: {ALL}"),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/group/app/?Size=self_with_descendants",
                "gitlab-repository: repository:group/app:pull".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/group/app/tags/list/?size=self_with_descendants",
                "gitlab-tags: repository:group/app:pull".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/group/app/tags/detail/latest/",
                "gitlab-tag-detail: repository:group/app:pull".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/group/app/tags/detail/.x/",
                "404".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/tags/list/",
                "gitlab-repository: repository:tags/list:pull".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repositories/a/tags/list/tags/list/",
                "gitlab-tags: repository:a/tags/list:pull".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/repository-paths/group/app/repositories/list/",
                format!("gitlab-repositories: {ALL}"),
            ),
            (
                "GET",
                "/gitlab/v1/repository-paths/group/app/",
                "404".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/statistics/",
                "gitlab-statistics: registry:statistics:*".to_owned(),
            ),
            (
                "PUT",
                "/gitlab/v1/background-migrations/pause/?from=a/b",
                "gitlab-background-migrations: registry:background-migrations:*".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/background-migrations/12/",
                "gitlab-background-migrations: registry:background-migrations:*".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/background-migrations/1a/",
                "404".to_owned(),
            ),
            ("GET", "/gitlab/v1/import/group/app/", "404".to_owned()),
            ("GET", "/gitlab/v1/repositories/Group/", "404".to_owned()),
            ("GET", "/gitlab/v1/repositories/", "404".to_owned()),
            ("GET", "/gitlab/v1/nope/", "404".to_owned()),
            ("GET", "/gitlab/v1/v2/", "404".to_owned()),
            ("GET", "/gitlab/v1", "404".to_owned()),
            ("GET", "/gitlab/v2/", "404".to_owned()),
            (
                "GET",
                "/gitlab/v1/repositories/group/app",
                "-> /gitlab/v1/repositories/group/app/".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1/statistics?a=b",
                "-> /gitlab/v1/statistics/?a=b".to_owned(),
            ),
            (
                "GET",
                "/gitlab/v1//repositories/group/app/",
                "-> /gitlab/v1/repositories/group/app/".to_owned(),
            ),
            ("GET", "/gitlab/v1/../v2/", "-> /gitlab/v2/".to_owned()),
            ("GET", "//gitlab/v1/", "-> /gitlab/v1/".to_owned()),
        ] {
            assert_eq!(outcome(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn the_other_registries_have_no_such_api_and_deny_is_the_default() {
        let target = Target::parse(b"/gitlab/v1/").unwrap();
        for (profile, api, error) in [
            (Profile::Gitlab, GitlabApi::default(), RouteError::GitlabApi),
            (
                Profile::Distribution28,
                GitlabApi::Authorize,
                RouteError::Unknown,
            ),
            (
                Profile::Distribution3,
                GitlabApi::Authorize,
                RouteError::Unknown,
            ),
        ] {
            assert_eq!(Route::parse(&target, profile, api), Err(error));
        }
    }
}
