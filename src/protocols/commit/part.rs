//! Who does what of a transaction.

use serde::Serialize;

use crate::base::{Act, NodeId, SortedMap};

/// One participant's part of a transaction.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Part {
    /// What it does.
    pub(super) acts: Vec<Act>,
    /// Which reads of the transaction are its own.
    pub(super) reads: Vec<usize>,
}

/// Divides a transaction among those where its keys are at home; and how many reads there are.
pub(super) fn divide(acts: &[Act], home: impl Fn(u64) -> NodeId) -> (SortedMap<NodeId, Part>, usize) {
    let (mut parts, mut reads) = (SortedMap::<NodeId, Part>::new(), 0);
    for act in acts {
        let part = parts.entry(home(act.key())).or_default();
        if act.is_read() {
            part.reads.push(reads);
            reads += 1;
        }
        part.acts.push(*act);
    }
    (parts, reads)
}
