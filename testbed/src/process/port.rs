//! Free ports on loopback.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::error::{Error, Result};

/// Ports are taken from here: below the range from which Linux serves outgoing connections
/// (32768 and up, `ip_local_port_range`), so that no client's connection occupies a port between
/// its choice and its use, or while a node is down in a failover test.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A TCP port of 127.0.0.1 that nothing listens on and that this program was not given before.
///
/// # Errors
/// When the whole range is occupied.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Programs side by side start at different places.
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = start.wrapping_add(step) % u32::from(COUNT);
        let port = FIRST.saturating_add(u16::try_from(offset).unwrap_or_default());
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::Other(format!(
        "no free port on 127.0.0.1 between {FIRST} and {}",
        FIRST.saturating_add(COUNT)
    )))
}
