use super::*;

#[test]
fn what_readers_take_differently_is_refused() {
    const GITLAB: Profile = Profile::Gitlab;
    const CLAIMS: Profile = Profile::Distribution3;
    for (profile, json, accepted) in [
        (CLAIMS, r#"{"iss":"a","access":[{"type":"t"}]}"#, true),
        (CLAIMS, r#"{"iss":"a","iss":"a"}"#, false),
        (CLAIMS, r#"{"ISS":"a"}"#, false),
        (CLAIMS, r#"{"i\u017fs":"a"}"#, false),
        (CLAIMS, r#"{"access":[],"Access":[]}"#, false),
        (CLAIMS, r#"{"access":[{"type":"t","Name":"n"}]}"#, false),
        (CLAIMS, r#"{"access":[{"actions":[],"actions":[]}]}"#, false),
        (
            GITLAB,
            r#"{"access":[{"meta":{"Project_Path":""}}]}"#,
            false,
        ),
        (
            GITLAB,
            r#"{"access":[{"meta":{"tag_deny_access_patterns":{"Push":[]}}}]}"#,
            false,
        ),
        (CLAIMS, r#"["a"]"#, false),
        (
            CLAIMS,
            r#"{"access":[["repository",null,"a/b",["pull"],null]]}"#,
            false,
        ),
        (GITLAB, r#"{"access":[{"meta":["a/b"]}]}"#, false),
        (
            GITLAB,
            r#"{"access":[{"meta":{"tag_deny_access_patterns":[[],[]]}}]}"#,
            false,
        ),
        (CLAIMS, r#"{"access":[{"meta":["a/b"]}]}"#, true),
        (CLAIMS, r#"{"access":[{"Meta":{}}],"User":1}"#, true),
        (GITLAB, r#"{"access":[{"Meta":{}}]}"#, false),
        (GITLAB, r#"{"User":"a"}"#, false),
        (CLAIMS, r#"{"aud":["a","b"]}"#, true),
        (
            CLAIMS,
            r#"{"user":5,"auth_type":[],"access":[{"meta":"x"}]}"#,
            true,
        ),
        (GITLAB, r#"{"user":5}"#, false),
        (GITLAB, r#"{"auth_type":[]}"#, false),
        (
            GITLAB,
            r#"{"user":null,"auth_type":"none","access":null}"#,
            true,
        ),
        (GITLAB, r#"{"access":[{"meta":"x"}]}"#, false),
        (GITLAB, r#"{"access":[{"meta":null,"class":null}]}"#, true),
        (GITLAB, r#"{"access":[{"meta":{"project_path":5}}]}"#, false),
        (
            GITLAB,
            r#"{"access":[{"meta":{"project_path":"a","project_id":[{}],"x":1}}]}"#,
            true,
        ),
        (
            GITLAB,
            r#"{"access":[{"meta":{"tag_immutable_patterns":["a",null]}}]}"#,
            true,
        ),
        (
            GITLAB,
            r#"{"access":[{"meta":{"tag_immutable_patterns":["a",1]}}]}"#,
            false,
        ),
        (
            GITLAB,
            r#"{"access":[{"meta":{"tag_immutable_patterns":"a"}}]}"#,
            false,
        ),
        (CLAIMS, r#"{"sub":1}"#, false),
        (CLAIMS, r#"{"jti":{}}"#, false),
        (CLAIMS, r#"{"access":{}}"#, false),
        (CLAIMS, r#"{"access":"x"}"#, false),
        (CLAIMS, r#"{"access":[1]}"#, false),
        (CLAIMS, r#"{"access":[{"class":1}]}"#, false),
        (CLAIMS, "5", false),
        (CLAIMS, r#"{"custom":{"Name":"n","Type":"t"}}"#, true),
        (CLAIMS, r#"{"custom":[[{"a":1,"a":2}]]}"#, false),
        (CLAIMS, r#"{"custom":1} "#, true),
        (CLAIMS, r#"{"custom":1} x"#, false),
        (CLAIMS, "\u{feff}{}", false),
        (CLAIMS, "", false),
        (CLAIMS, "null", true),
    ] {
        let is_refused = matches!(
            Claims::parse(json.as_bytes(), profile),
            Err(TokenError::ClaimsJson(ClaimsError::Json))
        );
        assert_eq!(!is_refused, accepted, "{profile:?} {json}");
    }
}

#[test]
fn depth_is_bounded() {
    let deep = "[".repeat(200_000);
    for json in [
        deep.clone(),
        format!("{{\"access\":{deep}"),
        format!("{{\"a\":{deep}"),
    ] {
        assert!(Claims::parse(json.as_bytes(), Profile::Gitlab).is_err());
    }
}
