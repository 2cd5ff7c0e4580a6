//! What is explained: read from files and standard input, and from nowhere else.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use edgectl::config::carried::configurations;
use registry_token_filter::UnixTime;
use registry_token_filter::explain::parse_moment;
use serde_json::Value;

use crate::cli::{Failure, say};

/// More than the filter reads of a token, and of everything people keep around one.
const MOST_BYTES: u64 = 4 << 20;

/// Whether a word of the command line holds what nobody should put there.
pub(super) fn is_secret(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let is_field =
        lower.starts_with("authorization:") || lower.contains("bearer ") || lower == "bearer";
    // `{"` in base64url: what a JOSE header begins with.
    let is_token = word
        .split(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter))
        .any(|piece| piece.starts_with("eyJ") && piece.matches('.').count() >= 2);
    is_field || is_token
}

/// The plugin configuration of a file or in it, with the certificates of another one if it has none.
pub(super) fn configuration(file: &Path, bundle: Option<&Path>) -> Result<String, Failure> {
    let text = carried(file, read(file, "the configuration")?)?;
    let Some(bundle) = bundle else {
        return Ok(text);
    };
    let pem = read(bundle, "the certificates")?;
    // What is no object is for the filter's own code to refuse.
    let Ok(Value::Object(mut members)) = serde_json::from_str(&text) else {
        return Ok(text);
    };
    if members.contains_key("rootcertbundle") {
        return Err(format!(
            "{} has a rootcertbundle, which the filter takes before the one it was built with: leave \
             --rootcertbundle out",
            file.display()
        )
        .into());
    }
    members.insert("rootcertbundle".to_owned(), Value::String(pem));
    Ok(Value::Object(members).to_string())
}

/// The plugin configuration in what a file says: itself, or the one it carries to the filter.
fn carried(file: &Path, text: String) -> Result<String, Failure> {
    // What is no YAML, or carries nothing, is for the filter's own code to refuse.
    let found = configurations(&text).unwrap_or_default();
    match &found[..] {
        [] => Ok(text),
        [one] => Ok(one.clone()),
        several => Err(format!(
            "{} carries {} different configurations of the filter: give the one that is meant in a file of its own",
            file.display(),
            several.len()
        )
        .into()),
    }
}

/// The token, in any of its forms; what is read is kept in memory alone.
pub(super) fn token(file: Option<&Path>) -> Result<String, Failure> {
    let file = file.unwrap_or(Path::new("-"));
    if file == Path::new("-") && io::stdin().is_terminal() {
        say(
            "Paste the token and press Ctrl-D on a line of its own (--no-token explains a request without one).",
        );
    }
    let text = read(file, "the token")?;
    if text.trim().is_empty() {
        return Err("the token is empty: --no-token explains a request without one".into());
    }
    Ok(text)
}

/// The time that is asked about.
pub(super) fn moment(at: Option<&str>) -> Result<UnixTime, Failure> {
    match at {
        Some(text) => parse_moment(text).map_err(|error| format!("--at: {error}").into()),
        None => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map(UnixTime::new)
            .map_err(|_| "the clock of this machine stands before 1970: give --at".into()),
    }
}

/// A file, or standard input for `-`, as text.
pub(super) fn read(file: &Path, what: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    open(file, what)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot read {what} from {}: {error}", file.display()))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("{what} in {} is larger than 4 MiB", file.display()).into());
    }
    // A token that is not text is for the filter to refuse, whatever stands in the place of a byte.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Opens a file, or standard input for `-`.
pub(super) fn open(file: &Path, what: &str) -> Result<Box<dyn Read>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).and_then(|opened| {
        // Opening a folder succeeds, reading it does not.
        fs::metadata(file).map(|about| (opened, about.is_dir()))
    });
    match opened {
        Ok((_, true)) => Err(format!("{what}: {} is a folder", file.display()).into()),
        Ok((opened, false)) => Ok(Box::new(opened)),
        Err(error) => Err(format!("cannot read {what} from {}: {error}", file.display()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn secrets_are_known_wherever_they_stand() {
        for word in [
            "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
            "Bearer",
            "Bearer x",
            "Authorization: Basic YTpi",
            "GET /v2/?token=eyJhbGciOiJSUzI1NiJ9.e30.",
            "X-Token:eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
        ] {
            assert!(is_secret(word), "{word}");
        }
        for word in [
            "GET",
            "/v2/group/eye.of.storm/manifests/1.2.3",
            "Content-Type: application/json",
            "https://registry.example.com/v2/",
        ] {
            assert!(!is_secret(word), "{word}");
        }
    }
}
