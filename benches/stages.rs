//! `cargo bench`: where the time of a decision goes, natively, stage by stage.
//!
//! For comparing two versions of a stage. What a request costs in a host is another matter: see
//! docs/performance.md.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark may fail loudly"
)]

use std::cell::Cell;
use std::sync::LazyLock;

use divan::{Bencher, black_box};
use edgectl::{Account, Claims, KeyPair, Parties, Validity};
use registry_token_filter::config::Config;
use registry_token_filter::credentials::{BearerToken, Credentials};
use registry_token_filter::keys::signature::Portable;
use registry_token_filter::profile::{CredentialsForm, Profile};
use registry_token_filter::route::{GitlabApi, Route};
use registry_token_filter::target::Target;
use registry_token_filter::token::UntrustedToken;
use registry_token_filter::{Authorizer, Body, Decision, RequestHead, UnixTime};

const TARGET: &[u8] = b"/v2/group/subgroup/project/app/manifests/latest";

/// More than a cache of [`SMALL`] entries holds, taken in turn.
const TOKENS: usize = 40;
const SMALL: usize = 10;

fn main() {
    divan::main();
}

/// A key pair, and values of `Authorization` with distinct tokens of it.
struct Fixture {
    pair: KeyPair,
    values: Vec<String>,
    now: UnixTime,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let pair = KeyPair::generate(2048, 30).unwrap();
    let parties = Parties::default();
    let validity = Validity::minutes(60);
    let value = |_| {
        let access = "repository:group/subgroup/project/app:pull"
            .parse()
            .unwrap();
        let account = Account::named("alice");
        let claims = Claims::for_account(&pair.key, &parties, &account, vec![access], validity);
        format!("Bearer {}", pair.key.sign(&claims.unwrap()).unwrap())
    };
    Fixture {
        values: (0..TOKENS).map(value).collect(),
        now: UnixTime::from_seconds(u64::try_from(validity.issued_at).unwrap()),
        pair,
    }
});

fn config(entries: usize) -> Config {
    let parties = Parties::default();
    let json = serde_json::json!({
        "realm": "https://gitlab.example.com/jwt/auth",
        "service": parties.service,
        "issuer": parties.issuer,
        "rootcertbundle": FIXTURE.pair.certificate_pem,
        "token_cache_entries": entries,
    });
    Config::from_json(json.to_string().as_bytes(), &[]).unwrap()
}

fn token(value: &str) -> BearerToken<'_> {
    match Credentials::from_fields(&[value.as_bytes()], CredentialsForm::TwoParts) {
        Credentials::Bearer(token) => token,
        Credentials::Unusable(error) => panic!("{error}"),
    }
}

/// Decides about a request with each of the values in turn.
fn decide(bencher: Bencher<'_, '_>, entries: usize, values: &[String], forwarded: bool) {
    let authorizer = Authorizer::new(config(entries));
    let turn = Cell::new(0);
    let decide = || {
        let authorization: Vec<&[u8]> = match values {
            [] => Vec::new(),
            values => {
                turn.set((turn.get() + 1) % values.len());
                vec![values[turn.get()].as_bytes()]
            }
        };
        let head = RequestHead {
            method: b"GET",
            target: TARGET,
            host: &[],
            forwarded_proto: &[],
            authorization: &authorization,
            content_type: &[],
            body: Body::Empty,
        };
        authorizer.decide(&head, FIXTURE.now)
    };
    assert_eq!(matches!(decide(), Decision::Forward(_)), forwarded);
    bencher.bench_local(|| black_box(decide()));
}

#[divan::bench]
fn decide_challenge(bencher: Bencher<'_, '_>) {
    decide(bencher, SMALL, &[], false);
}

#[divan::bench]
fn decide_hot(bencher: Bencher<'_, '_>) {
    decide(bencher, SMALL, &FIXTURE.values[..1], true);
}

#[divan::bench]
fn decide_cold(bencher: Bencher<'_, '_>) {
    decide(bencher, SMALL, &FIXTURE.values, true);
}

#[divan::bench]
fn target_and_route() {
    let target = Target::parse(black_box(TARGET)).unwrap();
    black_box(Route::parse(&target, Profile::Gitlab, GitlabApi::default()).unwrap());
}

#[divan::bench]
fn token_structure_and_header(bencher: Bencher<'_, '_>) {
    let value = FIXTURE.values[0].as_str();
    bencher.bench_local(|| black_box(UntrustedToken::parse(token(black_box(value))).is_ok()));
}

#[divan::bench]
fn token_signature_and_claims(bencher: Bencher<'_, '_>) {
    let config = config(SMALL);
    let parsed = UntrustedToken::parse(token(&FIXTURE.values[0])).unwrap();
    let prove = || config.verifier().prove(&parsed, &Portable, FIXTURE.now);
    assert!(prove().is_ok());
    bencher.bench_local(|| black_box(prove().is_ok()));
}
