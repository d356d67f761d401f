//! Raft's safety rules, each a small method with the correct body. A mutant overrides one.

use super::{EntryId, Term, quorum};
use crate::base::NodeId;
use crate::process::{Release, rules};

rules! {
    /// The rules on which Raft's safety rests.
    ///
    /// The machine asks these and keeps no second copy of them. Sections are the paper's (Ongaro and Ousterhout, 2014), or of the thesis
    /// (Ongaro, 2014) where said.
    pub trait Rules {
        /// When a request for votes or the answer to one leaves: once term and vote are durable (figure 2, persistent state).
        fn release_of_vote(&self) -> Release {
            Release::Durable
        }

        /// Whether a candidate's log is at least as complete as one's own: later last term, or the same and no shorter (§5.4.1).
        fn is_up_to_date(&self, candidate: EntryId, own: EntryId) -> bool {
            candidate >= own
        }

        /// Whether a candidate of one's own term may have the vote: no other has it, and its log is up to date (§5.2, §5.4.1). Asked again
        /// by the same candidate, the answer is the same.
        fn may_grant_vote(&self, given_to: Option<NodeId>, candidate: NodeId, up_to_date: bool) -> bool {
            given_to.is_none_or(|other| other == candidate) && up_to_date
        }

        /// For whom a candidate records its own vote: itself, `me` (§5.2).
        fn vote_of_candidate(&self, me: NodeId) -> Option<NodeId> {
            Some(me)
        }

        /// Whether a vote given in one term counts in the election of another (§5.2).
        fn counts_vote(&self, given_in: Term, election: Term) -> bool {
            given_in == election
        }

        /// Whether a vote counts of a server whose vote may have been counted before: each server has one (§5.2).
        fn counts_voter(&self, counted_before: bool) -> bool {
            !counted_before
        }

        /// How many of this many members decide (§5.2).
        fn quorum(&self, members: usize) -> usize {
            quorum::majority(members)
        }

        /// When the answer to an append leaves: once the entries are durable (figure 2).
        fn release_of_append(&self) -> Release {
            Release::Durable
        }

        /// Whether a follower cuts its log at an entry of which it has one of term `own` and is sent one of term `sent`: only on a real
        /// conflict (§5.3).
        fn truncates_on(&self, own: Term, sent: Term) -> bool {
            own != sent
        }

        /// A follower's commit index after a successful append. `matched` is the last entry that the message proved equal to the leader's,
        /// `last` the follower's own last (figure 2, AppendEntries, 5).
        fn commit_after_append(&self, commit: u64, leader_commit: u64, matched: u64, last: u64) -> u64 {
            let _ = last;
            commit.max(leader_commit.min(matched))
        }

        /// How far a leader counts its own log towards a majority, which is durable through `flushed` (thesis §10.2.1).
        fn counts_itself(&self, last: u64, flushed: u64) -> u64 {
            let _ = last;
            flushed
        }

        /// Through where a follower's log is known to match after it has acknowledged so much: acknowledgements may arrive late (§5.3).
        fn matched_after(&self, matched: u64, acknowledged: u64) -> u64 {
            matched.max(acknowledged)
        }

        /// The next entry to send after an acknowledgement that leaves the follower's log matching so far.
        fn next_after(&self, next: u64, matched: u64) -> u64 {
            next.max(matched + 1)
        }

        /// Whether a leader may commit an entry of this term by counting replicas: only one of its own (§5.4.2, figure 8).
        fn may_commit(&self, entry: Term, leader: Term) -> bool {
            entry == leader
        }

        /// Whether a leader may take its commit index as that of a read: not before an entry of its own term is committed (§8).
        fn may_take_read_index(&self, last_committed: Term, leader: Term) -> bool {
            last_committed == leader
        }

        /// The round that must be confirmed for a read that arrives after round `sent` was sent: a later one, of its own number (thesis
        /// §6.4).
        fn round_of_read(&self, sent: u64) -> u64 {
            sent + 1
        }

        /// Whether a read may be answered: a majority has answered its round, or one sent later (§8, thesis §6.4).
        fn may_serve_read(&self, round: u64, confirmed: u64) -> bool {
            confirmed >= round
        }

        /// Whether an operation of a session has been applied before, the last one applied being `last` (thesis §6.3).
        fn is_repeated(&self, number: u64, last: u64) -> bool {
            number <= last
        }

        /// Whether an operation in an unknown session opens it: never, for it may have been applied in a session since forgotten (thesis
        /// §6.3).
        fn creates_unknown_session(&self) -> bool {
            false
        }
    }
}
