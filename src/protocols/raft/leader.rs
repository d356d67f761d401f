//! What a leader keeps while it leads: each follower's progress, and the clients that wait. All of it is lost with the leadership.

use std::collections::VecDeque;
use std::fmt::Display;

use super::{EntryId, Log, Rules, Term, quorum};
use crate::base::{ClientId, NodeId};

/// A leader's books.
#[derive(Clone, Debug)]
pub(super) struct Leader<O> {
    /// In the order of the other members.
    pub(super) followers: Vec<Progress>,
    /// The last round of messages sent to all followers.
    pub(super) round: u64,
    /// Who is to be told of entries that this leader appended, by index.
    pub(super) writers: VecDeque<(u64, NodeId)>,
    /// Reads that wait for their round, in order.
    pub(super) readers: VecDeque<Read<O>>,
    /// Reads that wait for the first commit of this leader's own term.
    pub(super) early_readers: Vec<Read<O>>,
    /// Room to sort numbers in.
    tally: Vec<u64>,
}

/// A read under way (thesis §6.4).
#[derive(Clone, Debug)]
pub(super) struct Read<O> {
    /// The round that a majority must answer.
    pub(super) round: u64,
    /// The commit index when the read arrived: what must be applied before it is answered.
    pub(super) index: u64,
    /// Who asks.
    pub(super) client: NodeId,
    /// In which session.
    pub(super) session: ClientId,
    /// Which operation of the session.
    pub(super) number: u64,
    /// What is asked.
    pub(super) operation: O,
}

/// What a leader knows of one follower.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// The next entry to send.
    pub(super) next: u64,
    /// Through where the follower's log is known to equal the leader's.
    pub(super) matched: u64,
    /// The last round that it answered.
    pub(super) answered: u64,
    flow: Flow,
}

/// How entries are sent to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// Where its log departs from the leader's is not known: one message of entries at a time.
    Probe {
        /// Whether that message is under way.
        waiting: bool,
    },
    /// Entries follow each other without waiting for answers, as long as no more are under way than [a window](WINDOW) of messages carries.
    Stream,
}

/// How many messages' worth of entries may be under way to a follower: what is sent and not acknowledged. When there is room again, the
/// stream goes on from where it stopped. Were each acknowledgement, each proposal and each round to send more whatever is under way, the
/// messages would multiply while a follower lags.
const WINDOW: u64 = 8;

impl<O> Leader<O> {
    /// The books of a new leader whose log ends at `last`.
    pub(super) fn new(followers: usize, last: u64) -> Self {
        let progress = Progress { next: last + 1, matched: 0, answered: 0, flow: Flow::Probe { waiting: false } };
        Self {
            followers: vec![progress; followers],
            round: 0,
            writers: VecDeque::new(),
            readers: VecDeque::new(),
            early_readers: Vec::new(),
            tally: Vec::with_capacity(followers + 1),
        }
    }

    /// The greatest index that a quorum has, `own` being the leader's.
    pub(super) fn replicated(&mut self, own: u64, quorum: usize) -> u64 {
        self.reached(own, quorum, |progress| progress.matched)
    }

    /// The last round that a quorum has answered. The leader itself has answered each.
    pub(super) fn confirmed(&mut self, quorum: usize) -> u64 {
        self.reached(self.round, quorum, |progress| progress.answered)
    }

    fn reached(&mut self, own: u64, quorum: usize, value: impl Fn(&Progress) -> u64) -> u64 {
        self.tally.clear();
        self.tally.push(own);
        self.tally.extend(self.followers.iter().map(value));
        quorum::reached(&mut self.tally, quorum)
    }

    /// Who is to be told that the entry at this index is applied.
    pub(super) fn writer(&mut self, index: u64) -> Option<NodeId> {
        // Entries of earlier leaders have no writer here.
        let (waits_for, client) = *self.writers.front()?;
        if waits_for != index {
            return None;
        }
        self.writers.pop_front();
        Some(client)
    }
}

impl Progress {
    /// Whether entries may be sent now, of which a message carries so many at most.
    pub(super) fn may_send(&self, batch: usize) -> bool {
        match self.flow {
            Flow::Probe { waiting } => !waiting,
            Flow::Stream => self.next.saturating_sub(self.matched + 1) < WINDOW * batch as u64,
        }
    }

    /// So many entries were sent, from `next` on.
    pub(super) fn sent(&mut self, count: usize) {
        match &mut self.flow {
            Flow::Stream => self.next += count as u64,
            Flow::Probe { waiting } => *waiting |= count > 0,
        }
    }

    /// The follower's log equals the leader's through this index.
    pub(super) fn matched(&mut self, through: u64, rules: &dyn Rules) {
        self.matched = rules.matched_after(self.matched, through);
        self.next = rules.next_after(self.next, self.matched);
        self.flow = Flow::Stream;
    }

