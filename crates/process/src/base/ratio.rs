//! Exact chances.

use std::fmt;
use std::str::FromStr;

/// An exact ratio from 0 to 1: the chance that something happens. Written `"1/100"`, `"1%"`, `"0.01"`, `"0"` or `"1"`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    parts: u32,
    whole: u32,
}

impl Ratio {
    /// Never.
    pub const NEVER: Self = Self { parts: 0, whole: 1 };
    /// Always.
    pub const ALWAYS: Self = Self { parts: 1, whole: 1 };

    /// `parts` out of `whole`, in lowest terms, so that equal chances are equal; nothing if `whole` is zero or `parts` exceeds it.
    pub const fn new(parts: u32, whole: u32) -> Option<Self> {
        if whole == 0 || parts > whole {
            return None;
        }
        let divisor = gcd(parts, whole);
        Some(Self { parts: parts / divisor, whole: whole / divisor })
    }

    /// The numerator, in lowest terms.
    #[inline]
    pub const fn parts(self) -> u32 {
        self.parts
    }

    /// The denominator, in lowest terms: above zero, and at least the numerator.
    #[inline]
    pub const fn whole(self) -> u32 {
        self.whole
    }

    /// Whether this is zero.
    #[inline]
    pub const fn is_never(self) -> bool {
        self.parts == 0
    }

    /// Whether `part` is at least this share of `whole`, exactly.
    #[inline]
    pub const fn is_reached_by(self, part: u64, whole: u64) -> bool {
        part as u128 * self.whole as u128 >= whole as u128 * self.parts as u128
    }

    /// Whether a uniformly drawn `word` strikes. Exact to one part in 2⁶⁴; integers only.
    #[inline]
    pub const fn strikes(self, word: u64) -> bool {
        // word / 2^64 < parts / whole
        ((word as u128 * self.whole as u128) >> 64) < self.parts as u128
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.parts, self.whole) {
            (0, _) => f.pad("0"),
            (parts, whole) if parts == whole => f.pad("1"),
            (parts, whole) => f.pad(&format!("{parts}/{whole}")),
        }
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseRatioError {
    /// Neither a fraction, a percentage nor a decimal number.
    Form,
    /// Below zero or above one.
    Range,
    /// More digits than 32 bits hold.
    Precision,
}

impl fmt::Display for ParseRatioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "expected a chance, like \"1/100\", \"1%\" or \"0.01\"",
            Self::Range => "a chance lies between 0 and 1",
            Self::Precision => "too many digits: at most nine after the point",
        })
    }
}

impl std::error::Error for ParseRatioError {}

impl FromStr for Ratio {
    type Err = ParseRatioError;

    fn from_str(text: &str) -> Result<Self, ParseRatioError> {
        let text = text.trim();
        if let Some((parts, whole)) = text.split_once('/') {
            let number = |digits: &str| digits.trim().parse::<u32>().map_err(|_| ParseRatioError::Form);
            return Self::new(number(parts)?, number(whole)?).ok_or(ParseRatioError::Range);
        }
        let (number, base) = match text.strip_suffix('%') {
            Some(percent) => (percent.trim_end(), 100),
            None => (text, 1),
        };
        if number.starts_with('-') {
            return Err(ParseRatioError::Range);
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || (number.contains('.') && fraction.is_empty()) {
            return Err(ParseRatioError::Form);
        }
        let fraction = fraction.trim_end_matches('0');
        let scale = 10_u32.checked_pow(fraction.len() as u32).ok_or(ParseRatioError::Precision)?;
        let scale = scale.checked_mul(base).ok_or(ParseRatioError::Precision)?;
        let parts: u64 = format!("{whole}{fraction}").parse().map_err(|_| ParseRatioError::Range)?;
        if parts > u64::from(scale) {
            return Err(ParseRatioError::Range);
        }
        Self::new(parts as u32, scale).ok_or(ParseRatioError::Range)
    }
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

serde_as_text!(Ratio);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_read_exactly() {
        for (text, parts, whole) in
            [("1/100", 1, 100), ("1%", 1, 100), ("0.5%", 1, 200), ("0.01", 1, 100), ("0", 0, 1), ("1", 1, 1), ("100%", 1, 1)]
        {
            assert_eq!(text.parse(), Ok(Ratio { parts, whole }), "{text}");
        }
        for (text, why) in [
            ("", ParseRatioError::Form),
            ("a/b", ParseRatioError::Form),
            ("1/0", ParseRatioError::Range),
            ("3/2", ParseRatioError::Range),
            ("1.5", ParseRatioError::Range),
            ("-1", ParseRatioError::Range),
            ("101%", ParseRatioError::Range),
            ("0.12345678901", ParseRatioError::Precision),
        ] {
            assert_eq!(text.parse::<Ratio>(), Err(why), "{text}");
        }
    }

    #[test]
    fn never_and_always_mean_it() {
        for word in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!Ratio::NEVER.strikes(word));
            assert!(Ratio::ALWAYS.strikes(word));
        }
        let tenth = Ratio::new(1, 10).unwrap();
        assert!(tenth.strikes(u64::MAX / 10) && !tenth.strikes(u64::MAX / 10 + 2));
    }
}
