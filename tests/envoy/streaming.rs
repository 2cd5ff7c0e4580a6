//! Layers of hundreds of megabytes, which must pass through and not into Envoy's memory.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use registry_token_filter::profile::Profile;
use testbed::registry::Release;

use crate::support::edge::{Edge, Setup};
use crate::support::http::{Request, Version};
use crate::support::image::{blob, upload};
use crate::support::lab::Lab;
use crate::support::payload::Payload;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[(
    "a layer of 300 MB streams up and down while Envoy's memory stays flat",
    layer,
)];

const MEGABYTE: u64 = 1_000_000;
const LAYER: u64 = 300 * MEGABYTE;

/// What Envoy may grow by. The windows and buffers of a few streams are below 20 MB.
const GROWTH: u64 = 64 * MEGABYTE;

fn layer(lab: &Lab) {
    let setup = Setup::adjusted(Profile::Gitlab, Release::Distribution2, |builder| builder);
    let edge = Edge::start(lab.parts(), setup);
    let token = edge
        .mint
        .token(&["repository:group/copies/layer:pull,push"]);
    // Not compressible, and another block for each version, so that each is a blob of its own.
    let block = |seed: u32| -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..1 << 20).map(|_| next()).collect()
    };
    // What is needed once, such as buffers of connections, is there before the measurement.
    let small = Payload::repeated(block(0), 3 * MEGABYTE);
    for version in Version::BOTH {
        upload(&edge.client, version, "group/copies/layer", &small, &token);
    }

    for (version, seed) in [(Version::Http11, 1), (Version::Http2, 2)] {
        let payload = Payload::repeated(block(seed), LAYER);
        let digest = payload.digest();
        let up = growth(&edge, || {
            upload(
                &edge.client,
                version,
                "group/copies/layer",
                &payload,
                &token,
            );
        });
        let down = growth(&edge, || {
            let request = Request::get(&blob("group/copies/layer", &digest)).bearer(&token);
            let answer = edge.client.send(version, &request);
            assert_eq!(
                (answer.status, answer.length, &answer.digest),
                (200, LAYER, &digest)
            );
        });
        for (
            direction,
            Growth {
                resident,
                allocated,
                samples,
            },
        ) in [("up", up), ("down", down)]
        {
            let context = format!("{version:?} {direction}: {samples} samples");
            assert!(samples >= 5, "{context}: too quick to be measured");
            assert!(
                resident < GROWTH,
                "{context}: resident memory grew by {resident} bytes"
            );
            assert!(
                allocated < GROWTH,
                "{context}: allocated memory grew by {allocated} bytes"
            );
        }
    }
    edge.assert_alive();
}

/// By how much Envoy's memory exceeded what it was before.
struct Growth {
    resident: u64,
    allocated: u64,
    samples: u64,
}

/// Runs `transfer` and watches Envoy's memory meanwhile.
fn growth(edge: &Edge, transfer: impl FnOnce()) -> Growth {
    let pid = edge.envoy_pid();
    let admin = edge.stack.envoy().admin();
    let allocated = || admin.stat("server.memory_allocated").unwrap();
    let before = (resident(pid), allocated());
    let done = AtomicBool::new(false);
    let peak = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.0.fetch_max(resident(pid), Ordering::Relaxed);
                peak.1.fetch_max(allocated(), Ordering::Relaxed);
                peak.2.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        // Also when it panics, or the scope would wait for ever.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(transfer));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    Growth {
        resident: peak.0.into_inner().saturating_sub(before.0),
        allocated: peak.1.into_inner().saturating_sub(before.1),
        samples: peak.2.into_inner(),
    }
}

/// Resident memory of a process in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}
