//! Updates to be passed on, each a limited number of times: those passed on least often go first (SWIM §4.1).

use super::super::Update;

/// What is new, in the order in which it is passed on.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The least often passed on first; of these, the newest.
    waiting: Vec<Waiting>,
    number: u64,
}

#[derive(Debug)]
struct Waiting {
    update: Update,
    sent: u32,
    number: u64,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes an update in. What waited about the same member is old.
    pub(super) fn put(&mut self, update: Update) {
        self.waiting.retain(|other| other.update.member != update.member);
        self.number += 1;
        self.waiting.insert(0, Waiting { update, sent: 0, number: self.number });
    }

    /// The next few updates, to be sent now. What has been sent as often as the limit says is dropped.
    pub(super) fn take(&mut self, most: usize, limit: u32) -> Vec<Update> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let count = self.waiting.len().min(most);
        let taken = self.waiting[..count].iter_mut().map(|waiting| {
            waiting.sent += 1;
            waiting.update
        });
        let taken = taken.collect();
        self.waiting.retain(|waiting| waiting.sent < limit);
        if count == most {
            self.waiting.sort_unstable_by_key(|waiting| (waiting.sent, u64::MAX - waiting.number));
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::State;
    use super::*;
    use crate::base::NodeId;

    fn update(member: u32, incarnation: u32) -> Update {
        Update { member: NodeId::server(member), state: State::Alive, incarnation, from: NodeId::server(member) }
    }

    #[test]
    fn the_least_often_sent_goes_first_and_each_goes_so_often() {
        let mut queue = Queue::default();
        (0..4).for_each(|member| queue.put(update(member, 1)));
        let mut counts = [0; 4];
        for _ in 0..4 {
            queue.take(2, 2).iter().for_each(|taken| counts[taken.member.index()] += 1);
        }
        assert_eq!(counts, [2; 4]);
        assert!(queue.is_empty() && queue.take(2, 2).is_empty());
    }

    #[test]
    fn news_replace_what_is_old() {
        let mut queue = Queue::default();
        queue.put(update(1, 1));
        queue.put(update(2, 1));
        queue.put(update(1, 2));
        assert_eq!(queue.take(9, 9), [update(1, 2), update(2, 1)]);
    }
}
