//! What must always hold of a Raft cluster, judged from outside: from what its servers say, send and write.
//!
//! [`PROPERTIES`] says what each demands.
//!
//! Logs are compared through running digests of their prefixes, so that each entry costs the same however long the log is.

use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;

pub use super::audit::Audited;
use super::audit::{self, Assertion, Chain, Disk, Known, Link, Piece};
use super::{AppendResult, EntryId, Message, Note, Operation, Response, Term};
use crate::base::{Change, KvOp, MessageId, NodeId, SortedMap};
use crate::check::{Broken, Fact, Property, PropertyReport, Rule, Sighting, Violations};
use crate::trace::{Event, Judge, Record, Sort, Sorts, Vocabulary};

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
    elected: SortedMap<Term, (NodeId, Sighting)>,
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
    /// The record in which that changed last.
    log_changed: Option<u64>,
    /// The term that it leads.
    leads: Option<Term>,
    /// Through which index it has applied its log since it booted.
    applied: u64,
    /// What its disk holds for certain.
    disk: Disk,
    /// The record in which that changed last.
    disk_changed: Option<u64>,
    /// What was written since, with the number of each write.
    unsynced: VecDeque<(u64, Assertion)>,
    /// The same as it lies in the file.
    pieces: VecDeque<(u64, Piece)>,
    /// The file that its disk holds for certain.
    known: Known,
}

/// An entry as it was seen first.
#[derive(Clone, Copy, Debug)]
struct Seen {
    link: Link,
    on: NodeId,
    at: Sighting,
}

/// An entry as it was applied first.
#[derive(Clone, Copy, Debug)]
struct Committed {
    link: Link,
    /// The term of the server that said so: in a leader, that in which the entry was committed.
    in_term: Term,
    by: NodeId,
    at: Sighting,
    /// A digest of the state after this entry, whose it was, and in which record, if a server told of it.
    state: Option<(u64, NodeId, u64)>,
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
            elected: SortedMap::new(),
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
}

/// The records that it must see.
pub const WANTS: Sorts = Sorts::of(&[Sort::Send, Sort::Write, Sort::Synced, Sort::Note, Sort::Boot, Sort::Crash]);

