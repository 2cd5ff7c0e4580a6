//! What a request needs and what a token grants: challenge, new token, retry, mount, catalog.

use crate::support::challenge::Challenge;
use crate::support::edge::{APP, SECRET, alice, bob, carol, root};
use crate::support::http::{Request, Version};
use crate::support::image::{blob, manifest, read_manifest};
use crate::support::lab::Lab;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[
    (
        "a token for pulling only is told what an upload needs, and the token for that uploads",
        retry,
    ),
    (
        "a mount needs rights on its source too, and is told both scopes",
        mount,
    ),
    (
        "the catalog needs its own scope, which administrators get and users do not",
        catalog,
    ),
    ("no method is granted by the rights of another", methods),
    (
        "a token for one repository grants nothing on another",
        repositories,
    ),
];

fn retry(lab: &Lab) {
    let edge = lab.gitlab();
    let uploads = "/v2/group/app/blobs/uploads/";
    for version in Version::BOTH {
        // Without a token: the client learns where to ask, and for what.
        let first = edge
            .client
            .send(version, &Request::get(&manifest(APP, "latest")));
        assert_eq!(first.status, 401, "{first}");
        let challenge = Challenge::of(&first);
        assert_eq!(challenge.error, None);
        assert_eq!(challenge.scopes(), ["repository:group/app:pull"]);
        let pulling = challenge.token_for(&edge.client, &alice());
        let read = edge
            .client
            .send(version, &read_manifest(APP, "latest").bearer(&pulling));
        assert_eq!(read.status, 200, "{read}");

        // The same token does not upload.
        let refused = edge
            .client
            .send(version, &Request::new("POST", uploads).bearer(&pulling));
        assert_eq!(refused.status, 401, "{refused}");
        let scope = "repository:group/app:pull,push";
        assert_eq!(
            refused.header("www-authenticate"),
            Some(edge.challenge(scope, Some("insufficient_scope")).as_str())
        );
        let challenge = Challenge::of(&refused);
        let pushing = challenge.token_for(&edge.client, &alice());
        let accepted = edge
            .client
            .send(version, &Request::new("POST", uploads).bearer(&pushing));
        assert_eq!(accepted.status, 202, "{accepted}");

        // Carol gets a token for the same challenge, which grants less than was asked.
        let reading = challenge.token_for(&edge.client, &carol());
        let again = edge
            .client
            .send(version, &Request::new("POST", uploads).bearer(&reading));
        assert_eq!(
            again.header("www-authenticate"),
            refused.header("www-authenticate")
        );
    }
}

fn mount(lab: &Lab) {
    let edge = lab.gitlab();
    let layer = edge.secret.layer.digest();
    for (version, to) in [
        (Version::Http11, "group/copies/one"),
        (Version::Http2, "group/copies/two"),
    ] {
        let target = format!("/v2/{to}/blobs/uploads/?mount={layer}&from={SECRET}");
        let first = edge.client.send(version, &Request::new("POST", &target));
        let challenge = Challenge::of(&first);
        let both = [
            format!("repository:{to}:pull,push"),
            format!("repository:{SECRET}:pull"),
        ];
        assert_eq!(challenge.scopes(), both);
        let bobs = challenge.token_for(&edge.client, &bob());
        let refused = edge
            .client
            .send(version, &Request::new("POST", &target).bearer(&bobs));
        assert_eq!(refused.status, 401, "{refused}");
        assert_eq!(
            refused.header("www-authenticate"),
            Some(
                edge.challenge(&both.join(" "), Some("insufficient_scope"))
                    .as_str()
            )
        );
        // Refused means refused: the blob is not in Bob's repository now.
        let reading = edge.mint.token(&[&format!("repository:{to}:pull")]);
        let absent = edge.client.get(&blob(to, &layer), &reading);
        assert_eq!(absent.status, 404, "{absent}");
        let alices = challenge.token_for(&edge.client, &alice());
        let mounted = edge
            .client
            .send(version, &Request::new("POST", &target).bearer(&alices));
        assert_eq!(mounted.status, 201, "{mounted}");
        let there = edge.client.get(&blob(to, &layer), &reading);
        assert_eq!((there.status, there.digest), (200, layer.clone()));
    }
}

