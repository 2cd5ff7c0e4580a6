//! The same request to the edge and to a registry that checks tokens itself: the same answer.
//!
//! Edge and reference have the same realm, service, issuer and certificates, and their nodes the
//! same storage. Where they differ on purpose, the difference stands here with its reason.

use registry_token_filter::profile::Profile;
use serde_json::{Value, json};

use crate::support::challenge::Challenge;
use crate::support::edge::{APP, Edge};
use crate::support::http::{Answer, Request, Version};
use crate::support::image::MANIFEST;
use crate::support::mint::{Mint, x5c};
use crate::support::suite::Test;
use crate::tokens::{FAULTS, with_claim, with_header};

pub(crate) const TESTS: &[Test] = &[
    (
        "requests are answered as Distribution 2.8 answers them",
        |lab| requests(lab.distribution_2()),
    ),
    (
        "requests are answered as Distribution 3 answers them",
        |lab| requests(lab.distribution_3()),
    ),
    ("tokens are judged as Distribution 2.8 judges them", |lab| {
        tokens(lab.distribution_2())
    }),
    ("tokens are judged as Distribution 3 judges them", |lab| {
        tokens(lab.distribution_3())
    }),
];

/// A difference that is meant: what the edge answers, and why not what the registry answers.
#[derive(Clone, Copy)]
struct Difference {
    status: u16,
    error: Option<&'static str>,
    why: &'static str,
}

/// Where a difference holds.
#[derive(Clone, Copy)]
enum Differs {
    Nowhere,
    Everywhere(Difference),
    Only(Profile, Difference),
    /// In Distribution 2.8 and in Distribution 3, each in its way.
    Each(Difference, Difference),
    /// In HTTP/1.1, whose parser is Envoy's own.
    OnHttp11(Difference),
}

impl Differs {
    fn at(self, profile: Profile, version: Version) -> Option<Difference> {
        match self {
            Self::Nowhere => None,
            Self::Everywhere(difference) => Some(difference),
            Self::Only(only, difference) => (only == profile).then_some(difference),
            Self::Each(_, in_3) if profile == Profile::Distribution3 => Some(in_3),
            Self::Each(in_2, _) => Some(in_2),
            Self::OnHttp11(difference) => (version == Version::Http11).then_some(difference),
        }
    }
}

use Differs::{Each, Everywhere, Nowhere, OnHttp11, Only};

const fn refusal(status: u16, why: &'static str) -> Difference {
    Difference {
        status,
        error: None,
        why,
    }
}

const fn challenge(error: &'static str, why: &'static str) -> Difference {
    Difference {
        status: 401,
        error: Some(error),
        why,
    }
}

const NORMALIZED: Differs = Everywhere(refusal(
    401,
    "Envoy resolves dots and slashes before the filter, so there is nothing left to redirect",
));
const ENCODED: Differs = Everywhere(refusal(
    400,
    "two hops could read an encoded slash, backslash, percent sign or control byte differently",
));
const FORM: Differs = Everywhere(refusal(
    415,
    "the filter cannot see a source that stands in the body",
));
const UNKNOWN_METHOD: Differs = OnHttp11(refusal(
    400,
    "Envoy's parser of HTTP/1.1 knows the registered methods only",
));
const NO_BODY: Differs = Everywhere(refusal(
    301,
    "Envoy takes Content-Type from a reply of the filter without a body",
));

/// A request: method, target, fields, body, what its token grants (`None`: no token).
struct Case {
    method: &'static str,
    target: &'static str,
    fields: &'static [(&'static str, &'static str)],
    body: &'static str,
    scopes: Option<&'static [&'static str]>,
    differs: Differs,
}

const fn bare(method: &'static str, target: &'static str) -> Case {
    Case {
        method,
        target,
        fields: &[],
        body: "",
        scopes: None,
        differs: Nowhere,
    }
}

const fn with(method: &'static str, target: &'static str, scopes: &'static [&'static str]) -> Case {
    Case {
        scopes: Some(scopes),
        ..bare(method, target)
    }
}

