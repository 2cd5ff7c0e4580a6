//! `edgectl issuer`

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use edgectl::SigningKey;
use edgectl::issuer::{CurrentDirectory, Directory, Issuer, Limits, router, serve};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Kid, PartiesArgs, print, say, seconds};

const AFTER_HELP: &str = "\
Answers `GET /jwt/auth` as GitLab does; everything else is 404.

  200 {\"token\":\"…\"}  possibly with less access than asked
  401 UNAUTHORIZED    wrong name or password
  403 DENIED          nothing granted without credentials; a push-protected namespace;
                      a credential without any registry ability
  404                 another service (no body); registry off, see --registry-off (UNAVAILABLE)

The users file (TOML; PASSWORDS IN PLAIN TEXT, so use none that matters):

  [namespaces.group]            # a group, user or project with everything below it
  visibility = \"private\"        # public, internal or private
  push_protected = false        # true: only admins push

  [[users]]
  name = \"alice\"
  password = \"alice-password\"
  admin = false                 # true: everything, and the catalog
  registry = true               # false: 403 for everything
  auth_type = \"gitlab_or_ldap\"  # personal_access_token, oauth, build, deploy_token
  access = { group = [\"pull\"], \"group/app\" = [\"pull\", \"push\", \"delete\"] }

edgectl/users.example.toml in the source is a complete one.

The first line on stdout is the bound address, `127.0.0.1:43211`, or with --json
`{\"listening\":\"127.0.0.1:43211\",\"realm\":\"http://127.0.0.1:43211/jwt/auth\"}`.
Each request is one line on stderr: status, who, scopes asked and granted; never a password
or token.

A changed users file is taken within a second, or at once at SIGHUP. One that cannot be used is
not taken: line, column and remedy are said, and the users of before stay. Ctrl-C and SIGTERM stop
the server.

Examples:
  edgectl keys
  edgectl issuer --users users.toml --listen 127.0.0.1:8080

Ask it (quote the URL):
  curl -u alice:alice-password \\
    'http://127.0.0.1:PORT/jwt/auth?service=container_registry&scope=repository:group/app:pull'

Exit codes: 0 stopped by a signal; 1 the command failed, one sentence on stderr says why;
2 the command line is wrong.";

/// Stand in for GitLab's token endpoint, on a developer's machine and in tests
///
/// Not for production: passwords lie in plain text in a file, and nothing slows guessing down.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Serve {
    /// Private key in PEM that signs tokens, as `edgectl keys` makes it
    #[arg(long, value_name = "FILE", default_value = "gitlab-registry.key")]
    key: PathBuf,

    /// Users and namespaces (TOML), see below
    #[arg(long, value_name = "FILE")]
    users: PathBuf,

    #[command(flatten)]
    parties: PartiesArgs,

    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// Allow --listen to name an address that other machines can reach, unencrypted
    #[arg(long)]
    allow_remote: bool,

    /// Lifetime of tokens, in seconds or with units (90, 10m); a fresh GitLab gives 5 minutes, GitLab.com 15
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = lifetime)]
    lifetime: i64,

    /// Identifier of the key in `kid`: GitLab's is libtrust; Distribution 3 knows RFC 7638 only
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Kid::Libtrust)]
    kid: Kid,

    /// Answer as a GitLab whose container registry is switched off
    #[arg(long)]
    registry_off: bool,

    /// Print the bound address as one JSON object
    #[arg(long)]
    json: bool,
}

fn lifetime(text: &str) -> Result<i64, String> {
    match seconds(text)? {
        lifetime if lifetime > 0 => Ok(lifetime),
        _ => Err("expected more than 0 seconds; `edgectl token` mints expired tokens".to_owned()),
    }
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if !self.listen.ip().is_loopback() && !self.allow_remote {
            return Err(format!(
                "--listen {}: other machines could fetch tokens there with passwords sent in clear; listen on \
                 127.0.0.1, or add --allow-remote",
                self.listen
            )
            .into());
        }
        let users = UsersFile::open(self.users)?;
        let issuer = Issuer {
            key: SigningKey::from_pem_file(&self.key)?,
            parties: self.parties.into(),
            key_id: self.kid.into(),
            lifetime: self.lifetime,
            directory: users.directory.clone(),
            enabled: !self.registry_off,
        };
        // One thread for connections; tokens are signed on threads beside it.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(listen(issuer, users, self.listen, self.json))
    }
}

/// How often the users file is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The users file, and what was last read there.
struct UsersFile {
    path: PathBuf,
    text: Result<String, String>,
    directory: CurrentDirectory,
}

impl UsersFile {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        let text = read(&path);
        let directory = CurrentDirectory::new(parse(&path, &text)?);
        Ok(Self {
            path,
            text,
            directory,
        })
    }

    /// Takes the file when its text changed. Not its time or inode: editors, `mv` and mounted volumes change
    /// those in different ways, and the file is small.
    fn look(&mut self) {
        let text = read(&self.path);
        if text == self.text {
            return;
        }
        match parse(&self.path, &text) {
            Ok(directory) => {
                let (users, namespaces) = directory.size();
                self.directory.replace(directory);
                say(&format!(
                    "{} taken anew: {users} users, {namespaces} namespaces",
                    self.path.display()
                ));
            }
            Err(error) => say(&format!("{error}\nnot taken; the users of before stay")),
        }
        self.text = text;
    }

    async fn watch(mut self) {
        let mut hangup = signal(SignalKind::hangup()).ok();
        loop {
            match &mut hangup {
                Some(hangup) => {
                    // Whichever comes first.
                    let _ = tokio::time::timeout(LOOK, hangup.recv()).await;
                }
                None => tokio::time::sleep(LOOK).await,
            }
            self.look();
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the users file {}: {error}", path.display()))
}

fn parse(path: &Path, text: &Result<String, String>) -> Result<Directory, String> {
    let text = text.as_ref().map_err(Clone::clone)?;
    Directory::from_toml(text)
        .map_err(|error| format!("the users file {}: {error}", path.display()))
}

async fn listen(
    issuer: Issuer,
    users: UsersFile,
    address: SocketAddr,
    json: bool,
) -> Result<(), Failure> {
    // Before the address is told, so that nobody can signal too early.
    let stop = stopped()?;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen on {address}: {error}; --listen 127.0.0.1:0 picks a free port")
    })?;
    let bound = listener.local_addr()?;
    let realm = format!("http://{bound}/jwt/auth");
    say(&format!(
        "GitLab's token endpoint, played for {} (issuer {}, key {}) at {realm}\n\
         for local use only: passwords in plain text, no encryption",
        issuer.parties.service,
        issuer.parties.issuer,
        issuer.key.key_id()
    ));
    if json {
        print(&json!({ "listening": bound, "realm": realm }).to_string())?;
    } else {
        print(&bound.to_string())?;
    }
    // Ends with the runtime.
    tokio::spawn(users.watch());
    let router = router(issuer, |answered| say(&answered.to_string()));
    serve(listener, router, Limits::default(), stop).await;
    say("stopped");
    Ok(())
}

/// Resolves at SIGINT or SIGTERM.
pub(super) fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
