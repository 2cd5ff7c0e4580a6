//! Which host runs the filter.
//!
//! ngx_wasm_module traps on what it does not offer, and shows requests otherwise than Envoy. The
//! two are told apart by a property that Envoy has for every listener and the other answers as not
//! found: the listener's direction. Envoy 1.40 has it among its `xds` attributes alone (measured),
//! older ones had it under its own name. It may be asked for within a request only: in
//! `on_configure` a property crashes NGINX's worker (measured).

use std::cell::Cell;

use proxy_wasm::hostcalls;

/// The kind of the host, asked for once.
#[derive(Default)]
pub(super) struct HostKind {
    is_envoy: Cell<Option<bool>>,
}

impl HostKind {
    /// Whether this is Envoy. To be asked within a request.
    pub(super) fn is_envoy(&self) -> bool {
        self.is_envoy.get().unwrap_or_else(|| {
            let names = [
                vec!["xds", "listener_direction"],
                vec!["listener_direction"],
            ];
            let mut directions = names.into_iter().map(hostcalls::get_property);
            let is_envoy = directions.any(|direction| matches!(direction, Ok(Some(_))));
            self.is_envoy.set(Some(is_envoy));
            is_envoy
        })
    }
}
