//! What can run the corpus.

use super::case::Message;
use super::mint;
use super::profile::{Configuration, Profile};
use super::token::Token;

/// Something that answers requests as the filter does: the library, the filter in a host, or a
/// registry behind an adapter.
pub trait Implementation {
    /// Its clock, in seconds since 1970: tokens are minted for this time.
    fn now(&self) -> i64;

    /// Whether its scopes come in the order of the records; a registry's come in any.
    fn orders_scopes(&self) -> bool {
        true
    }

    /// Its answer to a message under a configuration.
    fn answer(&self, setting: &Setting<'_>, message: &Message) -> Answer;
}

/// Which registry is answered like, and with which configuration.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub profile: &'a Profile,
    pub configuration: &'a Configuration,
}

impl Setting<'_> {
    /// The filter's configuration.
    pub fn filter_configuration(&self) -> serde_json::Value {
        let Configuration {
            realm,
            service,
            issuer,
            own,
            ..
        } = self.configuration;
        let mut configuration = serde_json::json!({
            "profile": self.profile.name,
            "realm": realm,
            "service": service,
            "issuer": issuer,
            "rootcertbundle": self.configuration.rootcertbundle(),
        });
        for (key, value) in self.configuration.further().iter().chain(own) {
            configuration[key] = value.clone();
        }
        configuration
    }

    /// The base token at `now`, but with these scopes as its `access`.
    pub fn token(&self, scopes: &[String], now: i64) -> String {
        let recipe = Token {
            access: Some(scopes.to_vec()),
            ..Token::default()
        };
        let token = mint::mint(&recipe, self.profile, self.configuration, now);
        String::from_utf8(token).expect("a token is text")
    }
}

/// What an implementation made of a message.
pub enum Answer {
    /// It went on to the registry.
    Forwarded,
    /// It passed authentication, and the registry said what came of it.
    Served {
        status: u16,
        /// Field names in lower case.
        headers: Vec<(String, Vec<u8>)>,
    },
    /// The connection was closed without an answer.
    Closed,
    /// It was answered.
    Responded {
        status: u16,
        /// Field names in lower case.
        headers: Vec<(String, Vec<u8>)>,
        /// The body; for HEAD, the one whose length is announced.
        body: Vec<u8>,
        /// The tag of the reason, where the implementation tells.
        reason: Option<&'static str>,
    },
}
