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
pub(super) enum Fact {
    Collecting(TxnId),
    Decided(TxnId, Decision),
    Prepared(TxnId),
    Learned(TxnId),
    Committed(TxnId),
}

/// All that a disk asserts.
pub(super) type Disk = BTreeSet<Fact>;

/// The facts that these lines assert, but for those that are broken.
pub(super) fn facts(bytes: &[u8]) -> impl Iterator<Item = Fact> {
    bytes.split(|byte| *byte == b'\n').filter_map(fact)
}

fn fact(line: &[u8]) -> Option<Fact> {
    let Value::Object(record) = serde_json::from_slice(line).ok()? else { return None };
    let (name, body) = record.iter().next()?;
    let txn = |value: &Value| TxnId::deserialize(value).ok();
    match name.as_str() {
        "Collecting" => Some(Fact::Collecting(txn(&body["txn"])?)),
        "Decided" => Some(Fact::Decided(txn(&body["txn"])?, Decision::deserialize(&body["decision"]).ok()?)),
        "Prepared" => Some(Fact::Prepared(txn(&body["prepared"]["age"]["txn"])?)),
        "Learned" => Some(Fact::Learned(txn(&body["txn"])?)),
        "Committed" => Some(Fact::Committed(txn(&body["txn"])?)),
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
            (Record::Collecting { txn, writers: vec![] }, Some(Fact::Collecting(txn))),
            (Record::Decided { txn, decision, writers: vec![NodeId::server(0)] }, Some(Fact::Decided(txn, decision))),
            (Record::End { txn }, None),
            (
                Record::Prepared { writers: vec![], prepared: Prepared { age, writes: BTreeMap::new(), locks: vec![] } },
                Some(Fact::Prepared(txn)),
            ),
            (Record::Learned { txn, decision }, Some(Fact::Learned(txn))),
            (Record::Committed { txn, writes: BTreeMap::new() }, Some(Fact::Committed(txn))),
        ];
        for (record, expected) in records {
            let line = serde_json::to_vec(&record).expect("records are plain data");
            assert_eq!(facts(&line).next(), expected, "{record:?}");
            for cut in 0..line.len() {
                assert_eq!(facts(&line[..cut]).next(), None, "{record:?}, cut at {cut}");
            }
        }
    }
}
