//! Real clients: docker, buildah, skopeo, crane, each with its own way to a token.

use testbed::clients::{Buildah, Crane, Docker, Outcome, Skopeo};
use testbed::issuer::User;
use testbed::{envoy, hosts};

use crate::support::edge::{APP, PUBLIC, SECRET, alice, bob, carol, root};
use crate::support::http::{Request, Version};
use crate::support::image::{MANIFEST, manifest};
use crate::support::lab::Lab;
use crate::support::log::Entry;
use crate::support::suite::Test;

pub(crate) const TESTS: &[Test] = &[
    (
        "docker logs in with the right password and not with a wrong one",
        docker_login,
    ),
    (
        "buildah builds, pushes, pulls and reads back the same image",
        buildah_round,
    ),
    (
        "skopeo with rights on both repositories copies between them",
        skopeo_copy,
    ),
    (
        "crane with rights on the source mounts a blob, without them uploads it",
        crane_mount,
    ),
    (
        "a user without push rights pulls, and is refused a push",
        push_without_rights,
    ),
    (
        "anybody pulls a public image, nobody without rights a private one",
        anonymous_pull,
    ),
    (
        "an administrator lists the catalog, a user is refused it",
        catalog,
    ),
    (
        "a background job deletes an image, which is then gone for all clients",
        deletion,
    ),
];

