//! What must hold of two-phase commit over groups: of each group what holds of a Raft cluster; of the groups what holds of servers of a
//! commit protocol, which here never crash; and of what they say to each other that the speaker's group has it.
//!
//! [`PROPERTIES`] says what the last demands; the others are [those of Raft](crate::protocols::raft::properties::PROPERTIES) and
//! [those of atomic commit](super::super::properties::PROPERTIES).

use std::collections::{BTreeMap, BTreeSet};

use super::super::properties::CommitJudge;
use super::super::{Decision, Note as CommitNote, TxnId, Vote};
use super::{Message, Note, Operation, RaftMessage};
use crate::base::{MessageId, NodeId, SortedMap, SortedSet, Time};
use crate::check::{Explanation, Property, PropertyReport, Rule, Sighting, Verdict, Violations};
use crate::fault::Strike;
use crate::protocols::raft;
use crate::protocols::raft::properties::{RaftJudge, Within, observe_within};
use crate::trace::{Event, Judge, Record, Table, Vocabulary};

/// The properties, in the order in which they are reported.
pub const PROPERTIES: [Property; 2] = [REPLICATE_BEFORE_YES, REPLICATE_BEFORE_DECISION];

const REPLICATE_BEFORE_YES: Property =
    Property::always("replicate-before-yes", "a yes leaves a group once the group has committed the prepared work (Spanner §4.2.1)");
const REPLICATE_BEFORE_DECISION: Property =
    Property::always("replicate-before-decision", "a decision is announced once the coordinator's group has committed it (Spanner §4.2.1)");

static YES_ALONE: Rule = Rule::new("yes-alone", "at {at} {node} voted yes on {txn} for group {group}, which had not");
static ANNOUNCED_ALONE: Rule =
    Rule::new("announced-alone", "at {at} {node} announced the {decision} of {txn} for group {group}, which had not decided so");

/// Judges the groups as servers of a commit protocol: by its properties, and by the [`PROPERTIES`].
#[derive(Debug)]
pub struct GroupsJudge {
    replicas: u32,
    commit: CommitJudge,
    /// The servers that nothing starts again.
    destroyed: SortedSet<NodeId>,
    /// How many notes of each group were passed on.
    heard: SortedMap<NodeId, u64>,
    /// Which groups have voted yes on what.
    yes: BTreeSet<(NodeId, TxnId)>,
    /// What was decided, and in which record a group first said so.
    decided: BTreeMap<TxnId, (Decision, u64)>,
    found: Violations,
}

/// What the records are about that the judge of atomic commit sees.
struct CommitWords;

impl Vocabulary for CommitWords {
    type Message = ();
    type Note = CommitNote;
    type Client = ();
    type ClientNote = ();
}

impl GroupsJudge {
    /// A judge of groups of so many servers.
    pub fn new(replicas: u32) -> Self {
        Self {
            replicas,
            commit: CommitJudge::new(),
            destroyed: SortedSet::new(),
            heard: SortedMap::new(),
            yes: BTreeSet::new(),
            decided: BTreeMap::new(),
            found: Violations::default(),
        }
    }

    fn group_of(&self, server: NodeId) -> NodeId {
        NodeId::server(server.index() as u32 / self.replicas)
    }

    fn pass_on(&mut self, number: u64, at: Time, event: &Event<'_, CommitWords>) {
        self.commit.observe(&Record { number, at, event });
    }

    /// The first replica that says something says it for its group. That all say the same is Raft's to keep.
    fn noted(&mut self, number: u64, at: Time, node: NodeId, place: u64, note: &CommitNote) {
        let group = self.group_of(node);
        let heard = self.heard.entry(group).or_default();
        if place <= *heard {
            return;
        }
        *heard = place;
        match *note {
            CommitNote::Voted { txn, vote: Vote::Yes } => drop(self.yes.insert((group, txn))),
            CommitNote::Decided { txn, decision, .. } => drop(self.decided.entry(txn).or_insert((decision, number))),
            _ => {}
        }
        self.pass_on(number, at, &Event::Note { node: group, note });
    }

    /// A group whose majority is gone for good is gone for good.
    fn destroyed(&mut self, number: u64, at: Time, server: NodeId) {
        self.destroyed.insert(server);
        let group = self.group_of(server);
        let gone = self.destroyed.iter().filter(|other| self.group_of(**other) == group).count();
        if !server.is_client() && 2 * gone >= self.replicas as usize {
            self.pass_on(number, at, &Event::Strike { strike: &Strike::Destroy { node: group } });
        }
    }

