//! What must always hold of a Raft cluster, judged from outside: from what its servers say, send and write.
//!
//! [`PROPERTIES`] says what each demands.
//!
//! Logs are compared through running digests of their prefixes, so that each entry costs the same however long the log is.

use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;

pub use super::audit::Audited;
use super::audit::{self, Chain, Disk, Fact, Link};
use super::{AppendResult, EntryId, Message, Note, Response, Term};
use crate::base::{Change, KvOp, MessageId, NodeId, Time};
use crate::check::{Judge, Property, PropertyReport, Violations};
use crate::trace::{Event, Record, Vocabulary};

/// The properties, in the order in which they are reported.
pub const PROPERTIES: [Property; 7] = [
    ELECTION_SAFETY,
    LEADER_APPEND_ONLY,
    LOG_MATCHING,
    LEADER_COMPLETENESS,
    STATE_MACHINE_SAFETY,
    PERSIST_BEFORE_ANSWER,
    COMMITTED_ON_QUORUM,
];

const ELECTION_SAFETY: Property = Property::always("election-safety", "at most one leader is elected in a term (Raft §5.2)");
const LEADER_APPEND_ONLY: Property =
    Property::always("leader-append-only", "a leader never overwrites or drops entries of its log (Raft §5.3)");
const LOG_MATCHING: Property = Property::always("log-matching", "logs that share an entry's index and term are equal up to it (Raft §5.3)");
const LEADER_COMPLETENESS: Property =
    Property::always("leader-completeness", "what was committed in a term is in the log of every leader of a later one (Raft §5.4)");
const STATE_MACHINE_SAFETY: Property = Property::always(
    "state-machine-safety",
    "no two servers apply different entries at one index, or reach different states by it (Raft §5.4.3)",
);
const PERSIST_BEFORE_ANSWER: Property = Property::always(
    "persist-before-answer",
    "a vote, or an acknowledgement of entries, leaves a server once its disk holds what it asserts (Raft, figure 2)",
);
const COMMITTED_ON_QUORUM: Property = Property::always(
    "committed-on-quorum",
    "when a leader commits an entry of its own term, the disks of a majority hold it, those of crashed servers included",
);

/// Judges a cluster of Raft servers by the [`PROPERTIES`]. What it keeps grows with the log, and not with the run.
#[derive(Debug)]
pub struct RaftJudge<O = KvOp> {
    /// The index of the first server.
    first: usize,
    servers: Vec<Server>,
    /// Who was elected first in each term, and when.
    elected: BTreeMap<Term, (NodeId, Time)>,
    /// The first sight of each index, and of each other term there.
    seen: Vec<Seen>,
    seen_also: BTreeMap<EntryId, Seen>,
    /// What was committed, by index.
    committed: Vec<Committed>,
    /// The first violation of each property.
    found: Violations,
    operation: PhantomData<fn() -> O>,
}

/// What is known of one server.
#[derive(Clone, Debug, Default)]
struct Server {
    /// The log that it has in memory.
    log: Chain,
    /// The term that it leads.
    leads: Option<Term>,
    /// Through which index it has applied its log since it booted.
    applied: u64,
    /// What its disk holds for certain.
    disk: Disk,
    /// What was written since, with the number of each write.
    unsynced: VecDeque<(u64, Fact)>,
}

/// An entry as it was seen first.
#[derive(Clone, Copy, Debug)]
struct Seen {
    link: Link,
    on: NodeId,
    at: Time,
}

/// An entry as it was applied first.
#[derive(Clone, Copy, Debug)]
struct Committed {
    link: Link,
    /// The term of the server that said so: in a leader, that in which the entry was committed.
    in_term: Term,
    by: NodeId,
    at: Time,
    /// A digest of the state after this entry, and whose it was, where somebody told of it.
    state: Option<(u64, NodeId)>,
}

impl<O> RaftJudge<O> {
    /// A judge of a cluster of the first `servers` servers.
    pub fn new(servers: usize) -> Self {
        Self::of(0, servers)
    }

