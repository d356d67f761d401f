//! The mathematics of accrual detectors: how suspicious a silence is, and how long a silence is as suspicious as that.
//!
//! φ(t) = −log₁₀ P(the next heartbeat comes later than t), of a distribution fitted to the intervals seen (Hayashibara et al., *The φ
//! Accrual Failure Detector*, SRDS 2004, §4). φ grows with t, so that a threshold stands for one length of silence: that length is what a
//! detector needs. [`Law::silence`] computes it, exactly the same everywhere; [`Law::phi`] is the definition.

use crate::base::Duration;

/// The distribution that intervals are taken to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// Normal (Hayashibara).
    Normal,
    /// Normal, with its tail approximated by a logistic function, as Akka and its kin have it.
    Logistic,
    /// Exponential, as Cassandra has it.
    Exponential,
}

impl Law {
    /// φ of a silence of this length, after intervals of this mean and standard deviation (which an exponential law has no use for). All
    /// in the same unit.
    pub fn phi(self, silence: f64, mean: f64, deviation: f64) -> f64 {
        let y = (silence - mean) / deviation;
        match self {
            Self::Normal => -libm::log10(0.5 * libm::erfc(y / std::f64::consts::SQRT_2)),
            Self::Logistic => {
                let e = libm::exp(-y * (1.5976 + 0.070_566 * y * y));
                if silence > mean { -libm::log10(e / (1.0 + e)) } else { -libm::log10(1.0 - 1.0 / (1.0 + e)) }
            }
            Self::Exponential => silence / (mean * std::f64::consts::LN_10),
        }
    }

    /// How many standard deviations beyond the mean the threshold lies, in thousandths of φ; for an exponential law, how many means.
    pub fn factor(self, threshold_milli: u32) -> f64 {
        let phi = f64::from(threshold_milli) / 1000.0;
        match self {
            Self::Exponential => phi * std::f64::consts::LN_10,
            law => law.root(phi),
        }
    }

    /// The y at which φ is this much, by halving: φ grows with y.
    fn root(self, phi: f64) -> f64 {
        let (mut low, mut high) = (-10.0, 40.0);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            // Beyond the precision of floats φ is infinite, which is more than any threshold.
            if self.phi(middle, 0.0, 1.0) < phi { low = middle } else { high = middle }
        }
        high
    }

    /// The shortest silence of which φ reaches the threshold that this factor stands for.
    pub fn silence(self, factor: f64, mean: Duration, deviation: Duration) -> Duration {
        let nanos = match self {
            Self::Exponential => factor * mean.as_nanos() as f64,
            _ => mean.as_nanos() as f64 + factor * deviation.as_nanos() as f64,
        };
        // A float beyond the range becomes its end: no silence is that long.
        Duration::from_nanos(nanos as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From the published formulas: φ = 8 lies 5.23 deviations beyond the mean in Akka, whose tail is approximated (the normal law itself
    /// has it at 5.61), and at 18.4 means in Cassandra.
    #[test]
    fn published_figures() {
        assert!((Law::Exponential.factor(8000) - 18.42).abs() < 0.01);
        assert!((Law::Logistic.factor(8000) - 5.226).abs() < 0.001, "{}", Law::Logistic.factor(8000));
        // The normal tail of 10⁻⁸ begins at 5.612 deviations.
        assert!((Law::Normal.factor(8000) - 5.612).abs() < 0.001);
        assert!((Law::Normal.factor(1000) - 1.2816).abs() < 0.001);
    }

    proptest! {
        /// The silence that is computed is the one at which the definition crosses the threshold.
        #[test]
        fn a_silence_reaches_its_threshold(milli in 400..15_000_u32, mean in 1.0e6..1.0e10_f64, part in 0.001..0.9_f64) {
            for law in [Law::Normal, Law::Logistic, Law::Exponential] {
                let (threshold, deviation) = (f64::from(milli) / 1000.0, mean * part);
                let length = |nanos: f64| Duration::from_nanos(nanos as u64);
                let silence = law.silence(law.factor(milli), length(mean), length(deviation)).as_nanos() as f64;
                prop_assert!(law.phi(silence * 0.9999, mean, deviation) < threshold + 1e-9, "{law:?}");
                prop_assert!(law.phi(silence * 1.0001, mean, deviation) > threshold - 1e-9, "{law:?}");
            }
        }
    }
}