fn catalog(lab: &Lab) {
    let edge = lab.gitlab();
    for version in Version::BOTH {
        let catalog = Request::get("/v2/_catalog");
        let challenge = Challenge::of(&edge.client.send(version, &catalog));
        assert_eq!(challenge.scopes(), ["registry:catalog:*"]);
        let users = challenge.token_for(&edge.client, &alice());
        let refused = edge.client.send(version, &catalog.clone().bearer(&users));
        assert_eq!(refused.status, 401, "{refused}");
        assert_eq!(
            Challenge::of(&refused).error.as_deref(),
            Some("insufficient_scope")
        );
        let admins = challenge.token_for(&edge.client, &root());
        let listed = edge.client.send(version, &catalog.bearer(&admins));
        assert_eq!(listed.status, 200, "{listed}");
        let names = listed.json()["repositories"].to_string();
        assert!(names.contains(APP) && names.contains(SECRET), "{names}");
    }
}

/// Method, path, the scope that is needed, the status with it, and scopes that are not enough.
type Needs = (
    &'static str,
    &'static str,
    &'static str,
    u16,
    &'static [&'static str],
);

const METHODS: &[Needs] = &[
    (
        "GET",
        "/v2/group/app/tags/list",
        "pull",
        200,
        &["push", "delete", "Pull", ""],
    ),
    (
        "GET",
        "/v2/group/app/manifests/nope",
        "pull",
        404,
        &["push", "delete", "push,delete"],
    ),
    (
        "HEAD",
        "/v2/group/app/manifests/nope",
        "pull",
        404,
        &["push", "delete"],
    ),
    (
        "POST",
        "/v2/group/app/blobs/uploads/",
        "pull,push",
        202,
        &["pull", "push", "delete"],
    ),
    (
        "PATCH",
        "/v2/group/app/blobs/uploads/nope",
        "pull,push",
        404,
        &["pull", "push", "delete"],
    ),
    (
        "PUT",
        "/v2/group/app/manifests/nope",
        "pull,push",
        400,
        &["pull", "push", "delete"],
    ),
    (
        "DELETE",
        "/v2/group/app/manifests/nope",
        "delete",
        400,
        &["pull,push", "pull", "push"],
    ),
    (
        "DELETE",
        "/v2/group/app/blobs/nope:0",
        "delete",
        400,
        &["pull,push"],
    ),
    (
        "GET",
        "/v2/_catalog",
        "*",
        200,
        &["pull", "pull,push,delete"],
    ),
];

fn methods(lab: &Lab) {
    let edge = lab.gitlab();
    for &(method, target, actions, status, others) in METHODS {
        let kind = if target == "/v2/_catalog" {
            "registry:catalog"
        } else {
            "repository:group/app"
        };
        for version in Version::BOTH {
            for (actions, sufficient) in others
                .iter()
                .map(|other| (*other, false))
                .chain([(actions, true), ("*", true)])
            {
                let scope = format!("{kind}:{actions}");
                let scopes: &[&str] = if actions.is_empty() { &[] } else { &[&scope] };
                let request = Request::new(method, target).bearer(&edge.mint.token(scopes));
                let answer = edge.client.send(version, &request);
                let wanted = if sufficient { status } else { 401 };
                assert_eq!(
                    answer.status, wanted,
                    "{method} {target} with {scope:?}: {answer}"
                );
                if !sufficient {
                    let error = Challenge::of(&answer).error;
                    assert_eq!(error.as_deref(), Some("insufficient_scope"), "{answer}");
                }
            }
        }
    }
}

/// Grants that look as if they might cover `repository:group/app:pull`.
const NEAR: &[&str] = &[
    "repository:group/secret:pull",
    "repository:group:*",
    "repository:group/*:*",
    "repository:*:*",
    "repository:group/app/:*",
    "repository:group/app/sub:*",
    "repository:Group/app:*",
    "Repository:group/app:*",
    "repository(plugin):group/app:*",
    "registry:group/app:*",
    "registry:catalog:*",
];

fn repositories(lab: &Lab) {
    let edge = lab.gitlab();
    let request = read_manifest(APP, "latest");
    let refused = edge.challenge("repository:group/app:pull", Some("insufficient_scope"));
    for near in NEAR {
        let request = request.clone().bearer(&edge.mint.token(&[near]));
        let answer = edge.client.send(Version::Http2, &request);
        assert_eq!(answer.status, 401, "{near}: {answer}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(refused.as_str()),
            "{near}"
        );
    }
    let all: Vec<&str> = NEAR
        .iter()
        .copied()
        .chain(["repository:group/app:pull"])
        .collect();
    let answer = edge
        .client
        .send(Version::Http2, &request.bearer(&edge.mint.token(&all)));
    assert_eq!(
        (answer.status, answer.text()),
        (200, edge.app.manifest.clone())
    );
}
