//! A module, compiled once and linked to either host.

use wasmi::{CompilationMode, Config, Engine, FuncType, Linker, Store, Val, ValType};

use super::answers::{self, Status};
use super::call::Call;
use super::dialect::Dialect;
use super::fault::Fault;
use super::state::{Stage, State};
use super::wasi;

/// A module that can be run any number of times, on any thread.
pub(crate) struct Module {
    engine: Engine,
    module: wasmi::Module,
}

impl Module {
    /// Compiles a module, from its bytes or from its text format.
    pub(crate) fn new(wasm: &[u8]) -> Result<Self, Fault> {
        let mut config = Config::default();
        config.consume_fuel(true);
        // Nothing is compiled while instructions are counted.
        config.compilation_mode(CompilationMode::Eager);
        let engine = Engine::new(&config);
        let module = wasmi::Module::new(&engine, wasm)?;
        Ok(Self { engine, module })
    }

    /// The functions that the module imports, with the module each is from.
    pub(crate) fn imports(&self) -> Vec<(&str, &str)> {
        self.module
            .imports()
            .map(|import| (import.module(), import.name()))
            .collect()
    }

    /// Makes an instance.
    ///
    /// An import that the host does not have, or has of another type, is a fault, and so is an
    /// export that is missing.
    pub(super) fn instantiate(
        &self,
        state: State,
    ) -> Result<(Store<State>, wasmi::Instance), Fault> {
        let dialect = state.dialect;
        for name in dialect.exports() {
            let export = self.module.get_export(name);
            if export.is_none_or(|export| export.func().is_none()) {
                return Err(Fault::new(format!("the module exports no function {name}")));
            }
        }
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        // A `start` function runs when an instance is made.
        store.set_fuel(super::vm::MAX_INSTRUCTIONS)?;
        let instance =
            linker(&self.engine, dialect).instantiate_and_start(&mut store, &self.module)?;
        Ok((store, instance))
    }
}

fn linker(engine: &Engine, dialect: Dialect) -> Linker<State> {
    let mut linker = Linker::new(engine);
    for (name, parameters) in dialect.functions() {
        let answer = answers::answer(name);
        define(
            &mut linker,
            ("env", name),
            parameters,
            Some(()),
            move |call| {
                if call.state().stage == Stage::Allocate {
                    return Err(call.fault("nothing may be asked while memory is handed out"));
                }
                if call.state().stage == Stage::Initialize && name != "proxy_log" {
                    return Err(call.fault("there is no context yet"));
                }
                answer(call)
            },
        );
    }
    for (name, parameters) in wasi::FUNCTIONS {
        let result = (name != "proc_exit").then_some(());
        define(
            &mut linker,
            (wasi::MODULE, name),
            parameters,
            result,
            |call| wasi::answer(call).map(|()| Status::OK),
        );
    }
    linker
}

fn define(
    linker: &mut Linker<State>,
    (module, name): (&str, &'static str),
    parameters: &str,
    result: Option<()>,
    answer: impl Fn(&mut Call<'_>) -> Result<Status, Fault> + Send + Sync + 'static,
) {
    let parameters = parameters.bytes().map(|width| match width {
        b'i' => ValType::I32,
        _ => ValType::I64,
    });
    let kind = FuncType::new(parameters, result.map(|()| ValType::I32));
    let defined = linker.func_new(module, name, kind, move |guest, arguments, results| {
        let mut call = Call {
            name,
            guest,
            arguments,
        };
        let status = answer(&mut call)?;
        if let Some(result) = results.first_mut() {
            *result = Val::I32(status.0);
        }
        Ok(())
    });
    defined.expect("each function is defined once");
}
