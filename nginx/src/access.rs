//! The access phase: one request.
//!
//! What is decided on is `unparsed_uri`, the target as the client wrote it, since that is what
//! `proxy_pass` without a URI part sends on. NGINX routes by another reading, `uri`, decoded and
//! cleaned. The two are compared before a request goes on, so that it does not matter which of them
//! a location forwards.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ngx::core::Status;
use ngx::ffi::{
    NGX_HTTP_BAD_REQUEST, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_LOG_DEBUG, NGX_LOG_ERR, NGX_LOG_INFO,
    ngx_http_request_t, ngx_int_t, ngx_time,
};
use ngx::http::HttpModuleLocationConf;
use registry_token_filter::credentials::CredentialsError;
use registry_token_filter::decision::{Challenge, ChallengeReason, Decision};
use registry_token_filter::target::Target;
use registry_token_filter::{RequestHead, UnixTime};

use crate::answer;
use crate::head::Head;
use crate::log;
use crate::module::Module;

/// Called by NGINX for every request, where the filter is on and where it is off.
pub(crate) unsafe extern "C" fn handler(request: *mut ngx_http_request_t) -> ngx_int_t {
    let judged = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: NGINX gives a valid request, and does nothing with it until this returns.
        unsafe { request.as_mut() }.map(judge)
    }));
    judged
        .ok()
        .flatten()
        .unwrap_or(Status(NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t))
        .into()
}

fn judge(request: &mut ngx_http_request_t) -> Status {
    let Some(conf) = Module::location_conf(request) else {
        return Status::NGX_DECLINED;
    };
    if !conf.is_enabled() {
        return Status::NGX_DECLINED;
    }
    let Some(authorizer) = conf.authorizer() else {
        // Refused with the configuration; see `directives::merge`.
        return Status(NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t);
    };
    if request.valid_unparsed_uri() == 0 {
        log::request(
            request,
            NGX_LOG_ERR,
            format_args!(
                "refused: a rewrite or an internal redirect gave the request another URI than the \
                 client's; the filter cannot judge it"
            ),
        );
        return Status(NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t);
    }
    let head = Head::of(request);
    let head = head.as_request_head();
    let decision = authorizer.decide(&head, now());
    match authorizer.response(&decision, &head) {
        None if reads_alike(request, &head) => Status::NGX_DECLINED,
        None => {
            log::request(
                request,
                NGX_LOG_ERR,
                format_args!("refused: NGINX reads the target otherwise than the registry"),
            );
            Status(NGX_HTTP_BAD_REQUEST as ngx_int_t)
        }
        Some(response) => {
            log_refusal(request, &decision);
            answer::send(request, &response)
        }
    }
}

/// Whether NGINX's own reading of the path, by which it routes, is that of the decision.
fn reads_alike(request: &ngx_http_request_t, head: &RequestHead<'_>) -> bool {
    let by_nginx = request.uri.as_bytes();
    Target::parse(head.target).is_ok_and(|target| target.path() == by_nginx)
}

/// A plain request for a token is how every pull begins; other refusals are worth a look.
fn log_refusal(request: &ngx_http_request_t, decision: &Decision) {
    let level = match decision {
        Decision::Challenge(Challenge {
            reason: ChallengeReason::Credentials(CredentialsError::Absent),
            ..
        }) => NGX_LOG_DEBUG,
        _ => NGX_LOG_INFO,
    };
    log::request(request, level, format_args!("{decision}"));
}

/// NGINX's own time, which it renews with every round of events.
fn now() -> UnixTime {
    let seconds = ngx_time();
    UnixTime::from_seconds(seconds.try_into().unwrap_or(0))
}