/// The client succeeded.
fn did(outcome: testbed::Result<Outcome>) -> Outcome {
    outcome
        .unwrap()
        .success()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The client failed, and said so with one of these words.
fn did_not(outcome: testbed::Result<Outcome>, words: &[&str]) {
    let outcome = outcome.unwrap();
    let text = outcome.text().to_lowercase();
    assert!(!outcome.succeeded(), "it succeeded: {outcome}");
    assert!(
        words.iter().any(|word| text.contains(word)),
        "none of {words:?} in {outcome}"
    );
}

const REFUSED: &[&str] = &[
    "unauthorized",
    "authentication required",
    "denied",
    "forbidden",
];

fn docker_login(lab: &Lab) {
    let target = lab.gitlab().stack.target();
    let docker = Docker::new(lab.tools(), &target).unwrap();
    let wrong = User {
        password: "wrong".to_owned(),
        ..alice()
    };
    did_not(docker.login(&wrong), REFUSED);
    let outcome = did(docker.login(&alice()));
    assert!(outcome.text().contains("Login Succeeded"), "{outcome}");
    did(docker.logout());
}

fn buildah_round(lab: &Lab) {
    let edge = lab.gitlab();
    let target = edge.stack.target();
    let image = target.image("group/copies/buildah", "1");
    let buildah = Buildah::new(lab.tools(), &target).unwrap();
    did(buildah.build(&image, "written by a test"));
    did(buildah.login(&carol()));
    did_not(buildah.push(&image), REFUSED);
    did(buildah.login(&alice()));
    did(buildah.push(&image));
    did(buildah.remove(&image));
    did(buildah.pull(&image));

    let skopeo = Skopeo::new(lab.tools(), &target).unwrap();
    did(skopeo.login(&bob()));
    let inspected = did(skopeo.inspect(&image));
    assert!(
        inspected.stdout.contains("\"Digest\": \"sha256:"),
        "{inspected}"
    );
    let tags = did(skopeo.list_tags(&format!("{}/group/copies/buildah", target.authority)));
    assert!(tags.stdout.contains("\"1\""), "{tags}");
}

fn skopeo_copy(lab: &Lab) {
    let edge = lab.gitlab();
    let target = edge.stack.target();
    let source = format!("docker://{}", target.image(SECRET, "latest"));
    let copy = format!("docker://{}", target.image("group/copies/skopeo", "1"));

    let without = Skopeo::new(lab.tools(), &target).unwrap();
    did(without.login(&bob()));
    did_not(without.copy(&source, &copy), REFUSED);

    let with = Skopeo::new(lab.tools(), &target).unwrap();
    did(with.login(&alice()));
    did(with.copy(&source, &copy));
    let token = edge.mint.token(&["repository:group/copies/skopeo:pull"]);
    let answer = edge.client.send(
        Version::Http11,
        &Request::get(&manifest("group/copies/skopeo", "1"))
            .bearer(&token)
            .field("accept", MANIFEST),
    );
    // The layer was compressed on its way, the configuration is as it was.
    assert_eq!(
        answer.json()["config"]["digest"],
        edge.secret.config.digest(),
        "{answer}"
    );
}

/// crane asks for a mount of every blob whose source it knows to be on the same registry. Whether
/// it succeeded shows in how its uploads began.
fn crane_mount(lab: &Lab) {
    let edge = lab.gitlab();
    let target = edge.stack.target();
    let crane = Crane::new(lab.tools(), &target).unwrap();
    did(crane.login(&alice()));
    let mark = edge.mark();
    let (source, copy) = (
        target.image(SECRET, "latest"),
        target.image("group/copies/crane", "1"),
    );
    did(crane.run(&["copy", &source, &copy]));
    let requests = edge.requests_since(&mark);
    let mounted = |entry: &Entry| {
        entry.status == 201
            && entry
                .path
                .as_ref()
                .is_some_and(|path| path.contains("from="))
    };
    assert!(requests.iter().any(mounted), "no mount among {requests:?}");

    // Bob holds a copy of what he may not read from the source: all he can do is to upload it.
    let tarball = edge.stack.folder().join("image.tar");
    let tarball = tarball.to_str().unwrap();
    did(crane.run(&["pull", &copy, tarball]));
    let bobs = Crane::new(lab.tools(), &target).unwrap();
    did(bobs.login(&bob()));
    did_not(bobs.run(&["copy", &source, &copy]), REFUSED);
    did(bobs.run(&["push", tarball, &target.image("group/copies/crane", "bob")]));
}

/// The client's own retry: crane asks for a new token with the scope of each challenge.
fn push_without_rights(lab: &Lab) {
    let edge = lab.gitlab();
    let target = edge.stack.target();
    let image = target.image(APP, "latest");
    let crane = Crane::new(lab.tools(), &target).unwrap();
    did(crane.login(&carol()));
    let pulled = did(crane.run(&["manifest", &image]));
    assert_eq!(pulled.stdout.trim_end(), edge.app.manifest);
    did_not(crane.run(&["tag", &image, "carols"]), REFUSED);

    did(crane.login(&alice()));
    let mark = edge.mark();
    did(crane.run(&["tag", &image, "alices"]));
    let requests = edge.requests_since(&mark);
    assert!(
        requests
            .iter()
            .any(|e| e.method == "PUT" && e.status == 201),
        "{requests:?}"
    );
}

fn anonymous_pull(lab: &Lab) {
    let edge = lab.gitlab();
    let target = edge.stack.target();
    let crane = Crane::new(lab.tools(), &target).unwrap();
    let pulled = did(crane.run(&["manifest", &target.image(PUBLIC, "latest")]));
    assert_eq!(pulled.stdout.trim_end(), edge.public.manifest);
    did_not(
        crane.run(&["manifest", &target.image(APP, "latest")]),
        REFUSED,
    );

    let skopeo = Skopeo::new(lab.tools(), &target).unwrap();
    did(skopeo.inspect(&target.image(PUBLIC, "latest")));
    did_not(skopeo.inspect(&target.image(APP, "latest")), REFUSED);
}

fn catalog(lab: &Lab) {
    let target = lab.gitlab().stack.target();
    let crane = Crane::new(lab.tools(), &target).unwrap();
    did(crane.login(&alice()));
    did_not(crane.run(&["catalog", &target.authority]), REFUSED);
    did(crane.login(&root()));
    let listed = did(crane.run(&["catalog", &target.authority]));
    for repository in [APP, SECRET, PUBLIC] {
        assert!(
            listed.stdout.lines().any(|line| line.ends_with(repository)),
            "{listed}"
        );
    }
}

fn deletion(lab: &Lab) {
    let edge = lab.gitlab();
    let target = edge.stack.target();
    let image = target.image("group/copies/doomed", "1");
    let buildah = Buildah::new(lab.tools(), &target).unwrap();
    did(buildah.login(&alice()));
    did(buildah.build(&image, "to be deleted"));
    did(buildah.push(&image));
    let skopeo = Skopeo::new(lab.tools(), &target).unwrap();
    did(skopeo.login(&alice()));
    did(skopeo.inspect(&image));
    // Alice may push, not delete.
    did_not(skopeo.delete(&image), REFUSED);

    // As a cleanup policy of GitLab does it: a token of its own, and no user.
    let access = edgectl::background::full_access(["group/copies/doomed"]);
    let claims =
        edgectl::Claims::background(&edge.mint.parties, access, edgectl::Validity::minutes(5));
    let token = edge.mint.key.sign(&claims).unwrap();
    let head = Request::new("HEAD", &manifest("group/copies/doomed", "1"))
        .bearer(&token)
        .field(
            "accept",
            format!("{MANIFEST}, application/vnd.docker.distribution.manifest.v2+json"),
        );
    let found = edge.client.send(Version::Http11, &head);
    let digest = found.header("docker-content-digest").unwrap().to_owned();
    let delete = Request::new("DELETE", &manifest("group/copies/doomed", &digest)).bearer(&token);
    assert_eq!(edge.client.send(Version::Http11, &delete).status, 202);
    assert_eq!(edge.client.send(Version::Http11, &head).status, 404);
    did_not(skopeo.inspect(&image), &["manifest unknown"]);
    let host = hosts::envoy(envoy::chosen().unwrap().version);
    let saw = "log in, push, pull, are refused, delete";
    hosts::saw(&host, hosts::Fact::Walk, saw).unwrap();
}