impl<V, O: Audited, R: Response> Judge<V> for RaftJudge<O>
where
    V: Vocabulary<Message = Message<O, R>, Note = Note>,
{
    fn observe(&mut self, record: &Record<'_, V>) {
        let now = record.sighting();
        match *record.event {
            Event::Send { id, message, .. } => self.sent(now, id, message),
            Event::Write { node, write, file: audit::FILE, change: Change::Append(bytes) } => self.wrote(node, write, bytes),
            Event::Synced { node, through } => self.synced(now, node, through),
            Event::Note { node, note } => self.noted(now, node, note),
            Event::Boot { node, files, .. } => self.booted(now, node, files),
            Event::Crash { node, .. } => self.crashed(node),
            _ => {}
        }
    }

    fn wants(&self) -> Sorts {
        WANTS
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
    fn booted(&mut self, now: Sighting, node: NodeId, files: &[(&str, &[u8])]) {
        let bytes = files.iter().find(|(name, _)| *name == audit::FILE).map_or(&[][..], |(_, bytes)| bytes);
        if let Some(server) = self.server_mut(node) {
            // A log is long, and servers boot often: what is as it was when it was written is not read again.
            let (mut disk, mut known, rest) = match server.known.rest(bytes) {
                Some(rest) => (std::mem::take(&mut server.disk), std::mem::take(&mut server.known), rest),
                None => (Disk::default(), Known::default(), bytes),
            };
            if !rest.is_empty() {
                let is_read = disk.read_on::<O>(rest);
                known.add(Piece::of(rest, is_read));
            }
            let changed = Some(now.record);
            *server = Server { log: disk.log.clone(), log_changed: changed, disk, disk_changed: changed, known, ..Server::default() };
        }
    }

    /// How much is left of what was not synced is unknown until the next boot.
    fn crashed(&mut self, node: NodeId) {
        if let Some(server) = self.server_mut(node) {
            server.unsynced.clear();
            server.pieces.clear();
            server.leads = None;
        }
    }

    fn wrote(&mut self, node: NodeId, write: u64, bytes: &[u8]) {
        if let Some(server) = self.server_mut(node) {
            let mut assertions = audit::assertions::<O>(bytes);
            server.unsynced.extend(assertions.by_ref().map(|assertion| (write, assertion)));
            server.pieces.push_back((write, Piece::of(bytes, assertions.is_whole())));
        }
    }

    fn synced(&mut self, now: Sighting, node: NodeId, through: u64) {
        let Some(server) = self.server_mut(node) else { return };
        let mut has_learned = true;
        while let Some((_, assertion)) = server.unsynced.pop_front_if(|(write, _)| *write <= through) {
            has_learned &= server.disk.learn(assertion);
            server.disk_changed = Some(now.record);
        }
        while let Some((_, piece)) = server.pieces.pop_front_if(|(write, _)| *write <= through) {
            server.known.add(piece.if_read(has_learned));
        }
    }
}

/// Messages against disks.
impl<O: Audited> RaftJudge<O> {
    fn sent<R: Response>(&mut self, now: Sighting, id: MessageId, message: &Message<O, R>) {
        let (from, to) = (id.from, id.to);
        let lacks = match *message {
            Message::RequestVote { term, .. } => self.lacks_vote(&rules::ASKED_UNPREPARED, from, term, from),
            Message::Vote { term, granted: true } => self.lacks_vote(&rules::VOTED_UNPREPARED, from, term, to),
            Message::AppendReply { term, result: AppendResult::Matched { through }, .. } => self.lacks_entries(from, to, term, through),
            _ => None,
        };
        if let Some(lacks) = lacks {
            let held = self.server(from).and_then(|server| server.disk_changed);
            self.found.add(&PERSIST_BEFORE_ANSWER, now, lacks.with("node", from).with("other", to).on(held));
        }
    }

    /// What the disk lacks of a vote. In a later term the vote no longer binds.
    fn lacks_vote(&self, rule: &'static Rule, voter: NodeId, term: Term, candidate: NodeId) -> Option<Broken> {
        let disk = &self.server(voter)?.disk;
        if disk.term > term || (disk.term == term && disk.vote == Some(candidate)) {
            return None;
        }
        let vote: Vec<NodeId> = disk.vote.into_iter().collect();
        Some(rule.with("term", term).with("held", disk.term).with("vote", vote))
    }

    /// What the disk lacks of entries acknowledged to the leader of a term. A later leader may have had them replaced.
    fn lacks_entries(&self, follower: NodeId, leader: NodeId, term: Term, through: u64) -> Option<Broken> {
        let disk = &self.server(follower)?.disk;
        let acknowledged = |rule: &'static Rule| rule.with("term", term).with("index", Fact::Index(through));
        if disk.term > term {
            return None;
        }
        if disk.term < term {
            return Some(acknowledged(&rules::TERM_NOT_DURABLE).with("held", disk.term));
        }
        let Some(link) = disk.log.get(through) else {
            return (through > 0).then(|| acknowledged(&rules::ENTRIES_NOT_DURABLE).with("held", disk.log.len()));
        };
        let leader = self.server(leader).filter(|leader| leader.leads == Some(term))?;
        (leader.log.get(through) != Some(link)).then(|| acknowledged(&rules::OTHER_ENTRIES_DURABLE))
    }
}

/// What servers say.
impl<O: Audited> RaftJudge<O> {
    fn noted(&mut self, now: Sighting, node: NodeId, note: &Note) {
        match *note {
            Note::Appended { id, digest } => self.appended(now, node, id, digest),
            Note::Applied { through, term, state } => self.applied(now, node, through, term, state),
            Note::Truncated { last } => self.truncated(now, node, last),
            Note::BecameLeader { term, .. } => self.became_leader(now, node, term),
            Note::SteppedDown { .. } | Note::TermChanged { .. } | Note::Voted { .. } => {
                if let Some(server) = self.server_mut(node) {
                    server.leads = None;
                }
            }
            Note::Recovered { .. } => {}
        }
    }

    fn became_leader(&mut self, now: Sighting, node: NodeId, term: Term) {
        let (first, since) = *self.elected.entry(term).or_insert((node, now));
        if since != now {
            let rule = if first == node { &rules::ELECTED_TWICE } else { &rules::TWO_LEADERS };
            let broken = rule.with("node", node).with("first", first).with("term", term);
            self.found.add(&ELECTION_SAFETY, now, broken.seen("since", since));
        }
        if let Some(server) = self.server_mut(node) {
            server.leads = Some(term);
        }
        // The last entry that was committed in an earlier term stands for all before it.
        let Some(last) = self.committed.iter().rposition(|committed| committed.in_term < term) else { return };
        self.must_have(now, node, term, last as u64 + 1);
    }

    /// A leader of this term must have the entry committed at this index.
    fn must_have(&mut self, now: Sighting, node: NodeId, term: Term, index: u64) {
        let Some(committed) = self.committed.get(index as usize - 1).copied() else { return };
        let elected = self.elected.get(&term).map(|(_, since)| since.record);
        let Some(server) = self.server(node) else { return };
        let has = server.log.get(index).copied();
        if has.is_some_and(|link| link.prefix == committed.link.prefix) {
            return;
        }
        let lacks = |rule: &'static Rule| rule.with("node", node).with("term", term).with("index", Fact::Index(index));
        let lacks = match has {
            None => lacks(&rules::LEADER_LACKS).with("length", server.log.len()),
            Some(link) if link.term == committed.link.term => lacks(&rules::LEADER_DIFFERS_BEFORE),
            Some(link) => lacks(&rules::LEADER_DIFFERS).with("own", link.term),
        };
        let broken = lacks
            .with("entry_term", committed.link.term)
            .with("by", committed.by)
            .with("committed_term", committed.in_term)
            .seen("committed", committed.at)
            .on(elected.into_iter().chain(server.log_changed));
        self.found.add(&LEADER_COMPLETENESS, now, broken);
    }

    fn truncated(&mut self, now: Sighting, node: NodeId, last: u64) {
        let Some(server) = self.server_mut(node) else { return };
        let before = server.log.len();
        server.log.truncate(last);
        let changed = server.log_changed.replace(now.record);
        if let Some(term) = server.leads
            && last < before
        {
            let broken = rules::LEADER_CUT.with("node", node).with("term", term).with("before", before).with("left", last);
            let elected = self.elected.get(&term).map(|(_, since)| since.record);
            self.found.add(&LEADER_APPEND_ONLY, now, broken.on(elected.into_iter().chain(changed)));
        }
    }

    fn appended(&mut self, now: Sighting, node: NodeId, id: EntryId, digest: u64) {
        let Some(server) = self.server_mut(node) else { return };
        if id.index <= server.log.len() {
            self.truncated(now, node, id.index.saturating_sub(1));
        }
        let Some(server) = self.server_mut(node) else { return };
        if id.index != server.log.len() + 1 {
            let broken = rules::GAP.with("node", node).with("index", Fact::Index(id.index)).with("length", server.log.len());
            let broken = broken.on(server.log_changed);
            return self.found.add(&LOG_MATCHING, now, broken);
        }
        let link = server.log.push(id.term, digest);
        server.log_changed = Some(now.record);
        let seen = Seen { link, on: node, at: now };
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
            let (other, since) = (first.on, first.at);
            let entry = rules::LOGS_DIFFER.with("index", Fact::Index(id.index)).with("term", id.term);
            let broken = entry.with("node", node).with("other", other).seen("since", since);
            self.found.add(&LOG_MATCHING, now, broken);
        }
    }

    fn applied(&mut self, now: Sighting, node: NodeId, through: u64, term: Term, state: u64) {
        let Some(server) = self.server_mut(node) else { return };
        let from = server.applied + 1;
        server.applied = through;
        let mut news = false;
        for index in from..=through {
            let Some(server) = self.server(node) else { return };
            let Some(link) = server.log.get(index).copied() else {
                let broken = rules::APPLIED_NOTHING.with("node", node).with("index", Fact::Index(index)).on(server.log_changed);
                return self.found.add(&STATE_MACHINE_SAFETY, now, broken);
            };
            match self.committed.get(index as usize - 1) {
                None => {
                    news = true;
                    self.committed.push(Committed { link, in_term: term, by: node, at: now, state: None });
                }
                Some(first) if first.link == link => {}
                Some(first) => {
                    let broken = rules::APPLIED_OTHER
                        .with("node", node)
                        .with("index", Fact::Index(index))
                        .with("term", link.term)
                        .with("by", first.by)
                        .with("other_term", first.link.term)
                        .seen("since", first.at);
                    return self.found.add(&STATE_MACHINE_SAFETY, now, broken);
                }
            }
        }
        self.reached(now, node, through, state);
        if news {
            self.committed_first(now, node, through, term);
        }
    }

    /// A server's state after an entry must be that of all others after it.
    fn reached(&mut self, now: Sighting, node: NodeId, through: u64, state: u64) {
        let Some(committed) = through.checked_sub(1).and_then(|place| self.committed.get_mut(place as usize)) else { return };
        let (first, by, since) = *committed.state.get_or_insert((state, node, now.record));
        if first != state {
            let broken = rules::STATES_DIFFER.with("node", node).with("other", by).with("index", Fact::Index(through)).on([since]);
            self.found.add(&STATE_MACHINE_SAFETY, now, broken);
        }
    }

    /// Entries through this index were not known to be committed before.
    fn committed_first(&mut self, now: Sighting, node: NodeId, through: u64, term: Term) {
        for other in 0..self.servers.len() {
            if let Some(later) = self.servers[other].leads.filter(|leads| *leads > term) {
                self.must_have(now, NodeId::server((self.first + other) as u32), later, through);
            }
        }
        let Some(server) = self.server(node) else { return };
        let Some(link) = server.log.get(through).filter(|link| server.leads == Some(term) && link.term == term) else { return };
        let holds = |server: &&Server| server.disk.log.get(through) == Some(link);
        let holders = self.servers.iter().filter(holds).count();
        let needed = self.servers.len() / 2 + 1;
        if holders < needed {
            let entry = rules::TOO_FEW_DISKS.with("node", node).with("index", Fact::Index(through)).with("term", term);
            let disks = entry.with("holders", holders).with("servers", self.servers.len()).with("needed", needed);
            let changed = self.servers.iter().filter_map(|server| server.disk_changed);
            let disks = disks.on(changed);
            self.found.add(&COMMITTED_ON_QUORUM, now, disks);
        }
    }
}

