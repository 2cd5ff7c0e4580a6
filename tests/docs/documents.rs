use std::fs;
use std::path::{Path, PathBuf};

use registry_token_filter::config::{Config, KEYS};
use registry_token_filter::decision::Rejection;
use registry_token_filter::explain::{LogLine, Reason};
use registry_token_filter::profile::Profile;
use registry_token_filter::{Authorizer, Body, Decision, RequestHead};
use serde_json::json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The Rust files below a folder, by their path from the root of the repository.
fn rust_files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let path = path.strip_prefix(root()).unwrap();
                files.push(path.to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    files
}

/// The fenced block of this language after a heading.
fn block<'a>(text: &'a str, heading: &str, language: &str) -> &'a str {
    let after = text
        .split_once(heading)
        .unwrap_or_else(|| panic!("no heading {heading}"))
        .1;
    let fence = format!("```{language}\n");
    let inner = after
        .split_once(fence.as_str())
        .unwrap_or_else(|| panic!("no {language} block"))
        .1;
    inner.split_once("```").unwrap().0
}

#[test]
fn the_configuration_reference_lists_every_key_with_what_it_expects() {
    let readme = read("README.md");
    let after = readme.split_once("| key | | expects |").unwrap().1;
    let table = after.split_once("\n\n").unwrap().0;
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let documented: Vec<(String, &str)> = rows
        .iter()
        .map(|cells| (cells[1].replace('`', ""), cells[3]))
        .collect();
    let expected: Vec<(String, &str)> = KEYS
        .iter()
        .map(|&(key, expects)| (key.to_owned(), expects))
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn the_example_configuration_holds() {
    let readme = read("README.md");
    let example = block(&readme, "## Configuration", "json");
    let certificate = read("tests/fixtures/keys/registry.crt").replace('\n', "\\n");
    let placeholder = "-----BEGIN CERTIFICATE-----\\n…\\n-----END CERTIFICATE-----\\n";
    assert!(example.contains(placeholder));
    let example = example.replace(placeholder, &certificate);
    let config = Config::from_json(example.as_bytes(), &[]).unwrap();
    assert_eq!(config.profile(), Profile::default());
}

#[test]
fn the_code_map_names_every_file_of_the_filter() {
    let architecture = read("ARCHITECTURE.md");
    for file in rust_files("src") {
        // By its own name, or by that of a folder it is in.
        let folders = file.match_indices('/').map(|(slash, _)| &file[..=slash]);
        let mut places = folders
            .filter(|folder| *folder != "src/")
            .chain([file.as_str()]);
        let is_named = places.any(|place| architecture.contains(&format!("`{place}`")));
        assert!(
            is_named || file == "src/lib.rs",
            "ARCHITECTURE.md does not place {file}"
        );
    }
}

#[test]
fn only_the_host_adapter_names_the_sdk_and_the_core_has_no_clock() {
    for file in rust_files("src") {
        if file == "src/host.rs" || file.starts_with("src/host/") {
            continue;
        }
        let code: String = read(&file)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for forbidden in [
            "proxy_wasm",
            "SystemTime",
            "Instant::now",
            "std::env",
            "std::fs",
            "static ",
        ] {
            let found = code.replace("'static ", "").contains(forbidden);
            assert!(!found, "{file} names {forbidden}");
        }
    }
}

#[test]
fn every_document_that_is_linked_exists() {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "docs/explain/README.md",
        "docs/performance.md",
        "envoy/README.md",
    ] {
        let text = read(document);
        let folder = Path::new(document).parent().unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
        {
            let target = link.0.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(
                root().join(folder).join(target).exists(),
                "{document} links {target}"
            );
        }
    }
}

/// The page is written from the file beside it; this reads the two without that program.
#[test]
fn the_processor_times_of_the_chains_are_medians_of_the_kept_samples() {
    let kept: serde_json::Value = serde_json::from_str(&read("docs/performance.json")).unwrap();
    let page = read("docs/performance.md");
    let chains = kept["comparison"]["chains"].as_array().unwrap();
    assert!(!chains.is_empty());
    for chain in chains {
        let name = chain["name"].as_str().unwrap();
        let samples = chain["samples"].as_array().unwrap().iter();
        let mut times: Vec<f64> = samples.map(|it| it["cpu_us"].as_f64().unwrap()).collect();
        times.sort_by(f64::total_cmp);
        let median = f64::midpoint(times[(times.len() - 1) / 2], times[times.len() / 2]);
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")));
        let shown: f64 = row
            .unwrap()
            .split('|')
            .nth(3)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        assert!(
            (shown - median).abs() < 0.006,
            "{name}: {shown} is not {median}"
        );
    }
}

