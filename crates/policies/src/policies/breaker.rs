//! Circuit breakers: no calls to what fails.
//!
//! A breaker is closed while calls succeed. When too many fail it opens: calls are refused at once, which spares the callee and the
//! callers' time. After a while it lets a few probes through (half-open): it closes if all of them succeed, and opens again if one fails.
//! Nygard, *Release It!*, 2007, ch. 5; windows and least numbers of calls as in Resilience4j.
//!
//! ```
//! use stormglass_policies::policies::Outcome::{Failure, Success};
//! use stormglass_policies::policies::breaker::{Breaker, BreakerSettings, State, Trip};
//! use stormglass_process::base::{Duration, LocalTime};
//!
//! let settings = BreakerSettings { trip: Trip::Consecutive(2), probes: 1, ..BreakerSettings::default() };
//! let mut breaker = Breaker::new(&settings).unwrap();
//! let at = |secs: i64| LocalTime::from_nanos(secs * 1_000_000_000);
//! for _ in 0..2 {
//!     let permit = breaker.try_call(at(0)).unwrap();
//!     breaker.record(at(0), permit, Duration::from_millis(3), Failure);
//! }
//! assert_eq!(breaker.try_call(at(1)).unwrap_err().until, Some(at(5)));
//! let probe = breaker.try_call(at(5)).unwrap();
//! assert!(breaker.try_call(at(5)).is_err(), "one probe at a time");
//! breaker.record(at(6), probe, Duration::from_millis(3), Success);
//! assert_eq!(breaker.state(at(6)), State::Closed);
//! ```

use std::collections::VecDeque;

use stormglass_process::base::{Duration, LocalTime, Ratio};

use super::setting::demand;
use super::window::Sliding;
use super::{Outcome, SettingError};

/// What opens a closed breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trip {
    /// So many failures in a row. Neither the window nor the least number of calls matters.
    Consecutive(u32),
    /// So many failures within the window.
    Count(u32),
    /// So large a share of failures within the window: above zero.
    Ratio(Ratio),
}

/// Which calls count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last so many: above zero.
    Calls(u32),
    /// Those that ended of late. Counted in buckets: the window is shorter than its length by less than a bucket.
    Time {
        /// How long it is.
        length: Duration,
        /// In how many parts it is counted: from 1 to 10,000.
        buckets: u32,
    },
}

/// When a breaker opens, and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// What opens it.
    pub trip: Trip,
    /// Which calls count.
    pub window: Window,
    /// With fewer calls in the window it does not open: of two calls, one that failed says little.
    pub calls_min: u32,
    /// For how long it is open before it lets probes through.
    pub open: Duration,
    /// How many probes are let through, and have to succeed. Above zero.
    pub probes: u32,
    /// A success that takes as long counts as a failure; none does without.
    pub slow: Option<Duration>,
}

impl Default for BreakerSettings {
    /// Half of the calls of ten seconds, if there are twenty; five seconds; three probes.
    fn default() -> Self {
        Self {
            trip: Trip::Ratio(Ratio::new(1, 2).expect("a half is a ratio")),
            window: Window::Time { length: Duration::from_secs(10), buckets: 10 },
            calls_min: 20,
            open: Duration::from_secs(5),
            probes: 3,
            slow: None,
        }
    }
}

/// Whether calls get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All do.
    Closed,
    /// None do.
    Open,
    /// A few do, as probes.
    HalfOpen,
}

/// A call that got through. It is to be [recorded](Breaker::record) once, however it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// In which period of the breaker: what ends in a later one says nothing of it.
    period: u64,
}

/// A call that did not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When probes will get through; nothing while as many probes as may are under way.
    pub until: Option<LocalTime>,
}

/// A circuit breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    phase: Phase,
    /// How often the phase has changed.
    period: u64,
    calls: Calls,
    /// Failures in a row.
    streak: u32,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Open { until: LocalTime },
    HalfOpen { under_way: u32, succeeded: u32 },
}

/// The calls that count.
#[derive(Clone, Debug)]
enum Calls {
    /// Whether each failed, the oldest first.
    Last { most: usize, failed: VecDeque<bool>, failures: u64 },
    /// Calls and failures.
    Time(Sliding<2>),
}

