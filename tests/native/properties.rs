//! What holds for every request, tried on requests at random.

use std::cell::Cell;

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use registry_token_filter::Decision;

use crate::core::{NOW, authorizer};
use crate::request::{Head, Request, any_head, any_request};
use crate::requirement::requirement;
use corpus::{Corpus, Setting};

/// Requests for each property and profile.
const CASES: u32 = 256;

pub(crate) fn trials(corpus: &'static Corpus) -> Vec<Trial> {
    type Property = fn(Setting<'static>) -> Result<(), Failed>;
    let properties: [(&str, Property); 3] = [
        (
            "whatever the bytes, an answer without a control byte",
            bytes_at_random,
        ),
        (
            "a request is forwarded if and only if its token covers it",
            requests_at_random,
        ),
        (
            "no answer and no log line holds a token",
            tokens_in_odd_places,
        ),
    ];
    let of = |setting: Setting<'static>| {
        properties.map(|(name, property)| {
            let name = format!("{name} [{}]", setting.profile.name);
            Trial::test(name, move || property(setting)).with_kind("property")
        })
    };
    corpus.settings().flat_map(of).collect()
}

fn bytes_at_random(setting: Setting<'static>) -> Result<(), Failed> {
    let authorizer = authorizer(&setting);
    run(&any_head(), |head| {
        let (decision, response) = head.answer(&authorizer);
        let path = head
            .target
            .split(|&byte| byte == b'?')
            .next()
            .unwrap_or_default();
        // None of the tokens is one.
        prop_assert_eq!(response.is_none(), path == b"/");
        for (name, value) in response.iter().flat_map(|response| &response.headers) {
            prop_assert!(
                !value.chars().any(char::is_control),
                "{}: {:?}",
                name,
                value
            );
        }
        prop_assert!(
            !decision.to_string().chars().any(char::is_control),
            "{}",
            decision
        );
        Ok(())
    })
}

fn requests_at_random(setting: Setting<'static>) -> Result<(), Failed> {
    let authorizer = authorizer(&setting);
    let forwarded = Cell::new(0);
    run(&any_request(), |request| {
        let Request {
            method,
            path,
            decoded,
            query,
            from,
            grant,
        } = request;
        let required = requirement(
            setting.profile,
            &method,
            decoded.as_bytes(),
            from.as_deref(),
        );
        let scopes = grant.scopes(required.as_deref().unwrap_or_default());
        let covers = required.is_some_and(|required| {
            required
                .iter()
                .all(|record| scopes.iter().any(|scope| covers(scope, record)))
        });
        let token = setting.token(&scopes, NOW.cast_signed());
        let head = Head {
            method: method.into_bytes(),
            target: [path, query].concat().into_bytes(),
            host: b"registry.example.com".to_vec(),
            authorization: vec![format!("Bearer {token}").into_bytes()],
            content_type: Vec::new(),
            has_body: false,
        };
        let is_forwarded = matches!(head.decide(&authorizer), Decision::Forward(_));
        prop_assert_eq!(is_forwarded, covers, "{:?}", scopes);
        forwarded.set(forwarded.get() + u32::from(is_forwarded));

        let anonymous = Head {
            authorization: Vec::new(),
            ..head
        };
        prop_assert!(!matches!(
            anonymous.decide(&authorizer),
            Decision::Forward(_)
        ));
        Ok(())
    })?;
    // Else the property would hold of a filter that forwards nothing.
    let forwarded = forwarded.get();
    if forwarded < CASES / 20 {
        return Err(format!("only {forwarded} of {CASES} requests were forwarded").into());
    }
    Ok(())
}

fn tokens_in_odd_places(setting: Setting<'static>) -> Result<(), Failed> {
    let authorizer = authorizer(&setting);
    let pull = ["repository:group/app:pull".to_owned()];
    let token = setting.token(&pull, NOW.cast_signed());
    let expired = setting.token(&pull, NOW.cast_signed() - 1000);
    let parts: Vec<String> = token
        .split('.')
        .chain(expired.split('.'))
        .map(|part| part[..16].to_owned())
        .collect();
    let mutation = (
        any::<bool>(),
        "[ ,.\"]{0,2}",
        "[a-z. ]{0,3}",
        any::<Index>(),
        any::<u8>(),
    );
    let strategy = (
        mutation,
        select(vec!["/v2/", "/v2/group/secret/tags/list", "/v2/a//b"]),
    );
    run(
        &strategy,
        |((is_expired, before, after, place, byte), target)| {
            let mut bytes = if is_expired {
                expired.clone()
            } else {
                token.clone()
            }
            .into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let value = [b"Bearer ", before.as_bytes(), &bytes, after.as_bytes()].concat();
            let head = Head {
                method: b"GET".to_vec(),
                target: target.as_bytes().to_vec(),
                host: b"registry.example.com".to_vec(),
                authorization: vec![value],
                content_type: Vec::new(),
                has_body: false,
            };
            let (decision, response) = head.answer(&authorizer);
            let told = format!(
                "{decision}\n{decision:?}\n{:?}",
                response.map(|response| {
                    (
                        response.headers,
                        String::from_utf8_lossy(&response.body).into_owned(),
                    )
                })
            );
            for part in &parts {
                prop_assert!(!told.contains(part.as_str()), "{} holds {}", told, part);
            }
            Ok(())
        },
    )
}

fn run<S: Strategy>(
    strategy: &S,
    property: impl Fn(S::Value) -> TestCaseResult,
) -> Result<(), Failed> {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(strategy, property)
        .map_err(|fault| fault.to_string().into())
}

/// Whether one scope of a single action covers a record.
fn covers(scope: &str, record: &str) -> bool {
    let star = scope.strip_suffix('*');
    scope == record
        || star.is_some_and(|all| record.rsplit_once(':').unwrap().0 == &all[..all.len() - 1])
}
