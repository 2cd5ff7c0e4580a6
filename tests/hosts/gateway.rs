//! Envoy Gateway, by the manifests that `edgectl` renders.

use base64ct::{Base64, Encoding as _};
use libtest_mimic::Trial;
use serde_json::Value;
use testbed::gateway::EnvoyGateway;
use testbed::hosts::{self, Fact};
use testbed::image::Form;

use crate::edge::{self, NAMES_THE_KEY, Site, WAIT, closed, replaced, tools};

pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 4] = [
        ("clients log in, push, pull, are refused and delete", walk),
        (
            "what does not hold from the beginning leaves it closed until what does comes",
            beginning,
        ),
        (
            "a configuration that does not hold leaves it as it was",
            bad_update,
        ),
        ("a filter that traps leaves it closed", trap),
    ];
    edge::trials("gateway", &tests)
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
    edge::is_as_its_envoy(&hosts::gateway());
}

fn beginning() {
    let without_image = missing_image();
    let with_fault = bad_start();
    saw(
        Fact::Start,
        &format!(
            "{with_fault}; without the image: {without_image}, by the guard, also in the moment \
             when it comes"
        ),
    );
}

fn missing_image() -> String {
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
    saw(Fact::Reload, "in force; closed at every moment");
    closed(&[403])
}

fn bad_start() -> String {
    let site = Site::new();
    let good = resources(&site, &site.image(Form::Compat));
    let folder = site.folder.path().join("gateway");
    let gateway = EnvoyGateway::launch(tools(), &with_fault(&good), &folder).unwrap();
    gateway.wait_for_log(NAMES_THE_KEY).unwrap();
    let statuses = site.is_closed_for(WAIT);
    assert_eq!(statuses, [503]);
    gateway.update(&good).unwrap();
    site.is_closed_until(401);
    closed(&statuses)
}

fn with_fault(good: &str) -> String {
    replaced(good, "      issuer: ", "      isuer: ")
}

fn bad_update() {
    let site = Site::new();
    let good = resources(&site, &site.image(Form::Compat));
    let gateway = start(&site, &good);
    site.wait_until_status(401);
    gateway.update(&with_fault(&good)).unwrap();
    gateway.wait_for_log(NAMES_THE_KEY).unwrap();
    assert_eq!(site.is_closed_for(WAIT), [401]);
    saw(
        Fact::Update,
        "refused, one line names the key; the old one serves on",
    );
}

fn trap() {
    let site = Site::new();
    let _gateway = start(&site, &resources(&site, &site.image_that_traps()));
    site.traps_and_stays_closed();
    saw(Fact::Trap, "closed (503), and stays so");
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
