//! The OCI conformance suite, through the edge and straight at the registry: every test must end
//! alike.
//!
//! A registry fails some of the suite by itself (referrers, sha512), so what counts is not how many
//! tests pass but that none ends otherwise behind the edge. Tokens come from `edgectl issuer`, by
//! the suite's own bearer flow.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use testbed::issuer::User;
use testbed::process::{Process, free_port};
use testbed::registry::{self, Node, Release, TokenAuth};
use testbed::tools::{OCI_CONFORMANCE, Tools};
use testbed::{Error, Result, Stack};

use crate::files;
const ISSUER: &str = "omnibus-gitlab-issuer";
const SERVICE: &str = "container_registry";

/// Longer than the suite takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(300);

/// Where the suite may do everything.
const NAMESPACE: &str = "conformance";

/// How the tests of one run ended, by their names; those of the same name sorted by how they ended,
/// since the suite runs them in any order (measured: two of them change places between runs).
type Verdicts = BTreeMap<(String, usize), Verdict>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

/// Runs the suite for each release; answers whether all tests ended alike, and as it is written
/// down, or writes that down.
///
/// # Errors
/// When a part cannot be had or started, or the suite writes no results.
pub(crate) fn run(tools: &Tools, releases: &[Release], wasm: &Path, write: bool) -> Result<bool> {
    let suite = tools.ensure(&OCI_CONFORMANCE)?;
    let mut known = Known::read()?;
    let mut is_alike = true;
    for release in releases {
        let profile = release.profile();
        let (straight, through) = both(tools, *release, wasm, &suite)?;
        is_alike &= report(profile, &straight, &through);
        let found = Counts::of(&through);
        if write {
            known.0.insert(profile.to_owned(), found);
        } else if known.0.get(profile) != Some(&found) {
            println!(
                "{profile}: not as in {FILE}; if that is right, `cargo xtask differential \
                 conformance --write` and then `parity --write`"
            );
            is_alike = false;
        }
    }
    if write {
        known.write()?;
    }
    Ok(is_alike)
}

/// The verdicts straight at the registry and through the edge.
fn both(
    tools: &Tools,
    release: Release,
    wasm: &Path,
    suite: &Path,
) -> Result<(Verdicts, Verdicts)> {
    let profile = release.profile();
    let user = User::new("conformance", "conformance-password")
        .may(NAMESPACE, &["pull", "push", "delete"]);
    let what = format!("starting the local stack ({profile})");
    let stack = tools.progress().step(&what, || {
        Stack::builder(tools)
            .wasm(wasm)
            .release(release)
            .user(user.clone())
            .start()
    })?;
    // A storage of its own: what one run leaves behind must not meet the other.
    let settings = registry::Settings {
        nosniff: true,
        name: "registry-alone".to_owned(),
        release,
        port: free_port()?,
        storage: stack.folder().join("storage-alone"),
        secret: "alone".to_owned(),
        certificate: None,
        token: Some(TokenAuth {
            realm: stack.realm().to_owned(),
            service: SERVICE.to_owned(),
            issuer: ISSUER.to_owned(),
            rootcertbundle: stack.signing_key().certificate.clone(),
            further: Default::default(),
        }),
    };
    let alone = Node::start(tools, settings, stack.folder())?;
    let round = |name: &str, authority: &str, tls: &str| {
        let what = format!("the suite, {name} ({profile})");
        tools.progress().step(&what, || {
            let results = stack.folder().join(name.replace(' ', "-"));
            let mut command = Command::new(suite);
            command
                .env_clear()
                .env("HOME", stack.folder())
                .env("PATH", "/usr/bin:/bin");
            for (name, value) in [
                ("OCI_REGISTRY", authority),
                ("OCI_TLS", tls),
                ("OCI_REPO1", "conformance/one"),
                ("OCI_REPO2", "conformance/two"),
                ("OCI_USERNAME", &user.name),
                ("OCI_PASSWORD", &user.password),
            ] {
                command.env(name, value);
            }
            command.env("OCI_RESULTS_DIR", &results);
            command.env("SSL_CERT_FILE", stack.ca_file());
            verdicts(command, &results, &stack.folder().join("conformance.log"))
        })
    };
    let through = round("through the edge", &stack.authority(), "enabled")?;
    let straight = round("straight at the registry", &alone.authority(), "disabled")?;
    Ok((straight, through))
}

/// Runs the suite to its end and reads what it wrote.
fn verdicts(command: Command, results: &Path, log: &Path) -> Result<Verdicts> {
    let mut process = Process::spawn("the conformance suite", command, log)?;
    // Its exit status says whether anything failed; that is not the question here.
    if process.wait_until_ended(LIMIT).is_none() {
        return Err(Error::Other(format!(
            "the conformance suite did not end in {LIMIT:?}"
        )));
    }
    let file = results.join("junit.xml");
    if !file.is_file() {
        return Err(Error::Other(format!(
            "the conformance suite wrote no results:\n{}",
            process.log_text()
        )));
    }
    read(&files::read(&file)?)
}