    fn sent(&mut self, now: Sighting, id: MessageId, message: &Message) {
        let group = self.group_of(id.from);
        match *message {
            Message::Ballot { txn, vote: Vote::Yes, .. } if !self.yes.contains(&(group, txn)) => {
                let broken = YES_ALONE.with("node", id.from).with("txn", txn).with("group", group.index() + 1);
                self.found.add(&REPLICATE_BEFORE_YES, now, broken);
            }
            Message::Decide { txn, decision } => {
                let decided = self.decided.get(&txn);
                if decided.is_none_or(|(decided, _)| *decided != decision) {
                    let broken = ANNOUNCED_ALONE.with("node", id.from).with("txn", txn).with("decision", decision);
                    let broken = broken.with("group", group.index() + 1).on(decided.map(|(_, record)| *record));
                    self.found.add(&REPLICATE_BEFORE_DECISION, now, broken);
                }
            }
            _ => {}
        }
    }
}

impl<V: Vocabulary<Message = Message, Note = Note>> Judge<V> for GroupsJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        let (number, at) = (record.number, record.at);
        match *record.event {
            Event::Send { id, message, .. } => self.sent(record.sighting(), id, message),
            Event::Note { node, note: Note::Group(place, note) } => self.noted(number, at, node, *place, note),
            Event::Strike { strike: Strike::Destroy { node } } => self.destroyed(number, at, *node),
            Event::Settle => self.pass_on(number, at, &Event::Settle),
            // Time goes on for the judge of blocking, too.
            Event::Synced { node, through } => self.pass_on(number, at, &Event::Synced { node, through }),
            _ => {}
        }
    }

    fn reports(&self) -> Vec<PropertyReport> {
        Judge::<CommitWords>::reports(&self.commit).into_iter().chain(self.found.reports(&PROPERTIES)).collect()
    }

    fn tables(&self) -> Vec<Table> {
        Judge::<CommitWords>::tables(&self.commit)
    }
}

/// Judges each group as a Raft cluster.
#[derive(Debug)]
pub struct RaftsJudge {
    replicas: u32,
    groups: Vec<RaftJudge<Operation>>,
}

impl RaftsJudge {
    /// A judge of so many groups of so many servers.
    pub fn new(groups: u32, replicas: u32) -> Self {
        let judge = |group: u32| RaftJudge::of((group * replicas) as usize, replicas as usize);
        Self { replicas, groups: (0..groups).map(judge).collect() }
    }

    fn judge_of(&mut self, node: NodeId) -> Option<&mut RaftJudge<Operation>> {
        if node.is_client() { None } else { self.groups.get_mut(node.index() / self.replicas as usize) }
    }
}

impl<V: Vocabulary<Message = Message, Note = Note>> Judge<V> for RaftsJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        let node = match *record.event {
            Event::Send { id, .. } => id.from,
            Event::Note { node, .. } | Event::Write { node, .. } | Event::Synced { node, .. } => node,
            Event::Boot { node, .. } | Event::Crash { node, .. } => node,
            _ => return,
        };
        if let Some(judge) = self.judge_of(node) {
            observe_within(judge, record, raft_message, raft_note);
        }
    }

    /// What is violated in any group, with its number.
    fn reports(&self) -> Vec<PropertyReport> {
        let mut reports: Vec<PropertyReport> = raft::properties::PROPERTIES.iter().map(PropertyReport::holds).collect();
        for (number, judge) in (1_usize..).zip(&self.groups) {
            for (all, one) in reports.iter_mut().zip(Judge::<Within<Operation, ()>>::reports(judge)) {
                if all.verdict == Verdict::Holds && one.verdict != Verdict::Holds {
                    let explanation = match one.explanation {
                        Some(Explanation::Rule(broken)) => Some((*broken).within("group", number).into()),
                        other => other,
                    };
                    *all = PropertyReport { explanation, ..one };
                }
            }
        }
        reports
    }
}

fn raft_message(message: &Message) -> Option<&RaftMessage> {
    if let Message::Raft(message) = message { Some(message) } else { None }
}

fn raft_note(note: &Note) -> Option<&raft::Note> {
    if let Note::Raft(note) = note { Some(note) } else { None }
}
