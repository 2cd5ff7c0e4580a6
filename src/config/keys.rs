//! Which keys tokens may be signed with, and how: `rootcertbundle`, `jwks`, `signingalgorithms`.

use serde_json::{Map, Value};

use super::{ConfigError, KeySource, optional_text, value_error};
use crate::keys::{EmbeddedKey, TrustedKeys};
use crate::profile::Profile;
use crate::shape::{self, Shape};
use crate::token::SigningAlgorithms;

/// The keys of the configuration, or else the embedded ones.
pub(super) fn read(
    members: &mut Map<String, Value>,
    embedded: &[EmbeddedKey],
    profile: Profile,
) -> Result<(TrustedKeys, KeySource), ConfigError> {
    refuse_unknown_to(profile, members, "jwks")?;
    let bundle = optional_text(members, "rootcertbundle")?;
    let set = members.remove("jwks").map(json_text).transpose()?;
    let certificates = bundle
        .map(|pem| TrustedKeys::from_bundle(pem.as_bytes(), profile))
        .transpose()
        .map_err(ConfigError::Keys)?;
    let (keys, source) = match (certificates, set) {
        (certificates, Some(set)) => (
            TrustedKeys::from_set(&set, certificates, profile),
            KeySource::Configuration,
        ),
        (Some(certificates), None) => (Ok(certificates), KeySource::Configuration),
        (None, None) => (
            TrustedKeys::from_embedded(embedded, profile),
            KeySource::Embedded,
        ),
    };
    Ok((keys.map_err(ConfigError::Keys)?, source))
}

/// What a token's `alg` may be.
pub(super) fn signing_algorithms(
    members: &mut Map<String, Value>,
    profile: Profile,
) -> Result<SigningAlgorithms, ConfigError> {
    const KEY: &str = "signingalgorithms";
    refuse_unknown_to(profile, members, KEY)?;
    let Some(value) = members.remove(KEY) else {
        return Ok(SigningAlgorithms::default());
    };
    let names = value
        .as_array()
        .map(|names| names.iter().map(Value::as_str));
    let names: Option<Vec<&str>> = names.and_then(Iterator::collect);
    names
        .and_then(SigningAlgorithms::from_names)
        .ok_or_else(|| value_error(KEY, &value))
}

/// A setting that this registry does not have would be believed to be in force.
fn refuse_unknown_to(
    profile: Profile,
    members: &Map<String, Value>,
    key: &'static str,
) -> Result<(), ConfigError> {
    if members.contains_key(key) && !profile.has_jose_settings() {
        return Err(ConfigError::Misplaced {
            key,
            needs: "the profile's registry has no such setting; remove it",
        });
    }
    Ok(())
}

