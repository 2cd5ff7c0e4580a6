//! Medians and what surrounds them.
//!
//! Rounds alternate between the chains, so samples of equal number were taken within seconds of
//! each other. Chains are therefore compared pair by pair, and the median is taken of the
//! comparisons: a slow minute of the machine hits both sides of a pair.

use serde::{Deserialize, Serialize};

/// The middle of some samples, and the quartiles around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// First quartile.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub high: f64,
}

impl Spread {
    /// Of samples in any order; `None` without any.
    #[must_use]
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            low: quantile(&sorted, 0.25)?,
            median: quantile(&sorted, 0.5)?,
            high: quantile(&sorted, 0.75)?,
        })
    }

    /// Of the differences `left - right`, pair by pair.
    #[must_use]
    pub fn of_differences(left: &[f64], right: &[f64]) -> Option<Self> {
        Self::of(left.iter().zip(right).map(|(left, right)| left - right))
    }

    /// Of the ratios `left / right`, pair by pair.
    #[must_use]
    pub fn of_ratios(left: &[f64], right: &[f64]) -> Option<Self> {
        Self::of(left.iter().zip(right).map(|(left, right)| left / right))
    }
}

/// Linear interpolation between the two nearest ranks (Hyndman and Fan's definition 7).
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = part * last as f64;
    let below = *sorted.get(rank.floor() as usize)?;
    let above = *sorted.get(rank.ceil() as usize)?;
    Some(below + (above - below) * rank.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(samples: &[f64]) -> Option<(f64, f64, f64)> {
        Spread::of(samples.iter().copied()).map(|it| (it.low, it.median, it.high))
    }

    #[test]
    fn quartiles() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[7.0]), Some((7.0, 7.0, 7.0)));
        assert_eq!(spread(&[3.0, 1.0]), Some((1.5, 2.0, 2.5)));
        assert_eq!(spread(&[5.0, 1.0, 3.0, 2.0, 4.0]), Some((2.0, 3.0, 4.0)));
    }

    #[test]
    fn one_disturbed_round_does_not_move_the_median() {
        let calm = spread(&[10.0, 11.0, 12.0, 11.0, 10.0]).unwrap();
        let disturbed = spread(&[10.0, 11.0, 900.0, 11.0, 10.0]).unwrap();
        assert_eq!(calm.1, disturbed.1);
    }

    #[test]
    fn pairs_cancel_what_slows_both() {
        let (left, right) = ([20.0, 40.0, 22.0], [10.0, 20.0, 11.0]);
        assert_eq!(Spread::of_ratios(&left, &right).unwrap().median, 2.0);
        assert_eq!(Spread::of_differences(&left, &right).unwrap().median, 11.0);
        assert_eq!(Spread::of_ratios(&left, &[]), None);
    }
}
