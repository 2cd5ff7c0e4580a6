//! What Envoy makes of a filter that traps. The filter knows no way to do so; a module that does stands in
//! its place, under the same bootstrap.

use std::time::{Duration, Instant};

use testbed::envoy::{self, Settings};
use testbed::hosts::{self, Fact};
use testbed::{artifact, process};

use crate::support::http::{Client, Request, Version};
use crate::support::lab::Lab;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[(
    "a request that traps is refused, the next ones too until there is a new machine",
    trap,
)];

/// How long a machine may take to be made anew; Envoy's default waits a second before.
const LONGEST: Duration = Duration::from_secs(20);

fn trap(lab: &Lab) {
    let folder = process::Folder::temporary("registry-trap-").unwrap();
    let stack = lab
        .builder()
        .nodes(1)
        .wasm(&artifact::that_traps(folder.path()).unwrap())
        .envoy(Settings {
            concurrency: 1,
            ..Settings::default()
        })
        .start()
        .unwrap_or_else(|error| panic!("{error}"));
    let client = Client::new(stack.port(), stack.ca_file());
    let ask = || client.send(Version::Http11, &Request::get("/v2/")).status;

    // Each status that is another than the one before it, up to the second machine's first.
    let (end, mut seen) = (Instant::now() + LONGEST, vec![ask()]);
    while seen.iter().filter(|&&status| status == 200).count() < 2 {
        let status = ask();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        assert!(Instant::now() < end, "no new machine: {seen:?}");
    }
    assert!(stack.envoy().log_text().contains("unreachable"));
    let host = hosts::envoy(envoy::chosen().unwrap().version);
    assert_eq!(seen, [200, 503, 200]);
    let saw = "closed (503), until a new machine serves";
    hosts::saw(&host, Fact::Trap, saw).unwrap();
}
