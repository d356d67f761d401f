//! What a server does for its own keys, whatever the commit protocol: it counts its lives, takes requests in once, does its work, votes,
//! and remembers on disk what it has promised and learned. It sends nothing: what is said to whom is the protocol's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::locks::Policy;
use super::manager::{Happening, Manager, Prepared, Refusal};
use super::pending::{Client, PendingTransaction};
use super::{Age, Decision, Epoch, Note, TxnId, Vote, mark};
use crate::base::{Act, ClientId, NodeId, Seen, SortedMap, Transaction};
use crate::process::{Context, Files, Process};

/// The name of its file: records, a line of JSON each, only ever appended to.
const FILE: &str = "site";

/// A server's own keys, and the transactions that it takes part in.
#[derive(Clone, Debug)]
pub struct Participant {
    epoch: Epoch,
    sessions: SortedMap<ClientId, u64>,
    /// How many transactions it has begun as their coordinator in this life.
    begun: u64,
    manager: Manager,
    /// What it has voted yes for without knowing the decision, with all who take part.
    in_doubt: SortedMap<TxnId, Vec<NodeId>>,
    ended: BTreeMap<TxnId, Ended>,
}

/// How a transaction ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was aborted, and no other vote than *no* was ever given.
    Refused,
    /// This decision was learned.
    Learned(Decision),
}

/// Something that others must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The work for a transaction is done.
    Worked(TxnId),
    /// A transaction has aborted here.
    Refused(TxnId),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Record {
    /// The server has started.
    Booted { epoch: Epoch },
    /// A client's request was taken in.
    Accepted { session: ClientId, number: u64 },
    /// Ready to do either.
    Prepared { participants: Vec<NodeId>, prepared: Prepared },
    /// Voted no when asked.
    Refused { txn: TxnId },
    /// Learned the decision.
    Learned { txn: TxnId, decision: Decision },
}

/// Its life.
impl Participant {
    /// The participant as its disk has it. What it says in this life counts only when what is written here is durable.
    pub fn boot<P: Process<Note: From<Note>>>(locking: Policy, disk: &Files, context: &mut Context<'_, P>) -> Self {
        let mut participant = Self {
            epoch: Epoch::default(),
            sessions: SortedMap::new(),
            begun: 0,
            manager: Manager::new(locking),
            in_doubt: SortedMap::new(),
            ended: BTreeMap::new(),
        };
        let mut prepared = SortedMap::new();
        for record in disk.records::<Record>(FILE) {
            participant.take(record, &mut prepared);
        }
        for prepared in prepared.values() {
            participant.manager.restore(prepared);
            context.sometimes(mark::IN_DOUBT_AFTER_CRASH);
        }
        participant.epoch = Epoch(participant.epoch.0 + 1);
        context.append_record(FILE, &Record::Booted { epoch: participant.epoch });
        let in_doubt = participant.in_doubt.keys().map(|txn| (*txn, participant.manager.held(*txn))).collect();
        context.note(Note::Recovered { epoch: participant.epoch, in_doubt }.into());
        participant
    }

    fn take(&mut self, record: Record, prepared: &mut SortedMap<TxnId, Prepared>) {
        match record {
            Record::Booted { epoch } => self.epoch = epoch,
            Record::Accepted { session, number } => {
                self.sessions.insert(session, number);
            }
            Record::Prepared { participants, prepared: ready } => {
                self.in_doubt.insert(ready.age.txn, participants);
                prepared.insert(ready.age.txn, ready);
            }
            Record::Refused { txn } => {
                self.ended.insert(txn, Ended::Refused);
            }
            Record::Learned { txn, decision } => {
                self.in_doubt.remove(&txn);
                self.ended.insert(txn, Ended::Learned(decision));
                if let (Decision::Commit, Some(ready)) = (decision, prepared.remove(&txn)) {
                    self.manager.replay(&ready.writes);
                }
            }
        }
    }

    /// What such a disk says of it, in a line: see [`Process::read_disk`].
    pub fn read_disk(disk: &Files) -> Option<String> {
        disk.read(FILE)?;
        let (mut life, mut prepared, mut ended) = (Epoch::default(), Vec::new(), Vec::new());
        for record in disk.records::<Record>(FILE) {
            match record {
                Record::Booted { epoch } => life = epoch,
                Record::Accepted { .. } => {}
                Record::Prepared { prepared: ready, .. } => prepared.push(ready.age.txn),
                Record::Refused { txn } => ended.push((txn, Decision::Abort)),
                Record::Learned { txn, decision } => {
                    prepared.retain(|other| *other != txn);
                    ended.push((txn, decision));
                }
            }
        }
        Some(on_disk(life, prepared.iter(), ended.iter().map(|(txn, decision)| (txn, *decision))))
    }

