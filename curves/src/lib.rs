//! Signatures on elliptic curves: a key of each curve, and whether a signature is one of it.
//!
//! Nothing of JOSE is known here but how it writes a signature; which algorithm a key may be used
//! with is the caller's.

mod ecdsa;
mod eddsa;

pub use ecdsa::EcKey;
pub use eddsa::EdKey;
