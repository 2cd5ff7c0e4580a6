//! The artifact under test, built from the sources as they are.

use std::sync::LazyLock;

use testbed::tools::{Progress, Tools};

use crate::host::Module;

/// The filter, compiled for the interpreter.
pub(crate) fn module() -> &'static Module {
    static MODULE: LazyLock<Module> = LazyLock::new(|| {
        let tools = Tools::open(Progress::stderr()).unwrap();
        let path = testbed::artifact::filter(&tools).unwrap();
        Module::new(&std::fs::read(path).unwrap()).unwrap_or_else(|fault| panic!("{fault}"))
    });
    &MODULE
}
