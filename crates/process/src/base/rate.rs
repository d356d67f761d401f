//! How often something happens.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::Duration;

/// How often something happens, on average: so many times in a unit of time. Written `"100/s"`, `"5/min"` or `"2/ms"`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    unit: Unit,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Unit {
    Millisecond,
    Second,
    Minute,
}

impl Unit {
    const ALL: [Self; 3] = [Self::Millisecond, Self::Second, Self::Minute];

    const fn name(self) -> &'static str {
        match self {
            Self::Millisecond => "ms",
            Self::Second => "s",
            Self::Minute => "min",
        }
    }

    const fn length(self) -> Duration {
        match self {
            Self::Millisecond => Duration::from_millis(1),
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_secs(60),
        }
    }
}

impl Rate {
    /// So many times a second; nothing if that is never.
    pub const fn per_second(count: u32) -> Option<Self> {
        match NonZeroU32::new(count) {
            Some(count) => Some(Self { count, unit: Unit::Second }),
            None => None,
        }
    }

    /// How many times in a [unit](Self::unit).
    #[inline]
    pub const fn count(self) -> u32 {
        self.count.get()
    }

    /// The unit of time: a millisecond, a second or a minute.
    #[inline]
    pub const fn unit(self) -> Duration {
        self.unit.length()
    }

    /// The mean time between two events of one source, where so many equal `sources` make this rate together. At least a nanosecond.
    pub const fn gap(self, sources: u32) -> Duration {
        // A minute is below 2^36 nanoseconds, so that the product stays below 2^68.
        let nanos = self.unit.length().as_nanos() as u128 * sources as u128 / self.count.get() as u128;
        if nanos == 0 {
            Duration::from_nanos(1)
        } else if nanos > u64::MAX as u128 {
            Duration::MAX
        } else {
            Duration::from_nanos(nanos as u64)
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.count, self.unit.name()))
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseRateError {
    /// Not a whole number, a stroke and a unit.
    Form,
    /// No unit that is known.
    Unit(String),
    /// No times in the unit: that is never.
    Never,
    /// 2³² times in the unit, or more.
    TooOften,
}

impl fmt::Display for ParseRateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("expected a rate, like \"100/s\" or \"5/min\": a whole number, a stroke and a unit"),
            Self::Unit(unit) => write!(f, "unknown unit \"{unit}\": one of ms, s, min"),
            Self::Never => f.write_str("a rate is above zero"),
            Self::TooOften => f.write_str("too often: below 2^32 in the unit"),
        }
    }
}

impl std::error::Error for ParseRateError {}

impl FromStr for Rate {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, ParseRateError> {
        let (count, unit) = text.split_once('/').ok_or(ParseRateError::Form)?;
        let (count, unit) = (count.trim(), unit.trim());
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) || unit.is_empty() {
            return Err(ParseRateError::Form);
        }
        let unit = Unit::ALL.into_iter().find(|known| known.name() == unit).ok_or_else(|| ParseRateError::Unit(unit.to_owned()))?;
        let count = count.parse().map_err(|_| ParseRateError::TooOften)?;
        Ok(Self { count: NonZeroU32::new(count).ok_or(ParseRateError::Never)?, unit })
    }
}

serde_as_text!(Rate);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_back() {
        for text in ["100/s", "5/min", "2/ms", "4294967295/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        assert_eq!(" 7 / s ".parse::<Rate>(), Ok(Rate::per_second(7).unwrap()));
    }

    #[test]
    fn wrong_rates_say_why() {
        for (text, why) in [
            ("", ParseRateError::Form),
            ("100", ParseRateError::Form),
            ("/s", ParseRateError::Form),
            ("5/", ParseRateError::Form),
            ("0.5/s", ParseRateError::Form),
            ("-1/s", ParseRateError::Form),
            ("5/day", ParseRateError::Unit("day".to_owned())),
            ("0/s", ParseRateError::Never),
            ("4294967296/s", ParseRateError::TooOften),
        ] {
            assert_eq!(text.parse::<Rate>(), Err(why), "{text}");
        }
    }

    #[test]
    fn sources_share_a_rate() {
        let gap = |text: &str, sources| text.parse::<Rate>().unwrap().gap(sources);
        assert_eq!(gap("100/s", 1), Duration::from_millis(10));
        assert_eq!(gap("100/s", 5), Duration::from_millis(50));
        assert_eq!(gap("5/min", 1), Duration::from_secs(12));
        assert_eq!(gap("4294967295/ms", 1), Duration::from_nanos(1));
        assert_eq!(gap("1/min", u32::MAX), Duration::MAX);
    }
}
