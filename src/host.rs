//! The host adapter: the only code that knows the proxy-wasm ABI.
//!
//! It reads bytes, asks the core, and applies the answer. A configuration that does not hold is
//! refused, so that the host does not start or keeps its last good one; a request is never served
//! without one.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;

use log::{error, info, warn};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

use crate::authorizer::Authorizer;
use crate::config::Config;
use crate::keys::EMBEDDED;
use crate::time::UnixTime;

mod filter;
mod kind;
mod signatures;

use filter::{Edge, Filter};
use kind::HostKind;
use signatures::HostSignatures;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

proxy_wasm::main! {{
    // This also installs the hook that brings a panic's message to the host's log.
    proxy_wasm::set_log_level(LogLevel::Debug);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// One configuration. A new one makes a new root, so nothing of the old outlives it.
#[derive(Default)]
struct Root {
    edge: Option<Rc<Edge>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let json = self.get_plugin_configuration().unwrap_or_default();
        match Config::from_json(&json, EMBEDDED) {
            Ok(config) => {
                info!("{}", config.describe());
                for line in config.dates_that_do_not_hold(now()) {
                    warn!("{line}");
                }
                let host = Rc::new(HostKind::default());
                let signatures = Box::new(HostSignatures::new(Rc::clone(&host)));
                let authorizer = Authorizer::with_signatures(config, signatures, seed());
                self.edge = Some(Rc::new(Edge { authorizer, host }));
                true
            }
            Err(fault) => {
                error!("configuration refused: {fault}");
                self.edge = None;
                false
            }
        }
    }

    fn create_http_context(&self, _context: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Filter::new(self.edge.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// A number nobody can guess: the host's randomness, by way of the standard library.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The host's time. A host without a clock gives 1970, at which no token is valid yet.
fn now() -> UnixTime {
    let since_epoch = hostcalls::get_current_time()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default();
    UnixTime::new(since_epoch)
}
