//! The router, path by path.

use super::*;

/// What the router makes of a path: `ROUTE NAME`, a redirect `-> LOCATION`, or `404`.
fn outcome(path: &str, profile: Profile) -> String {
    let target = Target::parse(path.as_bytes()).unwrap();
    match Route::parse(&target, profile, GitlabApi::Deny) {
        Ok(route) => match route.repository() {
            Some(name) => format!("{} {name}", route.tag()),
            None => route.tag().to_owned(),
        },
        Err(RouteError::NotClean { location }) => {
            format!("clean -> {}", String::from_utf8(location).unwrap())
        }
        Err(RouteError::TrailingSlash { location, .. }) => {
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
        let route = Route::parse(&target, Profile::Gitlab, GitlabApi::Deny).unwrap();
        let access = route.required_access(method.as_bytes(), &target);
        assert_eq!(access.to_string(), required, "{method} {path}");
    }
}
