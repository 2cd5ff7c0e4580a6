//! The 401 that tells a client how to get a token: header value and body.
//!
//! Both are the registry's, byte for byte where the registry's are stable: parameters in the order
//! realm, service, scope, error, separated by a comma alone, every value quoted as Go's `%q`
//! quotes it. The registry's order of scopes and actions is random; here it is the order of the
//! records.

use std::fmt;

use crate::access::{Access, Action, RequiredAccess, Resource};
use crate::profile::Profile;

pub mod quote;

use quote::{json_string, quoted};

/// The `error` parameter of a challenge (RFC 6750 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// `invalid_token`: the token is not believed.
    InvalidToken,
    /// `insufficient_scope`: the token is believed and does not grant what is needed.
    InsufficientScope,
}

impl ErrorCode {
    /// The code as it stands in the challenge.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}

/// The value of `WWW-Authenticate`.
///
/// Every byte of it is printable: whatever a client put into the scope is escaped.
#[must_use]
pub fn www_authenticate(
    realm: &str,
    service: &str,
    required: &RequiredAccess<'_>,
    error: Option<ErrorCode>,
) -> String {
    let mut value = format!(
        "Bearer realm={},service={}",
        quoted(realm.as_bytes()),
        quoted(service.as_bytes())
    );
    if let Some(scope) = scope_bytes(required) {
        value.push_str(",scope=");
        value.push_str(&quoted(&scope));
    }
    if let Some(code) = error {
        value.push_str(",error=");
        value.push_str(&quoted(code.as_str().as_bytes()));
    }
    value
}

/// The scope text of a requirement, for people to read: `repository:group/app:pull,push`, items
/// separated by a blank, control bytes escaped; `None` if nothing particular is required.
#[must_use]
pub fn scope(required: &RequiredAccess<'_>) -> Option<String> {
    let text = quoted(&scope_bytes(required)?);
    Some(text.trim_matches('"').to_owned())
}

/// The scope as the registry builds it: one item per resource, its actions merged.
fn scope_bytes(required: &RequiredAccess<'_>) -> Option<Vec<u8>> {
    let mut items: Vec<(&Resource<'_>, Vec<Action>)> = Vec::new();
    for Access { resource, action } in required.records() {
        match items.iter_mut().find(|(known, _)| *known == resource) {
            Some((_, actions)) if actions.contains(&action) => {}
            Some((_, actions)) => actions.push(action),
            None => items.push((resource, vec![action])),
        }
    }
    let mut scope = Vec::new();
    for (resource, actions) in &items {
        if !scope.is_empty() {
            scope.push(b' ');
        }
        scope.extend_from_slice(resource.kind.as_str().as_bytes());
        scope.push(b':');
        scope.extend_from_slice(&resource.name);
        for (index, action) in actions.iter().enumerate() {
            scope.push(if index == 0 { b':' } else { b',' });
            scope.extend_from_slice(action.as_str().as_bytes());
        }
    }
    (!items.is_empty()).then_some(scope)
}

/// The body of the 401: the registry's error envelope with the required records as `detail`.
///
/// The records are those of the request, in order and not merged; without any, `detail` is null.
#[must_use]
pub fn body(required: &RequiredAccess<'_>, profile: Profile) -> String {
    let records: Vec<String> = required
        .records()
        .map(|record| detail(record, profile))
        .collect();
    let detail = if records.is_empty() {
        "null".to_owned()
    } else {
        format!("[{}]", records.join(","))
    };
    let message = "authentication required";
    format!(
        "{{\"errors\":[{{\"code\":\"UNAUTHORIZED\",\"message\":\"{message}\",\"detail\":{detail}}}]}}\n"
    )
}

/// One record, with the registry's capitalised keys in the order of its struct.
fn detail(record: Access<'_>, profile: Profile) -> String {
    let kind = json_string(record.resource.kind.as_str().as_bytes());
    let name = json_string(&record.resource.name);
    let project_path = if profile.names_project_path() {
        ",\"ProjectPath\":\"\""
    } else {
        ""
    };
    let action = json_string(record.action.as_str().as_bytes());
    format!("{{\"Type\":{kind},\"Class\":\"\",\"Name\":{name}{project_path},\"Action\":{action}}}")
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::name::RepositoryName;

    const REALM: &str = "https://gitlab.example.com/jwt/auth";

    fn on_app(method: &str) -> RequiredAccess<'static> {
        let name = RepositoryName::parse(b"group/app", false).unwrap();
        RequiredAccess::on_repository(name, method.as_bytes())
    }

    #[test]
    fn the_header_has_the_registrys_form() {
        let from = |bytes: &'static [u8]| on_app("GET").with_mount_source(Cow::Borrowed(bytes));
        for (required, error, rest) in [
            (RequiredAccess::NONE, None, ""),
            (
                RequiredAccess::NONE,
                Some(ErrorCode::InvalidToken),
                r#",error="invalid_token""#,
            ),
            (on_app("GET"), None, r#",scope="repository:group/app:pull""#),
            (
                on_app("PUT"),
                Some(ErrorCode::InsufficientScope),
                r#",scope="repository:group/app:pull,push",error="insufficient_scope""#,
            ),
            (on_app("OPTIONS"), None, ""),
            (
                RequiredAccess::on_catalog(),
                None,
                r#",scope="registry:catalog:*""#,
            ),
            (
                from(b"x/y"),
                None,
                r#",scope="repository:group/app:pull repository:x/y:pull""#,
            ),
            (
                from(b"group/app"),
                None,
                r#",scope="repository:group/app:pull""#,
            ),
            (
                from(b"a\"b\\\r\n\xff<b>&"),
                None,
                r#",scope="repository:group/app:pull repository:a\"b\\\r\n\xff<b>&:pull""#,
            ),
        ] {
            let expected = format!(
                r#"Bearer realm="https://gitlab.example.com/jwt/auth",service="container_registry"{rest}"#
            );
            let value = www_authenticate(REALM, "container_registry", &required, error);
            assert_eq!(value, expected);
        }
    }

    #[test]
    fn the_body_has_the_registrys_form_and_length() {
        // The lengths are those measured of Distribution 2.8.2 and 3.1.1.
        for (required, length) in [
            (RequiredAccess::NONE, 87),
            (RequiredAccess::on_catalog(), 145),
            (on_app("GET"), 152),
            (on_app("POST"), 220),
        ] {
            assert_eq!(body(&required, Profile::Distribution28).len(), length);
            assert_eq!(body(&required, Profile::Distribution3).len(), length);
        }
        assert_eq!(
            body(&RequiredAccess::NONE, Profile::Gitlab),
            "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\",\
             \"detail\":null}]}\n"
        );
        assert_eq!(
            body(
                &on_app("GET").with_mount_source(Cow::Borrowed(b"a<b>&")),
                Profile::Gitlab
            ),
            "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\",\
             \"detail\":[{\"Type\":\"repository\",\"Class\":\"\",\"Name\":\"group/app\",\
             \"ProjectPath\":\"\",\"Action\":\"pull\"},{\"Type\":\"repository\",\"Class\":\"\",\
             \"Name\":\"a\\u003cb\\u003e\\u0026\",\"ProjectPath\":\"\",\"Action\":\"pull\"}]}]}\n"
        );
    }
}
