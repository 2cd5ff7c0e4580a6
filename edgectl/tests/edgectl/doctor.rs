//! `edgectl doctor` where there is no edge; what it says about real ones is in `tests/stack`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use serde_json::Value;

use crate::support::{edgectl, stderr, stdout};

/// Does something with each connection, for as long as the test program runs.
fn server(serve: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Reads a request's head, answers the same to everything.
fn answering(mut stream: TcpStream, answer: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    let _ = stream.write_all(answer.as_bytes());
}

fn web(stream: TcpStream) {
    answering(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    );
}

fn basic(stream: TcpStream) {
    answering(
        stream,
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n",
    );
}

fn mute(stream: TcpStream) {
    thread::park();
    drop(stream);
}

fn garbled(mut stream: TcpStream) {
    let _ = stream.write_all(b"\x15\x03\x01 this is no HTTP\r\n\r\n");
}

/// Plain HTTP that answers at once, whatever it is spoken to.
fn hasty(mut stream: TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let _ = stream.read(&mut [0; 1024]);
}

#[test]
fn what_is_no_edge_is_told_with_a_remedy() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let http = |address: SocketAddr| format!("http://{address}");
    for (url, status, check, verdict, said) in [
        (http(closed), 3, "connection", "wrong", "refused"),
        (http(server(web)), 3, "registry", "wrong", "no registry"),
        (
            http(server(basic)),
            3,
            "registry",
            "wrong",
            "Basic instead of Bearer",
        ),
        (
            http(server(garbled)),
            4,
            "registry",
            "unknown",
            "no HTTP answer",
        ),
        (
            http(server(mute)),
            4,
            "registry",
            "unknown",
            "no answer within 1s",
        ),
        (
            format!("https://{}", server(hasty)),
            3,
            "connection",
            "wrong",
            "TLS",
        ),
        (
            "http://registry.invalid".to_owned(),
            3,
            "connection",
            "wrong",
            "cannot be resolved",
        ),
    ] {
        let output = edgectl(["doctor", "--json", "--timeout", "1", &url])
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(status),
            "{url} {}",
            stderr(&output)
        );
        let report: Value = serde_json::from_str(stdout(&output)).unwrap();
        let checks = report["checks"].as_array().unwrap();
        // The first fault ends it: what follows would say nothing.
        let last = checks.last().unwrap();
        assert_eq!(
            (&last["check"], &last["verdict"]),
            (&check.into(), &verdict.into()),
            "{url} {last}"
        );
        assert!(
            last["found"].as_str().unwrap().contains(said),
            "{url} {last}"
        );
        assert!(!last["remedy"].as_str().unwrap().is_empty(), "{url} {last}");
        let before = checks.iter().rev().skip(1);
        assert!(
            before.into_iter().all(|check| check["verdict"] == "right"),
            "{url} {report}"
        );
    }
}

#[test]
fn a_dry_run_sends_nothing_and_lists_only_what_cannot_change_anything() {
    let output = edgectl(["doctor", "--dry-run", "--json", "http://127.0.0.1:1"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let plan: Value = serde_json::from_str(stdout(&output)).unwrap();
    let requests: Vec<&str> = plan["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request.as_str().unwrap())
        .collect();
    assert!(requests.len() > 30, "{requests:#?}");
    for request in requests {
        let (method, rest) = request.split_once(' ').unwrap();
        let target = rest.split(' ').next().unwrap();
        let is_harmless = match method {
            "GET" | "HEAD" | "OPTIONS" => true,
            "PROBE" => target == "/v2/",
            // Distribution answers 405 to it, with every token; OCI has no such request.
            "POST" => {
                target.split('?').next().unwrap() == "/v2/edgectl-doctor/probe/manifests/none"
            }
            _ => false,
        };
        assert!(is_harmless, "{request}");
        assert!(!request.contains("eyJ"), "no token is shown: {request}");
    }
}