#[test]
fn the_changelog_begins_with_what_is_not_released() {
    let changelog = read("CHANGELOG.md");
    let first = changelog
        .lines()
        .find(|line| line.starts_with("## "))
        .unwrap();
    assert!(
        first == "## [Unreleased]" || first.contains(env!("CARGO_PKG_VERSION")),
        "{first}"
    );
}

#[test]
fn the_hosts_are_those_that_the_suites_run_on_and_no_cell_is_empty() {
    let document = read("docs/hosts.md");
    let (_, rest) = document.split_once("<!-- table -->\n").unwrap();
    let (table, _) = rest.split_once("\n<!-- end of table -->").unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let known = testbed::hosts::all();
    let known: Vec<&str> = known.iter().map(|(host, _)| host.as_str()).collect();
    let documented: Vec<&str> = rows.iter().map(|cells| cells[0]).collect();
    assert_eq!(documented, known);
    for cells in rows {
        assert_eq!(
            cells.len(),
            testbed::hosts::Fact::ALL.len() + 2,
            "{cells:?}"
        );
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{cells:?}");
    }
}

/// `UPDATE_REASONS=1` writes the table, instead of comparing it.
#[test]
fn the_reasons_are_those_of_the_code_with_its_own_remedies() {
    let name = "docs/reasons.md";
    let document = read(name);
    let (before, rest) = document.split_once("<!-- table -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of table -->").unwrap();
    let rows: Vec<String> = Reason::all().iter().map(reason_row).collect();
    let table = format!(
        "| reason | answer | what it means | likeliest cause, and what to do |\n|---|---|---|---|\n{}\n",
        rows.join("\n")
    );
    let expected = format!("{before}<!-- table -->\n{table}<!-- end of table -->{after}");
    if std::env::var_os("UPDATE_REASONS").is_some() {
        fs::write(root().join(name), &expected).unwrap();
    }
    assert!(
        read(name) == expected,
        "{name} is not what the code says: UPDATE_REASONS=1 cargo test --test docs"
    );
}

/// What GitLab's registry answers, or would.
fn status(rejection: &Rejection) -> u16 {
    let config = json!({
        "realm": "https://gitlab.example.com/jwt/auth",
        "service": "container_registry",
        "issuer": "omnibus-gitlab-issuer",
        "rootcertbundle": read("tests/fixtures/keys/registry.crt"),
    });
    let config = Config::from_json(config.to_string().as_bytes(), &[]).unwrap();
    let head = RequestHead {
        method: b"GET",
        target: b"/",
        host: &[],
        forwarded_proto: &[],
        authorization: &[],
        content_type: &[],
        body: Body::Empty,
    };
    let decision = Decision::Reject(rejection.clone());
    Authorizer::new(config)
        .response(&decision, &head)
        .unwrap()
        .status
}

/// As `edgectl explain` tells it of a line that says no more than the reason.
fn reason_row(reason: &Reason) -> String {
    let (verb, words, answer) = match reason {
        Reason::Challenge(reason) => ("challenged", reason.to_string(), 401),
        Reason::Reject(rejection) => ("rejected", rejection.to_string(), status(rejection)),
    };
    let line = format!("{verb} reason={}: {words}", reason.tag());
    let told = LogLine::parse(&line).unwrap().explain();
    assert_eq!(told.reason, reason.tag());
    let cause = told.causes.first();
    let cause = cause.map_or_else(String::new, |cause| {
        format!("{} {}", cause.what, cause.remedy)
    });
    // Numbers and ids are of one request.
    let summary = match told.reason {
        "token-expired" => "The token is expired.",
        "token-not-yet-valid" => "The token is not valid yet.",
        "token-unknown-key" => "The token names a key that is not in the edge's bundle.",
        _ => &told.summary,
    };
    let cell = |text: &str| text.replace('|', "\\|");
    format!(
        "| `{}` | {answer} | {} | {} |",
        told.reason,
        cell(summary),
        cell(&cause)
    )
}
