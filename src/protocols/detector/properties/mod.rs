//! What must hold of failure detectors, and how well they do, judged from outside: from what they say, against what in truth happened.
//!
//! The classes are those of Chandra and Toueg (*Unreliable Failure Detectors for Reliable Distributed Systems*, J. ACM 43(2), 1996), read
//! for runs that end: when the faults are over, nodes that were destroyed must in the end be suspected by all others (*strong
//! completeness*), and no other node by any (*eventual strong accuracy*). "In the end" is the second half of the time to settle.

mod classes;
mod recovery;
mod rules;
mod track;
mod truth;

use std::collections::BTreeMap;

use super::{Message, Note, Observers, Said, State};
use crate::base::{Duration, NodeId, SortedMap, Time};
use crate::check::{Broken, Fact, Property, PropertyReport, Rule, Sighting, Violations};
use crate::trace::{Cell, Event, Judge, Record, Table, Vocabulary};
use track::{Late, Track, Undetected};
use truth::{Blame, Change, Truth};

pub use classes::{LEADERSHIP, LeaderJudge};
pub use recovery::{RECOVERY, RecoveryJudge, Working};

/// The properties, in the order in which they are reported.
pub const PROPERTIES: [Property; 6] = [COMPLETENESS, ACCURACY, RESURRECT, INCARNATION, GRAY, QUALITY];

const COMPLETENESS: Property = Property::eventually(
    "strong-completeness",
    "a node that was destroyed is in the end suspected by every node that watches it, for good (Chandra and Toueg, strong completeness)",
);
const ACCURACY: Property = Property::eventually(
    "eventual-accuracy",
    "when the faults are over, in the end no living node is suspected by any (Chandra and Toueg, eventual strong accuracy)",
);
const RESURRECT: Property = Property::always(
    "never-resurrect",
    "a member that was declared dead is held alive or suspect again in a higher incarnation only (SWIM §4.2)",
);
const INCARNATION: Property =
    Property::always("incarnation-is-its-own", "no node holds a member to be of an incarnation that it has not had (SWIM §4.2)");
const GRAY: Property = Property::always(
    "gray-failures-noticed",
    "a detector that watches work notices a disk that stalls for longer than it may take to detect a failure",
);
const QUALITY: Property = Property::always(
    "quality-of-service",
    "detection time, mistake recurrence and mistake duration keep the bounds that the scenario requires (Chen, Toueg and Aguilera §2.3)",
);

/// A system in which detectors speak: how their words are told from others.
pub trait Observations: Vocabulary {
    /// What this note says of detection.
    fn detection(note: &Self::Note) -> Option<Note>;

    /// Which detector sent this message, and how many bytes it takes.
    fn traffic(message: &Self::Message) -> Option<(u8, u64)>;
}

/// How many bytes a message takes on the wire, in a compact binary form: that of postcard, without a frame.
pub fn bytes_of(message: &Message) -> u64 {
    let size = postcard::serialize_with_flavor(message, postcard::ser_flavors::Size::default());
    size.expect("a message is plain data") as u64
}

/// A detector that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What it is called.
    pub name: String,
    /// Who watches whom.
    pub observers: Observers,
    /// Whether it watches the work of nodes.
    pub watches_work: bool,
    /// Whether it suspects before it convicts: SWIM.
    pub doubts: bool,
    /// What is required of it.
    pub bounds: Bounds,
}

/// What is required of a detector: bounds, where there are any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// At most: from a crash to the beginning of a suspicion that lasts until the node is back, of each undisturbed watcher.
    pub detection: Option<Duration>,
    /// At least: the mean time between mistakes of a pair.
    pub recurrence: Option<Duration>,
    /// At most: the mean length of a mistake.
    pub duration: Option<Duration>,
    /// At least: the mean time between doubts of a pair about a living node, where the detector doubts before it convicts.
    pub doubts: Option<Duration>,
}

/// Judges all detectors of a run.
#[derive(Debug)]
pub struct DetectorJudge {
    truth: Truth,
    subjects: Vec<Judged>,
    violated: Violations,
}

