//! The OCI conformance suite, through the edge and straight at the registry: every test must end
//! alike.
//!
//! A registry fails some of the suite by itself (referrers, sha512), so what counts is not how many
//! tests pass but that none ends otherwise behind the edge. Tokens come from `edgectl issuer`, by
//! the suite's own bearer flow.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use testbed::issuer::User;
use testbed::process::{Process, free_port};
use testbed::registry::{self, Node, Release, TokenAuth};
use testbed::tools::{Source, Tool, Tools};
use testbed::{Error, Result, Stack};

use crate::files;
const ISSUER: &str = "omnibus-gitlab-issuer";
const SERVICE: &str = "container_registry";

/// The suite, at the commit that this was written for.
static SUITE: Tool = Tool {
    name: "oci-conformance",
    version: "0.0.0-20260831232431-97274622c111",
    purpose: "the OCI conformance suite",
    source: Source::Go {
        module: "github.com/opencontainers/distribution-spec/conformance",
        binary: "conformance",
    },
};

/// Longer than the suite takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(300);

/// Where the suite may do everything.
const NAMESPACE: &str = "conformance";

/// How the tests of one run ended, by their names; those of the same name in their order.
type Verdicts = BTreeMap<(String, usize), Verdict>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

/// Runs the suite for each release; answers whether all tests ended alike.
///
/// # Errors
/// When a part cannot be had or started, or the suite writes no results.
pub(crate) fn run(tools: &Tools, releases: &[Release], wasm: &Path) -> Result<bool> {
    let suite = tools.ensure(&SUITE)?;
    let mut is_alike = true;
    for release in releases {
        is_alike &= compare(tools, *release, wasm, &suite)?;
    }
    Ok(is_alike)
}

fn compare(tools: &Tools, release: Release, wasm: &Path, suite: &Path) -> Result<bool> {
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
        }),
    };
    let alone = Node::start(tools, settings, stack.folder())?;
    let start = Instant::now();
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
    Ok(report(profile, &straight, &through, start.elapsed()))
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
    let mut verdicts = Verdicts::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for case in document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
    {
        let attribute = |name| case.attribute(name).unwrap_or_default();
        let name = format!("{} {}", attribute("classname"), attribute("name"));
        let has = |tag| case.children().any(|node| node.has_tag_name(tag));
        let verdict = if has("failure") || has("error") {
            Verdict::Failed
        } else if has("skipped") {
            Verdict::Skipped
        } else {
            Verdict::Passed
        };
        let count = counts.entry(name.clone()).or_default();
        verdicts.insert((name, *count), verdict);
        *count += 1;
    }
    if verdicts.is_empty() {
        return Err(Error::Other("junit.xml holds no test".to_owned()));
    }
    Ok(verdicts)
}

fn report(profile: &str, straight: &Verdicts, through: &Verdicts, elapsed: Duration) -> bool {
    let count =
        |verdicts: &Verdicts, wanted| verdicts.values().filter(|found| **found == wanted).count();
    for (name, verdicts) in [("straight", straight), ("through the edge", through)] {
        println!(
            "{profile}, {name}: {} tests, {} passed, {} failed, {} skipped",
            verdicts.len(),
            count(verdicts, Verdict::Passed),
            count(verdicts, Verdict::Failed),
            count(verdicts, Verdict::Skipped),
        );
    }
    let mut all: Vec<_> = straight.keys().chain(through.keys()).collect();
    all.sort_unstable();
    all.dedup();
    let mut differing = 0;
    for key in all {
        let (theirs, ours) = (straight.get(key), through.get(key));
        if theirs != ours {
            differing += 1;
            println!(
                "  {}: straight {theirs:?}, through the edge {ours:?}",
                key.0
            );
        }
    }
    let seconds = elapsed.as_secs_f64();
    println!("{profile}: {differing} tests ended otherwise through the edge ({seconds:.1} s)");
    differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_by_name_and_order() {
        let xml = r#"<testsuites><testsuite name="s">
            <testcase name="a" classname="c"/>
            <testcase name="a" classname="c"><failure message="x"/></testcase>
            <testcase name="b" classname="c"><skipped/></testcase>
        </testsuite></testsuites>"#;
        let verdicts = read(xml).unwrap();
        let named = |name: &str, count| verdicts.get(&(name.to_owned(), count)).copied();
        assert_eq!(named("c a", 0), Some(Verdict::Passed));
        assert_eq!(named("c a", 1), Some(Verdict::Failed));
        assert_eq!(named("c b", 0), Some(Verdict::Skipped));
        assert!(read("<testsuites/>").is_err());
        assert!(read("no").is_err());
    }
}
