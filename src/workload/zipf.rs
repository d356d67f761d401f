//! Skewed choices: the k-th of n items is chosen with a chance in proportion to 1/k^s (Zipf's law). Integers only.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::{Stream, log2};

/// The exponent s of Zipf's law: 0 is uniform, 0.99 is what YCSB uses. Written `"0.99"` or `"1"`: at most 10, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Skew {
    thousandths: u32,
}

impl Skew {
    const THOUSANDTHS_MAX: u32 = 10_000;

    /// So many thousandths; nothing if more than ten thousand.
    pub const fn from_thousandths(thousandths: u32) -> Option<Self> {
        if thousandths > Self::THOUSANDTHS_MAX { None } else { Some(Self { thousandths }) }
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.thousandths / 1000, self.thousandths % 1000);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl fmt::Debug for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a skew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseSkewError {
    /// Not a decimal number.
    Form,
    /// More than three digits after the point.
    Precision,
    /// Above ten.
    TooLarge,
}

impl fmt::Display for ParseSkewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "expected a decimal number, like \"0.99\"",
            Self::Precision => "too many digits: at most three after the point",
            Self::TooLarge => "a skew lies between 0 and 10",
        })
    }
}

impl std::error::Error for ParseSkewError {}

impl FromStr for Skew {
    type Err = ParseSkewError;

    fn from_str(text: &str) -> Result<Self, ParseSkewError> {
        let text = text.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(ParseSkewError::Form);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 3 {
            return Err(ParseSkewError::Precision);
        }
        let thousandths = format!("{whole}{fraction:0<3}").parse().map_err(|_| ParseSkewError::TooLarge)?;
        Self::from_thousandths(thousandths).ok_or(ParseSkewError::TooLarge)
    }
}

impl Serialize for Skew {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Skew {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A table from which ranks are drawn after Zipf's law. Cloning shares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zipf {
    /// The sum of the weights up to each rank.
    cumulative: Arc<[u64]>,
}

impl Zipf {
    /// The most ranks that keep the sum of all weights within 64 bits.
    pub(super) const RANKS_MAX: u32 = 1 << 23;

    /// A table of this many ranks.
    ///
    /// # Panics
    /// If `ranks` is zero or above [`RANKS_MAX`](Self::RANKS_MAX).
    pub(super) fn new(ranks: u32, skew: Skew) -> Self {
        assert!((1..=Self::RANKS_MAX).contains(&ranks));
        let roots = roots_of_half();
        let weights = (0..u64::from(ranks)).map(|rank| weight(rank, skew, &roots));
        let mut sum = 0;
        let cumulative = weights.map(|weight| {
            sum += weight;
            sum
        });
        Self { cumulative: cumulative.collect() }
    }

    /// A rank from 0; lower ones are the more likely.
    pub(super) fn draw(&self, random: &mut Stream) -> u32 {
        let total = *self.cumulative.last().expect("there is at least one rank");
        let place = random.below(total);
        self.cumulative.partition_point(|sum| *sum <= place) as u32
    }
}

/// How many fractional bits weights have. The first rank's is one, and no other's is more.
const WEIGHT_BITS: u32 = 40;

const _: () = assert!(Zipf::RANKS_MAX as u64 <= u64::MAX >> WEIGHT_BITS, "the sum of all weights keeps within 64 bits");

/// (rank + 1)^-skew, from a zero-based rank.
fn weight(rank: u64, skew: Skew, roots: &[u64; 32]) -> u64 {
    let exponent = u128::from(log2(rank)) * u128::from(skew.thousandths) / 1000;
    exp2_minus(exponent as u64, roots) >> (62 - WEIGHT_BITS)
}

/// 2^-exponent with 62 fractional bits, from an exponent with 32.
fn exp2_minus(exponent: u64, roots: &[u64; 32]) -> u64 {
    let shift = (exponent >> 32).min(63);
    let fraction = exponent as u32;
    let chosen = roots.iter().enumerate().filter(|(place, _)| fraction >> (31 - place) & 1 == 1);
    let product = chosen.fold(1_u64 << 62, |product, (_, root)| ((u128::from(product) * u128::from(*root)) >> 62) as u64);
    product >> shift
}

/// 2^-(1/2), 2^-(1/4), 2^-(1/8), … with 62 fractional bits: each is the root of the one before.
fn roots_of_half() -> [u64; 32] {
    let mut last = 1_u64 << 61;
    std::array::from_fn(|_| {
        last = (u128::from(last) << 62).isqrt() as u64;
        last
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RunKey;

    fn skew(text: &str) -> Skew {
        text.parse().unwrap()
    }

    #[test]
    fn skews_read_back() {
        for text in ["0", "0.5", "0.99", "1", "1.001", "10"] {
            assert_eq!(skew(text).to_string(), text);
        }
        assert_eq!(skew("1.000000"), skew("1"));
        for (text, why) in [
            ("", ParseSkewError::Form),
            ("1.", ParseSkewError::Form),
            (".5", ParseSkewError::Form),
            ("-1", ParseSkewError::Form),
            ("0.9999", ParseSkewError::Precision),
            ("10.1", ParseSkewError::TooLarge),
            ("99999999999", ParseSkewError::TooLarge),
        ] {
            assert_eq!(text.parse::<Skew>(), Err(why), "{text}");
        }
    }

    #[test]
    fn weights_are_reciprocal_powers() {
        let roots = roots_of_half();
        let one = 1_u64 << 40;
        let near = |rank, text, expected: u64| {
            let found = weight(rank, skew(text), &roots);
            assert!(found.abs_diff(expected) <= 1 + expected / 100_000_000, "{}^-{text}: {found}, not {expected}", rank + 1);
        };
        for rank in [0, 1, 2, 6, 99, 65_535, 1_000_000] {
            near(rank, "0", one);
            near(rank, "1", one / (rank + 1));
            near(rank, "2", one / (rank + 1).pow(2));
            near(rank, "0.5", (u128::from(one).pow(2) / u128::from(rank + 1)).isqrt() as u64);
        }
    }

    #[test]
    fn draws_follow_the_law() {
        let zipf = Zipf::new(4, skew("1"));
        let mut random = RunKey::from_seed(1).stream("test", 0);
        let mut counts = [0_u32; 4];
        for _ in 0..25_000 {
            counts[zipf.draw(&mut random) as usize] += 1;
        }
        // 1 + 1/2 + 1/3 + 1/4 = 25/12: of 25,000 draws 12,000, 6,000, 4,000 and 3,000 are expected.
        for (count, expected) in counts.into_iter().zip([12_000, 6_000, 4_000, 3_000]) {
            assert!(count.abs_diff(expected) < 250, "{counts:?}");
        }
    }

    /// What a seed means is part of the public interface: these ranks may change only with a note in the changelog.
    #[test]
    fn the_ranks_of_a_seed_are_fixed() {
        let zipf = Zipf::new(1_000, skew("0.99"));
        let mut random = RunKey::from_seed(1).stream("test", 0);
        let ranks: Vec<u32> = (0..8).map(|_| zipf.draw(&mut random)).collect();
        assert_eq!(ranks, [275, 67, 1, 1, 7, 8, 81, 0]);
    }
}
