use std::collections::HashSet;

use super::*;

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn dropping_ends_the_process_and_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut process = Process::spawn("test", sh("sleep 1000 & echo $!; wait"), &log).unwrap();
    let limit = Duration::from_secs(5);
    let child: i32 = process
        .wait_for_line("a process id", limit, |line| line.parse().ok())
        .unwrap();
    let child = Pid::from_raw(child).unwrap();
    let group = process.group;
    assert!(rustix::process::test_kill_process(child).is_ok());
    drop(process);
    assert!(test_kill_process_group(group).is_err());
}

#[test]
fn a_program_that_ignores_sigterm_is_killed_after_the_grace_period() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let script = "trap '' TERM; echo set; while :; do sleep 0.1; done";
    let mut process = Process::spawn("test", sh(script), &log).unwrap();
    let limit = Duration::from_secs(5);
    process
        .wait_for_line("its trap", limit, |line| (line == "set").then_some(()))
        .unwrap();
    let start = Instant::now();
    process.terminate();
    assert!(start.elapsed() >= GRACE);
    assert!(!process.is_running());
}

#[test]
fn a_program_that_ends_before_it_is_ready_is_told_from_one_that_is_late() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let limit = Duration::from_millis(500);

    let mut ended = Process::spawn("ender", sh("echo no such thing; exit 7"), &log).unwrap();
    let error = ended.wait_until("never", limit, || false).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::Ended { .. }), "{said}");
    assert!(
        said.contains("ender") && said.contains('7') && said.contains("no such thing"),
        "{said}"
    );

    let mut late = Process::spawn("sleeper", sh("exec sleep 1000"), &log).unwrap();
    let error = late.wait_until("the moon", limit, || false).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::NotReady { .. }), "{said}");
    assert!(
        said.contains("sleeper") && said.contains("the moon"),
        "{said}"
    );
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let command = Command::new("/no/such/program");
    let error = Process::spawn("ghost", command, &folder.path().join("log")).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("ghost") && said.contains("/no/such/program"),
        "{said}"
    );
}

#[test]
fn half_a_line_is_not_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut process = Process::spawn("test", sh("printf 12; sleep 0.3; echo 34"), &log).unwrap();
    let limit = Duration::from_secs(5);
    let number: u32 = process
        .wait_for_line("a number", limit, |line| line.parse().ok())
        .unwrap();
    assert_eq!(number, 1234);
}

#[test]
fn ports_are_free_distinct_and_below_those_of_outgoing_connections() {
    let ports: Vec<u16> = (0..200).map(|_| free_port().unwrap()).collect();
    assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len());
    for port in ports {
        assert!((20_000..32_000).contains(&port), "{port}");
        std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
}

#[test]
fn a_port_in_use_is_passed_over() {
    // The next candidates, occupied: whatever comes then must be another one.
    let first = free_port().unwrap();
    let taken: Vec<_> = (1..20)
        .filter_map(|n| std::net::TcpListener::bind(("127.0.0.1", first + n)).ok())
        .collect();
    let taken: HashSet<u16> = taken
        .iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect();
    assert!(!taken.is_empty());
    assert!(!taken.contains(&free_port().unwrap()));
}

#[test]
fn temporary_folders_go_and_kept_ones_stay() {
    let temporary = Folder::temporary("testbed-test-").unwrap();
    let path = temporary.path().to_owned();
    std::fs::write(path.join("file"), "").unwrap();
    drop(temporary);
    assert!(!path.exists());

    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("new/folder");
    drop(Folder::kept(&path).unwrap());
    assert!(path.is_dir());
}

#[test]
fn a_command_is_shown_as_a_person_would_type_it() {
    let mut command = Command::new("crane");
    command.args(["ls", "localhost:1/a", "two words", "it's", ""]);
    assert_eq!(
        shown(&command),
        r"crane ls localhost:1/a 'two words' 'it'\''s' ''"
    );
}
