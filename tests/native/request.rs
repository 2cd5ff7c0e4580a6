//! Requests at random, near enough to the registry's routes to reach what decides.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use registry_token_filter::{Authorizer, Body, Decision, RequestHead, Response, UnixTime};

use crate::core::NOW;

/// A request head that owns its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) host: Vec<u8>,
    pub(crate) authorization: Vec<Vec<u8>>,
    pub(crate) content_type: Vec<Vec<u8>>,
    pub(crate) has_body: bool,
}

impl Head {
    /// What the filter decides.
    pub(crate) fn decide(&self, authorizer: &Authorizer) -> Decision {
        self.answer(authorizer).0
    }

    /// What the filter decides, and its response.
    pub(crate) fn answer(&self, authorizer: &Authorizer) -> (Decision, Option<Response>) {
        let authorization: Vec<&[u8]> = self.authorization.iter().map(Vec::as_slice).collect();
        let content_type: Vec<&[u8]> = self.content_type.iter().map(Vec::as_slice).collect();
        let head = RequestHead {
            method: &self.method,
            target: &self.target,
            host: &[&self.host],
            forwarded_proto: &[],
            authorization: &authorization,
            content_type: &content_type,
            body: if self.has_body {
                Body::Expected
            } else {
                Body::Empty
            },
        };
        let decision = authorizer.decide(&head, UnixTime::from_seconds(NOW));
        let response = authorizer.response(&decision, &head);
        (decision, response)
    }
}

/// Any head, often near a route, never with a token.
pub(crate) fn any_head() -> impl Strategy<Value = Head> {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = prop_oneof![
        4 => select(methods.map(|method| method.as_bytes().to_vec()).to_vec()),
        1 => vec(any::<u8>(), 0..8),
    ];
    let piece = prop_oneof![
        select(PIECES.map(|piece| piece.as_bytes().to_vec()).to_vec()),
        vec(any::<u8>(), 0..6),
    ];
    let target = prop_oneof![
        4 => vec(piece, 0..8).prop_map(|pieces| [b"/v2/".to_vec(), pieces.concat()].concat()),
        1 => vec(any::<u8>(), 0..40),
        1 => Just(b"/".to_vec()),
    ];
    let value = prop_oneof![
        vec(any::<u8>(), 0..40),
        "[Bb]earer [A-Za-z0-9._=-]{0,60}".prop_map(String::into_bytes),
        "Bearer eyJ[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}"
            .prop_map(String::into_bytes),
    ];
    let content_type = prop_oneof![
        vec(any::<u8>(), 0..20),
        Just(b"application/x-www-form-urlencoded".to_vec()),
        Just(b"multipart/form-data; boundary=x".to_vec()),
    ];
    (
        method,
        target,
        vec(any::<u8>(), 0..20),
        vec(value, 0..3),
        vec(content_type, 0..3),
        any::<bool>(),
    )
        .prop_map(
            |(method, target, host, authorization, content_type, has_body)| Head {
                method,
                target,
                host,
                authorization,
                content_type,
                has_body,
            },
        )
}

/// What targets are made of where they should come near a route.
const PIECES: [&str; 22] = [
    "group/app",
    "group",
    "/",
    "//",
    "..",
    ".",
    "manifests",
    "tags/list",
    "blobs",
    "uploads",
    "latest",
    "sha256:abc",
    "_catalog",
    "?from=",
    "&from=x",
    "%66rom",
    "%0d%0a",
    "%2F",
    "%zz",
    "\"",
    "\u{2028}",
    "#",
];

/// A request that is near a route, with what there is to know of it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) decoded: String,
    pub(crate) query: String,
    pub(crate) from: Option<String>,
    pub(crate) grant: Grant,
}

/// What the token grants.
#[derive(Clone, Debug)]
pub(crate) enum Grant {
    /// What the request needs.
    Enough,
    /// What it needs, but for one record.
    LackingOne(Index),
    /// Something.
    Any(Vec<String>),
}

