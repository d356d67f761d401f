//! The run's one source of randomness.
//!
//! Everything random in a run comes from its [`RunKey`], in one of two ways. What belongs to an *entity* (a node's election timeouts, a
//! client's choice of keys) comes from a [`Stream`], derived from the seed, a label and the entity; what belongs to one thing that the
//! entity does (a client's operation) from a [fork](Stream::fork) of it. What belongs to one *message* (its latency, its loss) comes from
//! [`RunKey::word`], a stateless function of the key, a purpose and the message's identity. So a new draw in one place reshuffles no
//! other, and removing one fault leaves the rest of the run alone.
//!
//! Sampling uses integers only: the same on every machine.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use super::{Duration, DurationRange, Ratio};

/// What all randomness of a run is derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunKey(u64);

impl RunKey {
    /// The key of the run with this seed.
    #[inline]
    pub const fn from_seed(seed: u64) -> Self {
        Self(mix(seed ^ 0x5374_6f72_6d67_6c61))
    }

    /// A stream of its own for the `entity` (a node's number, say) under this `label`. Costs nothing until its first draw.
    #[inline]
    pub fn stream(self, label: &'static str, entity: u64) -> Stream {
        let label = label.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| mix(hash ^ u64::from(byte)));
        Stream { key: mix(self.0 ^ mix(label ^ mix(entity))), source: Source::Unborn }
    }

    /// A uniform word that depends on nothing but this key, the `purpose` and the `identity` of what it is for.
    #[inline]
    pub const fn word(self, purpose: u64, identity: u64) -> u64 {
        mix(mix(self.0 ^ identity) ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// A bijection of 64-bit words that scatters every bit (the finaliser of SplitMix64; Steele, Lea and Flood, 2014).
#[inline]
pub(super) const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The generator of a key. The seed is filled here, so that no release of a dependency can change what a key means.
#[inline]
fn generator(key: u64) -> ChaCha8Rng {
    let mut seed = [0; 32];
    for (place, chunk) in seed.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&mix(key.wrapping_add(place as u64)).to_le_bytes());
    }
    ChaCha8Rng::from_seed(seed)
}

/// A reproducible stream of random words for one entity: ChaCha with eight rounds.
#[derive(Debug)]
pub struct Stream {
    key: u64,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Not drawn from yet: a hundred thousand idle nodes cost no generator.
    Unborn,
    Born(Box<ChaCha8Rng>),
    /// A fork: words of its key and of how many were drawn (SplitMix64). It costs nothing to begin.
    Fork(u64),
    /// Words given in advance, then zeros: to step a process by hand.
    Scripted(std::vec::IntoIter<u64>),
}

impl Clone for Stream {
    fn clone(&self) -> Self {
        let source = match &self.source {
            Source::Unborn => Source::Unborn,
            Source::Born(drawn_from) => {
                let mut again = Box::new(generator(self.key));
                again.set_word_pos(drawn_from.get_word_pos());
                Source::Born(again)
            }
            Source::Fork(drawn) => Source::Fork(*drawn),
            Source::Scripted(words) => Source::Scripted(words.clone()),
        };
        Self { key: self.key, source }
    }
}

impl Stream {
    /// A stream that yields these words and zeros ever after: for stepping a process by hand.
    pub fn scripted(words: impl Into<Vec<u64>>) -> Self {
        Self { key: 0, source: Source::Scripted(words.into().into_iter()) }
    }

    /// A stream of its own for one thing that the entity does: it depends on the entity, the `purpose` and the `identity` of the thing, and
    /// not on what was drawn before. So a draw more for one thing changes nothing for another. Of a scripted stream, all forks yield the
    /// words that are left.
    #[inline]
    pub fn fork(&self, purpose: u64, identity: u64) -> Self {
        let key = RunKey(self.key).word(purpose, identity);
        match &self.source {
            Source::Scripted(words) => Self { key, source: Source::Scripted(words.clone()) },
            _ => Self { key, source: Source::Fork(0) },
        }
    }