const PULL: &[&str] = &["repository:group/app:pull"];
const PUSH: &[&str] = &["repository:group/app:pull,push"];
const DELETE: &[&str] = &["repository:group/app:delete"];
const ANY: &[&str] = &["repository:group/app:*"];
const BOTH: &[&str] = &[
    "repository:group/app:pull,push",
    "repository:group/secret:pull",
];
const CATALOG: &[&str] = &["registry:catalog:*"];
const NONE: &[&str] = &[];
const URLENCODED: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
const MULTIPART: &[(&str, &str)] = &[("content-type", "multipart/form-data; boundary=b")];
const DIGEST: &str =
    "/v2/group/app/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000";
const TAG_OF_128: &str = "/v2/group/app/manifests/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const TAG_OF_129: &str = "/v2/group/app/manifests/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

const CASES: &[Case] = &[
    // The base, and what is answered before any token is looked at.
    bare("GET", "/v2/"),
    bare("HEAD", "/v2/"),
    bare("POST", "/v2/"),
    bare("DELETE", "/v2/"),
    bare("OPTIONS", "/v2/"),
    bare("PROPFIND", "/v2/"),
    Case {
        differs: UNKNOWN_METHOD,
        ..bare("FOO", "/v2/")
    },
    bare("GET", "/v2"),
    Case {
        differs: NO_BODY,
        ..bare("HEAD", "/v2")
    },
    bare("POST", "/v2"),
    bare("GET", "/v2?a=b&c=%22"),
    bare("GET", "/"),
    bare("POST", "/"),
    bare("GET", "/?x=1"),
    bare("GET", "/v3/"),
    bare("GET", "/V2/"),
    bare("POST", "/v2/group/app"),
    bare("GET", "/v2/group/app/"),
    // The catalog.
    bare("GET", "/v2/_catalog"),
    bare("HEAD", "/v2/_catalog"),
    bare("POST", "/v2/_catalog"),
    bare("OPTIONS", "/v2/_catalog"),
    bare("GET", "/v2/_catalog?n=10"),
    bare("GET", "/v2/_catalog/"),
    bare("GET", "/v2/_Catalog"),
    with("GET", "/v2/_catalog", CATALOG),
    with("GET", "/v2/_catalog", &["registry:catalog:pull"]),
    with("GET", "/v2/_catalog", &["repository:catalog:*"]),
    with("HEAD", "/v2/_catalog", CATALOG),
    with("GET", "/v2/_catalog?from=x", CATALOG),
    // Routes and methods.
    bare("GET", "/v2/group/app/tags/list"),
    bare("HEAD", "/v2/group/app/tags/list"),
    bare("GET", "/v2/group/app/tags/list/"),
    Case {
        differs: NO_BODY,
        ..bare("HEAD", "/v2/group/app/tags/list/")
    },
    bare("GET", "/v2/group/app/tags"),
    bare("GET", "/v2/tags/list"),
    bare("GET", "/v2/group/app/manifests/latest"),
    bare("HEAD", "/v2/group/app/manifests/latest"),
    bare("PUT", "/v2/group/app/manifests/latest"),
    bare("POST", "/v2/group/app/manifests/latest"),
    bare("PATCH", "/v2/group/app/manifests/latest"),
    bare("DELETE", "/v2/group/app/manifests/latest"),
    bare("OPTIONS", "/v2/group/app/manifests/latest"),
    bare("TRACE", "/v2/group/app/manifests/latest"),
    Case {
        differs: UNKNOWN_METHOD,
        ..bare("get", "/v2/group/app/manifests/latest")
    },
    bare("GET", "/v2/group/app/manifests/"),
    bare("GET", "/v2/group/app/manifests/.hidden"),
    bare("GET", "/v2/group/app/manifests/_x"),
    bare("GET", "/v2/group/app/manifests/sha256:abc"),
    bare("GET", "/v2/group/app/manifests/sha256%3Aabc"),
    bare("GET", TAG_OF_128),
    bare("GET", TAG_OF_129),
    bare("GET", DIGEST),
    bare("DELETE", DIGEST),
    bare("GET", "/v2/group/app/blobs/latest"),
    bare("GET", "/v2/group/app/blobs/uploads"),
    bare("POST", "/v2/group/app/blobs/uploads"),
    bare("POST", "/v2/group/app/blobs/uploads/"),
    bare("GET", "/v2/group/app/blobs/uploads/abc-123"),
    bare("PATCH", "/v2/group/app/blobs/uploads/abc-123"),
    bare("PUT", "/v2/group/app/blobs/uploads/abc-123"),
    bare("DELETE", "/v2/group/app/blobs/uploads/abc-123"),
    bare("GET", "/v2/group/app/blobs/uploads/a:b"),
    bare("GET", "/v2/group/app/referrers/sha256:0000"),
    bare("DELETE", "/v2/group/app/tags/reference/latest"),
    // Names.
    bare("GET", "/v2/manifests/manifests/latest"),
    bare("GET", "/v2/a/manifests/b/manifests/c"),
    bare("GET", "/v2/a/blobs/uploads/tags/list"),
    bare("GET", "/v2/Group/app/tags/list"),
    bare("GET", "/v2/Group/tags/list"),
    bare("GET", "/v2/group/App/tags/list"),
    bare("GET", "/v2/reg.example.com:5000/app/tags/list"),
    bare("GET", "/v2/foo:5000/tags/list"),
    bare("GET", "/v2/[::1]:5000/foo/tags/list"),
    bare("GET", "/v2/foo__bar/tags/list"),
    bare("GET", "/v2/foo..bar/tags/list"),
    bare("GET", "/v2/foo-_bar/tags/list"),
    // Spellings.
    bare("GET", "/v2/%67roup/app/tags/li%73t"),
    bare("GET", "/v2/group/app/tags/list;x=1"),
    bare("GET", "/v2/group/app/tags/list%20"),
    Case {
        differs: ENCODED,
        ..bare("GET", "/v2/group%2Fapp/tags/list")
    },
    Case {
        differs: ENCODED,
        ..bare("GET", "/v2/group/app/tags/list%0a")
    },
    Case {
        differs: ENCODED,
        ..bare("GET", "/v2/group%252Fapp/tags/list")
    },
    Case {
        differs: NORMALIZED,
        ..bare("GET", "/v2/group//app/tags/list")
    },
    Case {
        differs: NORMALIZED,
        ..bare("GET", "/v2/group/%2e%2e/secret/tags/list")
    },
    // The source of a mount.
    bare("GET", "/v2/group/app/tags/list?from=other/repo"),
    bare("DELETE", "/v2/group/app/manifests/latest?from=other/repo"),
    bare("OPTIONS", "/v2/group/app/manifests/latest?from=other/repo"),
    bare(
        "POST",
        "/v2/group/app/blobs/uploads/?mount=sha256:aa&from=x/y",
    ),
    bare("POST", "/v2/group/app/blobs/uploads/?mount=sha256:aa"),
    bare("POST", "/v2/group/app/blobs/uploads/?from="),
    bare("POST", "/v2/group/app/blobs/uploads/?from"),
    bare("POST", "/v2/group/app/blobs/uploads/?FROM=x/y"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=&from=x/y"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=x/y&from=z/w"),
    bare("POST", "/v2/group/app/blobs/uploads/?%66rom=x%2Fy"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=x+y"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=%zz"),
    bare("POST", "/v2/group/app/blobs/uploads/?a=1;from=x/y"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=a%22b%5C"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=a%0D%0Ab"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=%FF"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=%E2%80%8Ba%C3%A9"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=a%3Cb%3E%26"),
    bare("POST", "/v2/group/app/blobs/uploads/?from=group/app"),
    // Form bodies.
    Case {
        fields: URLENCODED,
        ..with("POST", "/v2/group/app/blobs/uploads/", PUSH)
    },
    Case {
        fields: URLENCODED,
        body: "from=x/y",
        ..bare("GET", "/v2/group/app/tags/list")
    },
    Case {
        fields: URLENCODED,
        body: "from=x/y",
        differs: FORM,
        ..bare("POST", "/v2/group/app/blobs/uploads/")
    },
    Case {
        fields: MULTIPART,
        body: "--b\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\nx/y\r\n--b--\r\n",
        differs: FORM,
        ..with("POST", "/v2/group/app/blobs/uploads/", PUSH)
    },
    // Rights.
    with("GET", "/v2/", NONE),
    with("POST", "/v2/", NONE),
    with("GET", "/v2/?from=x", NONE),
    with("OPTIONS", "/v2/group/app/manifests/latest", NONE),
    with("OPTIONS", "/v2/group/app/tags/list", NONE),
    with("OPTIONS", "/v2/group/app/blobs/uploads/", NONE),
    with("OPTIONS", "/v2/_catalog", NONE),
    with(
        "OPTIONS",
        "/v2/group/app/manifests/x?from=group/secret",
        NONE,
    ),
    with("PROPFIND", "/v2/group/app/manifests/latest", NONE),
    with("GET", "/v2/group/app/manifests/latest", NONE),
    with("GET", "/v2/group/app/manifests/latest", PULL),
    with("HEAD", "/v2/group/app/manifests/latest", PULL),
    with("GET", "/v2/group/app/manifests/latest", DELETE),
    with("GET", "/v2/group/app/manifests/nope", PULL),
    with("POST", "/v2/group/app/manifests/latest", PULL),
    with("POST", "/v2/group/app/manifests/latest", PUSH),
    with("PATCH", "/v2/group/app/manifests/latest", PUSH),
    with("PUT", "/v2/group/app/manifests/latest", PUSH),
    with("DELETE", "/v2/group/app/manifests/nope", PUSH),
    with("DELETE", "/v2/group/app/manifests/nope", DELETE),
    with("GET", "/v2/group/app/tags/list", PULL),
    with("HEAD", "/v2/group/app/tags/list", PULL),
    with("DELETE", "/v2/group/app/tags/list", DELETE),
    with("GET", "/v2/Group/app/tags/list", PULL),
    with(
        "GET",
        "/v2/group/app/tags/list",
        &["repository:Group/app:pull"],
    ),
    with(
        "GET",
        "/v2/group/app/tags/list",
        &["repository:group/*:*", "repository:*:*"],
    ),
    with(
        "GET",
        "/v2/group/app/tags/list",
        &["repository(plugin):group/app:pull"],
    ),
    with("GET", DIGEST, PULL),
    with("GET", "/v2/group/app/blobs/sha256:abc", PULL),
    with("POST", "/v2/group/app/blobs/uploads/", PULL),
    with(
        "POST",
        "/v2/group/app/blobs/uploads/",
        &["repository:group/app:push"],
    ),
    with("POST", "/v2/group/app/blobs/uploads/", PUSH),
    with("POST", "/v2/group/app/blobs/uploads/", ANY),
    with(
        "POST",
        "/v2/group/app/blobs/uploads/",
        &["repository:group/app:pull", "repository:group/app:push"],
    ),
    with("PUT", "/v2/group/app/blobs/uploads/abc-123", PUSH),
    with("GET", "/v2/group/app/tags/list?from=group/secret", PULL),
    with("GET", "/v2/group/app/tags/list?from=group/secret", BOTH),
    with(
        "POST",
        "/v2/group/app/blobs/uploads/?mount=sha256:aa&from=group/secret",
        PUSH,
    ),
    with(
        "POST",
        "/v2/group/app/blobs/uploads/?mount=sha256:aa&from=group/secret",
        BOTH,
    ),
    with(
        "POST",
        "/v2/group/app/blobs/uploads/?from=&from=group/secret",
        PUSH,
    ),
    with(
        "POST",
        "/v2/group/app/blobs/uploads/?from=Group/Secret",
        BOTH,
    ),
];

fn requests(edge: &Edge) {
    let mut faults = Vec::new();
    for case in CASES {
        let mut request = Request::new(case.method, case.target).field("accept", MANIFEST);
        for (name, value) in case.fields {
            request = request.field(name, value);
        }
        if let Some(scopes) = case.scopes {
            request = request.bearer(&edge.mint.token(scopes));
        }
        let request = request.body(case.body);
        let name = format!("{} {} {:?}", case.method, case.target, case.scopes);
        faults.extend(compare(edge, &name, &request, case.differs));
    }
    assert!(
        faults.is_empty(),
        "{} of {}:\n{}",
        faults.len(),
        CASES.len(),
        faults.join("\n")
    );
}

/// What of an answer a client can tell apart.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    challenge: Option<Challenge>,
    body: Value,
    fields: Vec<(&'static str, Option<String>)>,
}

/// Fields that are compared as they are.
const FIELDS: &[&str] = &[
    "allow",
    "cache-control",
    "content-length",
    "content-type",
    "docker-content-digest",
    "docker-distribution-api-version",
    "x-content-type-options",
];

impl Seen {
    fn of(answer: &Answer) -> Self {
        let header = |name: &str| answer.header(name).map(str::to_owned);
        let is_json = header("content-type").is_some_and(|kind| kind.contains("json"));
        let body = match serde_json::from_slice(&answer.body) {
            Ok(json) if is_json => json,
            _ => json!(answer.text()),
        };
        let mut fields: Vec<_> = FIELDS.iter().map(|name| (*name, header(name))).collect();
        // HTTP/2 has another way to say that there is no body.
        let is_empty = |(name, value): &(&str, Option<String>)| {
            *name == "content-length" && value.as_deref() == Some("0")
        };
        fields.retain(|field| !is_empty(field) && field.1.is_some());
        fields.push((
            "location",
            header("location").map(|place| comparable(&place)),
        ));
        Self {
            status: answer.status,
            challenge: header("www-authenticate").map(|value| Challenge::parse(&value)),
            body,
            fields,
        }
    }
}

/// A Location without what is new each time: the host that was asked, and the upload.
fn comparable(location: &str) -> String {
    let path = match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |start| &rest[start..]),
        None => location,
    };
    match path.split_once("/blobs/uploads/") {
        Some((before, upload)) if !upload.is_empty() => format!("{before}/blobs/uploads/…"),
        _ => path.to_owned(),
    }
}

