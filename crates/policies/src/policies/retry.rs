//! Whether and when a call that failed is made again.
//!
//! Retries help against failures that are rare and independent of load. Where calls fail because there is too little capacity, they
//! multiply the load: three layers of three attempts make 27 calls of one. A [`Budget`] bounds them to a share of the requests, whatever
//! fails; jitter spreads them in time; a deadline ends them.
//!
//! ```
//! use stormglass_policies::policies::retry::{Again, Retry, RetrySettings, Stop};
//! use stormglass_process::base::{Duration, LocalTime, RunKey};
//!
//! let (now, mut random) = (LocalTime::from_nanos(0), RunKey::from_seed(1).stream("retries", 0));
//! let mut retry = Retry::new(&RetrySettings { attempts: 3, ..RetrySettings::default() }).unwrap();
//! let mut attempts = retry.begin(now);
//! for _ in 0..2 {
//!     let Again::After(delay) = retry.again(now, &mut attempts, None, &mut random) else { panic!("there is a budget") };
//!     assert!(delay <= Duration::from_millis(200));
//! }
//! assert_eq!(retry.again(now, &mut attempts, None, &mut random), Again::Stop(Stop::Attempts));
//! ```

use stormglass_process::base::{Duration, DurationRange, LocalTime, Rate, Ratio, Stream, sample_within};

use super::SettingError;
use super::refill::{Refill, Scale};
use super::setting::demand;

/// How long to wait before a retry. Brooker, *Exponential Backoff And Jitter*, AWS Architecture Blog, 2015, has the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// Not at all.
    None,
    /// Always as long.
    Constant(Duration),
    /// Twice as long each time: base · 2ⁿ⁻¹, and at most the cap, before the n-th retry.
    Exponential {
        /// Before the first retry.
        base: Duration,
        /// At most. At least the base.
        cap: Duration,
    },
    /// Half of what `Exponential` has, and up to as much again at random.
    Equal {
        /// Before the first retry, at most.
        base: Duration,
        /// At most. At least the base.
        cap: Duration,
    },
    /// Up to what `Exponential` has, at random.
    Full {
        /// Before the first retry, at most.
        base: Duration,
        /// At most. At least the base.
        cap: Duration,
    },
    /// From the base to three times as long as the last time, at random, and at most the cap.
    Decorrelated {
        /// At least.
        base: Duration,
        /// At most. At least the base.
        cap: Duration,
    },
}

impl Backoff {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), SettingError> {
        match self {
            Self::None | Self::Constant(_) => Ok(()),
            Self::Exponential { base, cap } | Self::Equal { base, cap } | Self::Full { base, cap } | Self::Decorrelated { base, cap } => {
                demand(!base.is_zero(), "base", "what is doubled is above zero")?;
                demand(base <= cap, "cap", "it is at least the base")
            }
        }
    }

    /// How long to wait before the n-th retry, counted from 1, after one before which it was `previous` (zero before the first). `word` is
    /// uniform; it does not matter where there is no jitter.
    pub fn delay(&self, retry: u32, previous: Duration, word: u64) -> Duration {
        match *self {
            Self::None => Duration::ZERO,
            Self::Constant(length) => length,
            Self::Exponential { base, cap } => doubled(base, cap, retry),
            Self::Equal { base, cap } => {
                let whole = doubled(base, cap, retry);
                uniform(whole / 2, whole, word)
            }
            Self::Full { base, cap } => uniform(Duration::ZERO, doubled(base, cap, retry), word),
            Self::Decorrelated { base, cap } => uniform(base, previous.max(base) * 3, word).min(cap),
        }
    }
}

fn doubled(base: Duration, cap: Duration, retry: u32) -> Duration {
    let factor = 1_u64.checked_shl(retry.saturating_sub(1)).unwrap_or(u64::MAX);
    (base * factor).min(cap)
}

/// A length in the range; the shorter one where that is inverted.
fn uniform(low: Duration, high: Duration, word: u64) -> Duration {
    sample_within(DurationRange::new(low, high).unwrap_or(low.into()), word)
}

/// How many retries there may be, beside the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// So many retries for each request, on average.
    pub share: Ratio,
    /// So many besides, for where there are few requests; none without.
    pub reserve: Option<Rate>,
    /// How many may be saved up, and are there at the start. Above zero.
    pub burst: u32,
}

impl Default for BudgetSettings {
    /// One in ten requests, and one in a second; ten can be saved up.
    fn default() -> Self {
        Self { share: Ratio::new(1, 10).expect("a tenth is a chance"), reserve: Rate::per_second(1), burst: 10 }
    }
}

/// A budget of retries, for all calls to one service: a bucket that each request fills by its share, and each retry takes one of. Beyer and
/// others, *Site Reliability Engineering*, 2016, ch. 22; Finagle's `RetryBudget`. Exact.
#[derive(Clone, Debug)]
pub struct Budget {
    bucket: Refill,
    scale: Scale,
    /// What a request brings.
    share: u128,
}

