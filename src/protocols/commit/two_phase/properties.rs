//! What must hold of the messages of two-phase commit, judged against what is on the disks when they leave.
//!
//! [`PROPERTIES`] says what each demands.

use std::collections::VecDeque;

use super::super::{Decision, Note, Vote};
use super::Message;
use super::audit::{self, Assertion, Disk};
use crate::base::{Change, MessageId, NodeId};
use crate::check::{Fact, Property, PropertyReport, Rule, Sighting, Violations};
use crate::process::Message as _;
use crate::trace::{Event, Judge, Record, Vocabulary};

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
static NOT_DURABLE: Rule = Rule::new("not-durable", "at {at} {node} sent {kind} for {txn} to {other}, but its disk held no {lacks} of it");

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
        let server = |node: NodeId| if node.is_client() { None } else { self.servers.get(node.index()) };
        let Some(sender) = server(id.from) else { return };
        let holds = |assertion| sender.disk.contains(&assertion);
        let wrote = |assertion| holds(assertion) || sender.unsynced.iter().any(|(_, written)| *written == assertion);
        // A server that has the decision on disk may be told anything: its question was late.
        let knows = |txn| server(id.to).is_some_and(|to| to.disk.contains(&Assertion::Learned(txn)));
        let (property, txn, needed) = match *message {
            Message::Prepare { txn, sole: false, ref writers, .. } if self.collects && !writers.is_empty() => {
                (&PERSIST_BEFORE_PREPARE, txn, Assertion::Collecting(txn))
            }
            Message::Vote { txn, vote: Vote::Yes } => (&PERSIST_BEFORE_YES, txn, Assertion::Prepared(txn)),
            Message::Committed { txn } => (&PERSIST_BEFORE_COMMIT, txn, Assertion::Committed(txn)),
            Message::Decide { txn, decision: Decision::Commit } if txn.coordinator == id.from && !knows(txn) => {
                (&PERSIST_BEFORE_COMMIT, txn, Assertion::Decided(txn, Decision::Commit))
            }
            Message::Ack { txn } if wrote(Assertion::Prepared(txn)) => (&PERSIST_BEFORE_ACK, txn, Assertion::Learned(txn)),
            _ => return,
        };
        if !holds(needed) {
            let sent =
                NOT_DURABLE.with("node", id.from).with("kind", Fact::Kind(message.kind().name)).with("txn", txn).with("other", id.to);
            let broken = sent.with("lacks", Fact::Kind(needed.name())).on(sender.disk_changed);
            self.found.add(property, now, broken);
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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::super::{Epoch, TxnId};
    use super::super::log;
    use super::*;
    use crate::base::{Duration, Fate, Incarnation, KindDigest, Time};

    struct Words;

    impl Vocabulary for Words {
        type Message = Message;
        type Note = Note;
        type Client = ();
        type ClientNote = ();
    }

    /// A violation rests on the record of the message, and on that in which the disk changed last.
    #[test]
    fn a_yes_without_prepared_work_is_found() {
        let (from, to) = (NodeId::server(1), NodeId::server(0));
        let txn = |number| TxnId { coordinator: to, epoch: Epoch(1), number };
        let learned = log::Record::Learned { txn: txn(1), decision: Decision::Commit };
        let learned = serde_json::to_vec(&learned).expect("records are plain data");
        let change = Change::Append(&learned);
        let id = MessageId { from, to, kind: KindDigest::of("Vote"), count: 1 };
        let events: [Event<'_, Words>; 4] = [
            Event::Boot { node: from, incarnation: Incarnation(1), files: &[] },
            Event::Write { node: from, write: 1, file: audit::FILE, change },
            Event::Synced { node: from, through: 1 },
            Event::Send { id, fate: Fate::Deliver(Duration::ZERO), message: &Message::Vote { txn: txn(2), vote: Vote::Yes } },
        ];
        let mut judge = AuditJudge::new(2, false);
        for (number, event) in (10..).zip(&events) {
            judge.observe(&Record { number, at: Time::from_nanos(number), event });
        }
        let violated: Vec<String> =
            Judge::<Words>::reports(&judge).iter().map(PropertyReport::reason).filter(|told| !told.is_empty()).collect();
        expect!["not-durable node=n2 kind=Vote txn=n1.1#2 other=n1 lacks=Prepared at=13ns #12 #13"].assert_eq(&violated.join("\n"));
    }
}
