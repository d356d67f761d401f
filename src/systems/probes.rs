//! What the systems that share a protocol measure alike: Raft, atomic commit, failure detectors, brokers' logs, workers.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Metric, NodeId, Time};
use crate::metrics::{Probe, Readings, Tally};
use crate::protocols::commit::{self, Decision, TxnId, Vote};
use crate::protocols::detector::properties::Observations;
use crate::protocols::detector::{self, Said, State};
use crate::protocols::{broker, raft};
use crate::trace::{Event, Record, Vocabulary};

const TERM: Metric = Metric::gauge("raft_term", "", "The term of a server of Raft.");
const WON: Metric = Metric::counter("raft_elections_won", "", "Elections that the server has won.");
const LAST: Metric = Metric::gauge("raft_log_index", "", "The last index of the server's log.");
const APPLIED: Metric = Metric::gauge("raft_applied_index", "", "The index through which the server has applied its log.");

/// The metrics of Raft.
pub(super) const OF_RAFT: &[Metric] = &[TERM, WON, LAST, APPLIED];

/// What of a system's notes is about something.
pub(super) type Within<V, N> = fn(&<V as Vocabulary>::Note) -> Option<&N>;

/// All of a note.
pub(super) fn whole<N>(note: &N) -> Option<&N> {
    Some(note)
}

/// Measures servers of Raft.
pub(super) struct RaftProbe<V: Vocabulary> {
    within: Within<V, raft::Note>,
    servers: BTreeMap<NodeId, RaftServer>,
}

#[derive(Default)]
struct RaftServer {
    term: u64,
    won: u64,
    last: u64,
    applied: u64,
}

impl<V: Vocabulary> RaftProbe<V> {
    pub(super) fn new(within: Within<V, raft::Note>) -> Self {
        Self { within, servers: BTreeMap::new() }
    }
}

impl RaftServer {
    fn noted(&mut self, note: &raft::Note) {
        match *note {
            raft::Note::Recovered { term, last, .. } => (self.term, self.last, self.applied) = (term.0, last.index, 0),
            raft::Note::TermChanged { term } | raft::Note::Voted { term, .. } => self.term = term.0,
            raft::Note::BecameLeader { term, .. } => {
                self.term = term.0;
                self.won += 1;
            }
            raft::Note::Appended { id, .. } => self.last = id.index,
            raft::Note::Truncated { last } => self.last = last,
            raft::Note::Applied { through, .. } => self.applied = through,
            raft::Note::SteppedDown { .. } => {}
        }
    }
}

impl<V: Vocabulary> Probe<V> for RaftProbe<V> {
    fn look(&mut self, record: &Record<'_, V>) {
        if let Event::Note { node, note } = record.event
            && let Some(note) = (self.within)(note)
        {
            self.servers.entry(*node).or_default().noted(note);
        }
    }

    fn tell(&mut self, _: Time, readings: &mut Readings) {
        for (node, RaftServer { term, won, last, applied }) in &self.servers {
            readings.total(&WON, Some(*node), &[], *won);
            for (metric, amount) in [(TERM, term), (LAST, last), (APPLIED, applied)] {
                readings.level(&metric, Some(*node), &[], *amount);
            }
        }
    }
}

const DOUBTS: Metric = Metric::gauge(
    "transactions_in_doubt",
    "",
    "Transactions for which a participant has voted yes, and of which it does not know the decision.",
);
const DOUBT: Metric = Metric::histogram("doubt_seconds", "seconds", "How long participants were in doubt that are in doubt no more.");
const DECIDED: Metric = Metric::counter("transactions_decided", "", "Transactions that a coordinator has decided.").by(&["decision"]);

/// The metrics of atomic commit.
pub(super) const OF_COMMIT: &[Metric] = &[DOUBTS, DOUBT, DECIDED];

/// What a note says of atomic commit; and where all servers of a group say the same, the n-th of what they say, from 1.
pub(super) type OfCommit<V> = fn(&<V as Vocabulary>::Note) -> Option<(u64, &commit::Note)>;