impl Grant {
    /// The scopes of the token, for what the request needs.
    pub(crate) fn scopes(&self, required: &[String]) -> Vec<String> {
        match self {
            Self::Enough => required.to_vec(),
            Self::LackingOne(_) if required.is_empty() => Vec::new(),
            Self::LackingOne(index) => {
                let lacking = &required[index.index(required.len())];
                required
                    .iter()
                    .filter(|record| *record != lacking)
                    .cloned()
                    .collect()
            }
            Self::Any(scopes) => scopes.clone(),
        }
    }
}

/// A request near a route.
pub(crate) fn any_request() -> impl Strategy<Value = Request> {
    // As it is sent, and as it is meant.
    let plain = |text: &'static str| (text, text);
    let names: Vec<(&str, &str)> = [
        "group/app",
        "group/secret",
        "app",
        "Group/app",
        "group/App",
        "a/tags/list",
        "reg:5000/app",
        "[::1]:5000/app",
        "foo..bar",
        "foo__bar",
        "a/manifests/b",
        "group//app",
        "group/../app",
        "",
    ]
    .map(plain)
    .to_vec();
    let names = [
        names,
        vec![
            ("%67roup/app", "group/app"),
            ("group/%2e%2e/app", "group/../app"),
        ],
    ]
    .concat();
    let rests: Vec<(&str, &str)> = [
        "/tags/list",
        "/manifests/latest",
        "/manifests/sha256:abc",
        "/manifests/.x",
        "/manifests/",
        "/blobs/sha256:abc",
        "/blobs/latest",
        "/blobs/uploads/",
        "/blobs/uploads",
        "/blobs/uploads/1",
        "/tags/list/",
        "/tags",
        "",
    ]
    .map(plain)
    .to_vec();
    let rests = [
        rests,
        vec![
            ("/tags/li%73t", "/tags/list"),
            ("/blobs/sha256%3Aabc", "/blobs/sha256:abc"),
        ],
    ]
    .concat();
    let named =
        (select(names), select(rests)).prop_map(|((name, name_meant), (rest, rest_meant))| {
            (
                format!("/v2/{name}{rest}"),
                format!("/v2/{name_meant}{rest_meant}"),
            )
        });
    let fixed = select(vec!["/v2/", "/v2", "/v2/_catalog", "/v2/_catalog/", "/v3/"])
        .prop_map(|path| (path.to_owned(), path.to_owned()));
    let path = prop_oneof![5 => named, 1 => fixed];

    // Each with the `from` it stands for; an empty one hides what follows.
    let pieces: Vec<(&str, Option<&str>)> = vec![
        ("from=group/secret", Some("group/secret")),
        ("%66rom=group%2Fsecret", Some("group/secret")),
        ("from=group/app", Some("group/app")),
        ("from=a+b", Some("a b")),
        ("from=", Some("")),
        ("from", Some("")),
        ("FROM=group/secret", None),
        ("from=%zz", None),
        ("a=1;from=group/secret", None),
        ("mount=sha256:abc", None),
        ("", None),
    ];
    let query = vec(select(pieces), 0..3).prop_map(|pieces| {
        let from = pieces
            .iter()
            .find_map(|(_, from)| *from)
            .filter(|from| !from.is_empty());
        let texts: Vec<&str> = pieces.iter().map(|(text, _)| *text).collect();
        let query = if texts.is_empty() {
            String::new()
        } else {
            format!("?{}", texts.join("&"))
        };
        (query, from.map(str::to_owned))
    });
    let scopes: Vec<String> = [
        "repository:group/app:pull",
        "repository:group/app:push",
        "repository:group/app:*",
        "repository:group/app:delete",
        "repository:group/secret:pull",
        "repository:group/*:*",
        "repository:*:*",
        "repository(plugin):group/app:pull",
        "registry:catalog:*",
        "registry:catalog:pull",
        "registry:*:*",
    ]
    .map(str::to_owned)
    .to_vec();
    let grant = prop_oneof![
        Just(Grant::Enough),
        any::<Index>().prop_map(Grant::LackingOne),
        vec(select(scopes), 0..5).prop_map(Grant::Any),
    ];
    let methods = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "FOO",
    ];
    (
        select(methods.map(str::to_owned).to_vec()),
        path,
        query,
        grant,
    )
        .prop_map(|(method, (path, decoded), (query, from), grant)| Request {
            method,
            path,
            decoded,
            query,
            from,
            grant,
        })
}
