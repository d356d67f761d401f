//! Small sets, and counts packed into the same words.

use super::tally::CountField;

/// A small set of numbers below 64 · `W`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bits<const W: usize>(pub(super) [u64; W]);

impl<const W: usize> Bits<W> {
    pub(crate) const EMPTY: Self = Self([0; W]);

    #[inline]
    pub(crate) const fn has(&self, place: u32) -> bool {
        self.0[place as usize / 64] >> (place % 64) & 1 != 0
    }

    #[inline]
    pub(crate) const fn insert(&mut self, place: u32) {
        self.0[place as usize / 64] |= 1 << (place % 64);
    }

    #[inline]
    pub(crate) const fn remove(&mut self, place: u32) {
        self.0[place as usize / 64] &= !(1 << (place % 64));
    }

    #[inline]
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    #[inline]
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    #[inline]
    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.minus(other).is_empty()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The numbers whose bits are set in these words.
    pub(crate) fn of_words(words: &[u64]) -> Self {
        Self(std::array::from_fn(|word| words.get(word).copied().unwrap_or(0)))
    }

    /// How often something was counted.
    #[inline]
    pub(crate) const fn count(&self, field: &CountField) -> u32 {
        (self.0[field.word as usize] >> field.shift & field.mask) as u32
    }

    /// Counts once more.
    #[inline]
    pub(crate) const fn count_up(&mut self, field: &CountField) {
        self.0[field.word as usize] += 1 << field.shift;
    }

    /// Counts so many.
    pub(crate) const fn set_count(&mut self, field: &CountField, count: u32) {
        self.clear(field);
        self.0[field.word as usize] |= (count as u64) << field.shift;
    }

    /// Sets all bits of a count.
    pub(crate) const fn fill(&mut self, field: &CountField) {
        self.0[field.word as usize] |= field.mask << field.shift;
    }

    /// Clears all bits of a count.
    pub(crate) const fn clear(&mut self, field: &CountField) {
        self.0[field.word as usize] &= !(field.mask << field.shift);
    }

    /// The smallest number, taken out.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u32> {
        for (place, word) in self.0.iter_mut().enumerate() {
            if *word != 0 {
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                return Some(place as u32 * 64 + bit);
            }
        }
        None
    }
}
