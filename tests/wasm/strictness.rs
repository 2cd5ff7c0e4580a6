//! The host itself: what it does not let pass, shown on small modules that do it.

use crate::Test;
use crate::artifact;
use crate::host::{Dialect, Fault, Module, Options, Request, Vm, as_nginx_reads};

pub(crate) const TESTS: &[Test] = &[
    (
        "a module that asks for nothing unusual runs",
        a_module_that_runs,
    ),
    (
        "an import that the host does not have fails the load",
        imports,
    ),
    ("an export that the host calls has to be there", exports),
    ("a question at the wrong time is a fault", wrong_times),
    (
        "a response is sent once, is one, and the request is held then",
        responses,
    ),
    ("a loop without end ends", loops),
    ("memory without end ends", memory),
    ("a part of the credentials in the log is a fault", secrets),
    ("a target is read as NGINX reads it", targets),
    (
        "the artifact asks for what every host has, and for nothing else",
        the_artifact,
    ),
];

/// A module with everything that both hosts call, of which each callback does nothing; `imports`
/// come first, and a callback named in `bodies` does what stands there.
fn module(imports: &str, bodies: &[(&str, &str)]) -> String {
    let body = |name: &str, otherwise: &str| {
        let found = bodies.iter().find(|(known, _)| *known == name);
        found.map_or(otherwise, |(_, body)| body).to_owned()
    };
    let mut text = format!("(module {imports} (memory (export \"memory\") 1)");
    for (name, kind, otherwise) in [
        ("proxy_abi_version_0_2_1", "", ""),
        ("_initialize", "", ""),
        (
            "proxy_on_memory_allocate",
            "(param i32) (result i32)",
            "i32.const 1024",
        ),
        ("proxy_on_context_create", "(param i32 i32)", ""),
        (
            "proxy_on_vm_start",
            "(param i32 i32) (result i32)",
            "i32.const 1",
        ),
        (
            "proxy_on_configure",
            "(param i32 i32) (result i32)",
            "i32.const 1",
        ),
        (
            "proxy_on_request_headers",
            "(param i32 i32 i32) (result i32)",
            "i32.const 0",
        ),
        (
            "proxy_on_response_headers",
            "(param i32 i32 i32) (result i32)",
            "i32.const 0",
        ),
        ("proxy_on_done", "(param i32) (result i32)", "i32.const 1"),
        ("proxy_on_log", "(param i32)", ""),
        ("proxy_on_delete", "(param i32)", ""),
    ] {
        let body = body(name, otherwise);
        if body != "absent" {
            text += &format!("(func (export \"{name}\") {kind} {body})\n");
        }
    }
    text + ")"
}

/// Runs a module through a configuration and a request.
fn run(dialect: Dialect, module: &str) -> Result<(), Fault> {
    let module = Module::new(module.as_bytes())?;
    let mut vm = Vm::start(&module, Options::of(dialect))?;
    let root = vm.configured(b"{}")?;
    vm.request(root, &Request::get("/"))?;
    vm.end(root)
}

/// Whether a module is stopped, with these words.
fn assert_stopped(dialect: Dialect, module: &str, words: &str) {
    let fault = run(dialect, module).expect_err(words).to_string();
    assert!(
        fault.contains(words),
        "{dialect:?}: {fault}\n  expected: {words}"
    );
}

const LOG: &str = r#"(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
    (data (i32.const 0) "all is well\0atwo")"#;
const PROPERTY: &str = r#"(import "env" "proxy_get_property" (func $get (param i32 i32 i32 i32) (result i32)))
    (data (i32.const 0) "listener_direction")"#;
