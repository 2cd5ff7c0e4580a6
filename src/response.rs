//! From a decision to the bytes a client sees: the one mapping.
//!
//! A client learns from a response what the registry would tell it, and no more: every fault of a
//! token reads the same, and the reason stays in the log.

use crate::challenge;
use crate::config::Config;
use crate::decision::{Challenge, Decision, Rejection};
use crate::form::FormError;
use crate::profile::ApiVersionHeader;
use crate::request::RequestHead;
use crate::route::{Api, RouteError};
use crate::target::{self, TargetError};

/// A response that a host sends by itself.
///
/// `Content-Length` is left to the host, which knows the framing; its value is the body's length,
/// for HEAD too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code; never a success.
    pub status: u16,
    /// Field names in lower case, and values of printable ASCII or UTF-8, without control bytes.
    pub headers: Vec<(String, String)>,
    /// The body; a host does not send it to HEAD.
    pub body: Vec<u8>,
}

/// What is said of a refusal that the registry would not have made.
const UNSUPPORTED: &str = "UNSUPPORTED";

impl Response {
    /// The response to a decision about a request; `None` if it is forwarded.
    #[must_use]
    pub fn for_decision(
        decision: &Decision,
        head: &RequestHead<'_>,
        config: &Config,
    ) -> Option<Self> {
        let answer = Answer { config };
        match decision {
            Decision::Forward(_) => None,
            Decision::Challenge(challenge) => {
                Some(answer.challenge(challenge, &config.realm_for(head)))
            }
            Decision::Reject(rejection) => {
                Some(answer.rejection(rejection).for_method(head.method))
            }
        }
    }

    /// The same response as the answer to `method`.
    ///
    /// Go sends the page of a redirect for its slash to GET only, and names its type to HEAD as
    /// well.
    fn for_method(mut self, method: &[u8]) -> Self {
        if self.status == 301 && method != b"GET" {
            self.body.clear();
            if method != b"HEAD" {
                self.headers.retain(|(name, _)| name != "content-type");
            }
        }
        self
    }

    /// The value of the first field of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The answers of one configuration's registry.
struct Answer<'a> {
    config: &'a Config,
}

/// Where in the registry an answer comes from, which decides the headers beside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The handler of a route.
    Route,
    /// The redirect of a route for its trailing slash.
    RouteRedirect,
    /// Outside any route of `/v2/`: GitLab's own API has none of these headers.
    Outside,
}

impl Origin {
    /// The handler of a route.
    const fn of(api: Api) -> Self {
        match api {
            Api::Distribution => Self::Route,
            Api::Gitlab => Self::Outside,
        }
    }
}

impl Answer<'_> {
    fn challenge(&self, challenge: &Challenge, realm: &str) -> Response {
        let (config, required) = (self.config, &challenge.required);
        let value = challenge::www_authenticate(realm, config.service(), required, challenge.error);
        let content_type = config.profile().json_content_type();
        let headers = [("content-type", content_type), ("www-authenticate", &value)];
        self.response(
            401,
            Origin::of(challenge.api),
            &headers,
            challenge::body(required, config.profile()),
        )
    }

    fn rejection(&self, rejection: &Rejection) -> Response {
        match rejection {
            Rejection::Route(RouteError::NotClean { location }) => {
                let location = target::escape_non_ascii(location);
                self.response(301, Origin::Outside, &[("location", &location)], Vec::new())
            }
            Rejection::Route(RouteError::TrailingSlash { location, api }) => {
                let origin = match api {
                    Api::Distribution => Origin::RouteRedirect,
                    Api::Gitlab => Origin::Outside,
                };
                self.slash(location, origin)
            }
            Rejection::Route(RouteError::Unknown | RouteError::GitlabApi) => {
                // Go's http.Error.
                let headers = [
                    ("content-type", "text/plain; charset=utf-8"),
                    ("x-content-type-options", "nosniff"),
                ];
                self.response(404, Origin::Outside, &headers, "404 page not found\n")
            }
            Rejection::Target(TargetError::TooLong) => {
                self.server_text(431, "431 Request Header Fields Too Large")
            }
            Rejection::Target(
                TargetError::NotAPath | TargetError::ControlByte | TargetError::BadEscape,
            ) => self.server_text(400, "400 Bad Request"),
            Rejection::Target(error @ TargetError::AmbiguousEscape) => {
                self.unsupported(400, &error.to_string())
            }
            Rejection::Form(
                error @ (FormError::RepeatedContentType
                | FormError::UnreadableContentType
                | FormError::UrlEncoded
                | FormError::Multipart),
            ) => self.unsupported(415, &error.to_string()),
            Rejection::Form(error @ FormError::Namespace) => {
                self.unsupported(403, &error.to_string())
            }
        }
    }

    /// The redirect to a route's own form (Go's `http.Redirect`).
    fn slash(&self, location: &[u8], origin: Origin) -> Response {
        let text = String::from_utf8_lossy(location);
        let escaped = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&#34;")
            .replace('\'', "&#39;");
        let body = format!("<a href=\"{escaped}\">Moved Permanently</a>.\n\n");
        let location = target::escape_non_ascii(location);
        let headers = [
            ("content-type", "text/html; charset=utf-8"),
            ("location", &location),
        ];
        self.response(301, origin, &headers, body)
    }

    /// What Go's HTTP server answers before the registry sees a request.
    fn server_text(&self, status: u16, text: &str) -> Response {
        Response {
            status,
            headers: vec![(
                "content-type".to_owned(),
                "text/plain; charset=utf-8".to_owned(),
            )],
            body: text.as_bytes().to_vec(),
        }
    }

    /// A refusal of our own, in the registry's error envelope.
    fn unsupported(&self, status: u16, message: &str) -> Response {
        let message = challenge::quote::json_string(message.as_bytes());
        let body =
            format!("{{\"errors\":[{{\"code\":\"{UNSUPPORTED}\",\"message\":{message}}}]}}\n");
        let headers = [("content-type", self.config.profile().json_content_type())];
        self.response(status, Origin::Route, &headers, body)
    }

    fn response(
        &self,
        status: u16,
        origin: Origin,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Response {
        let mut all: Vec<(String, String)> = Vec::with_capacity(headers.len() + 2);
        let mut add = |name: &str, value: &str| all.push((name.to_owned(), value.to_owned()));
        for (name, value) in headers {
            add(name, value);
        }
        let names_version = match self.config.profile().api_version_header() {
            ApiVersionHeader::Always => true,
            ApiVersionHeader::RoutesOnly => origin != Origin::Outside,
        };
        if names_version {
            add("docker-distribution-api-version", "registry/2.0");
        }
        if origin == Origin::Route {
            for (name, value) in self.config.headers() {
                add(name, value);
            }
        }
        Response {
            status,
            headers: all,
            body: body.into(),
        }
    }
}
