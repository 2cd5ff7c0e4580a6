//! Signatures left to the host: when, how often, and what becomes of a host that does not tell the
//! truth.

use serde_json::json;

use crate::Test;
use crate::filter::{Filter, Mint, PULL, Verdict, claims, standard, standard_but};
use crate::host::{Dialect, Fault, Level, Options, Signatures, Status, VALID};

pub(crate) const TESTS: &[Test] = &[
    (
        "Envoy proves itself on a known answer and its opposite, once for each configuration",
        the_known_answer,
    ),
    ("a token seen again costs no signature", a_token_seen_again),
    (
        "a token that is refused is never remembered, neither as good nor as bad",
        refusals_are_not_kept,
    ),
    (
        "a cache of no entries has every signature verified",
        without_a_cache,
    ),
    ("an update has the signature verified anew", after_an_update),
    (
        "the expiry of a token seen before is judged anew, without a signature",
        expiry,
    ),
    (
        "what a token seen before grants is judged anew for every request",
        access_is_judged_anew,
    ),
    (
        "ngx_wasm_module is never asked for a function it does not have",
        wasmx_is_not_asked,
    ),
    (
        "a host that fails its known answer is not relied upon",
        hosts_that_fail,
    ),
    (
        "a host that fails later has every token refused",
        hosts_that_fail_later,
    ),
];

/// The calls it takes to know the host: a right answer and a wrong one.
const KNOWN_ANSWER: u64 = 2;

const BY_HOST: &str = "RSA signatures are verified by the host";
const IN_SANDBOX: &str =
    "RSA signatures are verified in the sandbox: the host offers no verify_signature";

fn bad_signature() -> Verdict {
    Verdict::refused("token-signature")
}

fn in_envoy_with(signatures: Signatures) -> Filter {
    let options = Options {
        signatures,
        ..Options::of(Dialect::Envoy)
    };
    Filter::with(options, &standard())
}

/// A token of its own for each number.
fn token(number: u64) -> String {
    let mut claims = claims(&[PULL]);
    claims["jti"] = json!(number.to_string());
    Mint::registry().sign(&claims)
}

/// The lines about where signatures are verified.
fn told(filter: &mut Filter) -> Vec<(Level, String)> {
    let log = filter.vm.take_log();
    log.into_iter()
        .filter(|line| line.text.contains(" signatures are "))
        .map(|line| (line.level, line.text))
        .collect()
}

fn the_known_answer() {
    let mut filter = Filter::new(Dialect::Envoy);
    // Not before it is needed.
    let outcome = filter.request(&crate::host::Request::get("/v2/"));
    assert_eq!(outcome.status(), Some(401));
    assert_eq!(filter.vm.signatures_verified(), 0);
    filter.vm.take_log();
    assert_eq!(filter.list(&token(1)).status(), None);
    assert_eq!(told(&mut filter), [(Level::Info, BY_HOST.to_owned())]);
    assert_eq!(filter.vm.signatures_verified(), KNOWN_ANSWER + 1);
    assert_eq!(filter.list(&token(2)).status(), None);
    assert_eq!(filter.vm.signatures_verified(), KNOWN_ANSWER + 2);
    assert_eq!(told(&mut filter), []);
}

fn a_token_seen_again() {
    let mut filter = Filter::new(Dialect::Envoy);
    let token = token(1);
    for _ in 0..10 {
        assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
        assert_eq!(filter.vm.signatures_verified(), KNOWN_ANSWER + 1);
    }
}

fn refusals_are_not_kept() {
    let mut filter = Filter::new(Dialect::Envoy);
    let forged = Mint::stranger().token();
    for times in 1..=3 {
        assert_eq!(filter.judge(&forged), Ok(bad_signature()));
        assert_eq!(filter.vm.signatures_verified(), KNOWN_ANSWER + times);
    }
    // The beginning of a token that is remembered is another token.
    let token = token(1);
    assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
    let cut = filter.judge(&token[..token.len() - 1]);
    assert!(matches!(cut, Ok(Verdict::Refused(_))), "{cut:?}");
}

fn without_a_cache() {
    let configuration = standard_but("token_cache_entries", 0);
    let mut filter = Filter::with(Options::of(Dialect::Envoy), &configuration);
    let token = token(1);
    for times in 1..=3 {
        assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
        assert_eq!(filter.vm.signatures_verified(), KNOWN_ANSWER + times);
    }
}

fn after_an_update() {
    let mut filter = Filter::new(Dialect::Envoy);
    let token = token(1);
    assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
    let before = filter.vm.signatures_verified();
    let configuration = standard().to_string();
    filter.root = filter.vm.configured(configuration.as_bytes()).unwrap();
    assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
    let cost = filter.vm.signatures_verified() - before;
    assert_eq!(cost, KNOWN_ANSWER + 1);
}

fn expiry() {
    /// Clocks may differ by so much.
    const LEEWAY: u64 = 60;
    for dialect in Dialect::ALL {
        let mut filter = Filter::new(dialect);
        let token = Mint::registry().token();
        assert_eq!(filter.judge(&token), Ok(Verdict::Forwarded));
        let before = filter.vm.signatures_verified();
        let end = crate::NOW + 300 + LEEWAY;
        for (time, verdict) in [
            (end - 1, Verdict::Forwarded),
            (end + 2, Verdict::refused("token-expired")),
            // The clock of a host may be set back.
            (crate::NOW, Verdict::Forwarded),
            (
                crate::NOW - 5 - LEEWAY - 2,
                Verdict::refused("token-not-yet-valid"),
            ),
        ] {
            filter.vm.set_time(time);
            assert_eq!(filter.judge(&token), Ok(verdict), "{dialect:?} at {time}");
        }
        assert_eq!(filter.vm.signatures_verified(), before);
    }
}

