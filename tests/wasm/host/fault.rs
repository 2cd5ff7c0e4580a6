//! What no host would put up with.

use std::fmt;

/// Why the guest was stopped: it asked for what it must not, or it could not go on.
///
/// Every fault ends the call it happens in, as a trap does in a real host, so none goes unnoticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(String);

impl Fault {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same fault, and the callback it ended.
    pub(super) fn during(self, callback: &str) -> Self {
        Self(format!("{} ({callback})", self.0))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl wasmi::errors::HostError for Fault {}

impl From<wasmi::Error> for Fault {
    /// A fault keeps its own words; a trap has those of the interpreter.
    fn from(error: wasmi::Error) -> Self {
        match error.downcast_ref::<Self>() {
            Some(fault) => fault.clone(),
            None => Self(error.to_string()),
        }
    }
}

impl From<Fault> for wasmi::Error {
    fn from(fault: Fault) -> Self {
        Self::host(fault)
    }
}
