//! The corpus of `tests/corpus`: the ground of mutations, what docs/parity.md tells of, and the
//! form in which a failing case is printed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use testbed::registry::Release;
use testbed::{Error, Result};
use toml::{Table, Value};

use crate::bytes::Bytes;
use crate::case::{Case, Mutation, Request, Secret, Token};
use crate::files;
use crate::verdict::challenge_of;
use crate::wire::Answer;

/// The files with cases, in the order of the registry's work on a request.
const SUBJECTS: [(&str, &str); 7] = [
    ("routing", "Routes and redirects"),
    ("mount", "Mounts and `from`"),
    ("credentials", "The Authorization field"),
    ("claims", "Claims"),
    ("signature", "Serialization, algorithms and keys"),
    ("access", "Access"),
    ("gitlab-api", "GitLab's own API"),
];

/// A case as it stands in the files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    pub(crate) name: String,
    #[serde(rename = "source")]
    _source: String,
    /// The profiles it applies to; empty means all.
    #[serde(default)]
    profiles: Vec<String>,
    #[serde(default)]
    pub(crate) configuration: Option<String>,
    #[serde(default)]
    request: Request,
    token: Option<Token>,
    /// What the registry answers.
    expect: Table,
    /// What the registry of one profile answers instead.
    #[serde(default)]
    expect_on: BTreeMap<String, Table>,
    #[serde(default, rename = "twin_of")]
    _twin_of: Vec<String>,
}

/// One reason to differ, and every case in which it shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Divergence {
    pub(crate) reason: String,
    pub(crate) cases: Vec<String>,
    pub(crate) profiles: Vec<String>,
    /// The registry's answer, in short.
    pub(crate) registry: String,
    /// The filter's answer.
    pub(crate) ours: Table,
}

/// Everything that is written down.
pub(crate) struct Corpus {
    pub(crate) subjects: Vec<(&'static str, Vec<Written>)>,
    pub(crate) divergences: Vec<Divergence>,
}

#[derive(Deserialize)]
struct CaseFile {
    case: Vec<Written>,
}

#[derive(Deserialize)]
struct DivergenceFile {
    divergence: Vec<Divergence>,
}

impl Corpus {
    /// Reads the files of this tree.
    ///
    /// # Errors
    /// When one is missing or does not follow the schema.
    pub(crate) fn read() -> Result<Self> {
        let subjects = SUBJECTS.into_iter().map(|(file, title)| {
            let file: CaseFile = read(&format!("tests/corpus/{file}.toml"))?;
            Ok((title, file.case))
        });
        let divergences: DivergenceFile = read("tests/divergences.toml")?;
        Ok(Self {
            subjects: subjects.collect::<Result<_>>()?,
            divergences: divergences.divergence,
        })
    }

    /// The cases that can be put to this release as it is configured here.
    pub(crate) fn cases(&self, release: Release) -> Vec<Case> {
        let all = self.subjects.iter().flat_map(|(_, cases)| cases);
        all.filter(|case| case.configuration.is_none() && case.applies_to(release.profile()))
            // Those whose head is longer than Envoy reads would only tell so.
            .filter(|case| {
                case.token
                    .as_ref()
                    .is_none_or(|token| token.filler.is_none())
            })
            .map(|case| Case {
                request: case.request.clone(),
                token: case.token.clone(),
            })
            .collect()
    }
}

impl Written {
    pub(crate) fn applies_to(&self, profile: &str) -> bool {
        self.profiles.is_empty() || self.profiles.iter().any(|name| name == profile)
    }

