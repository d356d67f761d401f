//! What must hold of the messages of two-phase commit, judged against what is on the disks when they leave.
//!
//! [`PROPERTIES`] says what each demands.

use std::collections::VecDeque;

use super::super::{Decision, Note, TxnId, Vote};
use super::Message;
use super::audit::{self, Disk, Fact};
use crate::base::{Change, MessageId, NodeId, Time};
use crate::check::{Broken, Fact as Told, Judge, PropertyReport, Rule};
use crate::trace::{Event, Record, Vocabulary};

/// The properties, in the order in which they are reported: name, and what each says.
pub const PROPERTIES: [(&str, &str); 4] = [
    (
        "persist-before-prepare",
        "where unknown means committed, or nothing, votes are asked for once the list of participants is durable (R* §3)",
    ),
    ("persist-before-yes", "a yes leaves a participant once its disk holds what it needs to commit (BHG §7.3)"),
    ("persist-before-commit", "a commit is announced once the disk of the one who decided holds it (BHG §7.3)"),
    ("persist-before-ack", "a participant that had voted yes acknowledges a decision once its disk holds it (R* §2.1)"),
];

/// A message left a server whose disk did not hold what it asserts.
static NOT_DURABLE: Rule = Rule::new("not-durable", "at {at} {node} sent {kind} for {txn} to {other}, but its disk did not hold {lacks}");

#[derive(Clone, Copy)]
enum Property {
    Prepare,
    Yes,
    Commit,
    Ack,
}

/// Judges servers of two-phase commit by the [`PROPERTIES`].
#[derive(Debug)]
pub struct AuditJudge {
    servers: Vec<Server>,
    collects: bool,
    found: [Option<(Time, Broken)>; PROPERTIES.len()],
}

#[derive(Clone, Debug, Default)]
struct Server {
    /// What its disk holds for certain.
    disk: Disk,
    /// What was written since, with the number of each write.
    unsynced: VecDeque<(u64, Fact)>,
}

impl AuditJudge {
    /// A judge of the first `servers` servers. `collects` says whether their variant demands a record before votes are asked for.
    pub fn new(servers: usize, collects: bool) -> Self {
        Self { servers: vec![Server::default(); servers], collects, found: Default::default() }
    }

    fn server_mut(&mut self, node: NodeId) -> Option<&mut Server> {
        if node.is_client() { None } else { self.servers.get_mut(node.index()) }
    }

    fn sent(&mut self, at: Time, id: MessageId, message: &Message) {
        let collects = self.collects;
        // Who has the decision on disk may be told anything: its question was late.
        let knows = |txn| !id.to.is_client() && self.servers.get(id.to.index()).is_some_and(|to| to.disk.contains(&Fact::Learned(txn)));
        let late = matches!(*message, Message::Decide { txn, .. } if knows(txn));
        let Some(server) = self.server_mut(id.from) else { return };
        let holds = |fact| server.disk.contains(&fact);
        let wrote = |fact| holds(fact) || server.unsynced.iter().any(|(_, written)| *written == fact);
        let lacks: Option<(Property, TxnId, &str)> = match *message {
            Message::Prepare { txn, sole: false, ref writers, .. } => {
                let bad = collects && !writers.is_empty() && !holds(Fact::Collecting(txn));
                bad.then_some((Property::Prepare, txn, "that it collects votes"))
            }
            Message::Vote { txn, vote: Vote::Yes } => (!holds(Fact::Prepared(txn))).then_some((Property::Yes, txn, "the prepared work")),
            Message::Committed { txn } => (!holds(Fact::Committed(txn))).then_some((Property::Commit, txn, "the commit")),
            Message::Decide { txn, decision: Decision::Commit } if txn.coordinator == id.from && !late => {
                (!holds(Fact::Decided(txn, Decision::Commit))).then_some((Property::Commit, txn, "the decision"))
            }
            Message::Ack { txn } => {
                let bad = wrote(Fact::Prepared(txn)) && !holds(Fact::Learned(txn));
                bad.then_some((Property::Ack, txn, "the decision"))
            }
            _ => None,
        };
        if let Some((property, txn, what)) = lacks {
            let kind = match message {
                Message::Prepare { .. } => "Prepare",
                Message::Vote { .. } => "Vote",
                Message::Ack { .. } => "Ack",
                Message::Committed { .. } => "Committed",
                _ => "Decide",
            };
            let sent =
                NOT_DURABLE.with("node", id.from).with("kind", Told::Kind(kind)).with("txn", txn).with("other", id.to).with("at", at);
            self.found[property as usize].get_or_insert((at, sent.with("lacks", what)));
        }
    }
}

impl<V: Vocabulary<Message = Message, Note = Note>> Judge<V> for AuditJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        match *record.event {
            Event::Send { id, message, .. } => self.sent(record.at, id, message),
            Event::Write { node, write, file: audit::FILE, change: Change::Append(bytes) } => {
                if let Some(server) = self.server_mut(node) {
                    server.unsynced.extend(audit::facts(bytes).map(|fact| (write, fact)));
                }
            }
            Event::Synced { node, through } => {
                let Some(server) = self.server_mut(node) else { return };
                while let Some((_, fact)) = server.unsynced.pop_front_if(|(write, _)| *write <= through) {
                    server.disk.insert(fact);
                }
            }
            Event::Boot { node, files, .. } => {
                let bytes = files.iter().find(|(name, _)| *name == audit::FILE).map_or(&[][..], |(_, bytes)| bytes);
                if let Some(server) = self.server_mut(node) {
                    *server = Server { disk: audit::facts(bytes).collect(), unsynced: VecDeque::new() };
                }
            }
            // Of what was not synced nobody knows, until the next boot, how much is left.
            Event::Crash { node, .. } => {
                if let Some(server) = self.server_mut(node) {
                    server.unsynced.clear();
                }
            }
            _ => {}
        }
    }

    fn reports(&self) -> Vec<PropertyReport> {
        let report = |((name, _), found): (&(&'static str, _), &Option<(Time, Broken)>)| match found {
            None => PropertyReport::holds(name),
            Some((at, broken)) => PropertyReport::violated(name, *at, broken.clone()),
        };
        PROPERTIES.iter().zip(&self.found).map(report).collect()
    }
}