impl From<Term> for Fact {
    fn from(term: Term) -> Self {
        Self::Term(term.0)
    }
}

/// What a violation is told by.
mod rules {
    use crate::check::Rule;

    pub(super) static ASKED_UNPREPARED: Rule = Rule::new(
        "asked-unprepared",
        "at {at} {node} asked {other} for its vote in term {term}, but its disk held term {held} and a vote for {vote}",
    );
    pub(super) static VOTED_UNPREPARED: Rule = Rule::new(
        "voted-unprepared",
        "at {at} {node} gave {other} its vote in term {term}, but its disk held term {held} and a vote for {vote}",
    );
    pub(super) static TERM_NOT_DURABLE: Rule = Rule::new(
        "term-not-durable",
        "at {at} {node} acknowledged entries through {index} to {other}, leader of term {term}, but its disk held term {held}",
    );
    pub(super) static ENTRIES_NOT_DURABLE: Rule = Rule::new(
        "entries-not-durable",
        "at {at} {node} acknowledged entries through {index} to {other}, leader of term {term}, but its disk held only {held}",
    );
    pub(super) static OTHER_ENTRIES_DURABLE: Rule = Rule::new(
        "other-entries-durable",
        "at {at} {node} acknowledged entries through {index} to {other}, leader of term {term}, but its disk held others than the leader's log",
    );
    pub(super) static ELECTED_TWICE: Rule =
        Rule::new("elected-twice", "{node} was elected twice in term {term}: at {since} and, having crashed, at {at}");
    pub(super) static TWO_LEADERS: Rule =
        Rule::new("two-leaders", "{first} and {node} both led term {term}: {first} from {since}, {node} from {at}");
    pub(super) static LEADER_LACKS: Rule = Rule::new(
        "leader-lacks-entry",
        "{node} leads term {term} at {at} without entry {index} of term {entry_term}, which {by} knew committed in term {committed_term} at \
         {committed}: its log ends at {length}",
    );
    pub(super) static LEADER_DIFFERS_BEFORE: Rule = Rule::new(
        "leader-differs-before",
        "{node} leads term {term} at {at} without entry {index} of term {entry_term}, which {by} knew committed in term {committed_term} at \
         {committed}: its log differs before that",
    )
    .of_kind("leader-lacks-entry");
    pub(super) static LEADER_DIFFERS: Rule = Rule::new(
        "leader-has-another",
        "{node} leads term {term} at {at} without entry {index} of term {entry_term}, which {by} knew committed in term {committed_term} at \
         {committed}: it has one of term {own} there",
    )
    .of_kind("leader-lacks-entry");
    pub(super) static LEADER_CUT: Rule =
        Rule::new("leader-cut-its-log", "{node}, leader of term {term}, cut its log from {before} entries to {left} at {at}");
    pub(super) static GAP: Rule = Rule::new("gap-in-log", "{node} put entry {index} after {length} entries at {at}");
    pub(super) static LOGS_DIFFER: Rule = Rule::new(
        "logs-differ",
        "entry {index} of term {term} is not the same, or does not follow the same entries, on {other} since {since} and on {node} since {at}",
    );
    pub(super) static APPLIED_NOTHING: Rule =
        Rule::new("applied-nothing", "{node} applied entry {index} at {at}, which its log does not have");
    pub(super) static APPLIED_OTHER: Rule = Rule::new(
        "applied-another",
        "{node} applied entry {index} of term {term} at {at}, where {by} had applied another, of term {other_term}, at {since}",
    );
    pub(super) static STATES_DIFFER: Rule =
        Rule::new("states-differ", "{node} and {other} applied the same entries through {index}, but their states differ at {at}");
    pub(super) static TOO_FEW_DISKS: Rule = Rule::new(
        "too-few-disks",
        "{node} committed entry {index} of term {term} at {at}, but {holders} of {servers} disks hold it, fewer than {needed}",
    );
}

