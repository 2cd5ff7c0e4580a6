//! Differences that are meant, each with its reason.

use registry_token_filter::profile::Profile;

use crate::support::http::Version;

/// A difference that is meant: what the edge answers, and why not what the registry answers.
#[derive(Clone, Copy)]
pub(super) struct Difference {
    pub(super) status: u16,
    pub(super) error: Option<&'static str>,
    pub(super) why: &'static str,
}

/// Where a difference holds.
#[derive(Clone, Copy)]
pub(super) enum Differs {
    Nowhere,
    Everywhere(Difference),
    Only(Profile, Difference),
    /// In Distribution 2.8 and in Distribution 3, each in its way.
    Each(Difference, Difference),
    /// In HTTP/1.1, whose parser is Envoy's own.
    OnHttp11(Difference),
}

impl Differs {
    pub(super) fn at(self, profile: Profile, version: Version) -> Option<Difference> {
        match self {
            Self::Nowhere => None,
            Self::Everywhere(difference) => Some(difference),
            Self::Only(only, difference) => (only == profile).then_some(difference),
            Self::Each(_, in_3) if profile == Profile::Distribution3 => Some(in_3),
            Self::Each(in_2, _) => Some(in_2),
            Self::OnHttp11(difference) => (version == Version::Http11).then_some(difference),
        }
    }
}

pub(super) const fn refusal(status: u16, why: &'static str) -> Difference {
    Difference {
        status,
        error: None,
        why,
    }
}

pub(super) const fn challenge(error: &'static str, why: &'static str) -> Difference {
    Difference {
        status: 401,
        error: Some(error),
        why,
    }
}