fn access_is_judged_anew() {
    let mut filter = Filter::new(Dialect::Envoy);
    let token = Mint::registry().token();
    for (method, target, status) in [
        ("GET", "/v2/group/app/tags/list", None),
        ("GET", "/v2/group/other/tags/list", Some(401)),
        ("PUT", "/v2/group/app/manifests/latest", Some(401)),
        ("GET", "/v2/_catalog", Some(401)),
        ("GET", "/v2/group/app/manifests/latest", None),
    ] {
        let mut request = crate::host::Request::get(target).bearer(&token);
        request.method = method.into();
        assert_eq!(
            filter.request(&request).status(),
            status,
            "{method} {target}"
        );
    }
    assert_eq!(filter.vm.signatures_verified(), KNOWN_ANSWER + 1);
}

fn wasmx_is_not_asked() {
    // Asking would be a fault.
    let mut filter = Filter::new(Dialect::WasmX);
    assert_eq!(filter.list(&token(1)).status(), None);
    assert_eq!(told(&mut filter), [(Level::Warn, IN_SANDBOX.to_owned())]);
    assert_eq!(filter.judge(&Mint::stranger().token()), Ok(bad_signature()));
    assert_eq!(told(&mut filter), []);
}

/// How a host may get `verify_signature` wrong, and whether the filter can tell.
fn wrong_answers() -> Vec<(Status, Vec<u8>)> {
    let ok = |bytes: &[u8]| (Status::OK, bytes.to_vec());
    vec![
        // Not valid, with and without an error.
        ok(&[0x12, 0x01, b'x']),
        ok(&[0x08, 0x00]),
        ok(&[]),
        // Nearly what says that it is valid.
        ok(&[0x08]),
        ok(&[0x01]),
        ok(&[0x08, 0x02]),
        ok(&[0x08, 0x81, 0x00]),
        ok(&[0x08, 0x01, 0x00]),
        ok(&[0x08, 0x01, 0x08, 0x01]),
        ok(&[0x08, 0x01, 0x12, 0x00]),
        ok(&[0x08, 0x01, 0x12, 0x01, b'x']),
        ok(&[0x12, 0x01, b'x', 0x08, 0x01]),
        ok(b"1"),
        ok(&[0; 1 << 20]),
        ok(&[0xff; 100]),
        (Status::NOT_FOUND, Vec::new()),
        (Status::BAD_ARGUMENT, Vec::new()),
        (Status::SERIALIZATION_FAILURE, Vec::new()),
        (Status::INTERNAL_FAILURE, Vec::new()),
    ]
}

/// Tokens that no key of the configuration signed.
fn forgeries() -> [String; 3] {
    let token = token(1);
    let (signed, _) = token.rsplit_once('.').unwrap();
    [
        Mint::stranger().token(),
        Mint::registry().unsigned(&claims(&[PULL])),
        format!("{signed}."),
    ]
}

fn hosts_that_fail() {
    let mut hosts: Vec<Signatures> = wrong_answers()
        .into_iter()
        .map(|(status, bytes)| Signatures::Always(status, bytes))
        .collect();
    hosts.push(Signatures::Absent);
    // Everything is valid: at once, and after the right answer.
    hosts.push(Signatures::Always(Status::OK, VALID.to_vec()));
    hosts.push(Signatures::Until(1, Status::OK, VALID.to_vec()));
    for host in hosts {
        let mut filter = in_envoy_with(host.clone());
        assert_eq!(filter.list(&token(1)).status(), None, "{host:?}");
        assert_eq!(told(&mut filter), [(Level::Warn, IN_SANDBOX.to_owned())]);
        for forged in forgeries() {
            assert_eq!(filter.judge(&forged), Ok(bad_signature()), "{host:?}");
        }
        // And it is not asked again.
        let asked = filter.vm.signatures_verified();
        assert!(asked <= KNOWN_ANSWER, "{asked} {host:?}");
    }
    // Statuses for which the SDK knows no way but a panic: the request ends there.
    for status in [Status::PARSE_FAILURE, Status::UNIMPLEMENTED] {
        let mut filter = in_envoy_with(Signatures::Always(status, Vec::new()));
        let fault: Fault = filter.judge(&token(1)).unwrap_err();
        assert!(fault.to_string().starts_with("panic: "), "{fault}");
    }
}

fn hosts_that_fail_later() {
    for (status, bytes) in wrong_answers() {
        let host = Signatures::Until(KNOWN_ANSWER, status, bytes);
        let mut filter = in_envoy_with(host.clone());
        assert_eq!(filter.judge(&token(1)), Ok(bad_signature()), "{host:?}");
        for forged in forgeries() {
            assert_eq!(filter.judge(&forged), Ok(bad_signature()), "{host:?}");
        }
    }
    // The twin: one that keeps to the truth.
    let mut filter = in_envoy_with(Signatures::Until(u64::MAX, Status::OK, Vec::new()));
    assert_eq!(filter.judge(&token(1)), Ok(Verdict::Forwarded));
}
