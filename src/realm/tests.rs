use super::*;
use crate::request::Body;

const CONFIGURED: &str = "https://gitlab.example.com/jwt/auth";

fn realm(form: AutoredirectForm) -> Realm {
    let hosts = [
        "registry.example.com",
        "Registry.example.com:5000",
        "[2001:db8::1]:5000",
        "192.0.2.7",
    ];
    let autoredirect = Autoredirect {
        hosts: AllowedHosts::parse(hosts).unwrap(),
        path: DEFAULT_PATH.to_owned(),
        form,
    };
    Realm::new(CONFIGURED.to_owned(), Some(autoredirect))
}

/// The realm of a request with these values, if it is not the configured one.
fn built(realm: &Realm, host: &[&[u8]], forwarded_proto: &[&[u8]]) -> Option<String> {
    let head = RequestHead {
        method: b"GET",
        target: b"/v2/",
        host,
        forwarded_proto,
        authorization: &[],
        content_type: &[],
        body: Body::Empty,
    };
    let realm = realm.for_request(&head);
    (realm != CONFIGURED).then(|| realm.into_owned())
}

#[test]
fn a_listed_host_is_named_as_it_was_spelled_and_no_other_ever_is() {
    let realm = realm(AutoredirectForm::Https);
    for host in [
        "registry.example.com",
        "REGISTRY.Example.Com",
        "registry.example.com:5000",
        "REGISTRY.EXAMPLE.COM:5000",
        "[2001:db8::1]:5000",
        "[2001:DB8::1]:5000",
        "192.0.2.7",
    ] {
        let expected = format!("https://{host}/auth/token");
        assert_eq!(built(&realm, &[host.as_bytes()], &[]), Some(expected));
    }
    for host in [
        "",
        " ",
        "evil.example",
        // Another port, a default one, none.
        "registry.example.com:443",
        "registry.example.com:80",
        "registry.example.com:05000",
        "registry.example.com:5000:",
        "registry.example.com:",
        "192.0.2.7:443",
        "[2001:db8::1]",
        // Another spelling of a host of the list.
        "registry.example.com.",
        "registry.example.com.:5000",
        ".registry.example.com",
        "registry%2eexample.com",
        "[2001:db8:0::1]:5000",
        "[2001:db8::1%25eth0]:5000",
        "2001:db8::1:5000",
        "192.0.2.007",
        "3221225991",
        "registry.example.com ",
        " registry.example.com",
        "registry.example.com\t",
        "ｒegistry.example.com",
        // More than a host.
        "user@registry.example.com",
        "registry.example.com@evil.example",
        "registry.example.com:5000@evil.example",
        "registry.example.com/evil",
        "registry.example.com\\evil",
        "registry.example.com#.evil.example",
        "registry.example.com?.evil.example",
        "registry.example.com,evil.example",
        "registry.example.com evil.example",
        "registry.example.com\r\nx: y",
        "registry.example.com\0",
        "https://registry.example.com",
        "//registry.example.com",
        // Near, and a part.
        "registry.example.com.evil.example",
        "evil-registry.example.com",
        "example.com",
        "registry",
        "*",
    ] {
        assert_eq!(built(&realm, &[host.as_bytes()], &[]), None, "{host:?}");
    }
    assert_eq!(built(&realm, &[b"registry.example.com\xff"], &[]), None);
    let long = "registry.example.com".repeat(100_000);
    assert_eq!(built(&realm, &[long.as_bytes()], &[]), None);
}

#[test]
fn none_or_several_hosts_are_none() {
    let realm = realm(AutoredirectForm::Https);
    let listed: &[u8] = b"registry.example.com";
    assert_eq!(built(&realm, &[], &[]), None);
    assert_eq!(built(&realm, &[listed, listed], &[]), None);
    assert_eq!(built(&realm, &[listed, b"evil.example"], &[]), None);
    assert_eq!(built(&realm, &[b"evil.example", listed], &[]), None);
    assert_eq!(built(&realm, &[b"", listed], &[]), None);
    assert!(built(&realm, &[listed], &[]).is_some());
}

#[test]
fn the_scheme_is_https_or_what_a_proxy_says_where_the_registry_listens_to_it() {
    let host: &[&[u8]] = &[b"registry.example.com"];
    for (forwarded, fixed, by_proxy) in [
        (&[][..], Some("https"), Some("https")),
        (&[""], Some("https"), Some("https")),
        (&["https"], Some("https"), Some("https")),
        (&["http"], Some("https"), Some("http")),
        (&["HTTPS"], Some("https"), None),
        (&["https,http"], Some("https"), None),
        (&["https", "https"], Some("https"), None),
        (&["https", "http"], Some("https"), None),
        (&["", "http"], Some("https"), None),
        (&["http "], Some("https"), None),
        (&["ftp"], Some("https"), None),
        (&["javascript"], Some("https"), None),
        (&["https://evil.example/?"], Some("https"), None),
        (&["foo\"bar"], Some("https"), None),
        (&["http\r\nx: y"], Some("https"), None),
    ] {
        let values: Vec<&[u8]> = forwarded.iter().map(|value| value.as_bytes()).collect();
        for (form, scheme) in [
            (AutoredirectForm::Https, fixed),
            (AutoredirectForm::ForwardedProto, by_proxy),
        ] {
            assert_eq!(
                built(&realm(form), host, &values),
                scheme.map(|scheme| format!("{scheme}://registry.example.com/auth/token")),
                "{form:?} {forwarded:?}"
            );
        }
    }
}

#[test]
fn without_autoredirect_no_host_counts() {
    let realm = Realm::new(CONFIGURED.to_owned(), None);
    assert_eq!(built(&realm, &[b"registry.example.com"], &[b"http"]), None);
}
