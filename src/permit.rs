//! The permission to forward a request. This file is the only one that can make it.

use std::fmt;

use crate::access::RequiredAccess;
use crate::target::Target;
use crate::token::VerifiedToken;

/// Proof that a request may go to the registry: a verified token covers what it needs, or it is
/// one of the named exemptions.
///
/// ```compile_fail,E0451
/// use registry_token_filter::permit::Permit;
/// let forged = Permit { basis: todo!() };
/// ```
///
/// It is not copied either, so that one proof forwards one request:
///
/// ```compile_fail,E0599
/// # fn twice(permit: registry_token_filter::permit::Permit) {
/// let copy = permit.clone();
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Permit {
    basis: Basis,
}

/// What a permit rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A verified token covers the required access.
    Token,
    /// A request the registry answers without looking at a token.
    Exemption(Exemption),
}

/// The requests that need no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// The path `/` itself: the registry answers 200 with an empty body, to any method.
    Root,
}

/// The token is believed, but does not grant what the request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsufficientScope;

impl Permit {
    /// A permit by token.
    ///
    /// # Errors
    ///
    /// [`InsufficientScope`] if the token's grants do not cover all of `required`.
    pub fn for_token(
        token: &VerifiedToken<'_>,
        required: &RequiredAccess<'_>,
    ) -> Result<Self, InsufficientScope> {
        if token.grants().cover(required) {
            Ok(Self {
                basis: Basis::Token,
            })
        } else {
            Err(InsufficientScope)
        }
    }

    /// A permit without token, if the target is one of the exemptions.
    #[must_use]
    pub fn exempt(target: &Target<'_>) -> Option<Self> {
        (target.path() == b"/").then_some(Self {
            basis: Basis::Exemption(Exemption::Root),
        })
    }

    /// What the permit rests on.
    #[must_use]
    pub const fn basis(&self) -> Basis {
        self.basis
    }
}

impl InsufficientScope {
    /// The name of this refusal in logs.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        "insufficient-scope"
    }
}

impl fmt::Display for InsufficientScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the token does not grant what the request needs")
    }
}

impl std::error::Error for InsufficientScope {}
