//! Heads that no well-meaning client sends: none of them stops the filter, and none gets past it.

use crate::Test;
use crate::filter::{self, Filter, Mint, TARGET};
use crate::host::{Dialect, Head, Options, Request};

pub(crate) const TESTS: &[Test] = &[
    (
        "a value that is not UTF-8 stops nothing, in whatever field",
        not_utf8,
    ),
    (
        "every byte may stand in the credentials, the path and the content type",
        every_byte,
    ),
    ("the name of a field is read in any case", names_in_any_case),
    ("a hundred fields are read to the last", a_hundred_fields),
    (
        "a credential beyond what the host hands over is none",
        beyond_the_last_field,
    ),
    ("values of a megabyte stop nothing", huge_values),
    (
        "a head without its path or method is answered 503",
        no_path_or_method,
    ),
    (
        "NGINX's reading of the target does not count, the target does",
        another_path_than_the_target,
    ),
    (
        "content types joined by a comma are two",
        joined_content_types,
    ),
    (
        "several credentials are none, joined by the host or not",
        several_credentials,
    ),
    (
        "a forwarded request carries the permit header, once, and a refused one does not",
        permit_header,
    ),
    (
        "an empty body is one that the host or its length says is empty",
        empty_bodies,
    ),
];

/// What is not UTF-8.
const BYTES: &[u8] = b"\xe9\xff\x80\xc0\x80";

/// The head of the list of tags, with a token.
fn head(dialect: Dialect) -> Head {
    dialect.head(&Request::get(TARGET).bearer(Mint::registry().token()))
}

fn set(head: &mut Head, name: &str, value: impl Into<Vec<u8>>) {
    let field = head.fields.iter_mut().find(|(known, _)| known == name);
    field.unwrap().1 = value.into();
}

fn add(head: &mut Head, name: &str, value: impl Into<Vec<u8>>) {
    head.fields.push((name.to_owned(), value.into()));
}

/// The status of a head; `None` if it goes on.
fn status(filter: &mut Filter, head: Head) -> Option<u16> {
    filter.vm.head(filter.root, head).unwrap().status()
}

fn not_utf8() {
    for dialect in Dialect::ALL {
        let mut filter = Filter::new(dialect);
        assert_eq!(status(&mut filter, head(dialect)), None);
        let names: Vec<String> = head(dialect)
            .fields
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        for name in names {
            let mut head = head(dialect);
            set(&mut head, &name, BYTES);
            // A method in which nobody asks needs more than a token for `pull`.
            let expected = match name.as_str() {
                // NGINX's reading of the target does not count.
                ":path" if dialect == Dialect::Envoy => Some(400),
                "authorization" => Some(401),
                _ => None,
            };
            assert_eq!(status(&mut filter, head), expected, "{dialect:?} {name}");
        }
        let mut unreadable = head(dialect);
        set(&mut unreadable, ":path", BYTES);
        unreadable.raw_target = Some(BYTES.to_vec());
        assert_eq!(status(&mut filter, unreadable), Some(400), "{dialect:?}");
        for name in [
            "user-agent",
            "accept",
            "content-type",
            "content-length",
            "transfer-encoding",
            "x",
        ] {
            let mut head = head(dialect);
            add(&mut head, name, BYTES);
            let expected = match name {
                // A body may follow, of a type that nobody can read.
                "content-type" if !head.end_of_stream => Some(415),
                _ => None,
            };
            assert_eq!(status(&mut filter, head), expected, "{dialect:?} {name}");
        }
    }
}

