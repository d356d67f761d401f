//! When requests arrive, in an open loop.

use stormglass_process::base::{Duration, Rate, sample_exponential};

use super::super::SettingError;
use super::super::setting::demand;

/// How arrivals lie in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// As evenly as the rate allows.
    Even,
    /// A Poisson process: each instant is as likely as the rate is high, whatever came before.
    Poisson,
}

/// From when on arrivals have this rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateStep {
    /// Since the load began.
    pub from: Duration,
    /// How often something arrives; nothing arrives without.
    pub rate: Option<Rate>,
}

/// Arrivals at a rate that changes step by step: constant, bursts, steps, spikes, the curve of a day.
///
/// A Poisson process of a rate λ(t) is one of rate 1 on the scale of Λ(t) = ∫ λ: the next arrival is where Λ has grown by an exponential
/// length of mean 1. That is computed in integers; nothing is thinned out, one word is drawn an arrival.
///
/// ```
/// use stormglass_policies::policies::sampler::{Arrivals, RateStep, Spacing};
/// use stormglass_process::base::Duration;
///
/// let step = |secs, rate: &str| RateStep { from: Duration::from_secs(secs), rate: Some(rate.parse().unwrap()) };
/// let spike = Arrivals::new(Spacing::Even, vec![step(0, "2/s"), step(1, "4/s"), step(2, "2/s")]).unwrap();
/// let mut at = Some(Duration::ZERO);
/// let millis: Vec<u64> = std::iter::from_fn(|| { at = spike.next(at?, 0); at }).map(|at| at.as_nanos() / 1_000_000).take(8).collect();
/// assert_eq!(millis, [500, 1000, 1250, 1500, 1750, 2000, 2500, 3000]);
/// ```
#[derive(Clone, Debug)]
pub struct Arrivals {
    spacing: Spacing,
    steps: Vec<RateStep>,
    /// After how long it begins again, and by how much Λ grows until then.
    period: Option<(Duration, u128)>,
}

/// What Λ is counted in: so many parts are one arrival. A nanosecond at any rate brings a whole number of them.
const ONE: u128 = (MINUTE as u128) << FRACTION;
/// The longest unit of a rate, in nanoseconds: the others divide it.
const MINUTE: u64 = 60_000_000_000;
/// So many bits after the point has an exponential length.
const FRACTION: u32 = 32;

impl Arrivals {
    /// Arrivals at these rates, of which the last stays. Before the first step nothing arrives.
    ///
    /// # Errors
    /// If no step has a rate, or steps are not in the order of time.
    pub fn new(spacing: Spacing, steps: Vec<RateStep>) -> Result<Self, SettingError> {
        demand(steps.iter().any(|step| step.rate.is_some()), "rate", "a step has a rate, or nothing would ever arrive")?;
        demand(steps.is_sorted_by(|one, next| one.from < next.from), "from", "steps come one after the other: each begins later")?;
        Ok(Self { spacing, steps, period: None })
    }

    /// The same, begun again and again, as each day or each minute.
    ///
    /// # Errors
    /// If a step begins after the period's end.
    pub fn repeating(mut self, period: Duration) -> Result<Self, SettingError> {
        demand(self.steps.iter().all(|step| step.from < period), "period", "each step begins before the period ends")?;
        self.period = None;
        let mut growth = 0_u128;
        for (place, step) in self.steps.iter().enumerate() {
            let until = self.steps.get(place + 1).map_or(period, |next| next.from);
            growth = growth.saturating_add(step.rate.map_or(0, |rate| grown(rate, until - step.from)));
        }
        demand(growth > 0, "period", "something arrives within a period")?;
        self.period = Some((period, growth));
        Ok(self)
    }

    /// When the next one arrives after one that arrived then, since the load began; nothing if none ever does. `word` is uniform; even
    /// arrivals do without.
    pub fn next(&self, after: Duration, word: u64) -> Option<Duration> {
        let mut wanted = match self.spacing {
            Spacing::Even => ONE,
            Spacing::Poisson => u128::from(sample_exponential(Duration::from_nanos(1 << FRACTION), word).as_nanos()) * u128::from(MINUTE),
        };
        let mut at = after;
        if let Some((period, growth)) = self.period {
            // What falls on the end of a period belongs to it, be the next one's beginning silent or not.
            let whole = wanted.saturating_sub(1) / growth;
            at += period * u64::try_from(whole).unwrap_or(u64::MAX);
            wanted -= whole * growth;
        }
        loop {
            let (rate, left) = self.step_at(at);
            if let Some(rate) = rate {
                let needed = u64::try_from(wanted / parts_per_nano(rate)).map_or(Duration::MAX, Duration::from_nanos);
                match left {
                    Some(left) if left < needed => wanted = wanted.saturating_sub(grown(rate, left)),
                    _ => return Some(at + needed),
                }
            }
            at += left?;
            if at == Duration::MAX {
                return None;
            }
        }
    }

    /// The rate at an instant, and how long it stays.
    fn step_at(&self, at: Duration) -> (Option<Rate>, Option<Duration>) {
        let within = match self.period {
            Some((period, _)) => Duration::from_nanos(at.as_nanos() % period.as_nanos()),
            None => at,
        };
        let next = self.steps.partition_point(|step| step.from <= within);
        let end = self.steps.get(next).map(|step| step.from).or(self.period.map(|(period, _)| period));
        let rate = next.checked_sub(1).and_then(|place| self.steps[place].rate);
        (rate, end.map(|end| end - within))
    }
}

/// How many parts of an arrival a nanosecond brings: above zero, below 2⁸⁰.
fn parts_per_nano(rate: Rate) -> u128 {
    (u128::from(rate.count()) * u128::from(MINUTE / rate.unit().as_nanos())) << FRACTION
}

/// How many parts of an arrival this time brings. More than can be counted is more than ever is wanted.
fn grown(rate: Rate, length: Duration) -> u128 {
    parts_per_nano(rate).saturating_mul(u128::from(length.as_nanos()))
}
