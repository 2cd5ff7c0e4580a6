//! The registry's own `config.yml`, of GitLab's registry and of Distribution 2 and 3, and the
//! environment that overrides it.
//!
//! ```text
//! auth.token.realm, .service, .issuer, .rootcertbundle       REGISTRY_AUTH_TOKEN_REALM, …
//! http.addr, http.host, http.headers, http.tls.certificate   REGISTRY_HTTP_ADDR, …_HOST
//! ```
//!
//! A variable's value is YAML as well; for the keys above that makes it text.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::facts::{Bundle, Facts, Field};
use super::place::{Found, Origin};
use super::site::beside;
use super::url::Url;
use super::yaml::{self, Node};

/// What environment variables say.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Whether a document is one.
#[must_use]
pub fn is_one(root: &Node) -> bool {
    root.get("version").is_some() && (root.get("storage").is_some() || root.get("http").is_some())
        || root.at(&["auth", "token"]).is_some()
}

/// Reads a `config.yml`.
#[must_use]
pub fn read(file: &Path, root: &Node, environment: Environment<'_>) -> Facts {
    let reader = Reader {
        file,
        root,
        environment,
    };
    reader.facts()
}

struct Reader<'a> {
    file: &'a Path,
    root: &'a Node,
    environment: Environment<'a>,
}

