//! What GitLab's own background jobs are granted: Rails mints these tokens for itself, without a user.
//!
//! The functions are named after those of GitLab's `Auth::ContainerRegistryAuthenticationService`; each gives
//! the `access` for [`Claims::background`](crate::Claims::background). Rails looks the project up in its
//! database; here the repository's path stands for it.

use crate::{Access, Meta};

/// Everything on each repository (`*`): deleting tags and manifests, cleanup policies, reading blobs.
pub fn full_access<S: AsRef<str>>(paths: impl IntoIterator<Item = S>) -> Vec<Access> {
    paths
        .into_iter()
        .map(|path| entry(path.as_ref(), &["*"]))
        .collect()
}

/// Pull from each repository: Geo replication.
pub fn pull<S: AsRef<str>>(paths: impl IntoIterator<Item = S>) -> Vec<Access> {
    paths
        .into_iter()
        .map(|path| entry(path.as_ref(), &["pull"]))
        .collect()
}

/// Pull from a repository and those below it: sizes and listings.
#[must_use]
pub fn pull_nested(path: &str) -> Vec<Access> {
    vec![entry(path, &["pull"]), entry(&below(path), &["pull"])]
}

/// Pull and push of a repository, pull from those below it: renaming.
#[must_use]
pub fn push_pull_nested(path: &str) -> Vec<Access> {
    vec![
        entry(path, &["pull", "push"]),
        entry(&below(path), &["pull"]),
    ]
}

/// [`push_pull_nested`], and push below another namespace: transferring.
#[must_use]
pub fn push_pull_move(path: &str, new_namespace: &str) -> Vec<Access> {
    let mut access = push_pull_nested(path);
    access.push(entry(&below(new_namespace), &["push"]));
    access
}

/// The literal name that stands for "below the path" on GitLab's own routes. It is no pattern: a registry
/// compares it as text.
fn below(path: &str) -> String {
    format!("{}/*", path.trim_end_matches('/'))
}

/// The access with the `meta` that can be read off a repository's path; other types have none.
#[must_use]
pub fn with_meta(access: Access) -> Access {
    if access.kind != "repository" {
        return access;
    }
    let project = access.name.strip_suffix("/*").unwrap_or(&access.name);
    let meta = Meta::of_project(project);
    access.with_meta(Some(meta))
}

fn entry(name: &str, actions: &[&str]) -> Access {
    with_meta(Access::repository(
        name.trim_end_matches('/'),
        actions.iter().copied(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        let written =
            |access: Vec<Access>| access.iter().map(Access::to_string).collect::<Vec<_>>();
        assert_eq!(
            written(full_access(["g/a", "g/b"])),
            ["repository:g/a:*", "repository:g/b:*"]
        );
        assert_eq!(written(pull(["g/a"])), ["repository:g/a:pull"]);
        assert_eq!(
            written(pull_nested("g/a/")),
            ["repository:g/a:pull", "repository:g/a/*:pull"]
        );
        assert_eq!(
            written(push_pull_move("g/a", "new")),
            [
                "repository:g/a:pull,push",
                "repository:g/a/*:pull",
                "repository:new/*:push"
            ]
        );
        let projects: Vec<_> = push_pull_move("G/a", "new")
            .into_iter()
            .map(|access| access.meta.unwrap().project_path)
            .collect();
        assert_eq!(projects, ["g/a", "g/a", "new"]);
    }
}
