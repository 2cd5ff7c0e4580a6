//! `deploy/`: what is shipped is what is rendered, and lies in a kustomization.

use std::fs;
use std::path::Path;

use crate::support::{edgectl, stderr, stdout};

/// What `--for` calls it, and its folder.
const RENDERED: &[(&str, &str)] = &[
    ("envoy-gateway", "envoy-gateway"),
    ("istio", "istio/wasm-plugin"),
    ("istio-traffic-extension", "istio/traffic-extension"),
    ("istio-envoy-filter", "istio/envoy-filter"),
];

const KUSTOMIZATION: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- registry.yaml
";

/// `UPDATE_DEPLOY=1` writes the files, instead of comparing them.
#[test]
fn manifests_are_what_is_rendered_for_the_site_beside_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let is_update = std::env::var_os("UPDATE_DEPLOY").is_some();
    for (target, folder) in RENDERED {
        let mut command = edgectl(["config", "render", "--for", target, "--from"]);
        command.arg(root.join("deploy/gitlab.rb"));
        command.arg("--rootcertbundle");
        command.arg(root.join("tests/fixtures/keys/registry.crt"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{target}: {}", stderr(&output));
        let folder = root.join("deploy").join(folder);
        for (name, text) in [
            ("registry.yaml", format!("{}\n", stdout(&output))),
            ("kustomization.yaml", KUSTOMIZATION.to_owned()),
        ] {
            let file = folder.join(name);
            if is_update {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&file, &text).unwrap();
            }
            let shipped = fs::read_to_string(&file).unwrap_or_default();
            assert!(
                shipped == text,
                "{}: not what is rendered; UPDATE_DEPLOY=1 cargo test -p edgectl deploy",
                file.display()
            );
        }
    }
}
