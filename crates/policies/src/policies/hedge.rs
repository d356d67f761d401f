//! Hedged requests: a second copy, where the first takes long.
//!
//! Where latency varies from call to call, the quicker of two copies is much quicker than one in the tail. A copy that is sent only after
//! the delay within which most calls end costs few more calls: after the 95th percentile, one in twenty. Dean and Barroso, *The Tail at
//! Scale*, CACM 56(2), 2013. Where all calls are slow, copies are more load for a service that has too much: a budget bounds them.
//!
//! ```
//! use stormglass_policies::policies::hedge::{Hedge, HedgeDelay, HedgeSettings, Hedging};
//! use stormglass_process::base::{Duration, LocalTime};
//!
//! let settings = HedgeSettings { delay: HedgeDelay::Fixed(Duration::from_millis(20)), ..HedgeSettings::default() };
//! let mut hedge = Hedge::new(&settings).unwrap();
//! let now = LocalTime::from_nanos(0);
//! let after = hedge.begin(now);
//! assert_eq!(after, Duration::from_millis(20));
//! // The call has not ended by then.
//! assert_eq!(hedge.due(now + after, 0), Hedging::Send { again_after: None });
//! assert_eq!(hedge.due(now + after, 1), Hedging::Stop);
//! ```

use std::collections::VecDeque;

use stormglass_process::base::{Duration, LocalTime, Ratio};

use super::SettingError;
use super::retry::{Budget, BudgetSettings};
use super::setting::demand;

/// After how long a copy is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HedgeDelay {
    /// Always as long.
    Fixed(Duration),
    /// A percentile of the latencies of late.
    Percentile {
        /// Which: such a share of calls ended sooner. Neither 0 nor 1.
        share: Ratio,
        /// Of so many latencies: from 1 to 100,000.
        of: u32,
        /// How long it is until as many are known.
        until_then: Duration,
    },
}

/// Whether and when copies are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeSettings {
    /// After how long, and again after as long.
    pub delay: HedgeDelay,
    /// How many copies are sent at most, beyond the first call. Above zero.
    pub copies: u32,
    /// Whether the other copies are cancelled when one is answered.
    pub cancel: bool,
    /// What bounds the copies of all calls together; nothing without.
    pub budget: Option<BudgetSettings>,
}

impl Default for HedgeSettings {
    /// One copy after the 95th percentile of a hundred calls, cancelled, within a budget of a tenth.
    fn default() -> Self {
        let share = Ratio::new(95, 100).expect("95 % is a ratio");
        let delay = HedgeDelay::Percentile { share, of: 100, until_then: Duration::from_millis(100) };
        Self { delay, copies: 1, cancel: true, budget: Some(BudgetSettings::default()) }
    }
}

/// What to do about a call that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hedging {
    /// Send a copy.
    Send {
        /// After how long to ask again; nothing if it is the last copy.
        again_after: Option<Duration>,
    },
    /// Send none, and do not ask again.
    Stop,
}

/// Hedges the calls to one service.
#[derive(Clone, Debug)]
pub struct Hedge {
    settings: HedgeSettings,
    budget: Option<Budget>,
    /// The latencies of late, the oldest first, and the same sorted.
    recent: VecDeque<Duration>,
    sorted: Vec<Duration>,
}

impl Hedge {
    /// One that knows no latencies yet.
    ///
    /// # Errors
    /// If a setting is out of the range that its description gives.
    pub fn new(settings: &HedgeSettings) -> Result<Self, SettingError> {
        demand(settings.copies > 0, "copies", "one copy at least, or there is nothing to hedge with")?;
        if let HedgeDelay::Percentile { share, of, .. } = settings.delay {
            demand(!share.is_never() && share != Ratio::ALWAYS, "share", "some calls end sooner, and some later: neither 0 nor 1")?;
            demand((1..=100_000).contains(&of), "of", "from 1 to 100000 latencies are kept")?;
        }
        let budget = settings.budget.as_ref().map(Budget::new).transpose()?;
        Ok(Self { settings: *settings, budget, recent: VecDeque::new(), sorted: vec![] })
    }

    /// A call is made; after how long to ask what is [`due`](Self::due), if it has not ended.
    pub fn begin(&mut self, now: LocalTime) -> Duration {
        if let Some(budget) = &mut self.budget {
            budget.request(now);
        }
        self.delay()
    }

    /// It has not ended, and so many copies were sent of it before: whether one more is.
    pub fn due(&mut self, now: LocalTime, copies_sent: u32) -> Hedging {
        if copies_sent >= self.settings.copies || self.budget.as_mut().is_some_and(|budget| !budget.try_withdraw(now)) {
            return Hedging::Stop;
        }
        let again_after = (copies_sent + 1 < self.settings.copies).then(|| self.delay());
        Hedging::Send { again_after }
    }

