//! The claims of a registry token, in the order in which GitLab writes them
//! (GitLab's `Auth::ContainerRegistryAuthenticationService` and `JSONWebToken::Token`).

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::signing_key::SignError;
use crate::{Access, SigningKey};

/// Seconds that GitLab dates `nbf` before `iat`, for clocks that differ.
const NOT_BEFORE_SLACK: i64 = 5;

/// Seconds that the nested `user` token lives.
const USER_TOKEN_LIFETIME: i64 = 60;

/// The claims of a registry token. All fields are public, so that a test can make any of them wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// How the user signed in. Three forms: a value, `null` for an anonymous token (`Some(None)`), absent from
    /// tokens of background jobs (`None`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_type: Option<Option<AuthType>>,
    /// What the token grants.
    pub access: Vec<Access>,
    /// The nested token that tells the registry's audit log who this is; see [`UserToken`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A random UUID.
    pub jti: String,
    /// The service.
    pub aud: String,
    /// The user's name; absent from anonymous tokens and those of background jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The issuer.
    pub iss: String,
    /// Unix seconds.
    pub iat: i64,
    /// Unix seconds.
    pub nbf: i64,
    /// Unix seconds.
    pub exp: i64,
}

/// Who issues tokens and for which service: the registry's `auth.token.issuer` and `auth.token.service`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parties {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub service: String,
}

impl Parties {
    /// The issuer of a GitLab installed with Omnibus (`gitlab_rails['registry_issuer']`).
    pub const OMNIBUS_ISSUER: &str = "omnibus-gitlab-issuer";
    /// The only service that GitLab issues registry tokens for.
    pub const GITLAB_SERVICE: &str = "container_registry";
}

/// Those of a GitLab installed with Omnibus.
impl Default for Parties {
    fn default() -> Self {
        Self {
            issuer: Self::OMNIBUS_ISSUER.to_owned(),
            service: Self::GITLAB_SERVICE.to_owned(),
        }
    }
}

/// When a token is valid, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// `iat`.
    pub issued_at: i64,
    /// `nbf`.
    pub not_before: i64,
    /// `exp`.
    pub expires_at: i64,
}

impl Validity {
    /// From an instant, for a number of seconds. `nbf` lies five seconds before.
    #[must_use]
    pub fn starting(now: i64, lifetime: i64) -> Self {
        Self {
            issued_at: now,
            not_before: now.saturating_sub(NOT_BEFORE_SLACK),
            expires_at: now.saturating_add(lifetime),
        }
    }

    /// From now, for a number of seconds.
    #[must_use]
    pub fn seconds(lifetime: i64) -> Self {
        Self::starting(unix_now(), lifetime)
    }

    /// From now, for a number of minutes.
    #[must_use]
    pub fn minutes(lifetime: i64) -> Self {
        Self::seconds(lifetime.saturating_mul(60))
    }
}

/// The present, in Unix seconds.
#[must_use]
pub fn unix_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// How somebody proved who they are, in GitLab's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// The account's password.
    #[default]
    GitlabOrLdap,
    /// A personal, group or project access token.
    PersonalAccessToken,
    /// An OAuth access token.
    Oauth,
    /// A CI job token.
    Build,
    /// A deploy token, which is nobody's: the registry token has no `sub`.
    DeployToken,
}

impl AuthType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::GitlabOrLdap,
        Self::PersonalAccessToken,
        Self::Oauth,
        Self::Build,
        Self::DeployToken,
    ];

    /// The value of `auth_type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitlabOrLdap => "gitlab_or_ldap",
            Self::PersonalAccessToken => "personal_access_token",
            Self::Oauth => "oauth",
            Self::Build => "build",
            Self::DeployToken => "deploy_token",
        }
    }
}

/// Somebody whom tokens are minted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name, or the deploy token's.
    pub username: String,
    /// GitLab's number of the user or deploy token.
    pub id: u64,
    /// How they signed in.
    pub auth_type: AuthType,
}

impl Account {
    /// A user numbered 1 who signed in with a password.
    #[must_use]
    pub fn named(username: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            id: 1,
            auth_type: AuthType::default(),
        }
    }
}

/// The claims of the token inside the token: `user` is a JWT of its own, signed with the same key and `kid`
/// but without `iss`, `aud` and `access`. Sent as a bearer token it must be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserToken {
    /// Who this is; `null` in anonymous tokens.
    pub user_info: Option<UserInfo>,
    /// A random UUID.
    pub jti: String,
    /// Unix seconds.
    pub iat: i64,
    /// Unix seconds.
    pub nbf: i64,
    /// Unix seconds, a minute after `iat`.
    pub exp: i64,
}

/// Who a nested token speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserInfo {
    /// How they signed in.
    pub token_type: AuthType,
    /// The name.
    pub username: String,
    /// The user's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<u64>,
    /// The deploy token's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy_token_id: Option<u64>,
}

impl UserToken {
    /// For somebody, or for nobody.
    #[must_use]
    pub fn new(account: Option<&Account>, issued_at: i64) -> Self {
        let validity = Validity::starting(issued_at, USER_TOKEN_LIFETIME);
        Self {
            user_info: account.map(UserInfo::from),
            jti: Uuid::new_v4().to_string(),
            iat: validity.issued_at,
            nbf: validity.not_before,
            exp: validity.expires_at,
        }
    }
}

impl From<&Account> for UserInfo {
    fn from(account: &Account) -> Self {
        let deploy_token = account.auth_type == AuthType::DeployToken;
        Self {
            token_type: account.auth_type,
            username: account.username.clone(),
            user_id: (!deploy_token).then_some(account.id),
            deploy_token_id: deploy_token.then_some(account.id),
        }
    }
}

impl Claims {
    /// A token of one of GitLab's background jobs: no `auth_type`, `user` and `sub`.
    #[must_use]
    pub fn background(parties: &Parties, access: Vec<Access>, validity: Validity) -> Self {
        Self {
            auth_type: None,
            access,
            user: None,
            jti: Uuid::new_v4().to_string(),
            aud: parties.service.clone(),
            sub: None,
            iss: parties.issuer.clone(),
            iat: validity.issued_at,
            nbf: validity.not_before,
            exp: validity.expires_at,
        }
    }

    /// A user's token, as `/jwt/auth` answers it. The key signs the nested `user` token.
    ///
    /// # Errors
    /// If the nested token cannot be signed.
    pub fn for_account(
        key: &SigningKey,
        parties: &Parties,
        account: &Account,
        access: Vec<Access>,
        validity: Validity,
    ) -> Result<Self, SignError> {
        Ok(Self {
            auth_type: Some(Some(account.auth_type)),
            user: Some(key.sign(&UserToken::new(Some(account), validity.issued_at))?),
            sub: (account.auth_type != AuthType::DeployToken).then(|| account.username.clone()),
            ..Self::background(parties, access, validity)
        })
    }

    /// The token of somebody without credentials, for public projects.
    ///
    /// # Errors
    /// If the nested token cannot be signed.
    pub fn anonymous(
        key: &SigningKey,
        parties: &Parties,
        access: Vec<Access>,
        validity: Validity,
    ) -> Result<Self, SignError> {
        Ok(Self {
            auth_type: Some(None),
            user: Some(key.sign(&UserToken::new(None, validity.issued_at))?),
            ..Self::background(parties, access, validity)
        })
    }
}
