//! The realm: `realm` itself, and the keys of `autoredirect`.

use fluent_uri::Uri;
use serde_json::{Map, Value};

use super::{ConfigError, optional_text, value_error};
use crate::profile::{AutoredirectForm, Profile};
use crate::realm::{AllowedHosts, Autoredirect, DEFAULT_PATH, Realm};

/// Reads the keys about the realm.
pub(super) fn read(
    configured: String,
    members: &mut Map<String, Value>,
    profile: Profile,
) -> Result<Realm, ConfigError> {
    if !is_usable(&configured) {
        return Err(value_error("realm", &configured));
    }
    let is_on = match members.remove("autoredirect") {
        None => None,
        Some(Value::Bool(is_on)) => Some(is_on),
        Some(other) => return Err(value_error("autoredirect", &other)),
    };
    let hosts = hosts(members)?;
    let path = path(members, profile)?;
    let needs = |key, is_there: bool| match is_there && is_on.is_none() {
        true => Err(ConfigError::Misplaced {
            key,
            needs: "it has no effect alone; expected \"autoredirect\": true beside it, or neither",
        }),
        false => Ok(()),
    };
    needs("autoredirect_hosts", hosts.is_some())?;
    needs("autoredirectpath", path.is_some())?;
    let autoredirect = match (is_on, hosts) {
        (None | Some(false), _) => None,
        (Some(true), Some(hosts)) => Some(Autoredirect {
            hosts,
            path: path.unwrap_or_else(|| DEFAULT_PATH.to_owned()),
            form: profile.autoredirect_form(),
        }),
        // Without it any host would do, and clients would send their passwords there.
        (Some(true), None) => {
            return Err(ConfigError::MissingKey {
                key: "autoredirect_hosts",
            });
        }
    };
    Ok(Realm::new(configured, autoredirect))
}

/// An absolute http(s) URL with a host, as clients need it to fetch a token.
fn is_usable(realm: &str) -> bool {
    Uri::parse(realm).is_ok_and(|uri| {
        matches!(uri.scheme().as_str(), "http" | "https")
            && uri
                .authority()
                .is_some_and(|authority| !authority.host().is_empty())
            && !uri.has_fragment()
    })
}

fn hosts(members: &mut Map<String, Value>) -> Result<Option<AllowedHosts>, ConfigError> {
    const KEY: &str = "autoredirect_hosts";
    let Some(value) = members.remove(KEY) else {
        return Ok(None);
    };
    let texts: Option<Vec<&str>> = value
        .as_array()
        .and_then(|values| values.iter().map(Value::as_str).collect());
    let texts = texts.ok_or_else(|| value_error(KEY, &value))?;
    AllowedHosts::parse(texts)
        .map(Some)
        .map_err(|error| value_error(KEY, &error))
}

/// A path alone, of characters that stand for themselves in a URL.
fn path(members: &mut Map<String, Value>, profile: Profile) -> Result<Option<String>, ConfigError> {
    const KEY: &str = "autoredirectpath";
    let Some(text) = optional_text(members, KEY)? else {
        return Ok(None);
    };
    if profile.autoredirect_form() == AutoredirectForm::Https {
        return Err(ConfigError::Misplaced {
            key: KEY,
            needs: "registries before Distribution 3 have the path built in; expected the profile \
                    \"distribution-3\", or no such key",
        });
    }
    let is_path = text.starts_with('/')
        && !text.starts_with("//")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte));
    if is_path {
        Ok(Some(text))
    } else {
        Err(value_error(KEY, &text))
    }
}
