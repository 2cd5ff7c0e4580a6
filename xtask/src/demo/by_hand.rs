//! How to go on by hand: commands to copy, and where everything is.

use testbed::Stack;

use super::cast::Cast;
use crate::paint;

/// Prints it.
pub(super) fn print(stack: &Stack, cast: &Cast) {
    paint::say(&format!("\n{}", text(stack, cast)));
}

fn text(stack: &Stack, cast: &Cast) -> String {
    let Cast {
        alice,
        bob,
        repository,
        ..
    } = cast;
    let folder = stack.folder().display();
    let ca = stack.ca_file().display();
    let certificates = stack.target().cert_dir.display().to_string();
    let edge = stack.url();
    let authority = stack.authority();
    let realm = stack.realm();
    let edgectl = stack.edgectl().display();
    let key = stack.signing_key().key.display();
    let credentials = format!("-u {} -p {}", alice.name, alice.password);
    let mut lines = vec![
        paint::bold("Now try it by hand"),
        format!(
            "  edge      {edge}  (Envoy's admin interface: {})",
            admin(stack)
        ),
        format!("  CA        {ca}"),
        format!(
            "  users     {} / {} (pull, push in team/), {} / {} (no rights)",
            alice.name, alice.password, bob.name, bob.password
        ),
        String::new(),
    ];
    let commands = [
        ("The challenge", format!("curl -i --cacert {ca} {edge}/v2/")),
        (
            "A token",
            format!(
                "TOKEN=$(curl -s --cacert {ca} -u {}:{} '{realm}?service=container_registry&scope=repository:{repository}:pull,push' | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')",
                alice.name, alice.password
            ),
        ),
        (
            "The same request with it",
            format!("curl -i --cacert {ca} -H \"Authorization: Bearer $TOKEN\" {edge}/v2/"),
        ),
        (
            "Log in with docker",
            format!(
                "SSL_CERT_FILE={ca} DOCKER_CONFIG={folder}/docker docker login {credentials} {authority}"
            ),
        ),
        (
            "Log in with skopeo, push the image of the walk again, look at it",
            format!(
                "skopeo login --authfile {folder}/auth.json --cert-dir {certificates} {credentials} {authority}\n    \
                 skopeo --insecure-policy copy --authfile {folder}/auth.json --dest-cert-dir {certificates} dir:{folder}/pulled docker://{authority}/{repository}:2\n    \
                 skopeo inspect --authfile {folder}/auth.json --cert-dir {certificates} docker://{authority}/{repository}:2"
            ),
        ),
        (
            "A background job's token, for anything",
            format!("{edgectl} token full-access {repository} --key {key}"),
        ),
    ];
    for (what, command) in commands {
        lines.push(format!("  {}", paint::dim(&format!("# {what}"))));
        lines.push(format!("    {command}"));
    }
    lines.push(format!("  {}", paint::dim("# Logs")));
    for (name, log) in stack.logs() {
        lines.push(format!("    {name:<11} {}", log.display()));
    }
    lines.push(String::new());
    lines.push(paint::bold("Ctrl-C ends it."));
    lines.join("\n")
}

fn admin(stack: &Stack) -> String {
    stack.envoy().admin().url("")
}
