//! Room for what the tests build: said before, for a full disk shows much later, as an error of some compiler.

use testbed::artifact::root;

use crate::paint;

/// What a run on a new machine takes, in bytes, tools and what they are built from included; measured.
const NEEDED: u64 = 14 << 30;

/// Says how much is free where the tests are built, and what to do if it may not be enough.
pub(crate) fn say_what_is_free() {
    if let Ok(disk) = rustix::fs::statvfs(root()) {
        paint::say(&said(disk.f_bavail.saturating_mul(disk.f_frsize)));
    }
}

fn said(free: u64) -> String {
    let gibibytes = |bytes: u64| bytes >> 30;
    let (has, needs) = (gibibytes(free), gibibytes(NEEDED));
    if free >= NEEDED {
        return format!("{has} GiB of disk are free");
    }
    format!(
        "{has} GiB of disk are free; all stages take up to {needs} on a new machine: make room, or leave \
         out the largest with `--skip hosts`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_said_with_a_remedy() {
        assert_eq!(said(NEEDED), "14 GiB of disk are free");
        let little = said(NEEDED - 1);
        assert!(
            little.starts_with("13 GiB of disk are free; all stages take up to 14 "),
            "{little}"
        );
        assert!(little.contains("--skip hosts"), "{little}");
    }
}
