//! Clocks that are off, and run fast or slow.

use crate::base::{Duration, LocalTime, NodeId, RunKey, Time, scale};

/// How far off the clocks of a run may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockModel {
    /// Each clock is ahead or behind by at most this.
    pub offset: Duration,
    /// Each clock runs fast or slow by at most this many parts per million.
    pub drift_ppm: u32,
}

impl ClockModel {
    /// Below every purpose for which a clock draws words.
    pub(crate) const PURPOSES_START: u64 = OFFSET;

    /// The clock of this node: offset and drift uniform on both sides of zero, whatever other nodes there are.
    pub fn clock(&self, key: RunKey, node: NodeId) -> Clock {
        let either_side = |purpose, bound: u64| {
            let word = key.word(purpose, u64::from(node.raw()));
            scale(word, 2 * bound + 1) as i64 - bound as i64
        };
        let offset = either_side(OFFSET, self.offset.as_nanos().min(1 << 60));
        Clock::new(offset, either_side(DRIFT, u64::from(self.drift_ppm) * 1_000))
    }
}

/// What a word is drawn for, apart from the purposes of networks and disks.
const OFFSET: u64 = 1 << 42;
const DRIFT: u64 = OFFSET + 1;

/// One node's clock: a straight line through simulated time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    offset: i64,
    /// Parts per billion.
    drift: i64,
}

const BILLION: i128 = 1_000_000_000;

impl Clock {
    /// A clock that reads `offset` nanoseconds at the start of the run and gains `drift` nanoseconds a second.
    ///
    /// # Panics
    /// If it would run backwards: a drift of −10⁹ or less.
    pub const fn new(offset: i64, drift: i64) -> Self {
        assert!(drift > -1_000_000_000, "a clock does not run backwards");
        Self { offset, drift }
    }

    /// By how many nanoseconds it is ahead at the start of the run.
    pub const fn offset(&self) -> i64 {
        self.offset
    }

    /// How many nanoseconds it gains each second.
    pub const fn drift(&self) -> i64 {
        self.drift
    }

    /// What the clock reads at this instant.
    #[inline]
    pub fn read(&self, now: Time) -> LocalTime {
        let nanos = now.as_nanos() as i64;
        let gained = if self.drift == 0 { 0 } else { (i128::from(nanos) * i128::from(self.drift) / BILLION) as i64 };
        LocalTime::from_nanos(nanos.saturating_add(self.offset).saturating_add(gained))
    }

    /// How long this local length takes.
    #[inline]
    pub fn wait(&self, length: Duration) -> Duration {
        if self.drift == 0 {
            return length;
        }
        // Rounded up, so that a timer never fires before its time has come by the very clock it runs on.
        let rate = BILLION + i128::from(self.drift);
        let nanos = (i128::from(length.as_nanos()) * BILLION + rate - 1) / rate;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fast_clock_reads_more_and_waits_less() {
        let fast = Clock::new(-5, 1_000_000);
        assert_eq!(fast.read(Time::ZERO).as_nanos(), -5);
        assert_eq!(fast.read(Time::from_nanos(1_000_000_000)).as_nanos(), 1_001_000_000 - 5);
        assert_eq!(fast.wait(Duration::from_nanos(1_001_000)), Duration::from_micros(1_000));
        assert_eq!(Clock::new(0, 0).wait(Duration::MAX), Duration::MAX);
    }

    proptest! {
        /// A node that waits for a length finds it passed on its own clock, and waits no longer than it must.
        #[test]
        fn a_length_has_passed_when_it_was_waited_for(
            drift in -900_000_000..1_000_000_000_i64,
            begin in 0..1_u64 << 50,
            length in 0..1_u64 << 40,
        ) {
            let clock = Clock::new(7, drift);
            let wait = clock.wait(Duration::from_nanos(length)).as_nanos();
            let passed = |after| clock.read(Time::from_nanos(begin + after)).as_nanos() - clock.read(Time::from_nanos(begin)).as_nanos();
            prop_assert!(passed(wait) >= length as i64);
            prop_assert!(wait < 2 || passed(wait - 2) <= length as i64);
        }
    }

    #[test]
    fn clocks_stay_within_their_bounds() {
        let model = ClockModel { offset: Duration::from_millis(50), drift_ppm: 100 };
        let key = RunKey::from_seed(1);
        let clocks: Vec<Clock> = (0..1_000).map(|index| model.clock(key, NodeId::server(index))).collect();
        assert!(clocks.iter().all(|clock| clock.offset.abs() <= 50_000_000 && clock.drift.abs() <= 100_000));
        assert!(clocks.iter().any(|clock| clock.offset < 0) && clocks.iter().any(|clock| clock.drift > 0));
        assert_eq!(ClockModel::default().clock(key, NodeId::client(0)), Clock::new(0, 0));
    }
}
