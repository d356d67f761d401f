//! When a heartbeat is overdue: what is known of a peer's heartbeats, and the moment up to which it is trusted without another one.

use std::collections::VecDeque;

use super::phi::Law;
use super::{Level, Phi, Rules};
use crate::base::{Duration, LocalTime};

/// What is known of one peer's heartbeats.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    /// When the last one came.
    last: LocalTime,
    /// Of the last heartbeats that were due, which were missed: bits, the newest lowest.
    missed: u32,
    /// Lengths that the level is computed from: intervals, or for freshness points by how much arrivals are late.
    window: VecDeque<i64>,
    sum: i128,
    squares: u128,
}

/// A heartbeat that has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// When, by the clock of the one who watches.
    pub(super) at: LocalTime,
    /// When it was asked for by the one who watches, if it was.
    pub(super) asked: Option<LocalTime>,
    /// When it was sent, by the clock of the sender, if it was not asked for.
    pub(super) sent: Option<LocalTime>,
    /// Its number.
    pub(super) sequence: u64,
    /// How often heartbeats come.
    pub(super) interval: Duration,
    /// Whether the peer was suspected up to now.
    pub(super) suspected: bool,
    /// Whether it is the first of the peer, or of a new start of it.
    pub(super) first: bool,
}

impl Arrivals {
    pub(super) fn new() -> Self {
        Self { last: LocalTime::default(), missed: 0, window: VecDeque::new(), sum: 0, squares: 0 }
    }

    /// Notes a heartbeat; returns up to when the peer is trusted without another one, or nothing if it is not.
    pub(super) fn arrive(&mut self, level: &Level, beat: Arrival, rules: &dyn Rules) -> Option<LocalTime> {
        let since = beat.at.since(self.last);
        self.last = beat.at;
        let due = beat.asked.unwrap_or(beat.at);
        match level {
            Level::Timeout { timeout, missed, of } => {
                self.missed <<= 1;
                let next = if beat.asked.is_some() { due + beat.interval + *timeout } else { beat.at + *timeout };
                // A suspicion ends with the first beat that leaves too few missed.
                (!self.too_many(*missed, *of)).then_some(next)
            }
            Level::Expected { margin, window } => {
                if beat.first {
                    self.forget();
                }
                // Chen, Toueg and Aguilera, §6.3: the next one is expected at the mean of A_i − η·s_i, plus η times its number.
                let late = beat.at.as_nanos() as i128 - i128::from(beat.interval.as_nanos()) * i128::from(beat.sequence);
                self.push(late as i64, *window);
                let expected =
                    self.sum / self.window.len() as i128 + i128::from(beat.interval.as_nanos()) * (i128::from(beat.sequence) + 1);
                Some(LocalTime::from_nanos(expected as i64) + *margin)
            }
            Level::Synchronised { margin } => {
                // §3.3: freshness points lie a constant after the sending, by clocks that agree.
                Some(beat.sent.or(beat.asked).unwrap_or(beat.at) + beat.interval + *margin)
            }
            Level::Phi(phi) => {
                if self.window.is_empty() {
                    self.bootstrap(phi, beat.interval);
                } else if !beat.first {
                    self.learn(phi, since, beat.suspected, rules);
                }
                Some(beat.at + self.silence(phi, rules))
            }
        }
    }

    /// Nothing came up to the moment that was returned last; returns whether the peer is suspected now, and when to look again.
    pub(super) fn overdue(&mut self, level: &Level, interval: Duration, now: LocalTime) -> (bool, Option<LocalTime>) {
        match level {
            Level::Timeout { missed, of, .. } => {
                self.missed = self.missed << 1 | 1;
                (self.too_many(*missed, *of), Some(now + interval))
            }
            _ => (true, None),
        }
    }

    /// Up to when a peer is trusted that has never been heard of.
    pub(super) fn unheard(&mut self, level: &Level, interval: Duration, now: LocalTime, rules: &dyn Rules) -> Option<LocalTime> {
        self.last = now + interval;
        rules.watches_unheard().then(|| match level {
            Level::Timeout { timeout, .. } => now + interval + *timeout,
            Level::Expected { margin, .. } | Level::Synchronised { margin } => now + interval + interval + *margin,
            Level::Phi(phi) => {
                self.bootstrap(phi, interval);
                now + interval + self.silence(phi, rules)
            }
        })
    }

    fn too_many(&self, missed: u32, of: u32) -> bool {
        (self.missed & (u32::MAX >> (32 - of))).count_ones() >= missed
    }

