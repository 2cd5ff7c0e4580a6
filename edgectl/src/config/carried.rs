//! The filter's configuration inside the file that carries it to the filter: an Envoy bootstrap, a
//! manifest of Istio or Envoy Gateway, or the JSON itself.

use super::source::is_plugin;
use super::yaml::{self, Node, YamlError};

/// The configurations in a file, as JSON text, each once, in the order of the file.
///
/// # Errors
/// [`YamlError`], when the file is neither YAML nor JSON.
pub fn configurations(text: &str) -> Result<Vec<String>, YamlError> {
    let documents = yaml::parse(text)?;
    if let [root] = &documents[..]
        && is_plugin(root)
        && text.trim_start().starts_with('{')
    {
        // As it stands, so that what the filter says of it is true of this file.
        return Ok(vec![text.to_owned()]);
    }
    let mut found = Vec::new();
    documents.iter().for_each(|root| collect(root, &mut found));
    Ok(found)
}

/// Mappings with the filter's keys, and texts that are such a mapping in JSON (`StringValue`).
fn collect(node: &Node, found: &mut Vec<String>) {
    let json = match node.text() {
        Some(text) => is_configuration(text).then(|| text.to_owned()),
        None => is_plugin(node).then(|| node.to_json().to_string()),
    };
    if let Some(json) = json {
        if !found.contains(&json) {
            found.push(json);
        }
        return;
    }
    node.entries()
        .for_each(|(_, member)| collect(member, found));
    node.items().iter().for_each(|item| collect(item, found));
}

fn is_configuration(text: &str) -> bool {
    // One that does not parse is a configuration all the same, for the filter to refuse.
    text.trim_start().starts_with('{') && text.contains("\"realm\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str =
        r#"{"realm":"https://gitlab.example.com/jwt/auth","service":"s","issuer":"i"}"#;

    #[test]
    fn configurations_are_found_where_hosts_have_them() {
        let string_value = format!(
            "a:\n- typed_config:\n    config:\n      configuration:\n        value: |\n          {JSON}\n"
        );
        let istio = "kind: WasmPlugin\nspec:\n  pluginConfig:\n    realm: r\n    service: s\n    issuer: i\n";
        let both = format!("{string_value}---\n{istio}");
        for (text, count) in [
            (JSON, 1),
            (&string_value, 1),
            (istio, 1),
            (&both, 2),
            (&format!("{istio}---\n{istio}"), 1),
            ("kind: Service\n", 0),
            ("", 0),
        ] {
            let found = configurations(text).unwrap();
            assert_eq!(found.len(), count, "{text}");
            assert!(found.iter().all(|json| json.contains("realm")));
        }
        assert_eq!(configurations(JSON).unwrap(), [JSON]);
        assert!(configurations("a: [").is_err());
    }
}
