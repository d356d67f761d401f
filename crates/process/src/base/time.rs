//! Instants and lengths of time, in whole nanoseconds.
//!
//! [`Time`] is the simulation's own, which no node can see; [`LocalTime`] is what a node's clock reads, offset and drift included. They
//! are different types so that neither is taken for the other. [`Duration`] measures both.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant of simulated time: nanoseconds since the run began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

/// What a node's own clock reads, in nanoseconds. Negative when the clock is behind the start of the run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalTime(i64);

/// A length of time in nanoseconds. Arithmetic saturates: 584 years are never exceeded silently.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

impl Time {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// The last instant that can be named.
    pub const MAX: Self = Self(u64::MAX);

    /// This many nanoseconds after the start.
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since `earlier`; zero if that is later.
    #[inline]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl LocalTime {
    /// A clock that reads this many nanoseconds.
    #[inline]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// What the clock reads, in nanoseconds.
    #[inline]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Time since `earlier` by this clock; zero if that is later (a clock can be set back).
    #[inline]
    pub const fn since(self, earlier: Self) -> Duration {
        let nanos = self.0 as i128 - earlier.0 as i128;
        Duration(if nanos < 0 { 0 } else { nanos as u64 })
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest length.
    pub const MAX: Self = Self(u64::MAX);

    /// Nanoseconds.
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Microseconds.
    #[inline]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// Milliseconds.
    #[inline]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Seconds.
    #[inline]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// This length in nanoseconds.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The difference, or zero if `other` is longer.
    #[inline]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether this is no time at all.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    #[inline]
    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(length.0))
    }
}

impl AddAssign<Duration> for Time {
    #[inline]
    fn add_assign(&mut self, length: Duration) {
        *self = *self + length;
    }
}

impl Add<Duration> for LocalTime {
    type Output = Self;
    #[inline]
    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(length.0))
    }
}

impl Add for Duration {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Duration {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Duration {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

impl Mul<u64> for Duration {
    type Output = Self;
    #[inline]
    fn mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Div<u64> for Duration {
    type Output = Self;
    #[inline]
    fn div(self, divisor: u64) -> Self {
        Self(self.0 / divisor)
    }
}

impl Sum for Duration {
    fn sum<I: Iterator<Item = Self>>(lengths: I) -> Self {
        lengths.fold(Self::ZERO, Add::add)
    }
}

const UNITS: [(&str, u64); 5] = [("min", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// The largest unit that divides the length exactly, or a decimal fraction of the largest unit below it: `150ms`, `2s`, `1.5s`,
/// `1.234567s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("0s");
        }
        // Minutes are read but not written: "90s" is plainer than "1.5min".
        let (unit, size) = UNITS[1..].iter().find(|(_, size)| self.0 >= *size).expect("a nanosecond divides every length");
        let (whole, rest) = (self.0 / size, self.0 % size);
        if rest == 0 {
            return f.pad(&format!("{whole}{unit}"));
        }
        let width = size.ilog10() as usize;
        let fraction = format!("{rest:0width$}");
        f.pad(&format!("{whole}.{}{unit}", fraction.trim_end_matches('0')))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Duration(self.0), f)
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}{}", Duration(self.0.unsigned_abs())))
    }
}

macro_rules! debug_as_display {
    ($($name:ty),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}
debug_as_display!(Time, LocalTime, Duration);

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseDurationError {
    /// There is no number before the unit.
    Number,
    /// There is no unit, or none that is known.
    Unit(String),
    /// More digits after the point than the unit has nanoseconds.
    Precision,
    /// Longer than 2⁶⁴ nanoseconds (584 years).
    TooLong,
}

impl fmt::Display for ParseDurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number => f.write_str("expected a number and a unit, like \"150ms\""),
            Self::Unit(unit) if unit.is_empty() => {
                f.write_str("the unit is missing: write \"150ms\", \"2s\", \"1.5s\" (ns, us, ms, s, min)")
            }
            Self::Unit(unit) => write!(f, "unknown unit \"{unit}\": one of ns, us, ms, s, min"),
            Self::Precision => f.write_str("finer than a nanosecond"),
            Self::TooLong => f.write_str("longer than 584 years"),
        }
    }
}

