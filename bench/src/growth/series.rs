//! The series, as data.

/// What grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Distinct tokens that are all in use, and all kept.
    Tokens,
    /// Entries of `access` in a token; the last one is what the request needs.
    Access,
    /// Certificates in the bundle; the last one is that of the key. Every token is new.
    Certificates,
    /// Bytes of the request target.
    Path,
    /// Envoy's workers.
    Workers,
    /// Bytes of the blob that is answered.
    Blob,
}

/// A series by its name.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// On the command line.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// What grows.
    pub kind: Kind,
    /// To which sizes.
    pub sizes: &'static [u64],
}

const fn named(
    name: &'static str,
    about: &'static str,
    kind: Kind,
    sizes: &'static [u64],
) -> Named {
    Named {
        name,
        about,
        kind,
        sizes,
    }
}

/// All of them.
pub static ALL: &[Named] = &[
    named(
        "tokens",
        "distinct live tokens, all seen before",
        Kind::Tokens,
        &[1, 100, 10_000, 100_000],
    ),
    named(
        "access",
        "`access` entries of a token seen before",
        Kind::Access,
        &[1, 10, 100, 1_000],
    ),
    named(
        "certificates",
        "certificates in the bundle, tokens never seen",
        Kind::Certificates,
        &[1, 10, 100],
    ),
    named(
        "path",
        "bytes of the request target, token seen before",
        Kind::Path,
        &[50, 500, 5_000],
    ),
    named(
        "workers",
        "Envoy workers, token seen before",
        Kind::Workers,
        &[1, 2],
    ),
    named(
        "blob",
        "bytes of a blob from a server behind Envoy, token seen before",
        Kind::Blob,
        &[1_000, 100_000, 1_000_000],
    ),
];