#[derive(Debug)]
struct Judged {
    subject: Subject,
    verdicts: Track,
    doubts: Option<Track>,
    /// Of each pair the incarnation in which the one has declared the other dead, and the record of that.
    dead: BTreeMap<(NodeId, NodeId), (u32, u64)>,
    /// Of each node its incarnation, and in which record it said so.
    incarnations: SortedMap<NodeId, (u32, u64)>,
    messages: u64,
    bytes: u64,
}

impl Judged {
    fn tracks(&mut self) -> impl Iterator<Item = &mut Track> {
        std::iter::once(&mut self.verdicts).chain(&mut self.doubts)
    }
}

impl DetectorJudge {
    /// Judges these detectors, by slot, on so many nodes. What happens in the time to warm up does not count as a mistake.
    pub fn new(nodes: u32, subjects: Vec<Subject>, warm_up: Duration) -> Self {
        let judged = |subject: Subject| {
            let track = || Track::new(nodes, subject.observers, subject.watches_work, Time::ZERO + warm_up);
            Judged {
                verdicts: track(),
                doubts: subject.doubts.then(track),
                dead: BTreeMap::new(),
                incarnations: SortedMap::new(),
                messages: 0,
                bytes: 0,
                subject,
            }
        };
        Self { truth: Truth::new(nodes), subjects: subjects.into_iter().map(judged).collect(), violated: Violations::default() }
    }

    fn said(&mut self, now: Sighting, by: NodeId, note: Note) {
        let Some(judged) = self.subjects.get_mut(usize::from(note.slot)) else { return };
        match note.said {
            Said::Refutes { incarnation } => {
                let known = judged.incarnations.entry(by).or_default();
                *known = (*known).max((incarnation, now.record));
            }
            Said::Holds { member, state, incarnation } => {
                judged.verdicts.said(now, by, member, state == State::Dead, &self.truth);
                if let Some(doubts) = &mut judged.doubts {
                    doubts.said(now, by, member, state != State::Alive, &self.truth);
                    self.membership(now, by, note.slot, member, state, incarnation);
                }
            }
        }
    }

    /// What SWIM may say of a member.
    fn membership(&mut self, now: Sighting, by: NodeId, slot: u8, member: NodeId, state: State, incarnation: u32) {
        let judged = &mut self.subjects[usize::from(slot)];
        let own = judged.incarnations.get(&member).copied();
        let highest = own.map_or(0, |(own, _)| own);
        let buried = judged.dead.get(&(by, member)).copied();
        if state == State::Dead {
            judged.dead.insert((by, member), (incarnation, now.record));
        } else {
            judged.dead.remove(&(by, member));
        }
        if incarnation > highest {
            let broken = rules::TOO_HIGH.with("node", by).with("member", member).with("incarnation", u64::from(incarnation));
            let broken = broken.with("own", u64::from(highest)).within("detector", judged.subject.name.clone());
            self.violated.add(&INCARNATION, now, broken.on(own.map(|(_, record)| record)));
        }
        if let Some((buried, record)) = buried
            && incarnation <= buried
            && state != State::Dead
        {
            let broken = rules::RAISED.with("node", by).with("member", member).with("buried", u64::from(buried));
            let broken = broken.with("state", state).with("incarnation", u64::from(incarnation)).on([record]);
            let broken = broken.within("detector", judged.subject.name.clone());
            self.violated.add(&RESURRECT, now, broken);
        }
    }

    fn changed(subjects: &mut [Judged], at: Time, change: Change, truth: &Truth) {
        for judged in subjects.iter_mut() {
            if let Change::Down(node) = change {
                let own = judged.dead.range((node, NodeId::server(0))..).take_while(|((by, _), _)| *by == node);
                let forgotten: Vec<(NodeId, NodeId)> = own.map(|(pair, _)| *pair).collect();
                for pair in forgotten {
                    judged.dead.remove(&pair);
                }
            }
            for track in judged.tracks() {
                match change {
                    Change::Down(node) => track.down(at, node, truth),
                    Change::Up(node, crashed) => {
                        track.crash_over(at, node, crashed, truth);
                        track.up(at, node, truth);
                    }
                    Change::Links => track.recount(at, truth),
                    Change::Freed(node, since) => track.freed(at, node, since, truth),
                    Change::Nothing | Change::Stalled(_) | Change::Settled => {}
                }
            }
        }
    }

