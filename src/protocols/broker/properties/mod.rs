//! What must hold of the replicas of a partition, and of the group, judged by what brokers say about themselves.
//!
//! What clients see is judged besides, by the judges of streams; and the controllers by [the properties of
//! Raft](crate::protocols::raft::properties::PROPERTIES).

mod cleaning;
mod rules;
mod transactions;

use std::collections::{BTreeMap, BTreeSet};

pub use self::cleaning::Allowed;
use self::transactions::Transactions;
use super::{Content, Entry, Message, Note, Operation, RaftMessage};
use crate::base::{NodeId, SortedMap};
use crate::check::{Property, PropertyReport, Sighting, Violations};
use crate::protocols::raft;
use crate::protocols::raft::properties::{RaftJudge, observe_within};
use crate::trace::{Event, Judge, Record, Sorts, Vocabulary};

/// Who leads.
pub const ONE_LEADER: Property = Property::always("one-leader-per-epoch", "in each epoch of a partition no more than one broker leads it");

/// What logs hold.
pub const LOGS_MATCH: Property = Property::always(
    "logs-match",
    "where two replicas of a partition have an entry of one epoch at one offset, it is the same, and so are all before it",
);

/// What leaders hold.
pub const COMMITTED_KEPT: Property =
    Property::always("committed-kept", "a leader's log has all that was committed in the partition before it began to lead");

/// What the group is told.
pub const OFFSETS_KEPT: Property =
    Property::always("offsets-kept", "no member of the group is told to go on before where the group was told that it has come");

/// Who is heard.
pub const NO_ZOMBIE: Property =
    Property::always("no-zombie", "what a member of an earlier generation has processed is not noted once a later one has begun");

/// How transactions end.
pub const MARKED_AS_DECIDED: Property = Property::always(
    "marked-as-decided",
    "a transaction ends in a partition as its coordinator has decided, and once that decision is committed",
);

/// Which producers are heard.
pub const PRODUCER_FENCED: Property = Property::always(
    "producer-fenced",
    "in a partition, nothing of an earlier epoch of a transactional producer lies behind what is of a later one",
);

/// What leaves logs.
pub const CLEANED_AS_ALLOWED: Property = Property::always(
    "cleaned-as-allowed",
    "nothing leaves a log but what is committed, and is older than retention keeps it or one of more than it keeps; or of whose key a \
     later message counts; or a tombstone that was kept long enough. Of ages, what two clocks differ at most is allowed for",
);

/// All of them.
pub const PROPERTIES: [Property; 8] =
    [ONE_LEADER, LOGS_MATCH, COMMITTED_KEPT, OFFSETS_KEPT, NO_ZOMBIE, MARKED_AS_DECIDED, PRODUCER_FENCED, CLEANED_AS_ALLOWED];

type Within = raft::properties::Within<Operation, ()>;

fn raft_message(message: &Message) -> Option<&RaftMessage> {
    if let Message::Raft(message) = message { Some(message) } else { None }
}

fn raft_note<V: Brokering>(note: &V::Note) -> Option<&raft::Note> {
    if let Note::Raft(note) = V::said(note)? { Some(note) } else { None }
}

/// A system with brokers.
pub trait Brokering: Vocabulary<Message = Message> {
    /// What this note of a server says of a broker.
    fn said(note: &Self::Note) -> Option<&Note>;
}

/// Judges replicas and the group.
#[derive(Debug)]
pub struct BrokerJudge {
    /// The properties that are judged.
    judged: Vec<Property>,
    /// What may leave logs.
    allowed: Allowed,
    violations: Violations,
    controllers: RaftJudge<Operation>,
    partitions: SortedMap<u32, Partition>,
    /// By partition: how far the group was told that it has come, and in which generation.
    processed: SortedMap<u32, (u64, u32, Sighting)>,
    transactions: Transactions,
}

