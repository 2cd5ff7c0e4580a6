use super::*;

fn facts(text: &str) -> Facts {
    read(Path::new("gitlab.rb"), text)
}

fn shown<T: ToString>(found: &Option<Found<T>>) -> Option<String> {
    found.as_ref().map(|found| found.value.to_string())
}

#[test]
fn urls_realm_and_nodes() {
    for (text, registry, realm, node) in [
        (
            "external_url 'https://gitlab.example.com'\nregistry_external_url 'https://registry.example.com'",
            Some("https://registry.example.com"),
            Some("https://gitlab.example.com/jwt/auth"),
            Some("http://127.0.0.1:5000"),
        ),
        (
            "external_url 'https://g.example'\nregistry_external_url 'https://g.example:5050'\nregistry['token_realm'] = \"https://tokens.example/\"",
            Some("https://g.example:5050"),
            Some("https://tokens.example/jwt/auth"),
            Some("http://127.0.0.1:5000"),
        ),
        (
            "external_url 'https://g.example'\nletsencrypt['enable'] = true",
            Some("https://g.example:5050"),
            Some("https://g.example/jwt/auth"),
            Some("http://127.0.0.1:5000"),
        ),
        (
            "external_url 'https://g.example'\ngitlab_rails['registry_host'] = 'r.example'\ngitlab_rails['registry_port'] = 5000\ngitlab_rails['registry_api_url'] = 'http://10.0.0.2:5000'",
            Some("https://r.example:5000"),
            Some("https://g.example/jwt/auth"),
            Some("http://10.0.0.2:5000"),
        ),
        // The registry's own node: it does not know its name, and 0.0.0.0 is no address.
        (
            "registry['enable'] = true\nregistry['registry_http_addr'] = '0.0.0.0:5000'\nregistry['token_realm'] = 'https://g.example'",
            None,
            Some("https://g.example/jwt/auth"),
            None,
        ),
        (
            "external_url 'https://g.example'",
            None,
            Some("https://g.example/jwt/auth"),
            None,
        ),
        (
            "external_url 'https://old.example'\nexternal_url 'https://g.example'",
            None,
            Some("https://g.example/jwt/auth"),
            None,
        ),
    ] {
        let facts = facts(text);
        assert_eq!(shown(&facts.registry_url).as_deref(), registry, "{text}");
        assert_eq!(shown(&facts.realm).as_deref(), realm, "{text}");
        let found = facts.nodes.first().map(|node| node.value.to_string());
        assert_eq!(found.as_deref(), node, "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_kept_with_its_place_and_nothing_takes_its_place() {
    for (text, field, place, is_none) in [
        (
            "external_url \"https://#{node}\"",
            Field::Realm,
            "1:23",
            "realm",
        ),
        (
            "external_url 'https://g.example'\nregistry['token_realm'] = ENV['R']",
            Field::Realm,
            "2:27",
            "realm",
        ),
        (
            "gitlab_rails['registry_issuer'] = ISSUER",
            Field::Issuer,
            "1:35",
            "issuer",
        ),
        (
            "registry['internal_certificate'] = File.read('/etc/x.crt')",
            Field::Bundle,
            "1:36",
            "bundle",
        ),
        (
            "if x\n  gitlab_rails['registry_issuer'] = 'y'\nend",
            Field::Issuer,
            "2:3",
            "issuer",
        ),
    ] {
        let facts = facts(text);
        let why = field.unread_in(&facts).expect(text);
        assert_eq!(
            why.origin.to_string(),
            format!("gitlab.rb:{place}"),
            "{text}"
        );
        let gone = match is_none {
            "realm" => facts.realm.is_none(),
            "issuer" => facts.issuer.is_none(),
            _ => facts.bundle.is_none(),
        };
        assert!(gone, "{text}");
    }
}

#[test]
fn keys_and_certificates() {
    let facts = facts(
        "registry['internal_key'] = <<~PEM\n  SECRET\nPEM\nregistry['internal_certificate'] = \"CERT\\n\"\ngitlab_rails['internal_key'] = 'SECRET'",
    );
    assert_eq!(
        facts.bundle.as_ref().unwrap().value,
        Bundle::Inline("CERT\n".to_owned())
    );
    assert!(!format!("{facts:?}").contains("SECRET"));
    assert!(
        facts.notes[0]
            .value
            .contains("does not read gitlab_rails['internal_key']")
    );
}