    /// The second half of the time to settle, in which all must be as it stays.
    fn the_end(&self) -> Option<Time> {
        let settled = self.truth.settled?;
        Some(settled + self.truth.now.since(settled) / 2)
    }

    /// Whether all and only those nodes are suspected that ought to be, in the end.
    fn judge_the_end(&mut self) {
        let Some(end) = self.the_end().filter(|end| *end < self.truth.now) else { return };
        let Self { truth, subjects, violated } = self;
        for Judged { subject: Subject { name, .. }, verdicts, .. } in subjects {
            let pair = |rule: &'static Rule, by: NodeId, of: NodeId| rule.with("node", by).with("of", of).within("detector", name.clone());
            for (of, node) in (0..).map(NodeId::server).zip(&truth.nodes).filter(|(_, node)| node.destroyed) {
                let unaware = verdicts.watchers(of).find(|by| truth.node(*by).up && !verdicts.is_suspected(*by, of));
                if let Some(by) = unaware {
                    violated.add_at(&COMPLETENESS, truth.now, pair(&rules::UNAWARE, by, of).on([node.since.record]));
                }
            }
            for (property, rule, late) in
                [(&COMPLETENESS, &rules::TRUSTED_LATE, verdicts.last_trust), (&ACCURACY, &rules::SUSPECTED_LATE, verdicts.last_wrong)]
            {
                if let Some(Late { by, of, at, began }) = late.filter(|late| late.at.at >= end) {
                    violated.add(property, at, pair(rule, by, of).on([began]));
                }
            }
        }
    }

    fn judge_bounds(&mut self) {
        let Self { truth, subjects, violated } = self;
        for Judged { subject: Subject { name, bounds, watches_work, .. }, verdicts, doubts, .. } in subjects {
            let mut found =
                |property: &Property, broken: Broken| violated.add_at(property, truth.now, broken.within("detector", name.clone()));
            if let Some(most) = bounds.detection {
                if let Some((length, crash, suspicion)) = verdicts.slowest.filter(|(length, ..)| *length > most) {
                    let slow = rules::SLOW.with("length", length).with("most", most);
                    found(&QUALITY, slow.on([crash.record, suspicion.record]));
                }
                if let Some(missed) = verdicts.undetected.iter().find(|missed| missed.length > most) {
                    found(&QUALITY, missed.told(&rules::MISSED_CRASH));
                }
                if let Some(missed) = verdicts.grays_missed.iter().find(|missed| *watches_work && missed.length > most) {
                    found(&GRAY, missed.told(&rules::MISSED_STALL));
                }
            }
            let mut recurs = |least: Option<Duration>, track: &Track, rule: &'static Rule| {
                if let (Some(least), Some(mean)) = (least, track.recurrence())
                    && mean < least
                {
                    let count = rule.with("count", track.linked_mistakes.len());
                    found(&QUALITY, count.with("mean", mean).with("least", least).on(track.linked_mistakes.iter().copied()));
                }
            };
            recurs(bounds.recurrence, verdicts, &rules::MISTAKES);
            if let Some(doubts) = doubts {
                recurs(bounds.doubts, doubts, &rules::DOUBTS);
            }
            if let (Some(most), Some(mean)) = (bounds.duration, verdicts.duration())
                && mean > most
            {
                let records = verdicts.ended.iter().flat_map(|(began, ended)| [began.record, ended.record]);
                found(&QUALITY, rules::LONG_MISTAKES.with("mean", mean).with("most", most).on(records));
            }
        }
    }
}

impl From<State> for Fact {
    fn from(state: State) -> Self {
        Self::State(state.name())
    }
}

