//! A new instance's share grows with its age.

use stormglass_process::base::Duration;

use super::super::SettingError;
use super::super::setting::demand;

/// How the weight of a new instance grows: its caches are cold and its code is not compiled yet.
///
/// The weight is multiplied by (age / window)^(100 / aggression_percent), and by no less than the least. Envoy, *Slow start mode*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowStartSettings {
    /// After so long the weight is the whole one. Above zero.
    pub window: Duration,
    /// The least share of the weight, in percent: from 1 to 100.
    pub least_percent: u32,
    /// With 100 the weight grows evenly; with more, faster at first. Above zero, at most 10,000.
    pub aggression_percent: u32,
}

impl Default for SlowStartSettings {
    /// A minute, from a tenth, evenly.
    fn default() -> Self {
        Self { window: Duration::from_secs(60), least_percent: 10, aggression_percent: 100 }
    }
}

/// The whole weight, in the parts that shares are computed in.
pub(super) const WHOLE: u64 = 1_000_000;

impl SlowStartSettings {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), SettingError> {
        demand(!self.window.is_zero(), "window", "the time in which a weight grows is above zero")?;
        demand((1..=100).contains(&self.least_percent), "least_percent", "a share in percent is from 1 to 100")?;
        demand((1..=10_000).contains(&self.aggression_percent), "aggression_percent", "it is from 1 to 10000: 100 grows evenly")
    }

    /// The share of its weight that an instance of this age has, in millionths: above zero.
    pub(super) fn share(&self, age: Duration) -> u64 {
        if age >= self.window {
            return WHOLE;
        }
        let least = u64::from(self.least_percent) * WHOLE / 100;
        let (age, window) = (age.as_nanos(), self.window.as_nanos());
        let grown = if self.aggression_percent == 100 {
            (u128::from(age) * u128::from(WHOLE) / u128::from(window)) as u64
        } else {
            let exponent = 100.0 / f64::from(self.aggression_percent);
            (libm::pow(age as f64 / window as f64, exponent) * WHOLE as f64) as u64
        };
        grown.clamp(least, WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_grows_as_it_is_said_to() {
        let even = SlowStartSettings::default();
        let fast = SlowStartSettings { aggression_percent: 200, ..even };
        let share = |settings: SlowStartSettings, secs| settings.share(Duration::from_secs(secs));
        for (age, evenly, faster) in [(0, 100_000, 100_000), (3, 100_000, 223_606), (15, 250_000, 500_000), (59, 983_333, 991_631)] {
            assert_eq!((share(even, age), share(fast, age)), (evenly, faster), "{age} s");
        }
        assert_eq!((share(even, 60), share(fast, 61)), (WHOLE, WHOLE));
    }
}
