//! NGINX with the module, in front of a registry that says what it was asked.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use corpus::{Corpus, Setting};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use testbed::nginx::{Nginx, Settings, Text, Version, try_out};
use testbed::process::{Folder, free_port};
use testbed::tools::{Progress, Tools};

use testbed::wire::{Request, Response};

use crate::http;

/// In the answers of what stands in the registry's place.
const MARK: &str = "x-upstream-target";

/// A test on one version: a sentence, and the function that panics unless it is so.
pub(crate) type Test = (&'static str, fn(Version));

/// The tests of a theme, on every version.
pub(crate) fn on_every_version(theme: &str, tests: &'static [Test]) -> Vec<Trial> {
    Version::ALL
        .into_iter()
        .flat_map(|version| tests.iter().map(move |&(name, test)| (version, name, test)))
        .map(|(version, name, test)| {
            let run = move || {
                std::panic::catch_unwind(|| test(version)).map_err(|panic| {
                    let text = panic.downcast_ref::<String>().cloned();
                    let word = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                    Failed::from(text.or(word).unwrap_or_default())
                })
            };
            Trial::test(format!("{theme}: {name}"), run).with_kind(version.name())
        })
        .collect()
}

pub(crate) fn tools() -> &'static Tools {
    static TOOLS: OnceLock<Tools> = OnceLock::new();
    TOOLS.get_or_init(|| Tools::open(Progress::stderr()).unwrap())
}

/// NGINX of this version, with the module of this tree, which is built once.
pub(crate) fn settings(version: Version, text: Text) -> Settings {
    static DEBIAN: OnceLock<PathBuf> = OnceLock::new();
    static NEWER: OnceLock<PathBuf> = OnceLock::new();
    let built = match version {
        Version::Nginx1_22 => &DEBIAN,
        Version::Nginx1_28 => &NEWER,
    };
    let build = || {
        let module = version.module(tools());
        module.unwrap_or_else(|error| panic!("{error}"))
    };
    Settings {
        version,
        module: built.get_or_init(build).clone(),
        workers: 1,
        text,
    }
}

/// A running NGINX with its folder.
pub(crate) struct Edge {
    pub(crate) nginx: Nginx,
    pub(crate) folder: Folder,
    pub(crate) port: u16,
}

impl Edge {
    /// `http` is the inside of the `http` block. `{port}` is where the edge listens, `{upstream}`
    /// the address of what stands in the registry's place, `{config}` the file with the standard
    /// configuration.
    pub(crate) fn start(version: Version, http: &str) -> Self {
        let folder = Folder::temporary("registry-nginx-").unwrap();
        let (port, upstream) = (free_port().unwrap(), free_port().unwrap());
        let config = folder.path().join("filter.json");
        std::fs::write(&config, standard().to_string()).unwrap();
        let http = completed(http, port, upstream, &config);
        let nginx = Nginx::start(
            tools(),
            settings(version, Text::Http(http)),
            folder.path(),
            port,
        )
        .unwrap_or_else(|error| panic!("{error}"));
        Self {
            nginx,
            folder,
            port,
        }
    }

    pub(crate) fn send(&self, request: &Request) -> Response {
        http::send(self.port, request)
    }

    /// The target that arrived at the registry, if anything did.
    pub(crate) fn forwarded(&self, request: &Request) -> Option<String> {
        self.send(request).field(MARK)
    }

    /// Panics unless the workers are those that were started: none was lost.
    pub(crate) fn assert_alive(&self) {
        let log = self.nginx.log_text();
        assert!(!log.contains("exited on signal"), "{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// What `nginx -t` says of an `http` block; the error is what it prints when it refuses.
pub(crate) fn check(version: Version, http: &str) -> Result<String, String> {
    let folder = Folder::temporary("registry-nginx-").unwrap();
    let config = folder.path().join("filter.json");
    std::fs::write(&config, standard().to_string()).unwrap();
    let http = completed(http, free_port().unwrap(), free_port().unwrap(), &config);
    try_out(tools(), &settings(version, Text::Http(http)), folder.path())
        .map_err(|error| error.to_string())
}

fn completed(http: &str, port: u16, upstream: u16, config: &Path) -> String {
    let registry = format!(
        "server {{ listen 127.0.0.1:{upstream}; location / {{ \
         add_header {MARK} $request_uri always; return 200 \"registry\\n\"; }} }}\n"
    );
    let http = http
        .replace("{port}", &format!("127.0.0.1:{port}"))
        .replace("{upstream}", &format!("127.0.0.1:{upstream}"))
        .replace("{config}", &config.display().to_string());
    format!("{registry}{http}")
}

/// Whether an answer came from what stands in the registry's place.
pub(crate) fn is_from_registry(answer: &Response) -> bool {
    answer.field(MARK).is_some()
}

/// The corpus's standard configuration of GitLab's registry.
pub(crate) fn standard() -> Value {
    with_gitlab(|setting| setting.filter_configuration())
}

/// A token of GitLab for these scopes, good now.
pub(crate) fn token(scopes: &[&str]) -> String {
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    with_gitlab(|setting| setting.token(&scopes, now()))
}

fn with_gitlab<T>(use_it: impl FnOnce(&Setting<'_>) -> T) -> T {
    let corpus = Corpus::load();
    let mut settings = corpus.settings();
    let gitlab = settings.find(|setting| setting.profile.name == "gitlab");
    use_it(&gitlab.unwrap())
}

/// The time, in seconds since 1970.
pub(crate) fn now() -> i64 {
    let now = std::time::SystemTime::now();
    let since_epoch = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    since_epoch.as_secs().cast_signed()
}
