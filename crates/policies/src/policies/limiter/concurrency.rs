//! How many calls may be in flight at once.

use stormglass_process::base::{Duration, scale};

use super::super::setting::demand;
use super::super::{Outcome, SettingError};

/// How the limit is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConcurrencySettings {
    /// Once and for all: above zero.
    Fixed(u32),
    /// By failures: one more for each success, a part less for each failure.
    Aimd(AimdSettings),
    /// By latency: as many as are served without queueing, and a few more.
    Vegas(VegasSettings),
}

/// Additive increase, multiplicative decrease. Chiu and Jain, *Analysis of the Increase and Decrease Algorithms*, Computer Networks 17,
/// 1989; as in Netflix's `AIMDLimit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AimdSettings {
    /// The limit at the start.
    pub initial: u32,
    /// The least limit. Above zero.
    pub least: u32,
    /// The greatest.
    pub most: u32,
    /// What is left of the limit after a failure, in percent: from 1 to 99.
    pub backoff_percent: u32,
    /// What takes longer counts as failed.
    pub timeout: Duration,
}

impl Default for AimdSettings {
    /// From 10, between 1 and 1,000; a tenth less for a failure or five seconds.
    fn default() -> Self {
        Self { initial: 10, least: 1, most: 1000, backoff_percent: 90, timeout: Duration::from_secs(5) }
    }
}

/// By the queue that latency shows: limit · (1 - least latency / latency). Brakmo and Peterson, *TCP Vegas*, IEEE JSAC 13(8), 1995; as in
/// Netflix's `VegasLimit`, whose bounds grow with the logarithm of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VegasSettings {
    /// The limit at the start. Above zero.
    pub initial: u32,
    /// The greatest limit.
    pub most: u32,
    /// The least latency is measured anew after so many times the limit (and half of it at the least, at random): above zero. Where that
    /// happens while calls wait, it is taken for longer than it is, and the limit grows beyond what is served without queueing.
    pub probe_multiplier: u32,
}

impl Default for VegasSettings {
    /// From 20, to 1,000, and measured anew after 30 times the limit.
    fn default() -> Self {
        Self { initial: 20, most: 1000, probe_multiplier: 30 }
    }
}

/// A call in flight. It is to be [released](Concurrency::release) once, however it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many were in flight then, with it.
    in_flight: u32,
}

/// A limit of calls in flight.
#[derive(Clone, Debug)]
pub struct Concurrency {
    settings: ConcurrencySettings,
    limit: u32,
    in_flight: u32,
    vegas: Vegas,
}

/// What is known of latencies.
#[derive(Clone, Copy, Debug, Default)]
struct Vegas {
    least: Option<Duration>,
    /// How many samples there were since it was measured anew, and after how many it is.
    samples: u64,
    probe_after: Option<u64>,
}

impl Concurrency {
    /// With nothing in flight.
    ///
    /// # Errors
    /// If a setting is out of the range that its description gives.
    pub fn new(settings: &ConcurrencySettings) -> Result<Self, SettingError> {
        let limit = match settings {
            ConcurrencySettings::Fixed(limit) => {
                demand(*limit > 0, "limit", "one call at least may be in flight")?;
                *limit
            }
            ConcurrencySettings::Aimd(aimd) => {
                demand(aimd.least > 0, "least", "one call at least may be in flight")?;
                demand((aimd.least..=aimd.most).contains(&aimd.initial), "initial", "it lies between the least and the most")?;
                demand((1..100).contains(&aimd.backoff_percent), "backoff_percent", "what a failure leaves is from 1 to 99 percent")?;
                aimd.initial
            }
            ConcurrencySettings::Vegas(vegas) => {
                demand((1..=vegas.most).contains(&vegas.initial), "initial", "it lies between one and the most")?;
                demand(vegas.probe_multiplier > 0, "probe_multiplier", "it is above zero")?;
                vegas.initial
            }
        };
        Ok(Self { settings: *settings, limit, in_flight: 0, vegas: Vegas::default() })
    }

    /// How many may be in flight now.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// How many are.
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Asks for one more; nothing if as many are in flight as may.
    pub fn try_acquire(&mut self) -> Option<Held> {
        if self.in_flight >= self.limit {
            return None;
        }
        self.in_flight += 1;
        Some(Held { in_flight: self.in_flight })
    }

