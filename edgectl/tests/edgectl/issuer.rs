//! `edgectl issuer`: who is granted what, and what the answers look like.

use serde_json::json;

use crate::support::{RunningIssuer, SERVICE, basic, example_users, scopes, shared_pair, verify};

/// What is expected of an answer.
enum Expected {
    /// 200, and exactly this access.
    Granted(&'static [&'static str]),
    /// This status and error code.
    Refused(u16, &'static str),
}
use Expected::{Granted, Refused};

/// Login and password, query after `service`, expected answer.
type Case = (Option<(&'static str, &'static str)>, &'static str, Expected);

const ALICE: Option<(&str, &str)> = Some(("alice", "alice-password"));
const BOB: Option<(&str, &str)> = Some(("bob", "bob-password"));
const ROOT: Option<(&str, &str)> = Some(("root", "root-password"));

const CASES: &[Case] = &[
    // Rights, by namespace.
    (
        ALICE,
        "&scope=repository:group/app:pull,push",
        Granted(&["repository:group/app:pull,push"]),
    ),
    (
        BOB,
        "&scope=repository:group/app:pull,push",
        Granted(&["repository:group/app:pull"]),
    ),
    (BOB, "&scope=repository:group/app:push", Granted(&[])),
    (
        ALICE,
        "&scope=repository:group/app/nested:delete",
        Granted(&["repository:group/app/nested:delete"]),
    ),
    (ALICE, "&scope=repository:group/apple:delete", Granted(&[])),
    (ALICE, "&scope=repository:elsewhere/app:pull", Granted(&[])),
    (
        ROOT,
        "&scope=repository:group/other:pull,push,delete,*",
        Granted(&["repository:group/other:pull,push,delete,*"]),
    ),
    (ROOT, "&scope=repository:elsewhere/app:pull", Granted(&[])),
    // `*` needs all three rights.
    (
        ALICE,
        "&scope=repository:group/app:*",
        Granted(&["repository:group/app:*"]),
    ),
    (ALICE, "&scope=repository:group/other:*", Granted(&[])),
    // Unknown actions and types.
    (
        ALICE,
        "&scope=repository:group/app:pull,Push,admin",
        Granted(&["repository:group/app:pull"]),
    ),
    (
        ALICE,
        "&scope=repository(plugin):group/app:pull",
        Granted(&[]),
    ),
    (ALICE, "&scope=repository:group/app", Granted(&[])),
    // Names: lower-cased, two components at least.
    (
        ALICE,
        "&scope=repository:Group/App:pull",
        Granted(&["repository:group/app:pull"]),
    ),
    (ALICE, "&scope=repository:group:pull", Granted(&[])),
    (ALICE, "&scope=repository:group//app:pull", Granted(&[])),
    (ALICE, "&scope=repository:group/app/:pull", Granted(&[])),
    // Several scopes: repeated, separated by blanks, both.
    (
        ALICE,
        "&scope=repository:group/app:pull&scope=repository:group/lib:pull,push",
        Granted(&[
            "repository:group/app:pull",
            "repository:group/lib:pull,push",
        ]),
    ),
    (
        ALICE,
        "&scope=repository:group/app:pull%20repository:group/lib:pull+repository:other/x:pull",
        Granted(&["repository:group/app:pull", "repository:group/lib:pull"]),
    ),
    // No scope: `docker login`. Further parameters change nothing.
    (ALICE, "", Granted(&[])),
    (
        ALICE,
        "&account=root&client_id=docker&offline_token=true",
        Granted(&[]),
    ),
    (
        BOB,
        "&account=root&scope=repository:group/app:delete",
        Granted(&[]),
    ),
    // The catalog: admins, and exactly `*`.
    (
        ROOT,
        "&scope=registry:catalog:*",
        Granted(&["registry:catalog:*"]),
    ),
    (ALICE, "&scope=registry:catalog:*", Granted(&[])),
    (ROOT, "&scope=registry:catalog:pull", Granted(&[])),
    (ROOT, "&scope=registry:catalog:*,*", Granted(&[])),
    (ROOT, "&scope=registry:statistics:*", Granted(&[])),
    // Without credentials: public namespaces only.
    (
        None,
        "&scope=repository:group/public/app:pull",
        Granted(&["repository:group/public/app:pull"]),
    ),
    (
        None,
        "&scope=repository:group/public/app:pull,push",
        Granted(&["repository:group/public/app:pull"]),
    ),
    (
        None,
        "&scope=repository:group/public/app:push",
        Refused(403, "DENIED"),
    ),
    (
        None,
        "&scope=repository:group/app:pull",
        Refused(403, "DENIED"),
    ),
    (
        None,
        "&scope=repository:group/released/app:pull",
        Refused(403, "DENIED"),
    ),
    (None, "&scope=registry:catalog:*", Refused(403, "DENIED")),
    (None, "", Refused(403, "DENIED")),
    // Internal: everybody who signed in.
    (
        Some(("deploy", "deploy-password")),
        "&scope=repository:group/released/app:pull",
        Granted(&["repository:group/released/app:pull"]),
    ),
    (
        Some(("deploy", "deploy-password")),
        "&scope=repository:group/other:pull",
        Granted(&[]),
    ),
    // Push protection.
    (
        ALICE,
        "&scope=repository:group/released/app:pull,push",
        Refused(403, "DENIED"),
    ),
    (
        ALICE,
        "&scope=repository:group/released/app:pull",
        Granted(&["repository:group/released/app:pull"]),
    ),
    (
        ROOT,
        "&scope=repository:group/released/app:push",
        Granted(&["repository:group/released/app:push"]),
    ),
    // Credentials.
    (Some(("alice", "wrong")), "", Refused(401, "UNAUTHORIZED")),
    (
        Some(("alice", "alice-passwor")),
        "",
        Refused(401, "UNAUTHORIZED"),
    ),
    (Some(("alice", "")), "", Refused(401, "UNAUTHORIZED")),
    (
        Some(("nobody", "alice-password")),
        "",
        Refused(401, "UNAUTHORIZED"),
    ),
    (Some(("nobody", "")), "", Refused(401, "UNAUTHORIZED")),
    (Some(("", "")), "", Refused(401, "UNAUTHORIZED")),
    (
        Some(("Alice", "alice-password")),
        "",
        Refused(401, "UNAUTHORIZED"),
    ),
    (
        Some(("alice", "wrong")),
        "&scope=repository:group/public/app:pull",
        Refused(401, "UNAUTHORIZED"),
    ),
    (
        Some(("reporter", "reporter-password")),
        "&scope=repository:group/public/app:pull",
        Refused(403, "DENIED"),
    ),
];

#[test]
fn who_is_granted_what() {
    let issuer = RunningIssuer::start(&example_users(), &[]);
    for (who, query, expected) in CASES {
        let headers = who.map_or_else(String::new, |(login, password)| basic(login, password));
        let response = issuer.ask("GET", &format!("/jwt/auth?{SERVICE}{query}"), &headers);
        let case = format!("{who:?} {query}: {} {}", response.status, response.body);
        match expected {
            Granted(granted) => {
                assert_eq!(response.status, 200, "{case}");
                let body = response.json();
                assert_eq!(body.as_object().unwrap().len(), 1, "only `token`: {case}");
                let token = verify(body["token"].as_str().unwrap(), &shared_pair().certificate);
                assert_eq!(scopes(&token.claims), *granted, "{case}");
            }
            Refused(status, code) => {
                assert_eq!(response.status, *status, "{case}");
                assert_eq!(response.json()["errors"][0]["code"], *code, "{case}");
                assert!(response.json().get("token").is_none(), "{case}");
            }
        }
    }
}

#[test]
fn what_there_is_to_ask() {
    let issuer = RunningIssuer::start(&example_users(), &[]);
    let alice = basic("alice", "alice-password");
    let asked = format!("/jwt/auth?{SERVICE}");
    for (method, target, headers, expected) in [
        ("GET", &*asked, &*alice, 200),
        (
            "GET",
            "/jwt/auth?service=other&service=container_registry",
            &alice,
            200,
        ),
        ("GET", &asked, &alice.replace("Basic", "bAsIc"), 200),
        ("GET", "/jwt/auth", &alice, 404),
        ("GET", "/jwt/auth?service=", &alice, 404),
        ("GET", "/jwt/auth?service=Container_Registry", &alice, 404),
        ("GET", "/jwt/auth?service=dependency_proxy", &alice, 404),
        (
            "POST",
            &asked,
            &format!("{alice}Content-Length: 0\r\n"),
            404,
        ),
        ("PUT", &asked, &alice, 404),
        ("DELETE", &asked, &alice, 404),
        ("GET", "/jwt/auth/", &alice, 404),
        ("GET", "/", &alice, 404),
        // Wrong credentials come first, as in GitLab.
        (
            "GET",
            "/jwt/auth?service=other",
            &basic("alice", "wrong"),
            401,
        ),
        // Not readable as login and password; another scheme is no credential at all.
        ("GET", &asked, "Authorization: Basic !!!\r\n", 401),
        ("GET", &asked, "Authorization: Basic YWxpY2U=\r\n", 401),
        ("GET", &asked, "Authorization: Basic\r\n", 401),
        ("GET", &asked, "Authorization: Bearer abc\r\n", 403),
    ] {
        let response = issuer.ask(method, target, headers);
        assert_eq!(response.status, expected, "{method} {target} {headers}");
        match expected {
            404 => assert_eq!(response.body, "", "{method} {target}"),
            _ => assert!(
                response
                    .head
                    .contains("content-type: application/json; charset=utf-8")
            ),
        }
    }
}

#[test]
fn tokens_of_the_three_kinds_of_askers() {
    let issuer = RunningIssuer::start(
        &example_users(),
        &["--lifetime", "3m", "--issuer", "gitlab-issuer"],
    );
    let token = |headers: &str, scope: &str| {
        let response = issuer.ask(
            "GET",
            &format!("/jwt/auth?{SERVICE}&scope={scope}"),
            headers,
        );
        verify(
            response.json()["token"].as_str().unwrap(),
            &shared_pair().certificate,
        )
    };
    let alice = token(
        &basic("alice", "alice-password"),
        "repository:group/public/app:pull",
    );
    assert_eq!(
        alice.header,
        json!({"kid": shared_pair().key_id, "typ": "JWT", "alg": "RS256"})
    );
    assert_eq!(
        (&alice.claims["sub"], &alice.claims["auth_type"]),
        (&"alice".into(), &"gitlab_or_ldap".into())
    );
    assert_eq!(alice.claims["iss"], "gitlab-issuer");
    assert_eq!(
        alice.claims["exp"].as_i64().unwrap() - alice.claims["iat"].as_i64().unwrap(),
        180
    );
    let meta = &alice.claims["access"][0]["meta"];
    assert_eq!(meta["project_path"], "group/public");
    assert!(
        meta["project_id"].as_u64().unwrap() > 0 && meta["root_namespace_id"].as_u64().unwrap() > 0
    );
    let user = verify(
        alice.claims["user"].as_str().unwrap(),
        &shared_pair().certificate,
    );
    assert_eq!(user.claims["user_info"]["username"], "alice");

    let nobody = token("", "repository:group/public/app:pull");
    assert!(nobody.payload.starts_with(r#"{"auth_type":null,"#));
    assert!(nobody.claims.get("sub").is_none());
    assert!(nobody.claims["user"].is_string());

    let deploy = token(
        &basic("deploy", "deploy-password"),
        "repository:group/app:pull",
    );
    assert!(deploy.claims.get("sub").is_none());
    assert_eq!(deploy.claims["auth_type"], "deploy_token");
}

#[test]
fn registry_switched_off() {
    let issuer = RunningIssuer::start(&example_users(), &["--registry-off"]);
    let asked = format!("/jwt/auth?{SERVICE}");
    let response = issuer.ask("GET", &asked, &basic("alice", "alice-password"));
    assert_eq!(response.status, 404);
    assert_eq!(response.json()["errors"][0]["code"], "UNAVAILABLE");
    assert_eq!(
        issuer.ask("GET", &asked, &basic("alice", "wrong")).status,
        401
    );
}
