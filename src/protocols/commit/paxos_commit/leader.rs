//! What a server keeps that counts the votes on a transaction: its coordinator, and each server that takes over.

use super::super::{Cause, Decision, Vote};
use super::Rules;
use super::message::{Accepted, Ballot};
use crate::base::{NodeId, SortedMap, SortedSet};

/// The count of the votes on one transaction.
#[derive(Clone, Debug)]
pub(super) struct Count {
    pub(super) participants: Vec<NodeId>,
    /// The ballot that this server leads; zero while it only listens.
    pub(super) ballot: Ballot,
    /// The highest ballot that it has heard of.
    highest: Ballot,
    /// Which acceptors have promised to heed no lower ballot, and what they had accepted.
    promises: SortedMap<NodeId, Vec<Accepted>>,
    proposed: bool,
    /// Which acceptors have accepted what, in which participant's instance and which ballot.
    accepted: SortedMap<(NodeId, Ballot), (Vote, SortedSet<NodeId>)>,
}

impl Count {
    pub(super) fn new(participants: Vec<NodeId>) -> Self {
        Self {
            participants,
            ballot: Ballot::ZERO,
            highest: Ballot::ZERO,
            promises: SortedMap::new(),
            proposed: false,
            accepted: SortedMap::new(),
        }
    }

    pub(super) fn heard_of(&mut self, ballot: Ballot) {
        self.highest = self.highest.max(ballot);
    }

    /// Begins a ballot above all that it has heard of.
    pub(super) fn begin(&mut self, place: usize, servers: usize) -> Ballot {
        self.ballot = self.highest.max(self.ballot).next_of(place, servers);
        self.promises.clear();
        self.proposed = false;
        self.ballot
    }

    /// An acceptor has promised. If that makes a majority, says what must be proposed: in each instance the vote that was accepted in the
    /// highest ballot; where none was, *no* (Gray and Lamport, 2006, §4.1).
    pub(super) fn promised(
        &mut self,
        from: NodeId,
        ballot: Ballot,
        accepted: Vec<Accepted>,
        majority: usize,
        rules: &dyn Rules,
    ) -> Option<Proposal> {
        if ballot != self.ballot || self.proposed {
            return None;
        }
        self.promises.insert(from, accepted);
        if self.promises.len() < majority {
            return None;
        }
        self.proposed = true;
        let known = |participant: NodeId| {
            let votes = self.promises.values().flatten().filter(move |accepted| accepted.participant == participant);
            rules.vote_to_propose(votes.map(|accepted| (accepted.ballot, accepted.vote)).collect())
        };
        let votes: Vec<(NodeId, Option<Vote>)> = self.participants.iter().map(|node| (*node, known(*node))).collect();
        let free = votes.iter().filter(|(_, vote)| vote.is_none()).count();
        let votes = votes.into_iter().map(|(node, vote)| (node, vote.unwrap_or(rules.vote_of_the_silent()))).collect();
        Some(Proposal { votes, free })
    }

    /// An acceptor has accepted votes.
    pub(super) fn accepted(&mut self, from: NodeId, ballot: Ballot, votes: &[(NodeId, Vote)]) {
        for (participant, vote) in votes {
            let (_, acceptors) = self.accepted.entry((*participant, ballot)).or_insert((*vote, SortedSet::new()));
            acceptors.insert(from);
        }
    }

    /// What a participant's instance has chosen, and in which ballot.
    pub(super) fn chosen(&self, participant: NodeId, majority: usize) -> Option<(Ballot, Vote)> {
        let ballots = self.accepted.iter().filter(|((voter, _), _)| *voter == participant);
        ballots.filter(|(_, (_, acceptors))| acceptors.len() >= majority).map(|((_, ballot), (vote, _))| (*ballot, *vote)).next()
    }

    /// What is decided, and why: to commit when every instance has chosen *yes*, to abort when one has chosen *no*.
    pub(super) fn decision(&self, majority: usize) -> Option<(Decision, Cause)> {
        let chosen: Vec<_> = self.participants.iter().map(|node| (*node, self.chosen(*node, majority))).collect();
        if let Some((node, ballot)) = chosen.iter().find_map(|(node, chosen)| match chosen {
            Some((ballot, Vote::No)) => Some((*node, *ballot)),
            _ => None,
        }) {
            let cause = if ballot == Ballot::ZERO { Cause::VotedNo(node) } else { Cause::Timeout };
            return Some((Decision::Abort, cause));
        }
        chosen.iter().all(|(_, chosen)| chosen.is_some()).then_some((Decision::Commit, Cause::AllVotedYes))
    }
}

/// What a leader proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) votes: Vec<(NodeId, Vote)>,
    /// In how many instances nothing was accepted before.
    pub(super) free: usize,
}

#[cfg(test)]
mod tests {
    use super::super::Correct;
    use super::*;

    const A: NodeId = NodeId::server(0);
    const B: NodeId = NodeId::server(1);
    const C: NodeId = NodeId::server(2);

    fn accepted(participant: NodeId, ballot: u64, vote: Vote) -> Accepted {
        Accepted { participant, ballot: Ballot(ballot), vote }
    }

    #[test]
    fn ballots_belong_to_one_server_each() {
        let mut seen = SortedSet::new();
        for place in 0..5 {
            let mut ballot = Ballot::ZERO;
            for _ in 0..10 {
                let next = ballot.next_of(place, 5);
                assert!(next > ballot && seen.insert(next), "{next}");
                ballot = next;
            }
        }
    }

    #[test]
    fn the_vote_of_the_highest_ballot_is_proposed_again_and_the_silent_abort() {
        let mut count = Count::new(vec![A, B, C]);
        let ballot = count.begin(1, 3);
        assert_eq!(count.promised(A, ballot, vec![accepted(A, 0, Vote::Yes), accepted(B, 5, Vote::No)], 2, &Correct), None);
        let proposal = count.promised(B, ballot, vec![accepted(B, 0, Vote::Yes), accepted(B, 3, Vote::Yes)], 2, &Correct);
        let votes = vec![(A, Vote::Yes), (B, Vote::No), (C, Vote::No)];
        assert_eq!(proposal, Some(Proposal { votes, free: 1 }));
        assert_eq!(count.promised(C, ballot, Vec::new(), 2, &Correct), None, "a ballot has one proposal");
    }

    #[test]
    fn a_majority_of_one_ballot_chooses() {
        let mut count = Count::new(vec![A, B]);
        count.accepted(A, Ballot(0), &[(A, Vote::Yes), (B, Vote::Yes)]);
        count.accepted(B, Ballot(4), &[(A, Vote::Yes)]);
        assert_eq!(count.decision(2), None, "two acceptors, but not in one ballot");
        count.accepted(A, Ballot(0), &[(A, Vote::Yes)]);
        assert_eq!(count.decision(2), None, "one acceptor twice");
        count.accepted(C, Ballot(0), &[(A, Vote::Yes)]);
        assert_eq!(count.decision(2), None);
        count.accepted(B, Ballot(0), &[(B, Vote::Yes)]);
        assert_eq!(count.decision(2), Some((Decision::Commit, Cause::AllVotedYes)));
        let mut count = Count::new(vec![A, B]);
        count.accepted(A, Ballot(0), &[(B, Vote::No)]);
        count.accepted(B, Ballot(0), &[(B, Vote::No)]);
        assert_eq!(count.decision(2), Some((Decision::Abort, Cause::VotedNo(B))), "one is enough");
    }
}
