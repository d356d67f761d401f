//! Adaptive throttling: a client holds back what would be refused.
//!
//! Refusing costs a service that is overloaded, too. A client that sees many of its requests refused sends only K times as many as are
//! accepted, and drops the others itself; it notices that more are accepted since it sends a few too many. Beyer and others, *Site
//! Reliability Engineering*, 2016, ch. 21: a request is dropped with a chance of max(0, (requests - K · accepts) / (requests + 1)).
//!
//! ```
//! use stormglass_policies::policies::throttle::{Throttle, ThrottleSettings};
//! use stormglass_process::base::LocalTime;
//!
//! let mut throttle = Throttle::new(&ThrottleSettings::default()).unwrap();
//! let now = LocalTime::from_nanos(0);
//! for _ in 0..10 {
//!     assert!(throttle.admit(now, u64::MAX));
//! }
//! throttle.accepted(now);
//! // (10 - 2 · 1) / 11.
//! assert_eq!(throttle.drop_chance(now), (800, 1100));
//! ```

use stormglass_process::base::{Duration, LocalTime};

use super::SettingError;
use super::setting::demand;
use super::window::Sliding;

/// How soon a client holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// K, in percent: so many requests are sent for one that is accepted. At least 100.
    pub k_percent: u32,
    /// What is counted: of late. In buckets: the window is shorter than this by less than a bucket.
    pub window: Duration,
    /// In how many parts it is counted: from 1 to 10,000.
    pub buckets: u32,
}

impl Default for ThrottleSettings {
    /// Two, over two minutes, as in the book.
    fn default() -> Self {
        Self { k_percent: 200, window: Duration::from_secs(120), buckets: 24 }
    }
}

/// Holds back requests to one service.
#[derive(Clone, Debug)]
pub struct Throttle {
    k_percent: u32,
    /// Requests and accepts.
    counts: Sliding<2>,
}

impl Throttle {
    /// One that has seen nothing.
    ///
    /// # Errors
    /// If a setting is out of the range that its description gives.
    pub fn new(settings: &ThrottleSettings) -> Result<Self, SettingError> {
        demand(settings.k_percent >= 100, "k_percent", "with less than 100 percent it would hold back what is accepted")?;
        Ok(Self { k_percent: settings.k_percent, counts: Sliding::new(settings.window, settings.buckets)? })
    }

    /// Counts a request, and says whether to send it. `word` is uniform.
    pub fn admit(&mut self, now: LocalTime, word: u64) -> bool {
        let (dropped, of) = self.drop_chance(now);
        self.counts.count(now, 0);
        (u128::from(word) * u128::from(of)) >> 64 >= u128::from(dropped)
    }

    /// The service has accepted a request: it did what was asked, or failed for another reason than load.
    pub fn accepted(&mut self, now: LocalTime) {
        self.counts.count(now, 1);
    }

    /// The chance with which the next request is dropped: so many times of so many.
    pub fn drop_chance(&mut self, now: LocalTime) -> (u64, u64) {
        self.counts.pass(now);
        let [requests, accepts] = self.counts.sums();
        ((requests * 100).saturating_sub(accepts * u64::from(self.k_percent)), (requests + 1) * 100)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stormglass_process::base::RunKey;

    use super::*;

    /// A service that takes 100 of 1000 requests a second is sent about K times as many as it takes.
    #[test]
    fn it_sends_about_k_times_what_is_accepted() {
        for k_percent in [110, 200, 300] {
            let settings = ThrottleSettings { k_percent, window: Duration::from_secs(10), buckets: 10 };
            let mut throttle = Throttle::new(&settings).unwrap();
            let mut random = RunKey::from_seed(1).stream("throttle", 0);
            let (mut sent, mut room) = (0, 0);
            for millis in 0..60_000_i64 {
                let now = LocalTime::from_nanos(millis * 1_000_000);
                room = (room + i32::from(millis % 10 == 0)).min(100);
                if throttle.admit(now, random.word()) {
                    sent += i32::from(millis >= 30_000);
                    if room > 0 {
                        room -= 1;
                        throttle.accepted(now);
                    }
                }
            }
            let (per_second, expected) = (sent / 30, k_percent as i32);
            assert!((expected - 5..=expected + 10).contains(&per_second), "{per_second} a second for {k_percent} %");
        }
    }

    #[test]
    fn what_is_accepted_is_not_held_back() {
        let mut throttle = Throttle::new(&ThrottleSettings::default()).unwrap();
        for millis in 0..10_000 {
            let now = LocalTime::from_nanos(millis * 1_000_000);
            assert!(throttle.admit(now, 0) || millis < 2);
            throttle.accepted(now);
        }
    }

    proptest! {
        /// Against the list of all that happened.
        #[test]
        fn it_counts_what_the_window_has(
            buckets in 1_u32..6, k_percent in 100_u32..300,
            steps in proptest::collection::vec((any::<bool>(), 0_u64..30, any::<u64>()), 0..100),
        ) {
            let mut throttle = Throttle::new(&ThrottleSettings { k_percent, window: Duration::from_nanos(60), buckets }).unwrap();
            let (mut all, mut now) = (vec![], 0_u64);
            for (is_request, wait, word) in steps {
                now += wait;
                let bucket = 60 / u64::from(buckets);
                let first = (now / bucket + 1).saturating_sub(u64::from(buckets)) * bucket;
                let count = |all: &[(u64, bool)], kind| all.iter().filter(|(at, of)| *at >= first && *of == kind).count() as f64;
                let (requests, accepts) = (count(&all, true), count(&all, false));
                let chance = ((requests - f64::from(k_percent) / 100.0 * accepts) / (requests + 1.0)).max(0.0);
                let at = LocalTime::from_nanos(now as i64);
                let (dropped, of) = throttle.drop_chance(at);
                prop_assert!((dropped as f64 / of as f64 - chance).abs() < 1e-12);
                if is_request {
                    let place = word as f64 / 18_446_744_073_709_551_616.0;
                    if (place - chance).abs() > 1e-12 {
                        prop_assert_eq!(throttle.admit(at, word), place >= chance);
                    } else {
                        throttle.admit(at, word);
                    }
                } else {
                    throttle.accepted(at);
                }
                all.push((now, is_request));
            }
        }
    }

    #[test]
    fn wrong_settings_say_what_is_wrong() {
        let setting = |settings: ThrottleSettings| Throttle::new(&settings).map(|_| ()).map_err(|error| error.setting);
        assert_eq!(setting(ThrottleSettings { k_percent: 99, ..ThrottleSettings::default() }), Err("k_percent"));
        assert_eq!(setting(ThrottleSettings { window: Duration::ZERO, ..ThrottleSettings::default() }), Err("length"));
    }
}