/// The set itself, or the text of the file that the registry reads it from.
fn json_text(set: Value) -> Result<Value, ConfigError> {
    let Value::String(text) = &set else {
        return Ok(set);
    };
    let parsed = serde_json::from_str(text).map_err(|_| value_error("jwks", text))?;
    match shape::read(text.as_bytes(), Shape::Any) {
        Ok(()) => Ok(parsed),
        Err(_) => Err(ConfigError::Repeated),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    const EC: &str = r#"{"kty": "EC", "kid": "p256 of the set", "crv": "P-256", "x": "JJoP0UHSaSW5R5hzsSfHK2tFRdr522v4aS872eZFpNo", "y": "tlOu5vMWgPBB5AhmcrfK1W-osmTsr0fyz1TjUQxV6V8"}"#;

    fn set(keys: &[Value]) -> Value {
        json!({ "keys": keys })
    }

    /// A key on P-256 of the id `one`, with a member changed; null takes it out.
    fn key(member: &str, value: Value) -> Value {
        let mut key: Value = serde_json::from_str(EC).unwrap();
        key["kid"] = "one".into();
        key[member] = value;
        let members = key.as_object_mut().unwrap();
        members.retain(|_, value| !value.is_null());
        key
    }

    fn good() -> Value {
        key("kid", json!("one"))
    }

    fn configured(profile: &str, further: &[(&str, Value)]) -> Result<Config, ConfigError> {
        let mut json = json!({
            "realm": "https://gitlab.example.com/jwt/auth",
            "service": "container_registry",
            "issuer": "omnibus-gitlab-issuer",
            "profile": profile,
        });
        for (name, value) in further {
            json[*name] = value.clone();
        }
        Config::from_json(json.to_string().as_bytes(), &[])
    }

    #[test]
    fn a_set_alone_is_enough_and_its_keys_are_told_without_an_end() {
        for jwks in [set(&[good()]), json!(set(&[good()]).to_string())] {
            let config = configured("distribution-3", &[("jwks", jwks)]).unwrap();
            assert_eq!(config.keys_from(), KeySource::Configuration);
            let line = config.describe();
            assert!(
                line.ends_with("keys of the configuration: \"one\""),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_wrong_with_a_set_is_said_in_one_line_that_names_the_key() {
        let many: Vec<Value> = (0..257)
            .map(|number| key("kid", json!(number.to_string())))
            .collect();
        for (jwks, expected) in [
            (json!("{"), "`jwks`: found {"),
            (json!(5), "`jwks`: it is not an object with a list `keys`"),
            (json!({}), "`jwks`: it is not an object"),
            (json!({"keys": [5]}), "`jwks`: it is not an object"),
            (set(&[]), "`jwks`: it holds no key"),
            (
                set(&many),
                "`jwks`: it holds 257 keys; expected at most 256",
            ),
            (
                set(&[good(), good()]),
                "`jwks`: key 2: its `kid` is that of another key",
            ),
            (
                set(&[key("kid", Value::Null)]),
                "`jwks`: key 1: expected a `kid`",
            ),
            (
                set(&[key("kid", json!(""))]),
                "`jwks`: key 1: expected a `kid`",
            ),
            (
                set(&[key("kid", json!("a".repeat(1025)))]),
                "`jwks`: key 1: expected a `kid`",
            ),
            (
                set(&[key("d", json!("AA"))]),
                "`jwks`: key 1: `d` belongs to a private key",
            ),
            (
                set(&[key("kty", json!("oct"))]),
                "`jwks`: key 1: `kty` is oct",
            ),
            (
                set(&[key("kty", json!("ec"))]),
                "`jwks`: key 1: expected a `kty`",
            ),
            (
                set(&[key("crv", json!("secp256k1"))]),
                "`jwks`: key 1: expected a `crv`",
            ),
            (set(&[key("x", json!("AA"))]), "`jwks`: key 1: "),
            (
                set(&[key("x", json!("!"))]),
                "`jwks`: key 1: `x` is missing, too long or not base64url",
            ),
            (
                set(&[key("use", json!("enc"))]),
                "`jwks`: key 1: `use` or `key_ops`",
            ),
            (
                set(&[key("key_ops", json!(["sign"]))]),
                "`jwks`: key 1: `use` or `key_ops`",
            ),
            (
                set(&[key("alg", json!("RS256"))]),
                "`jwks`: key 1: `alg` is not",
            ),
            (
                set(&[key("alg", json!("ES384"))]),
                "`jwks`: key 1: `alg` is not",
            ),
            (
                set(&[key("x5c", json!(["AA=="]))]),
                "`jwks`: key 1: `x5c` does not begin",
            ),
        ] {
            let shown = jwks.to_string();
            let fault = configured("distribution-3", &[("jwks", jwks)]).unwrap_err();
            let fault = fault.to_string();
            assert!(fault.starts_with(expected), "{shown}\n{fault}");
            assert!(!fault.contains('\n'), "{fault}");
        }
        // A member twice, which two readers take differently.
        let twice = set(&[good()])
            .to_string()
            .replace("\"kty\"", "\"kid\":\"two\",\"kty\"");
        assert!(configured("distribution-3", &[("jwks", json!(twice))]).is_err());
    }

    #[test]
    fn algorithms_are_those_of_the_list_and_only_where_the_registry_has_one() {
        let jwks = || ("jwks", set(&[good()]));
        let with =
            |names: Value| configured("distribution-3", &[jwks(), ("signingalgorithms", names)]);
        assert!(with(json!(["ES256", "RS256"])).is_ok());
        for names in [
            json!([]),
            json!("RS256"),
            json!(["RS256", "none"]),
            json!(["rs256"]),
            json!([5]),
        ] {
            let fault = with(names.clone()).unwrap_err().to_string();
            assert!(
                fault.starts_with("`signingalgorithms`: found "),
                "{names}: {fault}"
            );
        }
        for (name, value) in [jwks(), ("signingalgorithms", json!(["RS256"]))] {
            for profile in ["gitlab", "distribution-2.8"] {
                let bundle = include_str!("../../tests/fixtures/keys/registry.crt");
                let further = [("rootcertbundle", json!(bundle)), (name, value.clone())];
                let fault = configured(profile, &further).unwrap_err();
                let expected = format!("`{name}`: the profile's registry has no such setting");
                assert!(fault.to_string().starts_with(&expected), "{fault}");
            }
        }
    }
}
