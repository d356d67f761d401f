//! What a server has on disk: one file of records, a line of JSON each, only ever appended to. A record that a crash tore was never
//! promised to another server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::manager::Prepared;
use super::super::store::Writes;
use super::super::{Decision, Epoch, TxnId};
use crate::base::{ClientId, NodeId, SortedMap};
use crate::process::Files;

/// The name of the file.
pub(super) const FILE: &str = "log";

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    /// The server has started.
    Booted { epoch: Epoch },
    /// A client's request was taken in.
    Accepted { session: ClientId, number: u64 },
    /// As a coordinator: votes are about to be asked for. In presumed nothing and presumed commit alone.
    Collecting { txn: TxnId, writers: Vec<NodeId> },
    /// As a coordinator: decided.
    Decided { txn: TxnId, decision: Decision, writers: Vec<NodeId> },
    /// As a coordinator: no participant will ask any more.
    End { txn: TxnId },
    /// As a participant: ready to do either.
    Prepared { writers: Vec<NodeId>, prepared: Prepared },
    /// As a participant: learned the decision on a prepared transaction, or aborted one before it was prepared.
    Learned { txn: TxnId, decision: Decision },
    /// As the only participant: committed.
    Committed { txn: TxnId, writes: Writes },
}

/// What a server finds on its disk at boot.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// Its last life.
    pub(super) epoch: Option<Epoch>,
    /// The last request of each session that it took in.
    pub(super) sessions: SortedMap<ClientId, u64>,
    /// What it coordinated and has not ended, with the decision if there is one.
    pub(super) coordinated: SortedMap<TxnId, (Vec<NodeId>, Option<Decision>)>,
    /// What it has prepared, with the others who have.
    pub(super) prepared: SortedMap<TxnId, (Vec<NodeId>, Prepared)>,
    /// What it has learned.
    pub(super) ended: BTreeMap<TxnId, Decision>,
    /// What it has committed as the only participant in its last life. It may not have said so yet.
    pub(super) alone: Vec<TxnId>,
    /// What committed transactions have changed, in order.
    pub(super) changes: Vec<Writes>,
}

/// Reads the file.
pub(super) fn recover(disk: &Files) -> Recovered {
    let mut recovered = Recovered::default();
    for record in disk.records::<Record>(FILE) {
        recovered.take(record);
    }
    recovered
}

impl Recovered {
    fn take(&mut self, record: Record) {
        match record {
            Record::Booted { epoch } => {
                self.epoch = Some(epoch);
                self.alone.clear();
            }
            Record::Accepted { session, number } => {
                self.sessions.insert(session, number);
            }
            Record::Collecting { txn, writers } => {
                self.coordinated.insert(txn, (writers, None));
            }
            Record::Decided { txn, decision, writers } => {
                self.coordinated.insert(txn, (writers, Some(decision)));
            }
            Record::End { txn } => {
                self.coordinated.remove(&txn);
            }
            Record::Prepared { writers, prepared } => {
                self.prepared.insert(prepared.age.txn, (writers, prepared));
            }
            Record::Learned { txn, decision } => {
                let prepared = self.prepared.remove(&txn);
                if let (Decision::Commit, Some((_, prepared))) = (decision, prepared) {
                    self.changes.push(prepared.writes);
                }
                self.ended.insert(txn, decision);
            }
            Record::Committed { txn, writes } => {
                self.changes.push(writes);
                self.ended.insert(txn, Decision::Commit);
                self.alone.push(txn);
            }
        }
    }
}
