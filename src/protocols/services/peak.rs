//! How many there were at most of late: so that a length that is told only when it grows is known still when it has stayed.

use crate::base::{Duration, LocalTime};

/// The most that there were within a span of time, one span after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peak {
    most: u32,
    began: Option<LocalTime>,
}

impl Peak {
    /// How long a span is: what stays is told as often.
    const SPAN: Duration = Duration::from_millis(100);

    /// There are so many now; returns whether they are more than before in this span.
    pub(super) fn grows(&mut self, now: LocalTime, count: u32) -> bool {
        if self.began.is_none_or(|began| now.since(began) >= Self::SPAN) {
            *self = Self { most: 0, began: Some(now) };
        }
        let grows = count > self.most;
        self.most = self.most.max(count);
        grows
    }

    /// There are none.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_told_again_and_what_shrinks_is_not() {
        let at = |millis: i64| LocalTime::from_nanos(millis * 1_000_000);
        let mut peak = Peak::default();
        let told =
            [(0, 1), (1, 2), (2, 2), (50, 1), (99, 2), (100, 2), (101, 1), (120, 3)].map(|(millis, count)| peak.grows(at(millis), count));
        assert_eq!(told, [true, true, false, false, false, true, false, true]);
        peak.clear();
        assert!(peak.grows(at(121), 1));
    }
}
