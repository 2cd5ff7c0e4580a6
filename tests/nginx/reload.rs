//! A reload: new keys at once, a bad configuration never, and memory that stays flat.

use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use testbed::nginx::Version;

use crate::edge::{Edge, Test, is_from_registry, on_every_version, standard, token};
use crate::http::{bearer, get};

const TESTS: &[Test] = &[
    (
        "a bad configuration is refused, and the old one serves on",
        refused,
    ),
    (
        "a new configuration is in force, and what was kept of the old is gone",
        replaced,
    ),
    (
        "a hundred reloads leave the master's memory where ten did",
        memory,
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    on_every_version("reload", TESTS)
}

const TARGET: &str = "/v2/group/app/manifests/latest";
const PULL: &str = "repository:group/app:pull";

/// The next configuration. Nothing listens where it forwards to.
fn http(port: u16, config: &str) -> String {
    format!(
        "registry_token_filter_config {config};\nserver {{ listen 127.0.0.1:{port}; \
         location / {{ registry_token_filter on; proxy_pass http://127.0.0.1:9; }} }}"
    )
}

const SERVED: &str = "
registry_token_filter_config {config};
server { listen {port}; location / { registry_token_filter on; proxy_pass http://{upstream}; } }";

fn refused(version: Version) {
    let mut edge = Edge::start(version, SERVED);
    let good = bearer(get(TARGET), &token(&[PULL]));
    assert!(edge.forwarded(&good).is_some());
    let bad = http(edge.port, "'{\"realm\": 1}'");
    // `nginx -s reload` reads the configuration itself, and refuses to signal.
    let error = edge.nginx.reload(&bad).unwrap_err().to_string();
    assert!(error.contains("configuration refused: `realm`"), "{error}");
    assert!(edge.forwarded(&good).is_some());
    assert_eq!(edge.send(&get(TARGET)).status, 401);
}

fn replaced(version: Version) {
    let mut edge = Edge::start(version, SERVED);
    let good = bearer(get(TARGET), &token(&[PULL]));
    // Twice: the second time the token is known.
    assert!(edge.forwarded(&good).is_some());
    assert!(edge.forwarded(&good).is_some());
    let mut other = standard();
    other["issuer"] = "another".into();
    let file = edge.folder.path().join("other.json");
    std::fs::write(&file, other.to_string()).unwrap();
    let workers = edge.nginx.workers();
    let next = http(edge.port, &file.display().to_string());
    edge.nginx.reload(&next).unwrap();
    wait_for_other_workers(&edge, &workers);
    let answer = edge.send(&good);
    assert_eq!(
        (answer.status, is_from_registry(&answer)),
        (401, false),
        "{answer:?}"
    );
}

fn memory(version: Version) {
    let mut edge = Edge::start(version, SERVED);
    let file = edge.folder.path().join("filter.json");
    let next = http(edge.port, &file.display().to_string());
    let mut resident = Vec::new();
    for round in 1..=100 {
        let workers = edge.nginx.workers();
        edge.nginx.reload(&next).unwrap();
        wait_for_other_workers(&edge, &workers);
        if round % 10 == 0 {
            resident.push(resident_kib(edge.nginx.pid()));
        }
    }
    let (first, last) = (resident[0], resident[resident.len() - 1]);
    assert!(
        last <= first + first / 20 + 256,
        "KiB after each ten reloads: {resident:?}"
    );
}

/// Until none of the former workers is among those that run.
fn wait_for_other_workers(edge: &Edge, former: &[u32]) {
    let start = Instant::now();
    loop {
        let now = edge.nginx.workers();
        if !now.is_empty() && now.iter().all(|pid| !former.contains(pid)) {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{}",
            edge.nginx.log_text()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// `VmRSS` of a process, in KiB.
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