/// Sends the request to both, and says how the answers differ where they should not.
fn compare(edge: &Edge, name: &str, request: &Request, differs: Differs) -> Vec<String> {
    let registry = Seen::of(&edge.reference().send(Version::Http11, request));
    let mut faults = Vec::new();
    for version in Version::BOTH {
        let seen = Seen::of(&edge.client.send(version, request));
        match differs.at(edge.profile, version) {
            None if seen != registry => faults.push(format!(
                "{} {version:?} {name}\n  edge:     {seen:?}\n  registry: {registry:?}",
                edge.profile
            )),
            Some(meant) => {
                let error = seen
                    .challenge
                    .as_ref()
                    .and_then(|challenge| challenge.error.as_deref());
                if (seen.status, error) != (meant.status, meant.error) {
                    faults.push(format!(
                        "{} {version:?} {name}: not the meant difference ({}): {seen:?}",
                        edge.profile, meant.why
                    ));
                }
                if seen == registry {
                    faults.push(format!("{} {name}: no difference any more", edge.profile));
                }
            }
            None => {}
        }
    }
    faults
}

/// A token that registries read differently, or more loosely than the filter.
struct Token {
    name: &'static str,
    make: fn(&Mint) -> String,
    differs: Differs,
}

const CHAIN: &str = "the filter builds no chain of certificates: one in a token is a trusted one";

