//! As much of WASI preview 1 as both hosts have.
//!
//! Randomness is the same bytes in every run, so that the same requests take the same
//! instructions.

use super::call::Call;
use super::fault::Fault;
use super::state::Stage;

pub(super) const MODULE: &str = "wasi_snapshot_preview1";

/// The functions, with their parameters as in [`super::dialect`].
pub(super) const FUNCTIONS: [(&str, &str); 6] = [
    ("clock_time_get", "iIi"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("fd_write", "iiii"),
    ("proc_exit", "i"),
    ("random_get", "ii"),
];

/// Answers a function; success is the errno 0.
pub(super) fn answer(call: &mut Call<'_>) -> Result<(), Fault> {
    if call.state().stage == Stage::Allocate {
        return Err(call.fault("nothing may be asked while memory is handed out"));
    }
    match call.name {
        "random_get" => random_get(call),
        "clock_time_get" => {
            let state = call.state();
            let time = state.dialect.time(state.now);
            call.put(2, &time.to_le_bytes())
        }
        "environ_sizes_get" => {
            call.put(0, &0_u32.to_le_bytes())?;
            call.put(1, &0_u32.to_le_bytes())
        }
        "environ_get" => Ok(()),
        // Both are how a panic ends that has found no better way.
        "fd_write" => Err(call.fault("the filter writes to its log alone")),
        _ => Err(call.fault(format!("exit {}", call.word(0)))),
    }
}

/// Fixed bytes, but never the same twice: a SplitMix64 sequence.
fn random_get(call: &mut Call<'_>) -> Result<(), Fault> {
    let (address, length) = (0, call.word(1));
    let mut bytes = Vec::new();
    for _ in 0..length {
        let state = &mut call.state().random;
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.push((mixed >> 56) as u8);
    }
    call.put(address, &bytes)
}
