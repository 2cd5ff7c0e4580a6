//! Points in time, as the registry compares them.
//!
//! The core has no clock: every function that needs the time takes it as an argument.

use std::time::Duration;

use x509_cert::der::DateTime;

/// How far `exp` and `nbf` may be off, in seconds.
///
/// The registry's own constant (`registry/auth/token/token.go`, `Leeway`), measured: a token 58 s
/// past its `exp` is accepted, one 62 s past is refused. It is not configurable: a larger value
/// would let pass what the registry refuses.
pub const LEEWAY_SECONDS: i64 = 60;

/// Seconds from the year 1, where Go's `time.Time` starts to count, to 1970.
///
/// A claim so large that Go's sum with this constant overflows is in the past for the registry
/// (`time.Unix` wraps); adding the leeway after that saturates (`time.Time.Add`).
const GO_EPOCH_OFFSET: i64 = 62_135_596_800;

/// A point in time at or after 1970, with the host clock's resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(Duration);

impl UnixTime {
    /// The time `since_epoch` after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn new(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// The time `seconds` after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX)
    }

    /// Whether a token with this `exp` (seconds since 1970) may no longer be used.
    ///
    /// True later than `exp` plus [`LEEWAY_SECONDS`], to the nanosecond, and for a value so large
    /// that the registry's own sum overflows.
    #[must_use]
    pub fn is_past_expiry(self, exp: i64) -> bool {
        let Some(last) = exp
            .checked_add(GO_EPOCH_OFFSET)
            .map(|in_range| in_range.saturating_add(LEEWAY_SECONDS))
            .and_then(|sum| sum.checked_sub(GO_EPOCH_OFFSET))
        else {
            return true;
        };
        self.is_after(last)
    }

    /// Whether a token with this `nbf` (seconds since 1970) may not be used yet.
    ///
    /// True before `nbf` less [`LEEWAY_SECONDS`].
    #[must_use]
    pub fn is_before_start(self, nbf: i64) -> bool {
        self.seconds() < nbf.saturating_sub(LEEWAY_SECONDS)
    }

    /// Whether this time is later than `seconds` since 1970.
    #[must_use]
    pub fn is_after(self, seconds: i64) -> bool {
        match self.seconds().cmp(&seconds) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => self.0.subsec_nanos() > 0,
            std::cmp::Ordering::Less => false,
        }
    }
}

/// `2036-11-21T20:43:31Z`; the number itself if it is out of a calendar's range.
#[must_use]
pub fn date(seconds: i64) -> String {
    u64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_unix_duration(Duration::from_secs(seconds)).ok())
        .map_or_else(|| seconds.to_string(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn expiry_has_sixty_seconds_of_leeway_and_not_a_nanosecond_more() {
        let now = UnixTime::from_seconds(NOW);
        let just_after = UnixTime::new(Duration::new(NOW, 1));
        for (exp, at_now, a_nanosecond_later) in [
            (1_700_000_000, false, false),
            (1_699_999_940, false, true),
            (1_699_999_939, true, true),
            (0, true, true),
            (-1, true, true),
            (9_000_000_000_000_000_000, false, false),
            // The last value whose sum with Go's epoch does not wrap, and the next.
            (9_223_371_974_719_179_007, false, false),
            (9_223_371_974_719_179_008, true, true),
            (i64::MAX, true, true),
            (i64::MIN, true, true),
        ] {
            assert_eq!(now.is_past_expiry(exp), at_now, "exp {exp}");
            assert_eq!(
                just_after.is_past_expiry(exp),
                a_nanosecond_later,
                "exp {exp}"
            );
        }
    }

    #[test]
    fn start_has_sixty_seconds_of_leeway() {
        let now = UnixTime::from_seconds(NOW);
        for (nbf, refused) in [
            (1_700_000_060, false),
            (1_700_000_061, true),
            (0, false),
            (i64::MIN, false),
            (i64::MAX, true),
        ] {
            assert_eq!(now.is_before_start(nbf), refused, "nbf {nbf}");
        }
    }
}
