//! `edgectl token`

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use edgectl::claims::unix_now;
use edgectl::{
    Access, Account, Algorithm, AuthType, Claims, Meta, Parties, SigningKey, UserToken, Validity,
    background,
};

use serde_json::{Value, json};

use super::{Failure, Kid, PartiesArgs, instant, print, say, seconds};

const EXAMPLES: &str = "\
Examples:
  # What GitLab answers to alice's docker push
  edgectl token user --key gitlab-registry.key --user alice --access repository:group/app:pull,push

  # What a cleanup policy deletes tags with
  edgectl token full-access group/app --key gitlab-registry.key

  # A token that expired a minute ago
  edgectl token empty --key gitlab-registry.key --expires-in=-1m

  # Ask a registry with one
  curl -H \"Authorization: Bearer $(edgectl token empty)\" http://127.0.0.1:5000/v2/

  # What is in it
  edgectl token pull group/app --json

The token alone goes to stdout (with --json an object of token, header and claims); what it grants is
said on stderr. A token for any purpose of GitLab's own, such as its statistics:
  edgectl token background registry:statistics:*
Exit codes: 0 success; 1 the command failed, one sentence on stderr says why;
2 the command line is wrong.";

/// Mint a token as GitLab does, for a user or for one of GitLab's background jobs
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Token {
    #[command(subcommand)]
    kind: TokenKind,

    #[command(flatten)]
    minting: Minting,
}

#[derive(Subcommand)]
enum TokenKind {
    /// A user's token, as /jwt/auth answers it
    User {
        /// Name of the user (`sub`)
        #[arg(long, value_name = "NAME")]
        user: String,

        /// Number of the user, in the nested `user` token
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        user_id: u64,

        /// How the user signed in; a deploy token has no `sub`
        #[arg(long, value_name = "KIND", default_value = "gitlab_or_ldap", value_parser = auth_types())]
        auth_type: AuthType,

        #[command(flatten)]
        granted: Granted,
    },
    /// The token of somebody without credentials: `auth_type` null, no `sub`
    Anonymous {
        #[command(flatten)]
        granted: Granted,
    },
    /// Background: no access at all; GitLab probes `GET /v2/` with it
    Empty,
    /// Background: everything (`*`) on each repository, deleting included; tags, manifests, cleanup policies
    FullAccess {
        /// Repositories
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Background: pull from each repository; Geo replication
    Pull {
        /// Repositories
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Background: pull from PATH and from the literal name `PATH/*`; sizes and listings
    PullNested {
        /// Repository
        path: String,
    },
    /// Background: pull and push of PATH, pull from `PATH/*`; renaming
    PushPullNested {
        /// Repository
        path: String,
    },
    /// Background: push-pull-nested, and push to `NEW_NAMESPACE/*`; transferring
    PushPullMove {
        /// Repository
        path: String,
        /// Where it moves to
        new_namespace: String,
    },
    /// Background: any access, such as `repository:group/app:delete` or `registry:statistics:*`
    Background {
        /// What the token grants
        #[arg(required = true, value_name = "TYPE:NAME:ACTIONS")]
        access: Vec<Access>,
    },
}

#[derive(Args)]
struct Granted {
    /// What the token grants, such as repository:group/app:pull,push; repeat for more
    #[arg(long, value_name = "TYPE:NAME:ACTIONS")]
    access: Vec<Access>,

    /// Print the nested `user` token alone. It is signed by the same key but must be refused as a bearer token:
    /// it has no issuer, service and access
    #[arg(long, conflicts_with = "access")]
    nested_user: bool,
}

#[derive(Args)]
struct Minting {
    /// Private key in PEM that the registry trusts (gitlab.rb: registry['internal_key'])
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        default_value = "gitlab-registry.key"
    )]
    key: PathBuf,

    #[command(flatten)]
    parties: PartiesArgs,

    /// From now to `exp`, in seconds or with units (90, 10m); negative for an expired token
    #[arg(long, value_name = "TIME", global = true, default_value = "10m", value_parser = seconds, allow_hyphen_values = true)]
    expires_in: i64,

    /// From now to `nbf`, in seconds or with units; positive for a token that is not valid yet
    #[arg(long, value_name = "TIME", global = true, default_value = "-5s", value_parser = seconds, allow_hyphen_values = true)]
    not_before: i64,

    /// Project that all named repositories belong to, for `meta.project_path` [default: the repository's own path]
    #[arg(long, value_name = "PATH", global = true)]
    project: Option<String>,

    /// Identifier of the key in `kid`: GitLab and Distribution 2 know libtrust, Distribution 3 RFC 7638
    #[arg(long, value_name = "KIND", global = true, value_enum, default_value_t = Kid::Libtrust)]
    kid: Kid,

