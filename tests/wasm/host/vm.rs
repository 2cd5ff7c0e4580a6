//! A virtual machine: the life of roots and requests, as a host goes through it.

use wasmi::{Instance, Store, TypedFunc, WasmParams, WasmResults};

use super::dialect::Dialect;
use super::fault::Fault;
use super::module::Module;
use super::request::{Head, Outcome, Request};
use super::signatures::Signatures;
use super::state::{LogLine, Stage, State};

/// How many instructions one callback may take: some seconds of a test. The dearest that is served,
/// a token of a megabyte, takes about a thousand for each of its bytes.
pub(super) const MAX_INSTRUCTIONS: u64 = 2_000_000_000;

/// What a virtual machine begins with.
pub(crate) struct Options {
    pub(crate) dialect: Dialect,
    pub(crate) signatures: Signatures,
    /// The clock, in seconds since 1970.
    pub(crate) now: u64,
    /// How large the guest's memory may get, in bytes.
    pub(crate) memory: usize,
}

impl Options {
    /// A host as it is today.
    pub(crate) const fn of(dialect: Dialect) -> Self {
        Self {
            dialect,
            signatures: Signatures::Verified,
            now: crate::NOW,
            // The default cache, twice.
            memory: 64 << 20,
        }
    }
}

/// One instance of the filter. It lives on after configurations came and went, as in a worker.
pub(crate) struct Vm {
    store: Store<State>,
    instance: Instance,
    next_context: u32,
}

/// A root context: the filter under one configuration, or before it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root(u32);

impl Vm {
    /// Loads the module and initializes it.
    pub(crate) fn start(module: &Module, options: Options) -> Result<Self, Fault> {
        let Options {
            dialect,
            signatures,
            now,
            memory,
        } = options;
        let state = State::new(dialect, signatures, now * 1_000_000_000, memory);
        let (store, instance) = module.instantiate(state)?;
        let mut vm = Self {
            store,
            instance,
            next_context: 1,
        };
        vm.store.data_mut().memory = vm.instance.get_memory(&vm.store, "memory");
        vm.store.data_mut().allocate = Some(vm.function("proxy_on_memory_allocate")?);
        if vm.instance.get_func(&vm.store, "_initialize").is_some() {
            vm.call::<_, ()>(Stage::Initialize, "_initialize", ())?;
        }
        Ok(vm)
    }

    /// Makes a root, which has no configuration yet.
    pub(crate) fn root(&mut self) -> Result<Root, Fault> {
        let root = self.context(0)?;
        match self.optional(Stage::Start, "proxy_on_vm_start", (root, 0), 1)? {
            1 => Ok(Root(root)),
            other => Err(Fault::new(format!("proxy_on_vm_start returned {other}"))),
        }
    }

    /// Gives a root its configuration: whether the filter takes it.
    pub(crate) fn configure(&mut self, root: Root, configuration: &[u8]) -> Result<bool, Fault> {
        self.store.data_mut().configuration = configuration.to_vec();
        let size = u32::try_from(configuration.len()).expect("configurations are short");
        let is_taken: u32 = self.call(Stage::Configure, "proxy_on_configure", (root.0, size))?;
        self.store.data_mut().configuration.clear();
        match is_taken {
            0 | 1 => Ok(is_taken == 1),
            other => Err(Fault::new(format!("proxy_on_configure returned {other}"))),
        }
    }

    /// A root with a configuration that the filter takes.
    pub(crate) fn configured(&mut self, configuration: &[u8]) -> Result<Root, Fault> {
        let root = self.root()?;
        if self.configure(root, configuration)? {
            return Ok(root);
        }
        let log = self.take_log();
        Err(Fault::new(format!("the configuration is refused: {log:?}")))
    }

    /// Ends a root, as a host does once a new one serves.
    pub(crate) fn end(&mut self, root: Root) -> Result<(), Fault> {
        self.close(root.0, &["proxy_on_done", "proxy_on_delete"])
    }

    /// Takes a request through all of its callbacks.
    pub(crate) fn request(&mut self, root: Root, request: &Request) -> Result<Outcome, Fault> {
        let head = self.store.data().dialect.head(request);
        self.head(root, head)
    }