const SEND: &str = r#"(import "env" "proxy_send_local_response"
        (func $send (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (data (i32.const 0) "\01\00\00\00\01\00\00\00\01\00\00\00a\00b\00\01\00\00\00\01\00\00\00\01\00\00\00a\00\0a\00")"#;

fn a_module_that_runs() {
    for dialect in Dialect::ALL {
        run(dialect, &module("", &[])).unwrap();
        let log = "(drop (call $log (i32.const 2) (i32.const 0) (i32.const 11)))";
        run(dialect, &module(LOG, &[("proxy_on_log", log)])).unwrap();
    }
}

fn imports() {
    let import = |module: &str, name: &str, parameters: &str| {
        format!("(import \"{module}\" \"{name}\" (func (param {parameters}) (result i32)))")
    };
    use Dialect::{Envoy, WasmX};
    for (module_name, name, parameters, hosts) in [
        (
            "env",
            "proxy_get_header_map_pairs",
            "i32 i32 i32",
            &[Envoy, WasmX][..],
        ),
        ("env", "proxy_get_log_level", "i32", &[Envoy]),
        ("env", "proxy_get_buffer_status", "i32 i32 i32", &[Envoy]),
        ("env", "proxy_get_header_map_size", "i32 i32", &[Envoy]),
        // Not of the ABI, and of another version of it.
        ("env", "abort", "i32", &[]),
        ("env", "proxy_get_configuration", "i32 i32", &[]),
        (
            "wasi_snapshot_preview1",
            "random_get",
            "i32 i32",
            &[Envoy, WasmX],
        ),
        ("wasi_snapshot_preview1", "path_open", "i32", &[]),
        ("wasi_unstable", "random_get", "i32 i32", &[]),
        // Of another type.
        ("env", "proxy_log", "i32 i32", &[]),
    ] {
        let text = module(&import(module_name, name, parameters), &[]);
        for dialect in Dialect::ALL {
            let loads = run(dialect, &text).is_ok();
            assert_eq!(
                loads,
                hosts.contains(&dialect),
                "{dialect:?} {module_name}.{name}"
            );
        }
    }
}

fn exports() {
    for (name, hosts) in [
        ("proxy_on_response_headers", 1),
        ("proxy_on_vm_start", 1),
        ("proxy_on_done", 1),
        ("proxy_on_log", 1),
        ("proxy_on_request_headers", 2),
        ("proxy_on_memory_allocate", 2),
        ("proxy_abi_version_0_2_1", 2),
    ] {
        let text = module("", &[(name, "absent")]);
        let stopped = Dialect::ALL.into_iter().filter(|dialect| {
            let module = Module::new(text.as_bytes()).unwrap();
            Vm::start(&module, Options::of(*dialect)).is_err()
        });
        assert_eq!(stopped.count(), hosts, "{name}");
    }
}

fn wrong_times() {
    let get = "(drop (call $get (i32.const 0) (i32.const 18) (i32.const 64) (i32.const 68)))";
    let word = "it must not be asked for here";
    for dialect in Dialect::ALL {
        for (name, result) in [
            ("proxy_on_configure", "(i32.const 1)"),
            ("proxy_on_log", ""),
        ] {
            let body = format!("{get} {result}");
            assert_stopped(dialect, &module(PROPERTY, &[(name, &body)]), word);
        }
        let body = format!("{get} (i32.const 0)");
        run(
            dialect,
            &module(PROPERTY, &[("proxy_on_request_headers", &body)]),
        )
        .unwrap();
        assert_stopped(
            dialect,
            &module(PROPERTY, &[("_initialize", get)]),
            "no context yet",
        );
        // A property nobody was told of.
        let other = body.replace("(i32.const 18)", "(i32.const 8)");
        let other = module(PROPERTY, &[("proxy_on_request_headers", &other)]);
        assert_stopped(dialect, &other, "no use for the property listener");
    }
    // Lines and levels of the log.
    for (level, length, words) in [
        (2, 13, "not one line"),
        (5, 11, "panic: all is well"),
        (9, 11, "9 is no level"),
    ] {
        let body =
            format!("(drop (call $log (i32.const {level}) (i32.const 0) (i32.const {length})))");
        assert_stopped(
            Dialect::Envoy,
            &module(LOG, &[("proxy_on_log", &body)]),
            words,
        );
    }
    for (import, body, words) in [
        (
            r#"(import "env" "proxy_increment_metric" (func $f (param i32 i64) (result i32)))"#,
            "(drop (call $f (i32.const 1) (i64.const 1)))",
            "metric 1 was not defined",
        ),
        (
            r#"(import "env" "proxy_get_shared_data" (func $f (param i32 i32 i32 i32 i32) (result i32)))"#,
            "(drop (call $f (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))",
            "no use for it",
        ),
        (
            r#"(import "env" "proxy_set_effective_context" (func $f (param i32) (result i32)))"#,
            "(drop (call $f (i32.const 99)))",
            "no context 99",
        ),
        (
            r#"(import "wasi_snapshot_preview1" "proc_exit" (func $f (param i32)))"#,
            "(call $f (i32.const 1))",
            "exit 1",
        ),
    ] {
        for dialect in Dialect::ALL {
            assert_stopped(dialect, &module(import, &[("proxy_on_log", body)]), words);
        }
    }
}

fn responses() {
    let send = |status: u32, map: u32, length: u32| {
        format!(
            "(drop (call $send (i32.const {status}) (i32.const 0) (i32.const 0) (i32.const 0) \
             (i32.const 0) (i32.const {map}) (i32.const {length}) (i32.const -1)))"
        )
    };
    let good = send(401, 0, 16);
    let hold = "(i32.const 1)";
    let go_on = "(i32.const 0)";
    for (body, words) in [
        (format!("{good} {good} {hold}"), "a second response"),
        (format!("{good} {go_on}"), "was answered and went on"),
        (hold.to_owned(), "was held without an answer"),
        ("(i32.const 2)".to_owned(), "2 is no action"),
        (format!("{} {hold}", send(99, 0, 16)), "99 is no status"),
        (format!("{} {hold}", send(401, 0, 15)), "no header map"),
        // A line feed in a value.
        (format!("{} {hold}", send(401, 16, 16)), "not a field"),
        (
            format!("{} {hold}", send(401, 65_530, 16)),
            "beyond the memory",
        ),
    ] {
        for dialect in Dialect::ALL {
            assert_stopped(
                dialect,
                &module(SEND, &[("proxy_on_request_headers", &body)]),
                words,
            );
        }
    }
    let body = format!("{good} {hold}");
    run(
        Dialect::Envoy,
        &module(SEND, &[("proxy_on_request_headers", &body)]),
    )
    .unwrap();
    assert_stopped(
        Dialect::Envoy,
        &module(SEND, &[("proxy_on_log", &good)]),
        "not be asked",
    );
}

fn loops() {
    let endless = "(loop (br 0)) (i32.const 0)";
    let text = module("", &[("proxy_on_request_headers", endless)]);
    assert_stopped(Dialect::Envoy, &text, "fuel");
}

fn memory() {
    let greedy = "(loop (drop (memory.grow (i32.const 16))) (br 0)) (i32.const 0)";
    let text = module("", &[("proxy_on_request_headers", greedy)]);
    assert_stopped(Dialect::Envoy, &text, "growth operation limited");
}

fn secrets() {
    // What is logged is in the memory, at its place.
    let import = LOG.replace("all is well\\0atwo", "token signature-of-mine");
    let line = |length: u32| {
        let body = format!(
            "(drop (call $log (i32.const 2) (i32.const 0) (i32.const {length}))) (i32.const 0)"
        );
        module(&import, &[("proxy_on_request_headers", &body)])
    };
    let request = Request::get("/").bearer("header.payload.signature-of-mine");
    for (length, is_told) in [(23, true), (22, false)] {
        let module = Module::new(line(length).as_bytes()).unwrap();
        let mut vm = Vm::start(&module, Options::of(Dialect::Envoy)).unwrap();
        let root = vm.configured(b"{}").unwrap();
        let outcome = vm.request(root, &request);
        assert_eq!(outcome.is_err(), is_told, "{outcome:?}");
    }
}

fn targets() {
    for (target, read) in [
        ("/v2/a/b", Some("/v2/a/b")),
        ("/v2/", Some("/v2/")),
        ("/", Some("/")),
        ("/v2//a///b//", Some("/v2/a/b/")),
        ("/v2/./a/../b", Some("/v2/b")),
        ("/v2/a/..", Some("/v2/")),
        ("/..", None),
        ("/v2/a%2fb%2F..%2Fc", Some("/v2/a/c")),
        ("/v2/%61?x=%61#f", Some("/v2/a?x=%61")),
        ("/v2/a%3Fb", Some("/v2/a?b")),
        ("/v2/a%23b", Some("/v2/a#b")),
        ("/v2/a%252Fb", Some("/v2/a%2Fb")),
        ("/v2/a#b?c", Some("/v2/a")),
        ("/v2/a?b//c/../d", Some("/v2/a?b//c/../d")),
        ("/v2/a%00", None),
        ("/v2/a%0g", None),
        ("/v2/a%2", None),
        ("/v2/a b", None),
        ("v2/a", None),
        ("", None),
    ] {
        let found = as_nginx_reads(target.as_bytes());
        assert_eq!(found.as_deref(), read.map(str::as_bytes), "{target}");
    }
}

fn the_artifact() {
    let mut imports = Vec::new();
    for dialect in Dialect::ALL {
        let module = artifact::module(dialect);
        Vm::start(module, Options::of(dialect)).unwrap();
        imports.extend(module.imports());
    }
    for (module, name) in imports {
        // No clock or environment of its own: what it knows it asks the host.
        let is_expected = match module {
            "env" => name.starts_with("proxy_"),
            "wasi_snapshot_preview1" => [
                "random_get",
                "environ_get",
                "environ_sizes_get",
                "fd_write",
                "proc_exit",
            ]
            .contains(&name),
            _ => false,
        };
        assert!(is_expected, "{module}.{name}");
    }
}
