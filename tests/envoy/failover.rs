//! Nodes that crash and come back, and many clients at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use registry_token_filter::profile::Profile;
use testbed::registry::Release;

use crate::support::edge::{APP, Edge, Setup};
use crate::support::http::{Client, Request, Version, runtime};
use crate::support::image::{Image, blob, read_manifest};
use crate::support::lab::Lab;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[
    ("two hundred pulls at a time all succeed", concurrent),
    (
        "a node crashes and comes back while clients pull, and no pull fails",
        crash,
    ),
];

/// A pull as a client does it: manifest, configuration, layer. `Err` says what went wrong.
async fn pull(client: &Client, version: Version, image: &Image, token: &str) -> Result<(), String> {
    let read = |request: Request| {
        let request = request.bearer(token);
        async move { client.exchange(version, &request).await }
    };
    let manifest = read(read_manifest(APP, "latest")).await?;
    if (manifest.status, manifest.text()) != (200, image.manifest.clone()) {
        return Err(manifest.to_string());
    }
    for part in [&image.config, &image.layer] {
        let answer = read(Request::get(&blob(APP, &part.digest()))).await?;
        if (answer.status, &answer.digest) != (200, &part.digest()) {
            return Err(answer.to_string());
        }
    }
    Ok(())
}

fn concurrent(lab: &Lab) {
    const PULLS: usize = 200;
    let edge = lab.gitlab();
    let (client, image) = (edge.client.clone(), Arc::new(edge.app.clone()));
    let tokens: Vec<String> = (0..PULLS)
        .map(|_| edge.mint.token(&["repository:group/app:pull"]))
        .collect();
    let failed: Vec<String> = runtime().block_on(async {
        let start = Arc::new(tokio::sync::Barrier::new(PULLS));
        let pulls: Vec<_> = tokens
            .into_iter()
            .enumerate()
            .map(|(number, token)| {
                let (client, image, start) = (client.clone(), image.clone(), start.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    pull(&client, Version::BOTH[number % 2], &image, &token).await
                })
            })
            .collect();
        let mut failed = Vec::new();
        for pull in pulls {
            failed.extend(pull.await.unwrap().err());
        }
        failed
    });
    assert!(
        failed.is_empty(),
        "{} of {PULLS} failed: {}",
        failed.len(),
        failed[0]
    );
    edge.assert_alive();
}

fn crash(lab: &Lab) {
    let setup = Setup::adjusted(Profile::Gitlab, Release::Distribution2, |builder| builder);
    let mut edge = Edge::start(lab.parts(), setup);
    let (stop, pulls) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let (client, image) = (edge.client.clone(), edge.app.clone());
            let token = edge.mint.token(&["repository:group/app:pull"]);
            let (stop, pulls) = (stop.clone(), pulls.clone());
            runtime().spawn(async move {
                let mut failed = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    failed.extend(
                        pull(&client, Version::BOTH[number % 2], &image, &token)
                            .await
                            .err(),
                    );
                    pulls.fetch_add(1, Ordering::Relaxed);
                }
                failed
            })
        })
        .collect();
    let during = |what: &str, least: u64| {
        let before = pulls.load(Ordering::Relaxed);
        let start = std::time::Instant::now();
        while pulls.load(Ordering::Relaxed) < before + least {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "too few pulls {what}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    during("before", 20);
    for node in 0..2 {
        edge.stack.nodes_mut()[node].kill();
        during("while a node is down", 60);
        edge.stack.nodes_mut()[node].restart().unwrap();
        edge.stack
            .envoy_mut()
            .wait_for_nodes(2, Duration::from_secs(30))
            .unwrap();
        during("after it came back", 20);
    }
    stop.store(true, Ordering::Relaxed);
    let failed: Vec<String> = clients
        .into_iter()
        .flat_map(|client| runtime().block_on(client).unwrap())
        .collect();
    let pulls = pulls.load(Ordering::Relaxed);
    assert!(
        failed.is_empty(),
        "{} of {pulls} pulls failed: {}",
        failed.len(),
        failed[0]
    );
    // It was not idle luck: Envoy did have to repeat reads on the other node.
    let retries = edge
        .stack
        .envoy()
        .admin()
        .stat("cluster.registry.upstream_rq_retry")
        .unwrap();
    assert!(retries > 0, "no read met the crashed node");
}