impl Breaker {
    /// A closed breaker.
    ///
    /// # Errors
    /// If a setting is out of the range that its description gives.
    pub fn new(settings: &BreakerSettings) -> Result<Self, SettingError> {
        match settings.trip {
            Trip::Consecutive(count) | Trip::Count(count) => demand(count > 0, "trip", "one failure at least opens it"),
            Trip::Ratio(ratio) => demand(!ratio.is_never(), "trip", "a share of failures is above zero, or it would never be closed"),
        }?;
        demand(settings.probes > 0, "probes", "one probe at least, or it would never close again")?;
        let calls = match settings.window {
            Window::Calls(most) => {
                demand(most > 0, "window", "it has one call at least")?;
                demand(settings.calls_min <= most, "calls_min", "the window never has as many calls: at most as many as it is wide")?;
                Calls::Last { most: most as usize, failed: VecDeque::new(), failures: 0 }
            }
            Window::Time { length, buckets } => Calls::Time(Sliding::new(length, buckets)?),
        };
        Ok(Self { settings: *settings, phase: Phase::Closed, period: 0, calls, streak: 0 })
    }

    /// Whether calls get through now.
    pub fn state(&self, now: LocalTime) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { until } if now < until => State::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Asks whether a call gets through. One that does is to be recorded.
    ///
    /// # Errors
    /// If it does not. Nothing has changed.
    pub fn try_call(&mut self, now: LocalTime) -> Result<Permit, Refused> {
        match &mut self.phase {
            Phase::Closed => {}
            Phase::Open { until } if now < *until => return Err(Refused { until: Some(*until) }),
            Phase::Open { .. } => self.enter(Phase::HalfOpen { under_way: 1, succeeded: 0 }),
            Phase::HalfOpen { under_way, succeeded } => {
                if *under_way + *succeeded >= self.settings.probes {
                    return Err(Refused { until: None });
                }
                *under_way += 1;
            }
        }
        Ok(Permit { period: self.period })
    }

    /// A call that got through has ended, after so long. One of an earlier period says nothing of this one, and is ignored.
    pub fn record(&mut self, now: LocalTime, permit: Permit, latency: Duration, outcome: Outcome) {
        if permit.period != self.period {
            return;
        }
        let is_slow = self.settings.slow.is_some_and(|slow| latency >= slow);
        let failed = match outcome {
            Outcome::Success => is_slow,
            Outcome::Failure => true,
            Outcome::Ignored => {
                // Another probe may take its place.
                if let Phase::HalfOpen { under_way, .. } = &mut self.phase {
                    *under_way = under_way.saturating_sub(1);
                }
                return;
            }
        };
        let open = Phase::Open { until: now + self.settings.open };
        match &mut self.phase {
            Phase::Closed => {
                self.streak = if failed { self.streak.saturating_add(1) } else { 0 };
                self.calls.count(now, failed);
                if self.trips() {
                    self.enter(open);
                }
            }
            Phase::HalfOpen { .. } if failed => self.enter(open),
            Phase::HalfOpen { under_way, succeeded } => {
                *under_way = under_way.saturating_sub(1);
                *succeeded += 1;
                if *succeeded >= self.settings.probes {
                    self.enter(Phase::Closed);
                }
            }
            // It gave no permit.
            Phase::Open { .. } => {}
        }
    }

    fn trips(&self) -> bool {
        let [calls, failures] = self.calls.sums();
        let are_enough = calls >= u64::from(self.settings.calls_min);
        match self.settings.trip {
            Trip::Consecutive(count) => self.streak >= count,
            Trip::Count(count) => are_enough && failures >= u64::from(count),
            Trip::Ratio(ratio) => {
                let share = u128::from(failures) * u128::from(ratio.whole());
                are_enough && share >= u128::from(calls) * u128::from(ratio.parts())
            }
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.period += 1;
        self.streak = 0;
        self.calls.clear();
    }
}

impl Calls {
    fn count(&mut self, now: LocalTime, is_failure: bool) {
        match self {
            Self::Last { most, failed, failures } => {
                failed.push_back(is_failure);
                *failures += u64::from(is_failure);
                if failed.len() > *most {
                    *failures -= u64::from(failed.pop_front() == Some(true));
                }
            }
            Self::Time(window) => {
                window.count(now, 0);
                if is_failure {
                    window.count(now, 1);
                }
            }
        }
    }

