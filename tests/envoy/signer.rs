use crate::support::suite::Test;
pub(crate) const TESTS: &[Test] = &[];
