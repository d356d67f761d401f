//! What a server does as an acceptor: one instance of Paxos for each participant of a transaction, all of them with one promise.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::participant::list;
use super::super::{TxnId, Vote};
use super::message::{Accepted, Ballot};
use crate::base::{NodeId, SortedMap};
use crate::process::{Context, Files, Process};

/// The name of its file: records, a line of JSON each, only ever appended to.
const FILE: &str = "acceptor";

/// All that an acceptor has promised and accepted.
#[derive(Clone, Debug, Default)]
pub(super) struct Acceptor(BTreeMap<TxnId, Votes>);

#[derive(Clone, Debug, Default)]
struct Votes {
    /// It heeds no lower ballot.
    promised: Ballot,
    accepted: SortedMap<NodeId, (Ballot, Vote)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Record {
    Promised { txn: TxnId, ballot: Ballot },
    Accepted { txn: TxnId, ballot: Ballot, votes: Vec<(NodeId, Vote)> },
}

impl Acceptor {
    pub(super) fn recover(disk: &Files) -> Self {
        let mut acceptor = Self::default();
        for record in disk.records::<Record>(FILE) {
            match record {
                Record::Promised { txn, ballot } => {
                    acceptor.0.entry(txn).or_default().promise(ballot);
                }
                Record::Accepted { txn, ballot, votes } => {
                    acceptor.0.entry(txn).or_default().accept(ballot, &votes);
                }
            }
        }
        acceptor
    }

    /// Phase 1: what was accepted, if no higher ballot was promised; else that ballot. The answer may leave when what is written here is
    /// durable.
    pub(super) fn promise<P: Process>(
        &mut self,
        txn: TxnId,
        ballot: Ballot,
        context: &mut Context<'_, P>,
    ) -> Result<Vec<Accepted>, Ballot> {
        let votes = self.0.entry(txn).or_default();
        if ballot < votes.promised {
            return Err(votes.promised);
        }
        if votes.promise(ballot) {
            context.append_record(FILE, &Record::Promised { txn, ballot });
        }
        let accepted = |(participant, (ballot, vote)): (&NodeId, &(Ballot, Vote))| Accepted {
            participant: *participant,
            ballot: *ballot,
            vote: *vote,
        };
        Ok(votes.accepted.iter().map(accepted).collect())
    }

    /// Phase 2: accepts, if no higher ballot was promised; else says which. The answer may leave when what is written here is durable.
    pub(super) fn accept<P: Process>(
        &mut self,
        txn: TxnId,
        ballot: Ballot,
        proposed: &[(NodeId, Vote)],
        context: &mut Context<'_, P>,
    ) -> Result<(), Ballot> {
        let votes = self.0.entry(txn).or_default();
        if ballot < votes.promised {
            return Err(votes.promised);
        }
        if votes.accept(ballot, proposed) {
            context.append_record(FILE, &Record::Accepted { txn, ballot, votes: proposed.to_vec() });
        }
        Ok(())
    }
}

/// What it has promised and accepted, in a line.
impl fmt::Display for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let votes = |votes: &Votes| list(votes.accepted.iter().map(|(node, (ballot, vote))| format!("{node} {vote} in {ballot}")));
        let each = self.0.iter().map(|(txn, of)| format!("{txn} promised {}, accepted {}", of.promised, votes(of)));
        f.write_str(&list(each))
    }
}

impl Votes {
    /// Whether it is news.
    fn promise(&mut self, ballot: Ballot) -> bool {
        let news = ballot > self.promised;
        self.promised = self.promised.max(ballot);
        news
    }

    /// Whether it is news.
    fn accept(&mut self, ballot: Ballot, proposed: &[(NodeId, Vote)]) -> bool {
        self.promise(ballot);
        let mut news = false;
        for (participant, vote) in proposed {
            if self.accepted.get(participant).is_none_or(|(last, _)| *last < ballot) {
                self.accepted.insert(*participant, (ballot, *vote));
                news = true;
            }
        }
        news
    }
}
