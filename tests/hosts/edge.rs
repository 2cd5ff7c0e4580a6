//! What the hosts have in common: registry nodes and issuer, a registry that holds the filter's image,
//! and the walk of real clients.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use testbed::Stack;
use testbed::artifact;
use testbed::clients::{Buildah, Outcome, Skopeo, Target};
use testbed::hosts::{self, Fact};
use testbed::image::{self, Form};
use testbed::issuer::User;
use testbed::process::{Folder, free_port, output};
use testbed::registry::{Node, Release, Settings};
use testbed::stack::HOST;
use testbed::tools::{ENVOY, Progress, Tools};

use crate::ask::{Answer, Asker};

pub(crate) fn tools() -> &'static Tools {
    static TOOLS: LazyLock<Tools> = LazyLock::new(|| Tools::open(Progress::stderr()).unwrap());
    &TOOLS
}

/// The tests of a host, by their names.
pub(crate) fn trials(host: &str, tests: &[(&str, fn())]) -> Vec<Trial> {
    let trial = |&(name, test): &(&str, fn())| {
        Trial::test(format!("{host}: {name}"), move || {
            test();
            Ok(())
        })
    };
    tests.iter().map(trial).collect()
}

/// What is the Envoy's own, which is one of those that the table has.
pub(crate) fn is_as_its_envoy(host: &str) {
    for fact in [Fact::Corpus, Fact::Divergences, Fact::Cost] {
        hosts::saw(host, fact, &format!("as Envoy {}", ENVOY.version)).unwrap();
    }
}

/// What the filter logs of a configuration with a misspelt key.
pub(crate) const NAMES_THE_KEY: &str = "`isuer`: unknown key";

/// How long a host gets to do something unexpected.
pub(crate) const WAIT: Duration = Duration::from_secs(4);

/// Answers, as the table says them: none of them is a way through.
pub(crate) fn closed(statuses: &[u16]) -> String {
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    match statuses.as_slice() {
        [] => "closed (nothing listens)".to_owned(),
        statuses => format!("closed ({})", statuses.join(", ")),
    }
}

/// A busy machine takes its time to fetch an image.
const LONGEST: Duration = Duration::from_secs(90);

/// What is answered as long as this stays so.
const SETTLED: Duration = Duration::from_secs(1);

/// Everything but the edge.
pub(crate) struct Site {
    pub(crate) stack: Stack,
    images: Node,
    pub(crate) folder: Folder,
    pub(crate) port: u16,
    pub(crate) target: Target,
    asker: Asker,
    alice: User,
    bob: User,
}

impl Site {
    pub(crate) fn new() -> Self {
        let alice =
            User::new("alice", "alice's password").may("group", &["pull", "push", "delete"]);
        let bob = User::new("bob", "bob's password").may("group", &["pull"]);
        // What starts besides the edge under test: nodes, issuer and certificates are the stack's.
        let stack = Stack::builder(tools())
            .user(alice.clone())
            .user(bob.clone())
            .start()
            .unwrap_or_else(|error| panic!("{error}"));
        let folder = Folder::temporary("registry-hosts-").unwrap();
        let port = free_port().unwrap();
        let target = Target {
            authority: format!("{HOST}:{port}"),
            ..stack.target()
        };
        let images = images(&folder);
        Self {
            stack,
            asker: Asker::new(port, &target.ca_file),
            images,
            folder,
            port,
            target,
            alice,
            bob,
        }
    }

    /// The reference of the filter's image in this form; it is there.
    pub(crate) fn image(&self, form: Form) -> String {
        self.image_of(self.stack.wasm(), form)
    }

    /// The same of a module that traps at the second request of each of its machines.
    pub(crate) fn image_that_traps(&self) -> String {
        let module = artifact::that_traps(self.folder.path()).unwrap();
        self.image_of(&module, Form::Compat)
    }

    fn image_of(&self, module: &Path, form: Form) -> String {
        let folder = self.folder.path().join("images");
        let written = image::write(module, &folder).unwrap();
        let image = written.iter().find(|image| image.form == form).unwrap();
        let reference = self.reference(form.name());
        image::push(tools(), image, &reference).unwrap();
        reference
    }

    /// What an image of this tag would be called.
    pub(crate) fn reference(&self, tag: &str) -> String {
        let port = self.images.settings().port;
        format!("127.0.0.1:{port}/registry-token-filter:{tag}")
    }

