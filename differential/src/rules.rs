//! Where the edge answers otherwise than the registry on purpose, each with a name and a reason.
//!
//! A rule says of a request whether it applies, from the request and its token alone, and how the
//! edge then answers. It never excuses a request that was forwarded. The cases of `tests/corpus`
//! have their divergences listed one by one; these are for requests nobody wrote down.

mod request;
mod token;

use testbed::registry::Release;

use crate::facts::Facts;

/// A named divergence.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// Why the edge answers otherwise.
    pub(crate) reason: &'static str,
    /// Where it holds; empty: everywhere.
    pub(crate) releases: &'static [Release],
    /// What the edge answers.
    pub(crate) ours: Ours,
    pub(crate) applies: fn(&Facts<'_>) -> bool,
}

/// The edge's own answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// A refusal with this status, and no challenge.
    Status(u16),
    /// The challenge for what the request needs, without an error.
    Bare,
    /// The same with `invalid_token`.
    Invalid,
    /// The same with `invalid_token`, but without an error for Distribution 3, which does not name
    /// what its libraries refuse.
    Library,
    /// A refusal by Envoy itself, before the filter.
    Proxy,
    /// The registry's answer, without its `Content-Type`.
    Untyped,
    /// The registry's answer, with what is not ASCII of its `Location` percent-encoded.
    Escaped,
}

impl Ours {
    /// In a few words.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::Bare => "challenge without an error".to_owned(),
            Self::Invalid => "challenge, `invalid_token`".to_owned(),
            Self::Library => {
                "challenge, `invalid_token`; without an error for distribution-3".to_owned()
            }
            Self::Proxy => "refused by Envoy itself".to_owned(),
            Self::Escaped => "the same with a percent-encoded Location".to_owned(),
            Self::Untyped => "the same without a Content-Type".to_owned(),
        }
    }
}

/// Every rule, in the order in which the edge looks.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    request::RULES.iter().chain(token::RULES)
}

/// The rules that apply to a request, by the facts alone.
pub(crate) fn applying<'f>(facts: &'f Facts<'f>) -> impl Iterator<Item = &'static Rule> + use<'f> {
    all().filter(move |rule| {
        let is_here = rule.releases.is_empty() || rule.releases.iter().any(|&here| facts.is(here));
        is_here && (rule.applies)(facts)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::case::Case;
    use corpus::case::Request;

    fn names(release: Release, request: &Request, token: Option<&str>) -> Vec<&'static str> {
        let case = Case {
            request: request.clone(),
            ..Case::default()
        };
        let facts = Facts::new(release, &case, request, token.map(str::as_bytes));
        applying(&facts).map(|rule| rule.name).collect()
    }

    #[test]
    fn each_rule_has_a_name_of_its_own_and_a_reason() {
        let names: BTreeSet<_> = all().map(|rule| rule.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(all().all(|rule| rule.reason.ends_with('.')));
    }

    #[test]
    fn nothing_applies_to_a_plain_request() {
        let request = Request::default();
        // {"alg":"RS256"} and {"iss":"a"}
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.AAAA";
        for release in [Release::Distribution2, Release::Distribution3] {
            assert!(names(release, &request, None).is_empty());
            assert!(names(release, &request, Some(token)).is_empty());
        }
    }

    #[test]
    fn rules_apply_to_what_they_say() {
        let target = |target: &str| Request {
            target: target.into(),
            ..Request::default()
        };
        let typed = |method: &str, content_type: &[&str], body: &str| Request {
            method: method.to_owned(),
            content_type: content_type.iter().map(|&value| value.to_owned()).collect(),
            body: body.to_owned(),
            ..Request::default()
        };
        for (request, rule, applies) in [
            (target("/v2/a%2Fb/tags/list"), "ambiguous-escape", true),
            (target("/v2/a%252fb/tags/list"), "ambiguous-escape", true),
            (target("/v2/a/tags/list?x=%2F"), "ambiguous-escape", false),
            (target("/v2/%61/tags/list"), "ambiguous-escape", false),
            (
                typed("POST", &["multipart/form-data; boundary=b"], "x"),
                "form-body",
                true,
            ),
            (
                typed("POST", &["multipart/form-data; boundary=b"], ""),
                "form-body",
                false,
            ),
            (
                typed("POST", &["a/b", "a/b"], ""),
                "content-type-repeated",
                true,
            ),
            (typed("POST", &["a/b"], "x"), "content-type-repeated", false),
            (typed("get", &[], ""), "proxy-head", true),
            (target("/v2/#x"), "proxy-head", true),
            (typed("GET", &[], ""), "proxy-head", false),
        ] {
            let found = names(Release::Distribution2, &request, None).contains(&rule);
            assert_eq!(found, applies, "{rule}: {request:?}");
        }
    }
}
