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
    chain(
        ALONE,
        "Envoy alone, no filter",
        Kind::Envoy,
        Load::Same(Bits::B2048),
    ),
    chain(
        NOTHING,
        "a wasm filter that does nothing",
        Kind::Nothing,
        Load::Same(Bits::B2048),
    ),
    chain(
        JWT_CACHED,
        "jwt_authn with jwt_cache_config, token seen before",
        Kind::JwtAuthnCached,
        Load::Same(Bits::B2048),
    ),
    chain(
        HOT,
        "this filter, token seen before",
        Kind::Filter,
        Load::Same(Bits::B2048),
    ),
    chain(JWT, "jwt_authn without cache", Kind::JwtAuthn, COLD_2048),
    chain(
        COLD,
        "this filter, token never seen, verified by the host",
        Kind::FilterSmallCache,
        COLD_2048,
    ),
    chain(
        COLD_WASM,
        "this filter, token never seen, verified in wasm",
        Kind::FilterSandboxed,
        COLD_2048,
    ),
    chain(
        CHALLENGE,
        "this filter, no token: challenge",
        Kind::Filter,
        Load::Absent,
    ),
    chain(
        FORGED,
        "this filter, wrong signature: challenge",
        Kind::Filter,
        Load::Forged(Bits::B2048),
    ),
    chain(
        "jwt-cached-4096",
        "jwt_authn with jwt_cache_config, token seen before, RSA-4096",
        Kind::JwtAuthnCached,
        Load::Same(Bits::B4096),
    ),
    chain(
        "hot-4096",
        "this filter, token seen before, RSA-4096",
        Kind::Filter,
        Load::Same(Bits::B4096),
    ),
    chain(
        JWT_4096,
        "jwt_authn without cache, RSA-4096",
        Kind::JwtAuthn,
        COLD_4096,
    ),
    chain(
        COLD_4096_NAME,
        "this filter, token never seen, verified by the host, RSA-4096",
        Kind::FilterSmallCache,
        COLD_4096,
    ),
    chain(
        "cold-wasm-4096",
        "this filter, token never seen, verified in wasm, RSA-4096",
        Kind::FilterSandboxed,
        COLD_4096,
    ),
    chain(
        "forged-4096",
        "this filter, wrong signature: challenge, RSA-4096",
        Kind::Filter,
        Load::Forged(Bits::B4096),
    ),
];

/// Those of a quick run.
pub static QUICK: &[&str] = &[ALONE, NOTHING, JWT_CACHED, HOT, JWT, COLD, CHALLENGE];

/// Those that a smoke test looks at beside them: the other verifier, and a refused signature.
pub static SMOKE: &[&str] = &[COLD_WASM, FORGED];

/// A wrong signature.
pub const FORGED: &str = "forged";
/// Envoy alone; what is added to it is the cost of a chain.
pub const ALONE: &str = "alone";
/// The do-nothing filter.
pub const NOTHING: &str = "nothing";
/// `jwt_authn` with its cache.
pub const JWT_CACHED: &str = "jwt-cached";
/// A token seen before.
pub const HOT: &str = "hot";
/// `jwt_authn` without cache.
pub const JWT: &str = "jwt";
/// A new token, verified by the host.
pub const COLD: &str = "cold";
/// A new token, verified in the sandbox.
pub const COLD_WASM: &str = "cold-wasm";
/// No token.
pub const CHALLENGE: &str = "challenge";
/// `jwt_authn` without cache, RSA-4096.
pub const JWT_4096: &str = "jwt-4096";
/// A new token, verified by the host, RSA-4096.
pub const COLD_4096_NAME: &str = "cold-4096";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_cold_chains_are_cold() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(QUICK.iter().chain(SMOKE).all(|name| names.contains(name)));
        const { assert!(COLD_TOKENS > COLD_ENTRIES) };
        // Only this filter is sent what is refused: the others would do other work.
        assert!(
            ALL.iter()
                .all(|it| !it.load.is_refused() || it.kind.has_filter())
        );
    }
}
