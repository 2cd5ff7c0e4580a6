//! NGINX's error log.

use std::fmt;

use ngx::ffi::{NGX_LOG_EMERG, NGX_LOG_WARN, ngx_conf_t, ngx_http_request_t, ngx_uint_t};
use ngx::{ngx_conf_log_error, ngx_log_error};

/// A line about a request; NGINX adds client, server, request and host. Written, and formatted,
/// only if the log takes lines of this level.
///
/// NGINX ends a line at 2 KiB and escapes nothing: what is shown must be free of control bytes.
pub(crate) fn request(request: &ngx_http_request_t, level: u32, message: fmt::Arguments<'_>) {
    // SAFETY: a request has a connection with a log for as long as it lives.
    let log = unsafe { (*request.connection).log };
    ngx_log_error!(level, log, "registry_token_filter: {message}");
}

/// The reason why a configuration is not taken; NGINX adds file and line.
pub(crate) fn configuration_refused(cf: *mut ngx_conf_t, message: fmt::Arguments<'_>) {
    ngx_conf_log_error!(NGX_LOG_EMERG, cf, "registry_token_filter: {message}");
}

/// Something about the configuration that is worth a look.
pub(crate) fn configuration_warning(cf: *mut ngx_conf_t, message: fmt::Arguments<'_>) {
    configuration(cf, NGX_LOG_WARN, message);
}

/// Something about the configuration.
pub(crate) fn configuration(cf: *mut ngx_conf_t, level: u32, message: fmt::Arguments<'_>) {
    ngx_conf_log_error!(level as ngx_uint_t, cf, "registry_token_filter: {message}");
}
