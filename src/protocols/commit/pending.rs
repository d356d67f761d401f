//! What a coordinator keeps of a transaction while the work is done: who does which part of it, and who waits for the answer.

use super::{Age, Decision, Epoch};
use crate::base::{Act, ClientId, Committed, NodeId, Seen, SortedMap, Transaction};
use crate::process::Reply;

/// A transaction on its way through the servers that have its keys.
#[derive(Clone, Debug)]
pub struct PendingTransaction {
    age: Age,
    client: Client,
    parts: SortedMap<NodeId, Part>,
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

/// One participant's part.
#[derive(Clone, Debug, Default)]
struct Part {
    acts: Vec<Act>,
    /// Which reads of the transaction are its own.
    reads: Vec<usize>,
    /// In which life it has done its work, once it has.
    worked_in: Option<Epoch>,
}

impl PendingTransaction {
    /// A transaction of which no work is done yet. Keys are spread evenly over the members.
    pub fn new(age: Age, client: Client, transaction: Transaction, members: &[NodeId]) -> Self {
        let (mut parts, mut reads) = (SortedMap::<NodeId, Part>::new(), 0);
        for act in transaction.acts {
            let home = members[(act.key() % members.len() as u64) as usize];
            let part = parts.entry(home).or_default();
            if act.is_read() {
                part.reads.push(reads);
                reads += 1;
            }
            part.acts.push(act);
        }
        Self { age, client, parts, seen: vec![Seen::Empty; reads] }
    }

    /// Its name and age.
    pub fn age(&self) -> Age {
        self.age
    }

    /// All who take part.
    pub fn participants(&self) -> Vec<NodeId> {
        self.parts.keys().copied().collect()
    }

    /// Who has not done its work, and what that is.
    pub fn missing(&self) -> impl Iterator<Item = (NodeId, &[Act])> {
        self.parts.iter().filter(|(_, part)| part.worked_in.is_none()).map(|(node, part)| (*node, part.acts.as_slice()))
    }

    /// Whether all the work is done.
    pub fn is_done(&self) -> bool {
        self.missing().next().is_none()
    }

    /// A participant has done its work, in this life of it. Only what it says first counts.
    pub fn worked(&mut self, from: NodeId, epoch: Epoch, seen: Vec<Seen>) {
        let Some(part) = self.parts.get_mut(&from).filter(|part| part.worked_in.is_none()) else { return };
        part.worked_in = Some(epoch);
        for (place, seen) in part.reads.iter().zip(seen) {
            self.seen[*place] = seen;
        }
    }

    /// In which life each participant has done its work.
    pub fn worked_in(&self) -> impl Iterator<Item = (NodeId, Epoch)> {
        self.parts.iter().filter_map(|(node, part)| Some((*node, part.worked_in?)))
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
