//! A client of any service.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::marker::PhantomData;

use serde::{Serialize, Serializer};

use super::{ClientConfig, Generator, Pace, Patience, Turn};
use crate::base::{ClientId, NodeId, OperationId, SortedMap, SortedSet, Stream, sample_exponential};
use crate::history::{Event, Noted, Outcome};
use crate::process::{ClientProcess, Context, Files, Joined, Mark, Process, Reply, Service, SyncToken};

/// A process that invokes operations of a service and notes what it saw.
///
/// It asks the server that it believes to be the best: the one that answered last, or that others pointed to. When no answer comes within
/// [`Patience::request_timeout`] it asks the next, under the same session and number, unless [`Service::RETRY`] forbids it. An operation
/// without an answer is *unknown*, not failed; its session is abandoned with it, since it may take effect at any time to come, and the
/// client goes on in a fresh one.
///
/// All that is drawn for an operation is drawn for its [identity](OperationId): when it is due after the one before, what it is, how long
/// its requests pause. So what becomes of one operation changes no other but by what its client learns.
///
/// An operation that it is [handed](Self::hand) takes the same way as one that its generator chooses. One that is due while the client is
/// down is lost, as a request is whose sender is not there.
///
/// Each session does one operation at a time. In an open loop an operation that is due uses a free session, else it opens another, up to
/// [`ClientConfig::sessions_max`]; beyond that it is shed. The number of every session is on disk before it is used, so that a client that
/// crashed never goes on in a session of its former life.
pub struct Client<S: Service, G> {
    pace: Pace,
    patience: Patience,
    clients: u32,
    sessions_max: usize,
    generator: G,
    servers: Servers,
    /// Those that are not abandoned, by number.
    sessions: SortedMap<u32, Session<S::Operation>>,
    /// How many sessions were ever made, in former lives too.
    sessions_made: u32,
    /// The operation that is due next or was due last.
    next: OperationId,
    /// Operations that are due and wait for a session.
    waiting: VecDeque<OperationId>,
    /// What it was handed and has not invoked yet: all of them are due, or wait for a session.
    handed: SortedMap<OperationId, Option<S::Operation>>,
    shed: u64,
    quiet: bool,
    service: PhantomData<fn() -> S>,
}

/// The timers of a [`Client`]. Numbers are those of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientTimer {
    /// This operation is due.
    Due(OperationId),
    /// A server has not answered in time.
    Overdue(u32),
    /// The pause is over: ask again.
    Again(u32),
    /// An operation has not ended in time.
    GiveUp(u32),
}

/// Which operation is due is not written with the timer, but with its invocation.
impl Serialize for ClientTimer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = "ClientTimer";
        match self {
            Self::Due(_) => serializer.serialize_unit_variant(name, 0, "Due"),
            Self::Overdue(session) => serializer.serialize_newtype_variant(name, 1, "Overdue", session),
            Self::Again(session) => serializer.serialize_newtype_variant(name, 2, "Again", session),
            Self::GiveUp(session) => serializer.serialize_newtype_variant(name, 3, "GiveUp", session),
        }
    }
}

#[derive(Debug)]
struct Session<O> {
    /// How many operations were invoked in it, and so the number of the last one.
    operations: u64,
    state: State<O>,
}

#[derive(Debug)]
enum State<O> {
    /// Its number is on its way to disk.
    Numbered(SyncToken),
    /// It is open and nothing is under way.
    Free,
    /// Servers are being asked for something.
    Asking(Question<O>),
}

/// What servers are asked for: an operation, or to open the session.
#[derive(Debug)]
struct Question<O> {
    operation: Option<O>,
    /// Whether the generator chose it: then a closed loop goes on when it has ended.
    generated: bool,
    /// For its pauses.
    random: Stream,
    /// The server that is being asked; none during a pause.
    server: Option<NodeId>,
    /// Who was asked since the last pause or timeout.
    tried: SortedSet<NodeId>,
}

const RETRIED: Mark = Mark::new("client retried", "An operation took more than one request.");
const UNKNOWN: Mark = Mark::new("operation unknown", "An operation got no answer.");

