use std::collections::HashSet;
use std::ffi::OsString;

use super::*;

static BROKEN: Tool = Tool {
    name: "broken",
    version: "1.0.0",
    purpose: "failing",
    source: Source::Cargo {
        package: "not a package",
        binary: "broken",
    },
};

static UNKNOWN: Tool = Tool {
    name: "unknown",
    version: "",
    purpose: "missing",
    source: Source::Path {
        binary: "no-such-binary-anywhere",
        remedy: "write it",
    },
};

/// Installs without a network: pip is part of every virtual environment.
static SMALL: Tool = Tool {
    name: "small",
    version: "1",
    purpose: "installing twice",
    source: Source::Python {
        packages: &["pip"],
        file: "bin/python",
        on_path: None,
    },
};

fn folder() -> (tempfile::TempDir, Tools) {
    let folder = tempfile::tempdir().unwrap();
    let tools = Tools::at(folder.path(), Progress::Silent).unwrap();
    (folder, tools)
}

#[test]
fn the_folder_follows_the_environment() {
    let cases = [
        ("REGISTRY_TOKEN_FILTER_TOOLS=/t HOME=/h", Some("/t")),
        (
            "XDG_CACHE_HOME=/c HOME=/h",
            Some("/c/registry-token-filter"),
        ),
        (
            "XDG_CACHE_HOME= HOME=/h",
            Some("/h/.cache/registry-token-filter"),
        ),
        ("OTHER=/o", None),
    ];
    for (environment, wanted) in cases {
        let variables: Vec<_> = environment
            .split(' ')
            .filter_map(|v| v.split_once('='))
            .collect();
        let found = folder_from(|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(value))
        });
        assert_eq!(
            found.ok().as_deref(),
            wanted.map(Path::new),
            "{environment}"
        );
    }
}

#[test]
fn a_failed_installation_names_tool_command_and_log_and_does_not_count() {
    let (_guard, tools) = folder();
    let error = tools.ensure(&BROKEN).unwrap_err();
    let said = error.to_string();
    assert!(
        matches!(error, Error::Install { .. }) && !error.is_missing(),
        "{said}"
    );
    for part in [
        "broken",
        "cargo install 'not a package'",
        "broken-1.0.0.log",
        "  | ",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(tools.find(&BROKEN), None);
}

#[test]
fn a_tool_that_is_only_found_is_missing_with_its_remedy() {
    let (_guard, tools) = folder();
    let error = tools.ensure(&UNKNOWN).unwrap_err();
    assert!(error.is_missing());
    assert_eq!(
        error.to_string(),
        "unknown is missing; to have it: write it"
    );
}

#[test]
fn two_at_once_install_once() {
    let (_guard, tools) = folder();
    let paths: Vec<PathBuf> = std::thread::scope(|scope| {
        let both = [
            scope.spawn(|| tools.ensure(&SMALL)),
            scope.spawn(|| tools.ensure(&SMALL)),
        ];
        both.map(|one| one.join().unwrap().unwrap()).to_vec()
    });
    assert_eq!(paths[0], paths[1]);
    let log = std::fs::read_to_string(tools.folder().join("logs/small-1.log")).unwrap();
    assert_eq!(log.matches("-m venv").count(), 1, "{log}");
}

#[test]
fn an_interrupted_installation_is_begun_again() {
    let (_guard, tools) = folder();
    let python = tools.place(&SMALL).join("bin/python");
    std::fs::create_dir_all(python.parent().unwrap()).unwrap();
    std::fs::write(&python, "half").unwrap();
    assert_eq!(tools.find(&SMALL), None);
    let found = tools.ensure(&SMALL).unwrap();
    assert_eq!(found, python);
    assert!(output(Command::new(found).args(["-m", "pip", "--version"])).is_ok());
}

#[test]
fn the_catalog_is_consistent() {
    let names: HashSet<&str> = ALL.iter().map(|tool| tool.name).collect();
    assert_eq!(names.len(), ALL.len());
    let (_guard, tools) = folder();
    for tool in ALL {
        assert!(!tools.remedy(tool).is_empty(), "{}", tool.name);
        if let Source::Python { packages, .. } = tool.source {
            let pinned = packages.iter().all(|package| package.contains("=="));
            assert!(
                pinned && packages[0].ends_with(tool.version),
                "{}",
                tool.name
            );
        }
    }
}

#[test]
fn the_runner_of_wasm_tests_has_the_version_of_the_library() {
    let lock = std::fs::read_to_string(crate::artifact::root().join("Cargo.lock")).unwrap();
    let library = lock
        .split("[[package]]")
        .find(|package| package.contains("\"wasm-bindgen\"\n"));
    let library = library.expect("wasm-bindgen in Cargo.lock");
    assert!(
        library.contains(&format!("version = \"{}\"", WASM_BINDGEN.version)),
        "{library}"
    );
}