impl Budget {
    /// A budget that has saved up all it can.
    ///
    /// # Errors
    /// If nothing can be saved up.
    pub fn new(settings: &BudgetSettings) -> Result<Self, SettingError> {
        demand(settings.burst > 0, "burst", "one retry at least can be saved up, or there never is any")?;
        let scale = Scale::new(settings.reserve, settings.share.whole());
        let share = scale.unit / u128::from(settings.share.whole()) * u128::from(settings.share.parts());
        Ok(Self { bucket: Refill::full(settings.burst, scale), scale, share })
    }

    /// A request is made for the first time.
    pub fn request(&mut self, now: LocalTime) {
        self.bucket.pass(now);
        self.bucket.add(self.share);
    }

    /// Takes one retry out, if there is one.
    pub fn try_withdraw(&mut self, now: LocalTime) -> bool {
        self.bucket.pass(now);
        self.bucket.take(self.scale.unit)
    }

    /// How many retries it holds, in thousandths, rounded down.
    pub fn balance_milli(&mut self, now: LocalTime) -> u64 {
        self.bucket.pass(now);
        // A level is at most 2^32 units.
        (self.bucket.level() * 1000 / self.scale.unit) as u64
    }
}

/// How calls are retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySettings {
    /// How often a call is made at most, with the first time. Above zero; 1 for no retries.
    pub attempts: u32,
    /// How long to wait before each retry.
    pub backoff: Backoff,
    /// What bounds the retries of all calls together; nothing without.
    pub budget: Option<BudgetSettings>,
}

impl Default for RetrySettings {
    /// Three attempts with full jitter from 100 ms to 2 s, within a budget of a tenth.
    fn default() -> Self {
        let backoff = Backoff::Full { base: Duration::from_millis(100), cap: Duration::from_secs(2) };
        Self { attempts: 3, backoff, budget: Some(BudgetSettings::default()) }
    }
}

/// Retries of the calls to one service.
#[derive(Clone, Debug)]
pub struct Retry {
    attempts: u32,
    backoff: Backoff,
    budget: Option<Budget>,
}

/// How often one call was made, and what it waited last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    made: u32,
    previous: Duration,
}

impl Attempts {
    /// How often it was made, with the first time.
    pub const fn made(&self) -> u32 {
        self.made
    }
}

/// What becomes of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is made again after this time.
    After(Duration),
    /// It is not made again.
    Stop(Stop),
}

/// Why a call is not made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It was made as often as it may be.
    Attempts,
    /// Its deadline comes before the wait has passed.
    Deadline,
    /// All calls together were retried as often as they may be.
    Budget,
}

impl Retry {
    /// With a budget that has saved up all it can.
    ///
    /// # Errors
    /// If there are no attempts, or as [`Backoff::check`] and [`Budget::new`] say.
    pub fn new(settings: &RetrySettings) -> Result<Self, SettingError> {
        demand(settings.attempts > 0, "attempts", "a call is made once at least")?;
        settings.backoff.check()?;
        let budget = settings.budget.as_ref().map(Budget::new).transpose()?;
        Ok(Self { attempts: settings.attempts, backoff: settings.backoff, budget })
    }

    /// A call is made for the first time.
    pub fn begin(&mut self, now: LocalTime) -> Attempts {
        if let Some(budget) = &mut self.budget {
            budget.request(now);
        }
        Attempts { made: 1, previous: Duration::ZERO }
    }

