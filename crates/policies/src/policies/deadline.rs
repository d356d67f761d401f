//! Deadlines that travel with a request.
//!
//! A time-out of its own at each hop lets the hops below work on for a caller that has long gone. A deadline that is carried along ends all
//! of them together. Clocks differ, so that what travels is the time that is left, as in gRPC's `grpc-timeout`: the way itself is not
//! counted, and the callee's deadline lies later than the caller's by so much.
//!
//! ```
//! use stormglass_policies::policies::deadline::Deadline;
//! use stormglass_process::base::{Duration, LocalTime};
//!
//! let millis = |count| Duration::from_millis(count);
//! let now = LocalTime::from_nanos(0);
//! let deadline = Deadline::after(now, millis(100));
//! // 30 ms later it calls another, which it gives 50 ms at most; 10 ms are kept for what comes after.
//! let later = now + millis(30);
//! let left = deadline.tightened(later, millis(50)).to_send(later, millis(10));
//! assert_eq!(left, Some(millis(40)));
//! assert_eq!(deadline.left(now + millis(100)), None);
//! ```

use stormglass_process::base::{Duration, LocalTime};

/// By this node's clock, from when on a request is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(LocalTime);

impl Deadline {
    /// So long from now.
    pub fn after(now: LocalTime, timeout: Duration) -> Self {
        Self(now + timeout)
    }

    /// That of a request which came with so much time left.
    pub fn received(now: LocalTime, left: Duration) -> Self {
        Self::after(now, left)
    }

    /// When it is, by this node's clock.
    pub const fn at(self) -> LocalTime {
        self.0
    }

    /// How much time is left; nothing if it has passed.
    pub fn left(self, now: LocalTime) -> Option<Duration> {
        Some(self.0.since(now)).filter(|left| !left.is_zero())
    }

    /// Whether it has passed: work is not begun any more.
    pub fn has_passed(self, now: LocalTime) -> bool {
        self.left(now).is_none()
    }

    /// The same, or so long from now, whichever comes first: a call gets no more time than the request has.
    pub fn tightened(self, now: LocalTime, timeout: Duration) -> Self {
        self.min(Self::after(now, timeout))
    }

    /// How much time to give a call, where so much is kept for what is to be done with its answer; nothing if that leaves none.
    pub fn to_send(self, now: LocalTime, reserve: Duration) -> Option<Duration> {
        Some(self.0.since(now) - reserve).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Along a chain of calls, each with a time-out of its own, no one has more time than is left at its caller.
        #[test]
        fn no_call_outlasts_its_caller(whole in 1_u64..1000, hops in proptest::collection::vec((0_u64..300, 1_u64..500, 0_u64..50), 1..8)) {
            let (mut now, end) = (0_i64, whole as i64);
            let mut deadline = Deadline::after(LocalTime::from_nanos(0), Duration::from_nanos(whole));
            for (work, timeout, reserve) in hops {
                now += work as i64;
                let at = LocalTime::from_nanos(now);
                prop_assert_eq!(deadline.has_passed(at), deadline.at() <= at);
                let tightened = deadline.tightened(at, Duration::from_nanos(timeout));
                let Some(left) = tightened.to_send(at, Duration::from_nanos(reserve)) else { break };
                deadline = Deadline::received(at, left);
                prop_assert!(deadline.at().as_nanos() <= end && left <= Duration::from_nanos(timeout));
            }
        }
    }
}
