//! Controlled delay: drops from a queue that does not drain.

use stormglass_process::base::{Duration, LocalTime};

use super::super::SettingError;
use super::super::setting::demand;

/// Which delay is too long, and for how long it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoDelSettings {
    /// A delay below this one is good. Above zero.
    pub target: Duration,
    /// So long the least delay may lie above the target. Above zero; about the time in which callers react.
    pub interval: Duration,
}

impl Default for CoDelSettings {
    /// 5 ms and 100 ms, as the RFC has them.
    fn default() -> Self {
        Self { target: Duration::from_millis(5), interval: Duration::from_millis(100) }
    }
}

/// Which of the items that leave a queue are dropped.
///
/// A burst makes a queue that drains within an interval, and is left alone. A queue whose least delay stays above the target for an
/// interval loses one item, then the next ones at intervals that shrink with the root of how many were lost, until the delay is below the
/// target. Nichols, Jacobson, McGregor and Iyengar, *Controlled Delay Active Queue Management*, RFC 8289, 2018, §5. Integers only.
#[derive(Clone, Debug)]
pub struct CoDel {
    settings: CoDelSettings,
    /// When the delay will have been above the target for an interval.
    first_above: Option<LocalTime>,
    /// When the next one is dropped, while some are.
    drop_next: LocalTime,
    /// How many were dropped since it began, and how many it had begun with.
    count: u64,
    count_at_start: u64,
    dropping: bool,
    /// One was just dropped, and the next one tells whether more are to be.
    just_dropped: bool,
}

impl CoDel {
    /// For a queue that is empty.
    ///
    /// # Errors
    /// If the target or the interval is zero.
    pub fn new(settings: CoDelSettings) -> Result<Self, SettingError> {
        demand(!settings.target.is_zero(), "target", "a delay that is good is above zero")?;
        demand(!settings.interval.is_zero(), "interval", "it is above zero: about the time in which callers react")?;
        Ok(Self {
            settings,
            first_above: None,
            drop_next: LocalTime::from_nanos(0),
            count: 0,
            count_at_start: 0,
            dropping: false,
            just_dropped: false,
        })
    }

    /// Whether the item that leaves the queue now, after it waited so long, is dropped. `left` is how many wait behind it: with one or
    /// none nothing is dropped.
    pub fn drops(&mut self, now: LocalTime, waited: Duration, left: usize) -> bool {
        let may = self.may_drop(now, waited, left);
        if std::mem::take(&mut self.just_dropped) && may && self.dropping {
            self.drop_next = self.after(self.drop_next);
        }
        if self.dropping {
            self.dropping = may;
            if !may || now < self.drop_next {
                return false;
            }
            self.count += 1;
            self.just_dropped = true;
        } else {
            if !may {
                return false;
            }
            self.dropping = true;
            // Where it was at it shortly before, it goes on at the rate that was right then.
            let lost = self.count - self.count_at_start;
            let is_soon = now.since(self.drop_next) < self.settings.interval * 16;
            self.count = if lost > 1 && is_soon { lost } else { 1 };
            self.count_at_start = self.count;
            self.drop_next = self.after(now);
        }
        true
    }

    /// The queue was found empty.
    pub fn emptied(&mut self) {
        self.first_above = None;
        self.dropping = false;
        self.just_dropped = false;
    }

    fn may_drop(&mut self, now: LocalTime, waited: Duration, left: usize) -> bool {
        if waited < self.settings.target || left <= 1 {
            self.first_above = None;
            return false;
        }
        let first_above = *self.first_above.get_or_insert(now + self.settings.interval);
        now >= first_above
    }