    /// A judge of a cluster of this many servers, of which the first has this index.
    pub fn of(first: usize, servers: usize) -> Self {
        Self {
            first,
            servers: vec![Server::default(); servers],
            elected: BTreeMap::new(),
            seen: Vec::new(),
            seen_also: BTreeMap::new(),
            committed: Vec::new(),
            found: Violations::default(),
            operation: PhantomData,
        }
    }

    fn place(&self, node: NodeId) -> Option<usize> {
        if node.is_client() { None } else { node.index().checked_sub(self.first) }
    }

    fn server(&self, node: NodeId) -> Option<&Server> {
        self.servers.get(self.place(node)?)
    }

    fn server_mut(&mut self, node: NodeId) -> Option<&mut Server> {
        let place = self.place(node)?;
        self.servers.get_mut(place)
    }

    #[cold]
    fn violated(&mut self, property: &Property, at: Time, detail: String) {
        self.found.add(property, at, detail);
    }
}

impl<V, O: Audited, R: Response> Judge<V> for RaftJudge<O>
where
    V: Vocabulary<Message = Message<O, R>, Note = Note>,
{
    fn observe(&mut self, record: &Record<'_, V>) {
        let at = record.at;
        match *record.event {
            Event::Send { id, message, .. } => self.sent(at, id, message),
            Event::Write { node, write, file: audit::FILE, change: Change::Append(bytes) } => self.wrote(node, write, bytes),
            Event::Synced { node, through } => self.synced(node, through),
            Event::Note { node, note } => self.noted(at, node, note),
            Event::Boot { node, files, .. } => self.booted(node, files),
            Event::Crash { node, .. } => self.crashed(node),
            _ => {}
        }
    }

    fn violated(&self) -> bool {
        !self.found.is_empty()
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.found.reports(&PROPERTIES)
    }
}

/// Disks.
impl<O: Audited> RaftJudge<O> {
    fn booted(&mut self, node: NodeId, files: &[(&str, &[u8])]) {
        let bytes = files.iter().find(|(name, _)| *name == audit::FILE).map_or(&[][..], |(_, bytes)| bytes);
        if let Some(server) = self.server_mut(node) {
            let disk = Disk::read::<O>(bytes);
            *server = Server { log: disk.log.clone(), disk, ..Server::default() };
        }
    }

    /// Of what was not synced nobody knows, until the next boot, how much is left.
    fn crashed(&mut self, node: NodeId) {
        if let Some(server) = self.server_mut(node) {
            server.unsynced.clear();
            server.leads = None;
        }
    }

    fn wrote(&mut self, node: NodeId, write: u64, bytes: &[u8]) {
        if let Some(server) = self.server_mut(node) {
            server.unsynced.extend(audit::facts::<O>(bytes).map(|fact| (write, fact)));
        }
    }

    fn synced(&mut self, node: NodeId, through: u64) {
        let Some(server) = self.server_mut(node) else { return };
        while let Some((_, fact)) = server.unsynced.front().filter(|(write, _)| *write <= through) {
            server.disk.learn(*fact);
            server.unsynced.pop_front();
        }
    }
}

/// Messages against disks.
impl<O: Audited> RaftJudge<O> {
    fn sent<R: Response>(&mut self, at: Time, id: MessageId, message: &Message<O, R>) {
        let lacks = match *message {
            Message::RequestVote { term, .. } => self.lacks_vote(id.from, term, id.from),
            Message::Vote { term, granted: true } => self.lacks_vote(id.from, term, id.to),
            Message::AppendReply { term, result: AppendResult::Matched { through }, .. } => {
                self.lacks_entries(id.from, id.to, term, through)
            }
            _ => None,
        };
        if let Some(lacks) = lacks {
            let said = match *message {
                Message::RequestVote { term, .. } => format!("asked {} for its vote in term {term}", id.to),
                Message::Vote { term, .. } => format!("gave {} its vote in term {term}", id.to),
                Message::AppendReply { term, result: AppendResult::Matched { through }, .. } => {
                    format!("acknowledged entries through {through} to {}, leader of term {term}", id.to)
                }
                _ => format!("sent {message:?} to {}", id.to),
            };
            self.violated(&PERSIST_BEFORE_ANSWER, at, format!("at {} {} {said}, but its disk {lacks}", When(at), id.from));
        }
    }

