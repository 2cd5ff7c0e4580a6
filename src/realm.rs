//! The realm of a challenge: where a client fetches its token, and sends a password to.
//!
//! It is configured. With `autoredirect` the registry builds it out of the request's own host
//! instead (`registry/auth/token`, `buildAutoRedirectURL`): whatever a client, or whoever made it
//! send the request, wrote there. Here it is built for hosts of an explicit list only; for every
//! other it is the configured one.

use std::borrow::Cow;
use std::fmt;

use crate::profile::AutoredirectForm;
use crate::request::RequestHead;

mod hosts;

pub use hosts::{AllowedHosts, HostError};

/// The path that the registry has built in.
pub const DEFAULT_PATH: &str = "/auth/token";

/// The realm of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    configured: String,
    autoredirect: Option<Autoredirect>,
}

/// How a realm is built out of a request's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autoredirect {
    /// The hosts that may be named.
    pub hosts: AllowedHosts,
    /// The path, with its slash.
    pub path: String,
    /// Where the scheme comes from.
    pub form: AutoredirectForm,
}

impl Realm {
    /// The configured URL, and what is built out of some hosts instead.
    #[must_use]
    pub const fn new(configured: String, autoredirect: Option<Autoredirect>) -> Self {
        Self {
            configured,
            autoredirect,
        }
    }

    /// The configured URL.
    #[must_use]
    pub fn configured(&self) -> &str {
        &self.configured
    }

    /// How realms are built, if they are.
    #[must_use]
    pub const fn autoredirect(&self) -> Option<&Autoredirect> {
        self.autoredirect.as_ref()
    }

    /// The realm for one request.
    #[must_use]
    pub fn for_request(&self, head: &RequestHead<'_>) -> Cow<'_, str> {
        self.autoredirect
            .as_ref()
            .and_then(|autoredirect| autoredirect.realm(head))
            .map_or(Cow::Borrowed(&self.configured), Cow::Owned)
    }
}

impl fmt::Display for Realm {
    /// For logs: the configured URL, and the hosts it may be on instead.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.configured)?;
        match &self.autoredirect {
            Some(Autoredirect { hosts, path, .. }) => write!(
                formatter,
                ", or with the path {path:?} on the request's own host if that is one of {hosts}"
            ),
            None => Ok(()),
        }
    }
}

impl Autoredirect {
    /// The realm on the request's own host; `None` unless its host and scheme are in no doubt.
    ///
    /// The host stands in it as the client spelled it, as in the registry.
    fn realm(&self, head: &RequestHead<'_>) -> Option<String> {
        // Of several, two hops may take different ones.
        let [host] = head.host else {
            return None;
        };
        let host = self.hosts.find(host)?;
        let scheme = match (self.form, head.forwarded_proto) {
            (AutoredirectForm::Https, _) | (AutoredirectForm::ForwardedProto, [] | [b""]) => {
                "https"
            }
            (AutoredirectForm::ForwardedProto, [b"https"]) => "https",
            (AutoredirectForm::ForwardedProto, [b"http"]) => "http",
            // The registry takes it as it stands, be it a scheme or not.
            (AutoredirectForm::ForwardedProto, _) => return None,
        };
        Some(format!("{scheme}://{host}{}", self.path))
    }
}

#[cfg(test)]
mod tests;