    /// The next uniform word.
    #[inline]
    pub fn word(&mut self) -> u64 {
        match &mut self.source {
            Source::Born(generator) => generator.next_u64(),
            Source::Fork(drawn) => {
                *drawn += 1;
                mix(self.key.wrapping_add(drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            }
            Source::Scripted(words) => words.next().unwrap_or(0),
            Source::Unborn => {
                let mut generator = Box::new(generator(self.key));
                let word = generator.next_u64();
                self.source = Source::Born(generator);
                word
            }
        }
    }

    /// A uniform number below `bound`.
    ///
    /// # Panics
    /// If `bound` is zero.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number lies below zero");
        scale(self.word(), bound)
    }

    /// Whether something with this chance happens.
    #[inline]
    pub fn chance(&mut self, chance: Ratio) -> bool {
        chance.strikes(self.word())
    }

    /// A uniform length within the range.
    #[inline]
    pub fn within(&mut self, range: DurationRange) -> Duration {
        sample_within(range, self.word())
    }

    /// One of the items, each as likely; nothing if there are none.
    #[inline]
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { items.get(self.below(items.len() as u64) as usize) }
    }

    /// Puts the items in a uniformly random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// Maps a uniform word to a uniform number below `bound` by multiplication (Lemire, 2019); the bias is below 2⁻³² for bounds below 2³².
#[inline]
pub const fn scale(word: u64, bound: u64) -> u64 {
    ((word as u128 * bound as u128) >> 64) as u64
}

/// Maps a uniform word to a uniform length within the range.
#[inline]
pub const fn sample_within(range: DurationRange, word: u64) -> Duration {
    let (low, high) = (range.low().as_nanos(), range.high().as_nanos());
    let width = high - low;
    Duration::from_nanos(low + if width == u64::MAX { word } else { scale(word, width + 1) })
}

/// Maps a uniform word to an exponentially distributed length with this mean, by inversion: mean · −ln(u), cut off at 44 means.
pub const fn sample_exponential(mean: Duration, word: u64) -> Duration {
    // -ln(u) = -log2(u) · ln 2, in 32 fractional bits; u = (word + 1) / 2^64 lies in (0, 1].
    const LN_2: u128 = 2_977_044_472; // ln 2 · 2^32
    let Some(number) = word.checked_add(1) else { return Duration::ZERO };
    let minus_log = (64_u64 << 32) - log2_near(number);
    let factor = (minus_log as u128 * LN_2) >> 32;
    let nanos = (mean.as_nanos() as u128 * factor) >> 32;
    Duration::from_nanos(if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 })
}

/// log2 of a number that is not zero, with 32 fractional bits: exact at 256 points of each octave and straight in between, at most
/// 3 · 10⁻⁶ too low.
const fn log2_near(number: u64) -> u64 {
    const POINTS: [u64; 257] = {
        let mut points = [0; 257];
        let mut place = 0;
        while place <= 256 {
            points[place] = log2((256 + place as u64) << 32) - (40 << 32);
            place += 1;
        }
        points
    };
    let zeros = number.leading_zeros();
    // What follows the leading one: the place in eight bits, then how far on from there in 32.
    let mantissa = (number << zeros) << 1;
    let (place, part) = ((mantissa >> 56) as usize, (mantissa << 8) >> 32);
    let (low, high) = (POINTS[place], POINTS[place + 1]);
    (((63 - zeros) as u64) << 32) + low + (((high - low) * part) >> 32)
}