fn every_byte() {
    let mut filter = Filter::new(Dialect::Envoy);
    let token = Mint::registry().token();
    for byte in 0..=u8::MAX {
        let put_into = |text: &str| text.replace('|', "").into_bytes().into_iter();
        let at = |text: &str| -> Vec<u8> {
            let place = text.find('|').unwrap();
            let mut bytes: Vec<u8> = put_into(text).collect();
            bytes.insert(place, byte);
            bytes
        };
        let plain = || Request::get(TARGET);
        for value in [
            at(&format!("Bearer |{token}")),
            at(&format!("Bearer {token}|")),
            at(&format!("|Bearer {token}")),
            at(&format!("Bea|rer {token}")),
        ] {
            let request = plain().with("authorization", value.clone());
            let forwarded = filter.request(&request).status().is_none();
            // Blanks may stand around the credentials; a host lets no line break through.
            assert!(!forwarded || byte.is_ascii_whitespace(), "{byte:#04x}");
        }
        let mut request = plain().bearer(&token);
        request.target = at("/v2/group/app|/tags/list");
        let forwarded = filter.request(&request).status().is_none();
        assert!(!forwarded, "{byte:#04x}");

        let mut request = plain()
            .bearer(&token)
            .with("content-type", at("text/|plain"));
        request.body = b"x".to_vec();
        let is_printable = matches!(byte, b'\t' | b' '..=b'~') && byte != b',';
        let forwarded = filter.request(&request).status().is_none();
        assert_eq!(forwarded, is_printable, "{byte:#04x}");
    }
}

fn names_in_any_case() {
    for dialect in Dialect::ALL {
        let mut filter = Filter::new(dialect);
        let token = Mint::registry().token();
        for name in ["Authorization", "AUTHORIZATION", "aUtHoRiZaTiOn"] {
            let plain = Request::get(TARGET).with(name, format!("Bearer {token}"));
            assert_eq!(filter.request(&plain).status(), None, "{name}");
            // Two are two, whatever their case.
            let twice = plain.bearer(&token);
            let seen = dialect.head(&twice);
            assert_eq!(status(&mut filter, seen), Some(401), "{name}");
        }
        for name in ["Content-Type", "CONTENT-TYPE"] {
            let mut request = Request::get("/v2/group/app/blobs/uploads/").bearer(&token);
            request.method = b"POST".to_vec();
            request.body = b"from=group%2Fsecret".to_vec();
            let request = request.with(name, "application/x-www-form-urlencoded");
            assert_eq!(filter.request(&request).status(), Some(415), "{name}");
        }
    }
}

fn a_hundred_fields() {
    for dialect in Dialect::ALL {
        let mut filter = Filter::new(dialect);
        let others = 100 - head(dialect).fields.len();
        // The credentials first and last.
        for before in [0, others] {
            let mut request = Request::get(TARGET);
            for number in 0..others {
                if number == before {
                    request = request.bearer(Mint::registry().token());
                }
                request = request.with(&format!("x-{number}"), "a");
            }
            if before == others {
                request = request.bearer(Mint::registry().token());
            }
            let head = dialect.head(&request);
            assert_eq!(head.fields.len(), 100);
            assert_eq!(
                status(&mut filter, head),
                None,
                "{dialect:?} after {before}"
            );
        }
    }
}

fn beyond_the_last_field() {
    let mut request = Request::get(TARGET);
    for number in 0..200 {
        request = request.with(&format!("x-{number}"), "a");
    }
    let request = request.bearer(Mint::registry().token());
    assert_eq!(
        Filter::new(Dialect::WasmX).request(&request).status(),
        Some(401)
    );
    assert_eq!(Filter::new(Dialect::Envoy).request(&request).status(), None);
}

