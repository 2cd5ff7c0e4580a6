//! Randomness by seed: the same case for the same seed and number, whatever ran before.

use std::ops::RangeBounds;

/// A seeded source of choices.
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    /// The dice of one case.
    pub(crate) fn of_case(seed: u64, number: u64) -> Self {
        // Seeds that differ in one bit must not give cases that resemble each other; fastrand's
        // own mixing does it once the first values are thrown away.
        let mut rng = fastrand::Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        rng.u64(..);
        Self(rng)
    }

    /// True this often out of a hundred.
    pub(crate) fn percent(&mut self, chance: u32) -> bool {
        self.0.u32(..100) < chance
    }

    pub(crate) fn number(&mut self, range: impl RangeBounds<usize>) -> usize {
        self.0.usize(range)
    }

    pub(crate) fn byte(&mut self, range: impl RangeBounds<u8>) -> u8 {
        self.0.u8(range)
    }

    pub(crate) fn fraction(&mut self) -> u16 {
        self.0.u16(..)
    }

    /// One of the choices; the default for none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let index = self.0.usize(..choices.len().max(1));
        choices.get(index).copied().unwrap_or_default()
    }

    /// One of the texts, each as often as its weight says.
    pub(crate) fn weighted(&mut self, choices: &[(u32, &'static str)]) -> &'static str {
        let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.0.u32(..total.max(1));
        for (weight, choice) in choices {
            if left < *weight {
                return choice;
            }
            left -= weight;
        }
        ""
    }

    /// A place in a text, its end included.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        self.0.usize(..=length)
    }
}
