//! Istio, by the manifests that `edgectl` renders: its own judgement of them, and istiod, its agent and a
//! real Envoy.

use std::process::Command;

use libtest_mimic::Trial;
use testbed::hosts::{self, Fact};
use testbed::image::Form;
use testbed::istio::Istio;
use testbed::process::Folder;
use testbed::tools::ISTIOCTL;

use crate::edge::{self, NAMES_THE_KEY, Site, WAIT, closed, replaced, tools};

pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 5] = [
        (
            "every manifest is valid, and none with a fault in it",
            validated,
        ),
        ("clients log in, push, pull, are refused and delete", walk),
        (
            "what does not hold from the beginning leaves it closed until what does comes",
            beginning,
        ),
        (
            "a configuration that does not hold leaves it as it was",
            bad_update,
        ),
        (
            "a filter that traps leaves it closed, until there is a new machine",
            trap,
        ),
    ];
    edge::trials("istio", &tests)
}

fn saw(fact: Fact, what: &str) {
    hosts::saw(&hosts::istio(), fact, what).unwrap();
}

fn start(site: &Site, resources: &str) -> Istio {
    let folder = site.folder.path().join("istio");
    Istio::start(tools(), resources, site.port, &folder).unwrap_or_else(|error| panic!("{error}"))
}

fn walk() {
    for (target, form) in [
        ("istio-traffic-extension", Form::Compat),
        ("istio-traffic-extension", Form::Artifact),
        ("istio-envoy-filter", Form::Compat),
    ] {
        let site = Site::new();
        let _istio = start(&site, &resources(&site, target, &site.image(form)));
        site.wait_until_status(401);
        site.walk(&realm(&site));
    }
    saw(Fact::Walk, "log in, push, pull, are refused, delete");
    edge::is_as_its_envoy(&hosts::istio());
}

fn beginning() {
    let without_image = missing_image();
    let [extension, filter] = BY_CONFIGURATION.map(bad_start);
    saw(
        Fact::Start,
        &format!(
            "{extension}, as an EnvoyFilter {filter}; without the image: {without_image}, also in \
             the moment when it comes"
        ),
    );
}

fn missing_image() -> String {
    let site = Site::new();
    let target = "istio-traffic-extension";
    let present = resources(&site, target, &site.image(Form::Compat));
    let missing = resources(&site, target, &site.reference("missing"));
    let istio = start(&site, &missing);
    site.is_closed_until(403);
    istio.update(&present).unwrap();
    site.is_closed_until(401);
    istio.update(&missing).unwrap();
    site.is_closed_until(403);
    istio.wait_for_log("MANIFEST_UNKNOWN").unwrap();
    saw(Fact::Reload, "in force; closed at every moment");
    closed(&[403])
}

/// A manifest by which Istio configures the filter, and what is answered as long as it never had a
/// configuration that holds: an extension comes by itself, after the listener; an EnvoyFilter is part
/// of the listener.
const BY_CONFIGURATION: [(&str, &[u16]); 2] = [
    ("istio-traffic-extension", &[500]),
    ("istio-envoy-filter", &[]),
];

fn bad_start((target, expected): (&str, &[u16])) -> String {
    let site = Site::new();
    let good = resources(&site, target, &site.image(Form::Compat));
    let folder = site.folder.path().join("istio");
    let istio = Istio::launch(tools(), &with_fault(&good, target), &folder).unwrap();
    istio.wait_for_log(NAMES_THE_KEY).unwrap();
    let statuses = site.is_closed_for(WAIT);
    assert_eq!(statuses, expected, "{target}");
    istio.update(&good).unwrap();
    site.is_closed_until(401);
    closed(&statuses)
}

fn with_fault(good: &str, target: &str) -> String {
    match target {
        "istio-envoy-filter" => replaced(good, "\\\"issuer\\\":", "\\\"isuer\\\":"),
        _ => replaced(good, "      issuer: ", "      isuer: "),
    }
}

fn bad_update() {
    for (target, _) in BY_CONFIGURATION {
        let site = Site::new();
        let good = resources(&site, target, &site.image(Form::Compat));
        let istio = start(&site, &good);
        site.wait_until_status(401);
        istio.update(&with_fault(&good, target)).unwrap();
        istio.wait_for_log(NAMES_THE_KEY).unwrap();
        assert_eq!(site.is_closed_for(WAIT), [401]);
    }
    saw(
        Fact::Update,
        "refused, one line names the key; the old one serves on",
    );
}

fn trap() {
    let site = Site::new();
    let resources = resources(&site, "istio-traffic-extension", &site.image_that_traps());
    let _istio = start(&site, &resources);
    site.traps_and_recovers();
    saw(Fact::Trap, "closed (503), until a new machine serves");
}

/// Istio's filters are on every route of a proxy: the realm is elsewhere, at GitLab.
fn realm(site: &Site) -> String {
    site.stack.issuer().url()
}

