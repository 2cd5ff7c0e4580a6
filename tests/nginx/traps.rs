//! What NGINX can do with a request besides forwarding it as it came.

use libtest_mimic::Trial;
use testbed::nginx::Version;
use testbed::wire::Request;

use crate::edge::{Edge, Test, check, is_from_registry, on_every_version, token};
use crate::http::{bearer, field, get, request, send_bytes, send_http2};

const TARGET: &str = "/v2/group/app/manifests/latest";
const PULL: &str = "repository:group/app:pull";

const TESTS: &[Test] = &[
    ("a token opens what it grants, and nothing else", grants),
    (
        "`satisfy any` is refused with the configuration",
        satisfy_any,
    ),
    (
        "an allowed address is not enough, and a denied one is refused",
        addresses,
    ),
    (
        "what is decided on is what is forwarded, without a URI part",
        without_uri_part,
    ),
    (
        "what is decided on is what is forwarded, with a URI part",
        with_uri_part,
    ),
    (
        "slashes that NGINX merges, and those it keeps",
        merge_slashes,
    ),
    (
        "a URI that was rewritten is not judged, and refused",
        rewritten,
    ),
    ("an error page does not replace a challenge", error_page),
    (
        "an internal redirect comes to the filter again",
        internal_redirect,
    ),
    (
        "`return` answers by itself, and the registry sees nothing",
        returned,
    ),
    ("a refusal comes before the body", before_the_body),
    (
        "over HTTP/2 a form body is refused without a length too",
        form_over_http2,
    ),
    ("two Authorization fields are refused", two_fields),
    (
        "bytes that are no text are refused, and the worker lives",
        bytes,
    ),
    (
        "the filter is off where it is switched off, and only there",
        switched_off,
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    on_every_version("traps", TESTS)
}

/// The edge as it should be: everything judged, everything forwarded as it came.
const PLAIN: &str = "
registry_token_filter_config {config};
server { listen {port}; location / { registry_token_filter on; proxy_pass http://{upstream}; } }";

fn grants(version: Version) {
    let edge = Edge::start(version, PLAIN);
    let target = Some(TARGET.to_owned());
    assert_eq!(
        edge.forwarded(&bearer(get(TARGET), &token(&[PULL]))),
        target
    );
    let refused = [
        get(TARGET),
        bearer(get(TARGET), &token(&["repository:group/other:pull"])),
        bearer(request("DELETE", TARGET), &token(&[PULL])),
        bearer(get("/v2/group/other/manifests/latest"), &token(&[PULL])),
    ];
    for request in refused {
        let answer = edge.send(&request);
        assert_eq!(
            (answer.status, is_from_registry(&answer)),
            (401, false),
            "{request:?}"
        );
    }
    edge.assert_alive();
}

fn satisfy_any(version: Version) {
    // Where it is written makes no difference.
    for (http, server, location) in [
        ("satisfy any;", "", ""),
        ("", "satisfy any;", ""),
        ("", "", "satisfy any; allow all;"),
    ] {
        let http = format!(
            "{http} registry_token_filter_config {{config}}; server {{ listen {{port}}; {server} \
             location / {{ {location} registry_token_filter on; }} }}"
        );
        let printed = check(version, &http).unwrap_err();
        assert!(
            printed.contains("`satisfy any` where `registry_token_filter` is on"),
            "{printed}"
        );
        // The twin: the same with `all`.
        check(version, &http.replace("satisfy any", "satisfy all")).unwrap();
    }
}

fn addresses(version: Version) {
    let edge = |rule: &str| {
        let location = format!("registry_token_filter on; {rule} proxy_pass");
        Edge::start(
            version,
            &PLAIN.replace("registry_token_filter on; proxy_pass", &location),
        )
    };
    let good = bearer(get(TARGET), &token(&[PULL]));
    let allowed = edge("allow 127.0.0.1; deny all;");
    assert_eq!(allowed.send(&get(TARGET)).status, 401);
    assert!(allowed.forwarded(&good).is_some());
    let denied = edge("deny all;");
    assert_eq!(denied.send(&good).status, 403);
}

/// Targets with more than one reading, or that NGINX spells otherwise, and whether they are good
/// with a token for `group/app`.
const SPELLINGS: &[(&str, bool)] = &[
    ("/v2/group/app/manifests/latest", true),
    ("/v2/group/app/manifests/lat%65st", true),
    ("/v2/gro%75p/app/manifests/latest", true),
    (
        "/v2/group/app/manifests/sha256%3Ae3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        true,
    ),
    ("/v2/group/app/manifests/latest?a=b%2Fc&d", true),
    ("/v2/group/app/manifests/latest?", true),
    ("/v2/group/app/manifests/latest#fragment", false),
    ("/v2/group%2Fapp/manifests/latest", false),
    ("/v2/group%2fapp/manifests/latest", false),
    ("/v2/secret/../group/app/manifests/latest", false),
    ("/v2/secret/%2e%2e/group/app/manifests/latest", false),
    (
        "/v2/group/app/manifests/../../../secret/app/manifests/latest",
        false,
    ),
    (
        "/v2/group/app/manifests/%2e%2e/%2e%2e/%2e%2e/secret/app/manifests/latest",
        false,
    ),
    ("/v2//group/app/manifests/latest", false),
    ("/v2/group/app//manifests/latest", false),
    ("/v2/./group/app/manifests/latest", false),
    ("/v2/group/app/manifests/latest/", false),
    ("/v2/group/app/manifests/latest%00", false),
    ("/v2/group/app/manifests/latest%3Fa", false),
    ("/v2/group/app/manifests/latest%23a", false),
    ("/v2/group/app/manifests/..;/latest", false),
    ("//v2/group/app/manifests/latest", false),
    (
        "http://other.example.com/v2/group/app/manifests/latest",
        true,
    ),
];

fn without_uri_part(version: Version) {
    spellings(version, "proxy_pass http://{upstream};", "/", |target| {
        // The absolute form's host is not sent on.
        target
            .trim_start_matches("http://other.example.com")
            .to_owned()
    });
}

fn with_uri_part(version: Version) {
    // NGINX sends its own reading, encoded again: what the registry decodes is the same.
    spellings(
        version,
        "proxy_pass http://{upstream}/v2/;",
        "/v2/",
        |target| {
            target
                .trim_start_matches("http://other.example.com")
                .replace("%65", "e")
                .replace("%75", "u")
                .replace("%3A", ":")
                // An empty query is left out.
                .trim_end_matches('?')
                .to_owned()
        },
    );
}

fn spellings(version: Version, pass: &str, location: &str, sent: fn(&str) -> String) {
    let http = format!(
        "registry_token_filter_config {{config}}; server {{ listen {{port}}; \
         location {location} {{ registry_token_filter on; {pass} }} }}"
    );
    let edge = Edge::start(version, &http);
    let token = token(&[PULL]);
    for &(target, good) in SPELLINGS {
        let answer = edge.forwarded(&bearer(get(target), &token));
        let expected = good.then(|| sent(target));
        assert_eq!(answer, expected, "{target}");
    }
    edge.assert_alive();
}

fn merge_slashes(version: Version) {
    let http = PLAIN.replace("server {", "server { merge_slashes off;");
    let edge = Edge::start(version, &http);
    let token = token(&[PULL]);
    for target in [
        "/v2//group/app/manifests/latest",
        "/v2/group//app/manifests/latest",
    ] {
        let answer = edge.send(&bearer(get(target), &token));
        assert_eq!(answer.status, 301, "{target}");
        assert_eq!(
            answer.field("location").as_deref(),
            Some(TARGET),
            "{target}"
        );
    }
    assert!(edge.forwarded(&bearer(get(TARGET), &token)).is_some());
}

fn rewritten(version: Version) {
    let http = "
registry_token_filter_config {config};
server { listen {port}; registry_token_filter on;
  location /v2/group/app/ { rewrite ^/v2/group/app/(.*)$ /v2/secret/app/$1 break; proxy_pass http://{upstream}; }
  location /v2/other/ { proxy_pass http://{upstream}; }
}";
    let edge = Edge::start(version, http);
    let token = token(&[PULL, "repository:other/app:pull"]);
    let answer = edge.send(&bearer(get(TARGET), &token));
    assert_eq!((answer.status, is_from_registry(&answer)), (500, false));
    assert!(
        edge.nginx
            .log_text()
            .contains("gave the request another URI")
    );
    let other = bearer(get("/v2/other/app/manifests/latest"), &token);
    assert!(edge.forwarded(&other).is_some());
}

fn error_page(version: Version) {
    let http = PLAIN.replace(
        "server {",
        "proxy_intercept_errors on; error_page 400 401 404 415 =200 /open; server {",
    );
    let edge = Edge::start(version, &http);
    for (request, status) in [
        (get(TARGET), 401),
        (get("/v3"), 404),
        (get("/v2/a%2Fb/tags/list"), 400),
    ] {
        let answer = edge.send(&request);
        assert_eq!((answer.status, is_from_registry(&answer)), (status, false));
    }
}

fn internal_redirect(version: Version) {
    // A page of an unguarded location leads into a guarded one.
    let http = "
registry_token_filter_config {config};
server { listen {port};
  location /open/ { error_page 404 /v2/group/app/manifests/latest; return 404; }
  location /named/ { error_page 404 = @registry; return 404; }
  location @registry { registry_token_filter on; proxy_pass http://{upstream}; }
  location /v2/ { registry_token_filter on; proxy_pass http://{upstream}; }
}";
    let edge = Edge::start(version, http);
    let token = token(&[PULL]);
    // Not judged by the client's own target, which is another: refused.
    let answer = edge.send(&bearer(get("/open/x"), &token));
    assert_eq!((answer.status, is_from_registry(&answer)), (500, false));
    // A named location keeps the client's target.
    let answer = edge.send(&bearer(get("/named/x"), &token));
    assert_eq!((answer.status, is_from_registry(&answer)), (404, false));
    assert!(edge.forwarded(&bearer(get(TARGET), &token)).is_some());
}

fn returned(version: Version) {
    let http = PLAIN.replace(
        "location /",
        "location /v2/open/ { return 200 open; } location /",
    );
    let edge = Edge::start(version, &http);
    let answer = edge.send(&get("/v2/open/x"));
    assert_eq!((answer.status, is_from_registry(&answer)), (200, false));
    assert_eq!(edge.send(&get(TARGET)).status, 401);
}

fn before_the_body(version: Version) {
    let http = PLAIN.replace(
        "proxy_pass",
        "proxy_request_buffering off; client_max_body_size 0; proxy_pass",
    );
    let edge = Edge::start(version, &http);
    // Ten gigabytes are announced and not sent: the answer does not wait for them.
    let upload = |token: &str| {
        format!(
            "PATCH /v2/group/app/blobs/uploads/1 HTTP/1.1\r\nHost: localhost\r\n\
             Content-Length: 10737418240\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
    };
    let answer = send_bytes(edge.port, upload("other").as_bytes());
    assert_eq!((answer.status, is_from_registry(&answer)), (401, false));
    // With a token they are not waited for either: the registry answers without them.
    let good = token(&["repository:group/app:push,pull"]);
    let answer = send_bytes(edge.port, upload(&good).as_bytes());
    assert!(is_from_registry(&answer), "{answer:?}");
}

fn form_over_http2(version: Version) {
    let edge = Edge::start(version, &PLAIN.replace("{port}", "{port} http2"));
    let token = token(&["repository:group/app:push,pull"]);
    let form = b"application/x-www-form-urlencoded";
    let post = |body: &[u8]| {
        let request = bearer(request("POST", "/v2/group/app/blobs/uploads/"), &token);
        Request {
            body: body.to_vec(),
            ..field(request, "content-type", form)
        }
    };
    let refused = send_http2(edge.port, &post(b"mount=sha256:0&from=secret/app"));
    assert_eq!((refused.status, is_from_registry(&refused)), (415, false));
    // The twin: the same, and nothing in it.
    let forwarded = send_http2(edge.port, &post(b""));
    assert!(is_from_registry(&forwarded), "{forwarded:?}");
}

fn two_fields(version: Version) {
    let edge = Edge::start(version, PLAIN);
    let good = token(&[PULL]);
    for other in [good.as_str(), "other"] {
        let answer = edge.send(&bearer(bearer(get(TARGET), &good), other));
        assert_eq!((answer.status, is_from_registry(&answer)), (400, false));
    }
    let joined = format!("Bearer {good},Bearer {good}");
    let answer = edge.send(&field(get(TARGET), "authorization", joined.as_bytes()));
    assert_eq!((answer.status, is_from_registry(&answer)), (401, false));
}

fn bytes(version: Version) {
    let edge = Edge::start(version, PLAIN);
    for value in [&b"Bearer \xe9\xff"[..], b"\xff", b"Bearer \x01", b""] {
        let answer = edge.send(&field(get(TARGET), "authorization", value));
        assert!(matches!(answer.status, 400 | 401), "{answer:?}");
    }
    let long = vec![b'a'; 7000];
    let answer = edge.send(&bearer(get(TARGET), std::str::from_utf8(&long).unwrap()));
    assert_eq!(answer.status, 401);
    edge.assert_alive();
}

fn switched_off(version: Version) {
    let http = "
registry_token_filter_config {config};
registry_token_filter on;
server { listen {port};
  location / { proxy_pass http://{upstream}; }
  location /healthz { registry_token_filter off; proxy_pass http://{upstream}; }
}";
    let edge = Edge::start(version, http);
    assert_eq!(edge.send(&get(TARGET)).status, 401);
    assert_eq!(
        edge.forwarded(&get("/healthz")),
        Some("/healthz".to_owned())
    );
    // NGINX picks the location by its own reading of the path, which is outside of what is off.
    let answer = edge.send(&get("/healthz/../v2/group/app/manifests/latest"));
    assert_eq!((answer.status, is_from_registry(&answer)), (301, false));
}