    /// What is assumed before anything was seen: in Akka two intervals a quarter above and below the expected one, in Cassandra half of it.
    fn bootstrap(&mut self, phi: &Phi, interval: Duration) {
        if !self.window.is_empty() {
            return;
        }
        let nanos = interval.as_nanos() as i64;
        match phi.law {
            Law::Exponential => self.push(nanos / 2, phi.window),
            _ => {
                self.push(nanos - nanos / 4, phi.window);
                self.push(nanos + nanos / 4, phi.window);
            }
        }
    }

    fn learn(&mut self, phi: &Phi, since: Duration, suspected: bool, rules: &dyn Rules) {
        let tolerable = phi.interval_max.is_none_or(|most| since <= most);
        if rules.learns_interval(suspected, tolerable) {
            self.push(since.as_nanos() as i64, phi.window);
        }
    }

    /// How long a silence is as suspicious as the threshold.
    fn silence(&self, phi: &Phi, rules: &dyn Rules) -> Duration {
        let count = self.window.len() as i128;
        let mean = self.sum / count;
        let variance = (self.squares / count as u128).saturating_sub((mean * mean) as u128);
        let deviation = rules.deviation(Duration::from_nanos(variance.isqrt() as u64), phi.deviation_min);
        phi.law.silence(phi.factor, Duration::from_nanos(mean as u64) + phi.pause, deviation)
    }

    fn push(&mut self, value: i64, most: u32) {
        let square = |value: i64| (i128::from(value) * i128::from(value)) as u128;
        self.window.push_back(value);
        self.sum += i128::from(value);
        self.squares += square(value);
        if self.window.len() > most as usize
            && let Some(old) = self.window.pop_front()
        {
            self.sum -= i128::from(old);
            self.squares -= square(old);
        }
    }

    fn forget(&mut self) {
        self.window.clear();
        (self.sum, self.squares) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Correct;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: i64) -> LocalTime {
        LocalTime::from_nanos(millis * 1_000_000)
    }

    fn beat(millis: i64, sequence: u64) -> Arrival {
        Arrival { at: at(millis), asked: None, sent: None, sequence, interval: SECOND, suspected: false, first: sequence == 1 }
    }

    #[test]
    fn so_many_of_so_many_must_be_missed() {
        let level = Level::Timeout { timeout: Duration::from_millis(1500), missed: 2, of: 3 };
        let mut arrivals = Arrivals::new();
        assert_eq!(arrivals.arrive(&level, beat(0, 1), &Correct), Some(at(1500)));
        assert_eq!(arrivals.overdue(&level, SECOND, at(1500)), (false, Some(at(2500))));
        assert_eq!(arrivals.arrive(&level, beat(2000, 3), &Correct), Some(at(3500)));
        assert_eq!(arrivals.overdue(&level, SECOND, at(3500)), (true, Some(at(4500))), "two of the last three");
        assert_eq!(arrivals.arrive(&level, beat(4000, 5), &Correct), Some(at(5500)));
    }

    /// NFD-E: with heartbeats that take 10 ms, then 30 ms, the next is expected after 20 ms.
    #[test]
    fn a_freshness_point_is_the_expected_arrival_and_a_margin() {
        let level = Level::Expected { margin: Duration::from_millis(100), window: 2 };
        let mut arrivals = Arrivals::new();
        assert_eq!(arrivals.arrive(&level, beat(1010, 1), &Correct), Some(at(2110)));
        assert_eq!(arrivals.arrive(&level, beat(2030, 2), &Correct), Some(at(3120)));
        // A late heartbeat does not put off the next freshness point by as much as it is late.
        assert_eq!(arrivals.arrive(&level, beat(3050, 3), &Correct), Some(at(4140)));
    }

    #[test]
    fn a_steady_heart_is_suspected_after_mean_pause_and_floor() {
        let phi = Phi::akka();
        let mut arrivals = Arrivals::new();
        let mut until = None;
        for number in 1..=2_000 {
            until = arrivals.arrive(&Level::Phi(phi), beat(1_000 * number, number as u64), &Correct);
        }
        // μ + 3 s + 5.23 · 100 ms.
        let silence = until.expect("it is trusted").since(at(2_000_000)).as_nanos() as f64 / 1e9;
        assert!((silence - 4.523).abs() < 0.001, "{silence}");
    }

    #[test]
    fn cassandra_convicts_after_18_means() {
        let phi = Phi::cassandra();
        let mut arrivals = Arrivals::new();
        let mut until = None;
        for number in 1..=2_000 {
            until = arrivals.arrive(&Level::Phi(phi), beat(1_000 * number, number as u64), &Correct);
        }
        let silence = until.expect("it is trusted").since(at(2_000_000)).as_nanos() as f64 / 1e9;
        assert!((silence - 18.42).abs() < 0.01, "{silence}");
    }
}