    /// What `edgectl config render` makes of this site for a host, with the filter from this image;
    /// `realm` are the arguments about the token endpoint.
    pub(crate) fn rendered(&self, host: &str, image: &str, realm: &[String]) -> String {
        let mut edgectl = Command::new(self.stack.edgectl());
        edgectl.args(["config", "render", "--for", host, "--image"]);
        edgectl.arg(format!("oci://{image}"));
        edgectl.arg(format!("--registry-url=https://{}", self.target.authority));
        edgectl.args(realm).args(["--profile", "distribution-2.8"]);
        edgectl.arg("--wasm").arg(self.stack.wasm());
        edgectl.args(["--service", "container_registry"]);
        edgectl.args(["--issuer", "omnibus-gitlab-issuer"]);
        edgectl.arg("--rootcertbundle");
        edgectl.arg(&self.stack.signing_key().certificate);
        for node in self.stack.nodes() {
            edgectl.arg(format!("--node=https://127.0.0.1:{}", node.settings().port));
        }
        output(&mut edgectl).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The answer to `GET /v2/` without a token; none if there is no answer.
    pub(crate) fn ask(&self) -> Option<Answer> {
        self.asker.get("/v2/", "")
    }

    /// The same from a client that speaks for the filter.
    pub(crate) fn ask_as_the_filter(&self) -> Option<Answer> {
        self.asker.get("/v2/", "x-registry-permit: yes\r\n")
    }

    /// Waits until the edge answers so.
    pub(crate) fn wait_until_status(&self, status: u16) {
        let end = Instant::now() + LONGEST;
        let mut last = None;
        while Instant::now() < end {
            last = self.ask().map(|answer| answer.status);
            if last == Some(status) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the edge does not answer {status}, but {last:?}");
    }

    /// Waits until the edge answers so, and for a second more. A request that got through meanwhile
    /// fails the test.
    pub(crate) fn is_closed_until(&self, status: u16) {
        let end = Instant::now() + LONGEST;
        let mut since = None;
        while Instant::now() < end {
            for answer in [self.ask(), self.ask_as_the_filter()].into_iter().flatten() {
                assert!(answer.status >= 400, "it is open: {}", answer.status);
                if answer.status != status {
                    since = None;
                } else if since.get_or_insert_with(Instant::now).elapsed() > SETTLED {
                    return;
                }
            }
        }
        panic!("the edge does not come to answer {status}");
    }

    /// What is answered over and over for a while, nothing if nobody listens; a request that got
    /// through fails the test.
    pub(crate) fn is_closed_for(&self, time: Duration) -> Vec<u16> {
        let end = Instant::now() + time;
        let mut seen = Vec::new();
        while Instant::now() < end {
            for answer in [self.ask(), self.ask_as_the_filter()].into_iter().flatten() {
                assert!(answer.status >= 400, "it is open: {}", answer.status);
                if seen.last() != Some(&answer.status) {
                    seen.push(answer.status);
                }
            }
        }
        seen
    }

    /// Under a filter that traps, a request is let through, the next ones are not, and then a new
    /// machine serves. Each worker has a machine of its own, so it has to happen more often than there
    /// can be workers.
    pub(crate) fn traps_and_recovers(&self) {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let end = Instant::now() + LONGEST;
        let (mut let_through, mut last) = (0, None);
        while let_through <= workers {
            assert!(Instant::now() < end, "no new machine: {let_through}");
            let status = self.ask().map(|answer| answer.status);
            // Until the image is there it is closed.
            let is_refused = status == Some(503) || let_through == 0;
            assert!(is_refused || status == Some(200), "{status:?}");
            let_through += usize::from(status == Some(200) && last != Some(200));
            last = status.or(last);
        }
    }

    /// Under a filter that traps, at most one request is let through by each worker, and then none.
    pub(crate) fn traps_and_stays_closed(&self) {
        let end = Instant::now() + LONGEST;
        let (mut was_let_through, mut since) = (false, Instant::now());
        while !was_let_through || since.elapsed() < WAIT {
            assert!(Instant::now() < end, "it does not stay closed");
            match self.ask().map(|answer| answer.status) {
                Some(200) => (was_let_through, since) = (true, Instant::now()),
                Some(503) => {}
                other => assert!(!was_let_through, "{other:?}"),
            }
        }
    }

    /// Real clients log in, push, pull, are refused, and delete.
    pub(crate) fn walk(&self, realm: &str) {
        let challenge = self.ask().unwrap();
        assert_eq!(challenge.status, 401);
        let said = challenge.field("www-authenticate").unwrap();
        let realm = format!("Bearer realm=\"{realm}\"");
        assert!(said.starts_with(&realm), "{said}");

        let image = self.target.image("group/app", "1");
        let reference = format!("docker://{image}");
        let buildah = Buildah::new(tools(), &self.target).unwrap();
        did(buildah.build(&image, "written by a test"));
        did(buildah.login(&self.alice));
        did(buildah.push(&image));
        did(buildah.remove(&image));
        did(buildah.pull(&image));

        let skopeo = Skopeo::new(tools(), &self.target).unwrap();
        did_not(skopeo.inspect(&reference));
        did(skopeo.login(&self.bob));
        did(skopeo.inspect(&image));
        did_not(skopeo.copy(
            &reference,
            &format!("docker://{}", self.target.image("group/copy", "1")),
        ));
        did_not(skopeo.delete(&image));
        did(skopeo.login(&self.alice));
        did(skopeo.delete(&image));
        did_not(skopeo.inspect(&image));
    }
}

/// A registry on loopback that anybody may use, without TLS.
fn images(folder: &Folder) -> Node {
    let settings = Settings {
        name: "images".to_owned(),
        release: Release::Distribution2,
        port: free_port().unwrap(),
        storage: folder.path().join("image-storage"),
        secret: "of no consequence here".to_owned(),
        certificate: None,
        token: None,
        nosniff: false,
    };
    Node::start(tools(), settings, folder.path()).unwrap()
}

/// `text` with what stands for a place of the site replaced; it has to be there.
pub(crate) fn replaced(text: &str, place: &str, by: &str) -> String {
    assert!(text.contains(place), "there is no {place:?} in\n{text}");
    text.replace(place, by)
}

fn did(outcome: testbed::Result<Outcome>) -> Outcome {
    let outcome = outcome.unwrap();
    outcome.success().unwrap_or_else(|error| panic!("{error}"))
}

fn did_not(outcome: testbed::Result<Outcome>) {
    let outcome = outcome.unwrap();
    assert!(!outcome.succeeded(), "it succeeded: {outcome}");
}
