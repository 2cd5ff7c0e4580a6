//! `edgectl token`

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::{edgectl, member_order, scopes, shared_pair, stderr, stdout, verify};

const USER_CLAIMS: [&str; 10] = [
    "auth_type",
    "access",
    "user",
    "jti",
    "aud",
    "sub",
    "iss",
    "iat",
    "nbf",
    "exp",
];

fn mint(arguments: &[&str]) -> String {
    let output = edgectl(["token"])
        .args(arguments)
        .arg("--key")
        .arg(&shared_pair().key)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    assert!(
        !stderr(&output).is_empty(),
        "what the token is, is said on stderr"
    );
    assert_eq!(
        stdout(&output).lines().count(),
        1,
        "the token alone is on stdout"
    );
    stdout(&output).to_owned()
}

#[test]
fn what_each_kind_grants() {
    let both = "repository:group/app:pull,push";
    for (arguments, granted, projects) in [
        (
            vec!["user", "--user", "alice", "--access", both],
            vec![both],
            vec!["group/app"],
        ),
        (vec!["user", "--user", "alice"], vec![], vec![]),
        (
            vec!["anonymous", "--access", "repository:g/a:pull"],
            vec!["repository:g/a:pull"],
            vec!["g/a"],
        ),
        (vec!["empty"], vec![], vec![]),
        (
            vec!["full-access", "g/a", "g/b"],
            vec!["repository:g/a:*", "repository:g/b:*"],
            vec!["g/a", "g/b"],
        ),
        (
            vec!["pull", "g/a"],
            vec!["repository:g/a:pull"],
            vec!["g/a"],
        ),
        (
            vec!["pull-nested", "g/a"],
            vec!["repository:g/a:pull", "repository:g/a/*:pull"],
            vec!["g/a", "g/a"],
        ),
        (
            vec!["push-pull-nested", "g/a"],
            vec!["repository:g/a:pull,push", "repository:g/a/*:pull"],
            vec!["g/a", "g/a"],
        ),
        (
            vec!["push-pull-move", "g/a", "new"],
            vec![
                "repository:g/a:pull,push",
                "repository:g/a/*:pull",
                "repository:new/*:push",
            ],
            vec!["g/a", "g/a", "new"],
        ),
        (
            vec!["background", "repository:g/a:delete", "registry:catalog:*"],
            vec!["repository:g/a:delete", "registry:catalog:*"],
            vec!["g/a"],
        ),
        (
            vec!["pull", "g/a/image", "--project", "G/a"],
            vec!["repository:g/a/image:pull"],
            vec!["g/a"],
        ),
    ] {
        let claims = verify(&mint(&arguments), &shared_pair().certificate).claims;
        assert_eq!(scopes(&claims), granted, "{arguments:?}");
        let named: Vec<_> = claims["access"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|entry| entry["meta"]["project_path"].as_str())
            .collect();
        assert_eq!(named, projects, "{arguments:?}");
        let background = !matches!(arguments[0], "user" | "anonymous");
        for member in ["auth_type", "user"] {
            assert_eq!(
                claims.get(member).is_none(),
                background,
                "{arguments:?} {member}"
            );
        }
        assert_eq!(
            claims.get("sub").is_some(),
            arguments[0] == "user",
            "{arguments:?}"
        );
    }
}

