//! What a configuration amounts to, for the host's log.

use super::{Config, KeySource};
use crate::time::{UnixTime, date};

impl Config {
    /// One line: version, profile, names, and the keys with the last day of their certificates.
    #[must_use]
    pub fn describe(&self) -> String {
        let verifier = self.verifier();
        let keys: Vec<String> = verifier
            .keys
            .iter()
            .map(|key| {
                let dates = key.certificates.iter().map(|known| date(known.not_after));
                let dates: Vec<String> = dates.collect();
                // A key of `jwks` has no certificate, and no end.
                if dates.is_empty() {
                    format!("{:?}", key.id)
                } else {
                    format!("{} (expires {})", key.id, dates.join(" and "))
                }
            })
            .collect();
        let source = match self.keys_from() {
            KeySource::Configuration => "configuration",
            KeySource::Embedded => "embedded bundle",
        };
        format!(
            "registry-token-filter {} configured: profile={} issuer={:?} service={:?} realm={}; \
         keys of the {source}: {}",
            env!("CARGO_PKG_VERSION"),
            self.profile(),
            verifier.issuer,
            verifier.service,
            self.realm,
            keys.join(", ")
        )
    }

    /// A line for each certificate whose dates do not hold. Its key is trusted all the same, as in the
    /// registry.
    #[must_use]
    pub fn dates_that_do_not_hold(&self, now: UnixTime) -> Vec<String> {
        let keys = self.verifier().keys.iter();
        keys.flat_map(|key| key.certificates.iter().map(move |known| (key, known)))
            .filter(|(_, known)| !known.is_valid_at(now))
            .map(|(key, known)| {
                format!(
                    "a certificate of key {} is valid from {} to {} only; tokens of the key are \
                 accepted all the same, as the registry does",
                    key.id,
                    date(known.not_before),
                    date(known.not_after)
                )
            })
            .collect()
    }
}
