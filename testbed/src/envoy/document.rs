//! Replacing places of a YAML document, each of which has to exist.
//!
//! A place is written as a path: `admin.address`, `static_resources.clusters[name=registry].type`,
//! `filter_chains[0].filters[0]`. A place that is missing is an error that names the path, so that
//! the production file and what is made of it for a local stack cannot drift apart unnoticed.

use serde_json::Value;

use crate::error::{Error, Result};

/// A YAML document and the name of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    name: String,
    root: Value,
}

impl Document {
    /// Parses YAML.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(name: &str, yaml: &str) -> Result<Self> {
        let root = yaml_serde::from_str(yaml)
            .map_err(|error| Error::Other(format!("{name} is not YAML: {error}")))?;
        Ok(Self {
            name: name.to_owned(),
            root,
        })
    }

    /// The value at `path`.
    ///
    /// # Errors
    /// [`Error::Yaml`] when there is none. The same for all methods.
    pub fn at(&mut self, path: &str) -> Result<&mut Value> {
        let Self { name, root } = self;
        let mut value = root;
        for step in steps(path) {
            let found = describe(value);
            value = descend(value, step).ok_or_else(|| Error::Yaml {
                document: name.clone(),
                path: path.to_owned(),
                reason: format!("no `{step}` in {found}"),
            })?;
        }
        Ok(value)
    }

    /// Replaces the value at `path`.
    ///
    /// # Errors
    /// As [`Document::at`].
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<()> {
        *self.at(path)? = value.into();
        Ok(())
    }

    /// Takes the member `key` out of the mapping at `path`.
    ///
    /// # Errors
    /// As [`Document::at`].
    pub fn take(&mut self, path: &str, key: &str) -> Result<Value> {
        let taken = self
            .at(path)?
            .as_object_mut()
            .and_then(|members| members.remove(key));
        taken.ok_or_else(|| Error::Yaml {
            document: self.name.clone(),
            path: format!("{path}.{key}"),
            reason: "it was to be taken out".to_owned(),
        })
    }

    /// The whole document.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The whole document, to add to it.
    pub fn root_mut(&mut self) -> &mut Value {
        &mut self.root
    }

    /// The document as YAML.
    ///
    /// # Errors
    /// When a value has no form in YAML.
    pub fn to_yaml(&self) -> Result<String> {
        yaml_serde::to_string(&self.root)
            .map_err(|error| Error::Other(format!("{}: {error}", self.name)))
    }

    /// The document as JSON, which Envoy reads from files that end in `.json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}", self.root)
    }
}

/// `a.b[0][name=x]` is the steps `a`, `b`, `0`, `name=x`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']']).filter(|step| !step.is_empty())
}

fn descend<'a>(value: &'a mut Value, step: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(members) => members.get_mut(step),
        Value::Array(items) => match step.split_once('=') {
            Some((key, wanted)) => items
                .iter_mut()
                .find(|item| item.get(key).is_some_and(|found| found == wanted)),
            None => items.get_mut(step.parse::<usize>().ok()?),
        },
        _ => None,
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let keys: Vec<&str> = members.keys().map(String::as_str).collect();
            format!("a mapping of {}", keys.join(", "))
        }
        Value::Array(items) => format!("a list of {}", items.len()),
        other => format!("the value {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "
admin: {port: 1}
clusters:
- {name: one, type: A, hosts: [x, y]}
- {name: two, type: B}
";

    fn document() -> Document {
        Document::parse("test.yaml", YAML).unwrap()
    }

    #[test]
    fn places_are_found_by_key_index_and_selector() {
        let cases = [
            ("admin.port", "1"),
            ("clusters[0].type", "\"A\""),
            ("clusters[name=two].type", "\"B\""),
            ("clusters[name=one].hosts[1]", "\"y\""),
        ];
        for (path, wanted) in cases {
            assert_eq!(document().at(path).unwrap().to_string(), wanted, "{path}");
        }
    }

    #[test]
    fn a_missing_place_is_an_error_that_names_document_path_and_what_is_there() {
        let cases = [
            ("admin.address", "`address` in a mapping of port"),
            ("clusters[7].type", "`7` in a list of 2"),
            ("clusters[name=three].type", "`name=three` in a list of 2"),
            ("clusters[name=one].type.more", "`more` in the value \"A\""),
            ("clusters.one", "`one` in a list of 2"),
        ];
        for (path, reason) in cases {
            let mut document = document();
            let untouched = document.clone();
            let said = document.set(path, 1).unwrap_err().to_string();
            assert!(
                said.starts_with("test.yaml") && said.contains(path),
                "{said}"
            );
            assert!(said.contains(reason), "{said}");
            assert_eq!(document, untouched);
        }
    }

    #[test]
    fn what_is_taken_out_must_have_been_there() {
        let mut document = document();
        assert_eq!(document.take("clusters[name=two]", "type").unwrap(), "B");
        let said = document
            .take("clusters[name=two]", "type")
            .unwrap_err()
            .to_string();
        assert!(said.contains("clusters[name=two].type"), "{said}");
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let mut document = document();
        document.set("admin.port", 2).unwrap();
        for text in [document.to_yaml().unwrap(), document.to_json()] {
            assert_eq!(Document::parse("test.yaml", &text).unwrap(), document);
        }
    }
}
