//! Buckets that limit a rate, exactly.

use stormglass_process::base::{Duration, LocalTime, Rate};

use super::super::SettingError;
use super::super::refill::{Refill, Scale};
use super::super::setting::demand;

/// A rate, and how far calls may run ahead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBucketSettings {
    /// How many tokens come.
    pub rate: Rate,
    /// How many the bucket holds; it is full at the start. Above zero.
    pub burst: u32,
}

/// How long until there are enough tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// After this time there are, if none is taken until then.
    For(Duration),
    /// More are wanted than the bucket ever holds.
    Never,
}

/// A bucket of tokens: in each interval of length t at most burst + rate · t are taken. Exact: no fraction of a token is lost.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    bucket: Refill,
    scale: Scale,
}

impl TokenBucket {
    /// A full bucket.
    ///
    /// # Errors
    /// If it holds nothing.
    pub fn new(settings: &TokenBucketSettings) -> Result<Self, SettingError> {
        demand(settings.burst > 0, "burst", "the bucket holds one token at least, or nothing ever gets through")?;
        let scale = Scale::new(Some(settings.rate), 1);
        Ok(Self { bucket: Refill::full(settings.burst, scale), scale })
    }

    /// Takes so many tokens.
    ///
    /// # Errors
    /// If there are not as many: none was taken.
    pub fn try_take(&mut self, now: LocalTime, tokens: u32) -> Result<(), Wait> {
        self.bucket.pass(now);
        let parts = u128::from(tokens) * self.scale.unit;
        if self.bucket.take(parts) {
            return Ok(());
        }
        Err(self.bucket.nanos_to(parts).map_or(Wait::Never, |nanos| Wait::For(Duration::from_nanos(nanos))))
    }

    /// How many whole tokens there are.
    pub fn tokens(&mut self, now: LocalTime) -> u32 {
        self.bucket.pass(now);
        // It holds as many as 32 bits count.
        (self.bucket.level() / self.scale.unit) as u32
    }
}

/// A rate, and how many may wait for their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeakyBucketSettings {
    /// How many get through.
    pub rate: Rate,
    /// How many may be held back at once. With zero, a call comes through in its turn or not at all.
    pub capacity: u32,
}

/// A bucket that leaks at a rate: calls get through one after the other, never closer together than the rate says. Turner, *New Directions
/// in Communications*, IEEE Communications Magazine 24(10), 1986; as a queue, not as a meter.
#[derive(Clone, Debug)]
pub struct LeakyBucket {
    /// The room that is left, of the capacity and one that is getting through.
    room: Refill,
    scale: Scale,
}

impl LeakyBucket {
    /// An empty bucket.
    ///
    /// # Errors
    /// If more are to wait than 32 bits count, less one.
    pub fn new(settings: &LeakyBucketSettings) -> Result<Self, SettingError> {
        demand(settings.capacity < u32::MAX, "capacity", "below 4294967295")?;
        let scale = Scale::new(Some(settings.rate), 1);
        Ok(Self { room: Refill::full(settings.capacity + 1, scale), scale })
    }

    /// How long a call that comes now is to be held back before it goes on; nothing if it is to be refused, as the bucket is full.
    pub fn try_enter(&mut self, now: LocalTime) -> Option<Duration> {
        self.room.pass(now);
        let ahead = self.room.most() - self.room.level();
        if !self.room.take(self.scale.unit) {
            return None;
        }
        let nanos = ahead.div_ceil(self.scale.per_nano);
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(nanos: i64) -> LocalTime {
        LocalTime::from_nanos(nanos)
    }

    fn rates() -> impl Strategy<Value = Rate> {
        (1_u32..5000, prop_oneof![Just("ms"), Just("s"), Just("min")]).prop_map(|(count, unit)| format!("{count}/{unit}").parse().unwrap())
    }

    proptest! {
        /// Against rational numbers: tokens are counted in parts of 1/unit, from all that happened since the start.
        #[test]
        fn a_token_bucket_is_exact(
            rate in rates(), burst in 1_u32..6, steps in proptest::collection::vec((0_u64..50_000_000, 0_u32..8), 1..80),
        ) {
            let mut bucket = TokenBucket::new(&TokenBucketSettings { rate, burst }).unwrap();
            let unit = u128::from(rate.unit().as_nanos());
            let (mut level, mut now) = (u128::from(burst) * unit, 0_i64);
            for (nanos, tokens) in steps {
                now += nanos as i64;
                level = (level + u128::from(nanos) * u128::from(rate.count())).min(u128::from(burst) * unit);
                prop_assert_eq!(u128::from(bucket.tokens(at(now))), level / unit);
                let wanted = u128::from(tokens) * unit;
                match bucket.try_take(at(now), tokens) {
                    Ok(()) => { prop_assert!(level >= wanted); level -= wanted; }
                    Err(Wait::Never) => prop_assert!(tokens > burst),
                    Err(Wait::For(length)) => {
                        prop_assert!(level < wanted && tokens <= burst);
                        // A nanosecond earlier there are not enough; then there are.
                        let after = |nanos: u64| level + u128::from(nanos) * u128::from(rate.count());
                        prop_assert!(after(length.as_nanos()) >= wanted && after(length.as_nanos() - 1) < wanted);
                    }
                }
            }
        }

        /// Whatever comes when: nothing gets through closer together than the rate says, nor later than it must.
        #[test]
        fn a_leaky_bucket_smooths(rate in rates(), capacity in 0_u32..5, waits in proptest::collection::vec(0_u64..30_000_000, 1..60)) {
            let mut bucket = LeakyBucket::new(&LeakyBucketSettings { rate, capacity }).unwrap();
            let (count, unit) = (u128::from(rate.count()), u128::from(rate.unit().as_nanos()));
            // When the next one may get through, in parts of a nanosecond that the rate divides.
            let (mut next, mut now) = (0_u128, 0_u128);
            for wait in waits {
                now += u128::from(wait);
                let ahead = next.saturating_sub(now * count);
                let expected = (ahead <= u128::from(capacity) * unit).then(|| ahead.div_ceil(count) as u64);
                prop_assert_eq!(bucket.try_enter(at(now as i64)).map(Duration::as_nanos), expected);
                if expected.is_some() {
                    next = next.max(now * count) + unit;
                }
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_brings_nothing() {
        let mut bucket = TokenBucket::new(&TokenBucketSettings { rate: Rate::per_second(1).unwrap(), burst: 1 }).unwrap();
        bucket.try_take(at(5_000_000_000), 1).unwrap();
        assert!(bucket.try_take(at(0), 1).is_err());
        assert!(bucket.try_take(at(5_999_999_999), 1).is_err(), "nor does its coming back to where it was");
        assert!(bucket.try_take(at(6_000_000_000), 1).is_ok());
    }

    #[test]
    fn the_longest_waits_and_rates_are_counted() {
        let mut bucket = TokenBucket::new(&TokenBucketSettings { rate: "1/min".parse().unwrap(), burst: u32::MAX }).unwrap();
        assert!(bucket.try_take(at(i64::MIN), u32::MAX).is_ok());
        assert_eq!(bucket.try_take(at(i64::MIN), u32::MAX), Err(Wait::For(Duration::MAX)));
        assert!(bucket.tokens(at(i64::MAX)) > 300_000_000);
    }
}
