//! A filter that does nothing, built as the real one is (same SDK, same profile): what it costs is
//! what any filter written with this SDK costs before its first line of work.

#[cfg(target_os = "wasi")]
mod nothing;
