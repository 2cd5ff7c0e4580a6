//! `headers`: what the registry adds to the answers of its routes. `permit_header`: what the filter
//! adds to a request that it forwards.

use serde_json::Value;

use super::{ConfigError, value_error};

/// Header names to lists of values. A name or value that could not stand in a response is refused.
pub(super) fn read(value: &Value) -> Result<Vec<(String, String)>, ConfigError> {
    const OWN: [&str; 6] = [
        "connection",
        "content-length",
        "content-type",
        "docker-distribution-api-version",
        "transfer-encoding",
        "www-authenticate",
    ];
    let refuse = || value_error("headers", value);
    let mut headers = Vec::new();
    for (name, values) in value.as_object().ok_or_else(refuse)? {
        let is_name = is_token(name);
        let name = name.to_ascii_lowercase();
        if !is_name || OWN.contains(&name.as_str()) {
            return Err(refuse());
        }
        for value in values.as_array().ok_or_else(refuse)? {
            match value.as_str() {
                Some(text) if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => {
                    headers.push((name.clone(), text.to_owned()));
                }
                _ => return Err(refuse()),
            }
        }
    }
    Ok(headers)
}

/// The name of a header that means nothing yet: an extension (`x-…`), and none of those that proxies
/// read or write, so that nothing they or the registry go by is overwritten.
pub(super) fn permit(name: &str) -> Result<String, ConfigError> {
    /// Beginnings of names: Envoy's own, those of addresses, and those that tie log lines together.
    const OF_PROXIES: [&str; 6] = [
        "x-b3-",
        "x-client-",
        "x-envoy-",
        "x-forwarded",
        "x-real-ip",
        "x-request-id",
    ];
    let name = name.to_ascii_lowercase();
    let is_own = name.strip_prefix("x-").is_some_and(|rest| !rest.is_empty())
        && !OF_PROXIES.iter().any(|prefix| name.starts_with(prefix));
    if is_own && is_token(&name) {
        Ok(name)
    } else {
        Err(value_error("permit_header", &name))
    }
}

/// RFC 9110 section 5.1.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
