//! What the artifact asks of its host.
//!
//! The fewer functions, the more hosts: WASI preview 1 and the proxy-wasm ABI, and of that nothing
//! newer than every host has.

use std::fmt;

use anyhow::{Context as _, Result};
use wasmparser::{Parser, Payload};

/// Of the proxy-wasm ABI, but absent from hosts that are still in use: importing it would keep the
/// filter from loading there (NGINX's ngx_wasm_module among them).
const TOO_NEW: &str = "proxy_get_log_level";

/// An import: module and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) module: String,
    pub(crate) name: String,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}

impl Import {
    /// Whether every host that the filter is made for has it.
    pub(crate) fn is_everywhere(&self) -> bool {
        match self.module.as_str() {
            "wasi_snapshot_preview1" => true,
            "env" => self.name.starts_with("proxy_") && self.name != TOO_NEW,
            _ => false,
        }
    }
}

/// The imports of a WebAssembly module, in the order of the module.
///
/// # Errors
/// When `module` is not one.
pub(crate) fn imports(module: &[u8]) -> Result<Vec<Import>> {
    let mut imports = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(section) = payload.context("not a WebAssembly module")? {
            for import in section.into_imports() {
                let import = import.context("not an import section")?;
                imports.push(Import {
                    module: import.module.to_owned(),
                    name: import.name.to_owned(),
                });
            }
        }
    }
    Ok(imports)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that imports functions of type `() -> ()`.
    fn module(imports: &[(&str, &str)]) -> Vec<u8> {
        let text = |text: &str| {
            let mut bytes = vec![u8::try_from(text.len()).unwrap()];
            bytes.extend(text.bytes());
            bytes
        };
        let mut section = vec![u8::try_from(imports.len()).unwrap()];
        for (module, name) in imports {
            section.extend(text(module));
            section.extend(text(name));
            section.extend([0x00, 0x00]);
        }
        let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02".to_vec();
        bytes.push(u8::try_from(section.len()).unwrap());
        bytes.extend(section);
        bytes
    }

    #[test]
    fn imports_are_read_and_judged() {
        let cases = [
            ("env", "proxy_log", true),
            ("env", "proxy_get_log_level", false),
            ("env", "abort", false),
            ("wasi_snapshot_preview1", "fd_write", true),
            ("wasi_unstable", "fd_write", false),
            ("wbg", "proxy_log", false),
        ];
        for (from, name, everywhere) in cases {
            let read = imports(&module(&[("env", "proxy_log"), (from, name)])).unwrap();
            let [_, import] = read.as_slice() else {
                panic!("{read:?}");
            };
            assert_eq!(import.to_string(), format!("{from}.{name}"));
            assert_eq!(import.is_everywhere(), everywhere, "{import}");
        }
    }

    #[test]
    fn what_is_not_a_module_is_an_error() {
        for bytes in [&b"not wasm"[..], b"", b"\0asm\x02\0\0\0"] {
            assert!(imports(bytes).is_err(), "{bytes:?}");
        }
        assert!(imports(&module(&[])).unwrap().is_empty());
    }
}
