//! Envoy Gateway, by the manifests that `edgectl` renders.

use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use libtest_mimic::Trial;
use serde_json::Value;
use testbed::gateway::EnvoyGateway;
use testbed::hosts::{self, Fact};
use testbed::image::Form;

use crate::edge::{Site, replaced, tools};

pub(crate) fn trials() -> Vec<Trial> {
    let test = |name: &str, test: fn()| {
        Trial::test(format!("gateway: {name}"), move || {
            test();
            Ok(())
        })
    };
    vec![
        test("clients log in, push, pull, are refused and delete", walk),
        test(
            "it is closed without the image, and no request slips by when it comes",
            missing_image,
        ),
        test(
            "a configuration that does not hold leaves it closed, or as it was",
            bad_configuration,
        ),
    ]
}

fn saw(fact: Fact, what: &str) {
    hosts::saw(&hosts::gateway(), fact, what).unwrap();
}

fn start(site: &Site, resources: &str) -> EnvoyGateway {
    let folder = site.folder.path().join("gateway");
    EnvoyGateway::start(tools(), resources, site.port, &folder)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn walk() {
    for form in Form::ALL {
        let site = Site::new();
        let image = site.image(form);
        let _gateway = start(&site, &resources(&site, &image));
        site.wait_until_status(401);
        site.walk(&format!("https://{}/jwt/auth", site.target.authority));
    }
    saw(Fact::Walk, "log in, push, pull, are refused, delete");
    saw(
        Fact::Corpus,
        "those of its Envoy, which is one of the above",
    );
}

fn missing_image() {
    let site = Site::new();
    let present = resources(&site, &site.image(Form::Compat));
    let missing = resources(&site, &site.reference("missing"));
    let gateway = start(&site, &missing);
    site.is_closed_until(403);
    gateway.update(&present).unwrap();
    site.is_closed_until(401);
    gateway.update(&missing).unwrap();
    site.is_closed_until(403);
    gateway.update(&present).unwrap();
    site.is_closed_until(401);
    gateway.wait_for_log("MANIFEST_UNKNOWN").unwrap();
    saw(
        Fact::Start,
        "without the image: closed (403, by the guard), also in the moment when it comes",
    );
    saw(Fact::Reload, "in force; closed at every moment");
}

fn bad_configuration() {
    let site = Site::new();
    let good = resources(&site, &site.image(Form::Compat));
    let bad = replaced(&good, "      issuer: ", "      isuer: ");
    let wait = Duration::from_secs(4);
    {
        let gateway = start(&site, &good);
        site.wait_until_status(401);
        gateway.update(&bad).unwrap();
        gateway.wait_for_log("`isuer`: unknown key").unwrap();
        assert_eq!(site.is_closed_for(wait), [401]);
        saw(
            Fact::Update,
            "refused, one line names the key; the old one serves on",
        );
    }
    // From the beginning: nothing is served, be it that nothing listens.
    let other = Site::new();
    let bad = bad.replace(&site.target.authority, &other.target.authority);
    let folder = other.folder.path().join("gateway");
    let gateway = EnvoyGateway::start(tools(), &bad, other.port, &folder);
    if gateway.is_ok() {
        other.is_closed_for(wait);
    }
}

/// What is rendered, with the places marked SITE filled for this machine.
fn resources(site: &Site, image: &str) -> String {
    // By name: Gateway API takes no address for one.
    let issuer = site.stack.issuer().address();
    let realm = [
        format!("--gitlab-url=http://localhost:{}", issuer.port()),
        "--realm-at-edge".to_owned(),
    ];
    let rendered = site.rendered("envoy-gateway", image, &realm);
    let first = site.stack.nodes()[0].settings().port;
    let rendered = replaced(
        &rendered,
        "    port: 443\n",
        &format!("    port: {}\n", site.port),
    );
    let rendered = replaced(
        &rendered,
        &format!("    - name: registry  # SITE: the registry's Service\n      port: {first}\n"),
        "    - {group: gateway.envoyproxy.io, kind: Backend, name: registry}\n",
    );
    let rendered = replaced(
        &rendered,
        &format!(
            "    - name: gitlab  # SITE: GitLab's Service\n      port: {}\n",
            issuer.port()
        ),
        "    - {group: gateway.envoyproxy.io, kind: Backend, name: gitlab}\n",
    );
    let file =
        |path: &std::path::Path| Value::from(std::fs::read_to_string(path).unwrap()).to_string();
    let tls = |name: &str| {
        let file = site.stack.folder().join("certificates").join(name);
        Base64::encode_string(&std::fs::read(file).unwrap())
    };
    let nodes: Vec<String> = site
        .stack
        .nodes()
        .iter()
        .map(|node| {
            format!(
                "  - ip: {{address: 127.0.0.1, port: {}}}",
                node.settings().port
            )
        })
        .collect();
    format!(
        "{rendered}
---
apiVersion: v1
kind: Secret
metadata: {{name: registry-tls, namespace: registry}}
type: kubernetes.io/tls
data: {{tls.crt: {certificate}, tls.key: {key}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: registry-ca, namespace: registry}}
data: {{ca.crt: {ca}}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: registry, namespace: registry}}
spec:
  endpoints:
{nodes}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: registry, namespace: registry}}
spec:
  targetRefs:
  - {{group: gateway.envoyproxy.io, kind: Backend, name: registry}}
  validation:
    caCertificateRefs: [{{group: '', kind: ConfigMap, name: registry-ca}}]
    hostname: localhost
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: gitlab, namespace: registry}}
spec:
  endpoints:
  - ip: {{address: 127.0.0.1, port: {issuer}}}
",
        certificate = tls("edge.crt"),
        key = tls("edge.key"),
        ca = file(site.stack.ca_file()),
        nodes = nodes.join("\n"),
        issuer = issuer.port(),
    )
}
