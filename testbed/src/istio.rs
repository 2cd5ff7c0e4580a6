//! Istio without a cluster: istiod reads resources from a folder, its agent runs Envoy on this machine.
//!
//! Real are istiod, the agent and Envoy. istiod wants a Kubernetes API server beside the folder, which
//! cannot be installed by name; in its place stands one that has nothing in it (`istio/api.rs`).
//!
//! The agent writes below `/var/lib/istio`; it is given a folder of its own there, in a mount
//! namespace, for which one has to be root.

mod api;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::process::{Process, free_port, output, read_lossy};
use crate::tools::{ENVOY, ISTIO_AGENT, ISTIOD, Tools};

use api::Api;

const READY: Duration = Duration::from_secs(60);

/// A running istiod, an agent and its Envoy, which is a gateway with the label `app: registry`.
#[derive(Debug)]
pub struct Istio {
    // In the order in which they are to end.
    agent: Process,
    _istiod: Process,
    _api: Api,
    resources: PathBuf,
    agent_log: PathBuf,
}

impl Istio {
    /// Starts everything with these resources (YAML documents) and waits until `port` of its Envoy
    /// accepts connections.
    ///
    /// # Errors
    /// As [`Istio::launch`], or when nothing listens within a minute.
    pub fn start(tools: &Tools, resources: &str, port: u16, folder: &Path) -> Result<Self> {
        let mut istio = Self::launch(tools, resources, folder)?;
        istio.agent.wait_for_port(port, READY)?;
        Ok(istio)
    }

    /// Starts everything with these resources, whatever comes of them.
    ///
    /// # Errors
    /// When a program cannot be had, istiod does not start, or there is no mount namespace to be had.
    pub fn launch(tools: &Tools, resources: &str, folder: &Path) -> Result<Self> {
        let (istiod, agent) = (tools.ensure(&ISTIOD)?, tools.ensure(&ISTIO_AGENT)?);
        let envoy = tools.ensure(&ENVOY)?;
        let place = |name: &str| folder.join(name);
        for needed in ["resources", "agent", "state/data"] {
            let needed = place(needed);
            std::fs::create_dir_all(&needed).map_err(Error::io("make", &needed))?;
        }
        let api = Api::start()?;
        write(&place("kubeconfig"), &kubeconfig(api.port()).to_string())?;
        let xds = free_port()?;
        let discovery = format!("127.0.0.1:{xds}");
        let mesh = json!({ "defaultConfig": { "discoveryAddress": discovery } });
        write(&place("mesh.yaml"), &mesh.to_string())?;
        let resources_file = place("resources/all.yaml");
        write(&resources_file, resources)?;

        let mut command = Command::new(istiod);
        command.args(["discovery", "--registries=Kubernetes", "--configDir"]);
        command.arg(place("resources")).arg("--kubeconfig");
        command.arg(place("kubeconfig")).arg("--meshConfig");
        command.arg(place("mesh.yaml"));
        command.args(["--httpsAddr=", "--secureGRPCAddr="]);
        command.arg(format!("--grpcAddr={discovery}"));
        for flag in ["httpAddr", "monitoringAddr"] {
            command.arg(format!("--{flag}=127.0.0.1:{}", free_port()?));
        }
        // An Envoy that is not Istio's own has none of Istio's filters.
        command.env("PILOT_ENABLE_METADATA_EXCHANGE", "false");
        command.env("PILOT_ENABLE_ALPN_FILTER", "false");
        command.env("POD_NAMESPACE", "istio-system");
        command.current_dir(folder);
        let mut istiod = Process::spawn("istiod", command, &place("istiod.log"))?;
        istiod.wait_for_port(xds, READY)?;

        let script = place("start.sh");
        write(&script, START)?;
        let agent_log = place("agent.log");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh"])
            .arg(&script)
            .arg(place("state"));
        command
            .arg(agent)
            .args(["proxy", "router", "--domain", "registry.svc.cluster.local"]);
        command.current_dir(place("agent"));
        command.env("FILE_MOUNTED_CERTS", "true");
        command.env("ISTIO_BOOTSTRAP", bootstrap()?);
        command
            .env("POD_NAMESPACE", "registry")
            .env("POD_NAME", "edge");
        command.env("INSTANCE_IP", "127.0.0.1");
        command.env("ISTIO_META_CLUSTER_ID", "Kubernetes");
        command.env("ISTIO_METAJSON_LABELS", r#"{"app":"registry"}"#);
        let proxy = json!({
            "discoveryAddress": discovery,
            "controlPlaneAuthPolicy": "NONE",
            "binaryPath": envoy,
            "configPath": place("agent/etc"),
            "proxyAdminPort": free_port()?,
            "statusPort": free_port()?,
        });
        command.env("PROXY_CONFIG", proxy.to_string());
        Ok(Self {
            agent: Process::spawn("pilot-agent", command, &agent_log)?,
            _istiod: istiod,
            _api: api,
            resources: resources_file,
            agent_log,
        })
    }

    /// Puts these resources in place of the others.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn update(&self, resources: &str) -> Result<()> {
        // Written beside and moved, so that no half of it is read.
        let beside = self.resources.with_extension("new");
        write(&beside, resources)?;
        std::fs::rename(&beside, &self.resources).map_err(Error::io("write", &self.resources))
    }

    /// Waits until the agent, or its Envoy, logs this.
    ///
    /// # Errors
    /// When it did not within a minute.
    pub fn wait_for_log(&self, text: &str) -> Result<()> {
        let end = Instant::now() + READY;
        while Instant::now() < end {
            if read_lossy(&self.agent_log).contains(text) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = self.agent_log.display();
        Err(Error::Other(format!("{log} does not say {text}")))
    }
}

const START: &str = "\
set -e
mkdir -p /var/lib/istio
mount --bind \"$1\" /var/lib/istio; shift
exec \"$@\"
";

fn kubeconfig(port: u16) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "none", "cluster": { "server": format!("http://127.0.0.1:{port}") } }],
        "contexts": [{ "name": "none", "context": { "cluster": "none", "user": "nobody" } }],
        "users": [{ "name": "nobody", "user": {} }],
        "current-context": "none",
    })
}

/// Envoy's bootstrap, of the same version of Istio's source that the agent was built from.
fn bootstrap() -> Result<PathBuf> {
    let mut go = Command::new("go");
    go.args(["env", "GOMODCACHE"]);
    let cache = output(&mut go)?;
    let module = format!("istio.io/istio@v{}", ISTIO_AGENT.version);
    let file = "tools/packaging/common/envoy_bootstrap.json";
    let path = Path::new(cache.trim()).join(module).join(file);
    if path.is_file() {
        return Ok(path);
    }
    // The programs may be of another machine's building.
    let mut go = Command::new("go");
    go.args(["mod", "download"]);
    go.arg(format!("istio.io/istio@v{}", ISTIO_AGENT.version));
    output(go.current_dir(std::env::temp_dir()))?;
    Ok(path)
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(Error::io("write", file))
}