    /// Which of its lives this is.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Takes a client's request in and begins its transaction as the coordinator, unless the network has doubled it.
    pub fn accept<P: Process<Note: From<Note>>>(
        &mut self,
        client: Client,
        transaction: Transaction,
        members: &[NodeId],
        context: &mut Context<'_, P>,
    ) -> Option<PendingTransaction> {
        let Client { session, number, .. } = client;
        if self.sessions.get(&session).is_some_and(|last| number <= *last) {
            context.sometimes(mark::REQUEST_REPEATED);
            return None;
        }
        self.sessions.insert(session, number);
        context.append_record(FILE, &Record::Accepted { session, number });
        // It shall be durable when it is needed.
        context.sync();
        self.begun += 1;
        let txn = TxnId { coordinator: context.me(), epoch: self.epoch, number: self.begun };
        let pending = PendingTransaction::new(Age { began: context.now(), txn }, client, transaction, members);
        context.note(Note::Began { txn, participants: pending.participants() }.into());
        Some(pending)
    }
}

/// What it knows.
impl Participant {
    /// All who take part in a transaction, if it is one in doubt.
    pub fn doubts(&self, txn: TxnId) -> Option<&[NodeId]> {
        self.in_doubt.get(&txn).map(Vec::as_slice)
    }

    /// The transactions in doubt.
    pub fn in_doubt(&self) -> impl Iterator<Item = TxnId> {
        self.in_doubt.keys().copied()
    }

    /// How a transaction ended here.
    pub fn ended(&self, txn: TxnId) -> Option<Ended> {
        self.ended.get(&txn).copied()
    }

    /// What a transaction saw here, once its work is done.
    pub fn seen(&self, txn: TxnId) -> Option<&[Seen]> {
        self.manager.seen(txn)
    }

    /// Whether a transaction is at work here, and no vote was given.
    pub fn works(&self, txn: TxnId) -> bool {
        self.manager.knows(txn) && !self.in_doubt.contains_key(&txn)
    }

    /// What the server must still bring to an end, in words, if it coordinates so many transactions.
    pub fn unsettled(&self, coordinated: usize) -> Option<String> {
        let (doubts, working) = (self.in_doubt.len(), self.manager.under_way() - self.in_doubt.len());
        words(&[(coordinated, "undecided"), (doubts, "in doubt"), (working, "at work")]).map(|words| format!("transactions: {words}"))
    }

    /// Where the server stands, on one line, if it coordinates so many transactions.
    pub fn status(&self, coordinated: usize) -> String {
        let (doubts, working) = (self.in_doubt.len(), self.manager.under_way() - self.in_doubt.len());
        let under_way = words(&[(doubts, "in doubt"), (working, "at work")]).unwrap_or_else(|| "nothing under way".to_owned());
        format!("in life {}, {coordinated} coordinated, {under_way}, {} keys locked", self.epoch.0, self.manager.locked())
    }
}

/// What it does.
impl Participant {
    /// Locks what acts need and carries them out, once; of one that is under way or over, says again what there is to say.
    pub fn work<P: Process<Note: From<Note>>>(&mut self, age: Age, acts: Vec<Act>, context: &mut Context<'_, P>) -> Vec<News> {
        let txn = age.txn;
        if let Some(ended) = self.ended(txn) {
            context.sometimes(mark::LATE_FENCED);
            return if ended == Ended::Refused { vec![News::Refused(txn)] } else { Vec::new() };
        }
        if self.manager.knows(txn) {
            return if self.manager.work(txn).is_some() { vec![News::Worked(txn)] } else { Vec::new() };
        }
        let happened = self.manager.begin(age, acts);
        self.pass_on(happened, context)
    }

