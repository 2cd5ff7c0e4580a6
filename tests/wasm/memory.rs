//! What clients can make the filter hold on to.

use serde_json::json;

use crate::Test;
use crate::filter::{Filter, Mint, PULL, TARGET, Verdict, claims, standard};
use crate::host::{Dialect, Options, Request};

pub(crate) const TESTS: &[Test] = &[
    (
        "twenty thousand different invalid tokens leave nothing behind",
        invalid_tokens,
    ),
    (
        "twenty thousand different valid tokens fill the cache to its number of entries",
        valid_tokens_by_entries,
    ),
    (
        "twenty thousand different valid tokens fill the cache to its bytes",
        valid_tokens_by_bytes,
    ),
    (
        "twenty thousand different paths, refused and forwarded, leave nothing behind",
        paths,
    ),
];

const TIMES: u32 = 20_000;

/// After so many, everything that is kept is there.
const WARM: u32 = TIMES / 2;

/// A page of memory, in bytes.
const PAGE: usize = 64 << 10;

/// Lets `each` happen so many times: how much the memory grew after it was warm.
fn growth(filter: &mut Filter, mut each: impl FnMut(&mut Filter, u32)) -> usize {
    let mut warm = 0;
    for number in 0..TIMES {
        each(filter, number);
        filter.vm.take_log();
        if number == WARM {
            warm = filter.vm.memory();
        }
    }
    filter.vm.memory() - warm
}

fn numbered(number: u32) -> serde_json::Value {
    let mut claims = claims(&[PULL]);
    claims["jti"] = json!(format!("6c8b2a0e-{number:08}"));
    claims
}

fn invalid_tokens() {
    let mut filter = Filter::new(Dialect::Envoy);
    let growth = growth(&mut filter, |filter, number| {
        let token = Mint::registry().unsigned(&numbered(number));
        let verdict = filter.judge(&token);
        assert_eq!(verdict, Ok(Verdict::refused("token-signature")));
    });
    assert_eq!(growth, 0);
}

fn with_cache(key: &str, limit: usize) -> Filter {
    let mut configuration = standard();
    configuration["token_cache_entries"] = json!(usize::MAX >> 33);
    configuration["token_cache_bytes"] = json!(usize::MAX >> 33);
    configuration[key] = json!(limit);
    Filter::with(Options::of(Dialect::Envoy), &configuration)
}

fn forwarded(filter: &mut Filter, number: u32) {
    let token = Mint::registry().sign(&numbered(number));
    assert_eq!(filter.list(&token).status(), None);
}

fn valid_tokens_by_entries() {
    let mut filter = with_cache("token_cache_entries", 500);
    let empty = filter.vm.memory();
    assert_eq!(growth(&mut filter, forwarded), 0);
    // A token of this kind and its entry take less than 2 KiB.
    let held = filter.vm.memory() - empty;
    assert!(held <= 500 * 2048 + PAGE, "{held} bytes");
    kept(&mut filter, 499, 501);
}

fn valid_tokens_by_bytes() {
    const BYTES: usize = 512 << 10;
    let mut filter = with_cache("token_cache_bytes", BYTES);
    let empty = filter.vm.memory();
    assert_eq!(growth(&mut filter, forwarded), 0);
    let held = filter.vm.memory() - empty;
    // What is counted is all that there is, but for the allocator's rounding.
    assert!(held <= BYTES * 3 / 2 + PAGE, "{held} bytes");
    kept(&mut filter, 100, BYTES as u32 / 700);
}

/// How many of the last tokens cost no signature.
fn kept(filter: &mut Filter, at_least: u32, at_most: u32) {
    let kept = (1..=TIMES)
        .take_while(|back| {
            let before = filter.vm.signatures_verified();
            forwarded(filter, TIMES - back);
            filter.vm.signatures_verified() == before
        })
        .count() as u32;
    assert!((at_least..=at_most).contains(&kept), "{kept} are kept");
}

fn paths() {
    let mut filter = Filter::new(Dialect::Envoy);
    let token = Mint::registry().token();
    let growth = growth(&mut filter, |filter, number| {
        for (target, expected) in [
            (format!("{TARGET}?n={number}"), None),
            (format!("/v2/group/app-{number}/tags/list"), Some(401)),
            (format!("/v2/{number}"), Some(404)),
            (format!("/v2//{number}"), Some(301)),
        ] {
            let request = Request::get(target).bearer(&token);
            assert_eq!(filter.request(&request).status(), expected);
        }
    });
    assert_eq!(growth, 0);
}