/// What random words are for.
enum Purpose {
    /// The time until an operation is due.
    Due = 1,
    /// What it is.
    Content = 2,
    /// The pauses between its requests.
    Pauses = 3,
    /// The pauses of a session that is being opened.
    Opening = 4,
    /// The order in which servers are asked.
    Servers = 5,
}

/// A byte for each session ever made. Only its length counts: unlike a number, it cannot be torn into a smaller one by a crash.
const SESSIONS: &str = "sessions";

impl<S: Service, G: Generator<S::Operation, S::Response>> Client<S, G> {
    const ALL_MARKS: Joined<Mark> = Joined::of(RETRIED, [if S::RETRY { &[RETRIED] } else { &[UNKNOWN] }, G::MARKS]);
}

impl<S: Service, G: Generator<S::Operation, S::Response>> Process for Client<S, G> {
    type Config = ClientConfig<G::Config>;
    type Message = S::Message;
    type Timer = ClientTimer;
    type Note = Noted<S::Operation, S::Response, G::Note>;

    /// What becomes of a request that is not answered in time: any sweep with faults should see it.
    const MARKS: &'static [Mark] = Self::ALL_MARKS.list();

    fn boot(config: &Self::Config, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let sessions_made = disk.read(SESSIONS).map_or(0, <[u8]>::len) as u32;
        let mut client = Self {
            pace: config.pace,
            patience: config.patience,
            clients: config.clients,
            sessions_max: config.sessions_max as usize,
            generator: G::new(&config.generator),
            servers: Servers::new(config.servers, context),
            sessions: SortedMap::new(),
            sessions_made,
            next: OperationId { client: context.me().index() as u32, life: sessions_made, nth: 0 },
            waiting: VecDeque::new(),
            handed: SortedMap::new(),
            shed: 0,
            quiet: false,
            service: PhantomData,
        };
        client.expect_next(context);
        client
    }

    fn on_message(&mut self, from: NodeId, message: S::Message, context: &mut Context<'_, Self>) {
        let Some((id, number, reply)) = S::reply(message) else { return };
        // Late, duplicated and foreign replies answer nothing that is being asked.
        if id.client as usize == context.me().index() && self.asks(id.session, number) {
            self.on_reply(from, id.session, number, reply, context);
        }
    }

    fn on_timer(&mut self, timer: ClientTimer, context: &mut Context<'_, Self>) {
        match timer {
            ClientTimer::Due(operation) => self.on_due(operation, context),
            ClientTimer::Overdue(session) => self.on_overdue(session, context),
            ClientTimer::Again(session) => self.ask(session, self.servers.best, context),
            ClientTimer::GiveUp(session) => self.give_up(session, context),
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        let numbered = |session: &Session<_>| matches!(session.state, State::Numbered(awaited) if awaited == token);
        if let Some(number) = self.sessions.iter().find(|(_, session)| numbered(session)).map(|(number, _)| *number) {
            self.open(number, context);
        }
    }

    fn status(&self) -> String {
        format!("{} under way in {} sessions, {} shed, asks {}", self.under_way(), self.sessions.len(), self.shed, self.servers.best)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        Some(format!("sessions made: {}", disk.read(SESSIONS)?.len()))
    }
}

impl<S: Service, G: Generator<S::Operation, S::Response>> ClientProcess for Client<S, G> {
    fn quiesce(&mut self, context: &mut Context<'_, Self>) {
        self.quiet = true;
        self.waiting.clear();
        self.handed.clear();
        context.cancel_timer(ClientTimer::Due(self.next));
        self.sessions.retain(|number, session| {
            let stays = session.is_under_way();
            if let Some(opening) = session.question().filter(|_| !stays) {
                context.cancel_timer(opening.timer(*number));
            }
            stays
        });
    }

    fn under_way(&self) -> usize {
        self.sessions.values().filter(|session| session.is_under_way()).count()
    }
}

/// When operations are invoked.
impl<S: Service, G: Generator<S::Operation, S::Response>> Client<S, G> {
    /// How many operations were due and not invoked, since no session was free and no more could be opened.
    pub fn shed(&self) -> u64 {
        self.shed
    }