/// Measures servers of a commit protocol, or groups of so many servers: what those say is of the first of them.
pub(super) struct CommitProbe<V: Vocabulary> {
    within: OfCommit<V>,
    replicas: u32,
    /// How many notes of each group were heard.
    heard: BTreeMap<NodeId, u64>,
    doubts: BTreeMap<NodeId, BTreeMap<TxnId, Time>>,
    lengths: Tally,
    decided: BTreeMap<TxnId, Decision>,
}

impl<V: Vocabulary> CommitProbe<V> {
    pub(super) fn new(within: OfCommit<V>, replicas: u32) -> Self {
        Self { within, replicas, heard: BTreeMap::new(), doubts: BTreeMap::new(), lengths: Tally::default(), decided: BTreeMap::new() }
    }

    fn noted(&mut self, node: NodeId, at: Time, note: &commit::Note) {
        let doubts = self.doubts.entry(node).or_default();
        match note {
            commit::Note::Recovered { in_doubt, .. } => {
                doubts.retain(|txn, _| in_doubt.iter().any(|(doubtful, _)| doubtful == txn));
                for (txn, _) in in_doubt {
                    doubts.entry(*txn).or_insert(at);
                }
            }
            commit::Note::Voted { txn, vote: Vote::Yes } => {
                doubts.entry(*txn).or_insert(at);
            }
            commit::Note::Learned { txn, decision } | commit::Note::Decided { txn, decision, .. } => {
                if let Some(since) = doubts.remove(txn) {
                    self.lengths.record(at.since(since).as_nanos());
                }
                if let commit::Note::Decided { .. } = note {
                    self.decided.insert(*txn, *decision);
                }
            }
            commit::Note::Began { .. }
            | commit::Note::Locked { .. }
            | commit::Note::Released { .. }
            | commit::Note::Voted { .. }
            | commit::Note::Heard { .. }
            | commit::Note::Inquired { .. }
            | commit::Note::Presumed { .. }
            | commit::Note::Forgot { .. }
            | commit::Note::Told { .. } => {}
        }
    }
}

impl<V: Vocabulary> Probe<V> for CommitProbe<V> {
    fn look(&mut self, record: &Record<'_, V>) {
        let Event::Note { node, note } = record.event else { return };
        let Some((nth, note)) = (self.within)(note) else { return };
        let group = NodeId::server(node.index() as u32 / self.replicas * self.replicas);
        let heard = self.heard.entry(group).or_default();
        if nth == 0 || nth > *heard {
            *heard = nth;
            self.noted(group, record.at, note);
        }
    }

    fn tell(&mut self, _: Time, readings: &mut Readings) {
        for (node, doubts) in &self.doubts {
            readings.level(&DOUBTS, Some(*node), &[], doubts.len());
        }
        readings.sizes(&DOUBT, None, &[], &mut self.lengths);
        for (name, wanted) in [("commit", Decision::Commit), ("abort", Decision::Abort)] {
            let count = self.decided.values().filter(|decision| **decision == wanted).count();
            readings.total(&DECIDED, None, &[name], count as u64);
        }
    }
}

const SUSPICIONS: Metric =
    Metric::gauge("suspicions", "", "How many nodes a detector on this node suspects, or holds to be dead.").by(&["detector"]);
const MISTAKEN: Metric = Metric::gauge("suspicions_mistaken", "", "Those of them that are up.").by(&["detector"]);
const RAISED: Metric =
    Metric::counter("suspicions_raised", "", "How often a detector on this node came to suspect a node.").by(&["detector"]);

/// The metrics of failure detectors.
pub(super) const OF_DETECTORS: &[Metric] = &[SUSPICIONS, MISTAKEN, RAISED];

/// Measures failure detectors.
pub(super) struct SuspicionProbe {
    /// The names of the detectors that each node carries.
    detectors: Vec<String>,
    suspected: BTreeMap<(NodeId, u8), (BTreeSet<NodeId>, u64)>,
    down: BTreeSet<NodeId>,
}

