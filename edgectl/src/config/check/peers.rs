//! What is beside a configuration: the registry's own, GitLab's key. Most failures of a registry's
//! authentication are a difference between the three.

use std::path::Path;

use super::finding::{self, Finding, Place};
use super::plugin::Said;
use crate::certificate::{Described, Kind};
use crate::config::facts::{Facts, Field, Secret};
use crate::config::place::{Found, Origin};
use crate::config::site;
use crate::config::source::Source;

/// What a configuration is compared with.
#[derive(Debug, Default)]
pub struct Beside {
    facts: Vec<Facts>,
    /// Certificates of the registries, with where they are named.
    bundles: Vec<(Origin, Vec<Described>)>,
    /// Keys that GitLab signs with.
    signers: Vec<(Origin, Described)>,
    /// What cannot be compared.
    pub(super) unusable: Vec<Finding>,
}

impl Beside {
    /// Adds a registry's `config.yml`, a `gitlab.rb` or Helm values.
    pub fn registry(&mut self, source: Source) {
        let facts = source.facts;
        let fields = [
            Field::Realm,
            Field::Service,
            Field::Issuer,
            Field::Bundle,
            Field::SigningKey,
        ];
        for field in fields {
            if let Some(why) = field.unread_in(&facts) {
                self.unusable(why.origin.clone(), &why.value);
            }
        }
        match site::read_bundle(&facts) {
            Ok(Some(pem)) => match Described::from_pem(pem.value.as_bytes()) {
                Ok(keys) => self.bundles.push((pem.origin, keys)),
                Err(error) => self.unusable(pem.origin, &format!("the certificate: {error}")),
            },
            Ok(None) => {}
            Err(incomplete) => {
                let origin = facts.bundle.as_ref().map(|bundle| bundle.origin.clone());
                if let Some(origin) = origin {
                    self.unusable(origin, &incomplete.to_string());
                }
            }
        }
        if let (Some(pem), Some(key)) = (site::read_key(&facts), &facts.signing_key) {
            self.signer(key.origin.clone(), &pem);
        }
        self.facts.push(facts);
    }

    /// Adds the key that GitLab signs with, or its certificate, in PEM.
    pub fn gitlab_key(&mut self, file: &Path, pem: String) {
        let start = crate::config::place::Position { line: 1, column: 1 };
        self.signer(Origin::File(file.to_owned(), start), &Secret::new(pem));
    }

    fn signer(&mut self, origin: Origin, pem: &Secret) {
        match Described::from_pem(pem.reveal().as_bytes()) {
            Ok(keys) => self
                .signers
                .extend(keys.into_iter().map(|key| (origin.clone(), key))),
            Err(error) => {
                self.unusable(origin, &format!("the key that GitLab signs with: {error}"))
            }
        }
    }

    fn unusable(&mut self, origin: Origin, why: &str) {
        self.unusable.push(finding::NOT_COMPARED.at(
            place(&origin),
            format!("not compared: {why}"),
            "Compare it by hand, or give what it means with --registry or --gitlab-key.",
        ));
    }
}

fn place(origin: &Origin) -> Place {
    match origin {
        Origin::File(file, position) => Place {
            file: file.clone(),
            position: Some(*position),
            path: String::new(),
        },
        other => Place {
            file: other.to_string().into(),
            position: None,
            path: String::new(),
        },
    }
}

pub(super) fn compare(said: &Said, beside: &Beside, findings: &mut Vec<Finding>) {
    for facts in &beside.facts {
        let pairs = [
            (
                finding::ISSUER_DIFFERS,
                "issuer",
                &said.issuer,
                &facts.issuer,
            ),
            (
                finding::SERVICE_DIFFERS,
                "service",
                &said.service,
                &facts.service,
            ),
        ];
        for (rule, what, ours, theirs) in pairs {
            let Some(theirs) = theirs.as_ref().filter(|theirs| theirs.value != *ours) else {
                continue;
            };
            findings.push(rule.at(
                member(&said.place, what),
                format!(
                    "the {what} is {ours} here and {} in {}: a token that one of them accepts is \
                     refused by the other",
                    theirs.value, theirs.origin
                ),
                format!("Write the registry's {what} here."),
            ));
        }
        realm(said, facts.realm.as_ref(), findings);
    }
    for (origin, keys) in &beside.bundles {
        bundles(said, origin, keys, findings);
    }
    for (origin, key) in &beside.signers {
        let names = [Some(&key.key_id), key.thumbprint.as_ref()];
        let is_trusted = names
            .into_iter()
            .flatten()
            .any(|name| said.ids.contains(name));
        if !is_trusted {
            let what = match key.kind {
                Kind::PrivateKey => "the private key",
                Kind::PublicKey => "the public key",
                Kind::Certificate => "the certificate",
            };
            findings.push(finding::KEY_UNKNOWN.at(
                member(&said.place, "rootcertbundle"),
                format!(
                    "{what} of GitLab ({origin}) is {}, which is not among the keys trusted here: \
                     {}. Its tokens are refused (\"untrusted key with ID\")",
                    key.key_id,
                    said.ids.join(", ")
                ),
                "Put the certificate of that key into rootcertbundle, here and in the registry; or \
                 give GitLab the key that belongs to the certificate.",
            ));
        }
    }
}

fn realm(said: &Said, theirs: Option<&Found<String>>, findings: &mut Vec<Finding>) {
    let Some(theirs) = theirs.filter(|theirs| theirs.value != said.realm) else {
        return;
    };
    findings.push(finding::REALM_DIFFERS.at(
        member(&said.place, "realm"),
        format!(
            "the realm is {} here and {} in {}",
            said.realm, theirs.value, theirs.origin
        ),
        "Right if the edge serves the realm on the registry's host name; else write the same.",
    ));
}

fn bundles(said: &Said, origin: &Origin, theirs: &[Described], findings: &mut Vec<Finding>) {
    let lacks =
        |known: &[Described], key: &Described| known.iter().all(|other| other.key_id != key.key_id);
    let only_theirs: Vec<Described> = theirs
        .iter()
        .filter(|key| lacks(&said.keys, key))
        .cloned()
        .collect();
    let only_ours: Vec<Described> = said
        .keys
        .iter()
        .filter(|key| lacks(theirs, key))
        .cloned()
        .collect();
    let place = member(&said.place, "rootcertbundle");
    if !only_theirs.is_empty() {
        findings.push(finding::KEYS_DIFFER.at(
            place.clone(),
            format!(
                "the registry ({origin}) trusts {}, which the edge does not: tokens of that key are \
                 refused at the edge",
                ids(&only_theirs)
            ),
            "Add its certificate to rootcertbundle here, or take it out of the registry.",
        ));
    }
    if !only_ours.is_empty() {
        findings.push(finding::KEYS_DIFFER.at(
            place,
            format!(
                "the edge trusts {}, which the registry ({origin}) does not: tokens of that key \
                 pass the edge and are refused by the registry",
                ids(&only_ours)
            ),
            "Add its certificate to the registry's rootcertbundle, or take it out here.",
        ));
    }
}

fn member(place: &Place, key: &str) -> Place {
    let dot = if place.path.is_empty() { "" } else { "." };
    Place {
        path: format!("{}{dot}{key}", place.path),
        ..place.clone()
    }
}

fn ids(keys: &[Described]) -> String {
    let ids: Vec<&str> = keys.iter().map(|key| key.key_id.as_str()).collect();
    ids.join(", ")
}
