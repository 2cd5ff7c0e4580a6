//! Versions out of Cargo.lock.

use anyhow::{Context as _, Result, bail};
use toml::{Table, Value};

/// Version of the one `package` that `lock` (the text of a Cargo.lock) names so.
///
/// # Errors
/// When there is none, or more than one.
pub(crate) fn version(lock: &str, package: &str) -> Result<String> {
    let lock: Table = lock.parse().context("Cargo.lock is not TOML")?;
    let packages = lock.get("package").and_then(Value::as_array);
    let versions: Vec<&str> = packages
        .into_iter()
        .flatten()
        .filter(|entry| entry.get("name").and_then(Value::as_str) == Some(package))
        .filter_map(|entry| entry.get("version").and_then(Value::as_str))
        .collect();
    match versions.as_slice() {
        [version] => Ok((*version).to_owned()),
        [] => bail!("Cargo.lock has no {package}"),
        several => bail!("Cargo.lock has {package} {}", several.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "one"
version = "0.2.130"

[[package]]
name = "two"
version = "1.0.0"

[[package]]
name = "two"
version = "2.0.0"
"#;

    #[test]
    fn exactly_one_version_is_an_answer() {
        assert_eq!(version(LOCK, "one").unwrap(), "0.2.130");
        for (lock, package, expected) in [
            (LOCK, "none", "no none"),
            (LOCK, "two", "two 1.0.0 and 2.0.0"),
            ("", "one", "no one"),
            ("[[", "one", "not TOML"),
        ] {
            let error = format!("{:#}", version(lock, package).unwrap_err());
            assert!(error.contains(expected), "{package}: {error}");
        }
    }
}