/// What has been seen of a partition.
#[derive(Debug, Default)]
struct Partition {
    leaders: SortedMap<u32, (NodeId, Sighting)>,
    /// By epoch and offset: the entry that was first seen there, the epoch of the one before it, and where.
    entries: BTreeMap<(u32, u64), (Content, u32, NodeId, Sighting)>,
    /// Of each replica: the epochs of its log, by offset.
    logs: SortedMap<NodeId, Vec<u32>>,
    /// By offset: the epoch of what was committed there, in which epoch that was said, and when.
    committed: Vec<(u32, u32, Sighting)>,
    /// Of each replica: where its log begins.
    starts: SortedMap<NodeId, u64>,
    /// The latest offset at which a log began of which that was right.
    trimmed: u64,
    /// The messages, by epoch and offset, that compaction has removed somewhere.
    emptied: BTreeSet<(u32, u64)>,
    /// Of each replica: the generations that begin in its log, and where.
    generations: SortedMap<NodeId, Vec<(u64, u32, Sighting)>>,
}

impl BrokerJudge {
    /// Judges these of [`PROPERTIES`], of so many brokers of which nothing is known yet, and of so many controllers, which come after them.
    pub fn new(judged: Vec<Property>, allowed: Allowed, brokers: u32, controllers: u32) -> Self {
        Self {
            judged,
            allowed,
            violations: Violations::default(),
            controllers: RaftJudge::of(brokers as usize, controllers as usize),
            partitions: SortedMap::new(),
            processed: SortedMap::new(),
            transactions: Transactions::default(),
        }
    }

    fn judges(&self, property: &Property) -> bool {
        self.judged.contains(property)
    }

    fn said(&mut self, now: Sighting, node: NodeId, note: &Note) {
        match note {
            Note::Restored { partition, start, epochs } => {
                self.cut(*partition, node, 0);
                let known = self.partitions.entry(*partition).or_default();
                known.starts.insert(node, *start);
                let log = known.logs.entry(node).or_default();
                log.resize(*start as usize, 0);
                epochs.iter().for_each(|(epoch, end)| log.resize(*end as usize, *epoch));
            }
            Note::Cut { partition, to } => self.cut(*partition, node, *to),
            Note::Leads { partition, epoch, .. } => self.leads(now, node, *partition, *epoch),
            Note::Appended { partition, before, entry } => self.appended(now, node, *partition, *before, entry),
            Note::Advanced { partition, epoch, high } => {
                let known = self.partitions.entry(*partition).or_default();
                let log = known.logs.get(&node).map(Vec::as_slice).unwrap_or_default();
                let fresh = log.iter().take(*high as usize).skip(known.committed.len()).map(|of| (*of, *epoch, now));
                let fresh: Vec<(u32, u32, Sighting)> = fresh.collect();
                known.committed.extend(fresh);
            }
            Note::Trimmed { partition, start } => self.trimmed(now, node, *partition, *start),
            Note::Restarted { partition, start } => self.restarted(now, node, *partition, *start),
            Note::Emptied { partition, offsets } => self.emptied(now, node, *partition, offsets),
            Note::Raft(_) => {}
            Note::Handed { partition, generation, offset } => self.handed(now, *partition, *generation, *offset),
            Note::Processed { partition, generation, offset } => self.processed(now, *partition, *generation, *offset),
        }
    }

    fn cut(&mut self, partition: u32, node: NodeId, to: u64) {
        let known = self.partitions.entry(partition).or_default();
        known.logs.entry(node).or_default().truncate(to as usize);
        if known.starts.get(&node).is_some_and(|start| to < *start) {
            known.starts.insert(node, 0);
        }
        known.generations.entry(node).or_default().retain(|(offset, ..)| *offset < to);
        self.transactions.cut(node, partition, to);
    }