    /// Takes a request of which the guest gets to see this head through all of its callbacks.
    pub(crate) fn head(&mut self, root: Root, head: Head) -> Result<Outcome, Fault> {
        let before = self.instructions();
        let stream = self.context(root.0)?;
        let count = u32::try_from(head.fields.len()).expect("fields are few");
        let end_of_stream = u32::from(head.end_of_stream);
        self.store.data_mut().head = Some(head);
        let action: u32 = self.call(
            Stage::RequestHeaders,
            "proxy_on_request_headers",
            (stream, count, end_of_stream),
        )?;
        let response = self.store.data_mut().response.take();
        self.store.data_mut().head = None;
        match (action, &response) {
            (0, None) | (1, Some(_)) => {}
            (0, Some(_)) => return Err(Fault::new("a request was answered and went on")),
            (1, None) => return Err(Fault::new("a request was held without an answer")),
            (other, _) => return Err(Fault::new(format!("{other} is no action"))),
        }
        // A response of the guest's own comes by here, too.
        let shown = response
            .as_ref()
            .map_or(1, |response| response.fields.len());
        let shown = u32::try_from(shown).expect("fields are few");
        let action = self.optional(
            Stage::ResponseHeaders,
            "proxy_on_response_headers",
            (stream, shown, 0),
            0,
        )?;
        if action != 0 {
            return Err(Fault::new("a response was held"));
        }
        self.close(
            stream,
            &["proxy_on_done", "proxy_on_log", "proxy_on_delete"],
        )?;
        let instructions = self.instructions() - before;
        Ok(Outcome {
            response,
            instructions,
        })
    }

    /// Takes what was logged since the last time.
    pub(crate) fn take_log(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.store.data_mut().log)
    }

    /// The fields that the guest wrote into heads since it was last asked for.
    pub(crate) fn take_replaced(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.store.data_mut().replaced)
    }

    /// How often the guest had a signature verified.
    pub(crate) fn signatures_verified(&self) -> u64 {
        let calls = &self.store.data().calls;
        calls.get("verify_signature").copied().unwrap_or_default()
    }

    /// The size of the guest's memory, in bytes. It never shrinks.
    pub(crate) fn memory(&self) -> usize {
        let memory = self.store.data().memory.expect("an instance has a memory");
        memory.data_size(&self.store)
    }

    /// Sets the clock, in seconds since 1970.
    pub(crate) fn set_time(&mut self, seconds: u64) {
        self.store.data_mut().now = seconds * 1_000_000_000;
    }

    fn instructions(&self) -> u64 {
        self.store.data().instructions
    }

    fn context(&mut self, parent: u32) -> Result<u32, Fault> {
        let id = self.next_context;
        self.next_context += 1;
        self.store.data_mut().contexts.push(id);
        self.call::<_, ()>(Stage::Start, "proxy_on_context_create", (id, parent))?;
        Ok(id)
    }

    fn close(&mut self, context: u32, callbacks: &[&str]) -> Result<(), Fault> {
        for &name in callbacks {
            if name == "proxy_on_done" {
                if self.optional(Stage::End, name, context, 1)? != 1 {
                    return Err(Fault::new("a context is not done"));
                }
            } else {
                self.optional(Stage::End, name, context, ())?;
            }
        }
        self.store.data_mut().contexts.retain(|id| *id != context);
        Ok(())
    }

    /// Calls what a module need not export: without it, it is as if it had returned `otherwise`.
    fn optional<Parameters: WasmParams, Results: WasmResults>(
        &mut self,
        stage: Stage,
        name: &str,
        parameters: Parameters,
        otherwise: Results,
    ) -> Result<Results, Fault> {
        if self.instance.get_func(&self.store, name).is_none() {
            return Ok(otherwise);
        }
        self.call(stage, name, parameters)
    }

    fn call<Parameters: WasmParams, Results: WasmResults>(
        &mut self,
        stage: Stage,
        name: &str,
        parameters: Parameters,
    ) -> Result<Results, Fault> {
        let function: TypedFunc<Parameters, Results> = self.function(name)?;
        self.store.data_mut().stage = stage;
        self.store.set_fuel(MAX_INSTRUCTIONS)?;
        let result = function.call(&mut self.store, parameters);
        let taken = MAX_INSTRUCTIONS - self.store.get_fuel()?;
        self.store.data_mut().instructions += taken;
        result.map_err(|error| Fault::from(error).during(name))
    }

    fn function<Parameters: WasmParams, Results: WasmResults>(
        &self,
        name: &str,
    ) -> Result<TypedFunc<Parameters, Results>, Fault> {
        self.instance
            .get_typed_func(&self.store, name)
            .map_err(|error| Fault::new(format!("{name}: {error}")))
    }
}