    /// Calls and failures.
    fn sums(&self) -> [u64; 2] {
        match self {
            Self::Last { failed, failures, .. } => [failed.len() as u64, *failures],
            Self::Time(window) => window.sums(),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Last { failed, failures, .. } => {
                failed.clear();
                *failures = 0;
            }
            Self::Time(window) => window.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> LocalTime {
        LocalTime::from_nanos(millis as i64 * 1_000_000)
    }

    /// The slow way: all calls that ended, and all changes of state, in one list each.
    struct Listed {
        settings: BreakerSettings,
        /// When it was entered, and what; the last one is now.
        states: Vec<(u64, State)>,
        /// When and in which period calls ended, and whether they failed.
        ended: Vec<(u64, usize, bool)>,
        /// Of each call that got through: in which period, and whether it has ended.
        begun: Vec<(usize, bool)>,
    }

    impl Listed {
        fn period(&self) -> usize {
            self.states.len() - 1
        }

        fn begin(&mut self, now: u64) -> bool {
            let (since, state) = self.states[self.period()];
            if state == State::Open && now >= since + self.settings.open.as_nanos() / 1_000_000 {
                self.states.push((now, State::HalfOpen));
            }
            let period = self.period();
            let gets_through = match self.states[period].1 {
                State::Closed => true,
                State::Open => false,
                State::HalfOpen => {
                    let under_way = self.begun.iter().filter(|(of, ended)| *of == period && !ended).count();
                    let ended = self.ended.iter().filter(|(_, of, _)| *of == period).count();
                    under_way + ended < self.settings.probes as usize
                }
            };
            if gets_through {
                self.begun.push((period, false));
            }
            gets_through
        }

        fn end(&mut self, now: u64, call: usize, outcome: Outcome) {
            let (period, ended) = &mut self.begun[call];
            *ended = true;
            if *period != self.states.len() - 1 || outcome == Outcome::Ignored {
                return;
            }
            let period = *period;
            self.ended.push((now, period, outcome == Outcome::Failure));
            let of_period: Vec<(u64, bool)> =
                self.ended.iter().filter(|(_, of, _)| *of == period).map(|(at, _, failed)| (*at, *failed)).collect();
            let next = match self.states[period].1 {
                State::HalfOpen if outcome == Outcome::Failure => Some(State::Open),
                State::HalfOpen => (of_period.len() == self.settings.probes as usize).then_some(State::Closed),
                _ => self.trips(now, &of_period).then_some(State::Open),
            };
            self.states.extend(next.map(|next| (now, next)));
        }

        fn trips(&self, now: u64, ended: &[(u64, bool)]) -> bool {
            let counted: Vec<bool> = match self.settings.window {
                Window::Calls(most) => ended.iter().rev().take(most as usize).map(|(_, failed)| *failed).collect(),
                Window::Time { length, buckets } => {
                    let bucket = length.as_nanos() / 1_000_000 / u64::from(buckets);
                    let first = (now / bucket + 1).saturating_sub(u64::from(buckets)) * bucket;
                    ended.iter().filter(|(at, _)| *at >= first).map(|(_, failed)| *failed).collect()
                }
            };
            let failures = counted.iter().filter(|failed| **failed).count();
            let are_enough = counted.len() >= self.settings.calls_min as usize;
            match self.settings.trip {
                Trip::Consecutive(count) => {
                    ended.len() >= count as usize && ended.iter().rev().take(count as usize).all(|(_, failed)| *failed)
                }
                Trip::Count(count) => are_enough && failures >= count as usize,
                Trip::Ratio(ratio) => {
                    are_enough && failures as f64 >= counted.len() as f64 * f64::from(ratio.parts()) / f64::from(ratio.whole()) - 1e-9
                }
            }
        }
    }

    fn settings() -> impl Strategy<Value = BreakerSettings> {
        let trip = prop_oneof![
            (1_u32..4).prop_map(Trip::Consecutive),
            (1_u32..5).prop_map(Trip::Count),
            (1_u32..=10).prop_map(|parts| Trip::Ratio(Ratio::new(parts, 10).unwrap())),
        ];
        let window = prop_oneof![
            (3_u32..9).prop_map(Window::Calls),
            (1_u32..6).prop_map(|buckets| Window::Time { length: Duration::from_millis(60), buckets }),
        ];
        (trip, window, 0_u32..=3, 1_u64..50, 1_u32..4).prop_map(|(trip, window, calls_min, open, probes)| BreakerSettings {
            trip,
            window,
            calls_min,
            open: Duration::from_millis(open),
            probes,
            slow: None,
        })
    }

    proptest! {
        #[test]
        fn it_is_as_the_list_of_all_calls_says(
            settings in settings(), steps in proptest::collection::vec((0_u8..5, 0_u64..20, any::<u8>()), 0..200),
        ) {
            let mut breaker = Breaker::new(&settings).unwrap();
            let mut listed = Listed { settings, states: vec![(0, State::Closed)], ended: vec![], begun: vec![] };
            let (mut permits, mut now) = (vec![], 0);
            for (step, wait, pick) in steps {
                now += wait;
                if step < 2 || permits.is_empty() {
                    let call = listed.begun.len();
                    let permit = breaker.try_call(at(now));
                    prop_assert_eq!(permit.is_ok(), listed.begin(now));
                    permits.extend(permit.map(|permit| (call, permit)));
                } else {
                    let (call, permit) = permits.swap_remove(pick as usize % permits.len());
                    let outcome = [Outcome::Success, Outcome::Failure, Outcome::Failure, Outcome::Ignored][pick as usize / 64];
                    breaker.record(at(now), permit, Duration::ZERO, outcome);
                    listed.end(now, call, outcome);
                }
                let (since, state) = listed.states[listed.period()];
                let is_over = state == State::Open && now >= since + settings.open.as_nanos() / 1_000_000;
                prop_assert_eq!(breaker.state(at(now)), if is_over { State::HalfOpen } else { state });
            }
        }
    }

    #[test]
    fn what_is_slow_counts_as_failed() {
        let settings = BreakerSettings { trip: Trip::Consecutive(1), slow: Some(Duration::from_millis(50)), ..BreakerSettings::default() };
        let mut breaker = Breaker::new(&settings).unwrap();
        for (latency, state) in [(49, State::Closed), (50, State::Open)] {
            let permit = breaker.try_call(at(0)).unwrap();
            breaker.record(at(0), permit, Duration::from_millis(latency), Outcome::Success);
            assert_eq!(breaker.state(at(0)), state);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_it_open_longer_and_no_more() {
        let mut breaker = Breaker::new(&BreakerSettings { trip: Trip::Consecutive(1), ..BreakerSettings::default() }).unwrap();
        let permit = breaker.try_call(at(1000)).unwrap();
        breaker.record(at(1000), permit, Duration::ZERO, Outcome::Failure);
        assert!(breaker.try_call(at(0)).is_err() && breaker.try_call(at(5999)).is_err());
        assert!(breaker.try_call(at(6000)).is_ok());
    }

    #[test]
    fn wrong_settings_say_what_is_wrong() {
        let usual = BreakerSettings::default;
        let setting = |settings: BreakerSettings| Breaker::new(&settings).map(|_| ()).map_err(|error| error.setting);
        assert_eq!(setting(BreakerSettings { trip: Trip::Count(0), ..usual() }), Err("trip"));
        assert_eq!(setting(BreakerSettings { trip: Trip::Ratio(Ratio::NEVER), ..usual() }), Err("trip"));
        assert_eq!(setting(BreakerSettings { probes: 0, ..usual() }), Err("probes"));
        assert_eq!(setting(BreakerSettings { window: Window::Calls(0), ..usual() }), Err("window"));
        assert_eq!(setting(BreakerSettings { window: Window::Calls(19), ..usual() }), Err("calls_min"));
        assert_eq!(setting(BreakerSettings { window: Window::Time { length: Duration::ZERO, buckets: 1 }, ..usual() }), Err("length"));
        assert_eq!(
            setting(BreakerSettings { window: Window::Time { length: Duration::from_secs(1), buckets: 0 }, ..usual() }),
            Err("buckets")
        );
    }
}
