//! A running edge with what tests ask of it: requests, tokens, logs.

use edgectl::{KeyIdKind, Parties, SigningKey};
use registry_token_filter::profile::Profile;
use serde_json::json;
use testbed::Stack;
use testbed::envoy;
use testbed::issuer::{Namespace, User, Visibility};
use testbed::registry::{self, Node, Release, TokenAuth};
use testbed::stack::Builder;

use super::http::Client;
use super::image::Image;
use super::lab::Parts;
use super::log::{Entry, LogMark, access_log};
use super::mint::Mint;
use super::suite;

/// The repository most requests are about. Its tag `latest` is there from the start.
pub(crate) const APP: &str = "group/app";
/// A private repository, with one image as well.
pub(crate) const SECRET: &str = "group/secret";
/// A public repository, with one image as well.
pub(crate) const PUBLIC: &str = "group/public";

/// Below it, each test that leaves something behind has a repository of its own.
pub(crate) const COPIES: &str = "group/copies";

/// Everything everywhere, and the catalog.
pub(crate) fn root() -> User {
    User::new("root", "root-password").admin()
}

/// Pushes to `group/app` and below `group/copies`, and reads `group/secret`.
pub(crate) fn alice() -> User {
    pusher("alice").may(SECRET, &["pull"])
}

/// As Alice, but without rights on `group/secret`.
pub(crate) fn bob() -> User {
    pusher("bob")
}

fn pusher(name: &str) -> User {
    let user = User::new(name, &format!("{name}-password"));
    user.may(APP, &["pull", "push"])
        .may(COPIES, &["pull", "push"])
}

/// Reads `group/app`.
pub(crate) fn carol() -> User {
    User::new("carol", "carol-password").may(APP, &["pull"])
}

/// How an edge differs from the others.
pub(crate) struct Setup {
    profile: Profile,
    release: Release,
    /// Whether a node with token checks of its own stands beside the pool.
    reference: bool,
    adjust: Box<dyn FnOnce(Builder) -> Builder>,
}

impl Setup {
    /// As shipped for GitLab; Distribution 2.8 is in the place of GitLab's registry, whose answers
    /// to authorized requests are of no interest here.
    pub(crate) fn gitlab() -> Self {
        Self::adjusted(Profile::Gitlab, Release::Distribution2, |builder| {
            builder.envoy(envoy::Settings {
                through_func_e: true,
                ..Default::default()
            })
        })
    }

    /// Distribution of this release, with the reference to compare with.
    pub(crate) fn distribution(release: Release) -> Self {
        let profile = profile(release);
        Self {
            reference: true,
            ..Self::adjusted(profile, release, |builder| builder)
        }
    }

    /// Any other edge.
    pub(crate) fn adjusted(
        profile: Profile,
        release: Release,
        adjust: impl FnOnce(Builder) -> Builder + 'static,
    ) -> Self {
        Self {
            profile,
            release,
            reference: false,
            adjust: Box::new(adjust),
        }
    }
}

/// The profile that answers as this release does.
pub(crate) fn profile(release: Release) -> Profile {
    Profile::from_name(release.profile()).unwrap()
}

/// A stack with the filter in it.
pub(crate) struct Edge {
    pub(crate) profile: Profile,
    /// Requests through the edge.
    pub(crate) client: Client,
    /// Tokens as the registry's issuer makes them, and others.
    pub(crate) mint: Mint,
    /// What is in the repositories from the start.
    pub(crate) app: Image,
    pub(crate) secret: Image,
    pub(crate) public: Image,
    pub(crate) stack: Stack,
    reference: Option<Node>,
    shared: bool,
}

impl Edge {
    /// Starts a stack, and pushes an image to each repository through the edge.
    pub(crate) fn start(parts: &Parts, setup: Setup) -> Self {
        let builder = parts
            .builder()
            .release(setup.release)
            .plugin("profile", setup.profile.name());
        let builder = [root(), alice(), bob(), carol()]
            .into_iter()
            .fold(builder, Builder::user)
            .namespace(Namespace {
                name: PUBLIC.to_owned(),
                visibility: Visibility::Public,
                push_protected: false,
            })
            // The nodes are configured to send it, so what the filter answers has it as well.
            .plugin("headers", json!({"X-Content-Type-Options": ["nosniff"]}));
        let stack = (setup.adjust)(builder)
            .start()
            .unwrap_or_else(|error| panic!("{error}"));
        let reference = setup.reference.then(|| reference(parts, &stack));

        let key = SigningKey::from_pem_file(&stack.signing_key().key).unwrap();
        let certificate = std::fs::read_to_string(&stack.signing_key().certificate).unwrap();
        let kid = match setup.profile {
            Profile::Gitlab | Profile::Distribution28 => KeyIdKind::Libtrust,
            Profile::Distribution3 => KeyIdKind::Rfc7638,
        };
        let mint = Mint::new(key, certificate, kid, Parties::default());
        let client = Client::new(stack.port(), stack.ca_file());
        let push = |repository: &str| {
            let token = mint.token(&[&format!("repository:{repository}:pull,push")]);
            Image::unique(repository).push(&client, repository, "latest", &token)
        };
        let (app, secret, public) = (push(APP), push(SECRET), push(PUBLIC));
        let shared = setup.reference || setup.profile == Profile::Gitlab;
        Self {
            profile: setup.profile,
            client,
            mint,
            app,
            secret,
            public,
            stack,
            reference,
            shared,
        }
    }

