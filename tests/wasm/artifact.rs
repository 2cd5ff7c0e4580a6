//! The artifacts under test, built from the sources as they are.

use std::path::Path;
use std::sync::LazyLock;

use testbed::artifact::{filter, filter_for_every_host};
use testbed::tools::{Progress, Tools};

use crate::host::{Dialect, Module};

/// The filter as it is shipped for this host, compiled for the interpreter.
pub(crate) fn module(dialect: Dialect) -> &'static Module {
    static FOR_ENVOY: LazyLock<Module> = LazyLock::new(|| compiled(&filter(&TOOLS).unwrap()));
    static FOR_EVERY_HOST: LazyLock<Module> =
        LazyLock::new(|| compiled(&filter_for_every_host(&TOOLS).unwrap()));
    match dialect {
        Dialect::Envoy => &FOR_ENVOY,
        Dialect::WasmX => &FOR_EVERY_HOST,
    }
}

static TOOLS: LazyLock<Tools> = LazyLock::new(|| Tools::open(Progress::stderr()).unwrap());

fn compiled(path: &Path) -> Module {
    Module::new(&std::fs::read(path).unwrap()).unwrap_or_else(|fault| panic!("{fault}"))
}
