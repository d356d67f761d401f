//! What every run has: messages, disks, faults, marks.

use rustc_hash::FxHashMap;

use super::probe::Probe;
use super::readings::Readings;
use crate::base::{Change, Fate, KindDigest, Loss, Metric, NodeId, SortedMap, Time};
use crate::require::Faults;
use crate::trace::{Event, Record, Vocabulary};

const SENT: Metric = Metric::counter("messages_sent", "", "Messages that were sent.").by(&["kind"]);
const DELIVERED: Metric =
    Metric::counter("messages_delivered", "", "Messages that arrived and were handled; a duplicate counts again.").by(&["kind"]);
const DUPLICATED: Metric = Metric::counter("messages_duplicated", "", "Messages that were sent on their way twice.").by(&["kind"]);
const LOST: Metric = Metric::counter(
    "messages_lost",
    "",
    "Messages that were not handled: lost by `chance`, to a `partition` or another `fault`, by an `override`; or their receiver was `down`.",
)
.by(&["kind", "cause"]);
const BYTES: Metric =
    Metric::counter("message_bytes", "bytes", "The bytes of messages that were sent, in a compact binary form (postcard).").by(&["kind"]);
const TIMERS: Metric = Metric::counter("timers_fired", "", "Timers that fired.");
const WRITES: Metric = Metric::counter("writes", "", "Changes of files.");
const WRITTEN: Metric = Metric::counter("write_bytes", "bytes", "Bytes that were written to files.");
const SYNCS: Metric = Metric::counter("syncs", "", "Syncs of the disk that completed.");
const BOOTS: Metric = Metric::counter("boots", "", "How often the node has started.");
const CRASHES: Metric = Metric::counter("crashes", "", "How often the node has crashed.");
const UP: Metric = Metric::gauge("node_up", "", "1 while the node runs or stands still, 0 while it is down.");
const PAUSED: Metric = Metric::gauge("node_paused", "", "1 while the node stands still.");
const STRUCK: Metric = Metric::counter("faults_struck", "", "Faults that struck: each node that one strikes counts.").by(&["fault"]);
const IN_FORCE: Metric = Metric::gauge("faults_in_force", "", "Faults that have struck and are not over.").by(&["fault"]);
const MARKS: Metric = Metric::counter("marks", "", "How often a *sometimes* mark was set.").by(&["mark"]);

/// The metrics of every run.
pub const OF_RUNS: &[Metric] =
    &[SENT, DELIVERED, DUPLICATED, LOST, BYTES, TIMERS, WRITES, WRITTEN, SYNCS, BOOTS, CRASHES, UP, PAUSED, STRUCK, IN_FORCE, MARKS];

/// Measures what every run has.
#[derive(Clone, Debug)]
pub struct RunProbe {
    /// The names of the kinds of messages.
    kinds: &'static [&'static str],
    messages: FxHashMap<KindDigest, Messages>,
    nodes: SortedMap<NodeId, Node>,
    faults: Faults,
    struck: SortedMap<&'static str, u64>,
    marks: SortedMap<&'static str, u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Messages {
    sent: u64,
    bytes: u64,
    delivered: u64,
    duplicated: u64,
    /// By cause: see [`CAUSES`].
    lost: [u64; CAUSES.len()],
}

const CAUSES: [&str; 5] = ["chance", "partition", "fault", "override", "down"];

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    timers: u64,
    writes: u64,
    written: u64,
    syncs: u64,
    boots: u64,
    crashes: u64,
    is_up: bool,
    is_paused: bool,
}

