//! The HTTP face: which paths and methods there are, what answers look like, what is logged.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{StatusCode, Uri};
use serde_json::{Value, json};

use super::{Answer, Issuer, TokenRequest};

/// Characters of the asked scopes that a log line holds, at most.
const LOGGED: usize = 1024;

/// What was answered to a request, for the log. Holds no password and no token; names are those of known
/// users, because a name that nobody has may be a token in the wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The user that the login name belongs to, whether or not the password was right.
    pub who: String,
    /// The scopes as asked.
    pub asked: String,
    /// The scopes as granted.
    pub granted: String,
}

/// One line, `status=200 who=alice asked="…" granted="…"`, with control characters escaped.
impl fmt::Display for Answered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            who,
            asked,
            granted,
        } = self;
        write!(
            formatter,
            "status={status} who={who} asked={asked:?} granted={granted:?}"
        )
    }
}

struct Shared {
    issuer: Issuer,
    log: Box<dyn Fn(&Answered) + Send + Sync>,
}

/// The endpoint as an axum router: `GET /jwt/auth`, and 404 without a body for every other path and method, as
/// Rails answers what it has no route for. Clients that try `POST` first fall back on this 404.
pub fn router(issuer: Issuer, log: impl Fn(&Answered) + Send + Sync + 'static) -> Router {
    Router::new()
        .route("/jwt/auth", get(auth))
        .method_not_allowed_fallback(nothing_here)
        .fallback(nothing_here)
        .with_state(Arc::new(Shared {
            issuer,
            log: Box::new(log),
        }))
}

async fn nothing_here() -> StatusCode {
    StatusCode::NOT_FOUND
}

async fn auth(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    let request = TokenRequest::new(uri.query().unwrap_or_default(), headers.get(AUTHORIZATION));
    // Two RSA signatures take milliseconds: not on the thread that serves the other connections.
    let answered = tokio::task::spawn_blocking(move || shared.answer(&request)).await;
    answered.unwrap_or_else(|_| response(StatusCode::INTERNAL_SERVER_ERROR, None))
}

impl Shared {
    fn answer(&self, request: &TokenRequest) -> Response {
        let (member, answer) = self.issuer.decide(request);
        let granted = match &answer {
            Answer::Token(access) => access
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" "),
            _ => String::new(),
        };
        let (status, body) = match answer {
            Answer::Token(access) => match self.issuer.mint(member.as_deref(), access) {
                Ok(token) => (StatusCode::OK, Some(json!({ "token": token }))),
                Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, None),
            },
            Answer::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                Some(json!({ "errors": [refusal("UNAUTHORIZED", "HTTP Basic: Access denied.")] })),
            ),
            Answer::Denied(why) => refused(StatusCode::FORBIDDEN, "DENIED", why),
            Answer::UnknownService => (StatusCode::NOT_FOUND, None),
            Answer::Unavailable => {
                refused(StatusCode::NOT_FOUND, "UNAVAILABLE", "registry not enabled")
            }
        };
        (self.log)(&Answered {
            status: status.as_u16(),
            who: match (&member, &request.credentials) {
                (Some(member), _) => member.account.username.clone(),
                (None, super::Credentials::Absent) => "anonymous".to_owned(),
                (None, _) => "unknown".to_owned(),
            },
            asked: request.scopes.join(" ").chars().take(LOGGED).collect(),
            granted,
        });
        response(status, body)
    }
}

fn refusal(code: &str, message: &str) -> Value {
    json!({ "code": code, "message": message })
}

/// A refusal by GitLab's token service, whose whole result is rendered: the status stands in the body too.
fn refused(status: StatusCode, code: &str, message: &str) -> (StatusCode, Option<Value>) {
    (
        status,
        Some(json!({ "errors": [refusal(code, message)], "http_status": status.as_u16() })),
    )
}

fn response(status: StatusCode, body: Option<Value>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Some(body) = body {
        *response.body_mut() = Body::from(body.to_string());
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, json);
    }
    response
}
