//! The `access` claim: which actions on which resource a token grants
//! (Distribution's token specification, "JWT claim set"; GitLab adds `meta`).

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// One entry of `access`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Access {
    /// `repository` or `registry`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The repository, or `catalog`.
    pub name: String,
    /// `pull`, `push`, `delete` or `*`.
    pub actions: Vec<String>,
    /// What GitLab tells its registry about the repository; absent from entries for the registry itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

/// GitLab's `meta` of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meta {
    /// Full path of the project, in lower case.
    pub project_path: String,
    /// The project's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<u64>,
    /// The number of the top-level group or user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_namespace_id: Option<u64>,
}

impl Access {
    /// Access to a repository, without `meta`.
    pub fn repository<A: Into<String>>(
        name: impl Into<String>,
        actions: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            kind: "repository".to_owned(),
            name: name.into(),
            actions: actions.into_iter().map(Into::into).collect(),
            meta: None,
        }
    }

    /// The same access with `meta`.
    #[must_use]
    pub fn with_meta(self, meta: Option<Meta>) -> Self {
        Self { meta, ..self }
    }
}

impl Meta {
    /// What is known without a database: the path.
    #[must_use]
    pub fn of_project(path: &str) -> Self {
        Self {
            project_path: path.to_lowercase(),
            project_id: None,
            root_namespace_id: None,
        }
    }
}

/// Writes the scope notation, `repository:group/app:pull,push`.
impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}:{}",
            self.kind,
            self.name,
            self.actions.join(",")
        )
    }
}

/// The text is not `type:name:actions`.
#[derive(Debug, thiserror::Error)]
#[error("expected TYPE:NAME:ACTION[,ACTION…], such as `repository:group/app:pull,push`")]
pub struct NotAScope;

/// Reads the scope notation. The first colon ends the type and the last one begins the actions, so that a
/// name may hold colons (Distribution's `resourcescope` grammar allows a host and port in front of the path).
impl FromStr for Access {
    type Err = NotAScope;

    fn from_str(scope: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = scope.split_once(':').ok_or(NotAScope)?;
        let (name, actions) = rest.rsplit_once(':').ok_or(NotAScope)?;
        let actions: Vec<String> = actions.split(',').map(str::to_owned).collect();
        if kind.is_empty() || name.is_empty() || actions.iter().any(String::is_empty) {
            return Err(NotAScope);
        }
        Ok(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions,
            meta: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_notation() {
        for accepted in [
            "repository:group/app:pull,push",
            "registry:catalog:*",
            "repository:group/app/*:pull",
            "repository(plugin):a/b:pull",
            "repository:localhost:5000/a:pull",
        ] {
            assert_eq!(accepted.parse::<Access>().unwrap().to_string(), accepted);
        }
        for refused in [
            "",
            "repository",
            "repository:group/app",
            ":a:pull",
            "repository::pull",
            "r:a:",
            "r:a:pull,",
        ] {
            assert!(refused.parse::<Access>().is_err(), "{refused}");
        }
    }
}