    /// The control law: the next drop comes after an interval divided by the root of the count.
    fn after(&self, from: LocalTime) -> LocalTime {
        let interval = u128::from(self.settings.interval.as_nanos());
        let nanos = (interval * interval / u128::from(self.count.max(1))).isqrt();
        // The root of a square of 64 bits has no more.
        from + Duration::from_nanos(nanos as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pseudo-code of the RFC, §5.4 to §5.6, line by line, with its queue and in floats.
    struct Published {
        queue: std::collections::VecDeque<u64>,
        first_above_time: f64,
        drop_next: f64,
        count: f64,
        lastcount: f64,
        dropping: bool,
        dropped: Vec<u64>,
    }

    const TARGET: f64 = 5e6;
    const INTERVAL: f64 = 1e8;

    impl Published {
        fn dodequeue(&mut self, now: f64) -> (Option<u64>, bool) {
            let packet = self.queue.pop_front();
            let mut ok_to_drop = false;
            match packet {
                None => self.first_above_time = 0.0,
                Some(tstamp) => {
                    if now - (tstamp as f64) < TARGET || self.queue.len() <= 1 {
                        self.first_above_time = 0.0;
                    } else if self.first_above_time == 0.0 {
                        self.first_above_time = now + INTERVAL;
                    } else if now >= self.first_above_time {
                        ok_to_drop = true;
                    }
                }
            }
            (packet, ok_to_drop)
        }

        fn dequeue(&mut self, now: f64) -> Option<u64> {
            let (mut packet, mut ok_to_drop) = self.dodequeue(now);
            if self.dropping {
                if !ok_to_drop {
                    self.dropping = false;
                }
                while now >= self.drop_next && self.dropping {
                    self.dropped.extend(packet);
                    self.count += 1.0;
                    (packet, ok_to_drop) = self.dodequeue(now);
                    if ok_to_drop {
                        self.drop_next += INTERVAL / self.count.sqrt();
                    } else {
                        self.dropping = false;
                    }
                }
            } else if ok_to_drop {
                self.dropped.extend(packet);
                (packet, _) = self.dodequeue(now);
                self.dropping = true;
                let delta = self.count - self.lastcount;
                self.count = if delta > 1.0 && now - self.drop_next < 16.0 * INTERVAL { delta } else { 1.0 };
                self.drop_next = now + INTERVAL / self.count.sqrt();
                self.lastcount = self.count;
            }
            packet
        }
    }

    proptest! {
        /// Arrivals and departures at random, under a load that rises and falls.
        #[test]
        fn it_drops_what_the_published_code_drops(
            phases in proptest::collection::vec((1_u64..6, 1_u64..6, 10_u64..400), 1..12),
        ) {
            let mut ours = CoDel::new(CoDelSettings::default()).unwrap();
            let (mut queue, mut dropped) = (std::collections::VecDeque::new(), Vec::new());
            let mut published = Published {
                queue: queue.clone(), first_above_time: 0.0, drop_next: 0.0, count: 0.0, lastcount: 0.0, dropping: false, dropped: vec![],
            };
            // Odd nanoseconds: no drop falls on an instant at which one leaves, where floats and integers may differ.
            let mut now = 1_000_003_u64;
            for (arrive, leave, ticks) in phases {
                for tick in 0..ticks {
                    now += 1_000_007;
                    if tick % arrive == 0 {
                        queue.push_back(now);
                        published.queue.push_back(now);
                    }
                    if tick % leave == 0 {
                        let at = LocalTime::from_nanos(now as i64);
                        let served = loop {
                            let Some(since) = queue.pop_front() else {
                                ours.emptied();
                                break None;
                            };
                            if !ours.drops(at, Duration::from_nanos(now - since), queue.len()) {
                                break Some(since);
                            }
                            dropped.push(since);
                        };
                        prop_assert_eq!(served, published.dequeue(now as f64));
                        prop_assert_eq!(&dropped, &published.dropped);
                    }
                }
            }
        }
    }

    /// A queue that never drains: the first drop an interval after the delay was seen too long, then as the control law says.
    #[test]
    fn drops_come_faster_and_faster() {
        let mut codel = CoDel::new(CoDelSettings::default()).unwrap();
        let dropped: Vec<u64> = (0..500_000_u64)
            .filter(|micros| codel.drops(LocalTime::from_nanos(*micros as i64 * 1000), Duration::from_millis(6), 100))
            .collect();
        // 100 ms, then after 100/√1, 100/√2, 100/√3, 100/√4 and 100/√5 ms more.
        assert_eq!(dropped, [100_000, 200_000, 270_711, 328_446, 378_446, 423_168, 463_992]);
    }
}
