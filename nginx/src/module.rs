//! What NGINX finds when it loads the library.

use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use ngx::core::Status;
use ngx::ffi::{
    NGX_CONF_FLAG, NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF, NGX_HTTP_LOC_CONF_OFFSET, NGX_HTTP_MAIN_CONF,
    NGX_HTTP_MODULE, NGX_HTTP_SRV_CONF, ngx_array_push, ngx_command_t, ngx_conf_t,
    ngx_http_core_main_conf_t, ngx_http_handler_pt, ngx_http_module_t,
    ngx_http_phases_NGX_HTTP_ACCESS_PHASE, ngx_int_t, ngx_module_t, ngx_uint_t,
};
use ngx::http::{HttpModule, HttpModuleLocationConf, HttpModuleMainConf, NgxHttpCoreModule};
use ngx::ngx_string;

use crate::directives::LocationConf;
use crate::{access, directives};

/// The module, by NGINX's way of naming it.
pub(crate) struct Module;

impl HttpModule for Module {
    fn module() -> &'static ngx_module_t {
        // SAFETY: NGINX fills in the indexes before any other thread could exist, and only reads
        // them afterwards.
        unsafe { &*ptr::addr_of!(ngx_http_registry_token_filter_module) }
    }

    /// Adds the access handler.
    unsafe extern "C" fn postconfiguration(cf: *mut ngx_conf_t) -> ngx_int_t {
        // SAFETY: NGINX gives a valid configuration context, within `http`.
        let core = unsafe { cf.as_ref() }.and_then(NgxHttpCoreModule::main_conf_mut);
        core.and_then(add_access_handler)
            .map_or(Status::NGX_ERROR, |()| Status::NGX_OK)
            .into()
    }
}

fn add_access_handler(core: &mut ngx_http_core_main_conf_t) -> Option<()> {
    let phase = core
        .phases
        .get_mut(ngx_http_phases_NGX_HTTP_ACCESS_PHASE as usize)?;
    // SAFETY: the array is NGINX's own, of `ngx_http_handler_pt`, and made before modules are
    // asked; what it gives is room for one more.
    let handler = unsafe { ngx_array_push(&mut phase.handlers).cast::<ngx_http_handler_pt>() };
    // SAFETY: as above; null says that there was no memory.
    *unsafe { handler.as_mut() }? = Some(access::handler);
    Some(())
}

// SAFETY: `create_loc_conf` below makes this type, and no other, in the module's place.
unsafe impl HttpModuleLocationConf for Module {
    type LocationConf = LocationConf;
}

/// A place of its own for each `http`, `server` and `location`.
unsafe extern "C" fn create_loc_conf(cf: *mut ngx_conf_t) -> *mut c_void {
    // SAFETY: NGINX gives a valid configuration context.
    unsafe { Module::create_loc_conf(cf) }
}

/// Completes a place with that around it.
unsafe extern "C" fn merge_loc_conf(
    cf: *mut ngx_conf_t,
    outer: *mut c_void,
    inner: *mut c_void,
) -> *mut c_char {
    // SAFETY: both were made by `create_loc_conf`, and are different places.
    let places = unsafe {
        (
            outer.cast::<LocationConf>().as_ref(),
            inner.cast::<LocationConf>().as_mut(),
        )
    };
    let (Some(outer), Some(inner)) = places else {
        return directives::REFUSED;
    };
    let merged = catch_unwind(AssertUnwindSafe(|| directives::merge(cf, outer, inner)));
    merged.unwrap_or(directives::REFUSED)
}

static CONTEXT: ngx_http_module_t = ngx_http_module_t {
    preconfiguration: None,
    postconfiguration: Some(Module::postconfiguration),
    create_main_conf: None,
    init_main_conf: None,
    create_srv_conf: None,
    merge_srv_conf: None,
    create_loc_conf: Some(create_loc_conf),
    merge_loc_conf: Some(merge_loc_conf),
};

const EVERYWHERE: u32 = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

static mut COMMANDS: [ngx_command_t; 3] = [
    ngx_command_t {
        name: ngx_string!("registry_token_filter"),
        type_: (EVERYWHERE | NGX_CONF_FLAG) as ngx_uint_t,
        set: Some(directives::set_enabled),
        conf: NGX_HTTP_LOC_CONF_OFFSET,
        offset: 0,
        post: ptr::null_mut(),
    },
    ngx_command_t {
        name: ngx_string!("registry_token_filter_config"),
        type_: (EVERYWHERE | NGX_CONF_TAKE1) as ngx_uint_t,
        set: Some(directives::set_config),
        conf: NGX_HTTP_LOC_CONF_OFFSET,
        offset: 0,
        post: ptr::null_mut(),
    },
    ngx_command_t::empty(),
];

/// Under the name by which NGINX looks it up.
#[unsafe(no_mangle)]
pub(crate) static mut ngx_http_registry_token_filter_module: ngx_module_t = ngx_module_t {
    ctx: ptr::addr_of!(CONTEXT).cast_mut().cast(),
    commands: ptr::addr_of_mut!(COMMANDS).cast(),
    type_: NGX_HTTP_MODULE as ngx_uint_t,
    ..ngx_module_t::default()
};

ngx::ngx_modules!(ngx_http_registry_token_filter_module);
