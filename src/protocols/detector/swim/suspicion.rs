//! How long a suspicion lasts: the longer the fewer have confirmed it (Lifeguard §IV-B; memberlist `suspicion.go`).

use super::super::Rules;
use crate::base::{Duration, LocalTime, NodeId};

/// A suspicion that is not over.
#[derive(Debug)]
pub(super) struct Suspicion {
    start: LocalTime,
    shortest: Duration,
    longest: Duration,
    /// How many confirmations make it as short as it gets.
    wanted: u32,
    confirmed: u32,
    /// Who has accused.
    accusers: Vec<NodeId>,
}

impl Suspicion {
    pub(super) fn new(start: LocalTime, by: NodeId, shortest: Duration, longest: Duration, wanted: u32) -> Self {
        Self { start, shortest, longest, wanted, confirmed: 0, accusers: vec![by] }
    }

    /// Another accusation; returns whether it is a confirmation that counts.
    pub(super) fn confirm(&mut self, by: NodeId, rules: &dyn Rules) -> bool {
        if self.confirmed >= self.wanted || !rules.counts_accuser(self.accusers.contains(&by)) {
            return false;
        }
        self.accusers.push(by);
        self.confirmed += 1;
        true
    }

    /// How long it lasts in all.
    pub(super) fn length(&self) -> Duration {
        length(self.confirmed, self.wanted, self.shortest, self.longest)
    }

    /// What is left of it.
    pub(super) fn left(&self, now: LocalTime) -> Duration {
        self.length().saturating_sub(now.since(self.start))
    }
}

/// max − (max − min)·ln(c + 1)/ln(k + 1), and no less than min.
fn length(confirmed: u32, wanted: u32, shortest: Duration, longest: Duration) -> Duration {
    if wanted == 0 {
        return shortest;
    }
    let part = libm::log(f64::from(confirmed) + 1.0) / libm::log(f64::from(wanted) + 1.0);
    let width = longest.saturating_sub(shortest).as_nanos() as f64;
    longest.saturating_sub(Duration::from_nanos((part * width) as u64)).max(shortest)
}

#[cfg(test)]
mod tests {
    use super::super::super::Correct;
    use super::*;

    /// The table of memberlist's own test of the formula: 3 confirmations wanted, between 2 s and 30 s.
    #[test]
    fn it_shrinks_as_published() {
        let (two, thirty) = (Duration::from_secs(2), Duration::from_secs(30));
        let seconds = |confirmed| length(confirmed, 3, two, thirty).as_nanos() / 1_000_000_000;
        assert_eq!([0, 1, 2, 3, 4].map(seconds), [30, 16, 7, 2, 2]);
    }

    #[test]
    fn each_accuser_counts_once_and_the_first_does_not() {
        let node = NodeId::server;
        let mut suspicion = Suspicion::new(LocalTime::default(), node(1), Duration::from_secs(2), Duration::from_secs(30), 2);
        assert!(!suspicion.confirm(node(1), &Correct));
        assert!(suspicion.confirm(node(2), &Correct));
        assert!(!suspicion.confirm(node(2), &Correct));
        assert!(suspicion.confirm(node(3), &Correct));
        assert!(!suspicion.confirm(node(4), &Correct), "no more are wanted");
        assert_eq!(suspicion.length(), Duration::from_secs(2));
    }
}