/// What is rendered, with the places marked SITE filled for this machine, and the routes to the nodes.
fn resources(site: &Site, target: &str, image: &str) -> String {
    let rendered = site.rendered(target, image, &[format!("--realm={}", realm(site))]);
    let gateway = "  targetRefs:\n  - group: gateway.networking.k8s.io\n    kind: Gateway\n    name: \
                   registry  # SITE\n";
    // Without Gateway API the proxy is named by its labels.
    let rendered = match target {
        "istio-envoy-filter" => rendered,
        _ => replaced(&rendered, gateway, "  {selector}\n")
            .replacen("{selector}", "selector: {matchLabels: {app: registry}}", 1)
            .replace("{selector}", "workloadSelector: {labels: {app: registry}}"),
    };
    let nodes: Vec<String> = site
        .stack
        .nodes()
        .iter()
        .map(|node| {
            format!(
                "  - {{address: 127.0.0.1, ports: {{https: {}}}}}",
                node.settings().port
            )
        })
        .collect();
    let file = |name: &str| site.stack.folder().join("certificates").join(name);
    format!(
        "{rendered}---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: registry, namespace: registry}}
spec:
  selector: {{app: registry}}
  servers:
  - port: {{number: {port}, name: https, protocol: HTTPS}}
    hosts: ['*']
    tls: {{mode: SIMPLE, serverCertificate: {certificate}, privateKey: {key}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: registry, namespace: registry}}
spec:
  hosts: ['*']
  gateways: [registry]
  http:
  - route: [{{destination: {{host: registry.internal, port: {{number: 443}}}}}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: registry, namespace: registry}}
spec:
  hosts: [registry.internal]
  ports: [{{number: 443, name: https, protocol: HTTPS}}]
  resolution: STATIC
  location: MESH_EXTERNAL
  endpoints:
{nodes}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: registry, namespace: registry}}
spec:
  host: registry.internal
  trafficPolicy:
    tls: {{mode: SIMPLE, caCertificates: {ca}, sni: localhost, subjectAltNames: [localhost]}}
",
        port = site.port,
        certificate = file("edge.crt").display(),
        key = file("edge.key").display(),
        ca = site.stack.ca_file().display(),
        nodes = nodes.join("\n"),
    )
}

/// What `edgectl config render --for` calls the manifest, a text in it, and what the fault makes of it.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("istio", "phase: AUTHN", "phase: AUTH", "PluginPhase"),
    (
        "istio",
        "phase: AUTHN",
        "phaze: AUTHN",
        "unknown field \"phaze\"",
    ),
    ("istio", "FAIL_RELOAD", "FAIL_RELOADED", "FailStrategy"),
    ("istio", "url: \"oci:", "url: \"ocj:", "unsupported scheme"),
    (
        "istio",
        "url: \"oci:",
        "uri: \"oci:",
        "unknown field \"uri\"",
    ),
    (
        "istio",
        "pluginConfig:",
        "pluginConfg:",
        "unknown field \"pluginConfg\"",
    ),
    (
        "istio",
        "applyTo: NETWORK_FILTER",
        "applyTo: NETWORK",
        "ApplyTo",
    ),
    ("istio", "operation: MERGE", "operation: MERG", "Operation"),
    (
        "istio",
        "merge_slashes:",
        "merge_slashs:",
        "unknown field \"merge_slashs\"",
    ),
    (
        "istio-traffic-extension",
        "phase: AUTHN",
        "phase: AUTH",
        "ExecutionPhase",
    ),
    (
        "istio-traffic-extension",
        "FAIL_RELOAD",
        "FAIL_RELOADED",
        "FailStrategy",
    ),
    (
        "istio-traffic-extension",
        "url: \"oci:",
        "url: \"ocj:",
        "scheme",
    ),
    (
        "istio-traffic-extension",
        "  wasm:",
        "  wasn:",
        "unknown field",
    ),
    (
        "istio-envoy-filter",
        "operation: INSERT_FIRST",
        "operation: INSERT_FIRSTLY",
        "Operation",
    ),
    (
        "istio-envoy-filter",
        "context: GATEWAY",
        "context: GATEWAYS",
        "PatchContext",
    ),
    (
        "istio-envoy-filter",
        "failure_policy: FAIL_RELOAD",
        "failure_policy: FAIL_RELOADED",
        "FailurePolicy",
    ),
    (
        "istio-envoy-filter",
        "vm_config:",
        "vm_confg:",
        "unknown field \"vm_confg\"",
    ),
];

fn validated() {
    let istioctl = tools().ensure(&ISTIOCTL).unwrap();
    let folder = Folder::temporary("registry-istio-").unwrap();
    // What it says of a manifest, and whether it finds a fault. A fault inside of an Envoy filter is
    // said and passes all the same.
    let judged = |manifest: &str| {
        let file = folder.path().join("manifest.yaml");
        std::fs::write(&file, manifest).unwrap();
        let mut command = Command::new(&istioctl);
        let output = command
            .args(["validate", "-f"])
            .arg(&file)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let is_fault = !output.status.success() || said.contains("can't unmarshal");
        (is_fault, said)
    };
    for target in ["istio", "istio-traffic-extension", "istio-envoy-filter"] {
        let manifest = rendered(target);
        let (is_fault, said) = judged(&manifest);
        assert!(!is_fault, "{target}: {said}");
    }
    for (target, place, fault, word) in FAULTS {
        let (is_fault, said) = judged(&replaced(&rendered(target), place, fault));
        assert!(is_fault, "{target}: {fault} passes: {said}");
        assert!(said.contains(word), "{target}: {fault}: {said}");
    }
}

fn rendered(target: &str) -> String {
    let edgectl = testbed::artifact::edgectl(tools()).unwrap();
    let root = testbed::artifact::root();
    let mut command = Command::new(edgectl);
    command.args(["config", "render", "--for", target, "--from"]);
    command.arg(root.join("deploy/gitlab.rb"));
    command.arg("--rootcertbundle");
    command.arg(root.join("tests/fixtures/keys/registry.crt"));
    testbed::process::output(&mut command).unwrap()
}
