//! What the filter is made of: a bill of materials in CycloneDX 1.6 (ECMA-424), from cargo's own
//! graph of what is compiled into it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::About;
use crate::artifact::program;
use crate::error::{Error, Result};
use crate::process::output;
use crate::tools::WASM32_WASIP1;

const PACKAGE: &str = "registry-token-filter";

/// What cargo says of the workspace, for the target the filter is shipped as.
pub(super) fn metadata() -> Result<Value> {
    let mut cargo = program();
    cargo.args(["metadata", "--format-version", "1", "--locked"]);
    cargo.args(["--filter-platform", WASM32_WASIP1.name]);
    let text = output(&mut cargo)?;
    serde_json::from_str(&text).map_err(|error| Error::Other(format!("cargo metadata: {error}")))
}

/// The filter's own package.
pub(super) fn package(metadata: &Value) -> Result<&Value> {
    list(metadata, "packages")
        .find(|package| text(package, "name") == PACKAGE)
        .ok_or_else(|| Error::Other(format!("cargo metadata names no package {PACKAGE}")))
}

/// The bill of materials of the module with this SHA-256. It holds no time and no serial number: of
/// equal modules it is the same.
pub(super) fn bill(about: &About, sha256: &str) -> Result<Value> {
    let metadata = &about.metadata;
    let filter = text(package(metadata)?, "id");
    let nodes: BTreeMap<&str, Vec<&str>> =
        list(metadata.get("resolve").unwrap_or(metadata), "nodes")
            .map(|node| (text(node, "id"), linked(node)))
            .collect();
    let mut reached = BTreeSet::new();
    let mut waiting = vec![filter];
    while let Some(id) = waiting.pop() {
        if reached.insert(id) {
            waiting.extend(nodes.get(id).into_iter().flatten());
        }
    }
    let packages: BTreeMap<&str, &Value> = list(metadata, "packages")
        .map(|package| (text(package, "id"), package))
        .collect();
    let references: BTreeMap<&str, String> = reached
        .iter()
        .filter_map(|id| Some((*id, purl(packages.get(id)?))))
        .collect();
    let mut components: Vec<Value> = reached
        .iter()
        .filter(|id| **id != filter)
        .filter_map(|id| Some(component(packages.get(id)?)))
        .collect();
    components.sort_by_key(|component| text(component, "bom-ref").to_owned());
    let mut dependencies: Vec<Value> = references
        .iter()
        .map(|(id, reference)| {
            let mut on: Vec<&String> = nodes
                .get(id)
                .into_iter()
                .flatten()
                .filter_map(|id| references.get(id))
                .collect();
            on.sort();
            json!({ "ref": reference, "dependsOn": on })
        })
        .collect();
    dependencies.sort_by_key(|dependency| text(dependency, "ref").to_owned());
    let mut root = component(package(metadata)?);
    if let Some(root) = root.as_object_mut() {
        root.insert("type".to_owned(), "application".into());
        let hashes = json!([{ "alg": "SHA-256", "content": sha256 }]);
        root.insert("hashes".to_owned(), hashes);
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": root },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// The packages that are linked with one: neither those of its tests nor of its build script.
fn linked(node: &Value) -> Vec<&str> {
    list(node, "deps")
        .filter(|dependency| {
            list(dependency, "dep_kinds").any(|kind| kind.get("kind") == Some(&Value::Null))
        })
        .map(|dependency| text(dependency, "pkg"))
        .collect()
}

fn component(package: &Value) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": text(package, "name"),
        "version": text(package, "version"),
        "purl": purl(package),
    });
    let licence = text(package, "license");
    if let (false, Some(component)) = (licence.is_empty(), component.as_object_mut()) {
        // An older way to say OR.
        let expression = licence.replace('/', " OR ");
        component.insert("licenses".to_owned(), json!([{ "expression": expression }]));
    }
    component
}

/// The package URL (ECMA-427).
fn purl(package: &Value) -> String {
    format!(
        "pkg:cargo/{}@{}",
        text(package, "name"),
        text(package, "version")
    )
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bill_names_what_is_linked_and_not_what_tests() {
        let about = About::of_workspace().unwrap();
        let bill = bill(&about, "00").unwrap();
        let names: BTreeSet<&str> = list(&bill, "components")
            .map(|one| text(one, "name"))
            .collect();
        for linked in ["proxy-wasm", "rsa", "jwt-compact", "serde_json", "curves"] {
            assert!(names.contains(linked), "{linked}");
        }
        for other in ["wasmi", "proptest", "testbed", "registry-token-filter"] {
            assert!(!names.contains(other), "{other}");
        }
        assert!(list(&bill, "components").all(|one| one.get("licenses").is_some()));
    }
}
