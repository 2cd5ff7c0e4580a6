//! What the registry asks of a request, written a second time and another way: with the registry's
//! own patterns.

use std::sync::LazyLock;

use regex::bytes::Regex;

use corpus::Profile;

const COMPONENT: &str = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
const DOMAIN_COMPONENT: &str = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const TAG: &str = "[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
const DIGEST: &str = "[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+";
const UPLOAD: &str = "[a-zA-Z0-9_.=-]+";

/// What has to be granted before a request goes on, each as `type:name:action`; `None` if it never
/// goes on. The path is decoded and the query's first `from` is known.
pub(crate) fn requirement(
    profile: &Profile,
    method: &str,
    path: &[u8],
    from: Option<&str>,
) -> Option<Vec<String>> {
    static PLAIN: LazyLock<[Regex; 5]> = LazyLock::new(|| routes(""));
    static WITH_ADDRESS: LazyLock<[Regex; 5]> = LazyLock::new(|| routes(r"|\[[a-fA-F0-9:]+\]"));
    match path {
        b"/v2/" => return Some(Vec::new()),
        b"/v2/_catalog" => return Some(vec!["registry:catalog:*".to_owned()]),
        _ => {}
    }
    let routes = if profile.name == "distribution-3" {
        &*WITH_ADDRESS
    } else {
        &*PLAIN
    };
    let name = routes
        .iter()
        .find_map(|route| route.captures(path)?.get(1))?;
    let name = std::str::from_utf8(name.as_bytes()).expect("a name is ASCII");
    let actions: &[&str] = match method {
        "GET" | "HEAD" => &["pull"],
        "POST" | "PUT" | "PATCH" => &["pull", "push"],
        "DELETE" => &["delete"],
        _ => &[],
    };
    let of_method = actions
        .iter()
        .map(|action| format!("repository:{name}:{action}"));
    let of_source = from.map(|from| format!("repository:{from}:pull"));
    Some(of_method.chain(of_source).collect())
}

/// The routes with a name, in the router's order. Only a clean path without a slash too many or
/// too few matches.
fn routes(address: &str) -> [Regex; 5] {
    let host = format!(r"(?:{DOMAIN_COMPONENT}(?:\.{DOMAIN_COMPONENT})*{address})");
    let name = format!("((?:{host}(?::[0-9]+)?/)?{COMPONENT}(?:/{COMPONENT})*)");
    [
        "tags/list".to_owned(),
        format!("manifests/(?:{TAG}|{DIGEST})"),
        format!("blobs/{DIGEST}"),
        "blobs/uploads/".to_owned(),
        format!("blobs/uploads/{UPLOAD}"),
    ]
    .map(|rest| Regex::new(&format!("(?-u)^/v2/{name}/{rest}$")).expect("a pattern"))
}
