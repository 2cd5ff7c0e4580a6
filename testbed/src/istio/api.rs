//! What stands in the place of a Kubernetes API server: one with nothing in it. It answers lists
//! empty, watches without an event, takes whatever is written to it and keeps none of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{Error, Result};

/// It answers until this program ends: its threads hold nothing but connections.
#[derive(Debug)]
pub(super) struct Api {
    port: u16,
}

impl Api {
    pub(super) fn start() -> Result<Self> {
        let refused = |error: std::io::Error| Error::Other(format!("cannot listen: {error}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is no fault.
                std::thread::spawn(move || drop(serve(&stream)));
            }
        });
        Ok(Self { port })
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

/// Longer than any test.
const WATCH: Duration = Duration::from_secs(600);

fn serve(stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut field = String::new();
            reader.read_line(&mut field)?;
            let field = field.trim_end().to_ascii_lowercase();
            if field.is_empty() {
                break;
            }
            if let Some(value) = field.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or_default();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if query.contains("watch=true") || query.contains("watch=1") {
            write!(
                writer,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
            )?;
            if query.contains("sendInitialEvents=true") {
                let event = format!("{INITIAL_EVENTS_END}\n");
                write!(writer, "{:x}\r\n{event}\r\n", event.len())?;
            }
            std::thread::sleep(WATCH);
            return Ok(());
        }
        let (status, answer) = match method {
            "GET" => read(path),
            _ => ("201 Created", written(&body)),
        };
        let answer = answer.to_string();
        write!(
            writer,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )?;
    }
}

/// There are no events before what is to be watched.
const INITIAL_EVENTS_END: &str = r#"{"type":"BOOKMARK","object":{"kind":"X","apiVersion":"v1","metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}"#;

fn read(path: &str) -> (&'static str, Value) {
    let one_of = ["configmaps", "secrets", "namespaces", "services"];
    let of = path.trim_end_matches('/').rsplit('/').nth(1);
    let answer = match path {
        "/version" => json!({ "major": "1", "minor": "34", "gitVersion": "v1.34.0" }),
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
        "/apis" => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [] }),
        "/api/v1" => json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": [] }),
        _ if of.is_some_and(|kind| one_of.contains(&kind)) => {
            let missing = json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
                "code": 404,
            });
            return ("404 Not Found", missing);
        }
        _ => json!({
            "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": [],
        }),
    };
    ("200 OK", answer)
}

fn written(body: &[u8]) -> Value {
    let mut object: Value = serde_json::from_slice(body).unwrap_or_else(|_| json!({}));
    if let Some(object) = object.as_object_mut() {
        let metadata = object.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("resourceVersion".to_owned(), "2".into());
        }
    }
    object
}
