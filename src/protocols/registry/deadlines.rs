//! Until when leases last, as their leader counts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::LeaseId;
use crate::base::LocalTime;

/// Leases by the time at which they end.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    of: BTreeMap<LeaseId, Deadline>,
    /// When to look at each of them next: not after its end, and most often before, for a lease that is kept alive is not moved.
    looks: BinaryHeap<Reverse<(LocalTime, LeaseId)>>,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    /// Until when the lease lasts.
    until: LocalTime,
    /// When to look at it next: what else waits for it in the queue is outdated.
    look: LocalTime,
}

impl Deadlines {
    /// The lease lasts until then, if it does not last longer already. Returns until when it lasts.
    pub(super) fn extend(&mut self, lease: LeaseId, until: LocalTime) -> LocalTime {
        let looks = &mut self.looks;
        let known = self.of.entry(lease).or_insert_with(|| {
            looks.push(Reverse((until, lease)));
            Deadline { until, look: until }
        });
        known.until = known.until.max(until);
        known.until
    }

    /// The lease is none of ours any more.
    pub(super) fn remove(&mut self, lease: LeaseId) {
        self.of.remove(&lease);
    }

    /// Until when the lease lasts.
    pub(super) fn until(&self, lease: LeaseId) -> Option<LocalTime> {
        self.of.get(&lease).map(|known| known.until)
    }

    /// The next one that is overdue, the first to end before the others; it is none of ours any more.
    pub(super) fn take_overdue(&mut self, now: LocalTime) -> Option<LeaseId> {
        while let Some(Reverse((look, lease))) = self.looks.peek().copied().filter(|Reverse((look, _))| *look <= now) {
            self.looks.pop();
            let Some(known) = self.of.get_mut(&lease).filter(|known| known.look == look) else { continue };
            if known.until == look {
                self.of.remove(&lease);
                return Some(lease);
            }
            known.look = known.until;
            self.looks.push(Reverse((known.until, lease)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ClientId, RunKey};

    fn lease(client: u32) -> LeaseId {
        LeaseId { holder: ClientId::new(client), grant: 1 }
    }

    #[test]
    fn the_first_to_end_comes_first() {
        let at = LocalTime::from_nanos;
        let mut deadlines = Deadlines::default();
        deadlines.extend(lease(0), at(10));
        deadlines.extend(lease(1), at(5));
        deadlines.extend(lease(1), at(20));
        deadlines.extend(lease(1), at(15));
        assert_eq!(deadlines.take_overdue(at(9)), None);
        assert_eq!(deadlines.take_overdue(at(19)), Some(lease(0)), "what was extended lasts");
        assert_eq!((deadlines.until(lease(1)), deadlines.take_overdue(at(19))), (Some(at(20)), None));
        deadlines.remove(lease(1));
        assert_eq!(deadlines.take_overdue(at(99)), None);
    }

    /// Against one that looks at all of them each time.
    #[test]
    fn looks_that_are_put_off_find_the_same() {
        let mut random = RunKey::from_seed(1).stream("deadlines", 0);
        let mut deadlines = Deadlines::default();
        let mut plain: BTreeMap<LeaseId, LocalTime> = BTreeMap::new();
        let mut taken = 0;
        for time in 0..4_000 {
            let (now, lease) = (LocalTime::from_nanos(time), lease(random.below(8) as u32));
            match random.below(8) {
                0 => {
                    deadlines.remove(lease);
                    plain.remove(&lease);
                }
                1..4 => {
                    let until = LocalTime::from_nanos(time + random.below(20) as i64);
                    let known = plain.entry(lease).or_insert(until);
                    *known = until.max(*known);
                    assert_eq!(deadlines.extend(lease, until), *known);
                }
                // Not looked at each time, so that several are overdue at once.
                4..6 => {
                    while let Some((until, overdue)) =
                        plain.iter().map(|(lease, until)| (*until, *lease)).min().filter(|(until, _)| *until <= now)
                    {
                        assert_eq!(deadlines.take_overdue(now), Some(overdue), "{until:?} at {now:?}");
                        plain.remove(&overdue);
                        taken += 1;
                    }
                    assert_eq!(deadlines.take_overdue(now), None);
                }
                _ => assert_eq!(deadlines.until(lease), plain.get(&lease).copied()),
            }
        }
        assert!(taken > 300, "{taken}");
    }
}