    /// Takes an operation that somebody has written down, under this identity; without one, it will be what the generator chooses for it.
    /// It is due when the timer fires that this returns.
    pub fn hand(&mut self, id: OperationId, operation: Option<S::Operation>) -> ClientTimer {
        self.handed.insert(id, operation);
        ClientTimer::Due(id)
    }

    /// An operation is due: invokes it in a free session, or lets it wait for a fresh one, or sheds it.
    fn on_due(&mut self, due: OperationId, context: &mut Context<'_, Self>) {
        let generated = !self.handed.contains_key(&due);
        if generated && matches!(self.pace, Pace::Open(_)) {
            self.expect_next(context);
        }
        let free = self.sessions.iter().find(|(_, session)| matches!(session.state, State::Free)).map(|(number, _)| *number);
        if let Some(session) = free {
            self.invoke(session, due, context);
        } else if self.sessions.len() < self.sessions_max {
            self.waiting.push_back(due);
            self.make_session(context);
        } else {
            self.shed += 1;
            self.handed.remove(&due);
            self.on_ended(generated, context);
        }
    }

    /// Sets the time of the next operation.
    fn expect_next(&mut self, context: &mut Context<'_, Self>) {
        self.next.nth += 1;
        let mut random = context.random().fork(Purpose::Due as u64, self.next.word());
        let after = match self.pace {
            Pace::Open(rate) => sample_exponential(rate.gap(self.clients), random.word()),
            Pace::Closed { think } => random.within(think),
            Pace::Handed => return,
        };
        context.set_timer(ClientTimer::Due(self.next), after);
    }

    /// A session has become free: an operation that waits for one is invoked.
    fn on_free(&mut self, session: u32, context: &mut Context<'_, Self>) {
        if let Some(due) = self.waiting.pop_front() {
            self.invoke(session, due, context);
        }
    }

    /// An operation has ended: in a closed loop, after one of its own, the next is due after some thought.
    fn on_ended(&mut self, generated: bool, context: &mut Context<'_, Self>) {
        if generated && matches!(self.pace, Pace::Closed { .. }) && !self.quiet {
            self.expect_next(context);
        }
    }
}

/// What becomes of a session and of the operations in it.
impl<S: Service, G: Generator<S::Operation, S::Response>> Client<S, G> {
    fn make_session(&mut self, context: &mut Context<'_, Self>) {
        context.append(SESSIONS, b".");
        let state = State::Numbered(context.sync());
        self.sessions.insert(self.sessions_made, Session { operations: 0, state });
        self.sessions_made += 1;
    }

    fn open(&mut self, number: u32, context: &mut Context<'_, Self>) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        if S::open(id(number, context)).is_some() {
            session.state = State::Asking(Question::opening(context.random().fork(Purpose::Opening as u64, u64::from(number))));
            self.ask(number, self.servers.best, context);
        } else {
            session.state = State::Free;
            self.on_free(number, context);
        }
    }

    fn invoke(&mut self, number: u32, due: OperationId, context: &mut Context<'_, Self>) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let handed = self.handed.remove(&due);
        let generated = handed.is_none();
        let operation = match handed.flatten() {
            Some(written) if due.script_number().is_some() => written,
            // One that was drawn once is drawn again: what the generator says and keeps while it chooses is part of the run.
            written => {
                let mut random = context.random().fork(Purpose::Content as u64, due.word());
                let drawn = Self::turn(context, |turn| self.generator.next(due, &mut random, turn));
                written.unwrap_or(drawn)
            }
        };
        session.operations += 1;
        let random = context.random().fork(Purpose::Pauses as u64, due.word());
        session.state = State::Asking(Question { operation: Some(operation.clone()), generated, ..Question::opening(random) });
        context.note(Noted::Event(Event::Invoke { client: id(number, context), id: due, op: operation }));
        context.set_timer(ClientTimer::GiveUp(number), self.patience.operation_timeout);
        self.ask(number, self.servers.best, context);
    }

