//! The requests, as data.

use super::difference::Differs::{self, Everywhere, Nowhere, OnHttp11};
use super::difference::refusal;

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
pub(super) struct Case {
    pub(super) method: &'static str,
    pub(super) target: &'static str,
    pub(super) fields: &'static [(&'static str, &'static str)],
    pub(super) body: &'static str,
    pub(super) scopes: Option<&'static [&'static str]>,
    pub(super) differs: Differs,
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

pub(super) const PULL: &[&str] = &["repository:group/app:pull"];
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

pub(super) const CASES: &[Case] = &[
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