impl SuspicionProbe {
    pub(super) fn new(detectors: Vec<String>) -> Self {
        Self { detectors, suspected: BTreeMap::new(), down: BTreeSet::new() }
    }

    fn noted(&mut self, node: NodeId, note: detector::Note) {
        let Said::Holds { member, state, .. } = note.said else { return };
        let (suspected, raised) = self.suspected.entry((node, note.slot)).or_default();
        if state == State::Alive {
            suspected.remove(&member);
        } else if suspected.insert(member) {
            *raised += 1;
        }
    }
}

impl<V: Observations> Probe<V> for SuspicionProbe {
    fn look(&mut self, record: &Record<'_, V>) {
        match record.event {
            Event::Note { node, note } => {
                if let Some(note) = V::detection(note) {
                    self.noted(*node, note);
                }
            }
            Event::Boot { node, .. } => {
                self.down.remove(node);
                // It begins anew, and suspects no one.
                self.suspected.iter_mut().filter(|((of, _), _)| of == node).for_each(|(_, (suspected, _))| suspected.clear());
            }
            Event::Crash { node, .. } => {
                self.down.insert(*node);
                self.suspected.iter_mut().filter(|((of, _), _)| of == node).for_each(|(_, (suspected, _))| suspected.clear());
            }
            _ => {}
        }
    }

    fn tell(&mut self, _: Time, readings: &mut Readings) {
        for ((node, slot), (suspected, raised)) in &self.suspected {
            let Some(detector) = self.detectors.get(usize::from(*slot)) else { continue };
            let mistaken = suspected.iter().filter(|suspect| !self.down.contains(suspect)).count();
            readings.level(&SUSPICIONS, Some(*node), &[detector], suspected.len());
            readings.level(&MISTAKEN, Some(*node), &[detector], mistaken);
            readings.total(&RAISED, Some(*node), &[detector], *raised);
        }
    }
}

const HIGH: Metric = Metric::gauge("partition_high_watermark", "", "The high watermark of a partition: up to where its log is committed.")
    .by(&["partition"]);
const LAG: Metric = Metric::gauge(
    "consumer_lag",
    "",
    "How many offsets of a partition are committed and not processed by its group yet, those of markers among them.",
)
.by(&["partition"]);

/// The metrics of brokers.
pub(super) const OF_BROKERS: &[Metric] = &[HIGH, LAG];

/// Measures the logs of brokers, and how far those are behind that process them.
pub(super) struct LagProbe<V: Vocabulary> {
    within: Within<V, broker::Note>,
    /// Of each partition, where it ends and where its group goes on.
    partitions: BTreeMap<u32, (u64, Option<u64>)>,
}

impl<V: Vocabulary> LagProbe<V> {
    pub(super) fn new(within: Within<V, broker::Note>) -> Self {
        Self { within, partitions: BTreeMap::new() }
    }
}

impl<V: Vocabulary> Probe<V> for LagProbe<V> {
    fn look(&mut self, record: &Record<'_, V>) {
        let Event::Note { note, .. } = record.event else { return };
        match (self.within)(note) {
            Some(broker::Note::Advanced { partition, high, .. }) => {
                let (known, _) = self.partitions.entry(*partition).or_default();
                *known = (*known).max(*high);
            }
            Some(broker::Note::Processed { partition, offset, .. }) => {
                let (_, next) = self.partitions.entry(*partition).or_default();
                *next = (*next).max(Some(*offset));
            }
            _ => {}
        }
    }

    fn tell(&mut self, _: Time, readings: &mut Readings) {
        for (partition, (high, next)) in &self.partitions {
            let name = partition.to_string();
            readings.level(&HIGH, None, &[&name], *high);
            if let Some(next) = next {
                readings.level(&LAG, None, &[&name], high.saturating_sub(*next));
            }
        }
    }
}