    /// The follower has no such entry at `previous` as the leader has; goes back, unless the answer is a late one.
    ///
    /// Terms that the two logs do not share are skipped whole (paper §5.3, the end): if the leader has entries of the conflicting term, the
    /// logs may agree up to the last of these; if not, they agree at most before the follower's first of that term.
    pub(super) fn mismatched(&mut self, previous: u64, conflict: EntryId, log: &Log<impl Display>) -> bool {
        let late = match self.flow {
            Flow::Probe { .. } => previous + 1 != self.next,
            // Where its log ended before what it is known to have, the answer was overtaken.
            Flow::Stream => previous <= self.matched || previous >= self.next || conflict.term == Term(0) && conflict.index <= self.matched,
        };
        if late {
            return false;
        }
        let shared = if conflict.term == Term(0) { None } else { log.last_of(conflict.term) };
        let candidate = shared.map_or(conflict.index, |last| last + 1);
        self.next = candidate.min(previous).max(self.matched + 1);
        self.flow = Flow::Probe { waiting: false };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Command, Correct, Entry};
    use super::*;
    use crate::base::KvOp;

    fn log(terms: &[u64]) -> Log {
        let mut log = Log::default();
        for term in terms {
            log.push(Entry { term: Term(*term), command: Command::Noop });
        }
        log
    }

    fn id(index: u64, term: u64) -> EntryId {
        EntryId { term: Term(term), index }
    }

    #[test]
    fn whole_terms_are_skipped() {
        // Figure 7 of the paper: the leader's log, and where the logs (a) to (f) make it go back to from entry 10.
        let leader = log(&[1, 1, 1, 4, 4, 5, 5, 6, 6, 6]);
        for (name, conflict, next) in [
            ("a", id(10, 0), 10),
            ("b", id(5, 0), 5),
            ("e", id(4, 4), 6),
            ("f", id(7, 3), 7),
            ("f again", id(4, 2), 4),
            ("empty", id(1, 0), 1),
        ] {
            let mut progress = Leader::<KvOp>::new(1, 10).followers[0];
            assert!(progress.mismatched(10, conflict, &leader));
            assert_eq!(progress.next, next, "{name}");
        }
    }

    #[test]
    fn late_answers_change_nothing() {
        let leader = log(&[1, 1, 1, 1]);
        let mut progress = Leader::<KvOp>::new(1, 2).followers[0];
        progress.matched(3, &Correct);
        progress.matched(1, &Correct);
        assert_eq!((progress.matched, progress.next), (3, 4));
        assert!(!progress.mismatched(2, id(2, 0), &leader), "this is known to match");
        progress.sent(1);
        assert!(progress.mismatched(4, id(4, 0), &leader));
        assert_eq!(progress.next, 4);
        assert!(!progress.mismatched(4, id(4, 0), &leader), "it was told so before");
    }

    #[test]
    fn a_probe_waits_for_its_answer() {
        let mut progress = Leader::<KvOp>::new(1, 2).followers[0];
        progress.sent(0);
        assert!(progress.may_send(1));
        progress.sent(1);
        assert!(!progress.may_send(1));
        assert_eq!(progress.next, 3);
        progress.matched(3, &Correct);
        assert!(progress.may_send(1));
        progress.sent(2);
        assert_eq!(progress.next, 6);
    }

    #[test]
    fn a_stream_has_a_window() {
        let mut progress = Leader::<KvOp>::new(1, 2).followers[0];
        progress.matched(2, &Correct);
        for _ in 0..WINDOW {
            assert!(progress.may_send(1));
            progress.sent(1);
        }
        assert!(!progress.may_send(1), "until an acknowledgement comes");
        assert!(progress.may_send(2), "messages may carry more");
        progress.matched(3, &Correct);
        assert!(progress.may_send(1));
    }

    /// Of many messages that a lost one makes a follower refuse, the first answer makes the leader go back, and only that.
    #[test]
    fn one_gap_is_one_step_back() {
        let leader = log(&[1; 9]);
        let mut progress = Leader::<KvOp>::new(1, 9).followers[0];
        progress.matched(3, &Correct);
        progress.sent(6);
        assert!(progress.mismatched(5, id(4, 0), &leader));
        assert_eq!(progress.next, 4);
        progress.sent(1);
        assert!(!progress.mismatched(6, id(4, 0), &leader), "it goes back already");
        progress.matched(4, &Correct);
        progress.sent(4);
        assert!(!progress.mismatched(7, id(4, 0), &leader), "the follower has it by now");
        assert_eq!(progress.next, 9);
    }

    #[test]
    fn quorums_count_the_leader() {
        let mut leader = Leader::<KvOp>::new(4, 0);
        for (progress, matched) in leader.followers.iter_mut().zip([7, 2, 5, 0]) {
            progress.matched = matched;
            progress.answered = matched;
        }
        leader.round = 9;
        assert_eq!((leader.replicated(4, 3), leader.confirmed(3)), (4, 5));
    }
}
