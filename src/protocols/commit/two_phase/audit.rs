//! What a server's disk says, read by those who judge it.
//!
//! A reader of its own for the format that `log` writes: if both shared code, a mistake in it would go unseen.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::super::{Decision, TxnId};

/// The one file that counts.
pub(super) const FILE: &str = "log";

/// Something that a record on a disk asserts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Assertion {
    Collecting(TxnId),
    Decided(TxnId, Decision),
    Prepared(TxnId),
    Learned(TxnId),
    Committed(TxnId),
}

impl Assertion {
    /// The kind of record that asserts it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Collecting(_) => "Collecting",
            Self::Decided(..) => "Decided",
            Self::Prepared(_) => "Prepared",
            Self::Learned(_) => "Learned",
            Self::Committed(_) => "Committed",
        }
    }
}

/// All that a disk asserts.
pub(super) type Disk = BTreeSet<Assertion>;

/// What these lines assert, but for those that are broken.
pub(super) fn assertions(bytes: &[u8]) -> impl Iterator<Item = Assertion> {
    bytes.split(|byte| *byte == b'\n').filter_map(assertion)
}

fn assertion(line: &[u8]) -> Option<Assertion> {
    let Value::Object(record) = serde_json::from_slice(line).ok()? else { return None };
    let (name, body) = record.iter().next()?;
    let txn = |value: &Value| TxnId::deserialize(value).ok();
    match name.as_str() {
        "Collecting" => Some(Assertion::Collecting(txn(&body["txn"])?)),
        "Decided" => Some(Assertion::Decided(txn(&body["txn"])?, Decision::deserialize(&body["decision"]).ok()?)),
        "Prepared" => Some(Assertion::Prepared(txn(&body["prepared"]["age"]["txn"])?)),
        "Learned" => Some(Assertion::Learned(txn(&body["txn"])?)),
        "Committed" => Some(Assertion::Committed(txn(&body["txn"])?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::super::manager::Prepared;
    use super::super::super::{Age, Epoch};
    use super::super::log::Record;
    use super::*;
    use crate::base::{LocalTime, NodeId};

    /// Each record that a promise rests on is read here as it was written there, and none that is torn.
    #[test]
    fn both_readers_agree() {
        let txn = TxnId { coordinator: NodeId::server(2), epoch: Epoch(3), number: 4 };
        let age = Age { began: LocalTime::from_nanos(-5), txn };
        let decision = Decision::Commit;
        let records = [
            (Record::Booted { epoch: Epoch(1) }, None),
            (Record::Collecting { txn, writers: vec![] }, Some(Assertion::Collecting(txn))),
            (Record::Decided { txn, decision, writers: vec![NodeId::server(0)] }, Some(Assertion::Decided(txn, decision))),
            (Record::End { txn }, None),
            (
                Record::Prepared { writers: vec![], prepared: Prepared { age, writes: BTreeMap::new(), locks: vec![] } },
                Some(Assertion::Prepared(txn)),
            ),
            (Record::Learned { txn, decision }, Some(Assertion::Learned(txn))),
            (Record::Committed { txn, writes: BTreeMap::new() }, Some(Assertion::Committed(txn))),
        ];
        for (record, expected) in records {
            let line = serde_json::to_vec(&record).expect("records are plain data");
            assert_eq!(assertions(&line).next(), expected, "{record:?}");
            for cut in 0..line.len() {
                assert_eq!(assertions(&line[..cut]).next(), None, "{record:?}, cut at {cut}");
            }
        }
    }
}