    /// Signature algorithm; GitLab's is RS256
    #[arg(
        long,
        value_name = "ALG",
        global = true,
        default_value = "RS256",
        value_parser = PossibleValuesParser::new(["RS256", "RS384", "RS512"]).try_map(|name| name.parse::<Algorithm>())
    )]
    algorithm: Algorithm,

    /// Print one JSON object: the token, its header and its claims
    #[arg(long, global = true)]
    json: bool,
}

fn auth_types() -> impl clap::builder::TypedValueParser<Value = AuthType> {
    let names = AuthType::ALL.map(AuthType::name);
    PossibleValuesParser::new(names).try_map(|name| {
        AuthType::ALL
            .into_iter()
            .find(|auth_type| auth_type.name() == name)
            .ok_or("unknown kind")
    })
}

impl Token {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { kind, minting } = self;
        let key = SigningKey::from_pem_file(&minting.key)?;
        let now = unix_now();
        let validity = Validity {
            issued_at: now,
            not_before: now.saturating_add(minting.not_before),
            expires_at: now.saturating_add(minting.expires_in),
        };
        let parties = Parties::from(minting.parties);
        let project = minting.project;

        let claims = match kind {
            TokenKind::User {
                user,
                user_id,
                auth_type,
                granted,
            } => {
                let account = Account {
                    username: user,
                    id: user_id,
                    auth_type,
                };
                if granted.nested_user {
                    return print_nested(&key, Some(&account), now, minting.json);
                }
                let access = granted.in_project(project.as_deref());
                Claims::for_account(&key, &parties, &account, access, validity)?
            }
            TokenKind::Anonymous { granted } => {
                if granted.nested_user {
                    return print_nested(&key, None, now, minting.json);
                }
                Claims::anonymous(
                    &key,
                    &parties,
                    granted.in_project(project.as_deref()),
                    validity,
                )?
            }
            kind => Claims::background(
                &parties,
                kind.background_access(project.as_deref()),
                validity,
            ),
        };
        explain(&claims);
        let token = key.sign_with(&claims, minting.algorithm, minting.kid.into())?;
        print_token(&token, minting.json)
    }
}

impl TokenKind {
    fn background_access(self, project: Option<&str>) -> Vec<Access> {
        let access = match self {
            Self::FullAccess { paths } => background::full_access(paths),
            Self::Pull { paths } => background::pull(paths),
            Self::PullNested { path } => background::pull_nested(&path),
            Self::PushPullNested { path } => background::push_pull_nested(&path),
            Self::PushPullMove {
                path,
                new_namespace,
            } => background::push_pull_move(&path, &new_namespace),
            Self::Background { access } => access.into_iter().map(background::with_meta).collect(),
            Self::Empty | Self::User { .. } | Self::Anonymous { .. } => Vec::new(),
        };
        in_project(access, project)
    }
}

impl Granted {
    fn in_project(self, project: Option<&str>) -> Vec<Access> {
        in_project(
            self.access.into_iter().map(background::with_meta).collect(),
            project,
        )
    }
}

/// Replaces the project that was read off the path, where there is one.
fn in_project(access: Vec<Access>, project: Option<&str>) -> Vec<Access> {
    let Some(project) = project else {
        return access;
    };
    let moved = |access: Access| {
        let meta = access.meta.as_ref().map(|_| Meta::of_project(project));
        access.with_meta(meta)
    };
    access.into_iter().map(moved).collect()
}

/// The token as text, or as an object with what is inside.
fn print_token(token: &str, json: bool) -> Result<(), Failure> {
    if !json {
        return print(token);
    }
    let mut parts = token.split('.').map(|part| -> Result<Value, Failure> {
        Ok(serde_json::from_slice(&BASE64URL.decode(part)?)?)
    });
    let mut part = || parts.next().unwrap_or(Ok(Value::Null));
    let (header, claims) = (part()?, part()?);
    print(&json!({ "token": token, "header": header, "claims": claims }).to_string())
}

fn print_nested(
    key: &SigningKey,
    account: Option<&Account>,
    now: i64,
    json: bool,
) -> Result<(), Failure> {
    let nested = UserToken::new(account, now);
    say(&format!(
        "nested `user` token, grants nothing; ends {}",
        instant(nested.exp)
    ));
    print_token(&key.sign(&nested)?, json)
}

fn explain(claims: &Claims) {
    let access: Vec<String> = claims.access.iter().map(ToString::to_string).collect();
    let access = if access.is_empty() {
        "nothing".to_owned()
    } else {
        access.join(" ")
    };
    let who = match (&claims.sub, claims.auth_type) {
        (Some(name), _) => format!("of {name}"),
        (None, Some(Some(_))) => "of a deploy token".to_owned(),
        (None, Some(None)) => "of nobody".to_owned(),
        (None, None) => "of a background job".to_owned(),
    };
    say(&format!(
        "token {who} from {} for {}, grants {access}; valid from {} to {}",
        claims.iss,
        claims.aud,
        instant(claims.nbf),
        instant(claims.exp)
    ));
}
