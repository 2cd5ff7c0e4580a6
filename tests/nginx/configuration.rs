//! Configurations that do not hold: one line that names what is wrong, and where.

use libtest_mimic::Trial;
use testbed::nginx::Version;
use testbed::process::Folder;

use crate::edge::{Test, check, on_every_version, standard};

const TESTS: &[Test] = &[
    ("a fault stops `nginx -t` with file, line and key", faults),
    ("the configuration may stand in nginx.conf itself", inline),
    (
        "a header for a guard behind the filter is none that NGINX would set",
        permit_header,
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    on_every_version("configuration", TESTS)
}

/// The inside of `http`, and what is said.
const FAULTS: &[(&str, &str)] = &[
    (
        "server { listen {port};\nregistry_token_filter on; }",
        "`registry_token_filter on` without `registry_token_filter_config`",
    ),
    ("registry_token_filter yes;", "expected \"on\" or \"off\""),
    ("registry_token_filter;", "invalid number of arguments"),
    (
        "registry_token_filter on;\nregistry_token_filter off;",
        "stands twice here",
    ),
    (
        "registry_token_filter_config {config};\nregistry_token_filter_config {config};",
        "stands twice here",
    ),
    (
        "registry_token_filter_config /does/not/exist.json;",
        "`registry_token_filter_config /does/not/exist.json`: cannot be opened: No such file",
    ),
    (
        "registry_token_filter_config /dev/zero;",
        "larger than 1 MiB",
    ),
    (
        "registry_token_filter_config '{\"realm\": \"/jwt/auth\"}';",
        "configuration refused: `service`: missing",
    ),
    (
        "registry_token_filter_config '{\"relam\": \"\"}';",
        "configuration refused: `relam`: unknown key",
    ),
    (
        "registry_token_filter_config '{';",
        "configuration refused: the plugin configuration is not JSON",
    ),
    (
        "if ($host) { registry_token_filter on; }",
        "is not allowed here",
    ),
];

fn faults(version: Version) {
    for (http, message) in FAULTS {
        let printed = check(version, http).expect_err(http);
        let lines: Vec<&str> = printed
            .lines()
            .filter(|line| line.contains("[emerg]"))
            .collect();
        let [line] = lines.as_slice() else {
            panic!("not one line: {printed}");
        };
        assert!(line.contains(message), "{http}\n{line}");
        assert!(line.contains("nginx.conf:"), "{line}");
    }
}

fn inline(version: Version) {
    // NGINX takes at most 4 KiB in one argument: the bundle is too long for it, and is embedded at
    // build time. Without one it is the key that is missing.
    let mut configuration = standard();
    configuration
        .as_object_mut()
        .unwrap()
        .remove("rootcertbundle");
    let printed = check(
        version,
        &format!("registry_token_filter_config '{configuration}';"),
    );
    let printed = printed.unwrap_err();
    assert!(
        printed.contains("configuration refused: `rootcertbundle`"),
        "{printed}"
    );
}

fn permit_header(version: Version) {
    let folder = Folder::temporary("registry-nginx-permit-").unwrap();
    let file = folder.path().join("filter.json");
    let line = format!("registry_token_filter_config {};", file.display());
    let mut configuration = standard();
    std::fs::write(&file, configuration.to_string()).unwrap();
    check(version, &line).unwrap();
    configuration["permit_header"] = "x-registry-permit".into();
    std::fs::write(&file, configuration.to_string()).unwrap();
    let printed = check(version, &line).unwrap_err();
    assert!(
        printed.contains("`permit_header`: NGINX runs this"),
        "{printed}"
    );
}
