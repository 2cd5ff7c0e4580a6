//! `edgectl issuer` as a server: how it starts, what it logs and bears, how it stops.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{RunningIssuer, SERVICE, basic, edgectl, example_users, shared_pair, stderr};

#[test]
fn log_tells_who_and_what_but_no_secret() {
    let issuer = RunningIssuer::start(&example_users(), &[]);
    let asked = format!("/jwt/auth?{SERVICE}&scope=repository:group/app:pull,push");
    let token = issuer
        .ask("GET", &asked, &basic("bob", "bob-password"))
        .json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    issuer.ask("GET", &asked, &basic("bob", "S3cret"));
    issuer.ask("GET", &asked, &basic("glpat-T0ken", "x"));
    issuer.ask(
        "GET",
        "/jwt/auth?service=container_registry&scope=a%0Astatus=200%1b[31m",
        "",
    );
    let log = issuer.end();
    for line in [
        r#"status=200 who=bob asked="repository:group/app:pull,push" granted="repository:group/app:pull""#,
        r#"status=401 who=bob asked="repository:group/app:pull,push" granted="""#,
        r#"status=401 who=unknown asked="repository:group/app:pull,push" granted="""#,
        r#"status=403 who=anonymous asked="a status=200\u{1b}[31m" granted="""#,
    ] {
        assert!(
            log.lines().any(|logged| logged == line),
            "{line}\nin\n{log}"
        );
    }
    for secret in ["bob-password", "S3cret", "glpat-T0ken", &token] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn stops_at_signals_and_lets_idle_connections_go() {
    for name in ["INT", "TERM"] {
        let mut issuer = RunningIssuer::start(&example_users(), &[]);
        let mut idle = TcpStream::connect(issuer.address).unwrap();
        let target = format!("/jwt/auth?{SERVICE}");
        write!(
            idle,
            "GET {target} HTTP/1.1\r\nHost: h\r\n{}\r\n",
            basic("bob", "bob-password")
        )
        .unwrap();
        assert_ne!(idle.read(&mut [0; 4096]).unwrap(), 0);
        let begun = Instant::now();
        issuer.signal(name);
        let status = issuer.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "SIG{name}");
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "an idle connection does not hold the server"
        );
        assert!(
            TcpStream::connect(issuer.address).is_err(),
            "nobody listens any more"
        );
    }
}

#[test]
fn bounds() {
    let issuer = RunningIssuer::start(&example_users(), &[]);
    let long = |length| format!("/jwt/auth?{SERVICE}&scope={}", "a".repeat(length));
    let alice = basic("alice", "alice-password");
    assert_eq!(issuer.ask("GET", &long(32_000), &alice).status, 200);
    for (target, headers) in [
        (long(100_000), alice.clone()),
        (long(1), format!("{alice}X: {}\r\n", "a".repeat(100_000))),
        (long(1), format!("{alice}{}", "X: a\r\n".repeat(100))),
    ] {
        let status = issuer.ask("GET", &target, &headers).status;
        assert!([414, 431].contains(&status), "{status}");
    }
}

/// Waits for a line on the issuer's stderr that holds a text.
fn said(log: &mut impl BufRead, text: &str) -> String {
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "the issuer ended");
    }
    line
}

#[test]
fn a_changed_users_file_is_taken_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.toml");
    let carol = |password: &str| {
        format!(
            "[namespaces.group]\nvisibility = \"private\"\n[[users]]\nname = \"carol\"\npassword = {password}\n"
        )
    };
    std::fs::write(&users, carol("\"first\"")).unwrap();
    let mut issuer = RunningIssuer::start(&users, &[]);
    let mut log = BufReader::new(issuer.child.stderr.take().unwrap());
    let target = format!("/jwt/auth?{SERVICE}");
    let status = |password: &str| issuer.ask("GET", &target, &basic("carol", password)).status;
    assert_eq!((status("first"), status("second")), (200, 401));

    // Replaced by renaming, as editors do; taken by looking.
    let new = folder.path().join("new");
    std::fs::write(&new, carol("\"second\"")).unwrap();
    std::fs::rename(&new, &users).unwrap();
    said(&mut log, "taken anew: 1 users, 1 namespaces");
    assert_eq!((status("first"), status("second")), (401, 200));

    // Bad ones, each with its place and without the password in it.
    for (text, place) in [
        (carol("\"S3cret"), "line 5, column"),
        (
            carol("5301"),
            "line 5, column 12: users.password is no text",
        ),
        (
            carol("\"S3cret\"\ncolour = 1"),
            "line 6, column 1: unknown field `colour`",
        ),
        (
            format!("{}access = {{ grup = [] }}\n", carol("\"S3cret\"")),
            "line 6, column 12: users.access of \"carol\"",
        ),
    ] {
        std::fs::write(&users, text).unwrap();
        issuer.signal("HUP");
        let line = said(&mut log, "users.toml");
        assert!(
            line.contains(place) && !line.contains("3cret") && !line.contains("5301"),
            "{line}"
        );
        said(&mut log, "not taken; the users of before stay");
        assert_eq!(status("second"), 200);
    }
    std::fs::remove_file(&users).unwrap();
    issuer.signal("HUP");
    said(&mut log, "cannot read the users file");
    assert_eq!(status("second"), 200);
    std::fs::write(&users, carol("\"third\"")).unwrap();
    issuer.signal("HUP");
    said(&mut log, "taken anew");
    assert_eq!((status("second"), status("third")), (401, 200));
}

