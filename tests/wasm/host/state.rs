//! What the host knows while the guest runs.

use std::collections::BTreeMap;

use wasmi::{Memory, StoreLimits, StoreLimitsBuilder, TypedFunc};

use super::dialect::Dialect;
use super::metrics::Metrics;
use super::request::{Head, Response};
use super::signatures::Signatures;

/// What the guest is being called for, which decides what it may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// `_initialize`: before there is any context.
    Initialize,
    /// A context is made, or `proxy_on_vm_start` runs.
    Start,
    Configure,
    RequestHeaders,
    ResponseHeaders,
    /// `proxy_on_done`, `proxy_on_log` and `proxy_on_delete`.
    End,
    /// The host asks for memory in the middle of a call.
    Allocate,
}

/// A line of the guest's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub(crate) level: Level,
    pub(crate) text: String,
}

impl LogLine {
    /// The tag of the reason, if the line is about a request that was refused.
    pub(crate) fn reason(&self) -> Option<&str> {
        let rest = ["challenged reason=", "rejected reason="]
            .into_iter()
            .find_map(|beginning| self.text.strip_prefix(beginning))?;
        rest.split([' ', ':']).next()
    }
}

/// The log levels of the ABI, but for `critical`: that is how a panic speaks, and a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Everything that one virtual machine's host functions work on.
pub(crate) struct State {
    pub(crate) dialect: Dialect,
    pub(crate) signatures: Signatures,
    /// The clock, in nanoseconds since 1970.
    pub(crate) now: u64,
    pub(crate) stage: Stage,
    /// The roots and streams there are.
    pub(crate) contexts: Vec<u32>,
    /// What `proxy_on_configure` may read.
    pub(crate) configuration: Vec<u8>,
    /// The request whose head is being looked at.
    pub(crate) head: Option<Head>,
    pub(crate) response: Option<Response>,
    /// Fields that the guest wrote into the head of a request.
    pub(crate) replaced: Vec<(String, String)>,
    pub(crate) metrics: Metrics,
    pub(crate) log: Vec<LogLine>,
    /// How often each foreign function was called.
    pub(crate) calls: BTreeMap<String, u64>,
    /// How many bytes `random_get` has given.
    pub(crate) random: u64,
    /// How many instructions the guest has taken so far.
    pub(crate) instructions: u64,
    pub(crate) limits: StoreLimits,
    /// The guest's memory and allocator, once there is an instance.
    pub(crate) memory: Option<Memory>,
    pub(crate) allocate: Option<TypedFunc<u32, u32>>,
}

impl State {
    pub(crate) fn new(dialect: Dialect, signatures: Signatures, now: u64, memory: usize) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(memory)
            .instances(1)
            .memories(1)
            .trap_on_grow_failure(true);
        Self {
            dialect,
            signatures,
            now,
            stage: Stage::Initialize,
            contexts: Vec::new(),
            configuration: Vec::new(),
            head: None,
            response: None,
            replaced: Vec::new(),
            metrics: Metrics::default(),
            log: Vec::new(),
            calls: BTreeMap::new(),
            random: 0,
            instructions: 0,
            limits: limits.build(),
            memory: None,
            allocate: None,
        }
    }
}
