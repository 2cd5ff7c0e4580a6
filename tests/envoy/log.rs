//! What Envoy's log says of a request, and what it must never say.

use crate::support::edge::APP;
use crate::support::http::{Request, Version, marker};
use crate::support::image::read_manifest;
use crate::support::lab::Lab;
use crate::support::log::LogMark;
use crate::support::mint::Mint;
use crate::support::suite::Test;
use crate::tokens::{FAULTS, with_claim};

pub(crate) const TESTS: &[Test] = &[
    (
        "a refused request is logged with its reason, its route and what it needs",
        reasons,
    ),
    ("what a client sends stands escaped in one line", escaped),
    ("no part of a token is in any log", secrets),
];

/// Method, path, Authorization (`T` is a token without access), and what its line says.
type Case = (&'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        "GET",
        "/v2/group/app/tags/list",
        "Bearer T",
        "challenged reason=insufficient-scope route=tags required=\"repository:group/app:pull\": ",
    ),
    (
        "POST",
        "/v2/group/app/blobs/uploads/?mount=sha256:aa&from=group/secret",
        "Bearer T",
        "challenged reason=insufficient-scope route=uploads \
         required=\"repository:group/app:pull,push repository:group/secret:pull\": ",
    ),
    (
        "GET",
        "/v2/_catalog",
        "Bearer T",
        "challenged reason=insufficient-scope route=catalog required=\"registry:catalog:*\": ",
    ),
    (
        "DELETE",
        "/v2/group/app/manifests/latest",
        "Bearer a.b.c",
        "challenged reason=token-structure route=manifest required=\"repository:group/app:delete\": ",
    ),
    (
        "GET",
        "/v2/",
        "Basic eA==",
        "challenged reason=credentials-not-bearer route=base required=\"any token\": ",
    ),
    (
        "GET",
        "/v2/",
        "Bearer T, Bearer T",
        "challenged reason=credentials-repeated route=base required=\"any token\": ",
    ),
    ("GET", "/v3/", "Bearer T", "rejected reason=route-unknown: "),
    (
        "GET",
        "/gitlab/v1/",
        "Bearer T",
        "rejected reason=gitlab-api-denied: ",
    ),
    (
        "GET",
        "/v2/a%25b/tags/list",
        "Bearer T",
        "rejected reason=target-ambiguous-escape: ",
    ),
];

fn reasons(lab: &Lab) {
    let edge = lab.gitlab();
    let nothing = edge.mint.token(&[]);
    for version in Version::BOTH {
        for (method, target, authorization, line) in CASES {
            let mark = edge.mark();
            let authorization = authorization.replace('T', &nothing);
            let request = Request::new(method, target).field("authorization", authorization);
            edge.client.send(version, &request);
            mark.wait_for(line);
        }
        // How every pull begins is not worth a line at this level.
        let mark = edge.mark();
        let first = Request::get("/v2/group/nothing/tags/list");
        assert_eq!(edge.client.send(version, &first).status, 401);
        edge.requests_since(&mark);
        assert!(
            !mark.text().contains("group/nothing:pull"),
            "{}",
            mark.text()
        );
    }
}

fn escaped(lab: &Lab) {
    let edge = lab.gitlab();
    let nothing = edge.mint.token(&[]);
    let mark = edge.mark();
    let target = "/v2/group/app/blobs/uploads/?from=a%0A[info]%20forged%1b%5b31m%22%FF";
    let request = Request::new("POST", target).bearer(&nothing);
    assert_eq!(edge.client.send(Version::Http11, &request).status, 401);
    let line = mark.wait_for("reason=insufficient-scope route=uploads");
    assert!(line.contains(r"repository:a\n[info] forged"), "{line}");
    assert!(!line.contains('\u{1b}'), "{line}");
}

/// Good tokens, refused ones, and passwords at the realm: none leaves a trace.
fn secrets(lab: &Lab) {
    for edge in lab.profiles() {
        let mut tokens: Vec<String> = FAULTS
            .iter()
            .map(|fault| (fault.refused)(&edge.mint))
            .collect();
        tokens.push(edge.mint.token(&["repository:group/app:pull"]));
        tokens.push(edge.mint.token(&["repository:group/secret:pull"]));
        tokens.push(with_claim(&edge.mint, "exp", "soon".into()));
        tokens.push(Mint::nested_user_token(&edge.mint));
        let mark = edge.mark();
        for token in &tokens {
            for value in [
                format!("Bearer {token}"),
                format!("Bearer {token}, x"),
                format!("Token {token}"),
            ] {
                let agent = marker();
                let request = read_manifest(APP, "latest")
                    .field("authorization", value)
                    .field("user-agent", agent);
                edge.client.send(Version::Http2, &request);
            }
        }
        edge.requests_since(&mark);
        let logs: Vec<String> = edge
            .stack
            .logs()
            .iter()
            .map(|(_, file)| LogMark::start_of(file).text())
            .collect();
        assert!(
            logs.concat().contains("challenged reason=token-expired"),
            "the right logs"
        );
        // What every token has says nothing of any.
        let common = edge.mint.token(&["repository:group/app:pull"]);
        for token in &tokens {
            for (piece, log) in
                pieces(token, &common).flat_map(|p| logs.iter().map(move |log| (p, log)))
            {
                // The access log holds the query as it was sent, and another test sends a token
                // there, where nobody looks for one.
                let line = log
                    .lines()
                    .find(|line| line.contains(piece) && !line.contains("?access_token="));
                assert_eq!(line, None, "{piece} of a token is in a log");
            }
        }
    }
}

/// Pieces of a token's parts that `common` does not have.
fn pieces<'a>(token: &'a str, common: &'a str) -> impl Iterator<Item = &'a str> {
    const PIECE: usize = 24;
    token
        .split('.')
        .flat_map(|part| {
            (0..part.len().saturating_sub(PIECE))
                .step_by(PIECE / 2)
                .map(move |at| &part[at..at + PIECE])
        })
        .filter(|piece| !common.contains(piece))
}