    /// What the disk lacks of a vote. In a later term the vote binds nobody.
    fn lacks_vote(&self, voter: NodeId, term: Term, candidate: NodeId) -> Option<String> {
        let disk = &self.server(voter)?.disk;
        if disk.term > term || (disk.term == term && disk.vote == Some(candidate)) {
            return None;
        }
        let vote = disk.vote.map_or("no vote".to_owned(), |vote| format!("a vote for {vote}"));
        Some(format!("held term {} and {vote}", disk.term))
    }

    /// What the disk lacks of entries acknowledged to the leader of a term. A later leader may have had them replaced.
    fn lacks_entries(&self, follower: NodeId, leader: NodeId, term: Term, through: u64) -> Option<String> {
        let disk = &self.server(follower)?.disk;
        if disk.term > term {
            return None;
        }
        if disk.term < term {
            return Some(format!("held term {}", disk.term));
        }
        let Some(link) = disk.log.get(through) else {
            return (through > 0).then(|| format!("held only {}", disk.log.len()));
        };
        let leader = self.server(leader).filter(|leader| leader.leads == Some(term))?;
        let differs = leader.log.get(through) != Some(link);
        differs.then(|| "held others than the leader's log".to_owned())
    }
}

/// What servers say.
impl<O: Audited> RaftJudge<O> {
    fn noted(&mut self, at: Time, node: NodeId, note: &Note) {
        match *note {
            Note::Appended { id, digest } => self.appended(at, node, id, digest),
            Note::Applied { through, term, state } => self.applied(at, node, through, term, state),
            Note::Truncated { last } => self.truncated(at, node, last),
            Note::BecameLeader { term, .. } => self.became_leader(at, node, term),
            Note::SteppedDown { .. } | Note::TermChanged { .. } | Note::Voted { .. } => {
                if let Some(server) = self.server_mut(node) {
                    server.leads = None;
                }
            }
            Note::Recovered { .. } => {}
        }
    }

    fn became_leader(&mut self, at: Time, node: NodeId, term: Term) {
        let (first, since) = *self.elected.entry(term).or_insert((node, at));
        if (first, since) != (node, at) {
            let detail = if first == node {
                format!("{node} was elected twice in term {term}: at {} and, having crashed, at {}", When(since), When(at))
            } else {
                format!("{first} and {node} both led term {term}: {first} from {}, {node} from {}", When(since), When(at))
            };
            self.violated(&ELECTION_SAFETY, at, detail);
        }
        if let Some(server) = self.server_mut(node) {
            server.leads = Some(term);
        }
        // The last entry that was committed in an earlier term stands for all before it.
        let Some(last) = self.committed.iter().rposition(|committed| committed.in_term < term) else { return };
        self.must_have(at, node, term, last as u64 + 1);
    }

    /// A leader of this term must have the entry committed at this index.
    fn must_have(&mut self, at: Time, node: NodeId, term: Term, index: u64) {
        let Some(committed) = self.committed.get(index as usize - 1).copied() else { return };
        let Some(server) = self.server_mut(node) else { return };
        let has = server.log.get(index).copied();
        if has.is_some_and(|link| link.prefix == committed.link.prefix) {
            return;
        }
        let instead = match has {
            None => format!("its log ends at {}", server.log.len()),
            Some(link) if link.term == committed.link.term => "its log differs before that".to_owned(),
            Some(link) => format!("it has one of term {} there", link.term),
        };
        let detail = format!(
            "{node} leads term {term} at {} without entry {index} of term {}, which {} knew committed in term {} at {}: {instead}",
            When(at),
            committed.link.term,
            committed.by,
            committed.in_term,
            When(committed.at),
        );
        self.violated(&LEADER_COMPLETENESS, at, detail);
    }

    fn truncated(&mut self, at: Time, node: NodeId, last: u64) {
        let Some(server) = self.server_mut(node) else { return };
        let before = server.log.len();
        server.log.truncate(last);
        if let Some(term) = server.leads
            && last < before
        {
            let detail = format!("{node}, leader of term {term}, cut its log from {before} entries to {last} at {}", When(at));
            self.violated(&LEADER_APPEND_ONLY, at, detail);
        }
    }

