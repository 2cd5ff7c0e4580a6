//! The chains that are compared, as data.

/// How many distinct tokens a cold chain cycles through: more than its cache keeps, so that every
/// one has been dropped when its turn comes again.
pub const COLD_TOKENS: usize = 2_000;

/// What the cache of a cold chain keeps.
pub const COLD_ENTRIES: usize = 500;

/// Size of an RSA key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bits {
    /// 2048 bits.
    B2048,
    /// 4096 bits, what GitLab makes.
    B4096,
}

impl Bits {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::B2048 => 2048,
            Self::B4096 => 4096,
        }
    }
}

/// Between listener and answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing.
    Envoy,
    /// A wasm filter that does nothing.
    Nothing,
    /// Envoy's `jwt_authn`, every signature verified.
    JwtAuthn,
    /// Envoy's `jwt_authn` with `jwt_cache_config`.
    JwtAuthnCached,
    /// This filter as it comes.
    Filter,
    /// This filter with a cache of [`COLD_ENTRIES`] tokens.
    FilterSmallCache,
    /// The same without the host's `verify_signature`.
    FilterSandboxed,
}

impl Kind {
    /// Whether this filter's module is in it.
    #[must_use]
    pub const fn has_filter(self) -> bool {
        matches!(
            self,
            Self::Filter | Self::FilterSmallCache | Self::FilterSandboxed
        )
    }
}

/// What clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Load {
    /// One valid token, again and again.
    Same(Bits),
    /// As many valid tokens in turn.
    Cycle(usize, Bits),
    /// No token.
    Absent,
    /// Another token with a wrong signature in every request.
    Forged(Bits),
}

impl Load {
    /// Whether the filter refuses it.
    #[must_use]
    pub const fn is_refused(self) -> bool {
        matches!(self, Self::Absent | Self::Forged(_))
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Chain {
    /// Name on the command line and in the results.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// What stands between listener and answer.
    pub kind: Kind,
    /// What is sent.
    pub load: Load,
}

const fn chain(name: &'static str, about: &'static str, kind: Kind, load: Load) -> Chain {
    Chain {
        name,
        about,
        kind,
        load,
    }
}

const COLD_2048: Load = Load::Cycle(COLD_TOKENS, Bits::B2048);
const COLD_4096: Load = Load::Cycle(COLD_TOKENS, Bits::B4096);

/// All chains, in the order of the table.
pub static ALL: &[Chain] = &[
    chain(ENVOY, "no filter", Kind::Envoy, Load::Same(Bits::B2048)),
    chain(
        NOTHING,
        "a wasm filter that does nothing",
        Kind::Nothing,
        Load::Same(Bits::B2048),
    ),
    chain(
        JWT_CACHED_2048,
        "jwt_authn with jwt_cache_config, token seen before, RSA-2048",
        Kind::JwtAuthnCached,
        Load::Same(Bits::B2048),
    ),
    chain(
        HOT_2048,
        "this filter, token seen before, RSA-2048",
        Kind::Filter,
        Load::Same(Bits::B2048),
    ),
    chain(
        "hot-64",
        "this filter, 64 tokens seen before, RSA-2048",
        Kind::Filter,
        Load::Cycle(64, Bits::B2048),
    ),
    chain(
        JWT_CACHED_4096,
        "jwt_authn with jwt_cache_config, token seen before, RSA-4096",
        Kind::JwtAuthnCached,
        Load::Same(Bits::B4096),
    ),
    chain(
        HOT_4096,
        "this filter, token seen before, RSA-4096",
        Kind::Filter,
        Load::Same(Bits::B4096),
    ),
    chain(
        JWT_2048,
        "jwt_authn without cache, RSA-2048",
        Kind::JwtAuthn,
        COLD_2048,
    ),
    chain(
        COLD_2048_NAME,
        "this filter, new token, verified by the host, RSA-2048",
        Kind::FilterSmallCache,
        COLD_2048,
    ),
    chain(
        JWT_4096,
        "jwt_authn without cache, RSA-4096",
        Kind::JwtAuthn,
        COLD_4096,
    ),
    chain(
        COLD_4096_NAME,
        "this filter, new token, verified by the host, RSA-4096",
        Kind::FilterSmallCache,
        COLD_4096,
    ),
    chain(
        SANDBOX_2048,
        "this filter, new token, verified in the sandbox, RSA-2048",
        Kind::FilterSandboxed,
        COLD_2048,
    ),
    chain(
        SANDBOX_4096,
        "this filter, new token, verified in the sandbox, RSA-4096",
        Kind::FilterSandboxed,
        COLD_4096,
    ),
    chain(
        "refused-absent",
        "this filter, no token: challenge",
        Kind::Filter,
        Load::Absent,
    ),
    chain(
        "refused-2048",
        "this filter, wrong signature: challenge, RSA-2048",
        Kind::Filter,
        Load::Forged(Bits::B2048),
    ),
    chain(
        "refused-4096",
        "this filter, wrong signature: challenge, RSA-4096",
        Kind::Filter,
        Load::Forged(Bits::B4096),
    ),
];

/// Names that targets refer to.
pub const ENVOY: &str = "envoy";
/// The do-nothing filter.
pub const NOTHING: &str = "nothing";
/// `jwt_authn` with its cache, 2048 bits.
pub const JWT_CACHED_2048: &str = "jwt-authn-cached-2048";
/// `jwt_authn` with its cache, 4096 bits.
pub const JWT_CACHED_4096: &str = "jwt-authn-cached-4096";
/// `jwt_authn` without cache, 2048 bits.
pub const JWT_2048: &str = "jwt-authn-2048";
/// `jwt_authn` without cache, 4096 bits.
pub const JWT_4096: &str = "jwt-authn-4096";
/// A token seen before, 2048 bits.
pub const HOT_2048: &str = "hot-2048";
/// A token seen before, 4096 bits.
pub const HOT_4096: &str = "hot-4096";
/// A new token, verified by the host, 2048 bits.
pub const COLD_2048_NAME: &str = "cold-2048";
/// A new token, verified by the host, 4096 bits.
pub const COLD_4096_NAME: &str = "cold-4096";
/// A new token, verified in the sandbox, 2048 bits.
pub const SANDBOX_2048: &str = "sandbox-2048";
/// A new token, verified in the sandbox, 4096 bits.
pub const SANDBOX_4096: &str = "sandbox-4096";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_cold_chains_are_cold() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), ALL.len());
        const { assert!(COLD_TOKENS > COLD_ENTRIES) };
        // Only this filter is sent what is refused: the others would do other work.
        assert!(
            ALL.iter()
                .all(|it| !it.load.is_refused() || it.kind.has_filter())
        );
    }
}
