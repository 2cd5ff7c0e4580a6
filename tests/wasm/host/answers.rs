//! The functions of the ABI that this host answers. Every other one is there, and a fault to call.

use super::call::Call;
use super::dialect::Dialect;
use super::fault::Fault;
use super::map;
use super::request::Response;
use super::state::{Level, LogLine, Stage, State};

/// A status of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) i32);

impl Status {
    pub(crate) const OK: Self = Self(0);
    pub(crate) const NOT_FOUND: Self = Self(1);
    pub(crate) const BAD_ARGUMENT: Self = Self(2);
    pub(crate) const SERIALIZATION_FAILURE: Self = Self(3);
    pub(crate) const PARSE_FAILURE: Self = Self(4);
    pub(crate) const INTERNAL_FAILURE: Self = Self(10);
    pub(crate) const UNIMPLEMENTED: Self = Self(12);
}

type Answer = fn(&mut Call<'_>) -> Result<Status, Fault>;

/// What answers the function `name`.
pub(super) fn answer(name: &str) -> Answer {
    match name {
        "proxy_call_foreign_function" => call_foreign_function,
        "proxy_define_metric" => define_metric,
        "proxy_get_buffer_bytes" => get_buffer_bytes,
        "proxy_get_current_time_nanoseconds" => get_current_time,
        "proxy_get_header_map_pairs" => get_header_map_pairs,
        "proxy_get_property" => get_property,
        "proxy_increment_metric" => increment_metric,
        "proxy_log" => log,
        "proxy_record_metric" => record_metric,
        "proxy_replace_header_map_value" => replace_header_map_value,
        "proxy_send_local_response" => send_local_response,
        "proxy_set_effective_context" => set_effective_context,
        _ => |call| Err(call.fault("the filter has no use for it")),
    }
}

fn log(call: &mut Call<'_>) -> Result<Status, Fault> {
    let text = call.text(1)?;
    let level = match call.word(0) {
        0 => Level::Trace,
        1 => Level::Debug,
        2 => Level::Info,
        3 => Level::Warn,
        4 => Level::Error,
        5 => return Err(Fault::new(format!("panic: {text}"))),
        other => return Err(call.fault(format!("{other} is no level"))),
    };
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(call.fault(format!("not one line: {text:?}")));
    }
    let head = call.state().head.as_ref();
    if head.is_some_and(|head| head.secrets().any(|secret| text.contains(secret))) {
        return Err(call.fault("a part of the credentials is in the log"));
    }
    call.state().log.push(LogLine { level, text });
    Ok(Status::OK)
}

fn get_current_time(call: &mut Call<'_>) -> Result<Status, Fault> {
    let State { dialect, now, .. } = call.state();
    let time = dialect.time(*now);
    call.put(0, &time.to_le_bytes())?;
    Ok(Status::OK)
}

fn get_buffer_bytes(call: &mut Call<'_>) -> Result<Status, Fault> {
    const PLUGIN_CONFIGURATION: u32 = 7;
    call.only_in(&[Stage::Configure])?;
    if call.word(0) != PLUGIN_CONFIGURATION {
        return Err(call.fault(format!("buffer {} is not there", call.word(0))));
    }
    let whole = call.state().configuration.clone();
    let (start, length) = (call.word(1) as usize, call.word(2) as usize);
    let Some(rest) = whole.get(start..) else {
        return Ok(Status::BAD_ARGUMENT);
    };
    let bytes = &rest[..length.min(rest.len())];
    // Nothing is written for nothing, as in Envoy.
    if !bytes.is_empty() {
        call.give(3, bytes)?;
    }
    Ok(Status::OK)
}

fn get_property(call: &mut Call<'_>) -> Result<Status, Fault> {
    // Elsewhere it crashes the worker of NGINX.
    call.only_in(&[Stage::RequestHeaders])?;
    let name = call.text(0)?.replace('\0', ".");
    let State { dialect, head, .. } = call.state();
    let head = head.as_ref().expect("a request has a head");
    match dialect.property(&name, head) {
        Some(Some(value)) => call.give(2, &value).map(|()| Status::OK),
        Some(None) => Ok(Status::NOT_FOUND),
        None => Err(call.fault(format!("the filter has no use for the property {name}"))),
    }
}

