//! The response that is not the registry's.

use std::ptr;

use ngx::core::Status;
use ngx::ffi::{
    NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_alloc_chain_link, ngx_create_temp_buf,
    ngx_http_discard_request_body, ngx_http_finalize_request, ngx_http_output_filter,
    ngx_http_request_t, ngx_http_send_header, ngx_int_t, ngx_list_push, ngx_pnalloc, ngx_pool_t,
    ngx_str_t, ngx_table_elt_t, off_t,
};
use registry_token_filter::Response;

/// Sends the response and ends the request. What comes back is for the access phase: the request
/// is not NGINX's to go on with, whatever became of the response.
///
/// It is ended here and not by its status, so that neither `error_page` nor `satisfy` sees it.
pub(crate) fn send(request: &mut ngx_http_request_t, response: &Response) -> Status {
    let status = begin(request, response).unwrap_or(Status(NGX_HTTP_INTERNAL_SERVER_ERROR as _));
    // SAFETY: the request is valid, and not touched after this.
    unsafe { ngx_http_finalize_request(request, status.into()) };
    Status::NGX_DONE
}

/// `None` when there is no memory.
fn begin(request: &mut ngx_http_request_t, response: &Response) -> Option<Status> {
    // SAFETY: the request is valid. A body that is on its way is read and dropped, so that the
    // connection can be used again.
    let discarded = unsafe { ngx_http_discard_request_body(request) };
    if discarded != Status::NGX_OK.0 {
        return Some(Status(discarded));
    }
    let pool = request.pool;
    request.headers_out.status = usize::from(response.status);
    request.headers_out.content_length_n = off_t::try_from(response.body.len()).ok()?;
    for (name, value) in &response.headers {
        if name == "content-type" {
            let value = copy(pool, value.as_bytes())?;
            request.headers_out.content_type_len = value.len;
            request.headers_out.content_type = value;
        } else {
            push(request, name.as_bytes(), value.as_bytes())?;
        }
    }
    if response.body.is_empty() {
        // Else NGINX waits for the end of a body that does not come.
        request.set_header_only(1);
    }
    // SAFETY: the request is valid, and its head has not been sent: this is the access phase.
    let sent: ngx_int_t = unsafe { ngx_http_send_header(request) };
    if sent != Status::NGX_OK.0 || request.header_only() != 0 {
        return Some(Status(sent));
    }
    body(request, &response.body)
}

fn body(request: &mut ngx_http_request_t, bytes: &[u8]) -> Option<Status> {
    // SAFETY: memory of the request's pool, of the size asked for; the chain link is made by NGINX
    // and filled here, with one buffer and no successor.
    unsafe {
        let buffer = ngx_create_temp_buf(request.pool, bytes.len()).as_mut()?;
        ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.last, bytes.len());
        buffer.last = buffer.last.add(bytes.len());
        buffer.set_last_buf(1);
        buffer.set_last_in_chain(1);
        let link = ngx_alloc_chain_link(request.pool).as_mut()?;
        link.buf = buffer;
        link.next = ptr::null_mut();
        Some(Status(ngx_http_output_filter(request, link)))
    }
}

/// Adds a field to the head of the response.
fn push(request: &mut ngx_http_request_t, name: &[u8], value: &[u8]) -> Option<()> {
    let pool = request.pool;
    let (key, value) = (copy(pool, name)?, copy(pool, value)?);
    // SAFETY: the list holds fields; what NGINX gives is room for one, not cleared. All zero is
    // a field, and the only way to one that is right for every version: `next` came with 1.23.
    unsafe {
        let field = ngx_list_push(&mut request.headers_out.headers).cast::<ngx_table_elt_t>();
        let field = (!field.is_null()).then(|| {
            ptr::write_bytes(field, 0, 1);
            &mut *field
        })?;
        // Not zero: zero says that the field is not sent.
        field.hash = 1;
        // Already in lower case, which HTTP/2 wants.
        field.lowcase_key = key.data;
        field.key = key;
        field.value = value;
    }
    Some(())
}

/// The bytes in memory that lives as long as the request.
fn copy(pool: *mut ngx_pool_t, bytes: &[u8]) -> Option<ngx_str_t> {
    if bytes.is_empty() {
        return Some(ngx_str_t {
            len: 0,
            data: ptr::null_mut(),
        });
    }
    // SAFETY: the pool is the request's; NGINX gives as many bytes as asked for, or null.
    unsafe {
        let place = ngx_pnalloc(pool, bytes.len()).cast::<u8>();
        if place.is_null() {
            return None;
        }
        ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
        Some(ngx_str_t {
            len: bytes.len(),
            data: place,
        })
    }
}
