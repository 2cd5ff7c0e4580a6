//! Times for people: dates, distances, and the times that people give.

use std::fmt;
use std::str::FromStr as _;

use x509_cert::der::DateTime;

use crate::time::UnixTime;

pub use crate::time::date;

const UNITS: [(&str, u64); 4] = [
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
    ("second", 1),
];

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MomentError {
    text: String,
}

/// Reads seconds since 1970 or a time in UTC, `2026-11-25T03:00:00Z`; a blank may stand for the `T`.
///
/// # Errors
///
/// When the text is neither, or before 1970.
pub fn parse_moment(text: &str) -> Result<UnixTime, MomentError> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(UnixTime::from_seconds(seconds));
    }
    let date = text.replacen(' ', "T", 1).to_ascii_uppercase();
    DateTime::from_str(&date)
        .map(|date| UnixTime::new(date.unix_duration()))
        .map_err(|_| MomentError {
            text: super::printable::shown(text.as_bytes()),
        })
}

/// `3 minutes 12 seconds`: the two largest units.
pub(super) fn length(seconds: u64) -> String {
    let mut rest = seconds;
    let mut words = Vec::new();
    for (unit, size) in UNITS {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            words.push(format!("{count} {unit}{plural}"));
        } else if !words.is_empty() {
            break;
        }
        if words.len() == 2 {
            break;
        }
    }
    if words.is_empty() {
        return "0 seconds".to_owned();
    }
    words.join(" ")
}

/// `3 minutes ago`, `in 4 days`, `now`.
pub(super) fn distance(seconds: i64, now: UnixTime) -> String {
    let apart = seconds.abs_diff(now.seconds());
    match seconds.cmp(&now.seconds()) {
        std::cmp::Ordering::Less => format!("{} ago", length(apart)),
        std::cmp::Ordering::Equal => "now".to_owned(),
        std::cmp::Ordering::Greater => format!("in {}", length(apart)),
    }
}

/// `2026-11-25T03:00:00Z (3 minutes ago)`.
pub(super) fn dated(seconds: i64, now: UnixTime) -> String {
    format!("{} ({})", date(seconds), distance(seconds, now))
}

impl fmt::Display for MomentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "\"{}\" is no time: expected seconds since 1970 or a time in UTC such as \
             2026-11-25T03:00:00Z",
            self.text
        )
    }
}

impl std::error::Error for MomentError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_give_times_in_two_forms() {
        for (text, seconds) in [
            ("0", Some(0)),
            (" 1800000000\n", Some(1_800_000_000)),
            ("2027-01-15T08:00:00Z", Some(1_800_000_000)),
            ("2027-01-15 08:00:00z", Some(1_800_000_000)),
            ("-1", None),
            ("", None),
            ("now", None),
            ("2027-01-15", None),
            ("2027-13-15T08:00:00Z", None),
            ("1969-12-31T23:59:59Z", None),
        ] {
            let moment = parse_moment(text).ok().map(UnixTime::seconds);
            assert_eq!(moment, seconds, "{text}");
        }
    }

    #[test]
    fn distances_are_told_in_two_units_at_most() {
        for (seconds, told) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (61, "1 minute 1 second"),
            (180, "3 minutes"),
            (3_601, "1 hour"),
            (90_061, "1 day 1 hour"),
            (86_400 * 400, "400 days"),
        ] {
            assert_eq!(length(seconds), told);
        }
        let now = UnixTime::from_seconds(1_000);
        assert_eq!(distance(820, now), "3 minutes ago");
        assert_eq!(distance(1_240, now), "in 4 minutes");
        assert_eq!(distance(1_000, now), "now");
        assert_eq!(distance(i64::MIN, now).split(' ').nth(1), Some("days"));
    }
}
