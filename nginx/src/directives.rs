//! The two directives.
//!
//! ```nginx
//! registry_token_filter on;                                        # http, server, location
//! registry_token_filter_config /etc/nginx/registry-token-filter.json;   # or the JSON itself
//! ```
//!
//! The JSON is the one that Envoy gets. Both are inherited from the level around. A fault stops
//! `nginx -t`, the start or the reload with one line, and a running NGINX keeps what it has.

use std::ffi::{OsStr, c_char, c_void};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr;
use std::rc::Rc;
use std::time::SystemTime;

use ngx::core::Status;
use ngx::ffi::{
    NGX_HTTP_SATISFY_ANY, NGX_LOG_INFO, ngx_command_t, ngx_conf_full_name, ngx_conf_t, ngx_str_t,
};
use ngx::http::{HttpModuleLocationConf, NgxHttpCoreModule};
use registry_token_filter::keys::EMBEDDED;
use registry_token_filter::{Authorizer, Config, UnixTime};

use crate::log;
use crate::signatures::NativeSignatures;

/// What a directive answers when it holds.
const ACCEPTED: *mut c_char = ptr::null_mut();
/// What it answers when it does not, and its fault is logged (`NGX_CONF_ERROR`).
pub(crate) const REFUSED: *mut c_char = ptr::without_provenance_mut(usize::MAX);

/// Larger than any configuration: 1 MiB holds some five hundred certificates.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The directives of one `http`, `server` or `location`.
#[derive(Debug, Default)]
pub(crate) struct LocationConf {
    enabled: Option<bool>,
    authorizer: Option<Rc<Authorizer>>,
}

impl LocationConf {
    /// Whether requests are judged here.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled == Some(true)
    }

    /// Who judges them.
    pub(crate) fn authorizer(&self) -> Option<&Authorizer> {
        self.authorizer.as_deref()
    }
}

/// `registry_token_filter on|off`
pub(crate) unsafe extern "C" fn set_enabled(
    cf: *mut ngx_conf_t,
    _command: *mut ngx_command_t,
    conf: *mut c_void,
) -> *mut c_char {
    set(cf, conf, |_, conf, argument| {
        if conf.enabled.is_some() {
            return Err("`registry_token_filter` stands twice here".to_owned());
        }
        conf.enabled = Some(match argument {
            b"on" => true,
            b"off" => false,
            other => {
                return Err(format!(
                    "`registry_token_filter {}`: expected \"on\" or \"off\"",
                    other.escape_ascii()
                ));
            }
        });
        Ok(())
    })
}

/// `registry_token_filter_config FILE|JSON`
pub(crate) unsafe extern "C" fn set_config(
    cf: *mut ngx_conf_t,
    _command: *mut ngx_command_t,
    conf: *mut c_void,
) -> *mut c_char {
    set(cf, conf, |cf, conf, argument| {
        if conf.authorizer.is_some() {
            return Err("`registry_token_filter_config` stands twice here".to_owned());
        }
        let is_inline = argument.trim_ascii_start().starts_with(b"{");
        let (json, place) = if is_inline {
            (argument.to_vec(), String::new())
        } else {
            let path = full_name(cf, argument)?;
            let json = read(&path).map_err(|fault| {
                format!("`registry_token_filter_config {}`: {fault}", path.display())
            })?;
            (json, format!("{}: ", path.display()))
        };
        let config = Config::from_json(&json, EMBEDDED)
            .map_err(|fault| format!("configuration refused: {place}{fault}"))?;
        if config.permit_header().is_some() {
            return Err(format!(
                "configuration refused: {place}`permit_header`: NGINX runs this module in every \
                 location that is configured so, and needs no guard behind it; expected none"
            ));
        }
        log::configuration(cf, NGX_LOG_INFO, format_args!("{}", config.describe()));
        for line in config.dates_that_do_not_hold(now()) {
            log::configuration_warning(cf, format_args!("{line}"));
        }
        let signatures = NativeSignatures::new(&config);
        let authorizer = Authorizer::with_signatures(config, Box::new(signatures), seed());
        conf.authorizer = Some(Rc::new(authorizer));
        Ok(())
    })
}

