//! What must hold of the messages of two-phase commit, judged against what is on the disks when they leave.
//!
//! [`PROPERTIES`] says what each demands.

use std::collections::VecDeque;

use super::super::{Decision, Note, TxnId, Vote};
use super::Message;
use super::audit::{self, Assertion, Disk};
use crate::base::{Change, MessageId, NodeId};
use crate::check::{Fact, Judge, Property, PropertyReport, Rule, Violations};
use crate::trace::{Event, Record, Sighting, Vocabulary};

/// The properties, in the order in which they are reported.
pub const PROPERTIES: [Property; 4] = [PERSIST_BEFORE_PREPARE, PERSIST_BEFORE_YES, PERSIST_BEFORE_COMMIT, PERSIST_BEFORE_ACK];

const PERSIST_BEFORE_PREPARE: Property = Property::always(
    "persist-before-prepare",
    "where unknown means committed, or nothing, votes are asked for once the list of participants is durable (R* §3)",
);
const PERSIST_BEFORE_YES: Property =
    Property::always("persist-before-yes", "a yes leaves a participant once its disk holds what it needs to commit (BHG §7.3)");
const PERSIST_BEFORE_COMMIT: Property =
    Property::always("persist-before-commit", "a commit is announced once the disk of the one who decided holds it (BHG §7.3)");
const PERSIST_BEFORE_ACK: Property =
    Property::always("persist-before-ack", "a participant that had voted yes acknowledges a decision once its disk holds it (R* §2.1)");

/// A message left a server whose disk did not hold what it asserts.
static NOT_DURABLE: Rule = Rule::new("not-durable", "at {at} {node} sent {kind} for {txn} to {other}, but its disk did not hold {lacks}");

/// Judges servers of two-phase commit by the [`PROPERTIES`].
#[derive(Debug)]
pub struct AuditJudge {
    servers: Vec<Server>,
    collects: bool,
    found: Violations,
}

#[derive(Clone, Debug, Default)]
struct Server {
    /// What its disk holds for certain.
    disk: Disk,
    /// The record in which that changed last.
    disk_changed: Option<u64>,
    /// What was written since, with the number of each write.
    unsynced: VecDeque<(u64, Assertion)>,
}

impl AuditJudge {
    /// A judge of the first `servers` servers. `collects` says whether their variant demands a record before votes are asked for.
    pub fn new(servers: usize, collects: bool) -> Self {
        Self { servers: vec![Server::default(); servers], collects, found: Violations::default() }
    }

    fn server_mut(&mut self, node: NodeId) -> Option<&mut Server> {
        if node.is_client() { None } else { self.servers.get_mut(node.index()) }
    }

    fn sent(&mut self, now: Sighting, id: MessageId, message: &Message) {
        let collects = self.collects;
        // A server that has the decision on disk may be told anything: its question was late.
        let knows =
            |txn| !id.to.is_client() && self.servers.get(id.to.index()).is_some_and(|to| to.disk.contains(&Assertion::Learned(txn)));
        let late = matches!(*message, Message::Decide { txn, .. } if knows(txn));
        let Some(server) = self.server_mut(id.from) else { return };
        let holds = |assertion| server.disk.contains(&assertion);
        let wrote = |assertion| holds(assertion) || server.unsynced.iter().any(|(_, written)| *written == assertion);
        let lacks: Option<(&Property, TxnId, &str)> = match *message {
            Message::Prepare { txn, sole: false, ref writers, .. } => {
                let bad = collects && !writers.is_empty() && !holds(Assertion::Collecting(txn));
                bad.then_some((&PERSIST_BEFORE_PREPARE, txn, "that it collects votes"))
            }
            Message::Vote { txn, vote: Vote::Yes } => {
                (!holds(Assertion::Prepared(txn))).then_some((&PERSIST_BEFORE_YES, txn, "the prepared work"))
            }
            Message::Committed { txn } => (!holds(Assertion::Committed(txn))).then_some((&PERSIST_BEFORE_COMMIT, txn, "the commit")),
            Message::Decide { txn, decision: Decision::Commit } if txn.coordinator == id.from && !late => {
                (!holds(Assertion::Decided(txn, Decision::Commit))).then_some((&PERSIST_BEFORE_COMMIT, txn, "the decision"))
            }
            Message::Ack { txn } => {
                let bad = wrote(Assertion::Prepared(txn)) && !holds(Assertion::Learned(txn));
                bad.then_some((&PERSIST_BEFORE_ACK, txn, "the decision"))
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
            let held = self.servers.get(id.from.index()).and_then(|server| server.disk_changed);
            let sent = NOT_DURABLE.with("node", id.from).with("kind", Fact::Kind(kind)).with("txn", txn).with("other", id.to);
            self.found.add(property, now, sent.with("lacks", what).on(held));
        }
    }
}

impl<V: Vocabulary<Message = Message, Note = Note>> Judge<V> for AuditJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        match *record.event {
            Event::Send { id, message, .. } => self.sent(record.sighting(), id, message),
            Event::Write { node, write, file: audit::FILE, change: Change::Append(bytes) } => {
                if let Some(server) = self.server_mut(node) {
                    server.unsynced.extend(audit::assertions(bytes).map(|assertion| (write, assertion)));
                }
            }
            Event::Synced { node, through } => {
                let Some(server) = self.server_mut(node) else { return };
                while let Some((_, assertion)) = server.unsynced.pop_front_if(|(write, _)| *write <= through) {
                    server.disk.insert(assertion);
                    server.disk_changed = Some(record.number);
                }
            }
            Event::Boot { node, files, .. } => {
                let bytes = files.iter().find(|(name, _)| *name == audit::FILE).map_or(&[][..], |(_, bytes)| bytes);
                if let Some(server) = self.server_mut(node) {
                    *server =
                        Server { disk: audit::assertions(bytes).collect(), disk_changed: Some(record.number), unsynced: VecDeque::new() };
                }
            }
            // How much is left of what was not synced is unknown until the next boot.
            Event::Crash { node, .. } => {
                if let Some(server) = self.server_mut(node) {
                    server.unsynced.clear();
                }
            }
            _ => {}
        }
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.found.reports(&PROPERTIES)
    }
}
