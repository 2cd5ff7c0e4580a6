//! Signatures verified by the host, where it can.
//!
//! Envoy (since 1.30) offers the foreign function `verify_signature`, which is some thirty times
//! faster than the same arithmetic in the sandbox. On ngx_wasm_module the call of an unknown
//! foreign function is a trap, so the hosts are told apart first ([`super::kind`]). Then a known
//! answer is asked for, right and wrong. Only a host that gets both right is relied upon.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use log::{info, warn};
use proxy_wasm::hostcalls;

use super::kind::HostKind;
use crate::keys::signature::{Algorithm, Portable, SignatureVerifier, VerifyingKey, ecdsa_der};

mod known_answer;

use known_answer::KnownAnswer;

/// The function's name, in `source/extensions/common/wasm/foreign.cc` of Envoy.
const FUNCTION: &str = "verify_signature";

/// The result message with nothing but `result: true` (field 1, varint 1).
const VALID: [u8; 2] = [0x08, 0x01];

/// Verifies by the host what it proved able to verify, and the rest in the sandbox.
pub(super) struct HostSignatures {
    host: Rc<HostKind>,
    rsa: Ability,
    p256: Ability,
    p384: Ability,
    p521: Ability,
}

/// Whether the host verifies signatures of one kind of keys; unknown until the first of them.
struct Ability {
    proven: Cell<Option<bool>>,
    known_answer: &'static KnownAnswer,
}

impl HostSignatures {
    pub(super) const fn new(host: Rc<HostKind>) -> Self {
        Self {
            host,
            rsa: Ability::of(&known_answer::RSA),
            p256: Ability::of(&known_answer::P256),
            p384: Ability::of(&known_answer::P384),
            p521: Ability::of(&known_answer::P521),
        }
    }

    /// What there is to know of the host; its function has neither PSS nor Ed25519 (measured).
    const fn ability(&self, algorithm: Algorithm) -> Option<&Ability> {
        match algorithm {
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => Some(&self.rsa),
            Algorithm::Es256 => Some(&self.p256),
            Algorithm::Es384 => Some(&self.p384),
            Algorithm::Es512 => Some(&self.p521),
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 | Algorithm::EdDsa => None,
        }
    }
}

impl Ability {
    const fn of(known_answer: &'static KnownAnswer) -> Self {
        Self {
            proven: Cell::new(None),
            known_answer,
        }
    }

    fn holds(&self, host: &HostKind) -> bool {
        self.proven.get().unwrap_or_else(|| {
            let able = host.is_envoy() && self.known_answer.holds(verify);
            let kind = self.known_answer.kind;
            if able {
                info!("{kind} signatures are verified by the host");
            } else {
                warn!(
                    "{kind} signatures are verified in the sandbox: the host offers no {FUNCTION}"
                );
            }
            self.proven.set(Some(able));
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
        let ability = self.ability(algorithm);
        if ability.is_some_and(|ability| ability.holds(&self.host)) {
            verify(key, algorithm, message, signature)
        } else {
            Portable.verify(key, algorithm, message, signature)
        }
    }
}

/// The host's name for the hash of an algorithm.
const fn hash(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => "sha256",
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => "sha384",
        Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::Es512 | Algorithm::EdDsa => "sha512",
    }
}

/// Asks the host. Anything but an exact success is no.
fn verify(key: &VerifyingKey, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let signature = match algorithm.curve() {
        None => Cow::Borrowed(signature),
        Some(curve) => match ecdsa_der(curve, signature) {
            Some(der) => Cow::Owned(der),
            None => return false,
        },
    };
    // VerifySignatureArguments of Envoy's `ext/verify_signature.proto`.
    let fields: [(u8, &[u8]); 4] = [
        (1, hash(algorithm).as_bytes()),
        (2, key.spki()),
        (3, &signature),
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
