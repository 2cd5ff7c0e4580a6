//! What each step had before it, and what it asked for.

use std::collections::BTreeSet;

use crate::access::{Access, RequiredAccess};
use crate::config::Config;
use crate::credentials::{BearerToken, Credentials};
use crate::keys::TrustedKey;
use crate::request::{Body, RequestHead};
use crate::route::Route;
use crate::target::Target;
use crate::time::{LEEWAY_SECONDS, UnixTime, date};

use super::moment::dated;
use super::printable::{in_quotes, listed, shown, shown_once};
use super::step::{Outcome, Step};
use super::unproven::{Standing, TokenSays, UnprovenToken};

/// What is known of a request, read with the pipeline's own types as far as they can be had.
pub(super) struct Evidence<'a> {
    pub(super) config: &'a Config,
    pub(super) head: &'a RequestHead<'a>,
    pub(super) now: UnixTime,
    pub(super) route: Option<Route<'a>>,
    pub(super) required: Option<RequiredAccess<'a>>,
    bearer: Option<BearerToken<'a>>,
    pub(super) token: UnprovenToken,
}

impl Evidence<'_> {
    /// Gathers it and hands it to `tell`: a route borrows from its target.
    pub(super) fn gather<T>(
        config: &Config,
        head: &RequestHead<'_>,
        now: UnixTime,
        tell: impl FnOnce(&Evidence<'_>) -> T,
    ) -> T {
        let profile = config.profile();
        let target = Target::parse(head.target).ok();
        let route = target
            .as_ref()
            .and_then(|target| Route::parse(target, profile, config.gitlab_api()).ok());
        let required = target
            .as_ref()
            .zip(route)
            .map(|(target, route)| route.required_access(head.method, target));
        let form = profile.credentials_form();
        let bearer = match Credentials::from_fields(head.authorization, form) {
            Credentials::Bearer(token) => Some(token),
            Credentials::Unusable(_) => None,
        };
        tell(&Evidence {
            config,
            head,
            now,
            route,
            required,
            bearer,
            token: bearer.map(UnprovenToken::read).unwrap_or_default(),
        })
    }

    /// What the token says, if there is one, and what that is worth by how its signature and its
    /// claims fared.
    pub(super) fn token_says(&self, signature: Outcome, claims: Outcome) -> Option<TokenSays> {
        let standing = match (signature, claims) {
            (_, Outcome::Passed) => Standing::Proven,
            (Outcome::Passed, _) => Standing::Signed,
            (_, _) => Standing::Unproven,
        };
        self.token.says(standing, self.now)
    }

    /// What a step found.
    pub(super) fn seen(&self, step: Step, outcome: Outcome) -> String {
        let token = &self.token;
        let passed = outcome == Outcome::Passed;
        match step {
            Step::Target => format!("{} {}", shown(self.head.method), shown(self.head.target)),
            Step::Route => match self.route {
                Some(route) => match route.repository() {
                    Some(name) => format!("{} of {name}", route.tag()),
                    None => route.tag().to_owned(),
                },
                None => shown(self.head.target),
            },
            Step::Body => self.body(),
            Step::Access => self.required_scopes(),
            Step::Credentials => self.credentials(),
            Step::Structure => self.structure(passed),
            Step::Header => self.header(),
            Step::Key => self.key_named(),
            Step::Algorithm => shown(token.header_text("alg").unwrap_or_default().as_bytes()),
            Step::Signature if passed => "holds".to_owned(),
            Step::Signature => "does not hold".to_owned(),
            Step::Claims => self.claim_names(),
            Step::Issuer => self.claim("iss"),
            Step::Audience => self.claim("aud"),
            Step::Expiry => self.time("exp"),
            Step::Start => self.time("nbf"),
            Step::Grants => listed(&token.granted()),
        }
    }

    /// What a step asks for.
    pub(super) fn needed(&self, step: Step) -> String {
        let verifier = self.config.verifier();
        match step {
            Step::Target => "a path that can be read in one way only".to_owned(),
            Step::Route => "a route of the registry, in its own form".to_owned(),
            Step::Body => "no form, where the registry would look for parameters".to_owned(),
            Step::Access => "what the registry asks of this method on this route".to_owned(),
            Step::Credentials => "exactly one Authorization, `Bearer` and a token".to_owned(),
            Step::Structure => "three parts of unpadded base64url, 1 MiB at most".to_owned(),
            Step::Header => {
                "a JSON object with a known algorithm, each member once, no extension".to_owned()
            }
            Step::Key => format!("a key of the bundle: {}", listed(&self.trusted_keys())),
            Step::Algorithm => "an algorithm of the key's own kind".to_owned(),
            Step::Signature => "the key's signature over header and claims".to_owned(),
            Step::Claims => {
                "JSON that every reader takes alike, of the registry's types".to_owned()
            }
            Step::Issuer => in_quotes(&verifier.issuer),
            Step::Audience => in_quotes(&verifier.service),
            Step::Expiry => {
                let first = self.now.seconds().saturating_sub(LEEWAY_SECONDS);
                format!("{} or later: now, less {LEEWAY_SECONDS} s", date(first))
            }
            Step::Start => {
                let last = self.now.seconds().saturating_add(LEEWAY_SECONDS);
                format!("{} or earlier: now, and {LEEWAY_SECONDS} s", date(last))
            }
            Step::Grants => self.required_scopes(),
        }
    }

    /// The ids of the trusted keys, with the last day of their certificates.
    pub(super) fn trusted_keys(&self) -> Vec<String> {
        let describe = |key: &TrustedKey| {
            let until = key.certificates.iter().map(|known| known.not_after).max();
            match until {
                Some(until) => format!(
                    "{} (certificate until {})",
                    shown(key.id.as_bytes()),
                    date(until)
                ),
                None => shown(key.id.as_bytes()),
            }
        };
        self.config.verifier().keys.iter().map(describe).collect()
    }

    /// The scope the request needs.
    pub(super) fn required_scopes(&self) -> String {
        match &self.required {
            Some(required) if required.records().next().is_none() => {
                "nothing in particular, any proven token will do".to_owned()
            }
            Some(required) => shown(required.to_string().as_bytes()),
            None => "not known: there is no route".to_owned(),
        }
    }

    /// The records that the token does not grant, each in the form of a scope.
    pub(super) fn missing(&self) -> Vec<String> {
        let granted = self.token.grants();
        let records = self.required.iter().flat_map(RequiredAccess::records);
        let missing = records.filter(|record| !granted.grant(*record));
        let scope = |record: Access<'_>| {
            let (kind, action) = (record.resource.kind.as_str(), record.action.as_str());
            format!("{kind}:{}:{action}", shown(&record.resource.name))
        };
        let distinct: BTreeSet<String> = missing.map(scope).collect();
        distinct.into_iter().collect()
    }

    fn body(&self) -> String {
        let types: Vec<String> = self
            .head
            .content_type
            .iter()
            .map(|kind| shown(kind))
            .collect();
        let body = match self.head.body {
            Body::Empty => "no body",
            Body::Expected => "a body",
        };
        match &types[..] {
            [] => body.to_owned(),
            types => format!("{body}, Content-Type {}", listed(types)),
        }
    }

    /// The schemes alone: what follows them is a secret.
    fn credentials(&self) -> String {
        if let Some(token) = self.bearer {
            return format!("a bearer token of {} bytes", token.as_bytes().len());
        }
        let scheme = |field: &&[u8]| {
            let field = field.trim_ascii();
            let word = field.split(|byte| b" \t,:=".contains(byte)).next();
            match word.unwrap_or_default() {
                b"" => "an empty value".to_owned(),
                // Without a scheme, the first word is the secret itself.
                word if word.len() == field.len() && !word.eq_ignore_ascii_case(b"bearer") => {
                    format!("one word of {} bytes", word.len())
                }
                word => format!("{} and {} bytes", shown(word), field.len() - word.len()),
            }
        };
        match self.head.authorization {
            [] => "no Authorization".to_owned(),
            [one] if one.contains(&b',') => format!("{}, with a comma in them", scheme(one)),
            fields => listed(&fields.iter().map(scheme).collect::<Vec<_>>()),
        }
    }

    fn structure(&self, passed: bool) -> String {
        let UnprovenToken {
            bytes,
            parts,
            bad_part,
            ..
        } = self.token;
        match (parts, bad_part) {
            (3, _) if passed => format!("three parts, {bytes} bytes"),
            (3, Some(bad)) => format!("three parts, of which part {bad} is not unpadded base64url"),
            (0, _) => format!("{bytes} bytes"),
            (1, _) => format!("one part, {bytes} bytes"),
            (_, _) => format!("{parts} parts, {bytes} bytes"),
        }
    }

    fn header(&self) -> String {
        let Some(says) = self.token.says(Standing::Unproven, self.now) else {
            return "no JSON object".to_owned();
        };
        let mut members: Vec<String> = says
            .header
            .iter()
            .map(|member| format!("{} {}", member.name, member.values.join(" ")))
            .collect();
        if members.is_empty() {
            members.push("no JSON object, or an empty one".to_owned());
        }
        members.join(", ")
    }

    fn key_named(&self) -> String {
        let token = &self.token;
        if token.has_header("x5c") {
            return "a certificate in the token (x5c)".to_owned();
        }
        if token.has_header("jwk") {
            return "a key in the token (jwk)".to_owned();
        }
        match token.header_text("kid") {
            None | Some("") => "no kid".to_owned(),
            Some(id) => format!("kid {}", shown(id.as_bytes())),
        }
    }

    fn claim_names(&self) -> String {
        match &self.token.claims {
            None => "no JSON object".to_owned(),
            Some(claims) => {
                let names: Vec<String> = claims
                    .keys()
                    .take(40)
                    .map(|name| shown(name.as_bytes()))
                    .collect();
                listed(&names)
            }
        }
    }

    fn claim(&self, name: &str) -> String {
        match self.token.claim(name) {
            None => format!("no {name}"),
            Some(value) => shown_once(&value.to_string()),
        }
    }

    fn time(&self, name: &str) -> String {
        match self.token.time(name) {
            None => format!("no {name}"),
            Some(seconds) => dated(seconds, self.now),
        }
    }
}
