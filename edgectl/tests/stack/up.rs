//! `edgectl up`: the stack of a configuration, and that nothing of it is left.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use testbed::tools::{ENVOY, FUNC_E};

use crate::support::{builder, edgectl, filter, json as read, run, tools};

/// A running `edgectl up`.
pub(crate) struct Up {
    child: Child,
    told: Value,
}

impl Up {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .arg("--json")
            .arg("--filter")
            .arg(filter())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            panic!("{said}")
        });
        Self { child, told }
    }

    pub(crate) fn text(&self, member: &str) -> &str {
        self.told[member].as_str().unwrap()
    }

    fn examine(&self, key: Option<&str>) -> Value {
        let mut command = edgectl(&[
            "doctor",
            self.text("edge"),
            "--json",
            "--ca",
            self.text("ca"),
        ]);
        if let Some(key) = key {
            command.args(["--key", key]);
        }
        read(&run(&mut command))
    }

    /// Ends it as Ctrl-C does; answers what it said.
    pub(crate) fn interrupt(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{said}");
        said
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // What it started ends with it, even so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a pair and a configuration that trusts it.
fn configured() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        run(edgectl(&["keys", "--bits", "2048"]).current_dir(&folder))
            .status
            .success()
    );
    let bundle = std::fs::read_to_string(folder.path().join("gitlab-registry.crt")).unwrap();
    let plugin = json!({
        "realm": "https://gitlab.example.com/jwt/auth",
        "service": "container_registry",
        "issuer": "our-issuer",
        "rootcertbundle": bundle,
    });
    std::fs::write(folder.path().join("plugin.json"), plugin.to_string()).unwrap();
    folder
}

fn listens(url: &str) -> bool {
    let port = url
        .rsplit(':')
        .next()
        .unwrap()
        .trim_end_matches('/')
        .parse::<u16>()
        .unwrap();
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn the_configuration_of_a_folder_enforces_and_nothing_is_left_after_ctrl_c() {
    let folder = configured();
    // func-e and Envoy as an operator has them: on the PATH.
    let tools = tools();
    let mut path = vec![
        tools.ensure(&ENVOY).unwrap(),
        tools.ensure(&FUNC_E).unwrap(),
    ]
    .iter()
    .map(|tool| tool.parent().unwrap().to_owned())
    .collect::<Vec<_>>();
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut command = edgectl(&["up"]);
    command
        .current_dir(&folder)
        .env("PATH", std::env::join_paths(path).unwrap());
    let up = Up::start(&mut command);
    let key = folder.path().join("gitlab-registry.key");
    assert_eq!(Path::new(up.text("key")), key.canonicalize().unwrap());
    let mut doctor = edgectl(&[
        "doctor",
        up.text("edge"),
        "--json",
        "--issuer",
        "our-issuer",
    ]);
    doctor.args(["--ca", up.text("ca"), "--key"]).arg(&key);
    let report = read(&run(&mut doctor));
    assert_eq!(report["verdict"], "right", "{report:#}");
    // Clients and their users are served: a token of the realm.
    let user = Command::new("curl")
        .args(["-sS", "--cacert", up.text("ca"), "-u", "root:root-password"])
        .arg(format!(
            "{}?service=container_registry&scope=repository:group/app:pull",
            up.text("realm")
        ))
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&user.stdout).starts_with("{\"token\":"),
        "{user:?}"
    );

    let urls = [up.text("edge").to_owned(), up.text("admin").to_owned()];
    let stack = Path::new(up.text("folder")).to_owned();
    assert!(urls.iter().all(|url| listens(url)) && stack.is_dir());
    let said = up.interrupt();
    assert!(
        said.contains("plugin.json") && said.contains("gitlab-registry.key"),
        "{said}"
    );
    assert!(!urls.iter().any(|url| listens(url)), "{urls:?}");
    assert!(!stack.exists(), "{}", stack.display());
    let left = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(left, 3, "nothing was added to the folder");
}

#[test]
fn without_a_key_and_in_front_of_a_registry_that_is_there() {
    let registry = builder().nodes(1).start().unwrap();
    let folder = configured();
    std::fs::remove_file(folder.path().join("gitlab-registry.key")).unwrap();
    let mut command = edgectl(&[
        "up",
        "plugin.json",
        "--upstream",
        &registry.nodes()[0].url(),
    ]);
    command
        .current_dir(&folder)
        .arg("--ca")
        .arg(registry.ca_file());
    let up = Up::start(&mut command);
    let report = up.examine(None);
    assert_eq!(report["verdict"], "right", "{report:#}");
    let before = registry.nodes()[0].log_text();
    let token = run(&mut edgectl(&[
        "token",
        "pull",
        "group/app",
        "--issuer",
        "our-issuer",
        "--key",
        up.text("key"),
    ]));
    let bearer = format!(
        "Authorization: Bearer {}",
        String::from_utf8_lossy(&token.stdout).trim()
    );
    let tags = Command::new("curl")
        .args(["-sS", "--cacert", up.text("ca"), "-H", &bearer])
        .arg(format!("{}/v2/group/app/tags/list", up.text("edge")))
        .output()
        .unwrap();
    // What the registry says of a repository that it does not have.
    assert!(
        String::from_utf8_lossy(&tags.stdout).contains("NAME_UNKNOWN"),
        "{tags:?}"
    );
    assert!(registry.nodes()[0].log_text().len() > before.len());
    let said = up.interrupt();
    assert!(said.contains("throw-away"), "{said}");
    assert!(
        listens(&registry.nodes()[0].url()),
        "a registry that it did not start stays"
    );
}