    /// The generator's turn: what it says is recorded.
    fn turn<T>(context: &mut Context<'_, Self>, turn: impl FnOnce(&mut Turn<G::Note>) -> T) -> T {
        let mut own = Turn::at(context.now());
        let result = turn(&mut own);
        own.marks.into_iter().for_each(|mark| context.sometimes(mark));
        own.notes.into_iter().for_each(|note| context.note(Noted::Own(note)));
        result
    }

    /// The operation of the session has ended with this outcome.
    fn complete(&mut self, number: u32, outcome: Outcome<S::Response>, context: &mut Context<'_, Self>) {
        let Some(Question { operation: Some(operation), generated, .. }) = self.settle(number, context) else { return };
        context.cancel_timer(ClientTimer::GiveUp(number));
        if let Outcome::Done(response) = &outcome {
            Self::turn(context, |turn| self.generator.saw(&operation, response, turn));
        }
        context.note(Noted::Event(Event::Complete { client: id(number, context), outcome }));
        self.on_ended(generated, context);
        self.on_free(number, context);
    }

    /// The operation may have taken effect or may yet do so: no one can tell. No other may follow it in its session.
    fn give_up(&mut self, number: u32, context: &mut Context<'_, Self>) {
        if !self.sessions.get(&number).is_some_and(Session::is_under_way) {
            return;
        }
        let generated = self.settle(number, context).is_some_and(|question| question.generated);
        self.sessions.remove(&number);
        context.cancel_timer(ClientTimer::GiveUp(number));
        if !S::RETRY {
            context.sometimes(UNKNOWN);
        }
        context.note(Noted::Event(Event::Complete { client: id(number, context), outcome: Outcome::Unknown }));
        self.on_ended(generated, context);
    }
}

/// How servers are asked.
impl<S: Service, G: Generator<S::Operation, S::Response>> Client<S, G> {
    fn ask(&mut self, number: u32, server: NodeId, context: &mut Context<'_, Self>) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let operations = session.operations;
        let State::Asking(question) = &mut session.state else { return };
        let request = match &question.operation {
            Some(operation) => S::request(id(number, context), operations, operation),
            None => S::open(id(number, context)).expect("a session is only asked for where the service has sessions"),
        };
        question.server = Some(server);
        question.tried.insert(server);
        context.send(server, request);
        context.set_timer(ClientTimer::Overdue(number), self.patience.request_timeout);
    }

    /// Stops asking, and frees the session.
    fn settle(&mut self, number: u32, context: &mut Context<'_, Self>) -> Option<Question<S::Operation>> {
        let question = self.sessions.get_mut(&number)?.settle()?;
        context.cancel_timer(question.timer(number));
        Some(question)
    }

    /// Whether the question with this number is the one that is being asked in this session.
    fn asks(&self, session: u32, number: u64) -> bool {
        self.sessions.get(&session).is_some_and(|session| session.question().is_some() && session.operations == number)
    }

    fn on_reply(&mut self, from: NodeId, session: u32, number: u64, reply: Reply<S::Response>, context: &mut Context<'_, Self>) {
        match (number, reply) {
            (_, Reply::Redirect(hint)) => self.on_redirect(from, session, hint, context),
            (0, Reply::Opened) => {
                self.servers.answered(from);
                self.on_opened(session, context);
            }
            (0, Reply::Refused) => self.on_redirect(from, session, None, context),
            (0, Reply::Done(_)) | (_, Reply::Opened) => {}
            (_, Reply::Done(response)) => {
                self.servers.answered(from);
                self.complete(session, Outcome::Done(response), context);
            }
            (_, Reply::Refused) => self.complete(session, Outcome::Failed, context),
        }
    }

    fn on_opened(&mut self, number: u32, context: &mut Context<'_, Self>) {
        if self.settle(number, context).is_some() {
            self.on_free(number, context);
        }
    }

    /// Follows a hint at once if it leads to a server that was not asked yet. Else it pauses: while no leader is known, servers point at
    /// one another, or at none, as fast as they are asked.
    fn on_redirect(&mut self, from: NodeId, number: u32, hint: Option<NodeId>, context: &mut Context<'_, Self>) {
        let Some(question) = self.sessions.get_mut(&number).and_then(Session::question_mut) else { return };
        if question.server != Some(from) {
            return;
        }
        self.servers.redirected(from, hint);
        if hint == Some(self.servers.best) && !question.tried.contains(&self.servers.best) {
            self.ask(number, self.servers.best, context);
        } else {
            question.server = None;
            question.tried.clear();
            let pause = question.random.within(self.patience.pause);
            context.cancel_timer(ClientTimer::Overdue(number));
            context.set_timer(ClientTimer::Again(number), pause);
        }
    }