fn huge_values() {
    let megabyte = |letter: &str| letter.repeat(1 << 20);
    for dialect in Dialect::ALL {
        let mut filter = Filter::new(dialect);
        let token = Mint::registry().token();
        let plain = || Request::get(TARGET);
        let path = |path: String| Request::get(path).bearer(&token);
        for (request, expected) in [
            (plain().bearer(megabyte("a")), Some(401)),
            (plain().bearer(megabyte(".")), Some(401)),
            (plain().bearer(megabyte("a.")), Some(401)),
            (plain().with("authorization", megabyte(" ")), Some(401)),
            (
                plain().with("authorization", megabyte("Bearer ")),
                Some(401),
            ),
            (
                plain().with("authorization", format!("Bearer {}{token}", megabyte(" "))),
                Some(401),
            ),
            (path(megabyte("/a")), Some(431)),
            (
                path(format!("/v2/group/app/tags/list?{}", megabyte("n=1&"))),
                Some(431),
            ),
            (plain().bearer(&token).with("x-long", megabyte("a")), None),
            (plain().bearer(&token).with(&megabyte("x"), "a"), None),
            (
                plain().bearer(&token).with("content-length", megabyte("0")),
                None,
            ),
        ] {
            let status = filter.request(&request).status();
            let shown = String::from_utf8_lossy(&request.target);
            let shown: String = shown.chars().take(40).collect();
            assert_eq!(
                status,
                expected,
                "{dialect:?} {shown} {:?}",
                request
                    .fields
                    .first()
                    .map(|(name, value)| (name.len(), value.len()))
            );
        }
    }
}

fn no_path_or_method() {
    for dialect in Dialect::ALL {
        let mut filter = Filter::new(dialect);
        let with_target = |target: Option<&str>| {
            let mut head = head(dialect);
            head.raw_target = target.map(Into::into);
            head.fields.retain(|(known, _)| known != ":path");
            let path = target.map(|path| (":path".to_owned(), path.into()));
            head.fields.extend(path);
            head
        };
        let with_method = |method: Option<&str>| {
            let mut head = head(dialect);
            head.fields.retain(|(known, _)| known != ":method");
            let method = method.map(|method| (":method".to_owned(), method.into()));
            head.fields.extend(method);
            head
        };
        let empty = Head::default();
        for head in [with_target(None), with_method(None), empty] {
            assert_eq!(status(&mut filter, head), Some(503), "{dialect:?}");
        }
        // There, and empty.
        let no_target = match dialect {
            Dialect::Envoy => 400,
            // An empty property is told from none by nothing.
            Dialect::WasmX => 503,
        };
        assert_eq!(
            status(&mut filter, with_target(Some(""))),
            Some(no_target),
            "{dialect:?}"
        );
        assert_eq!(status(&mut filter, with_method(Some(""))), None);
    }
}

/// What NGINX shows as `:path` is its own reading of the target; what it forwards is the target.
fn another_path_than_the_target() {
    let secret = Mint::registry().sign(&crate::filter::claims(&["repository:group/secret:pull"]));
    for (target, shown, expected) in [
        (
            "/v2/group/secret/tags/list",
            "/v2/group/secret/tags/list",
            None,
        ),
        (
            "/v2/group/app/%2e%2e/secret/tags/list",
            "/v2/group/secret/tags/list",
            Some(301),
        ),
        (
            "/v2//group/secret/tags/list",
            "/v2/group/secret/tags/list",
            Some(301),
        ),
        (
            "/v2/group%2Fsecret/tags/list",
            "/v2/group/secret/tags/list",
            Some(400),
        ),
        (
            "/v2/group/secret/tags/list%3Fn=1",
            "/v2/group/secret/tags/list?n=1",
            Some(404),
        ),
        // What only the path would allow or refuse.
        (
            "/v2/group/app/tags/list",
            "/v2/group/secret/tags/list",
            Some(401),
        ),
        (
            "/v2/group/secret/tags/list",
            "/v2/group/app/tags/list",
            None,
        ),
        ("/v2/group/secret/tags/list", "/", None),
        ("/v2/group/app/tags/list", "/", Some(401)),
    ] {
        let mut filter = Filter::new(Dialect::WasmX);
        let mut head = Dialect::WasmX.head(&Request::get(target).bearer(&secret));
        set(&mut head, ":path", shown);
        assert_eq!(status(&mut filter, head), expected, "{target} as {shown}");
    }
}