    /// A call has ended, after so long. A failure is one that load brings about: a refusal, a time-out; what says nothing of load is
    /// [`Outcome::Ignored`]. `word` is uniform; only `Vegas` draws.
    pub fn release(&mut self, held: Held, latency: Duration, outcome: Outcome, word: u64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if outcome == Outcome::Ignored {
            return;
        }
        let failed = outcome == Outcome::Failure;
        match &self.settings {
            ConcurrencySettings::Fixed(_) => {}
            ConcurrencySettings::Aimd(aimd) => self.limit = aimd.next(self.limit, held, failed || latency > aimd.timeout),
            ConcurrencySettings::Vegas(settings) => {
                if let Some(least) = self.vegas.least_before(latency, self.limit, settings, word) {
                    self.limit = settings.next(self.limit, held, failed, least, latency);
                }
            }
        }
    }
}

impl AimdSettings {
    fn next(&self, limit: u32, held: Held, failed: bool) -> u32 {
        let next = if failed {
            let part = (u64::from(limit) * u64::from(self.backoff_percent) / 100) as u32;
            part.min(limit - 1)
        } else if u64::from(held.in_flight) * 2 >= u64::from(limit) {
            limit.saturating_add(1)
        } else {
            // What is not used is not known to be right.
            limit
        };
        next.clamp(self.least, self.most)
    }
}

impl Vegas {
    /// The least latency, if this one is to be compared with it; nothing if it has become the least itself.
    fn least_before(&mut self, latency: Duration, limit: u32, settings: &VegasSettings, word: u64) -> Option<Duration> {
        self.samples += 1;
        let most = u64::from(settings.probe_multiplier) * u64::from(limit);
        let after = *self.probe_after.get_or_insert_with(|| most / 2 + scale(word, most - most / 2));
        if self.samples >= after {
            *self = Self { least: Some(latency), samples: 0, probe_after: None };
            return None;
        }
        let least = self.least.filter(|least| *least <= latency);
        self.least = least.or(Some(latency));
        least
    }
}

