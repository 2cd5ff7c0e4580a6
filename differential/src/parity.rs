//! stub
use testbed::Result;
pub(crate) fn run(_write: bool) -> Result<()> {
    Ok(())
}