/// Completes the directives of a level with those around it, and refuses what would let requests
/// pass by.
pub(crate) fn merge(
    cf: *mut ngx_conf_t,
    outer: &LocationConf,
    inner: &mut LocationConf,
) -> *mut c_char {
    inner.enabled = inner.enabled.or(outer.enabled);
    if inner.authorizer.is_none() {
        inner.authorizer.clone_from(&outer.authorizer);
    }
    if !inner.is_enabled() {
        return ACCEPTED;
    }
    if inner.authorizer.is_none() {
        log::configuration_refused(
            cf,
            format_args!(
                "`registry_token_filter on` without `registry_token_filter_config`: name the \
                 file with the configuration"
            ),
        );
        return REFUSED;
    }
    // SAFETY: NGINX gives a valid configuration context, and its core module merges before this
    // one, which is loaded later.
    let core = unsafe { cf.as_ref() }.and_then(NgxHttpCoreModule::location_conf);
    if core.is_none_or(|core| core.satisfy == NGX_HTTP_SATISFY_ANY as usize) {
        log::configuration_refused(
            cf,
            format_args!(
                "`satisfy any` where `registry_token_filter` is on: an address that is allowed \
                 would need no token; use `satisfy all`"
            ),
        );
        return REFUSED;
    }
    ACCEPTED
}

/// Calls `change` with the directive's own level and its argument.
fn set(
    cf: *mut ngx_conf_t,
    conf: *mut c_void,
    change: impl FnOnce(*mut ngx_conf_t, &mut LocationConf, &[u8]) -> Result<(), String>,
) -> *mut c_char {
    // SAFETY: `conf` was made by `create_loc_conf`, and nobody else holds it while a directive is
    // read.
    let conf = unsafe { conf.cast::<LocationConf>().as_mut() };
    let (Some(conf), Some(argument)) = (conf, argument(cf)) else {
        return REFUSED;
    };
    match catch_unwind(AssertUnwindSafe(|| change(cf, conf, argument))) {
        Ok(Ok(())) => ACCEPTED,
        Ok(Err(fault)) => {
            log::configuration_refused(cf, format_args!("{fault}"));
            REFUSED
        }
        Err(_) => {
            log::configuration_refused(cf, format_args!("the module failed; this is a bug in it"));
            REFUSED
        }
    }
}

/// The directive's argument: both take exactly one, which NGINX has counted.
fn argument<'a>(cf: *mut ngx_conf_t) -> Option<&'a [u8]> {
    // SAFETY: NGINX gives a valid context with an array of `ngx_str_t`, the directive's name
    // first, which lives until the configuration is read.
    unsafe {
        let words = (*cf).args.as_ref()?;
        let word = (words.nelts >= 2).then(|| words.elts.cast::<ngx_str_t>().add(1))?;
        Some((*word).as_bytes())
    }
}

/// The file's path, relative ones to the folder of `nginx.conf`, as for NGINX's own directives.
fn full_name(cf: *mut ngx_conf_t, name: &[u8]) -> Result<Box<Path>, String> {
    // NGINX ends the name with a zero; it lives as long as the configuration.
    let mut full = ngx_str_t {
        len: name.len(),
        data: name.as_ptr().cast_mut(),
    };
    // SAFETY: NGINX reads the name, and puts another into its place when it was relative.
    let status = unsafe { ngx_conf_full_name((*cf).cycle, &mut full, 1) };
    if Status(status) != Status::NGX_OK {
        return Err("no memory for the name of a file".to_owned());
    }
    Ok(Path::new(OsStr::from_bytes(full.as_bytes())).into())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut json = Vec::new();
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    file.take(MAX_CONFIG_BYTES + 1)
        .read_to_end(&mut json)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if json.len() as u64 > MAX_CONFIG_BYTES {
        return Err("larger than 1 MiB".to_owned());
    }
    Ok(json)
}

/// The time as the operating system has it. Before 1970 no token is valid.
fn now() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime::new(since_epoch.unwrap_or_default())
}

/// A number nobody can guess.
fn seed() -> u64 {
    use std::collections::hash_map::RandomState;
    use std::hash::{BuildHasher, Hasher};
    RandomState::new().build_hasher().finish()
}
