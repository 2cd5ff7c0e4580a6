//! What is done to the linked filter for Envoy: callbacks it does not need are taken away, and
//! Binaryen has a look at the whole.
//!
//! Envoy calls every callback that a module exports, the SDK exports all that there are, and each
//! call costs about as much as reading a header; those for bodies come with every chunk of every
//! blob. What is not exported counts as done. ngx_wasm_module calls some whether they are there or
//! not, so this module is for Envoy alone, and for what drives an Envoy (Istio, Envoy Gateway).

use std::path::Path;
use std::process::Command;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{BinaryReaderError, ExternalKind, Parser, Payload};

use crate::error::{Error, Result};
use crate::process::output;
use crate::tools::{Tools, WASM_OPT};

/// The callbacks that do something: the filter answers in the request's head, and forgets a context
/// that was deleted.
const CALLBACKS: [&str; 5] = [
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_request_headers",
];

/// What the compiler uses of WebAssembly beyond its first version, all of it in every host.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Small, which is measured no slower than fast (docs/performance-notes.md).
const LEVEL: &str = "-Oz";

/// Writes `finished`, the module for Envoy, from what was `linked`, unless it was made of the same
/// before.
pub(super) fn finish(tools: &Tools, linked: &Path, finished: &Path) -> Result<()> {
    let module = std::fs::read(linked).map_err(Error::io("read", linked))?;
    let module = without_idle_callbacks(&module)
        .map_err(|error| Error::Other(format!("{}: {error}", linked.display())))?;
    let note = finished.with_extension("wasm.of");
    let is_of_this = |made: Vec<u8>| {
        std::fs::read_to_string(&note).is_ok_and(|noted| noted == origin(&module, &made))
    };
    if std::fs::read(finished).is_ok_and(is_of_this) {
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(Error::io("make a folder for", finished))?;
    let trimmed = folder.path().join("trimmed.wasm");
    std::fs::write(&trimmed, &module).map_err(Error::io("write", &trimmed))?;
    let optimized = folder.path().join("optimized.wasm");
    let mut command = Command::new(tools.ensure(&WASM_OPT)?);
    command.args(FEATURES).args([LEVEL, "-o"]);
    output(command.arg(&optimized).arg(&trimmed))?;
    // At once: another run may be reading the one of before.
    let beside = finished.with_extension(format!("{}.new", std::process::id()));
    std::fs::copy(&optimized, &beside).map_err(Error::io("write", &beside))?;
    std::fs::rename(&beside, finished).map_err(Error::io("write", finished))?;
    let made = std::fs::read(&optimized).map_err(Error::io("read", &optimized))?;
    std::fs::write(&note, origin(&module, &made)).map_err(Error::io("write", &note))
}

/// What was made, and of what.
fn origin(trimmed: &[u8], made: &[u8]) -> String {
    let digest = |bytes| HEXLOWER.encode(&Sha256::digest(bytes));
    let (made, trimmed) = (digest(made), digest(trimmed));
    format!("{made} of {trimmed} {LEVEL} {}\n", FEATURES.join(" "))
}

/// The module without the exports of callbacks that do nothing. Everything else stays as it is.
fn without_idle_callbacks(module: &[u8]) -> std::result::Result<Vec<u8>, BinaryReaderError> {
    let mut trimmed = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ExportSection(exports) = payload {
            let mut kept = ExportSection::new();
            for export in exports {
                let export = export?;
                let is_idle =
                    export.name.starts_with("proxy_on_") && !CALLBACKS.contains(&export.name);
                if !is_idle {
                    kept.export(export.name, kind(export.kind), export.index);
                }
            }
            trimmed.section(&kept);
        } else if let Some((id, range)) = payload.as_section() {
            let range = range.start as usize..range.end as usize;
            let data = module.get(range).unwrap_or_default();
            trimmed.section(&RawSection { id, data });
        }
    }
    Ok(trimmed.finish())
}

const fn kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{CodeSection, Function, FunctionSection, MemorySection, MemoryType};

    use super::*;

    /// A module with one function, exported under these names, and its memory.
    fn module(names: &[&str]) -> Vec<u8> {
        let mut types = wasm_encoder::TypeSection::new();
        types.ty().function([], []);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        for name in names {
            exports.export(name, ExportKind::Func, 0);
        }
        let mut body = Function::new([]);
        body.instructions().end();
        let mut code = CodeSection::new();
        code.function(&body);
        let mut module = Module::new();
        module
            .section(&types)
            .section(&functions)
            .section(&memories);
        module.section(&exports).section(&code);
        module.finish()
    }

    #[test]
    fn only_callbacks_that_do_nothing_are_taken_away() {
        let kept = ["_initialize", "proxy_abi_version_0_2_1"];
        let kept: Vec<&str> = kept.into_iter().chain(CALLBACKS).collect();
        let mut all = kept.clone();
        all.extend(["proxy_on_response_body", "proxy_on_log", "proxy_on_done"]);
        assert_eq!(
            without_idle_callbacks(&module(&all)).unwrap(),
            module(&kept)
        );
        assert!(without_idle_callbacks(b"no module").is_err());
    }
}
