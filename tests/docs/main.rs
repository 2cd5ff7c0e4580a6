//! What the documents say, read against the code.

// `cfg(test)` tells Clippy that the helpers, too, are test code and may panic.
#[cfg(test)]
mod documents;
