//! Replicated registers after Attiya, Bar-Noy and Dolev (*Sharing memory robustly in message-passing systems*, JACM 1995), for many
//! writers (Lynch and Shvartsman, 1997). There is no leader, no log and no election.
//!
//! Any server coordinates. A *write* asks a majority for the newest version, then stores a newer one at a majority. A *read* asks a
//! majority for the newest version, then stores that same version at a majority before it answers: it may have met a write that is half
//! done, and a later read, which asks another majority, must not find an older value. The mutant leaves this write-back out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stormglass::base::{ClientId, Duration, KvOp, KvResponse, NodeId};
use stormglass::check::linearizability::LINEARIZABILITY;
use stormglass::notation::{PositiveLength, Timed, Timing};
use stormglass::process::{self, Context, Files, NoNote, Process, Reply, Service};
use stormglass::systems::kv::{KeyValue, Kv};
use stormglass::systems::{Mutant, Registry};

/// `Ask`: store this version of the key, if there is one and none newer is known, and tell the newest.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Request(ClientId, u64, KvOp),
    Answer(ClientId, u64, Reply<KvResponse>),
    Ask { round: u64, key: u64, store: Option<Version> },
    Told { round: u64, newest: Option<Version> },
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
    last_round: u64,
}

/// A question to all servers, of whom a majority must answer.
struct Round {
    client: NodeId,
    session: ClientId,
    number: u64,
    operation: KvOp,
    store: Option<Version>,
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
        let last_round = context.random().word();
        let (versions, begun) = (disk.records("versions").collect(), disk.records("begun").collect());
        Self { config: *config, versions, begun, rounds: BTreeMap::new(), last_round }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match message {
            Message::Request(session, number, operation) => self.begin(from, session, number, operation, context),
            Message::Ask { round, key, store } => {
                if let Some(version) = store.filter(|version| self.versions.get(&key) < Some(version)) {
                    self.versions.insert(key, version);
                    context.append_record("versions", &(key, version));
                }
                context.send_when_durable(from, Message::Told { round, newest: self.versions.get(&key).copied() });
            }
            Message::Told { round, newest } => self.on_told(from, round, newest, context),
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
        self.start(Round { client, session, number, operation, store: None, newest: None, answered: BTreeSet::new() }, context);
    }

    fn start(&mut self, round: Round, context: &mut Context<'_, Self>) {
        self.last_round = self.last_round.wrapping_add(1);
        self.rounds.insert(self.last_round, round);
        self.ask(self.last_round, context);
    }

    /// Asks all who have not answered, as soon as it is durable that a write was begun.
    fn ask(&mut self, number: u64, context: &mut Context<'_, Self>) {
        let Some(round) = self.rounds.get(&number) else { return };
        let question = Message::Ask { round: number, key: round.operation.key(), store: round.store };
        for server in (0..self.config.servers).map(NodeId::server).filter(|server| !round.answered.contains(server)) {
            context.send_when_durable(server, question.clone());
        }
        context.set_timer(number, self.config.resend);
    }

    fn on_told(&mut self, from: NodeId, number: u64, newest: Option<Version>, context: &mut Context<'_, Self>) {
        let Some(round) = self.rounds.get_mut(&number) else { return };
        round.answered.insert(from);
        round.newest = round.newest.max(newest);
        if round.answered.len() > self.config.servers as usize / 2 {
            let round = self.rounds.remove(&number).expect("it was just found");
            context.cancel_timer(number);
            self.conclude(round, context);
        }
    }

    /// A majority has answered: there is a version to store at a majority, or the operation is done.
    fn conclude(&mut self, round: Round, context: &mut Context<'_, Self>) {
        let counter = round.newest.map_or(0, |newest| newest.counter);
        let store = match (round.store, round.operation) {
            (None, KvOp::Write { value, .. }) => Some(Version { counter: counter + 1, writer: round.session, value }),
            (None, KvOp::Read { .. }) if self.config.reads_write_back => round.newest,
            _ => None,
        };
        if store.is_some() {
            return self.start(Round { store, answered: BTreeSet::new(), ..round }, context);
        }
        // Not what the second round heard of: that need not be at a majority.
        let read = round.store.or(round.newest).map(|version| version.value);
        let response = if round.operation.is_read() { KvResponse::Value(read) } else { KvResponse::Written };
        context.send(round.client, Message::Answer(round.session, round.number, Reply::Done(response)));
    }
}

/// What clients need to know, and what a scenario can say: `system: AbdRegister(nodes: 5, resend: "100ms")`.
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

stormglass::settings! {
    /// What a scenario can say of it, next to `nodes`.
    #[derive(Clone, Debug)]
    struct Settings {
        /// After which time a question is asked again.
        resend: Duration = Duration::from_millis(100), Timed(PositiveLength, &[Timing::Answer]);
    }
}

impl KeyValue for Abd {
    const NAME: &'static str = "AbdRegister";
    const ABOUT: &'static str = "registers replicated after Attiya, Bar-Noy and Dolev: majorities, no leader";
    const CAS: bool = false;
    type Server = Replica;
    type Settings = Settings;

    fn server(settings: &Settings, servers: u32, mutants: &[&'static str]) -> Config {
        Config { servers, resend: settings.resend, reads_write_back: mutants.is_empty() }
    }

    fn mutants() -> Vec<Mutant> {
        vec![Mutant {
            name: "abd/skips-write-back",
            property: Some(LINEARIZABILITY.name),
            about: "A read answers with the newest value it found without storing it at a majority first: a later read may find an older one.",
            source: "Attiya, Bar-Noy and Dolev, JACM 1995, section 3",
            needs: &["a write under way", "delay"],
            rules: (),
        }]
    }
}

/// What it adds to the systems that scenarios can name.
pub(crate) fn registry() -> Registry {
    Registry::new().with::<Kv<Abd>>()
}

/// Every command of `stormglass`, for this system: `cargo run --example abd_register -- run examples/abd_register.ron`.
fn main() -> std::process::ExitCode {
    stormglass::cli::main_with(registry())
}
