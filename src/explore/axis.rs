//! The values of a scenario over which a curve goes.

use std::str::FromStr;

use crate::base::Duration;

/// What a value of a scenario is given one after the other: `100/s..2000/s`, `1ms..50ms`, `0.1..0.9`, `1%..10%`, `3..9`, or some that stand
/// there one by one, `Random|RoundRobin`.
#[derive(Clone, Debug, PartialEq)]
pub enum Axis {
    /// These, in this order.
    Listed(Vec<String>),
    /// Lengths of time, between these two.
    Lengths(Duration, Duration),
    /// Numbers between two.
    Numbers {
        /// The first,
        from: f64,
        /// and the last.
        to: f64,
        /// What stands behind each: `/s`, `%`.
        unit: String,
        /// Whether they are whole: both ends are.
        whole: bool,
    },
}

/// A value on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// As it is written in a scenario.
    pub text: String,
    /// Where it is: of a length in nanoseconds, of listed values their place.
    pub at: f64,
}

impl Axis {
    /// So many values from one end to the other, evenly spaced, or each so many times the one before. Whole numbers come once each, and
    /// listed values are all there are.
    pub fn ticks(&self, steps: u32, geometric: bool) -> Vec<Tick> {
        let (from, to) = match self {
            Self::Listed(values) => {
                return values.iter().zip(0_u32..).map(|(text, place)| Tick { text: text.clone(), at: f64::from(place) }).collect();
            }
            Self::Lengths(from, to) => (from.as_nanos() as f64, to.as_nanos() as f64),
            Self::Numbers { from, to, .. } => (*from, *to),
        };
        let geometric = geometric && from > 0.0 && to > 0.0;
        let between = |step: u32| {
            let part = if steps > 1 { f64::from(step) / f64::from(steps - 1) } else { 0.0 };
            if geometric { from * libm::pow(to / from, part) } else { from + (to - from) * part }
        };
        let mut ticks: Vec<Tick> = (0..steps.max(1)).map(|step| self.at(between(step))).collect();
        ticks.dedup();
        ticks
    }

    /// The ends; nothing if values are listed.
    pub fn ends(&self) -> Option<[Tick; 2]> {
        match self {
            Self::Listed(_) => None,
            Self::Lengths(from, to) => Some([from, to].map(|end| self.at(end.as_nanos() as f64))),
            Self::Numbers { from, to, .. } => Some([*from, *to].map(|end| self.at(end))),
        }
    }

    /// The value that is nearest to this place.
    pub fn at(&self, place: f64) -> Tick {
        match self {
            Self::Listed(values) => {
                let index = (place.round().max(0.0) as usize).min(values.len().saturating_sub(1));
                Tick { text: values.get(index).cloned().unwrap_or_default(), at: index as f64 }
            }
            Self::Lengths(..) => {
                // To the microsecond, where that is fine enough to tell lengths apart.
                let nanos = place.round().max(0.0) as u64;
                let nanos = if nanos > 1_000_000 { (nanos + 500) / 1000 * 1000 } else { nanos };
                Tick { text: Duration::from_nanos(nanos).to_string(), at: nanos as f64 }
            }
            Self::Numbers { unit, whole: true, .. } => Tick { text: format!("{}{unit}", place.round()), at: place.round() },
            Self::Numbers { unit, .. } => {
                let text = format!("{place:.6}");
                let text = text.trim_end_matches('0').trim_end_matches('.');
                Tick { text: format!("{text}{unit}"), at: text.parse().unwrap_or(place) }
            }
        }
    }
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "expected FROM..TO, like 100/s..2000/s, 1ms..50ms, 0.1..0.9 or 3..9; or values, as in Random|RoundRobin";
        let Some((from, to)) = text.split_once("..") else {
            let values: Vec<String> = text.split('|').map(|value| value.trim().to_owned()).collect();
            return if values.len() > 1 && values.iter().all(|value| !value.is_empty()) {
                Ok(Self::Listed(values))
            } else {
                Err(FORM.to_owned())
            };
        };
        let (from, to) = (from.trim(), to.trim());
        if let (Ok(from), Ok(to)) = (from.parse(), to.parse()) {
            return Ok(Self::Lengths(from, to));
        }
        let (first, unit) = number(from).ok_or(FORM)?;
        let (last, other) = number(to).ok_or(FORM)?;
        if unit != other && !unit.is_empty() {
            return Err(format!("`{from}` and `{to}` are not in the same unit"));
        }
        let is_whole = |text: &str| !text.contains('.') && !text.contains('%') && ratio(text).is_none();
        Ok(Self::Numbers { from: first, to: last, unit: other.to_owned(), whole: is_whole(from) && is_whole(to) })
    }
}

/// A number, and the unit behind it. `1/100` is a hundredth, `100/s` a hundred a second.
fn number(text: &str) -> Option<(f64, &str)> {
    if let Some(ratio) = ratio(text) {
        return Some((ratio, ""));
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit))
}

fn ratio(text: &str) -> Option<f64> {
    let (parts, whole) = text.split_once('/')?;
    let (parts, whole): (u32, u32) = (parts.trim().parse().ok()?, whole.trim().parse().ok()?);
    (whole > 0).then(|| f64::from(parts) / f64::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &str, steps: u32, geometric: bool) -> String {
        let axis: Axis = axis.parse().expect("it is an axis");
        axis.ticks(steps, geometric).into_iter().map(|tick| tick.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_lie_between_the_ends_in_their_unit() {
        for (axis, steps, geometric, expected) in [
            ("100/s..2000/s", 3, false, "100/s 1050/s 2000/s"),
            ("100..2000/s", 2, false, "100/s 2000/s"),
            ("1ms..50ms", 3, false, "1ms 25.5ms 50ms"),
            ("1ms..1s", 4, true, "1ms 10ms 100ms 1s"),
            ("0.1..0.9", 5, false, "0.1 0.3 0.5 0.7 0.9"),
            ("1%..10%", 4, false, "1% 4% 7% 10%"),
            ("0/100..1/4", 3, false, "0 0.125 0.25"),
            ("3..5", 20, false, "3 4 5"),
            ("9..3", 3, false, "9 6 3"),
            ("Random | Choices(d: 2)", 20, false, "Random Choices(d: 2)"),
        ] {
            assert_eq!(texts(axis, steps, geometric), expected, "{axis}");
        }
    }

    #[test]
    fn what_is_no_axis_is_refused() {
        for text in ["", "5", "a..b", "1ms..2/s", "1/s..2%", "..", "a|"] {
            assert!(text.parse::<Axis>().is_err(), "{text}");
        }
    }
}
