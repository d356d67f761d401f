//! What a coordinator keeps of a transaction while the work is done: who does which part of it, and who waits for the answer.

use super::part::{Part, divide};
use super::{Age, Decision, Epoch};
use crate::base::{Act, ClientId, Committed, NodeId, Seen, SortedMap, Transaction};
use crate::process::Reply;

/// A transaction on its way through the servers that have its keys.
#[derive(Clone, Debug)]
pub struct PendingTransaction {
    age: Age,
    client: Client,
    shares: SortedMap<NodeId, Share>,
    /// What its reads saw, in the order of its acts.
    seen: Vec<Seen>,
}

/// Who waits for the answer.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Where.
    pub node: NodeId,
    /// In which session.
    pub session: ClientId,
    /// Which of its operations.
    pub number: u64,
}

/// One participant's share of it.
#[derive(Clone, Debug)]
struct Share {
    part: Part,
    /// In which life it has done its work, once it has.
    worked_in: Option<Epoch>,
}

impl PendingTransaction {
    /// A transaction of which no work is done yet. Keys are spread evenly over the members.
    pub fn new(age: Age, client: Client, transaction: Transaction, members: &[NodeId]) -> Self {
        let (parts, reads) = divide(&transaction.acts, |key| members[(key % members.len() as u64) as usize]);
        let shares = parts.into_iter().map(|(node, part)| (node, Share { part, worked_in: None })).collect();
        Self { age, client, shares, seen: vec![Seen::Empty; reads] }
    }

    /// Its name and age.
    pub fn age(&self) -> Age {
        self.age
    }

    /// All who take part.
    pub fn participants(&self) -> Vec<NodeId> {
        self.shares.keys().copied().collect()
    }

    /// Who has not done its work, and what that is.
    pub fn missing(&self) -> impl Iterator<Item = (NodeId, &[Act])> {
        self.shares.iter().filter(|(_, share)| share.worked_in.is_none()).map(|(node, share)| (*node, share.part.acts.as_slice()))
    }

    /// Whether all the work is done.
    pub fn is_done(&self) -> bool {
        self.missing().next().is_none()
    }

    /// A participant has done its work, in this life of it. Only what it says first counts.
    pub fn worked(&mut self, from: NodeId, epoch: Epoch, seen: Vec<Seen>) {
        let Some(share) = self.shares.get_mut(&from).filter(|share| share.worked_in.is_none()) else { return };
        share.worked_in = Some(epoch);
        for (place, seen) in share.part.reads.iter().zip(seen) {
            self.seen[*place] = seen;
        }
    }

    /// In which life each participant has done its work.
    pub fn worked_in(&self) -> impl Iterator<Item = (NodeId, Epoch)> {
        self.shares.iter().filter_map(|(node, share)| Some((*node, share.worked_in?)))
    }

    /// Who is to be told what.
    pub fn answer(self, decision: Decision) -> (Client, Reply<Committed>) {
        let reply = match decision {
            Decision::Commit => Reply::Done(Committed { seen: self.seen }),
            Decision::Abort => Reply::Refused,
        };
        (self.client, reply)
    }
}
