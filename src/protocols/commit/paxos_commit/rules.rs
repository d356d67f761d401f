//! The rules that the safety of Paxos Commit rests on, each a small method with the correct body. A mutant overrides one.

use super::super::Vote;
use super::Ballot;
use crate::process::{Release, rules};

rules! {
    /// The rules on which safety rests. Sections are those of *Consensus on Transaction Commit* (Gray and Lamport, 2006).
    pub trait Rules {
        /// When a participant's own vote leaves: once what it asserts is durable (§4.2).
        fn release_of_vote(&self) -> Release {
            Release::Durable
        }

        /// When an acceptor answers: once what it has promised or accepted is durable (§4.1).
        fn release_of_acceptor(&self) -> Release {
            Release::Durable
        }

        /// Which vote a new leader must propose where these were accepted: that of the highest ballot (§4.1).
        fn vote_to_propose(&self, accepted: Vec<(Ballot, Vote)>) -> Option<Vote> {
            accepted.into_iter().max_by_key(|(ballot, _)| *ballot).map(|(_, vote)| vote)
        }

        /// What a leader proposes for a participant of whom no vote was accepted: that it aborts (§4.2).
        fn vote_of_the_silent(&self) -> Vote {
            Vote::No
        }

        /// How many of this many acceptors decide: more than half, F + 1 of 2F + 1 (§4.1).
        fn majority(&self, acceptors: usize) -> usize {
            acceptors / 2 + 1
        }
    }
}
