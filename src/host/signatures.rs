//! Signatures verified by the host, where it can.
//!
//! Envoy (since 1.30) offers the foreign function `verify_signature`, which is some thirty times
//! faster than the same arithmetic in the sandbox. On ngx_wasm_module the call of an unknown
//! foreign function is a trap, so the hosts are told apart first ([`super::kind`]). Then a known
//! answer is asked for, right and wrong. Only a host that gets both right is relied upon.

use std::cell::Cell;
use std::rc::Rc;

use log::{info, warn};
use proxy_wasm::hostcalls;

use super::kind::HostKind;
use crate::keys::signature::{Algorithm, Portable, SignatureVerifier, VerifyingKey};

mod known_answer;

/// The function's name, in `source/extensions/common/wasm/foreign.cc` of Envoy.
const FUNCTION: &str = "verify_signature";

/// The result message with nothing but `result: true` (field 1, varint 1).
const VALID: [u8; 2] = [0x08, 0x01];

/// Verifies by the host if it proved able to, else in the sandbox.
pub(super) struct HostSignatures {
    host: Rc<HostKind>,
    /// Whether the host verifies; unknown until the first signature.
    by_host: Cell<Option<bool>>,
}

impl HostSignatures {
    pub(super) const fn new(host: Rc<HostKind>) -> Self {
        Self {
            host,
            by_host: Cell::new(None),
        }
    }

    fn by_host(&self) -> bool {
        self.by_host.get().unwrap_or_else(|| {
            let able = self.host.is_envoy() && known_answer::holds(verify);
            if able {
                info!("signatures are verified by the host");
            } else {
                warn!("signatures are verified in the sandbox: the host offers no {FUNCTION}");
            }
            self.by_host.set(Some(able));
            able
        })
    }
}

impl SignatureVerifier for HostSignatures {
    fn verify(
        &self,
        key: &VerifyingKey,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        match hash(algorithm) {
            Some(hash) if self.by_host() => verify(key, hash, message, signature),
            _ => Portable.verify(key, algorithm, message, signature),
        }
    }
}

/// The host's name for the hash of an algorithm it verifies; its function knows no PSS.
const fn hash(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Rs256 => Some("sha256"),
        Algorithm::Rs384 => Some("sha384"),
        Algorithm::Rs512 => Some("sha512"),
        Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => None,
    }
}

/// Asks the host. Anything but an exact success is no.
fn verify(key: &VerifyingKey, hash: &str, message: &[u8], signature: &[u8]) -> bool {
    // VerifySignatureArguments of Envoy's `ext/verify_signature.proto`.
    let fields: [(u8, &[u8]); 4] = [
        (1, hash.as_bytes()),
        (2, key.spki()),
        (3, signature),
        (4, message),
    ];
    let length: usize = fields.iter().map(|(_, value)| value.len() + 6).sum();
    let mut arguments = Vec::with_capacity(length);
    for (number, value) in fields {
        push_field(&mut arguments, number, value);
    }
    matches!(
        hostcalls::call_foreign_function(FUNCTION, Some(&arguments)),
        Ok(Some(result)) if result == VALID
    )
}

/// A length-delimited protobuf field (wire type 2).
fn push_field(message: &mut Vec<u8>, number: u8, value: &[u8]) {
    message.push(number << 3 | 2);
    let mut length = value.len();
    while length > 0x7f {
        message.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    message.push(length as u8);
    message.extend_from_slice(value);
}