/// log2(word + 1) with 32 fractional bits, by repeated squaring of the mantissa.
pub const fn log2(word: u64) -> u64 {
    let number = word as u128 + 1;
    let exponent = number.ilog2();
    // The mantissa, in [1, 2), with 62 fractional bits.
    let mut mantissa = if exponent > 62 { number >> (exponent - 62) } else { number << (62 - exponent) };
    let mut fraction = 0;
    let mut bit = 1_u64 << 31;
    while bit > 0 {
        mantissa = (mantissa * mantissa) >> 62;
        if mantissa >> 63 != 0 {
            mantissa >>= 1;
            fraction |= bit;
        }
        bit >>= 1;
    }
    ((exponent as u64) << 32) | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_apart_and_repeat() {
        let key = RunKey::from_seed(7);
        let words = |label, entity| {
            let mut stream = key.stream(label, entity);
            [stream.word(), stream.word(), stream.word()]
        };
        assert_eq!(words("node", 1), words("node", 1));
        assert_ne!(words("node", 1), words("node", 2));
        assert_ne!(words("node", 1), words("disk", 1));
        assert_ne!(key.stream("node", 1).word(), RunKey::from_seed(8).stream("node", 1).word());
    }

    #[test]
    fn forks_depend_on_what_they_are_for_and_not_on_what_was_drawn() {
        let mut stream = RunKey::from_seed(7).stream("node", 1);
        let words = |stream: &Stream, purpose, identity| {
            let mut fork = stream.fork(purpose, identity);
            [fork.word(), fork.word()]
        };
        let before = words(&stream, 1, 2);
        assert_ne!(before[0], before[1]);
        stream.word();
        assert_eq!(words(&stream, 1, 2), before);
        for other in [words(&stream, 2, 2), words(&stream, 1, 3), words(&RunKey::from_seed(7).stream("node", 2), 1, 2)] {
            assert_ne!(other, before);
        }
    }

    #[test]
    fn a_copy_of_a_stream_goes_on_where_the_stream_is() {
        let mut stream = RunKey::from_seed(7).stream("node", 1);
        for _ in 0..100 {
            let mut copy = stream.clone();
            stream.word();
            assert_eq!(stream.clone().word(), {
                copy.word();
                copy.word()
            });
        }
    }

    /// What a seed means is part of the public interface: these words may change only with a note in the changelog.
    #[test]
    fn the_words_of_a_seed_are_fixed() {
        let key = RunKey::from_seed(1);
        assert_eq!(key.word(2, 3), 6_166_647_852_746_079_653);
        assert_eq!(key.stream("node", 0).word(), 2_417_170_811_434_975_174);
        assert_eq!(key.stream("node", 0).fork(2, 3).word(), 18_378_987_260_582_002_352);
    }

    #[test]
    fn uniform_numbers_are_uniform() {
        let mut stream = RunKey::from_seed(3).stream("test", 0);
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            counts[stream.below(10) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }

    #[test]
    fn exponential_lengths_have_their_mean_and_median() {
        let mut stream = RunKey::from_seed(3).stream("test", 0);
        let mean = Duration::from_millis(10);
        let mut lengths: Vec<u64> = (0..100_000).map(|_| sample_exponential(mean, stream.word()).as_nanos()).collect();
        lengths.sort_unstable();
        let average = lengths.iter().sum::<u64>() / 100_000;
        assert!((9_850_000..10_150_000).contains(&average), "{average}");
        // The median of an exponential distribution is ln 2 times its mean.
        assert!((6_800_000..7_060_000).contains(&lengths[50_000]), "{}", lengths[50_000]);
        assert_eq!(sample_exponential(mean, u64::MAX), Duration::ZERO);
        assert!(sample_exponential(mean, 0) < mean * 45);
    }

    #[test]
    fn logarithms_are_near() {
        let mut stream = RunKey::from_seed(3).stream("test", 0);
        for bits in 0..64 {
            for number in [1 << bits, (1 << bits) | (stream.word() >> (63 - bits)), u64::MAX >> bits] {
                let (near, exact) = (log2_near(number), log2(number - 1));
                // 13 000 / 2^32 is 3 · 10⁻⁶.
                assert!((exact.saturating_sub(13_000)..=exact + 1).contains(&near), "{number}: {near}, {exact}");
            }
        }
    }

    #[test]
    fn shuffling_keeps_the_items() {
        let mut items: Vec<u32> = (0..50).collect();
        RunKey::from_seed(1).stream("test", 0).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