fn read(xml: &str) -> Result<Verdicts> {
    let document = roxmltree::Document::parse(xml)
        .map_err(|fault| Error::Other(format!("junit.xml: {fault}")))?;
    let mut by_name: BTreeMap<String, Vec<Verdict>> = BTreeMap::new();
    for case in document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
    {
        let attribute = |name| case.attribute(name).unwrap_or_default();
        let name = attribute("name").to_owned();
        let verdict = match attribute("status") {
            "passed" => Verdict::Passed,
            "failure" | "error" => Verdict::Failed,
            "skipped" | "disabled" => Verdict::Skipped,
            other => {
                let fault = format!("junit.xml: {name} has the status {other:?}");
                return Err(Error::Other(fault));
            }
        };
        by_name.entry(name).or_default().push(verdict);
    }
    let mut verdicts = Verdicts::new();
    for (name, mut ended) in by_name {
        ended.sort_unstable();
        for (index, verdict) in ended.into_iter().enumerate() {
            verdicts.insert((name.clone(), index), verdict);
        }
    }
    if verdicts.is_empty() {
        return Err(Error::Other("junit.xml holds no test".to_owned()));
    }
    Ok(verdicts)
}

/// Says how the tests ended; answers whether alike.
fn report(profile: &str, straight: &Verdicts, through: &Verdicts) -> bool {
    for (name, verdicts) in [("straight", straight), ("through the edge", through)] {
        let Counts {
            passed,
            failed,
            skipped,
            ..
        } = Counts::of(verdicts);
        println!("{profile}, {name}: {passed} passed, {failed} failed, {skipped} skipped");
    }
    let mut all: Vec<_> = straight.keys().chain(through.keys()).collect();
    all.sort_unstable();
    all.dedup();
    let (differing, alike): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|key| straight.get(key) != through.get(key));
    for key in &differing {
        let (theirs, ours) = (straight.get(key), through.get(key));
        println!(
            "  {}: straight {theirs:?}, through the edge {ours:?}",
            key.0
        );
    }
    println!(
        "{profile}: {} tests ended alike, {} otherwise through the edge",
        alike.len(),
        differing.len()
    );
    differing.is_empty()
}

/// What is written down of a release's verdicts.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// The failed ones, by what they try.
    pub(crate) failures: BTreeMap<String, usize>,
}

/// What is written down, by the profile.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Known(pub(crate) BTreeMap<String, Counts>);

/// The file it is written to.
const FILE: &str = "tests/conformance.toml";

impl Counts {
    fn of(verdicts: &Verdicts) -> Self {
        let mut counts = Self::default();
        for ((name, _), verdict) in verdicts {
            match verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Skipped => counts.skipped += 1,
                Verdict::Failed => {
                    counts.failed += 1;
                    // What comes before is the data it is tried with.
                    let tried = name.rsplit('/').next().unwrap_or(name);
                    *counts.failures.entry(tried.to_owned()).or_default() += 1;
                }
            }
        }
        counts
    }
}

impl Known {
    pub(crate) fn read() -> Result<Self> {
        let text = files::read(&testbed::artifact::root().join(FILE))?;
        toml::from_str(&text).map_err(|fault| Error::Other(format!("{FILE}: {fault}")))
    }

    fn write(&self) -> Result<()> {
        const HEAD: &str = "# How the tests of the OCI conformance suite end, straight at the registry and through the edge\n\
            # alike. Written by `cargo xtask differential conformance --write`.\n\n";
        let text = toml::to_string(self).map_err(|fault| Error::Other(fault.to_string()))?;
        files::write(
            &testbed::artifact::root().join(FILE),
            &format!("{HEAD}{text}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_by_name() {
        let xml = r#"<testsuites><testsuite name="s">
            <testcase name="s/x/a" classname="" status="passed"/>
            <testcase name="s/x/a" classname="" status="failure"><system-out>x</system-out></testcase>
            <testcase name="s/x/b" classname="" status="skipped"/>
        </testsuite></testsuites>"#;
        let verdicts = read(xml).unwrap();
        let named = |name: &str, count| verdicts.get(&(name.to_owned(), count)).copied();
        assert_eq!(named("s/x/a", 0), Some(Verdict::Passed));
        assert_eq!(named("s/x/a", 1), Some(Verdict::Failed));
        assert_eq!(named("s/x/b", 0), Some(Verdict::Skipped));
        let counts = Counts::of(&verdicts);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 1, 1));
        assert_eq!(counts.failures.get("a"), Some(&1));
        assert!(!report(
            "x",
            &verdicts,
            &read(&xml.replace("failure", "passed")).unwrap()
        ));
        // A word that is not known must not pass for a success.
        assert!(read(&xml.replace("skipped", "other")).is_err());
        assert!(read("<testsuites/>").is_err());
        assert!(read("no").is_err());
    }
}