impl Undetected {
    fn told(&self, rule: &'static Rule) -> Broken {
        rule.with("node", self.by).with("of", self.of).seen("since", self.since).with("length", self.length)
    }
}

impl<V: Observations> Judge<V> for DetectorJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        let Self { truth, subjects, .. } = self;
        truth.now = record.at;
        match record.event {
            Event::Send { message, .. } => {
                if let Some((slot, bytes)) = V::traffic(message)
                    && let Some(judged) = subjects.get_mut(usize::from(slot))
                {
                    judged.messages += 1;
                    judged.bytes += bytes;
                }
            }
            Event::Note { node, note } => {
                if let Some(note) = V::detection(note) {
                    self.said(record.sighting(), *node, note);
                }
            }
            Event::Boot { .. } | Event::Crash { .. } | Event::Pause { .. } | Event::Resume { .. } => self.change::<V>(record),
            Event::Strike { .. } | Event::Lift { .. } | Event::Settle => self.change::<V>(record),
            _ => {}
        }
    }

    fn finish(&mut self, at: Time) {
        self.truth.now = at;
        for track in self.subjects.iter_mut().flat_map(Judged::tracks) {
            track.close(&self.truth);
        }
        self.judge_the_end();
        self.judge_bounds();
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.violated.reports(&PROPERTIES)
    }

    fn tables(&self) -> Vec<Table> {
        let mut table = Table::new("quality of service (Chen, Toueg and Aguilera)", &COLUMNS);
        for judged in &self.subjects {
            let cost = (judged.messages, judged.bytes);
            table.row(&judged.subject.name, row(&judged.verdicts, cost));
            if let Some(doubts) = &judged.doubts {
                table.row(format!("{}, suspicions", judged.subject.name), row(doubts, cost));
            }
        }
        vec![table]
    }
}

impl DetectorJudge {
    fn change<V: Observations>(&mut self, record: &Record<'_, V>) {
        let Self { truth, subjects, .. } = self;
        truth.observe(record.sighting(), record.event, |truth, change| Self::changed(subjects, record.at, change, truth));
    }
}

/// What each row of the table says.
///
/// Of crashes: the median and the 99th part of a hundred of the detection time T_D; the median of the times until the last watcher knew;
/// how often a watcher had not noticed when the crash was over. Of mistakes about living nodes: their mean recurrence T_MR and duration
/// T_M, the query accuracy P_A; how many fell into loss, pauses, slow nodes, stalled disks and partitions; how many had not ended when the
/// run or a crash cut them off; how many there are per node and hour, without those in partitions. How long it takes until one who is back
/// is trusted. Of stalled disks, where work is watched: how long it takes to notice, and how often they were missed. What it costs.
const COLUMNS: [&str; 19] = [
    "T_D",
    "T_D 99%",
    "last",
    "missed",
    "T_MR",
    "T_M",
    "P_A",
    "loss",
    "pause",
    "slow",
    "stall",
    "cut",
    "open",
    "/node-h",
    "return",
    "stall T_D",
    "missed",
    "msg/node-s",
    "B/node-s",
];

fn row(track: &Track, (messages, bytes): (u64, u64)) -> Vec<Cell> {
    let length = |length: Option<Duration>| length.map_or(Cell::Empty, Cell::Length);
    let median = |lengths: &[Duration]| Cell::median(&mut lengths.to_vec());
    vec![
        median(&track.detections),
        Cell::quantile(&mut track.detections.clone(), 99, 100),
        median(&track.last_observers),
        Cell::Count(track.undetected.len() as u64),
        length(track.recurrence()),
        length(track.duration()),
        track.accuracy(),
        track.of_cause(Blame::Loss),
        track.of_cause(Blame::Pause),
        track.of_cause(Blame::Slow),
        track.of_cause(Blame::Gray),
        track.of_cause(Blame::Partition),
        Cell::Count(track.endless),
        track.per_node_hour(),
        median(&track.returns),
        median(&track.grays),
        Cell::Count(track.grays_missed.len() as u64),
        track.per_node_second(messages),
        track.per_node_second(bytes),
    ]
}