fn joined_content_types() {
    for dialect in Dialect::ALL {
        let mut filter = Filter::new(dialect);
        let mut request =
            Request::get("/v2/group/app/blobs/uploads/").bearer(Mint::registry().token());
        request.method = b"POST".to_vec();
        request.body = b"from=group%2Fsecret".to_vec();
        for value in [
            "application/json,application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded,application/json",
            ",",
        ] {
            let request = request.clone().with("content-type", value);
            assert_eq!(filter.request(&request).status(), Some(415), "{value}");
        }
        // With the twin that is read: challenged for the push it needs.
        let request = request.with("content-type", "application/json");
        assert_eq!(filter.request(&request).status(), Some(401));
    }
}

fn several_credentials() {
    for dialect in Dialect::ALL {
        let mut filter = Filter::new(dialect);
        let token = Mint::registry().token();
        let bearer = format!("Bearer {token}");
        for values in [
            vec![bearer.clone(), bearer.clone()],
            vec![bearer.clone(), String::new()],
            vec![String::new(), bearer.clone()],
            vec!["Basic YTpi".to_owned(), bearer.clone()],
            vec![format!("{bearer},{bearer}")],
            vec![format!("{bearer},")],
            vec![format!(",{bearer}")],
        ] {
            let mut request = Request::get(TARGET);
            for value in &values {
                request = request.with("authorization", value.as_str());
            }
            assert_eq!(filter.request(&request).status(), Some(401), "{values:?}");
        }
        assert_eq!(filter.list(&token).status(), None);
    }
}

fn empty_bodies() {
    let mut filter = Filter::new(Dialect::Envoy);
    let mint = Mint::registry();
    let token = mint.sign(&crate::filter::claims(&["repository:group/app:pull,push"]));
    for (end_of_stream, length, encoding, expected) in [
        (true, None, None, None),
        (true, Some("0"), None, None),
        (false, Some("0"), None, None),
        (false, None, None, Some(415)),
        (false, Some("00"), None, Some(415)),
        (false, Some("1"), None, Some(415)),
        (false, Some(""), None, Some(415)),
        (false, Some("0"), Some("chunked"), Some(415)),
        (false, None, Some("chunked"), Some(415)),
    ] {
        let mut request = Request::get("/v2/group/app/blobs/uploads/").bearer(&token);
        request.method = b"POST".to_vec();
        let request = request.with("content-type", "application/x-www-form-urlencoded");
        let mut head = Dialect::Envoy.head(&request);
        head.end_of_stream = end_of_stream;
        head.fields.retain(|(name, _)| name != "content-length");
        for (name, value) in [("content-length", length), ("transfer-encoding", encoding)] {
            if let Some(value) = value {
                add(&mut head, name, value);
            }
        }
        let status = status(&mut filter, head);
        assert_eq!(status, expected, "{end_of_stream} {length:?} {encoding:?}");
    }
}

fn permit_header() {
    const NAME: &str = "x-registry-permit";
    for dialect in Dialect::ALL {
        for (name, token, own, expected) in [
            (Some(NAME), true, None, 1),
            (Some(NAME), true, Some(NAME), 1),
            (
                Some("X-Registry-Permit"),
                true,
                Some("X-REGISTRY-PERMIT"),
                1,
            ),
            // Its twins: no key, no token.
            (None, true, Some(NAME), 0),
            (Some(NAME), false, Some(NAME), 0),
        ] {
            let mut configuration = filter::standard();
            if let Some(name) = name {
                configuration["permit_header"] = name.into();
            }
            let mut filter = Filter::with(Options::of(dialect), &configuration);
            let mut head = head(dialect);
            if !token {
                head.fields.retain(|(name, _)| name != "authorization");
            }
            if let Some(own) = own {
                add(&mut head, own, "yes");
            }
            let expected_status = (!token).then_some(401);
            assert_eq!(status(&mut filter, head), expected_status);
            let written = filter.vm.take_replaced();
            let wanted = vec![(NAME.to_owned(), "yes".to_owned()); expected];
            assert_eq!(written, wanted, "{dialect:?} {name:?} {token} {own:?}");
        }
    }
}