    /// Votes, once: yes if the work was done in this life, else no. Writes down what the vote asserts; it must be durable before
    /// another server hears of it. Of one that was decided here nothing can be said any more.
    pub fn vote<P: Process<Note: From<Note>>>(
        &mut self,
        txn: TxnId,
        worked_in: Epoch,
        participants: &[NodeId],
        context: &mut Context<'_, P>,
    ) -> (Option<Vote>, Vec<News>) {
        if self.in_doubt.contains_key(&txn) {
            return (Some(Vote::Yes), Vec::new());
        }
        match self.ended(txn) {
            Some(Ended::Learned(_)) => return (None, Vec::new()),
            Some(Ended::Refused) => {
                context.sometimes(mark::LATE_FENCED);
                context.append_record(FILE, &Record::Refused { txn });
                context.note(Note::Voted { txn, vote: Vote::No }.into());
                return (Some(Vote::No), Vec::new());
            }
            None => {}
        }
        if worked_in == self.epoch
            && let Some(prepared) = self.manager.prepare(txn)
        {
            context.append_record(FILE, &Record::Prepared { participants: participants.to_vec(), prepared });
            context.note(Note::Voted { txn, vote: Vote::Yes }.into());
            self.in_doubt.insert(txn, participants.to_vec());
            return (Some(Vote::Yes), Vec::new());
        }
        if worked_in != self.epoch {
            context.sometimes(mark::RESTART_NOTICED);
        }
        context.append_record(FILE, &Record::Refused { txn });
        let mut news = Vec::new();
        self.refuse(txn, &mut news, context);
        let happened = self.manager.end(txn, Decision::Abort);
        news.extend(self.pass_on(happened, context));
        news.retain(|news| *news != News::Refused(txn));
        (Some(Vote::No), news)
    }

    /// Aborts a transaction whose coordinator has not asked for the vote.
    pub fn abandon<P: Process<Note: From<Note>>>(&mut self, txn: TxnId, context: &mut Context<'_, P>) -> Vec<News> {
        let mut news = Vec::new();
        if self.works(txn) {
            context.sometimes(mark::ABANDONED);
            self.refuse(txn, &mut news, context);
            let happened = self.manager.end(txn, Decision::Abort);
            news.extend(self.pass_on(happened, context));
        }
        news
    }

    /// Learns what was decided, and acts on it. A participant that has not voted yes cannot be told to commit.
    pub fn learn<P: Process<Note: From<Note>>>(&mut self, txn: TxnId, decision: Decision, context: &mut Context<'_, P>) -> Vec<News> {
        let in_doubt = self.in_doubt.remove(&txn).is_some();
        if !in_doubt {
            if decision == Decision::Abort && !self.ended.contains_key(&txn) {
                // What was to be done may come later: it shall find that it is too late.
                self.ended.insert(txn, Ended::Refused);
                context.note(Note::Learned { txn, decision }.into());
                let happened = self.manager.end(txn, Decision::Abort);
                return self.pass_on(happened, context);
            }
            return Vec::new();
        }
        context.append_record(FILE, &Record::Learned { txn, decision });
        context.note(Note::Learned { txn, decision }.into());
        self.ended.insert(txn, Ended::Learned(decision));
        let happened = self.manager.end(txn, decision);
        self.pass_on(happened, context)
    }

    fn refuse<P: Process<Note: From<Note>>>(&mut self, txn: TxnId, news: &mut Vec<News>, context: &mut Context<'_, P>) {
        context.note(Note::Voted { txn, vote: Vote::No }.into());
        self.ended.insert(txn, Ended::Refused);
        news.push(News::Refused(txn));
    }

    /// Notes what came to pass, and says what others must be told.
    fn pass_on<P: Process<Note: From<Note>>>(&mut self, happened: Vec<Happening>, context: &mut Context<'_, P>) -> Vec<News> {
        let mut news = Vec::new();
        for happening in happened {
            match happening {
                Happening::Locked(txn, lock) => context.note(Note::Locked { txn, lock }.into()),
                Happening::Waits(_) => context.sometimes(mark::WAITED),
                Happening::Executed(txn) => news.push(News::Worked(txn)),
                Happening::Refused(txn, why) => {
                    if why == Refusal::GaveWay {
                        context.sometimes(mark::DEADLOCK_AVOIDED);
                    }
                    self.refuse(txn, &mut news, context);
                }
                Happening::Released { txn, shared_only } => context.note(Note::Released { txn, shared_only }.into()),
            }
        }
        news
    }
}

/// What a server's disk says of its lives, of what it has prepared, and of what it knows to have ended, in a line.
pub fn on_disk<'a>(life: Epoch, prepared: impl Iterator<Item = &'a TxnId>, ended: impl Iterator<Item = (&'a TxnId, Decision)>) -> String {
    let prepared = list(prepared.map(TxnId::to_string));
    let ended = list(ended.map(|(txn, decision)| format!("{txn} {decision}")));
    format!("life {}, prepared {prepared}, ended {ended}", life.0)
}

/// What there is, or that there is nothing.
pub fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

/// How many there are of what there is any of.
fn words(counts: &[(usize, &str)]) -> Option<String> {
    let parts: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
