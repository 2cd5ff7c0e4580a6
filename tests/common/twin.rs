//! Every forwarded case has a twin that differs in one fact and is refused.
//!
//! Without it, a case that is forwarded might show no more than that everything is.

use std::collections::BTreeMap;
use std::fmt;

use super::Corpus;
use super::case::{Case, Request};
use super::token::{KeyId, Token};

impl Corpus {
    /// Forwarded cases without a refused twin, and twins that are none.
    pub(super) fn twin_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for case in self.cases() {
            for name in &case.twin_of {
                let Some(other) = self.cases().find(|other| other.name == *name) else {
                    faults.push(format!(
                        "\"{}\" is a twin of no case: \"{name}\"",
                        case.name
                    ));
                    continue;
                };
                let differing = differing(case, other);
                if differing.len() != 1 {
                    faults.push(format!(
                        "\"{}\" and \"{name}\" differ in {} facts: {}",
                        case.name,
                        differing.len(),
                        differing.join(", ")
                    ));
                }
            }
            for profile in self.profiles_of(case).map(|profile| profile.name.as_str()) {
                let is_refused_twin = |other: &Case| {
                    other.twin_of.contains(&case.name)
                        && other.applies_to(profile)
                        && !other.expectation(profile).is_forward()
                };
                if case.expectation(profile).is_forward() && !self.cases().any(is_refused_twin) {
                    faults.push(format!(
                        "\"{}\" has no refused twin on {profile}",
                        case.name
                    ));
                }
            }
        }
        faults
    }
}

/// The names of the facts in which two cases differ.
fn differing(one: &Case, other: &Case) -> Vec<String> {
    let (one, other) = (facts(one), facts(other));
    let names = one
        .keys()
        .chain(other.keys().filter(|name| !one.contains_key(*name)));
    names
        .filter(|name| one.get(*name) != other.get(*name))
        .cloned()
        .collect()
}

/// Everything a case says about request, token and configuration, one entry for each fact.
fn facts(case: &Case) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut add = |name: &str, value: String| facts.insert(name.to_owned(), value);
    add("configuration", case.configuration.clone());
    let Request {
        method,
        target,
        host,
        authorization,
        content_type,
        headers,
        body,
    } = &case.request;
    add("method", method.clone());
    let target = format!("{target:?}");
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    add("path", path.trim_matches('"').to_owned());
    add("query", query.trim_matches('"').to_owned());
    add("host", format!("{host:?}"));
    add("authorization", format!("{authorization:?}"));
    add("content type", format!("{content_type:?}"));
    add("headers", format!("{headers:?}"));
    add("body", body.clone());
    let Some(token) = &case.token else {
        return facts;
    };
    add("token", "one".to_owned());
    let Token {
        text,
        key,
        kid,
        algorithm,
        salt,
        secret,
        header,
        access,
        claims,
        rename,
        claims_before,
        claims_after,
        filler,
        payload,
        payload_before,
        payload_after,
        mutation,
    } = token;
    for (name, value) in [
        ("text", shown(text)),
        ("key", shown(key)),
        (
            "key id",
            (*kid != KeyId::default()).then(|| format!("{kid:?}")),
        ),
        ("algorithm", shown(algorithm)),
        ("salt", shown(salt)),
        ("secret", shown(secret)),
        ("access", shown(access)),
        ("claims before", shown(claims_before)),
        ("claims after", shown(claims_after)),
        ("filler", shown(filler)),
        ("payload", shown(payload)),
        ("payload before", shown(payload_before)),
        ("payload after", shown(payload_after)),
        ("mutation", shown(mutation)),
    ] {
        if let Some(value) = value {
            add(name, value);
        }
    }
    for (kind, members) in [("header", header), ("claim", claims), ("name of", rename)] {
        for (name, value) in members {
            add(&format!("{kind} {name}"), format!("{value:?}"));
        }
    }
    facts
}

fn shown(value: &Option<impl fmt::Debug>) -> Option<String> {
    value.as_ref().map(|value| format!("{value:?}"))
}