const TOKENS: &[Token] = &[
    Token {
        name: "no typ",
        make: |mint| {
            let mut draft = mint.draft(PULL);
            draft.header.as_object_mut().unwrap().remove("typ");
            mint.sign(&draft)
        },
        differs: Nowhere,
    },
    Token {
        name: "a list of audiences",
        make: |mint| with_claim(mint, "aud", json!(["other", "container_registry"])),
        differs: Nowhere,
    },
    Token {
        name: "a list of audiences without ours",
        make: |mint| with_claim(mint, "aud", json!(["other"])),
        differs: Nowhere,
    },
    Token {
        name: "members that are ignored",
        make: |mint| {
            let mut draft = mint.draft(PULL);
            for (name, value) in [
                ("jku", json!("https://example.com")),
                ("zip", json!("DEF")),
                ("nonce", json!("1")),
            ] {
                draft.header[name] = value;
            }
            draft.claims["anything"] = json!({"a": [1]});
            mint.sign(&draft)
        },
        differs: Nowhere,
    },
    Token {
        name: "a critical extension",
        make: |mint| mint.sign(&with_header(mint, "crit", json!(["x"]))),
        differs: Only(
            Profile::Distribution28,
            challenge(
                "invalid_token",
                "RFC 7515 section 4.1.11: what is critical must be understood",
            ),
        ),
    },
    Token {
        name: "PS256",
        make: |mint| mint.sign(&with_header(mint, "alg", json!("PS256"))),
        differs: Nowhere,
    },
    Token {
        name: "actions null",
        make: |mint| {
            with_claim(
                mint,
                "access",
                json!([{"type": "repository", "name": APP, "actions": null}]),
            )
        },
        differs: Nowhere,
    },
    Token {
        name: "no access",
        make: |mint| with_claim(mint, "access", Value::Null),
        differs: Nowhere,
    },
    Token {
        name: "a signature with padding",
        make: |mint| format!("{}==", mint.token(PULL)),
        differs: Only(
            Profile::Distribution28,
            challenge(
                "invalid_token",
                "RFC 7515 section 2: base64url without padding",
            ),
        ),
    },
    Token {
        name: "claims in another case",
        make: |mint| {
            let mut draft = mint.draft(PULL);
            let issuer = draft.claims["iss"].take();
            draft.claims.as_object_mut().unwrap().remove("iss");
            draft.claims["ISS"] = issuer;
            mint.sign(&draft)
        },
        differs: Each(challenge("invalid_token", CASE), refusal(401, CASE)),
    },
    Token {
        name: "an algorithm for another kind of key",
        make: |mint| mint.sign(&with_header(mint, "alg", json!("ES256"))),
        differs: Nowhere,
    },
    Token {
        name: "x5c that is no list",
        make: |mint| mint.sign(&with_header(mint, "x5c", json!("x"))),
        differs: Nowhere,
    },
    Token {
        name: "x5c of the trusted certificate, and no kid",
        make: |mint| {
            let mut draft = with_header(mint, "x5c", x5c(&mint.certificate));
            draft.header.as_object_mut().unwrap().remove("kid");
            mint.sign(&draft)
        },
        differs: Nowhere,
    },
    Token {
        name: "x5c of the trusted certificate twice",
        make: |mint| {
            let one = x5c(&mint.certificate)[0].clone();
            mint.sign(&with_header(mint, "x5c", json!([one, one])))
        },
        differs: Everywhere(challenge("invalid_token", CHAIN)),
    },
    Token {
        name: "a jwk of the trusted key without an id",
        make: |mint| {
            let mut jwk = mint.jwk_with_trusted_kid(&mint.certificate);
            jwk.as_object_mut().unwrap().remove("kid");
            mint.sign(&with_header(mint, "jwk", jwk))
        },
        differs: Nowhere,
    },
];