    fn appended(&mut self, at: Time, node: NodeId, id: EntryId, digest: u64) {
        let Some(server) = self.server_mut(node) else { return };
        if id.index <= server.log.len() {
            self.truncated(at, node, id.index.saturating_sub(1));
        }
        let Some(server) = self.server_mut(node) else { return };
        if id.index != server.log.len() + 1 {
            let detail = format!("{node} put entry {} after {} entries at {}", id.index, server.log.len(), When(at));
            return self.violated(&LOG_MATCHING, at, detail);
        }
        let link = server.log.push(id.term, digest);
        let seen = Seen { link, on: node, at };
        let first = if id.index > self.seen.len() as u64 {
            self.seen.push(seen);
            return;
        } else {
            match &self.seen[id.index as usize - 1] {
                first if first.link.term == id.term => first,
                _ => self.seen_also.entry(id).or_insert(seen),
            }
        };
        if first.link.prefix != link.prefix {
            let detail = format!(
                "entry {} of term {} is not the same, or does not follow the same entries, on {} since {} and on {node} since {}",
                id.index,
                id.term,
                first.on,
                When(first.at),
                When(at)
            );
            self.violated(&LOG_MATCHING, at, detail);
        }
    }

    fn applied(&mut self, at: Time, node: NodeId, through: u64, term: Term, state: u64) {
        let Some(server) = self.server_mut(node) else { return };
        let from = server.applied + 1;
        server.applied = through;
        let mut news = false;
        for index in from..=through {
            let Some(link) = self.server(node).and_then(|server| server.log.get(index)).copied() else {
                let detail = format!("{node} applied entry {index} at {}, which its log does not have", When(at));
                return self.violated(&STATE_MACHINE_SAFETY, at, detail);
            };
            match self.committed.get(index as usize - 1) {
                None => {
                    news = true;
                    self.committed.push(Committed { link, in_term: term, by: node, at, state: None });
                }
                Some(first) if first.link == link => {}
                Some(first) => {
                    let detail = format!(
                        "{node} applied entry {index} of term {} at {}, where {} had applied another, of term {}, at {}",
                        link.term,
                        When(at),
                        first.by,
                        first.link.term,
                        When(first.at)
                    );
                    return self.violated(&STATE_MACHINE_SAFETY, at, detail);
                }
            }
        }
        self.reached(at, node, through, state);
        if news {
            self.committed_first(at, node, through, term);
        }
    }

    /// A server's state after an entry must be that of all others after it.
    fn reached(&mut self, at: Time, node: NodeId, through: u64, state: u64) {
        let Some(committed) = through.checked_sub(1).and_then(|place| self.committed.get_mut(place as usize)) else { return };
        let (first, by) = *committed.state.get_or_insert((state, node));
        if first != state {
            let detail = format!("{node} and {by} applied the same entries through {through}, but their states differ at {}", When(at));
            self.violated(&STATE_MACHINE_SAFETY, at, detail);
        }
    }

    /// Entries through this index were not known to be committed before.
    fn committed_first(&mut self, at: Time, node: NodeId, through: u64, term: Term) {
        for other in 0..self.servers.len() {
            if let Some(later) = self.servers[other].leads.filter(|leads| *leads > term) {
                self.must_have(at, NodeId::server((self.first + other) as u32), later, through);
            }
        }
        let Some(server) = self.server(node) else { return };
        let Some(link) = server.log.get(through).filter(|link| server.leads == Some(term) && link.term == term) else { return };
        let holds = |server: &&Server| server.disk.log.get(through) == Some(link);
        let holders = self.servers.iter().filter(holds).count();
        let needed = self.servers.len() / 2 + 1;
        if holders < needed {
            let detail = format!(
                "{node} committed entry {through} of term {term} at {}, but {holders} of {} disks hold it, fewer than {needed}",
                When(at),
                self.servers.len()
            );
            self.violated(&COMMITTED_ON_QUORUM, at, detail);
        }
    }
}

/// An instant as people want it in a sentence: to the millisecond.
struct When(Time);

impl std::fmt::Display for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = self.0.as_nanos() / 1_000_000;
        write!(f, "{}.{:03}s", millis / 1_000, millis % 1_000)
    }
}
