//! Methods that are easily forgotten, and bodies in which a registry would look for parameters.

use crate::support::challenge::Challenge;
use crate::support::edge::{APP, Edge, SECRET};
use crate::support::http::{Request, Version, marker};
use crate::support::image::{blob, manifest};
use crate::support::lab::Lab;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[
    (
        "HEAD is answered as GET, with the length of the body that is not sent",
        head,
    ),
    (
        "OPTIONS with a token that grants nothing tells the methods, DELETE among them",
        options,
    ),
    (
        "the registry is there for any valid token, and for none without",
        base,
    ),
    (
        "an upload may begin with an empty form, not with one that could name a source",
        forms,
    ),
    ("a mount hidden in a form body copies nothing", hidden_mount),
];

fn head(lab: &Lab) {
    for edge in lab.profiles() {
        let bad = edge.mint.token(&["repository:group/secret:pull"]);
        for version in Version::BOTH {
            for target in [
                "/v2/",
                "/v2/_catalog",
                "/v2/group/app/tags/list",
                "/v2/group/app/manifests/x",
            ] {
                for request in [Request::get(target), Request::get(target).bearer(&bad)] {
                    let get = edge.client.send(version, &request);
                    let request = Request {
                        method: "HEAD".to_owned(),
                        ..request
                    };
                    let head = edge.client.send(version, &request);
                    if get.status == 200 {
                        continue; // `/v2/` with a token.
                    }
                    assert_eq!((get.status, head.status), (401, 401), "{request}: {head}");
                    assert_eq!(head.length, 0, "{request}: {head}");
                    let length = get.length.to_string();
                    assert_eq!(
                        head.header("content-length"),
                        Some(length.as_str()),
                        "{request}"
                    );
                    assert_eq!(
                        get.header("content-length"),
                        Some(length.as_str()),
                        "{request}"
                    );
                    for name in ["www-authenticate", "content-type"] {
                        assert_eq!(head.header(name), get.header(name), "{request}");
                    }
                }
            }
        }
    }
}

/// GitLab asks so whether its registry can delete tags, with a token without any access.
fn options(lab: &Lab) {
    for edge in lab.profiles() {
        let nothing = edge.mint.token(&[]);
        for version in Version::BOTH {
            let request = Request::new("OPTIONS", "/v2/group/app/manifests/latest");
            let challenged = edge.client.send(version, &request);
            assert_eq!(challenged.status, 401, "{challenged}");
            assert_eq!(
                challenged.header("www-authenticate"),
                Some(edge.challenge("", None).as_str()),
                "no scope is needed"
            );
            let told = edge.client.send(version, &request.bearer(&nothing));
            assert_eq!(told.status, 200, "{told}");
            assert_eq!(
                told.header("allow"),
                Some("DELETE, GET, HEAD, PUT"),
                "{told}"
            );

            let request = Request::new("OPTIONS", "/v2/_catalog").bearer(&nothing);
            let refused = edge.client.send(version, &request);
            assert_eq!(Challenge::of(&refused).scopes(), ["registry:catalog:*"]);
        }
    }
}

fn base(lab: &Lab) {
    for edge in lab.profiles() {
        let nothing = edge.mint.token(&[]);
        for version in Version::BOTH {
            for method in ["GET", "POST", "DELETE", "OPTIONS", "PROPFIND"] {
                let request = Request::new(method, "/v2/");
                let challenged = edge.client.send(version, &request);
                assert_eq!(challenged.status, 401, "{request}: {challenged}");
                assert_eq!(
                    challenged.json()["errors"][0]["detail"],
                    serde_json::Value::Null
                );
                let there = edge.client.send(version, &request.clone().bearer(&nothing));
                assert_eq!(
                    (there.status, there.text().as_str()),
                    (200, "{}"),
                    "{request}"
                );
            }
        }
    }
}

/// Content type, body, and the status of a POST that begins an upload with all rights.
type Form = (&'static [&'static str], &'static str, u16);

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=b";
const PARTS: &str =
    "--b\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\ngroup/secret\r\n--b--\r\n";

