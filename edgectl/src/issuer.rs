//! A stand-in for GitLab's token endpoint, `GET /jwt/auth`: same parameters, answers and tokens
//! (GitLab's `JwtController` and `Auth::ContainerRegistryAuthenticationService`).
//!
//! ```text
//! request ─ request.rs ─▶ TokenRequest ─ directory.rs ─▶ who, and what they may do ─▶ Answer ─ endpoint.rs ─▶ response
//! ```
//!
//! For a developer's machine and for tests only: passwords lie in plain text in a file, nothing slows guessing
//! down, and the dependency proxy's tokens (`service=dependency_proxy`) are not played.

mod directory;
mod endpoint;
mod request;
mod server;

pub use directory::{
    CurrentDirectory, Directory, DirectoryError, Fault, Member, Namespace, Right, Visibility,
};
pub use endpoint::{Answered, router};
pub use request::{Credentials, TokenRequest};
pub use server::{Limits, serve};

use std::sync::Arc;

use crate::claims::{Claims, Parties, Validity};
use crate::signing_key::SignError;
use crate::{Access, Algorithm, KeyIdKind, SigningKey};

/// GitLab's side of token authentication.
#[derive(Debug)]
pub struct Issuer {
    /// Signs tokens.
    pub key: SigningKey,
    /// How tokens name that key; GitLab's way is libtrust.
    pub key_id: KeyIdKind,
    /// `iss` and `aud`.
    pub parties: Parties,
    /// Seconds that tokens live.
    pub lifetime: i64,
    /// Who may do what; it may change while requests are answered.
    pub directory: CurrentDirectory,
    /// Whether GitLab's registry feature is on; off, every request is answered `UNAVAILABLE`.
    pub enabled: bool,
}

/// What the endpoint answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200 with a token that grants this, possibly less than was asked.
    Token(Vec<Access>),
    /// 401: the credentials are wrong.
    Unauthorized,
    /// 403, with GitLab's reason.
    Denied(&'static str),
    /// 404 without a body: GitLab does not know the service.
    UnknownService,
    /// 404: the registry is switched off.
    Unavailable,
}

impl Issuer {
    /// Seconds that tokens live when nothing else is asked for.
    pub const LIFETIME: i64 = 600;

    /// Decides a request, in GitLab's order: credentials, service, registry on, the credential's abilities,
    /// scopes. Also tells who asked, if they are known.
    #[must_use]
    pub fn decide(&self, request: &TokenRequest) -> (Option<Arc<Member>>, Answer) {
        let directory = self.directory.now();
        let (member, proven) = match &request.credentials {
            Credentials::Absent => (None, true),
            Credentials::Unreadable => (None, false),
            Credentials::Basic { login, password } => directory.sign_in(login, password),
        };
        let answer = if proven {
            self.decide_scopes(&directory, request, member.map(AsRef::as_ref))
        } else {
            Answer::Unauthorized
        };
        (member.cloned(), answer)
    }

    fn decide_scopes(
        &self,
        directory: &Directory,
        request: &TokenRequest,
        member: Option<&Member>,
    ) -> Answer {
        if request.service.as_deref() != Some(&self.parties.service) {
            return Answer::UnknownService;
        }
        if !self.enabled {
            return Answer::Unavailable;
        }
        if member.is_some_and(|member| !member.registry) {
            return Answer::Denied("access forbidden");
        }
        let granted: Vec<Access> = request
            .scopes
            .iter()
            .filter_map(|scope| directory.grant(member, scope))
            .collect();
        if granted.is_empty() && member.is_none() {
            return Answer::Denied("access forbidden");
        }
        let writes = |access: &&Access| {
            access
                .actions
                .iter()
                .any(|action| action == "push" || action == "*")
        };
        if member.is_none_or(|member| !member.admin)
            && granted
                .iter()
                .filter(writes)
                .any(|access| directory.push_protected(&access.name))
        {
            return Answer::Denied("Pushing to protected repository path forbidden");
        }
        Answer::Token(granted)
    }

    /// Mints the token for a member, or for somebody without credentials.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn mint(&self, member: Option<&Member>, access: Vec<Access>) -> Result<String, SignError> {
        let validity = Validity::seconds(self.lifetime);
        let claims = match member {
            Some(member) => {
                Claims::for_account(&self.key, &self.parties, &member.account, access, validity)
            }
            None => Claims::anonymous(&self.key, &self.parties, access, validity),
        }?;
        self.key.sign_with(&claims, Algorithm::RS256, self.key_id)
    }
}
