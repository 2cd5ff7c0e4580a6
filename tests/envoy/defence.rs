//! Defence in depth: nodes that check tokens as well. What the filter lets through, they do too.

use registry_token_filter::profile::Profile;
use testbed::clients::{Buildah, Crane};
use testbed::registry::Release;

use crate::support::challenge::Challenge;
use crate::support::edge::{APP, Edge, SECRET, Setup, alice, bob, profile};
use crate::support::http::{Client, Request, Version};
use crate::support::image::{Image, blob, read_manifest};
use crate::support::lab::Lab;
use crate::support::payload::Payload;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[
    (
        "Distribution 2.8 nodes with their own token check serve the same walk",
        |lab| {
            let edge = guarded(lab, Release::Distribution2);
            walk(&edge);
            clients(lab, &edge);
        },
    ),
    (
        "Distribution 3 nodes with their own token check serve the same walk",
        |lab| {
            walk(&guarded(lab, Release::Distribution3));
        },
    ),
];

fn guarded(lab: &Lab, release: Release) -> Edge {
    let setup = Setup::adjusted(profile(release), release, |builder| builder.node_auth(true));
    let edge = Edge::start(lab.parts(), setup);
    // They do check: past the edge, without a token, nothing is served.
    for node in edge.stack.nodes() {
        let client = Client::new(node.settings().port, edge.stack.ca_file());
        let answer = client.send(Version::Http11, &read_manifest(APP, "latest"));
        assert_eq!(answer.status, 401, "{answer}");
    }
    edge
}

/// Push, pull, mount, list and delete, each with the rights for it and with less.
fn walk(edge: &Edge) {
    let copies = "group/copies/walk";
    let pushing = edge.mint.token(&["repository:group/copies/walk:pull,push"]);
    let image = Image::unique("walk").push(&edge.client, copies, "1", &pushing);
    let pulling = edge.mint.token(&["repository:group/copies/walk:pull"]);
    for version in Version::BOTH {
        let read = edge
            .client
            .send(version, &read_manifest(copies, "1").bearer(&pulling));
        assert_eq!((read.status, read.text()), (200, image.manifest.clone()));
        let layer = Request::get(&blob(copies, &image.layer.digest()));
        let read = edge.client.send(version, &layer.clone().bearer(&pulling));
        assert_eq!((read.status, read.digest), (200, image.layer.digest()));
        let refused = edge.client.send(version, &layer);
        assert_eq!(refused.status, 401, "{refused}");

        let source = edge.secret.layer.digest();
        let mount = format!("/v2/{copies}/blobs/uploads/?mount={source}&from={SECRET}");
        let mount = Request::new("POST", &mount);
        let refused = edge.client.send(version, &mount.clone().bearer(&pushing));
        assert_eq!(
            Challenge::of(&refused).error.as_deref(),
            Some("insufficient_scope")
        );
        let both = edge.mint.token(&[
            "repository:group/copies/walk:pull,push",
            "repository:group/secret:pull",
        ]);
        let mounted = edge.client.send(version, &mount.bearer(&both));
        assert_eq!(mounted.status, 201, "{mounted}");
    }
    let catalog = Request::get("/v2/_catalog").bearer(&edge.mint.token(&["registry:catalog:*"]));
    let listed = edge.client.send(Version::Http2, &catalog);
    assert!(listed.text().contains(copies), "{listed}");

    let digest = image.digest();
    let delete = Request::new("DELETE", &format!("/v2/{copies}/manifests/{digest}"));
    let refused = edge
        .client
        .send(Version::Http2, &delete.clone().bearer(&pushing));
    assert_eq!(refused.status, 401, "{refused}");
    let full = edge.mint.token(&["repository:group/copies/walk:*"]);
    assert_eq!(
        edge.client
            .send(Version::Http2, &delete.bearer(&full))
            .status,
        202
    );
    let gone = edge.client.send(
        Version::Http2,
        &read_manifest(copies, &digest).bearer(&pulling),
    );
    assert_eq!(gone.status, 404, "{gone}");
    // A blob of its own is not reached under the name of another repository.
    let foreign = Request::get(&blob(copies, &Payload::once("nowhere").digest())).bearer(&pulling);
    assert_eq!(edge.client.send(Version::Http11, &foreign).status, 404);
    edge.assert_alive();
}

/// GitLab's tokens name keys as Distribution 2.8 knows them, so these clients work there.
fn clients(lab: &Lab, edge: &Edge) {
    assert_eq!(edge.profile, Profile::Distribution28);
    let target = edge.stack.target();
    let image = target.image("group/copies/guarded", "1");
    let buildah = Buildah::new(lab.tools(), &target).unwrap();
    buildah.login(&alice()).unwrap().success().unwrap();
    buildah
        .build(&image, "guarded twice")
        .unwrap()
        .success()
        .unwrap();
    buildah.push(&image).unwrap().success().unwrap();
    let crane = Crane::new(lab.tools(), &target).unwrap();
    crane.login(&bob()).unwrap().success().unwrap();
    crane.run(&["manifest", &image]).unwrap().success().unwrap();
    let secret = crane
        .run(&["manifest", &target.image(SECRET, "latest")])
        .unwrap();
    assert!(!secret.succeeded(), "{secret}");
}