    fn on_overdue(&mut self, number: u32, context: &mut Context<'_, Self>) {
        let Some(question) = self.sessions.get_mut(&number).and_then(Session::question_mut) else { return };
        let operation = question.operation.is_some();
        if operation && !S::RETRY {
            return self.give_up(number, context);
        }
        if operation {
            context.sometimes(RETRIED);
        }
        question.tried.clear();
        if let Some(server) = question.server {
            self.servers.failed(server);
        }
        self.ask(number, self.servers.best, context);
    }
}

/// The session's name in the history.
fn id<P: Process>(session: u32, context: &Context<'_, P>) -> ClientId {
    ClientId { client: context.me().index() as u32, session }
}

impl<O> Session<O> {
    fn question(&self) -> Option<&Question<O>> {
        if let State::Asking(question) = &self.state { Some(question) } else { None }
    }

    fn question_mut(&mut self) -> Option<&mut Question<O>> {
        if let State::Asking(question) = &mut self.state { Some(question) } else { None }
    }

    fn is_under_way(&self) -> bool {
        self.question().is_some_and(|question| question.operation.is_some())
    }

    /// Frees the session from what it asks.
    fn settle(&mut self) -> Option<Question<O>> {
        match std::mem::replace(&mut self.state, State::Free) {
            State::Asking(question) => Some(question),
            other => {
                self.state = other;
                None
            }
        }
    }
}

impl<O> Question<O> {
    /// To open a session.
    fn opening(random: Stream) -> Self {
        Self { operation: None, generated: false, random, server: None, tried: SortedSet::new() }
    }

    /// The timer that is set while it is asked in this session.
    fn timer(&self, session: u32) -> ClientTimer {
        if self.server.is_some() { ClientTimer::Overdue(session) } else { ClientTimer::Again(session) }
    }
}

/// Whom to ask: what all sessions of a client have learned together.
///
/// While nothing is known, servers are asked in an order of the client's own, by a weight that each has for it (rendezvous hashing; Thaler
/// and Ravishankar, 1998): one server more changes nothing until its own turn comes.
#[derive(Debug)]
struct Servers {
    count: u32,
    best: NodeId,
    weights: Stream,
}

impl Servers {
    fn new<P: Process>(count: u32, context: &mut Context<'_, P>) -> Self {
        let mut servers = Self { count, best: NodeId::server(0), weights: context.random().fork(Purpose::Servers as u64, 0) };
        servers.best = servers.next(None);
        servers
    }

    /// The first in the order, or the one after this one.
    fn next(&self, after: Option<NodeId>) -> NodeId {
        let rank = |server: NodeId| (self.weights.fork(Purpose::Servers as u64, u64::from(server.raw())).word(), server);
        let ranks = (0..self.count).map(|index| rank(NodeId::server(index)));
        let after = after.map(rank);
        // Those up to `after` come again when all others have had their turn.
        ranks.min_by_key(|rank| (after.is_some_and(|after| *rank <= after), *rank)).map_or(self.best, |(_, server)| server)
    }

    fn answered(&mut self, server: NodeId) {
        if self.knows(server) {
            self.best = server;
        }
    }

    /// A server pointed to another, or to none.
    fn redirected(&mut self, from: NodeId, hint: Option<NodeId>) {
        match hint {
            Some(server) if server != from && self.knows(server) => self.best = server,
            _ => self.failed(from),
        }
    }

    /// A server was of no use: the next is the best, unless another session has found a better one meanwhile.
    fn failed(&mut self, server: NodeId) {
        if self.best == server {
            self.best = self.next(Some(server));
        }
    }

    fn knows(&self, node: NodeId) -> bool {
        !node.is_client() && node.index() < self.count as usize
    }
}
