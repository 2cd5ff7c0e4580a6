use super::*;

fn grants(entries: &[(&str, &str, &[&str])]) -> Grants {
    let mut grants = Grants::default();
    for &(kind, name, actions) in entries {
        grants.insert(kind, name, actions.iter().copied().collect());
    }
    grants
}

fn on_app(method: &str) -> RequiredAccess<'static> {
    let name = RepositoryName::parse(b"group/app", false).unwrap();
    RequiredAccess::on_repository(name, method.as_bytes())
}

#[test]
fn a_method_needs_what_the_registry_asks() {
    for (method, needs) in [
        ("GET", "repository:group/app:pull"),
        ("HEAD", "repository:group/app:pull"),
        ("POST", "repository:group/app:pull,push"),
        ("PUT", "repository:group/app:pull,push"),
        ("PATCH", "repository:group/app:pull,push"),
        ("DELETE", "repository:group/app:delete"),
        ("OPTIONS", "any token"),
        ("TRACE", "any token"),
        ("get", "any token"),
        ("FOO", "any token"),
        ("", "any token"),
    ] {
        assert_eq!(on_app(method).to_string(), needs, "{method}");
    }
}

#[test]
fn an_entry_covers_its_own_resource_only() {
    let app: &[(&str, &str, &[&str])] = &[("repository", "group/app", &["pull"])];
    for (entries, pull, push, delete) in [
        (app, true, false, false),
        (
            &[("repository", "group/app", &["pull", "push"])],
            true,
            true,
            false,
        ),
        (
            &[("repository", "group/app", &["push"])],
            false,
            false,
            false,
        ),
        (
            &[("repository", "group/app", &["delete"])],
            false,
            false,
            true,
        ),
        (&[("repository", "group/app", &["*"])], true, true, true),
        (
            &[("repository", "group/app", &["Pull"])],
            false,
            false,
            false,
        ),
        (&[("repository", "group/app", &[])], false, false, false),
        (&[("repository", "Group/app", &["*"])], false, false, false),
        (&[("repository", "group/app/", &["*"])], false, false, false),
        (&[("repository", "group", &["*"])], false, false, false),
        (&[("repository", "group/*", &["*"])], false, false, false),
        (&[("repository", "*", &["*"])], false, false, false),
        (&[("Repository", "group/app", &["*"])], false, false, false),
        (
            &[("repository(plugin)", "group/app", &["*"])],
            false,
            false,
            false,
        ),
        (&[("registry", "group/app", &["*"])], false, false, false),
        (&[], false, false, false),
    ] {
        let grants = grants(entries);
        assert_eq!(grants.cover(&on_app("GET")), pull, "pull by {entries:?}");
        assert_eq!(grants.cover(&on_app("PUT")), push, "push by {entries:?}");
        assert_eq!(
            grants.cover(&on_app("DELETE")),
            delete,
            "delete by {entries:?}"
        );
        assert!(grants.cover(&RequiredAccess::NONE));
    }
}

#[test]
fn actions_of_several_entries_add_up() {
    let both = grants(&[
        ("repository", "group/app", &["pull"]),
        ("repository", "group/app", &["push"]),
    ]);
    assert!(both.cover(&on_app("PUT")));
}

#[test]
fn a_mount_needs_its_source_as_well() {
    let mount = || on_app("POST").with_mount_source(Cow::Borrowed(b"group/secret"));
    let app: (&str, &str, &[&str]) = ("repository", "group/app", &["pull", "push"]);
    assert!(!grants(&[app]).cover(&mount()));
    assert!(!grants(&[app, ("repository", "group/secret", &["push"])]).cover(&mount()));
    assert!(grants(&[app, ("repository", "group/secret", &["pull"])]).cover(&mount()));
}

#[test]
fn the_catalog_needs_everything_on_it() {
    let catalog = RequiredAccess::on_catalog();
    assert!(grants(&[("registry", "catalog", &["*"])]).cover(&catalog));
    assert!(!grants(&[("registry", "catalog", &["pull"])]).cover(&catalog));
    assert!(!grants(&[("repository", "catalog", &["*"])]).cover(&catalog));
}