    fn leads(&mut self, now: Sighting, node: NodeId, partition: u32, epoch: u32) {
        let judges_committed = self.judges(&COMMITTED_KEPT);
        let known = self.partitions.entry(partition).or_default();
        let (leader, before) = *known.leaders.entry(epoch).or_insert((node, now));
        if leader != node {
            let broken = rules::TWO_LEADERS.with("node", node).with("partition", u64::from(partition)).with("epoch", u64::from(epoch));
            self.violations.add(&ONE_LEADER, now, broken.with("other", leader).seen("before", before));
        }
        let log = known.logs.get(&node).map(Vec::as_slice).unwrap_or_default();
        let start = known.starts.get(&node).copied().unwrap_or(0);
        // One that stood still may begin to lead late, in an epoch that is over. What it has let go of was judged then.
        let before = (0..).zip(&known.committed).filter(|(offset, (_, said, _))| *said < epoch && *offset >= start);
        let lost = before.into_iter().find(|(offset, (of, ..))| log.get(*offset as usize) != Some(of));
        if let Some((offset, (.., before))) = lost.filter(|_| judges_committed) {
            let broken = rules::COMMITTED_LOST.with("node", node).with("partition", u64::from(partition)).with("epoch", u64::from(epoch));
            self.violations.add(&COMMITTED_KEPT, now, broken.with("offset", offset).seen("before", *before));
        }
    }

    fn appended(&mut self, now: Sighting, node: NodeId, partition: u32, before: u32, entry: &Entry) {
        let Entry { offset, epoch, content, .. } = entry;
        let known = self.partitions.entry(partition).or_default();
        known.logs.entry(node).or_default().push(*epoch);
        let first = known.entries.entry((*epoch, *offset)).or_insert_with(|| (content.clone(), before, node, now));
        let is_empty = matches!(content, Content::Empty { .. }) && known.emptied.contains(&(*epoch, *offset));
        if (first.0 != *content && !is_empty) || first.1 != before {
            let broken = rules::ENTRIES_DIFFER.with("node", node).with("partition", u64::from(partition)).with("epoch", u64::from(*epoch));
            let broken = broken.with("offset", *offset).with("other", first.2).seen("before", first.3);
            self.violations.add(&LOGS_MATCH, now, broken);
        }
        let generations = known.generations.entry(node).or_default();
        match content {
            Content::Generation { number } => generations.push((*offset, *number, now)),
            Content::Processed { partition, generation: Some(generation), .. } => {
                if let Some((_, present, before)) = generations.last().copied().filter(|(_, present, _)| generation < present) {
                    let broken = rules::ZOMBIE_HEARD.with("generation", u64::from(*generation)).with("partition", u64::from(*partition));
                    self.violations.add(&NO_ZOMBIE, now, broken.with("present", u64::from(present)).seen("before", before));
                }
            }
            _ => {}
        }
        let is_committed = |(of, offset, epoch): (u32, u64, u32)| {
            let known = self.partitions.get(&of);
            known.and_then(|known| known.committed.get(offset as usize)).is_some_and(|(of, ..)| *of == epoch)
        };
        self.transactions.appended((now, node, partition), entry, is_committed, &mut self.violations);
    }

    fn handed(&mut self, now: Sighting, partition: u32, generation: u32, offset: u64) {
        if let Some((processed, of, before)) = self.processed.get(&partition).copied()
            && of <= generation
            && offset < processed
            && self.judges(&OFFSETS_KEPT)
        {
            let broken = rules::OFFSET_LOST.with("generation", u64::from(generation)).with("partition", u64::from(partition));
            let broken = broken.with("offset", offset).with("processed", processed).seen("before", before);
            self.violations.add(&OFFSETS_KEPT, now, broken);
        }
    }

    fn processed(&mut self, now: Sighting, partition: u32, generation: Option<u32>, offset: u64) {
        let known = self.processed.get(&partition).map_or(0, |(_, generation, _)| *generation);
        let generation = generation.unwrap_or(known);
        // A coordinator that stood still may tell late what was noted long ago.
        if known <= generation {
            self.processed.insert(partition, (offset, generation, now));
        }
    }
}

impl<V: Brokering> Judge<V> for BrokerJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        observe_within(&mut self.controllers, record, raft_message, raft_note::<V>);
        if let Event::Note { node, note } = record.event
            && let Some(note) = V::said(note)
        {
            self.said(record.sighting(), *node, note);
        }
    }

    fn wants(&self) -> Sorts {
        raft::properties::WANTS
    }

    fn violated(&self) -> bool {
        !self.violations.is_empty() || Judge::<Within>::violated(&self.controllers)
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.violations.reports(&self.judged).into_iter().chain(Judge::<Within>::reports(&self.controllers)).collect()
    }
}
