//! Envoy Gateway without a cluster: it reads resources from a file and runs Envoy on this machine.
//!
//! Its ports are fixed (18000 to 18002, 19000 to 19003), so there can be one at a time. It and its
//! Envoy expect certificates in `/certs` and the control plane under its name in a cluster; both are
//! given to it in a mount namespace of its own, for which one has to be root. The machine's own
//! `/etc` stays as it is.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::{Process, output, read_lossy};
use crate::tools::{ENVOY, ENVOY_GATEWAY, Tools};

/// Certificates are made, and Envoy starts.
const READY: Duration = Duration::from_secs(60);

/// The port of its xDS server.
const XDS: u16 = 18000;

/// A running Envoy Gateway.
#[derive(Debug)]
pub struct EnvoyGateway {
    _process: Process,
    resources: PathBuf,
    log: PathBuf,
    /// The folder at the root that had to be made.
    made: Option<PathBuf>,
}

/// What has to be among the resources for Envoy to be run on this machine: the class `envoy-gateway`,
/// which names the version of Envoy, and the certificate by which Envoy fetches modules.
const CLASS: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: envoy-gateway}
spec:
  controllerName: gateway.envoyproxy.io/gatewayclass-controller
  parametersRef: {group: gateway.envoyproxy.io, kind: EnvoyProxy, name: host, namespace: registry}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyProxy
metadata: {name: host, namespace: registry}
spec:
  provider: {type: Host, host: {envoyVersion: \"{version}\"}}
---
apiVersion: v1
kind: Secret
metadata: {name: envoy, namespace: envoy-gateway-system}
type: kubernetes.io/tls
data:
  ca.crt: {ca}
  tls.crt: {certificate}
  tls.key: {key}
---
";

impl EnvoyGateway {
    /// Starts it with these resources (YAML documents) and waits until `port` of its Envoy accepts
    /// connections.
    ///
    /// # Errors
    /// As [`EnvoyGateway::launch`], or when nothing listens within a minute.
    pub fn start(tools: &Tools, resources: &str, port: u16, folder: &Path) -> Result<Self> {
        let gateway = Self::launch(tools, resources, folder)?;
        gateway.wait_for(port)?;
        Ok(gateway)
    }

    /// Starts it with these resources, whatever comes of them.
    ///
    /// # Errors
    /// When a program cannot be had, a port is taken, or there is no mount namespace to be had.
    pub fn launch(tools: &Tools, resources: &str, folder: &Path) -> Result<Self> {
        let program = tools.ensure(&ENVOY_GATEWAY)?;
        let envoy = tools.ensure(&ENVOY)?;
        if TcpListener::bind(("127.0.0.1", XDS)).is_err() {
            return Err(Error::Other(format!(
                "port {XDS} is taken: another Envoy Gateway runs on this machine, and there can be one"
            )));
        }
        let place = |name: &str| folder.join(name);
        let binaries = place("data/envoy-versions").join(ENVOY.version).join("bin");
        for needed in [
            &binaries,
            &place("resources"),
            &place("etc"),
            &place("work"),
        ] {
            std::fs::create_dir_all(needed).map_err(Error::io("make", needed))?;
        }
        let binary = binaries.join("envoy");
        std::os::unix::fs::symlink(&envoy, &binary).map_err(Error::io("link", &binary))?;
        let mut certificates = Command::new(&program);
        certificates.args(["certgen", "--local", "--config-home"]);
        output(certificates.arg(place("config")))?;

        let made = made(Path::new("/certs"))?;
        let configuration = place("envoy-gateway.yaml");
        write(&configuration, &settings(folder))?;
        Ok(Self {
            resources: place("resources/all.yaml"),
            log: place("envoy-gateway.log"),
            _process: {
                write(
                    &place("resources/all.yaml"),
                    &with_class(resources, folder)?,
                )?;
                let script = place("start.sh");
                write(&script, START)?;
                let mut command = Command::new("unshare");
                command.args(["--mount", "sh"]).arg(&script).arg(folder);
                command.arg(&program).args(["server", "--config-path"]);
                command.arg(&configuration);
                Process::spawn("envoy-gateway", command, &place("envoy-gateway.log"))?
            },
            made,
        })
    }

    /// Puts these resources in place of the others. It takes up to a second until they are read.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn update(&self, resources: &str) -> Result<()> {
        let folder = self.resources.parent().and_then(Path::parent);
        let text = with_class(resources, folder.unwrap_or(Path::new(".")))?;
        // Written beside and moved, so that no half of it is read.
        let beside = self.resources.with_extension("new");
        write(&beside, &text)?;
        std::fs::rename(&beside, &self.resources).map_err(Error::io("write", &self.resources))
    }

    /// What it and its Envoy logged.
    #[must_use]
    pub fn log_text(&self) -> String {
        read_lossy(&self.log)
    }

    /// Waits until it, or its Envoy, logs this.
    ///
    /// # Errors
    /// When it did not within a minute.
    pub fn wait_for_log(&self, text: &str) -> Result<()> {
        let end = std::time::Instant::now() + READY;
        while std::time::Instant::now() < end {
            if self.log_text().contains(text) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = self.log.display();
        Err(Error::Other(format!("{log} does not say {text}")))
    }

    fn wait_for(&self, port: u16) -> Result<()> {
        let end = std::time::Instant::now() + READY;
        while std::time::Instant::now() < end {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = self.log_text();
        let end: Vec<&str> = log.lines().rev().take(15).collect();
        Err(Error::Other(format!(
            "Envoy Gateway has nothing listen on port {port}; the last lines of its log, the last \
             first:\n{}",
            end.join("\n")
        )))
    }
}

impl Drop for EnvoyGateway {
    fn drop(&mut self) {
        if let Some(made) = &self.made {
            // Empty outside of the namespace.
            let _left = std::fs::remove_dir(made);
        }
    }
}

/// In a mount namespace: the control plane's name in a cluster is this machine, and its certificates
/// are where they are in a cluster.
const START: &str = "\
set -e
folder=$1; shift
mount -t overlay overlay -o lowerdir=/etc,upperdir=\"$folder/etc\",workdir=\"$folder/work\" /etc
echo '127.0.0.1 envoy-gateway.envoy-gateway-system.svc.cluster.local' >> /etc/hosts
mount --bind \"$folder/config/certs/envoy-gateway\" /certs
exec \"$@\"
";

fn settings(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
gateway: {{controllerName: gateway.envoyproxy.io/gatewayclass-controller}}
provider:
  type: Custom
  custom:
    resource: {{type: File, file: {{paths: [\"{folder}/resources\"]}}}}
    infrastructure:
      type: Host
      host:
        configHome: \"{folder}/config\"
        dataHome: \"{folder}/data\"
        stateHome: \"{folder}/state\"
        runtimeDir: \"{folder}/run\"
logging: {{level: {{default: info}}}}
extensionApis: {{enableBackend: true}}
"
    )
}

fn with_class(resources: &str, folder: &Path) -> Result<String> {
    let file = |name: &str| {
        let file = folder.join("config/certs/envoy").join(name);
        let bytes = std::fs::read(&file).map_err(Error::io("read", &file))?;
        Ok::<_, Error>(data_encoding::BASE64.encode(&bytes))
    };
    let class = CLASS
        .replace("{version}", ENVOY.version)
        .replace("{ca}", &file("ca.crt")?)
        .replace("{certificate}", &file("tls.crt")?)
        .replace("{key}", &file("tls.key")?);
    Ok(format!("{class}{resources}"))
}

/// Makes a folder at the root of the file system, if it is not there.
fn made(folder: &Path) -> Result<Option<PathBuf>> {
    if folder.is_dir() {
        return Ok(None);
    }
    std::fs::create_dir(folder).map_err(|error| {
        Error::Other(format!(
            "cannot make {}: {error}; Envoy Gateway reads certificates there, so these tests have to \
             run as root, in a container for instance",
            folder.display()
        ))
    })?;
    Ok(Some(folder.to_owned()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(Error::io("write", file))
}