impl RunProbe {
    /// A probe of a run whose messages are of these kinds.
    pub fn new(kinds: &'static [&'static str]) -> Self {
        Self {
            kinds,
            messages: FxHashMap::default(),
            nodes: SortedMap::new(),
            faults: Faults::default(),
            struck: SortedMap::new(),
            marks: SortedMap::new(),
        }
    }

    // What is asked for each record stays apart from the probe's one function that is compiled for each vocabulary.
    #[inline(never)]
    fn of_kind(&mut self, kind: KindDigest) -> &mut Messages {
        self.messages.entry(kind).or_default()
    }

    #[inline(never)]
    fn sent(&mut self, kind: KindDigest, fate: Fate, bytes: u64) {
        let messages = self.of_kind(kind);
        messages.sent += 1;
        messages.bytes += bytes;
        match fate {
            Fate::Deliver(_) => {}
            Fate::Duplicate(..) => messages.duplicated += 1,
            Fate::Lost(loss) => {
                let cause = match loss {
                    Loss::Chance => 0,
                    Loss::Partition => 1,
                    Loss::Fault => 2,
                    Loss::Override => 3,
                };
                messages.lost[cause] += 1;
            }
        }
    }

    #[inline(never)]
    fn node(&mut self, node: NodeId) -> &mut Node {
        self.nodes.entry(node).or_default()
    }

    #[inline(never)]
    fn count(counts: &mut SortedMap<&'static str, u64>, name: &'static str) {
        *counts.entry(name).or_default() += 1;
    }

    fn boots(&mut self, node: NodeId) {
        let node = self.node(node);
        node.boots += 1;
        (node.is_up, node.is_paused) = (true, false);
    }

    fn crashes(&mut self, node: NodeId) {
        let node = self.node(node);
        node.crashes += 1;
        (node.is_up, node.is_paused) = (false, false);
    }

    fn tell_of_messages(&self, readings: &mut Readings) {
        for kind in self.kinds {
            let Some(messages) = self.messages.get(&KindDigest::of(kind)) else { continue };
            for (metric, total) in
                [(SENT, messages.sent), (BYTES, messages.bytes), (DELIVERED, messages.delivered), (DUPLICATED, messages.duplicated)]
            {
                readings.total(&metric, None, &[kind], total);
            }
            for (cause, total) in CAUSES.into_iter().zip(messages.lost).filter(|(_, total)| *total > 0) {
                readings.total(&LOST, None, &[kind, cause], total);
            }
        }
    }

    fn tell_of_nodes(&self, readings: &mut Readings) {
        for (id, node) in &self.nodes {
            let totals = [
                (TIMERS, node.timers),
                (WRITES, node.writes),
                (WRITTEN, node.written),
                (SYNCS, node.syncs),
                (BOOTS, node.boots),
                (CRASHES, node.crashes),
            ];
            totals.iter().for_each(|(metric, total)| readings.total(metric, Some(*id), &[], *total));
            readings.level(&UP, Some(*id), &[], u64::from(node.is_up));
            readings.level(&PAUSED, Some(*id), &[], u64::from(node.is_paused));
        }
    }
}

impl<V: Vocabulary> Probe<V> for RunProbe {
    fn look(&mut self, record: &Record<'_, V>) {
        match record.event {
            Event::Send { id, fate, message } => {
                // What cannot be written so is of no size that would mean anything.
                let bytes = postcard::serialize_with_flavor(*message, postcard::ser_flavors::Size::default()).unwrap_or_default();
                self.sent(id.kind, *fate, bytes as u64);
            }
            Event::Deliver { id, .. } => self.of_kind(id.kind).delivered += 1,
            Event::Discard { id } => self.of_kind(id.kind).lost[4] += 1,
            Event::Timer { node, .. } => self.node(*node).timers += 1,
            Event::Write { node, change, .. } => {
                let node = self.node(*node);
                node.writes += 1;
                node.written += match change {
                    Change::Append(bytes) | Change::At(_, bytes) => bytes.len() as u64,
                    Change::Truncate(_) => 0,
                };
            }
            Event::Synced { node, .. } => self.node(*node).syncs += 1,
            Event::Boot { node, .. } => self.boots(*node),
            Event::Crash { node, .. } => self.crashes(*node),
            Event::Pause { node } => self.node(*node).is_paused = true,
            Event::Resume { node } => self.node(*node).is_paused = false,
            Event::Mark { mark, .. } => Self::count(&mut self.marks, mark),
            Event::Strike { strike } => Self::count(&mut self.struck, strike.name()),
            Event::Note { .. }
            | Event::Client { .. }
            | Event::ClientNote { .. }
            | Event::Lift { .. }
            | Event::Settle
            | Event::Panic { .. } => {}
        }
        self.faults.see(record);
    }

    fn tell(&mut self, _: Time, readings: &mut Readings) {
        self.tell_of_messages(readings);
        self.tell_of_nodes(readings);
        for (fault, struck) in &self.struck {
            readings.total(&STRUCK, None, &[fault], *struck);
            let in_force = self.faults.in_force().filter(|kind| kind == fault).count();
            readings.level(&IN_FORCE, None, &[fault], in_force);
        }
        for (mark, set) in &self.marks {
            readings.total(&MARKS, None, &[mark], *set);
        }
    }
}