/// Only the head of a request, and only with what can stand in one.
fn replace_header_map_value(call: &mut Call<'_>) -> Result<Status, Fault> {
    const REQUEST_HEADERS: u32 = 0;
    call.only_in(&[Stage::RequestHeaders])?;
    if call.word(0) != REQUEST_HEADERS {
        return Err(call.fault(format!("map {} is not there", call.word(0))));
    }
    let (name, value) = (call.text(1)?, call.text(3)?);
    if name != name.to_ascii_lowercase() || value.chars().any(char::is_control) {
        return Err(call.fault(format!("{name:?}: {value:?} is no field")));
    }
    let head = call.state().head.as_mut().expect("a request has a head");
    head.fields
        .retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
    head.fields.push((name.clone(), value.clone().into_bytes()));
    call.state().replaced.push((name, value));
    Ok(Status::OK)
}

fn get_header_map_pairs(call: &mut Call<'_>) -> Result<Status, Fault> {
    const REQUEST_HEADERS: u32 = 0;
    call.only_in(&[Stage::RequestHeaders])?;
    if call.word(0) != REQUEST_HEADERS {
        return Err(call.fault(format!("map {} is not there", call.word(0))));
    }
    let head = call.state().head.as_ref().expect("a request has a head");
    let bytes = map::encode(&head.fields);
    call.give(1, &bytes)?;
    Ok(Status::OK)
}

fn send_local_response(call: &mut Call<'_>) -> Result<Status, Fault> {
    call.only_in(&[Stage::RequestHeaders])?;
    if call.state().response.is_some() {
        return Err(call.fault("a second response"));
    }
    let status = u16::try_from(call.word(0)).ok();
    let Some(status) = status.filter(|status| (200..600).contains(status)) else {
        return Err(call.fault(format!("{} is no status of a response", call.word(0))));
    };
    let body = call.bytes(3)?;
    let Some(fields) = map::decode(&call.bytes(5)?) else {
        return Err(call.fault("the fields are no header map"));
    };
    // A host sends what it is given, so that a line break in a value would begin a field.
    for (name, value) in &fields {
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let is_value = value.iter().all(|byte| !byte.is_ascii_control());
        if !is_name || !is_value {
            let value = value.escape_ascii();
            return Err(call.fault(format!("not a field: {name:?}: {value}")));
        }
    }
    if call.word(7).cast_signed() != -1 {
        return Err(call.fault("a gRPC status"));
    }
    call.state().response = Some(Response {
        status,
        fields,
        body,
    });
    Ok(Status::OK)
}

fn call_foreign_function(call: &mut Call<'_>) -> Result<Status, Fault> {
    let name = call.text(0)?;
    let arguments = call.bytes(2)?;
    if call.state().dialect == Dialect::WasmX {
        return Err(call.fault(format!("ngx_wasm_module has no {name}, and traps")));
    }
    call.only_in(&[Stage::Configure, Stage::RequestHeaders])?;
    if name != "verify_signature" {
        return Err(call.fault(format!("the filter has no use for {name}")));
    }
    let state = call.state();
    let count = state.calls.entry(name).or_default();
    *count += 1;
    let count = *count;
    let (status, result) = state.signatures.answer(&arguments, count)?;
    if status == Status::OK {
        call.give(4, &result)?;
    }
    Ok(status)
}

fn set_effective_context(call: &mut Call<'_>) -> Result<Status, Fault> {
    let context = call.word(0);
    if call.state().contexts.contains(&context) {
        Ok(Status::OK)
    } else {
        Err(call.fault(format!("there is no context {context}")))
    }
}

fn define_metric(call: &mut Call<'_>) -> Result<Status, Fault> {
    call.only_in(&[Stage::Start, Stage::Configure])?;
    let (kind, name) = (call.word(0), call.text(1)?);
    let id = call.state().metrics.define(kind, &name)?;
    call.put(3, &id.to_le_bytes())?;
    Ok(Status::OK)
}

fn increment_metric(call: &mut Call<'_>) -> Result<Status, Fault> {
    let (id, offset) = (call.word(0), call.long(1));
    call.state().metrics.increment(id, offset)?;
    Ok(Status::OK)
}

fn record_metric(call: &mut Call<'_>) -> Result<Status, Fault> {
    let (id, value) = (call.word(0), call.long(1).cast_unsigned());
    call.state().metrics.record(id, value)?;
    Ok(Status::OK)
}
