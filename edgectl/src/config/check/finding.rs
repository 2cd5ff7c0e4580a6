//! What a check finds: a rule that is broken, at a place, with what to do.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::config::place::Position;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// It does not work, or it lets through what it must not.
    Error,
    /// It works, for now or for some, or is weaker than it could be.
    Warning,
    /// Good to know.
    Note,
}

/// A rule. Its name is stable, for machines that read findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// The grade of what breaks it.
    pub grade: Grade,
    /// What it asks for.
    pub what: &'static str,
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line and column, where there is one.
    #[serde(flatten)]
    pub position: Option<Position>,
    /// The path of the value in the document, `static_resources.listeners[0]`; may be empty.
    pub path: String,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// The rule's name.
    pub rule: &'static str,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong, a sentence.
    pub message: String,
    /// What to do, a sentence.
    pub remedy: String,
}

macro_rules! rules {
    ($($constant:ident, $name:literal, $grade:ident, $what:literal;)*) => {
        $(
            #[doc = $what]
            pub const $constant: Rule = Rule { name: $name, grade: Grade::$grade, what: $what };
        )*
        /// Every rule.
        pub const RULES: &[Rule] = &[$($constant),*];
    };
}

rules! {
    NOT_READABLE, "not-readable", Error, "the file is YAML or JSON";
    NOTHING_FOUND, "nothing-found", Error, "the file carries a configuration of the filter";
    CONFIGURATION, "configuration", Error, "the filter accepts its configuration";
    AS_STRUCT, "as-struct", Error, "Envoy is given the configuration as a StringValue";
    PRIVATE_KEY, "private-key", Error, "no private key stands in a configuration, which Envoy's admin interface shows";
    NO_CERTIFICATE, "no-certificate", Warning, "the configuration has a certificate, or the filter was built with one";
    EXPIRED, "expired", Warning, "certificates are valid now";
    EXPIRES_SOON, "expires-soon", Warning, "certificates are valid for 30 days to come";
    SMALL_KEY, "small-key", Note, "RSA keys have 3072 bits or more";
    REALM_HTTP, "realm-http", Warning, "the realm is https";
    REALM_PRIVATE, "realm-private", Warning, "the realm is not at a private address under another host name than the registry's";
    REALM_PATH, "realm-path", Warning, "the path of the realm has single slashes";
    REALM_ROUTE, "realm-route", Error, "a realm on the registry's own host name has a route without the filter";
    FILTER_MISSING, "filter-missing", Error, "the filter is among the HTTP filters";
    FILTER_AFTER_ROUTER, "filter-after-router", Error, "the filter stands before the router";
    FILTER_DISABLED, "filter-disabled", Error, "no route to the registry switches the filter off";
    FAIL_OPEN, "fail-open", Error, "a filter that failed lets nothing through";
    FAIL_CLOSED, "fail-closed", Warning, "a filter that failed is loaded again";
    REWRITE, "rewrite", Error, "the path that was authorized is the path that is served";
    NORMALIZE_PATH, "normalize-path", Warning, "paths are normalized";
    MERGE_SLASHES, "merge-slashes", Warning, "slashes are merged";
    ESCAPED_SLASHES, "escaped-slashes", Warning, "escaped slashes are refused";
    PLAIN_LISTENER, "plain-listener", Warning, "clients reach the edge with TLS";
    STRIP_PORT, "strip-port", Warning, "the registry sees the port that clients use";
    UPLOAD_TIMEOUT, "upload-timeout", Error, "no deadline ends an upload that makes progress";
    IDLE_TIMEOUT, "idle-timeout", Warning, "a registry may be silent for a minute while it finishes a blob";
    ROUTES_ELSEWHERE, "routes-elsewhere", Note, "routes are in the file, to be checked";
    ADMIN_EXPOSED, "admin-exposed", Warning, "Envoy's admin interface is on loopback";
    UPSTREAM_UNVERIFIED, "upstream-unverified", Warning, "the certificate of the registry's nodes is verified, with its name";
    PHASE, "phase", Warning, "Istio runs the filter before authorization";
    UNGUARDED, "unguarded", Warning, "a guard behind the filter closes Envoy Gateway until the filter is there";
    IMAGE_TAG, "image-tag", Note, "the filter's image is named by its digest";
    ANSWERED_BEFORE, "answered-before", Error, "nothing in NGINX answers or allows a request before the filter";
    BODY_LIMIT, "body-limit", Error, "NGINX has no largest body";
    REQUEST_BUFFERING, "request-buffering", Warning, "NGINX passes uploads on as they come";
    ISSUER_DIFFERS, "issuer-differs", Error, "edge and registry expect the same issuer";
    SERVICE_DIFFERS, "service-differs", Error, "edge and registry expect the same service";
    REALM_DIFFERS, "realm-differs", Note, "edge and registry name the same realm";
    KEY_UNKNOWN, "key-unknown", Error, "the edge trusts the key that GitLab signs with";
    KEYS_DIFFER, "keys-differ", Error, "edge and registry trust the same keys";
    NOT_COMPARED, "not-compared", Warning, "what is beside the configuration can be read, to be compared";
}

impl Rule {
    /// A finding that breaks this rule.
    #[must_use]
    pub fn at(
        self,
        place: Place,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding {
            grade: self.grade,
            rule: self.name,
            place,
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if let Some(position) = self.position {
            write!(formatter, ":{position}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            grade,
            rule,
            place,
            message,
            remedy,
        } = self;
        write!(
            formatter,
            "{grade}: {place}: {message} [{rule}]\n  {remedy}"
        )
    }
}