impl Reader<'_> {
    fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        facts.realm = self.text(&mut facts, &["auth", "token", "realm"], Field::Realm);
        facts.service = self.text(&mut facts, &["auth", "token", "service"], Field::Service);
        facts.issuer = self.text(&mut facts, &["auth", "token", "issuer"], Field::Issuer);
        let bundle = self.text(
            &mut facts,
            &["auth", "token", "rootcertbundle"],
            Field::Bundle,
        );
        facts.bundle = bundle.map(|path| path.with(Bundle::File(PathBuf::from(&path.value))));
        self.further(&mut facts);
        self.gitlab(&mut facts);
        self.http(&mut facts);
        let token = self.root.at(&["auth", "token"]);
        if token.is_none() && facts.realm.is_none() {
            let why = "there is no `auth.token` in this file: the registry lets everyone in, and \
                 what tokens must say is not known";
            let why = Found::in_file(why.to_owned(), self.file, self.root.position);
            facts.unread.push((Field::Realm, why));
        }
        facts
    }

    fn text(&self, facts: &mut Facts, path: &[&str], field: Field) -> Option<Found<String>> {
        let name = format!("REGISTRY_{}", path.join("_").to_uppercase());
        if let Some(value) = (self.environment)(&name).filter(|value| !value.is_empty()) {
            return Some(Found {
                value,
                origin: Origin::Environment(name),
            });
        }
        let node = self.root.at(path).filter(|node| !node.is_null())?;
        match node.text() {
            Some(text) if !text.trim().is_empty() => {
                Some(Found::in_file(text.to_owned(), self.file, node.position))
            }
            _ => {
                let why = format!("`{}` is not text", path.join("."));
                let why = Found::in_file(why, self.file, node.position);
                facts.unread.push((field, why));
                None
            }
        }
    }

    /// Keys that Distribution 3 alone has, and `autoredirect`.
    fn further(&self, facts: &mut Facts) {
        let found = [
            ("signingalgorithms", self.signing_algorithms()),
            ("jwks", self.key_set(facts)),
            ("autoredirectpath", self.as_it_stands("autoredirectpath")),
        ];
        for (name, value) in found {
            let Some(value) = value else { continue };
            facts.profile = Some(value.with("distribution-3".to_owned()));
            facts.further.insert(name.to_owned(), value);
        }
        match self.as_it_stands("autoredirect") {
            Some(on) if on.value == true => {
                facts.further.insert("autoredirect".to_owned(), on);
            }
            // Without it the path says nothing.
            _ => drop(facts.further.remove("autoredirectpath")),
        }
    }

    fn as_it_stands(&self, key: &str) -> Option<Found<Value>> {
        let node = self.root.at(&["auth", "token", key])?;
        (!node.is_null()).then(|| Found::in_file(node.to_json(), self.file, node.position))
    }

    /// What the registry takes no token without, an edge in front of it must not take either.
    fn signing_algorithms(&self) -> Option<Found<Value>> {
        const VARIABLE: &str = "REGISTRY_AUTH_TOKEN_SIGNINGALGORITHMS";
        let Some(value) = (self.environment)(VARIABLE).filter(|value| !value.is_empty()) else {
            return self.as_it_stands("signingalgorithms");
        };
        let documents = yaml::parse(&value).unwrap_or_default();
        let list = documents.first().map(yaml::Node::to_json);
        Some(Found {
            // What is no list is taken over as the text it is, for the filter to refuse.
            value: list.unwrap_or_else(|| value.into()),
            origin: Origin::Environment(VARIABLE.to_owned()),
        })
    }

    /// The keys of the file that the registry names, which the filter is given themselves.
    fn key_set(&self, facts: &mut Facts) -> Option<Found<Value>> {
        let path = self.text(facts, &["auth", "token", "jwks"], Field::Bundle)?;
        let read = std::fs::read_to_string(beside(Path::new(&path.value), &path.origin))
            .map_err(|error| error.to_string())
            .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        match read {
            Ok(keys) => Some(path.with(keys)),
            Err(error) => {
                facts.profile = Some(path.with("distribution-3".to_owned()));
                let why = path.with(format!(
                    "the keys of `jwks` are not taken over, {} cannot be read: {error}; copy it from \
                     the registry's node to the same place",
                    path.value
                ));
                facts.notes.push(why.clone());
                facts.unread.push((Field::Bundle, why));
                None
            }
        }
    }

    /// GitLab's URL, from the realm that GitLab's endpoint has.
    fn gitlab(&self, facts: &mut Facts) {
        let Some(realm) = &facts.realm else { return };
        match Url::parse(&realm.value) {
            Ok(url) => {
                facts.gitlab_url = Some(realm.with(Url {
                    path: String::new(),
                    ..url
                }));
            }
            Err(error) => facts
                .unread
                .push((Field::Realm, realm.with(error.to_string()))),
        }
    }

    fn http(&self, facts: &mut Facts) {
        if let Some(host) = self.text(facts, &["http", "host"], Field::RegistryUrl) {
            match Url::parse(&host.value) {
                Ok(url) => facts.registry_url = Some(host.with(url)),
                Err(error) => {
                    let why = host.with(error.to_string());
                    facts.unread.push((Field::RegistryUrl, why));
                }
            }
        }
        let tls = self.root.at(&["http", "tls", "certificate"]).is_some();
        if let Some(address) = self.text(facts, &["http", "addr"], Field::Nodes) {
            match Url::parse_address(address.value.trim()) {
                Ok(url) if url.is_wildcard() => {}
                Ok(url) => facts.nodes.push(address.with(Url { tls, ..url })),
                // `:5000` listens everywhere, which is no address to connect to.
                Err(_) if address.value.starts_with(':') => {}
                Err(error) => facts
                    .unread
                    .push((Field::Nodes, address.with(error.to_string()))),
            }
        }
        facts.headers = self
            .root
            .at(&["http", "headers"])
            .map(|node| Found::in_file(node.to_json(), self.file, node.position));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "version: 0.1
http: {addr: ':5000', host: 'https://r.example', headers: {X-Content-Type-Options: [nosniff]}}
auth:
  token:
    realm: https://g.example/jwt/auth
    service: container_registry
    issuer: gitlab-issuer
    rootcertbundle: /etc/r.crt
";

    fn facts(text: &str, environment: Environment<'_>) -> Facts {
        let root = yaml::parse(text).unwrap().remove(0);
        assert!(is_one(&root), "{text}");
        read(Path::new("config.yml"), &root, environment)
    }

    #[test]
    fn a_limit_to_some_algorithms_is_taken_over() {
        let limited = format!("{YAML}    signingalgorithms: [RS256, ES256]\n");
        let found = facts(&limited, &|_| None);
        let expected = serde_json::json!(["RS256", "ES256"]);
        assert_eq!(found.further["signingalgorithms"].value, expected);
        assert_eq!(found.profile.unwrap().value, "distribution-3");
        for (variable, expected) in [
            ("[PS256]", serde_json::json!(["PS256"])),
            // A limit that cannot be read is not as good as none.
            ("PS256", serde_json::json!("PS256")),
            ("[PS256", serde_json::json!("[PS256")),
            ("# nothing", serde_json::json!("# nothing")),
        ] {
            let found = facts(&limited, &|name| {
                let is_it = name == "REGISTRY_AUTH_TOKEN_SIGNINGALGORITHMS";
                is_it.then(|| variable.to_owned())
            });
            let algorithms = &found.further["signingalgorithms"];
            assert_eq!(algorithms.value, expected, "{variable}");
        }
        assert!(facts(YAML, &|_| None).further.is_empty());
    }

    #[test]
    fn values_have_the_place_where_they_stand() {
        let facts = facts(YAML, &|_| None);
        let realm = facts.realm.unwrap();
        assert_eq!(realm.value, "https://g.example/jwt/auth");
        assert_eq!(realm.origin.to_string(), "config.yml:5:12");
        assert_eq!(
            facts.gitlab_url.unwrap().value.to_string(),
            "https://g.example"
        );
        assert_eq!(facts.registry_url.unwrap().value.host, "r.example");
        assert_eq!(
            facts.bundle.unwrap().value,
            Bundle::File("/etc/r.crt".into())
        );
        assert!(facts.nodes.is_empty() && facts.unread.is_empty());
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let facts = facts(YAML, &|name| {
            (name == "REGISTRY_AUTH_TOKEN_ISSUER").then(|| "other".to_owned())
        });
        let issuer = facts.issuer.unwrap();
        assert_eq!(issuer.value, "other");
        assert!(
            issuer
                .origin
                .to_string()
                .contains("REGISTRY_AUTH_TOKEN_ISSUER")
        );
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (from, to, field, place) in [
            (
                "realm: https://g.example/jwt/auth",
                "realm: [x]",
                Field::Realm,
                "5:12",
            ),
            (
                "realm: https://g.example/jwt/auth",
                "realm: /jwt/auth",
                Field::Realm,
                "5:12",
            ),
            (
                "issuer: gitlab-issuer",
                "issuer: {x: y}",
                Field::Issuer,
                "7:13",
            ),
            ("addr: ':5000'", "addr: nonsense", Field::Nodes, "2:14"),
        ] {
            let facts = facts(&YAML.replace(from, to), &|_| None);
            let why = field.unread_in(&facts).expect(to);
            assert_eq!(
                why.origin.to_string(),
                format!("config.yml:{place}"),
                "{to}"
            );
        }
        let open = facts("version: 0.1\nstorage: {}", &|_| None);
        assert!(
            Field::Realm
                .unread_in(&open)
                .unwrap()
                .value
                .contains("auth.token")
        );
    }
}
