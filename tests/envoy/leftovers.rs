//! What is started ends.

use testbed::envoy::Settings;
use testbed::registry::Release;

use registry_token_filter::profile::Profile;

use crate::support::edge::{Edge, Setup, is_alive};
use crate::support::lab::Lab;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[(
    "a stack ends with its processes, func-e's Envoy among them, and with its folder",
    ends,
)];

fn ends(lab: &Lab) {
    let setup = Setup::adjusted(Profile::Gitlab, Release::Distribution2, |builder| {
        builder.envoy(Settings {
            through_func_e: true,
            ..Settings::default()
        })
    });
    let edge = Edge::start(lab.parts(), setup);
    assert_ne!(
        edge.envoy_pid(),
        edge.stack.envoy().pid(),
        "func-e starts Envoy"
    );
    let (processes, folder) = (edge.processes(), edge.stack.folder().to_owned());
    assert!(processes.len() >= 4, "{processes:?}");
    for pid in &processes {
        assert!(is_alive(*pid), "{pid} does not run");
    }
    assert!(folder.is_dir());
    drop(edge);
    for pid in &processes {
        assert!(!is_alive(*pid), "{pid} still runs");
    }
    assert!(!folder.exists(), "{} is still there", folder.display());
}
