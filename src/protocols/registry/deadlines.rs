//! Until when leases last, as their leader counts.

use std::collections::{BTreeMap, BTreeSet};

use super::LeaseId;
use crate::base::LocalTime;

/// Leases by the time at which they end.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    of: BTreeMap<LeaseId, LocalTime>,
    queue: BTreeSet<(LocalTime, LeaseId)>,
}

impl Deadlines {
    /// The lease lasts until then, if it does not last longer already.
    pub(super) fn extend(&mut self, lease: LeaseId, until: LocalTime) {
        let before = self.of.get(&lease).copied();
        if before.is_none_or(|before| before < until) {
            self.remove(lease);
            self.of.insert(lease, until);
            self.queue.insert((until, lease));
        }
    }

    /// The lease is none of ours any more.
    pub(super) fn remove(&mut self, lease: LeaseId) {
        if let Some(until) = self.of.remove(&lease) {
            self.queue.remove(&(until, lease));
        }
    }

    /// Until when the lease lasts.
    pub(super) fn until(&self, lease: LeaseId) -> Option<LocalTime> {
        self.of.get(&lease).copied()
    }

    /// The next one that is overdue; it is none of ours any more.
    pub(super) fn take_overdue(&mut self, now: LocalTime) -> Option<LeaseId> {
        let &(_, lease) = self.queue.first().filter(|(until, _)| *until <= now)?;
        self.remove(lease);
        Some(lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ClientId;

    #[test]
    fn the_first_to_end_comes_first() {
        let at = LocalTime::from_nanos;
        let lease = |client| LeaseId { holder: ClientId::new(client), grant: 1 };
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
}
