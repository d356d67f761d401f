//! A lock service on one server, and all that it takes to try it: no keys, no workload of its own but who asks for what.
//!
//! Who holds the lock is on disk before it is told. The mutant tells it first: a crash then forgets a grant, and two clients hold the lock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stormglass::base::{ClientId, NodeId, OperationId, Stream};
use stormglass::check::linearizability::{self, LINEARIZABILITY};
use stormglass::check::model::lock::{Lock, LockOp, LockResult};
use stormglass::check::{Budget, Drawing, Property, PropertyReport};
use stormglass::history::History;
use stormglass::process::{self, Context, Files, Mark, NoNote, Process, Release, Reply, Service};
use stormglass::systems::service::{Served, Serves};
use stormglass::systems::{Mutant, Registry};
use stormglass::workload::{Generator, Turn};

// The protocol.

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Ask(ClientId, u64, LockOp),
    Answer(ClientId, u64, LockResult),
}
impl process::Message for Message {}

struct Server {
    release: Release,
    holder: Option<u64>,
    /// The last request of each session with its answer: what comes again is answered again.
    answered: BTreeMap<ClientId, (u64, LockResult)>,
}

impl Server {
    fn apply(&mut self, session: ClientId, number: u64, operation: LockOp) -> LockResult {
        let (holder, result) = match operation {
            LockOp::Acquire(client) if self.holder.is_none() => (Some(client), LockResult::Granted),
            LockOp::Release(client) if self.holder == Some(client) => (None, LockResult::Released),
            _ => (self.holder, LockResult::Refused),
        };
        self.holder = holder;
        self.answered.insert(session, (number, result));
        result
    }
}

impl Process for Server {
    type Config = Release;
    type Message = Message;
    type Timer = ();
    type Note = NoNote;

    fn boot(release: &Release, disk: &Files, _: &mut Context<'_, Self>) -> Self {
        let mut server = Self { release: *release, holder: None, answered: BTreeMap::new() };
        for (session, number, operation) in disk.records("log") {
            server.apply(session, number, operation);
        }
        server
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        let Message::Ask(session, number, operation) = message else { return };
        let result = match self.answered.get(&session) {
            Some((last, _)) if *last > number => return,
            Some((last, result)) if *last == number => *result,
            _ => {
                context.append_record("log", &(session, number, operation));
                self.apply(session, number, operation)
            }
        };
        context.release(self.release, from, Message::Answer(session, number, result));
    }

    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
}

// The glue: how clients use it, what they do, and what judges it.

struct LockService;

impl Service for LockService {
    type Message = Message;
    type Operation = LockOp;
    type Response = LockResult;

    fn request(session: ClientId, number: u64, operation: &LockOp) -> Message {
        Message::Ask(session, number, *operation)
    }

    fn reply(message: Message) -> Option<(ClientId, u64, Reply<LockResult>)> {
        let Message::Answer(session, number, result) = message else { return None };
        Some((session, number, Reply::Done(result)))
    }
}

/// Takes the lock, and gives it back.
struct Taker {
    holds: bool,
}

const REFUSED: Mark = Mark::new("lock refused", "A client asked for the lock while another held it.");

impl Generator<LockOp, LockResult> for Taker {
    type Config = ();
    type Note = NoNote;
    const MARKS: &'static [Mark] = &[REFUSED];

    fn new((): &()) -> Self {
        Self { holds: false }
    }

    fn next(&mut self, id: OperationId, _: &mut Stream, _: &mut Turn<NoNote>) -> LockOp {
        let me = u64::from(id.client);
        if self.holds { LockOp::Release(me) } else { LockOp::Acquire(me) }
    }

    fn saw(&mut self, operation: &LockOp, result: &LockResult, turn: &mut Turn<NoNote>) {
        match (operation, result) {
            (LockOp::Acquire(_), LockResult::Refused) => turn.sometimes(REFUSED),
            _ => self.holds = *result == LockResult::Granted,
        }
    }
}

impl Serves for LockService {
    const NAME: &'static str = "LockService";
    const ABOUT: &'static str = "a lock on one server, which writes down who holds it";
    type Server = Server;
    type Settings = ();
    type Generator = Taker;
    type Load = ();

    fn servers(_: &(), mutants: &[&'static str]) -> Vec<Release> {
        vec![if !mutants.is_empty() { Release::Now } else { Release::Durable }]
    }

    fn mutants() -> Vec<Mutant> {
        let (about, needs) = ("A client is told that it holds the lock before that is on disk.", &["a crash"]);
        vec![Mutant { name: "lock/tells-early", property: Some(LINEARIZABILITY.name), about, source: "this file", needs, rules: () }]
    }

    fn properties() -> Vec<Property> {
        vec![LINEARIZABILITY]
    }

    fn judge_history(_: &(), history: &History<LockOp, LockResult>, budget: Budget) -> (Vec<PropertyReport>, Option<Drawing>) {
        let (report, drawing) = linearizability::judge_and_draw(&LINEARIZABILITY, &Lock::free(), history, budget);
        (vec![report], Some(drawing))
    }
}

/// Every command of `stormglass`, for this system: `cargo run --example lock_service -- run examples/lock_service.ron`.
fn main() -> std::process::ExitCode {
    stormglass::cli::main_with(Registry::new().with::<Served<LockService>>())
}