#[test]
fn claims_are_those_of_gitlab_in_its_order() {
    let pair = shared_pair();
    let token = verify(
        &mint(&["user", "--user", "alice", "--user-id", "7"]),
        &pair.certificate,
    );
    assert_eq!(
        token.header,
        serde_json::json!({"kid": pair.key_id, "typ": "JWT", "alg": "RS256"})
    );
    assert_eq!(member_order(&token.payload, &USER_CLAIMS), USER_CLAIMS);
    assert_eq!(
        token.claims.as_object().unwrap().len(),
        USER_CLAIMS.len(),
        "nothing else"
    );
    for (claim, value) in [
        ("auth_type", "gitlab_or_ldap"),
        ("sub", "alice"),
        ("aud", "container_registry"),
        ("iss", "omnibus-gitlab-issuer"),
    ] {
        assert_eq!(token.claims[claim], value);
    }
    let jti = token.claims["jti"].as_str().unwrap();
    assert_eq!((jti.len(), jti.matches('-').count()), (36, 4), "a UUID");
    let (iat, nbf, exp) = times(&token.claims);
    let now = i64::try_from(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
    .unwrap();
    assert!((now - iat).abs() < 30);
    assert_eq!((nbf - iat, exp - iat), (-5, 600));

    // The token inside, under the same key and `kid`.
    let nested = verify(token.claims["user"].as_str().unwrap(), &pair.certificate);
    assert_eq!(nested.header["kid"], *pair.key_id);
    assert_eq!(
        nested.claims["user_info"],
        serde_json::json!({"token_type": "gitlab_or_ldap", "username": "alice", "user_id": 7})
    );
    assert_eq!(
        nested.claims.as_object().unwrap().len(),
        5,
        "no iss, aud, access"
    );
    let (iat, nbf, exp) = times(&nested.claims);
    assert_eq!((nbf - iat, exp - iat), (-5, 60));
}

#[test]
fn forms_of_auth_type_and_sub() {
    let pair = shared_pair();
    let anonymous = verify(&mint(&["anonymous"]), &pair.certificate);
    assert_eq!(anonymous.claims["auth_type"], Value::Null);
    assert!(
        anonymous.payload.starts_with(r#"{"auth_type":null,"#),
        "present, and null"
    );
    let nested = verify(
        anonymous.claims["user"].as_str().unwrap(),
        &pair.certificate,
    );
    assert_eq!(nested.claims.get("user_info"), Some(&Value::Null));

    let deploy = verify(
        &mint(&["user", "--user", "d", "--auth-type", "deploy_token"]),
        &pair.certificate,
    );
    assert_eq!(deploy.claims["auth_type"], "deploy_token");
    assert!(deploy.claims.get("sub").is_none());
    let nested = verify(deploy.claims["user"].as_str().unwrap(), &pair.certificate);
    assert_eq!(
        nested.claims["user_info"],
        serde_json::json!({"token_type": "deploy_token", "username": "d", "deploy_token_id": 1})
    );

    let alone = verify(
        &mint(&["user", "--user", "alice", "--nested-user"]),
        &pair.certificate,
    );
    assert_eq!(alone.claims["user_info"]["username"], "alice");
    assert!(alone.claims.get("iss").is_none() && alone.claims.get("access").is_none());
}

#[test]
fn options_for_tests() {
    let pair = shared_pair();
    let token = verify(
        &mint(&[
            "empty",
            "--expires-in=-90",
            "--not-before",
            "2m",
            "--issuer",
            "i",
            "--service",
            "s",
            "--kid",
            "rfc7638",
            "--algorithm",
            "RS512",
        ]),
        &pair.certificate,
    );
    assert_eq!(token.header["kid"], *pair.thumbprint);
    assert_eq!(token.header["alg"], "RS512");
    assert_eq!(
        (&token.claims["iss"], &token.claims["aud"]),
        (&"i".into(), &"s".into())
    );
    let (iat, nbf, exp) = times(&token.claims);
    assert_eq!((nbf - iat, exp - iat), (120, -90));
}

#[test]
fn json_shows_what_is_inside() {
    let shown: Value = serde_json::from_str(&mint(&["pull", "g/a", "--json"])).unwrap();
    let token = verify(shown["token"].as_str().unwrap(), &shared_pair().certificate);
    assert_eq!(
        (&shown["header"], &shown["claims"]),
        (&token.header, &token.claims)
    );
}

#[test]
fn refusals_name_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("crt"), &shared_pair().certificate).unwrap();
    let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(folder.path().join("ec"), elliptic).unwrap();
    for (arguments, code, said) in [
        (vec!["empty", "--key", "missing"], 1, "missing"),
        (vec!["empty", "--key", "crt"], 1, "PRIVATE KEY"),
        (vec!["empty", "--key", "ec"], 1, "RSA"),
        (vec!["empty", "--expires-in", "soon"], 2, "10m"),
        (vec!["empty", "--algorithm", "HS256"], 2, "RS256"),
        (vec!["empty", "--kid", "x5t"], 2, "libtrust"),
        (
            vec!["user", "--user", "a", "--access", "group/app"],
            2,
            "repository:group/app:pull,push",
        ),
        (vec!["user"], 2, "--user"),
        (vec!["pull"], 2, "<PATH>"),
    ] {
        let output = edgectl(["token"])
            .args(&arguments)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(said),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(stdout(&output).is_empty(), "{arguments:?}");
    }
}

fn times(claims: &Value) -> (i64, i64, i64) {
    let time = |name: &str| claims[name].as_i64().unwrap();
    (time("iat"), time("nbf"), time("exp"))
}
