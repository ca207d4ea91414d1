//! Dice of one seed (splitmix64): the same calls give the same numbers, whatever library versions there are.

use std::ops::RangeInclusive;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for some part of the world: more draws there change nothing here.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.draw())
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of a range.
    pub fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (first, last) = (*range.start(), *range.end());
        first + self.draw() % (last - first + 1)
    }

    /// A position in something of this length, which is not 0.
    pub fn position(&mut self, length: usize) -> usize {
        (self.draw() % length as u64) as usize
    }

    /// One of several; there is at least one.
    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.position(among.len())]
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.draw() % 100 < percent
    }

    /// Puts things in any order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.position(last + 1));
        }
    }

    /// A positive number around `mean`, most of them below it, few far above.
    pub fn around(&mut self, mean: u64) -> u64 {
        // The smaller of two, now and then the product: enough of an exponential without floats.
        let limit = 2 * mean + 1;
        let (one, other) = (self.draw() % limit, self.draw() % limit);
        match self.percent(10) {
            true => one + other,
            false => one.min(other) + one.max(other) / 3,
        }
    }
}
