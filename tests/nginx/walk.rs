//! Real clients through `nginx/nginx.conf`, real registry nodes, and the issuer in GitLab's place.

use libtest_mimic::Trial;
use serde_json::Value;
use testbed::Stack;
use testbed::clients::{Buildah, Outcome, Skopeo, Target};
use testbed::issuer::User;
use testbed::nginx::{Nginx, Text, Version};
use testbed::process::{Folder, free_port};
use testbed::stack::HOST;

use crate::edge::{Test, on_every_version, settings, tools};

const SHIPPED: &str = include_str!("../../nginx/nginx.conf");

const TESTS: &[Test] = &[(
    "clients log in, push, pull, are refused and delete, by the shipped nginx.conf",
    walk,
)];

pub(crate) fn trials() -> Vec<Trial> {
    on_every_version("walk", TESTS)
}

fn walk(version: Version) {
    let alice = User::new("alice", "alice's password").may("group", &["pull", "push", "delete"]);
    let bob = User::new("bob", "bob's password").may("group", &["pull"]);
    let carol = User::new("carol", "carol's password");
    // What starts besides NGINX: nodes, issuer and certificates are those of the stack.
    let mut stack = [&alice, &bob, &carol]
        .into_iter()
        .fold(Stack::builder(tools()), |stack, user| {
            stack.user(user.clone())
        })
        .start()
        .unwrap_or_else(|error| panic!("{error}"));
    let edge = Edge::before(&stack, version);
    let target = &edge.target;
    let image = target.image("group/app", "1");
    let reference = format!("docker://{image}");

    let buildah = Buildah::new(tools(), target).unwrap();
    did(buildah.build(&image, "written by a test"));
    did(buildah.login(&alice));
    did(buildah.push(&image));
    did(buildah.remove(&image));
    did(buildah.pull(&image));

    let skopeo = Skopeo::new(tools(), target).unwrap();
    did_not(skopeo.inspect(&reference));
    did(skopeo.login(&bob));
    did(skopeo.inspect(&image));
    did_not(skopeo.copy(
        &reference,
        &format!("docker://{}", target.image("group/copy", "1")),
    ));
    did_not(skopeo.delete(&image));
    did(skopeo.login(&carol));
    did_not(skopeo.inspect(&image));

    // Reads find the other node when one is gone.
    stack.nodes_mut()[0].kill();
    did(skopeo.login(&alice));
    for _ in 0..10 {
        did(skopeo.inspect(&image));
    }
    stack.nodes_mut()[0].restart().unwrap();
    did(skopeo.delete(&image));
    did_not(skopeo.inspect(&image));
    let log = edge.nginx.log_text();
    assert!(!log.contains("exited on signal"), "{log}");
}

/// NGINX by the shipped file, in front of a stack's nodes.
struct Edge {
    nginx: Nginx,
    target: Target,
    _folder: Folder,
}

impl Edge {
    fn before(stack: &Stack, version: Version) -> Self {
        let folder = Folder::temporary("registry-nginx-").unwrap();
        let port = free_port().unwrap();
        let authority = format!("{HOST}:{port}");
        let mut filter: Value = stack.plugin_configuration().clone();
        filter["realm"] = format!("https://{authority}/jwt/auth").into();
        let config = folder.path().join("filter.json");
        std::fs::write(&config, filter.to_string()).unwrap();
        let text = for_site(stack, port, &config.display().to_string());
        let nginx = Nginx::start(
            tools(),
            settings(version, Text::Whole(text)),
            folder.path(),
            port,
        )
        .unwrap_or_else(|error| panic!("{error}"));
        let target = Target {
            authority,
            ..stack.target()
        };
        Self {
            nginx,
            target,
            _folder: folder,
        }
    }
}

/// The shipped file for this machine: every place marked `SITE`, and no other, is another line.
fn for_site(stack: &Stack, port: u16, config: &str) -> String {
    let file = |name: &str| stack.folder().join(name).display().to_string();
    let node = |index: usize| format!("127.0.0.1:{}", stack.nodes()[index].settings().port);
    let issuer = stack.issuer().address();
    let ca = stack.ca_file().display();
    let mut lines = vec![
        String::new(), // load_module
        "error_log stderr info;".to_owned(),
        "access_log off;".to_owned(),
        format!("server {} max_fails=2 fail_timeout=10s;", node(0)),
        format!("server {} max_fails=2 fail_timeout=10s;", node(1)),
        format!("listen 127.0.0.1:{port} ssl http2;"),
        format!("server_name {HOST};"),
        format!("ssl_certificate {};", file("certificates/edge.crt")),
        format!("ssl_certificate_key {};", file("certificates/edge.key")),
        format!("registry_token_filter_config {config};"),
        format!("proxy_ssl_name {HOST};"),
        format!("proxy_ssl_trusted_certificate {ca};"),
        "proxy_set_header Host gitlab.example.com;".to_owned(),
        "proxy_ssl_name gitlab.example.com;".to_owned(),
        format!("proxy_ssl_trusted_certificate {ca};"),
        format!("proxy_pass http://{issuer};"),
    ]
    .into_iter();
    let text = SHIPPED.lines().map(|line| {
        if line.ends_with("# SITE") {
            lines.next().expect("more places than before: see for_site")
        } else {
            line.to_owned()
        }
    });
    let text: Vec<String> = text.collect();
    assert_eq!(lines.next(), None, "fewer places than before: see for_site");
    text.join("\n")
}

fn did(outcome: testbed::Result<Outcome>) -> Outcome {
    let outcome = outcome.unwrap();
    outcome.success().unwrap_or_else(|error| panic!("{error}"))
}

fn did_not(outcome: testbed::Result<Outcome>) {
    let outcome = outcome.unwrap();
    assert!(!outcome.succeeded(), "it succeeded: {outcome}");
}