    /// What the registry of a profile answers.
    pub(crate) fn expectation(&self, profile: &str) -> &Table {
        self.expect_on.get(profile).unwrap_or(&self.expect)
    }
}

/// The cases of a file of entries.
///
/// # Errors
/// When it cannot be read or does not follow the schema.
pub(crate) fn entries(file: &Path) -> Result<Vec<Case>> {
    #[derive(Deserialize)]
    struct Entries {
        case: Vec<Case>,
    }
    let entries: Entries = parse(file)?;
    Ok(entries.case)
}

fn read<T: DeserializeOwned>(name: &str) -> Result<T> {
    parse(&testbed::artifact::root().join(name))
}

fn parse<T: DeserializeOwned>(file: &Path) -> Result<T> {
    toml::from_str(&files::read(file)?)
        .map_err(|fault| Error::Other(format!("{}: {fault}", file.display())))
}

/// A case as an entry of the corpus, with the registry's answer as its expectation.
pub(crate) fn entry(
    case: &Case,
    token: Option<&[u8]>,
    release: Release,
    registry: &Answer,
) -> String {
    let mut lines = vec![
        "[[case]]".to_owned(),
        "name = \"(a sentence)\"".to_owned(),
        "source = \"differential\"".to_owned(),
        format!("profiles = [{:?}]", release.profile()),
    ];
    let mut line = |name: &str, value: Value| lines.push(format!("{name} = {value}"));
    let Request {
        method,
        target,
        authorization,
        content_type,
        headers,
        body,
    } = &case.request;
    let usual = Request::default();
    if *method != usual.method {
        line("request.method", method.as_str().into());
    }
    if *target != usual.target {
        line("request.target", bytes(target));
    }
    if let Some(values) = authorization {
        line(
            "request.authorization",
            Value::Array(values.iter().map(bytes).collect()),
        );
    }
    if !content_type.is_empty() {
        line("request.content_type", content_type.clone().into());
    }
    if !headers.is_empty() {
        let pair =
            |(name, value): &(String, String)| Value::from(vec![name.as_str(), value.as_str()]);
        line(
            "request.headers",
            Value::Array(headers.iter().map(pair).collect()),
        );
    }
    if !body.is_empty() {
        line("request.body", body.as_str().into());
    }
    match &case.token {
        Some(recipe) if !recipe.edits.is_empty() => {
            // The schema has no words for it; the text is valid for some minutes only.
            let text = String::from_utf8_lossy(token.unwrap_or_default());
            line("token.text", text.as_ref().into());
        }
        Some(recipe) => token_lines(recipe, &mut line),
        None => {}
    }
    line("expect", Value::Table(expectation(registry)));
    lines.join("\n")
}

fn bytes(bytes: &Bytes) -> Value {
    match bytes {
        Bytes::Text(text) => text.as_str().into(),
        Bytes::Hex { hex } => {
            Value::Table(Table::from_iter([("hex".to_owned(), hex.as_str().into())]))
        }
    }
}

fn token_lines(recipe: &Token, line: &mut impl FnMut(&str, Value)) {
    if *recipe == Token::default() {
        line("token", Value::Table(Table::new()));
    }
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
        edits: _,
    } = recipe;
    let mut text_line = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            line(name, value.as_str().into());
        }
    };
    text_line("token.text", text);
    text_line("token.key", key);
    text_line("token.kid.of", &kid.of);
    text_line(
        "token.kid.form",
        &kid.form.map(|form| format!("{form:?}").to_lowercase()),
    );
    text_line(
        "token.algorithm",
        &algorithm.map(|algorithm| algorithm.name().to_owned()),
    );
    text_line("token.claims_before", claims_before);
    text_line("token.claims_after", claims_after);
    let named = Mutation::ALL
        .iter()
        .find(|(known, _)| Some(*known) == *mutation);
    text_line("token.mutation", &named.map(|(_, name)| (*name).to_owned()));
    if kid.lowercase {
        line("token.kid.lowercase", true.into());
    }
    match secret {
        Some(Secret::Text(text)) => {
            let table = Table::from_iter([("text".to_owned(), text.as_str().into())]);
            line("token.secret", Value::Table(table));
        }
        Some(Secret::CertificatePem) => line("token.secret", "certificate-pem".into()),
        Some(Secret::PublicKeyPem) => line("token.secret", "public-key-pem".into()),
        None => {}
    }
    if let Some(access) = access {
        line("token.access", access.clone().into());
    }
    for (name, number) in [("token.salt", salt), ("token.filler", filler)] {
        if let Some(number) = number {
            line(name, i64::try_from(*number).unwrap_or(i64::MAX).into());
        }
    }
    for (name, members) in [("header", header), ("claims", claims), ("rename", rename)] {
        if !members.is_empty() {
            line(&format!("token.{name}"), Value::Table(members.clone()));
        }
    }
    for (name, part) in [
        ("token.payload", payload),
        ("token.payload_before", payload_before),
        ("token.payload_after", payload_after),
    ] {
        if let Some(part) = part {
            line(name, bytes(part));
        }
    }
}

/// What the registry answered, in the words of the corpus.
fn expectation(registry: &Answer) -> Table {
    let mut expect = Table::new();
    let mut set = |name: &str, value: Value| expect.insert(name.to_owned(), value);
    let Answer::Responded(response) = registry else {
        set("answer", "closed".into());
        return expect;
    };
    match challenge_of(registry) {
        Some(challenge) => {
            set("answer", "challenge".into());
            let scopes = challenge.scopes();
            if scopes.iter().any(|scope| !scope.is_empty()) {
                set("scope", scopes.into());
            }
            if let Some(error) = challenge.error() {
                set("error", error.into());
            }
        }
        None => {
            let answer = match response.status {
                301 => "redirect-clean",
                404 => "not-found",
                400 => "bad-request",
                _ => "forward",
            };
            set("answer", answer.into());
            if answer == "forward" {
                set("status", i64::from(response.status).into());
            }
            if let Some(location) = response.field("location") {
                set("location", location.into());
            }
        }
    }
    expect
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Generator;

    #[derive(Deserialize)]
    struct Entries {
        case: Vec<Case>,
    }

    #[test]
    fn a_printed_entry_is_the_case_again() {
        let written = Corpus::read().unwrap().cases(Release::Distribution3);
        assert!(written.len() > 300);
        let generator = Generator::new(5, written);
        for number in 0..3_000 {
            let mut case = generator.case(number);
            if let Some(token) = &mut case.token {
                token.edits.clear();
            }
            let entry = entry(&case, None, Release::Distribution3, &Answer::Closed);
            let read: Entries =
                toml::from_str(&entry).unwrap_or_else(|fault| panic!("{fault}\n{entry}"));
            assert_eq!(read.case, [case], "{entry}");
        }
    }
}