const CASE: &str = "readers that heed case and readers that do not must not see different claims";

/// What stands in Authorization, with `T` for a good token.
const AUTHORIZATIONS: &[(&[&str], Differs)] = &[
    (&["Bearer T"], Nowhere),
    (&["bearer T"], Nowhere),
    (&["Bearer  T"], Nowhere),
    (&["Bearer T x"], Nowhere),
    (&["Bearer Bearer T"], Nowhere),
    (&["Bearer \"T\""], Nowhere),
    (&["Bearer"], Nowhere),
    (&["Bearer:T"], Nowhere),
    (&["T"], Nowhere),
    (&["Basic eA=="], Nowhere),
    (&[""], Nowhere),
    (&["Bearer T", "Bearer T"], Everywhere(refusal(401, SEVERAL))),
    (
        &["Bearer T", "Bearer a.b.c"],
        Everywhere(refusal(401, SEVERAL)),
    ),
    (
        &["Bearer a.b.c", "Bearer T"],
        Everywhere(refusal(401, SEVERAL)),
    ),
    (&["Basic eA==", "Bearer T"], Nowhere),
    (&["Bearer T,"], Everywhere(refusal(401, SEVERAL))),
    (&["Basic eA==, Bearer T"], Nowhere),
];

const SEVERAL: &str = "Envoy joins several values, so one that holds a comma is none";

fn tokens(edge: &Edge) {
    let mut faults = Vec::new();
    let mut judge = |name: &str, token: &str, differs: Differs| {
        let request = Request::get("/v2/group/app/tags/list").bearer(token);
        faults.extend(compare(edge, name, &request, differs));
    };
    for Token {
        name,
        make,
        differs,
    } in TOKENS
    {
        judge(name, &make(&edge.mint), *differs);
    }
    for fault in FAULTS {
        judge(fault.fault, &(fault.refused)(&edge.mint), Nowhere);
        judge(
            &format!("the twin of: {}", fault.fault),
            &(fault.accepted)(&edge.mint),
            Nowhere,
        );
    }
    let good = edge.mint.token(PULL);
    for (values, differs) in AUTHORIZATIONS {
        let request =
            values
                .iter()
                .fold(Request::get("/v2/group/app/tags/list"), |request, value| {
                    // Only the token itself, not the T of a word.
                    let value = match value.rsplit_once('T') {
                        Some((before, after)) => format!("{before}{good}{after}"),
                        None => (*value).to_owned(),
                    };
                    request.field("authorization", value)
                });
        faults.extend(compare(edge, &format!("{values:?}"), &request, *differs));
    }
    assert!(
        faults.is_empty(),
        "{}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