impl VegasSettings {
    fn next(&self, limit: u32, held: Held, failed: bool, least: Duration, latency: Duration) -> u32 {
        let log = limit.ilog10().max(1);
        if failed {
            return limit.saturating_sub(log).max(1);
        }
        if u64::from(held.in_flight) * 2 < u64::from(limit) {
            return limit;
        }
        let (least, latency) = (u128::from(least.as_nanos()), u128::from(latency.as_nanos().max(1)));
        let queued = (u128::from(limit) * latency.saturating_sub(least)).div_ceil(latency);
        let next = if queued <= u128::from(log) {
            limit.saturating_add(6 * log)
        } else if queued < u128::from(3 * log) {
            limit.saturating_add(log)
        } else if queued > u128::from(6 * log) {
            limit.saturating_sub(log)
        } else {
            limit
        };
        next.clamp(1, self.most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stormglass_process::base::RunKey;

    use super::*;

    /// A server with so many workers and a queue: what is in flight beyond the workers waits. Where the limit comes to lie.
    fn settled(settings: ConcurrencySettings, workers: u32, fails_above: u32) -> (u32, u32) {
        let mut concurrency = Concurrency::new(&settings).unwrap();
        let mut random = RunKey::from_seed(1).stream("concurrency", 0);
        let mut limits = vec![];
        for round in 0..2000 {
            // As many as may be in flight come, and wait for each other.
            let held: Vec<Held> = std::iter::from_fn(|| concurrency.try_acquire()).collect();
            let count = held.len() as u32;
            for (nth, held) in held.into_iter().enumerate() {
                let latency = Duration::from_nanos(10_000_000 * u64::from(count.max(workers)) / u64::from(workers));
                let outcome = if count > fails_above { Outcome::Failure } else { Outcome::Success };
                // One sample a round, so that the next one shows what it did.
                let outcome = if nth as u32 + 1 == count { outcome } else { Outcome::Ignored };
                concurrency.release(held, latency, outcome, random.word());
            }
            if round > 1000 {
                limits.push(concurrency.limit());
            }
        }
        (*limits.iter().min().unwrap(), *limits.iter().max().unwrap())
    }

    #[test]
    fn limits_come_to_lie_where_the_server_is() {
        // Vegas finds the workers by latency alone, and lets from one to six wait.
        let vegas = VegasSettings { probe_multiplier: u32::MAX, ..VegasSettings::default() };
        let (least, most) = settled(ConcurrencySettings::Vegas(vegas), 50, u32::MAX);
        assert!(least >= 50 && most <= 57, "{least} to {most}");
        // Additive increase finds where failures begin, and stays below.
        let (least, most) = settled(ConcurrencySettings::Aimd(AimdSettings::default()), 50, 80);
        assert!(least >= 72 && most <= 81, "{least} to {most}");
        assert_eq!(settled(ConcurrencySettings::Fixed(7), 5, u32::MAX), (7, 7));
    }

    proptest! {
        /// As in the published code, in floats.
        #[test]
        fn limits_move_as_published(
            initial in 1_u32..60, samples in proptest::collection::vec((1_u64..200, 1_u32..80, 0_u8..8), 1..100), is_vegas in any::<bool>(),
        ) {
            let vegas = VegasSettings { initial, most: 1000, probe_multiplier: u32::MAX };
            let aimd = AimdSettings { initial, ..AimdSettings::default() };
            let settings = if is_vegas { ConcurrencySettings::Vegas(vegas) } else { ConcurrencySettings::Aimd(aimd) };
            let mut concurrency = Concurrency::new(&settings).unwrap();
            let (mut limit, mut noload) = (f64::from(initial), 0.0);
            for (latency, in_flight, outcome) in samples {
                let (rtt, dropped) = (latency as f64, outcome == 0);
                let log = libm::floor(libm::log10(limit)).max(1.0);
                if !is_vegas {
                    if dropped {
                        limit = (limit - 1.0).min((limit * 0.9 + 1e-9).floor()).max(1.0);
                    } else if f64::from(in_flight) * 2.0 >= limit {
                        limit += 1.0;
                    }
                } else if noload == 0.0 || rtt < noload {
                    noload = rtt;
                } else {
                    let queue = (limit * (1.0 - noload / rtt) - 1e-9).ceil();
                    let next = if dropped {
                        limit - log
                    } else if f64::from(in_flight) * 2.0 < limit {
                        limit
                    } else if queue <= log {
                        limit + 6.0 * log
                    } else if queue < 3.0 * log {
                        limit + log
                    } else if queue > 6.0 * log {
                        limit - log
                    } else {
                        limit
                    };
                    limit = next.clamp(1.0, 1000.0);
                }
                let outcome = if dropped { Outcome::Failure } else { Outcome::Success };
                concurrency.release(Held { in_flight }, Duration::from_millis(latency), outcome, 0);
                prop_assert_eq!(f64::from(concurrency.limit()), limit);
            }
        }

        /// What is in flight is what was acquired and not released, and never more than the limit was then.
        #[test]
        fn permits_are_not_lost(steps in proptest::collection::vec((any::<bool>(), 0_u8..3), 0..100)) {
            let settings = AimdSettings { initial: 3, ..AimdSettings::default() };
            let mut concurrency = Concurrency::new(&ConcurrencySettings::Aimd(settings)).unwrap();
            let mut held = vec![];
            for (acquires, outcome) in steps {
                let limit = concurrency.limit();
                if acquires {
                    let acquired = concurrency.try_acquire();
                    prop_assert_eq!(acquired.is_some(), (held.len() as u32) < limit);
                    held.extend(acquired);
                } else if let Some(one) = held.pop() {
                    let outcome = [Outcome::Success, Outcome::Failure, Outcome::Ignored][outcome as usize];
                    concurrency.release(one, Duration::ZERO, outcome, 0);
                    prop_assert!(outcome != Outcome::Ignored || concurrency.limit() == limit);
                }
                prop_assert_eq!(concurrency.in_flight() as usize, held.len());
            }
        }
    }

    #[test]
    fn wrong_settings_say_what_is_wrong() {
        let setting = |settings| Concurrency::new(&settings).map(|_| ()).map_err(|error| error.setting);
        assert_eq!(setting(ConcurrencySettings::Fixed(0)), Err("limit"));
        let aimd = AimdSettings::default();
        assert_eq!(setting(ConcurrencySettings::Aimd(AimdSettings { least: 0, ..aimd })), Err("least"));
        assert_eq!(setting(ConcurrencySettings::Aimd(AimdSettings { least: 11, ..aimd })), Err("initial"));
        assert_eq!(setting(ConcurrencySettings::Aimd(AimdSettings { backoff_percent: 100, ..aimd })), Err("backoff_percent"));
        let vegas = VegasSettings::default();
        assert_eq!(setting(ConcurrencySettings::Vegas(VegasSettings { most: 19, ..vegas })), Err("initial"));
        assert_eq!(setting(ConcurrencySettings::Vegas(VegasSettings { probe_multiplier: 0, ..vegas })), Err("probe_multiplier"));
    }
}