impl std::error::Error for ParseDurationError {}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, ParseDurationError> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.contains('.') || (number.contains('.') && fraction.is_empty()) {
            return Err(ParseDurationError::Number);
        }
        let unit = unit.trim();
        if unit.is_empty() && number == "0" {
            return Ok(Self::ZERO);
        }
        let unit = if unit == "µs" { "us" } else { unit };
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| ParseDurationError::Unit(unit.to_owned()))?;
        let whole: u64 = whole.parse().map_err(|_| ParseDurationError::TooLong)?;
        let mut nanos = whole.checked_mul(*size).ok_or(ParseDurationError::TooLong)?;
        // The fraction is a count of tenths, hundredths, … of the unit: exact in u128, since no unit has more than eleven digits.
        let fraction = fraction.trim_end_matches('0');
        if !fraction.is_empty() {
            if fraction.len() > 12 {
                return Err(ParseDurationError::Precision);
            }
            let count: u128 = fraction.parse().map_err(|_| ParseDurationError::Number)?;
            let parts = count * u128::from(*size);
            let scale = 10_u128.pow(fraction.len() as u32);
            if !parts.is_multiple_of(scale) {
                return Err(ParseDurationError::Precision);
            }
            nanos = nanos.checked_add((parts / scale) as u64).ok_or(ParseDurationError::TooLong)?;
        }
        Ok(Self(nanos))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

/// Lengths from `low` to `high`, both included: `"150ms..300ms"`; a single length where both are equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DurationRange {
    low: Duration,
    high: Duration,
}

impl DurationRange {
    /// From `low` to `high`, or nothing if they are inverted.
    pub fn new(low: Duration, high: Duration) -> Option<Self> {
        (low <= high).then_some(Self { low, high })
    }

    /// The shortest length.
    #[inline]
    pub const fn low(self) -> Duration {
        self.low
    }

    /// The longest length.
    #[inline]
    pub const fn high(self) -> Duration {
        self.high
    }
}

impl From<Duration> for DurationRange {
    fn from(length: Duration) -> Self {
        Self { low: length, high: length }
    }
}

impl fmt::Display for DurationRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.low == self.high { fmt::Display::fmt(&self.low, f) } else { f.pad(&format!("{}..{}", self.low, self.high)) }
    }
}

impl fmt::Debug for DurationRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a range of lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseRangeError {
    /// One of the bounds is not a length.
    Bound(ParseDurationError),
    /// The first bound is longer than the second.
    Inverted,
}

impl fmt::Display for ParseRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bound(why) => fmt::Display::fmt(why, f),
            Self::Inverted => f.write_str("the range is inverted: the shorter length comes first"),
        }
    }
}

impl std::error::Error for ParseRangeError {}

impl FromStr for DurationRange {
    type Err = ParseRangeError;

    fn from_str(text: &str) -> Result<Self, ParseRangeError> {
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let low = low.parse().map_err(ParseRangeError::Bound)?;
        let high = high.parse().map_err(ParseRangeError::Bound)?;
        Self::new(low, high).ok_or(ParseRangeError::Inverted)
    }
}

serde_as_text!(DurationRange);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_print_as_people_write_them() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5us"),
            (150_000_000, "150ms"),
            (2_000_000_000, "2s"),
            (1_000_000_001, "1.000000001s"),
            (90_000_000_000, "90s"),
        ] {
            assert_eq!(Duration(nanos).to_string(), text);
            assert_eq!(text.parse(), Ok(Duration(nanos)));
        }
        assert_eq!("1min".parse(), Ok(Duration::from_secs(60)));
        assert_eq!("0".parse(), Ok(Duration::ZERO));
        assert_eq!("2.5 ms".parse(), Ok(Duration::from_micros(2_500)));
    }

    #[test]
    fn wrong_lengths_say_why() {
        for (text, why) in [
            ("", ParseDurationError::Number),
            ("ms", ParseDurationError::Number),
            ("1.", ParseDurationError::Number),
            ("1.2.3s", ParseDurationError::Number),
            ("150", ParseDurationError::Unit(String::new())),
            ("5 parsecs", ParseDurationError::Unit("parsecs".to_owned())),
            ("0.5ns", ParseDurationError::Precision),
            ("1.0000000001s", ParseDurationError::Precision),
            ("18446744074s", ParseDurationError::TooLong),
            ("99999999999999999999s", ParseDurationError::TooLong),
        ] {
            assert_eq!(text.parse::<Duration>(), Err(why), "{text}");
        }
        assert_eq!("3s..1s".parse::<DurationRange>(), Err(ParseRangeError::Inverted));
    }

    proptest! {
        #[test]
        fn every_length_reads_back(nanos in any::<u64>()) {
            let length = Duration(nanos);
            prop_assert_eq!(length.to_string().parse(), Ok(length));
        }
    }
}
