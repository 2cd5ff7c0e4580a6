use super::*;
use crate::access::Grants;

const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
const LIVE: i64 = 1_700_000_300;

fn proof(expiry: i64) -> Rc<ProvenToken> {
    let mut grants = Grants::default();
    grants.insert("repository", "group/app", ["pull"].into_iter().collect());
    Rc::new(ProvenToken::assumed(expiry, grants))
}

fn cache(entries: usize, bytes: usize) -> TokenCache {
    TokenCache::new(CacheLimits { entries, bytes }, 7)
}

#[test]
fn a_token_is_found_by_all_of_its_bytes() {
    let mut cache = cache(10, 10_000);
    cache.keep(b"a.b.c", &proof(LIVE), NOW);
    assert!(cache.find(b"a.b.c").is_some());
    for other in [&b"a.b.d"[..], b"a.b.", b"a.b.cc", b"", b"A.b.c"] {
        assert!(cache.find(other).is_none(), "{other:?}");
    }
}

#[test]
fn the_least_recently_used_goes_first() {
    let mut cache = cache(2, 10_000);
    cache.keep(b"first", &proof(LIVE), NOW);
    cache.keep(b"second", &proof(LIVE), NOW);
    assert!(cache.find(b"first").is_some());
    cache.keep(b"third", &proof(LIVE), NOW);
    assert!(cache.find(b"first").is_some());
    assert!(cache.find(b"second").is_none());
    assert!(cache.find(b"third").is_some());
}

#[test]
fn an_expired_token_goes_before_any_live_one_and_is_still_known_until_then() {
    let mut cache = cache(2, 10_000);
    cache.keep(b"old but live", &proof(LIVE + 600), NOW);
    cache.keep(b"soon expired", &proof(LIVE), NOW);
    let later = UnixTime::from_seconds(1_700_000_500);
    // Asking for it, last of all, does not let it outlive the other.
    assert!(cache.find(b"soon expired").is_some());
    cache.keep(b"new", &proof(LIVE + 600), later);
    assert!(cache.find(b"old but live").is_some());
    assert!(cache.find(b"soon expired").is_none());
}

#[test]
fn neither_bound_is_ever_passed() {
    for (entries, bytes) in [
        (0, 1 << 20),
        (1, 1 << 20),
        (5, 1 << 20),
        (1000, 2000),
        (1000, 0),
    ] {
        let mut cache = cache(entries, bytes);
        for number in 0..200_u32 {
            let token = vec![b'x'; 1 + number as usize * 3];
            cache.keep(&token, &proof(LIVE + i64::from(number)), NOW);
            assert!(cache.len() <= entries, "{entries} {bytes}");
            assert!(cache.bytes() <= bytes, "{entries} {bytes}");
            assert_eq!(cache.len(), cache.expiries.len());
        }
    }
}

#[test]
fn a_token_too_large_for_the_cache_drops_nothing() {
    let mut cache = cache(10, 1000);
    cache.keep(b"small", &proof(LIVE), NOW);
    cache.keep(&[b'x'; 1000], &proof(LIVE), NOW);
    assert!(cache.find(b"small").is_some());
    assert_eq!(cache.len(), 1);
}

#[test]
fn keeping_a_token_twice_counts_once() {
    let mut cache = cache(10, 10_000);
    cache.keep(b"a", &proof(LIVE), NOW);
    let bytes = cache.bytes();
    cache.keep(b"a", &proof(LIVE), NOW);
    assert_eq!((cache.len(), cache.bytes()), (1, bytes));
}

#[test]
fn texts_are_equal_in_every_byte_or_not_at_all() {
    for length in 0..40 {
        let text: Vec<u8> = (0..length).collect();
        assert!(is_equal(&text, &text.clone()));
        for at in 0..text.len() {
            let mut other = text.clone();
            other[at] ^= 0x80;
            assert!(!is_equal(&text, &other), "byte {at} of {length}");
            assert!(!is_equal(&text, &text[..at]), "{at} bytes of {length}");
            assert!(!is_equal(&text[..at], &text), "{at} bytes of {length}");
        }
    }
}
