//! Who takes part in the demo.

use testbed::issuer::User;

/// Users, and the repository it is all about.
#[derive(Debug)]
pub(super) struct Cast {
    /// May pull and push.
    pub(super) alice: User,
    /// Signs in, but has no rights.
    pub(super) bob: User,
    /// Name of the repository.
    pub(super) repository: &'static str,
    /// Tag of the image.
    pub(super) tag: &'static str,
}

impl Cast {
    pub(super) fn new() -> Self {
        Self {
            alice: User::new("alice", "alice-password").may("team", &["pull", "push"]),
            bob: User::new("bob", "bob-password"),
            repository: "team/app",
            tag: "1",
        }
    }

    pub(super) fn users(&self) -> [&User; 2] {
        [&self.alice, &self.bob]
    }
}
