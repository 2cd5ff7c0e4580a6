//! The challenge of a 401, as a client reads it (RFC 9110, section 11.6.1; Distribution's token specification).

use crate::http::Answer;

/// A `Bearer` challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Where tokens come from.
    pub realm: String,
    /// For which registry.
    pub service: String,
    /// What the request needs, each as `type:name:actions`; empty when any token will do.
    pub scopes: Vec<String>,
}

impl Challenge {
    /// The challenge of an answer.
    ///
    /// # Errors
    /// A few words about what stands there instead.
    pub fn of(answer: &Answer) -> Result<Self, String> {
        let mut values = answer.fields.get_all("www-authenticate").iter();
        let Some(value) = values.next() else {
            return Err("without a challenge (WWW-Authenticate)".to_owned());
        };
        if values.next().is_some() {
            return Err("with several challenges".to_owned());
        }
        let text = value
            .to_str()
            .map_err(|_| "with a challenge that is no text".to_owned())?;
        let challenges = http_auth::parse_challenges(text)
            .map_err(|_| "with a challenge that cannot be read".to_owned())?;
        let bearer = challenges
            .iter()
            .find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"))
            .ok_or_else(|| {
                let schemes: Vec<&str> = challenges.iter().map(|other| other.scheme).collect();
                format!(
                    "with a challenge for {} instead of Bearer",
                    schemes.join(", ")
                )
            })?;
        let parameter = |name: &str| {
            let found = bearer
                .params
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let required = |name: &str| {
            parameter(name).ok_or_else(|| format!("with a challenge that has no {name}"))
        };
        Ok(Self {
            realm: required("realm")?,
            service: required("service")?,
            scopes: parameter("scope")
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Whether the request needs this action on this repository, whatever else it needs.
    #[must_use]
    pub fn asks_for(&self, repository: &str, action: &str) -> bool {
        let beginning = format!("repository:{repository}:");
        self.scopes
            .iter()
            .filter_map(|scope| scope.strip_prefix(&*beginning))
            .any(|actions| actions.split(',').any(|asked| asked == action))
    }
}