const FORMS: &[Form] = &[
    (&[], "", 202),
    (&[URLENCODED], "", 202),
    (&[MULTIPART], "", 202),
    (&["application/octet-stream"], "", 202),
    (&[URLENCODED], "from=group/secret", 415),
    (&[URLENCODED], "x", 415),
    (
        &["Application/X-WWW-Form-Urlencoded ; charset=utf-8"],
        "from=group/secret",
        415,
    ),
    (
        &["application/x-www-form-urlencoded; ;;broken=\""],
        "from=group/secret",
        415,
    ),
    (&[MULTIPART], PARTS, 415),
    (&["multipart/form-data"], PARTS, 415),
    (
        &["application/octet-stream", URLENCODED],
        "from=group/secret",
        415,
    ),
    (&[URLENCODED, "application/octet-stream"], "", 415),
];

fn forms(lab: &Lab) {
    for edge in lab.profiles() {
        let token = edge.mint.token(&["repository:group/app:pull,push"]);
        for version in Version::BOTH {
            for &(types, body, status) in FORMS {
                let mut request = Request::new("POST", "/v2/group/app/blobs/uploads/");
                for content_type in types {
                    request = request.field("content-type", content_type);
                }
                let request = request.bearer(&token).body(body);
                let answer = edge.client.send(version, &request);
                assert_eq!(
                    answer.status, status,
                    "{version:?} {request} {body:?}: {answer}"
                );
                if status == 415 {
                    assert_eq!(
                        answer.json()["errors"][0]["code"],
                        "UNSUPPORTED",
                        "{answer}"
                    );
                }
            }
        }
    }
}

/// A registry reads `mount` and `from` of a form body too. Whatever way they are hidden, the blob
/// is not in the repository afterwards, and no node was asked.
fn hidden_mount(lab: &Lab) {
    let edge = lab.gitlab();
    let layer = edge.secret.layer.digest();
    let token = edge
        .mint
        .token(&["repository:group/copies/hidden:pull,push"]);
    let uploads = "/v2/group/copies/hidden/blobs/uploads/";
    let form = format!("mount={layer}&from={SECRET}");
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts = format!("{}{}--b--\r\n", part("mount", &layer), part("from", SECRET));
    let mark = marker();
    let post = |target: &str| {
        Request::new("POST", target)
            .bearer(&token)
            .field("user-agent", &mark)
    };
    let hidden = [
        post(uploads)
            .field("content-type", URLENCODED)
            .body(form.clone()),
        post(&format!("{uploads}?mount={layer}"))
            .field("content-type", URLENCODED)
            .body(format!("from={SECRET}")),
        post(uploads).field("content-type", MULTIPART).body(parts),
        post(uploads)
            .field("content-type", "application/octet-stream")
            .field("content-type", URLENCODED)
            .body(form),
    ];
    for request in hidden {
        for version in Version::BOTH {
            let answer = edge.client.send(version, &request);
            assert_eq!(answer.status, 415, "{version:?} {request}: {answer}");
        }
    }
    assert!(!edge.nodes_saw(&mark));
    assert_absent(edge, &layer);
    // The twin in the open, with rights on both, does copy it.
    let token = edge.mint.token(&[
        "repository:group/copies/hidden:pull,push",
        "repository:group/secret:pull",
    ]);
    let open = Request::new("POST", &format!("{uploads}?mount={layer}&from={SECRET}"));
    assert_eq!(
        edge.client
            .send(Version::Http11, &open.bearer(&token))
            .status,
        201
    );
}

fn assert_absent(edge: &Edge, digest: &str) {
    let reading = edge.mint.token(&["repository:group/copies/hidden:pull"]);
    let absent = edge
        .client
        .get(&blob("group/copies/hidden", digest), &reading);
    assert_eq!(absent.status, 404, "{absent}");
    let there = edge.client.get(
        &manifest(APP, "latest"),
        &edge.mint.token(&["repository:group/app:*"]),
    );
    assert_ne!(there.status, 401, "{there}");
}
