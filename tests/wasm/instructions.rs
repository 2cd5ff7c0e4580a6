//! How many WebAssembly instructions a request takes, against the numbers of the last change.
//!
//! The numbers are the same on every machine: time is too noisy to notice a change of a few
//! percent, and here is where one shows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::Test;
use crate::filter::{Filter, Mint, TARGET, claims};
use crate::host::{Dialect, Request};

pub(crate) const TESTS: &[Test] = &[(
    "no request takes more than two percent over instructions.toml",
    against_the_file,
)];

const HOW_TO_UPDATE: &str = "UPDATE_INSTRUCTIONS=1 cargo test --test wasm -- instructions";

const HEADING: &str = "\
# How many WebAssembly instructions the artifact takes for a request, in all of its callbacks.
#
# Written by
#     UPDATE_INSTRUCTIONS=1 cargo test --test wasm -- instructions
# What raises a number by more than two percent fails the tests. If it has to be, the reason belongs
# in the message of the commit that changes this file.
";

/// The entries of a token's `access`, of which the last is the one that counts.
const ENTRIES: [usize; 3] = [1, 10, 100];

/// The scenarios, each with what it takes.
fn measure() -> BTreeMap<String, u64> {
    let mut taken = BTreeMap::new();
    let mut add = |name: String, instructions: u64| taken.insert(name, instructions);
    for entries in ENTRIES {
        let (mut filter, token) = (warm(Dialect::Envoy), token(entries));
        let request = Request::get(TARGET).bearer(token);
        for seen in ["cold", "hot"] {
            let outcome = filter.request(&request);
            assert_eq!(outcome.status(), None);
            add(format!("{seen}-{entries}"), outcome.instructions);
        }
    }
    let mut filter = warm(Dialect::Envoy);
    let forged = Mint::registry().unsigned(&claims(&scopes(1)));
    for (name, request, status) in [
        ("challenge", Request::get(TARGET), 401),
        ("refused", Request::get(TARGET).bearer(forged), 401),
        (
            "insufficient",
            Request::get("/v2/group/other/tags/list").bearer(token(1)),
            401,
        ),
        (
            "not-found",
            Request::get("/v2/group/app/tags").bearer(token(1)),
            404,
        ),
        (
            "clean",
            Request::get("/v2//group/app/tags/list").bearer(token(1)),
            301,
        ),
        (
            "ambiguous",
            Request::get("/v2/group%2Fapp/tags/list").bearer(token(1)),
            400,
        ),
    ] {
        let outcome = filter.request(&request);
        assert_eq!(outcome.status(), Some(status), "{name}");
        add(name.to_owned(), outcome.instructions);
    }
    let outcome = warm(Dialect::WasmX).request(&Request::get(TARGET).bearer(token(1)));
    assert_eq!(outcome.status(), None);
    add("cold-1-sandbox".to_owned(), outcome.instructions);
    taken
}

/// A filter that knows its host and has served a request of each kind.
fn warm(dialect: Dialect) -> Filter {
    let mut filter = Filter::new(dialect);
    let mut other = claims(&scopes(1));
    other["jti"] = "another".into();
    let other = Mint::registry().sign(&other);
    assert_eq!(filter.list(&other).status(), None);
    assert_eq!(filter.request(&Request::get(TARGET)).status(), Some(401));
    filter
}

fn scopes(entries: usize) -> Vec<String> {
    let others = (1..entries).map(|number| format!("repository:group/other-{number:03}:pull,push"));
    others
        .chain(["repository:group/app:pull".to_owned()])
        .collect()
}

fn token(entries: usize) -> String {
    Mint::registry().sign(&claims(&scopes(entries)))
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wasm/instructions.toml")
}

fn against_the_file() {
    let measured = measure();
    // What is not the same twice can be compared with nothing.
    assert_eq!(measured, measure());
    if std::env::var_os("UPDATE_INSTRUCTIONS").is_some_and(|value| value == "1") {
        std::fs::write(file(), written(&measured)).unwrap();
        return;
    }
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let known: BTreeMap<String, u64> = toml::from_str(&text).unwrap();
    let faults = faults(&known, &measured);
    assert!(
        faults.is_empty(),
        "{}\nIf it has to be: {HOW_TO_UPDATE}\nand give the reason in the commit.",
        faults.join("\n")
    );
}

fn written(measured: &BTreeMap<String, u64>) -> String {
    let mut text = HEADING.to_owned();
    for (name, instructions) in measured {
        writeln!(text, "{name} = {instructions}").unwrap();
    }
    text
}

/// The scenarios that take more than two percent over the file, and names that are not in both.
fn faults(known: &BTreeMap<String, u64>, measured: &BTreeMap<String, u64>) -> Vec<String> {
    let mut faults: Vec<String> = known
        .keys()
        .filter(|name| !measured.contains_key(*name))
        .map(|name| format!("{name} is in the file and is no scenario"))
        .collect();
    for (name, &now) in measured {
        match known.get(name) {
            None => faults.push(format!("{name} takes {now} and is not in the file")),
            Some(&before) if now * 100 > before * 102 => faults.push(format!(
                "{name} takes {now} instructions, {:.1} % more than {before}",
                (now as f64 / before as f64 - 1.0) * 100.0
            )),
            Some(_) => {}
        }
    }
    faults
}
