//! Paths that could be read in two ways, through the hardened Envoy.
//!
//! Envoy normalizes first, then the filter reads; whatever the two make of a path, a node sees
//! nothing that was not authorized under the name it is asked for.

use testbed::envoy;

use crate::support::edge::{APP, Edge, SECRET};
use crate::support::http::{Answer, Request, Version, marker};
use crate::support::lab::Lab;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[
    (
        "a path that could be read in two ways is refused or redirected, never forwarded",
        tricks,
    ),
    (
        "a token for one repository reaches no other by any spelling of the path",
        spellings,
    ),
    (
        "the root is forwarded for anybody, GitLab's own API and unknown routes for nobody",
        edges,
    ),
];

/// What is answered to a request without a token.
#[derive(Debug, Clone, Copy)]
enum Answered {
    /// 401 that names this repository for pulling; empty for no scope.
    Challenge(&'static str),
    /// A status without a challenge.
    Status(u16),
    /// 301 to this place.
    To(&'static str),
    /// The challenge where Envoy takes `..;` for `..` (since 1.39, measured), else the registry's
    /// 404 for the name that it is.
    Normalized(&'static str),
}

use Answered::{Challenge, Normalized, Status, To};

const TRICKS: &[(&str, Answered)] = &[
    // As clients write it, and what the registry would decode to the same.
    ("/v2/group/app/tags/list", Challenge(APP)),
    ("/v2/%67roup/app/tags/li%73t", Challenge(APP)),
    ("/v2/group/app/manifests/sha256%3Aabc", Challenge(APP)),
    // Encoded structure: Envoy refuses what it names in `path_with_escaped_slashes_action`.
    ("/v2/group%2Fapp/tags/list", Status(400)),
    ("/v2/group%2fapp/tags/list", Status(400)),
    ("/v2/group%5Capp/tags/list", Status(400)),
    ("/v2%2F", Status(400)),
    ("/%2Fv2/", Status(400)),
    // What Envoy leaves and the filter refuses.
    ("/v2/group%252Fapp/tags/list", Status(400)),
    ("/v2/%252e%252e/app/tags/list", Status(400)),
    ("/v2/group/app/tags/list%20", Status(404)),
    ("/v2/group/app/tags/list%0a", Status(400)),
    ("/v2/group/app/tags/list%00", Status(400)),
    ("/v2/group/app/tags/list%zz", Status(400)),
    ("/v2/group/app/tags/list%7f", Status(400)),
    // Dots and slashes: Envoy resolves them, the filter judges what remains.
    ("/v2/group/secret/../app/tags/list", Challenge(APP)),
    ("/v2/group/./app/tags/list", Challenge(APP)),
    ("/v2/group//app/tags/list", Challenge(APP)),
    ("//v2//group/app/tags/list", Challenge(APP)),
    ("/v2/group/secret/%2e%2e/app/tags/list", Challenge(APP)),
    ("/v2/group/secret/.%2E/app/tags/list", Challenge(APP)),
    ("/v2/group/secret/..;/app/tags/list", Normalized(APP)),
    ("/v2/group/secret/..;x=1/app/tags/list", Normalized(APP)),
    ("/v2/group\\app/tags/list", Challenge(APP)),
    ("/v2/group/secret\\..\\app/tags/list", Challenge(APP)),
    ("/x/../v2/group/app/tags/list", Challenge(APP)),
    ("/jwt/auth/../../v2/group/app/tags/list", Challenge(APP)),
    ("/v2/../../etc/passwd", Status(404)),
    // Path parameters are no structure for the registry, and no part of any name.
    ("/v2/group/app;x=1/tags/list", Status(404)),
    ("/v2/group/app/tags/list;x=1", Status(404)),
    ("/v2;/", Status(404)),
    // The redirects of the registry's router, given locally.
    ("/v2", To("/v2/")),
    ("/v2?a=b", To("/v2/?a=b")),
    ("/v2/_catalog/", To("/v2/_catalog")),
    ("/v2/group/app/tags/list/", To("/v2/group/app/tags/list")),
    (
        "/v2/group/app/blobs/uploads",
        To("/v2/group/app/blobs/uploads/"),
    ),
    // Names are matched against the last keyword.
    (
        "/v2/group/app/manifests/x/manifests/y",
        Challenge("group/app/manifests/x"),
    ),
    (
        "/v2/group/app/tags/list/tags/list",
        Challenge("group/app/tags/list"),
    ),
    ("/v2/Group/app/tags/list", Challenge("Group/app")),
    // No routes of the registry.
    ("/v2/group/app", Status(404)),
    ("/v2/tags/list", Status(404)),
    ("/v2/group/App/tags/list", Status(404)),
    ("/v2/group/app/referrers/sha256:0000", Status(404)),
    ("/v2/group/app/blobs/latest", Status(404)),
    ("/V2/group/app/tags/list", Status(404)),
    ("/v1/search", Status(404)),
    ("/v3/", Status(404)),
    ("/favicon.ico", Status(404)),
    ("/metrics", Status(404)),
    ("/debug/pprof/", Status(404)),
    ("/gitlab/v1/", Status(404)),
    ("/gitlab/v1/repositories/group/app/", Status(404)),
    ("/gitlab/v1/import/group/app/", Status(404)),
    ("/gitlab//v1/", Status(404)),
    ("/v2/../gitlab/v1/", Status(404)),
];

fn tricks(lab: &Lab) {
    for edge in lab.profiles() {
        let mark = marker();
        for &(target, answered) in TRICKS {
            for version in Version::BOTH {
                for method in ["GET", "DELETE"] {
                    let request = Request::new(method, target).field("user-agent", &mark);
                    let answer = edge.client.send(version, &request);
                    check(edge, method, target, answered, &answer);
                }
            }
        }
        assert!(
            !edge.nodes_saw(&mark),
            "a node was asked something without a token"
        );
        edge.assert_alive();
    }
}

fn check(edge: &Edge, method: &str, target: &str, answered: Answered, answer: &Answer) {
    let context = format!("{} {method} {target}: {answer}", edge.profile);
    match answered {
        Normalized(name) if envoy::is_at_least(39).unwrap() => {
            check(edge, method, target, Challenge(name), answer);
        }
        Normalized(_) => check(edge, method, target, Status(404), answer),
        Challenge(name) => {
            assert_eq!(answer.status, 401, "{context}");
            let action = if method == "GET" { "pull" } else { "delete" };
            let challenge = edge.challenge(&format!("repository:{name}:{action}"), None);
            assert_eq!(
                answer.header("www-authenticate"),
                Some(challenge.as_str()),
                "{context}"
            );
        }
        Status(status) => {
            assert_eq!(answer.status, status, "{context}");
            assert_eq!(answer.header("www-authenticate"), None, "{context}");
        }
        To(place) => {
            assert_eq!(answer.status, 301, "{context}");
            assert_eq!(answer.header("location"), Some(place), "{context}");
        }
    }
}

/// Ways to write the private repository's list of tags.
const SECRETS: &[&str] = &[
    "/v2/group/secret/tags/list",
    "/v2/group/app/../secret/tags/list",
    "/v2/group/app/%2e%2e/secret/tags/list",
    "/v2/group/app/..%2fsecret/tags/list",
    "/v2/group/app/..%5csecret/tags/list",
    "/v2/group/app/..;/secret/tags/list",
    "/v2/group/app/.%2e;a=b/secret/tags/list",
    "/v2/group/app\\..\\secret/tags/list",
    "/v2/group/app/%252e%252e/secret/tags/list",
    "/v2/group//secret/tags/list",
    "/v2/./group/secret/tags/list",
    "/v2/group%2fsecret/tags/list",
    "/v2/group/app/tags/list/../../../secret/tags/list",
    "/v2/group/app/manifests/../../secret/tags/list",
    "/v2/group/app/tags/list#/../../../secret/tags/list",
    "/v2/group/app/tags/list/..;/..;/..;/secret/tags/list",
    "/v2/group/secret/tags/list?from=group/app",
    "/v2/group/SECRET/tags/list",
    "/v2/group/secre%74/tags/list",
];

fn spellings(lab: &Lab) {
    for edge in lab.profiles() {
        let app = edge.mint.token(&["repository:group/app:*"]);
        let secret = edge
            .mint
            .token(&["repository:group/secret:pull", "repository:group/app:pull"]);
        let mut served = 0;
        for target in SECRETS {
            for version in Version::BOTH {
                // A fragment never leaves hyper; Envoy strips it from raw heads.
                let target = target.split('#').next().unwrap();
                let answer = edge
                    .client
                    .send(version, &Request::get(target).bearer(&app));
                assert!(
                    !answer.text().contains(SECRET) || answer.status == 401,
                    "{target}: {answer}"
                );
                assert_ne!(
                    answer.json_name().as_deref(),
                    Some(SECRET),
                    "{target}: {answer}"
                );
                let twin = edge
                    .client
                    .send(version, &Request::get(target).bearer(&secret));
                served += u32::from(twin.json_name().as_deref() == Some(SECRET));
            }
        }
        assert!(
            served >= 20,
            "with rights, only {served} of them were served"
        );
    }
}

fn edges(lab: &Lab) {
    for edge in lab.profiles() {
        let all = edge
            .mint
            .token(&["repository:group/app:*", "registry:catalog:*"]);
        for version in Version::BOTH {
            for method in ["GET", "HEAD", "POST"] {
                let mark = marker();
                let request = Request::new(method, "/").field("user-agent", &mark);
                let answer = edge.client.send(version, &request);
                assert_eq!(
                    (answer.status, answer.length),
                    (200, 0),
                    "{request}: {answer}"
                );
                assert!(
                    edge.nodes_saw(&mark),
                    "{request} is answered by the registry"
                );
            }
            for target in [
                "/gitlab/v1/",
                "/gitlab/v1/import/group/app/",
                "/metrics",
                "/v3/",
            ] {
                let mark = marker();
                let request = Request::get(target).bearer(&all).field("user-agent", &mark);
                let answer = edge.client.send(version, &request);
                assert_eq!(answer.status, 404, "{request}: {answer}");
                assert_eq!(answer.text(), "404 page not found\n");
                assert!(!edge.nodes_saw(&mark), "{request}");
            }
        }
    }
}