    /// The node that checks tokens itself.
    pub(crate) fn reference(&self) -> Client {
        let node = self.reference.as_ref().unwrap();
        Client::new(node.settings().port, self.stack.ca_file())
    }

    /// The value of `WWW-Authenticate` for this scope and error.
    pub(crate) fn challenge(&self, scope: &str, error: Option<&str>) -> String {
        let mut value = format!(
            "Bearer realm=\"{}\",service=\"container_registry\"",
            self.stack.realm()
        );
        if !scope.is_empty() {
            value.push_str(&format!(",scope=\"{scope}\""));
        }
        if let Some(error) = error {
            value.push_str(&format!(",error=\"{error}\""));
        }
        value
    }

    /// Where Envoy's log stands now.
    pub(crate) fn mark(&self) -> LogMark {
        LogMark::end_of(self.stack.envoy().log())
    }

    /// The requests in the access log since the mark. A request of our own goes last, and what is
    /// there before it is complete.
    pub(crate) fn requests_since(&self, mark: &LogMark) -> Vec<Entry> {
        let sentinel = super::http::marker();
        let request = super::http::Request::get("/").field("user-agent", &sentinel);
        self.client.send(super::http::Version::Http11, &request);
        let text = mark.wait_until(&sentinel, |text| {
            let text = access_log(&text);
            text.contains(&sentinel).then_some(text)
        });
        text.lines()
            .filter(|line| !line.contains(&sentinel))
            .filter_map(Entry::of)
            .collect()
    }

    /// Whether a node was asked anything by the user agent `marker`.
    ///
    /// A node logs a request when it has answered it, so a request of our own goes to each node
    /// first: once that is in its log, so is all that came before.
    pub(crate) fn nodes_saw(&self, marker: &str) -> bool {
        let sentinel = super::http::marker();
        self.stack.nodes().iter().any(|node| {
            let client = Client::new(node.settings().port, self.stack.ca_file());
            let request = super::http::Request::get("/v2/").field("user-agent", &sentinel);
            client.send(super::http::Version::Http11, &request);
            let log = LogMark::start_of(node.log());
            log.wait_for(&sentinel);
            log.text().contains(marker)
        })
    }

    /// Envoy's own process id: with func-e, which only starts it, that of its child.
    pub(crate) fn envoy_pid(&self) -> u32 {
        let started = self.stack.envoy().pid();
        children(started).first().copied().unwrap_or(started)
    }

    /// The process ids of everything that was started for this edge, as far as they are known.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let mut pids = vec![self.stack.envoy().pid(), self.envoy_pid()];
        pids.extend(self.stack.nodes().iter().filter_map(Node::pid));
        pids.extend(self.reference.as_ref().and_then(Node::pid));
        pids
    }

    /// Panics unless the filter's VMs are those that were started: none was lost to a trap.
    pub(crate) fn assert_alive(&self) {
        let admin = self.stack.envoy().admin();
        let reloads = admin.stats("vm_reload").unwrap();
        assert!(!reloads.is_empty(), "Envoy counts them");
        assert!(
            reloads.iter().all(|(_, count)| *count == 0),
            "a VM was lost: {reloads:?}"
        );
        assert!(
            !self.stack.envoy().log_text().contains("wasm_fail_stream"),
            "a VM was lost"
        );
        let answer = self.client.get("/v2/", &self.mint.token(&[]));
        assert_eq!(answer.status, 200, "a good request: {answer}");
    }
}

impl Drop for Edge {
    /// An edge of a test's own ends with its folder: what its log says is told before.
    fn drop(&mut self) {
        if std::thread::panicking() && !self.shared {
            suite::tell(LogMark::start_of(self.stack.envoy().log()).excerpt());
        }
    }
}

/// A node on the pool's storage that checks tokens with the filter's own settings.
fn reference(parts: &Parts, stack: &Stack) -> Node {
    let of_pool = stack.nodes().first().unwrap().settings().clone();
    let token = TokenAuth {
        realm: stack.realm().to_owned(),
        service: Parties::GITLAB_SERVICE.to_owned(),
        issuer: Parties::OMNIBUS_ISSUER.to_owned(),
        rootcertbundle: stack.signing_key().certificate.clone(),
        further: Default::default(),
    };
    let settings = registry::Settings {
        nosniff: true,
        name: "reference".to_owned(),
        port: testbed::process::free_port().unwrap(),
        token: Some(token),
        ..of_pool
    };
    Node::start(parts.tools(), settings, stack.folder()).unwrap()
}

/// Whether a process exists and is not only waiting to be collected.
pub(crate) fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

/// The processes that any thread of this one started.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}
