//! Replicated registers after Attiya, Bar-Noy and Dolev (*Sharing memory robustly in message-passing systems*, JACM 1995), for many
//! writers (Lynch and Shvartsman, 1997). There is no leader, no log and no election.
//!
//! Any server coordinates. A *write* asks a majority for the newest version, then stores a newer one at a majority. A *read* asks a
//! majority for the newest version, then stores that same version at a majority before it answers: it may have met a write that is half
//! done, and a later read, which asks another majority, must not find an older value. The mutant leaves this write-back out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use stormglass::base::{ClientId, Duration, KvOp, KvResponse, NodeId};
use stormglass::process::{self, Context, Files, Harness, NoNote, Process, Reply, Service};

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Request(ClientId, u64, KvOp),
    Answer(ClientId, u64, Reply<KvResponse>),
    Query { round: u64, key: u64 },
    Newest { round: u64, version: Option<Version> },
    Store { round: u64, key: u64, version: Version },
    Stored { round: u64 },
}
impl process::Message for Message {}

/// The newer of two versions is the greater: by counter, then by writer. A session writes one value at a time, so no two are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Version {
    counter: u64,
    writer: ClientId,
    value: u64,
}

#[derive(Clone, Copy)]
struct Config {
    servers: u32,
    resend: Duration,
    reads_write_back: bool, // the mutant's do not
}

struct Replica {
    config: Config,
    /// The newest version of each key. On disk.
    versions: BTreeMap<u64, Version>,
    /// The last write of each session that was begun here. On disk.
    begun: BTreeMap<ClientId, u64>,
    /// The rounds that this server coordinates.
    rounds: BTreeMap<u64, Round>,
    next_round: u64,
}

/// A question to all servers, of whom a majority must answer: which version is the newest; or to store this one.
struct Round {
    client: NodeId,
    session: ClientId,
    number: u64,
    operation: KvOp,
    storing: Option<Version>,
    newest: Option<Version>,
    answered: BTreeSet<NodeId>,
}

impl Process for Replica {
    type Config = Config;
    type Message = Message;
    type Timer = u64; // the round that is asked again
    type Note = NoNote;

    fn boot(config: &Config, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        // Rounds are numbered from anywhere on, so that no late answer to a former life counts in this one.
        let next_round = context.random().word();
        let (versions, begun) = (disk.records("versions").collect(), disk.records("begun").collect());
        Self { config: *config, versions, begun, rounds: BTreeMap::new(), next_round }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match message {
            Message::Request(session, number, operation) => self.begin(from, session, number, operation, context),
            Message::Query { round, key } => context.send(from, Message::Newest { round, version: self.versions.get(&key).copied() }),
            Message::Store { round, key, version } => {
                if self.versions.get(&key) < Some(&version) {
                    self.versions.insert(key, version);
                    context.append_record("versions", &(key, version));
                }
                context.send_when_durable(from, Message::Stored { round });
            }
            Message::Newest { round, version } => self.on_answer(from, round, version, context),
            Message::Stored { round } => self.on_answer(from, round, None, context),
            Message::Answer(..) => {}
        }
    }

    fn on_timer(&mut self, round: u64, context: &mut Context<'_, Self>) {
        self.ask(round, context);
    }
}

impl Replica {
    fn begin(&mut self, client: NodeId, session: ClientId, number: u64, operation: KvOp, context: &mut Context<'_, Self>) {
        match operation {
            KvOp::Read { .. } => {}
            // A write that the network delivers twice must not take effect twice: the second would bring an overwritten value back.
            KvOp::Write { .. } if self.begun.get(&session) >= Some(&number) => return,
            KvOp::Write { .. } => {
                self.begun.insert(session, number);
                context.append_record("begun", &(session, number));
            }
            KvOp::Cas { .. } => return context.send(client, Message::Answer(session, number, Reply::Refused)),
        }
        self.start(Round { client, session, number, operation, storing: None, newest: None, answered: BTreeSet::new() }, context);
    }

    fn start(&mut self, round: Round, context: &mut Context<'_, Self>) {
        let number = self.next_round;
        self.next_round = number.wrapping_add(1);
        self.rounds.insert(number, round);
        self.ask(number, context);
    }

    /// Asks all who have not answered, as soon as it is durable that a write was begun.
    fn ask(&mut self, number: u64, context: &mut Context<'_, Self>) {
        let Some(round) = self.rounds.get(&number) else { return };
        let key = round.operation.key();
        let question = match round.storing {
            None => Message::Query { round: number, key },
            Some(version) => Message::Store { round: number, key, version },
        };
        for server in (0..self.config.servers).map(NodeId::server).filter(|server| !round.answered.contains(server)) {
            context.send_when_durable(server, question.clone());
        }
        context.set_timer(number, self.config.resend);
    }

    fn on_answer(&mut self, from: NodeId, number: u64, version: Option<Version>, context: &mut Context<'_, Self>) {
        let Some(round) = self.rounds.get_mut(&number) else { return };
        round.answered.insert(from);
        round.newest = round.newest.max(version);
        if round.answered.len() > self.config.servers as usize / 2 {
            let round = self.rounds.remove(&number).expect("it was just found");
            context.cancel_timer(number);
            self.conclude(round, context);
        }
    }

    /// A majority has answered: there is a version to store at a majority, or the operation is done.
    fn conclude(&mut self, round: Round, context: &mut Context<'_, Self>) {
        let counter = round.newest.map_or(0, |newest| newest.counter);
        let to_store = match (round.storing, round.operation) {
            (None, KvOp::Write { value, .. }) => Some(Version { counter: counter + 1, writer: round.session, value }),
            (None, KvOp::Read { .. }) if self.config.reads_write_back => round.newest,
            _ => None,
        };
        if to_store.is_some() {
            return self.start(Round { storing: to_store, answered: BTreeSet::new(), ..round }, context);
        }
        let read = KvResponse::Value(round.newest.map(|newest| newest.value));
        let response = if round.operation.is_read() { read } else { KvResponse::Written };
        context.send(round.client, Message::Answer(round.session, round.number, Reply::Done(response)));
    }
}

/// What clients need to know.
struct Abd;

impl Service for Abd {
    type Message = Message;
    type Operation = KvOp;
    type Response = KvResponse;

    /// Two coordinators would each store a write of their own, with some other client's in between.
    const RETRY: bool = false;

    fn request(session: ClientId, number: u64, operation: &KvOp) -> Message {
        Message::Request(session, number, *operation)
    }

    fn reply(message: Message) -> Option<(ClientId, u64, Reply<KvResponse>)> {
        if let Message::Answer(session, number, reply) = message { Some((session, number, reply)) } else { None }
    }
}

/// One client writes and reads over a perfect network.
fn main() {
    let config = Config { servers: 3, resend: Duration::from_millis(100), reads_write_back: true };
    let mut replicas = [0, 1, 2].map(|index| Harness::<Replica>::boot(NodeId::server(index), config));
    for (number, operation) in [(1, KvOp::Write { key: 1, value: 42 }), (2, KvOp::Read { key: 1 })] {
        let request = Abd::request(ClientId::new(0), number, &operation);
        let mut post = VecDeque::from([(NodeId::client(0), NodeId::server(number as u32), request)]);
        while let Some((from, to, message)) = post.pop_front() {
            println!("{from} → {to} {message:?}");
            if let Some(replica) = replicas.get_mut(to.index()).filter(|_| !to.is_client()) {
                replica.deliver(from, message);
                replica.sync();
                post.extend(replica.take_sent().into_iter().map(|(next, message)| (to, next, message)));
            }
        }
    }
}
