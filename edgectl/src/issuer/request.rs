//! What a client asks of `/jwt/auth`, read as Rails reads it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use hyper::header::HeaderValue;

/// A request for a token. `account`, `client_id` and `offline_token` are sent by clients and change nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// The `service`.
    pub service: Option<String>,
    /// Every `scope`: the parameter may be repeated, and one value may hold several between blanks.
    pub scopes: Vec<String>,
    /// Who asks.
    pub credentials: Credentials,
}

/// What the `Authorization` header says.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// No header, or another scheme than Basic: the request is anonymous.
    Absent,
    /// HTTP Basic that does not decode to `login:password`.
    Unreadable,
    /// HTTP Basic.
    Basic {
        /// The login name.
        login: String,
        /// The password or a token in its place.
        password: String,
    },
}

impl TokenRequest {
    /// Reads the query and the `Authorization` header.
    #[must_use]
    pub fn new(query: &str, authorization: Option<&HeaderValue>) -> Self {
        let mut service = None;
        let mut scopes = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "service" => service = Some(value.into_owned()),
                "scope" => scopes.extend(value.split_whitespace().map(str::to_owned)),
                _ => {}
            }
        }
        Self {
            service,
            scopes,
            credentials: Credentials::from_header(authorization),
        }
    }
}

impl Credentials {
    fn from_header(authorization: Option<&HeaderValue>) -> Self {
        let Some(header) = authorization else {
            return Self::Absent;
        };
        let bytes = header.as_bytes();
        let scheme = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(b"basic") {
            return Self::Absent;
        }
        let encoded = bytes.get(scheme.len()..).unwrap_or_default().trim_ascii();
        let decoded = BASE64
            .decode(encoded)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        match decoded.as_deref().and_then(|pair| pair.split_once(':')) {
            Some((login, password)) => Self::Basic {
                login: login.to_owned(),
                password: password.to_owned(),
            },
            None => Self::Unreadable,
        }
    }
}

/// Without the password, and without the login name: people paste tokens into either.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "Absent",
            Self::Unreadable => "Unreadable",
            Self::Basic { .. } => "Basic",
        })
    }
}