#[test]
fn refuses_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let namespace = "[namespaces.group]\nvisibility = \"private\"\n";
    let user = |rest: &str| format!("{namespace}[[users]]\n{rest}");
    let good = user("name = \"a\"\npassword = \"b\"\n");
    for (users, said) in [
        (String::new(), "namespaces.group"),
        (
            "[namespaces.group]\nvisibility = \"secret\"\n".to_owned(),
            "private",
        ),
        (
            "[namespaces.Group]\nvisibility = \"private\"\n".to_owned(),
            "lower case",
        ),
        (
            "[namespaces.\"group/\"]\nvisibility = \"private\"\n".to_owned(),
            "slash",
        ),
        (format!("{good}colour = 1\n"), "colour"),
        (user("name = \"a\"\n"), "password"),
        (user("name = \"a\"\npassword = \"\"\n"), "empty"),
        (user("name = \"a:b\"\npassword = \"b\"\n"), "colon"),
        (
            format!("{good}[[users]]\nname = \"a\"\npassword = \"c\"\n"),
            "twice",
        ),
        (format!("{good}access = {{ grup = [\"pull\"] }}\n"), "grup"),
        (format!("{good}access = {{ group = [\"read\"] }}\n"), "read"),
    ] {
        let path = folder.path().join("users.toml");
        std::fs::write(&path, &users).unwrap();
        let output = edgectl(["issuer", "--users"])
            .arg(&path)
            .arg("--key")
            .arg(&shared_pair().key)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{users}");
        assert!(
            stderr(&output).contains("users.toml") && stderr(&output).contains(said),
            "{}",
            stderr(&output)
        );
    }

    let users = example_users();
    let users = users.to_str().unwrap();
    let key = shared_pair().key.to_str().unwrap();
    for (arguments, code, said) in [
        (
            vec!["--users", users, "--key", key, "--listen", "0.0.0.0:0"],
            1,
            "--allow-remote",
        ),
        (
            vec!["--users", users, "--key", key, "--listen", "[::]:0"],
            1,
            "--allow-remote",
        ),
        (
            vec!["--users", users, "--key", key, "--listen", "localhost"],
            2,
            "--listen",
        ),
        (
            vec!["--users", users, "--key", key, "--lifetime", "0"],
            2,
            "--lifetime",
        ),
        (vec!["--users", users, "--key", "missing"], 1, "missing"),
        (vec!["--users", "missing", "--key", key], 1, "missing"),
        (vec!["--key", key], 2, "--users"),
    ] {
        let output = edgectl(["issuer"]).args(&arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?} {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(said),
            "{arguments:?} {}",
            stderr(&output)
        );
    }
    // The twins of the refused addresses: another loopback address needs no leave, and with leave a remote one
    // is tried (this one, of RFC 5737, belongs to no machine).
    let issuer = RunningIssuer::start(&example_users(), &["--listen", "127.0.0.2:0"]);
    assert_eq!(issuer.address.ip().to_string(), "127.0.0.2");
    let output = edgectl([
        "issuer",
        "--users",
        users,
        "--key",
        key,
        "--listen",
        "192.0.2.1:0",
        "--allow-remote",
    ])
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("cannot listen on 192.0.2.1:0"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn first_line_is_the_bound_address() {
    let mut child = edgectl(["issuer", "--users"])
        .arg(example_users())
        .arg("--key")
        .arg(&shared_pair().key)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let reached = line
        .trim_end()
        .parse::<SocketAddr>()
        .map(TcpStream::connect);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        reached
            .unwrap_or_else(|_| panic!("an address: {line:?}"))
            .is_ok()
    );
}