    /// The call failed in a way that a retry may mend; `left` is the time to its deadline, if it has one. A retry that is granted is
    /// counted as made.
    pub fn again(&mut self, now: LocalTime, attempts: &mut Attempts, left: Option<Duration>, random: &mut Stream) -> Again {
        if attempts.made >= self.attempts {
            return Again::Stop(Stop::Attempts);
        }
        let delay = self.backoff.delay(attempts.made, attempts.previous, random.word());
        if left.is_some_and(|left| left <= delay) {
            return Again::Stop(Stop::Deadline);
        }
        if self.budget.as_mut().is_some_and(|budget| !budget.try_withdraw(now)) {
            return Again::Stop(Stop::Budget);
        }
        attempts.made += 1;
        attempts.previous = delay;
        Again::After(delay)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stormglass_process::base::RunKey;

    use super::*;

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn random() -> Stream {
        RunKey::from_seed(1).stream("retry", 0)
    }

    #[test]
    fn delays_lie_where_the_formulas_say() {
        let (base, cap) = (millis(10), millis(100));
        // Before the n-th retry, from the least to the most, after one of 20 ms.
        for (backoff, bounds) in [
            (Backoff::None, [(0, 0), (0, 0), (0, 0)]),
            (Backoff::Constant(millis(7)), [(7, 7), (7, 7), (7, 7)]),
            (Backoff::Exponential { base, cap }, [(10, 10), (20, 20), (100, 100)]),
            (Backoff::Equal { base, cap }, [(5, 10), (10, 20), (50, 100)]),
            (Backoff::Full { base, cap }, [(0, 10), (0, 20), (0, 100)]),
            (Backoff::Decorrelated { base, cap }, [(10, 60), (10, 60), (10, 60)]),
        ] {
            for (retry, (least, most)) in [1, 2, 100].into_iter().zip(bounds) {
                let at = |word| backoff.delay(retry, millis(20), word);
                assert_eq!((at(0), at(u64::MAX)), (millis(least), millis(most)), "{backoff:?} before retry {retry}");
                let middle = (least + most) * 500;
                assert_eq!(at(1 << 63).as_nanos() / 1000, middle, "{backoff:?}: uniform");
            }
        }
        let first = Backoff::Decorrelated { base, cap }.delay(1, Duration::ZERO, u64::MAX);
        let long = Backoff::Decorrelated { base, cap }.delay(9, millis(90), u64::MAX);
        assert_eq!((first, long), (millis(30), cap));
    }

    /// The closed form: of calls that fail with probability p, at most n attempts make (1 - pⁿ) / (1 - p) on average.
    #[test]
    fn attempts_are_as_many_as_the_closed_form_says() {
        let mut retry = Retry::new(&RetrySettings { attempts: 4, backoff: Backoff::None, budget: None }).unwrap();
        let mut random = random();
        let now = LocalTime::from_nanos(0);
        let (mut made, half) = (0, Ratio::new(1, 2).unwrap());
        for _ in 0..100_000 {
            let mut attempts = retry.begin(now);
            while random.chance(half) && retry.again(now, &mut attempts, None, &mut random) != Again::Stop(Stop::Attempts) {}
            made += attempts.made();
        }
        assert!((1.875 - f64::from(made) / 1e5).abs() < 0.01, "{made}");
    }

    #[test]
    fn a_budget_bounds_retries_to_its_share() {
        let budget = BudgetSettings { reserve: None, ..BudgetSettings::default() };
        let settings = RetrySettings { attempts: 10, backoff: Backoff::None, budget: Some(budget) };
        let mut retry = Retry::new(&settings).unwrap();
        let (mut random, now) = (random(), LocalTime::from_nanos(0));
        let mut retries = 0;
        for _ in 0..1000 {
            let mut attempts = retry.begin(now);
            // Everything fails.
            while let Again::After(_) = retry.again(now, &mut attempts, None, &mut random) {
                retries += 1;
            }
        }
        assert_eq!(retries, 10 + 100 - 1, "what was saved up, and a tenth; what the first request brought did not fit");
    }

    #[test]
    fn no_retry_begins_at_its_deadline_or_later() {
        let settings = RetrySettings { attempts: 3, backoff: Backoff::Constant(millis(10)), budget: None };
        let mut retry = Retry::new(&settings).unwrap();
        let now = LocalTime::from_nanos(0);
        let mut attempts = retry.begin(now);
        assert_eq!(retry.again(now, &mut attempts, Some(millis(10)), &mut random()), Again::Stop(Stop::Deadline));
        assert_eq!(retry.again(now, &mut attempts, Some(millis(11)), &mut random()), Again::After(millis(10)));
    }

    #[test]
    fn wrong_settings_say_what_is_wrong() {
        let setting = |settings: RetrySettings| Retry::new(&settings).map(|_| ()).map_err(|error| error.setting);
        let usual = RetrySettings::default;
        assert_eq!(setting(RetrySettings { attempts: 0, ..usual() }), Err("attempts"));
        assert_eq!(setting(RetrySettings { backoff: Backoff::Full { base: millis(2), cap: millis(1) }, ..usual() }), Err("cap"));
        assert_eq!(setting(RetrySettings { backoff: Backoff::Equal { base: millis(0), cap: millis(1) }, ..usual() }), Err("base"));
        let budget = Some(BudgetSettings { burst: 0, ..BudgetSettings::default() });
        assert_eq!(setting(RetrySettings { budget, ..usual() }), Err("burst"));
    }

    proptest! {
        /// Against fractions of the least common denominator that is written out: thousandths of a share, and nanoseconds of a second.
        #[test]
        fn a_budget_is_exact(
            parts in 0_u32..=20, reserve in proptest::option::of(1_u32..2000), burst in 1_u32..5,
            steps in proptest::collection::vec((any::<bool>(), 0_u64..2_000_000_000), 1..60),
        ) {
            let reserve = reserve.and_then(Rate::per_second);
            let settings = BudgetSettings { share: Ratio::new(parts, 20).unwrap(), reserve, burst };
            let mut budget = Budget::new(&settings).unwrap();
            // In parts of 1/(20 · 10⁹).
            const ONE: u128 = 20_000_000_000;
            let (mut level, mut now) = (u128::from(burst) * ONE, 0);
            for (is_request, nanos) in steps {
                now += nanos as i64;
                level += u128::from(nanos) * reserve.map_or(0, |rate| u128::from(rate.count())) * 20;
                level = level.min(u128::from(burst) * ONE);
                let at = LocalTime::from_nanos(now);
                if is_request {
                    budget.request(at);
                    level = (level + u128::from(parts) * ONE / 20).min(u128::from(burst) * ONE);
                } else {
                    prop_assert_eq!(budget.try_withdraw(at), level >= ONE);
                    level -= if level >= ONE { ONE } else { 0 };
                }
                prop_assert_eq!(u128::from(budget.balance_milli(at)), level * 1000 / ONE);
            }
        }
    }
}