/// What the records are about that a judge of Raft sees.
pub struct Within<O, R>(PhantomData<fn() -> (O, R)>);

impl<O: Operation, R: Response> Vocabulary for Within<O, R> {
    type Message = Message<O, R>;
    type Note = Note;
    type Client = ();
    type ClientNote = ();
}

/// The folder below which the files of a server lie that runs within another process, itself perhaps in that of another.
const FOLDER: &str = "raft/";

fn within_folder(file: &str) -> Option<&str> {
    // Most files lie in no folder at all, and to look for one byte is quick.
    let (outer, own) = file.contains('/').then(|| file.split_once(FOLDER)).flatten()?;
    (outer.is_empty() || outer.ends_with('/')).then_some(own)
}

/// Has a judge see a record of servers that run within other processes, whose messages and notes are those of Raft in part, and below whose
/// folder `raft` the files of Raft lie.
pub fn observe_within<V: Vocabulary, O: Audited, R: Response>(
    judge: &mut RaftJudge<O>,
    record: &Record<'_, V>,
    message: fn(&V::Message) -> Option<&Message<O, R>>,
    note: fn(&V::Note) -> Option<&Note>,
) {
    let mut see = |event: &Event<'_, Within<O, R>>| judge.observe(&Record { number: record.number, at: record.at, event });
    match *record.event {
        Event::Send { id, fate, message: sent } => {
            if let Some(message) = message(sent) {
                see(&Event::Send { id, fate, message });
            }
        }
        Event::Note { node, note: said } => {
            if let Some(note) = note(said) {
                see(&Event::Note { node, note });
            }
        }
        Event::Write { node, write, file, change } => {
            if let Some(file) = within_folder(file) {
                see(&Event::Write { node, write, file, change });
            }
        }
        Event::Synced { node, through } => see(&Event::Synced { node, through }),
        Event::Boot { node, incarnation, files } => {
            let files: Vec<_> = files.iter().filter_map(|(name, bytes)| Some((within_folder(name)?, *bytes))).collect();
            see(&Event::Boot { node, incarnation, files: &files });
        }
        Event::Crash { node, unsynced, kept } => see(&Event::Crash { node, unsynced, kept }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Command, store};
    use super::*;
    use crate::base::Time;

    #[derive(Clone, Debug)]
    enum Step {
        /// Entries at these places behind the last, and a vote, of which the last bytes are missing.
        Write(Vec<(u64, u64)>, usize),
        /// So many of the writes are durable.
        Sync(usize),
        /// So many bytes that are not are kept, the file is so much shorter, and one of its bytes is another.
        Crash { keep: usize, short: usize, damaged: Option<usize> },
    }

    fn step() -> impl Strategy<Value = Step> {
        let cut = |most: usize| prop_oneof![8 => Just(0), 1 => 0..most];
        prop_oneof![
            4 => (proptest::collection::vec((1..4_u64, 1..6_u64), 0..4), cut(30)).prop_map(|(entries, torn)| Step::Write(entries, torn)),
            3 => (0..4_usize).prop_map(Step::Sync),
            2 => (0..200_usize, cut(60), proptest::option::weighted(0.1, any::<usize>()))
                .prop_map(|(keep, short, damaged)| Step::Crash { keep, short, damaged }),
        ]
    }

    proptest! {
        /// What a judge takes a disk to hold when its server boots is what all of the file says, however little of it is read again.
        #[test]
        fn a_disk_that_is_known_again_says_what_it_says(steps in proptest::collection::vec(step(), 0..40)) {
            let (node, mut judge) = (NodeId::server(0), RaftJudge::<KvOp>::new(1));
            let (mut file, mut unsynced, mut last, mut write) = (Vec::new(), VecDeque::new(), 0_u64, 0);
            let now = Sighting { record: 0, at: Time::ZERO };
            for step in steps {
                match step {
                    Step::Write(entries, torn) => {
                        let mut bytes = Vec::new();
                        for (behind, term) in entries {
                            last = (last + 3).saturating_sub(behind).max(1);
                            store::encode_entry::<KvOp>(EntryId { term: Term(term), index: last }, &Command::Noop, &mut bytes);
                        }
                        store::encode_vote(Term(write), Some(node), &mut bytes);
                        bytes.truncate(bytes.len() - torn.min(bytes.len()));
                        write += 1;
                        judge.wrote(node, write, &bytes);
                        unsynced.push_back((write, bytes));
                    }
                    Step::Sync(count) => {
                        let synced: Vec<_> = unsynced.drain(..count.min(unsynced.len())).collect();
                        if let Some((through, _)) = synced.last() {
                            judge.synced(now, node, *through);
                        }
                        file.extend(synced.into_iter().flat_map(|(_, bytes)| bytes));
                    }
                    Step::Crash { keep, short, damaged } => {
                        file.extend(unsynced.drain(..).flat_map(|(_, bytes)| bytes).take(keep));
                        file.truncate(file.len() - short.min(file.len()));
                        if let Some(place) = damaged.filter(|_| !file.is_empty()) {
                            let length = file.len();
                            file[place % length] ^= 1;
                        }
                        judge.crashed(node);
                        judge.booted(now, node, &[(audit::FILE, &file)]);
                        let (found, slow) = (&judge.servers[0].disk, Disk::read::<KvOp>(&file));
                        last = slow.log.len();
                        prop_assert_eq!(format!("{found:?}"), format!("{slow:?}"));
                    }
                }
            }
        }
    }
}
