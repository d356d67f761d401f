//! The ways in which the replicas of a partition can go wrong.

use crate::check::Rule;

pub(super) static TWO_LEADERS: Rule =
    Rule::new("two-leaders", "{node} leads partition {partition} in epoch {epoch}, in which {other} had led it at {before}");
pub(super) static ENTRIES_DIFFER: Rule = Rule::new(
    "entries-differ",
    "{node} has another entry of epoch {epoch} at offset {offset} of partition {partition} than {other} had at {before}, or another \
     before it",
);
pub(super) static COMMITTED_LOST: Rule = Rule::new(
    "committed-lost",
    "{node} leads partition {partition} in epoch {epoch} without what was committed at offset {offset}, at {before}",
);
pub(super) static OFFSET_LOST: Rule = Rule::new(
    "offset-lost",
    "a member of generation {generation} was told to go on with partition {partition} at {offset}, though the group was told at {before} \
     that {processed} is noted",
);
pub(super) static ZOMBIE_HEARD: Rule = Rule::new(
    "zombie-heard",
    "what a member of generation {generation} had processed of partition {partition} was noted behind the beginning of generation {present}, at \
     {before}",
);
pub(super) static NOT_DECIDED: Rule = Rule::new(
    "not-decided",
    "{node} has a marker at offset {offset} of partition {partition} that the transaction of {producer} is {how}, and no such decision is \
     committed",
);
pub(super) static DELETED_UNCOMMITTED: Rule =
    Rule::new("deleted-uncommitted", "{node} deleted offset {offset} of partition {partition}, which is not committed");
pub(super) static DELETED_EARLY: Rule =
    Rule::new("deleted-early", "{node} deleted offset {offset} of partition {partition}, which retention keeps");
pub(super) static EMPTIED: Rule = Rule::new(
    "emptied",
    "{node} removed the message at offset {offset} of partition {partition}, behind which none of its key is committed that counts",
);
pub(super) static EMPTIED_TOMBSTONE: Rule = Rule::new(
    "emptied-tombstone",
    "{node} removed the tombstone at offset {offset} of partition {partition}, which was the last of its key and not kept for long enough",
);
pub(super) static OLD_PRODUCER: Rule = Rule::new(
    "old-producer",
    "{node} has something of epoch {epoch} of producer {producer} in partition {partition}, behind the beginning of its epoch {later}, at \
     {before}",
);