    /// A call has ended after so long, from when its first copy was sent.
    pub fn observe(&mut self, latency: Duration) {
        let HedgeDelay::Percentile { of, .. } = self.settings.delay else { return };
        if self.recent.len() >= of as usize
            && let Some(oldest) = self.recent.pop_front()
            && let Ok(place) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(place);
        }
        self.recent.push_back(latency);
        let place = self.sorted.partition_point(|known| *known < latency);
        self.sorted.insert(place, latency);
    }

    /// Whether the other copies are to be cancelled when one is answered.
    pub const fn cancels(&self) -> bool {
        self.settings.cancel
    }

    fn delay(&self) -> Duration {
        match self.settings.delay {
            HedgeDelay::Fixed(delay) => delay,
            HedgeDelay::Percentile { of, until_then, .. } if self.sorted.len() < of as usize => until_then,
            HedgeDelay::Percentile { share, .. } => {
                // The nearest rank: the least that such a share of all do not exceed.
                let rank = (self.sorted.len() as u64 * u64::from(share.parts())).div_ceil(u64::from(share.whole()));
                self.sorted[rank.saturating_sub(1) as usize]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stormglass_process::base::RunKey;

    use super::super::sampler::{Distribution, Sampler};
    use super::*;

    /// The closed form: P(T > t) = F(t) · F(t - h) for F(t) = exp(-t), h its 95th percentile: the 99.9th percentile falls from 6.908 to
    /// 4.952, for a twentieth more calls.
    #[test]
    fn the_tail_is_as_the_closed_form_says() {
        const CALLS: usize = 400_000;
        let share = Ratio::new(95, 100).unwrap();
        let delay = HedgeDelay::Percentile { share, of: 10_000, until_then: Duration::MAX };
        let mut hedge = Hedge::new(&HedgeSettings { delay, budget: None, ..HedgeSettings::default() }).unwrap();
        let exponential = Sampler::new(Distribution::Exponential { mean: Duration::from_secs(1) }).unwrap();
        let mut random = RunKey::from_seed(1).stream("hedge", 0);
        (0..10_000).for_each(|_| hedge.observe(exponential.draw(&mut random)));
        let now = LocalTime::from_nanos(0);
        let (mut latencies, mut copies) = (vec![], 0);
        for _ in 0..CALLS {
            let (after, mut latency) = (hedge.begin(now), exponential.draw(&mut random));
            if latency > after && hedge.due(now, 0) == (Hedging::Send { again_after: None }) {
                copies += 1;
                latency = latency.min(after + exponential.draw(&mut random));
            }
            latencies.push(latency);
        }
        latencies.sort_unstable();
        let p999 = latencies[CALLS * 999 / 1000].as_nanos() as f64 / 1e9;
        let more = f64::from(copies) / CALLS as f64;
        assert!((p999 - 4.952).abs() < 0.15 && (more - 0.05).abs() < 0.005, "{p999}, {more}");
    }

    #[test]
    fn a_budget_bounds_copies() {
        let budget = Some(BudgetSettings { reserve: None, burst: 5, ..BudgetSettings::default() });
        let settings = HedgeSettings { delay: HedgeDelay::Fixed(Duration::from_millis(1)), copies: 2, budget, ..HedgeSettings::default() };
        let mut hedge = Hedge::new(&settings).unwrap();
        let now = LocalTime::from_nanos(0);
        let copies = (0..1000).map(|_| {
            hedge.begin(now);
            (0..2).take_while(|sent| hedge.due(now, *sent) != Hedging::Stop).count()
        });
        // Each call is slow: what was saved up, and a tenth.
        assert!((100..=105).contains(&copies.sum::<usize>()));
    }

    #[test]
    fn wrong_settings_say_what_is_wrong() {
        let setting = |settings: HedgeSettings| Hedge::new(&settings).map(|_| ()).map_err(|error| error.setting);
        assert_eq!(setting(HedgeSettings { copies: 0, ..HedgeSettings::default() }), Err("copies"));
        let percentile = |share, of| HedgeSettings {
            delay: HedgeDelay::Percentile { share, of, until_then: Duration::ZERO },
            ..HedgeSettings::default()
        };
        assert_eq!(setting(percentile(Ratio::ALWAYS, 1)), Err("share"));
        assert_eq!(setting(percentile(Ratio::new(1, 2).unwrap(), 0)), Err("of"));
    }

    proptest! {
        /// The percentile, from the list of the last latencies sorted anew.
        #[test]
        fn percentiles_are_of_the_last(latencies in proptest::collection::vec(0_u64..20, 1..60), of in 1_usize..9, parts in 1_u32..20) {
            let share = Ratio::new(parts, 20).unwrap();
            let delay = HedgeDelay::Percentile { share, of: of as u32, until_then: Duration::MAX };
            let mut hedge = Hedge::new(&HedgeSettings { delay, budget: None, ..HedgeSettings::default() }).unwrap();
            for end in 1..=latencies.len() {
                hedge.observe(Duration::from_nanos(latencies[end - 1]));
                let mut last = latencies[end.saturating_sub(of)..end].to_vec();
                last.sort_unstable();
                let expected = if end < of { u64::MAX } else {
                    *last.iter().find(|one| last.iter().filter(|other| other <= one).count() * 20 >= of * parts as usize).unwrap()
                };
                prop_assert_eq!(hedge.begin(LocalTime::from_nanos(0)).as_nanos(), expected);
            }
        }
    }
}
