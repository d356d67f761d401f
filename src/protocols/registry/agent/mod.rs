//! The client of a registry, to be embedded in a process that uses it.
//!
//! It is told what is wanted of it, and says what has come of it as [`News`], which its process takes after each step.

mod holding;
mod requests;
#[cfg(test)]
mod tests;
mod watching;

use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;

use super::{Change, Instance, Key, LeaseId, Listing, Message, Operation, RaftMessage, Response, Rules, Value, mark};
use crate::base::{ClientId, Duration, DurationRange, LocalTime, NodeId, SortedMap};
use crate::process::{self, Files, Mark, NoNote, Process, SyncToken};

pub use watching::Cache;

pub(super) type Context<'a> = process::Context<'a, Agent>;

/// What an agent is built from.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// How many servers there are: the first so many nodes.
    pub servers: u32,
    /// How long a lease lasts when it is not kept alive.
    pub lease: Duration,
    /// How often the lease is kept alive: a third of its length leaves room for two that are lost.
    pub keep_alive: Duration,
    /// How long one server is given to answer, before another is asked.
    pub request_timeout: Duration,
    /// How long an operation may take with all its requests, before it is given up as unknown.
    pub operation_timeout: Duration,
    /// How long it pauses when servers send it in circles.
    pub pause: DurationRange,
    /// How often it says to a server that it watches. A server that is silent for as long is left for another.
    pub renew: Duration,
    /// Whether it goes on watching from where it was; else it lists anew when it goes to another server.
    pub resumes: bool,
    /// How often it reports unasked how it is, if it does.
    pub report: Option<Duration>,
    /// The safety rules.
    pub rules: Arc<dyn Rules>,
}

/// The client of a registry.
#[derive(Debug)]
pub struct Agent {
    config: AgentConfig,
    requests: requests::Requests,
    holding: holding::Holding,
    watches: SortedMap<u32, watching::Watch>,
    peeks: SortedMap<u64, Peek>,
    peeked: u64,
    /// The instances that it has registered.
    registered: SortedMap<Key, Registered>,
    /// What it says of itself when it is checked.
    is_well: bool,
    news: Vec<News>,
}

/// An instance that it has registered.
#[derive(Clone, Copy, Debug)]
struct Registered {
    /// The revision at which it came to be.
    created: u64,
    /// The lease with which it goes, if with any.
    lease: Option<LeaseId>,
}

/// A look-up that any server may answer.
#[derive(Clone, Copy, Debug)]
struct Peek {
    directory: u32,
    asked: LocalTime,
    age_max: Duration,
}

/// What has come of what was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// An operation is asked for, for the first time: under this name in a history.
    Began {
        /// Who asks: one operation at a time.
        client: ClientId,
        /// What was wanted.
        ticket: u64,
        /// The operation.
        operation: Operation,
    },
    /// An operation is over.
    Over {
        /// Who asked.
        client: ClientId,
        /// What was wanted.
        ticket: u64,
        /// The operation.
        operation: Operation,
        /// What came of it.
        outcome: Outcome,
    },
    /// It holds a lease from now on.
    Held(LeaseId),
    /// It holds the lease no longer, as far as it can know. If it is still wanted, it asks for another.
    Lost(LeaseId),
    /// An instance is registered no longer, though the lease lasts with which it went: it was critical for too long, or another client has
    /// deleted it. Whether it is to be registered anew, its process decides.
    Deregistered(Key),
    /// It has begun to watch a directory, which held this.
    Listed(u32, Listing),
    /// It cannot see all changes: they are forgotten through this revision. It will list the directory anew.
    Compacted(u32, u64),
    /// What is watched has changed.
    Changed(Change),
    /// A look-up that any server may answer is over.
    Peeked {
        /// Which.
        number: u64,
        /// Of which directory.
        directory: u32,
        /// What was answered, and its age now; nothing if nothing so young was known, or no answer came in time.
        found: Option<(Listing, Duration)>,
    },
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect, with this response.
    Done(Response),
    /// It took no effect and never will.
    Failed,
    /// It is not known.
    Unknown,
}

/// An agent's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum AgentTimer {
    /// A server has not answered in time.
    Overdue,
    /// The pause is over: ask again.
    Again,
    /// An operation has not ended in time.
    GiveUp,
    /// Keep the lease alive.
    KeepAlive,
    /// A keep-alive was not answered in time, or the pause is over.
    KeepAliveOverdue,
    /// The lease is over, unless it was kept alive.
    LeaseOver,
    /// Say that this directory is watched.
    Watch(u32),
    /// This look-up has not been answered in time.
    Peek(u64),
    /// Report how one is.
    Report,
}

impl Process for Agent {
    type Config = AgentConfig;
    type Message = Message;
    type Timer = AgentTimer;
    type Note = NoNote;

    const MARKS: &'static [Mark] = mark::OF_AGENTS;

    fn boot(config: &AgentConfig, disk: &Files, context: &mut Context<'_>) -> Self {
        let requests = requests::Requests::new(config.servers, disk, context);
        let holding = holding::Holding::new(requests.session(context.me()));
        if let Some(report) = config.report {
            context.set_timer(AgentTimer::Report, report);
        }
        Self {
            config: config.clone(),
            requests,
            holding,
            watches: SortedMap::new(),
            peeks: SortedMap::new(),
            peeked: 0,
            registered: SortedMap::new(),
            is_well: true,
            news: Vec::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        if from.is_client() {
            return;
        }
        match message {
            Message::Raft(RaftMessage::Answer { session, number, reply }) => self.on_answer(from, session, number, reply, context),
            Message::KeptAlive { lease, asked, remaining, attached } => {
                self.on_kept_alive(from, lease, asked, remaining, context);
                if let Some(attached) = attached {
                    self.on_attached(lease, &attached);
                }
            }
            Message::Lapsed { lease } => self.on_lapsed(lease, context),
            Message::Elsewhere { hint } => self.on_elsewhere(from, hint, context),
            Message::Listing { directory, asked, age, listing } => self.on_listing(directory, asked, age, listing, context),
            Message::Changes { directory, asked, age, after, through, changes } => {
                self.on_changes(directory, asked, age, after..=through, &changes, context);
            }
            Message::Compacted { directory, through } => self.on_compacted(directory, through, context),
            // A question of its life before may have had the same number.
            Message::Peeked { number, asked, age, listing, .. } if self.peeks.get(&number).is_some_and(|peek| peek.asked == asked) => {
                self.on_peeked(number, age.map(|age| (listing, age)), context);
            }
            Message::Probe { key, created } => self.report(from, key, created, context),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: AgentTimer, context: &mut Context<'_>) {
        match timer {
            AgentTimer::Overdue => self.on_overdue(context),
            AgentTimer::Again => self.ask_again(context),
            AgentTimer::GiveUp => self.give_up(context),
            AgentTimer::KeepAlive => self.keep_alive(context),
            AgentTimer::KeepAliveOverdue => self.keep_alive_again(context),
            AgentTimer::LeaseOver => self.on_lease_over(context),
            AgentTimer::Watch(directory) => self.renew(directory, context),
            AgentTimer::Peek(number) => self.on_peeked(number, None, context),
            AgentTimer::Report => self.report_all(context),
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_>) {
        self.on_numbered(token, context);
    }

    fn status(&self) -> String {
        let holds = self.holding.lease().map_or_else(|| "no lease".to_owned(), |lease| format!("lease {lease}"));
        format!("{holds}, {} asked for, {} watched", self.requests.under_way(), self.watches.len())
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}

/// What is wanted of it.
impl Agent {
    /// The session in which it speaks: another after each start.
    pub fn session(&self, me: NodeId) -> ClientId {
        self.requests.session(me)
    }

    /// Asks for an operation, which is one of many that follow each other. [`News::Over`] says what came of it, under the same ticket.
    pub fn ask(&mut self, operation: Operation, context: &mut Context<'_>) -> u64 {
        let ticket = self.requests.queue(operation);
        self.ask_next(context);
        ticket
    }

    /// How many operations are asked for and not over.
    pub fn under_way(&self) -> usize {
        self.requests.under_way()
    }

    /// Asks any server what a directory holds, no older than this. [`News::Peeked`] says what came of it, under the same number.
    pub fn peek(&mut self, directory: u32, age_max: Duration, context: &mut Context<'_>) -> u64 {
        self.peeked += 1;
        let (number, servers) = (self.peeked, u64::from(self.config.servers));
        let server = NodeId::server(((context.me().index() as u64 + number) % servers) as u32);
        let asked = context.now();
        self.peeks.insert(number, Peek { directory, asked, age_max });
        context.send(server, Message::Peek { number, asked, directory, age_max });
        context.set_timer(AgentTimer::Peek(number), self.config.request_timeout * 2);
        number
    }

    /// Whether its instances are well: what it says when it is checked.
    pub fn set_well(&mut self, is_well: bool) {
        self.is_well = is_well;
    }

    /// What it has registered: the instances, with the revisions at which they came to be.
    pub fn registered(&self) -> impl Iterator<Item = (Key, u64)> {
        self.registered.iter().map(|(key, registered)| (*key, registered.created))
    }

    /// What has happened since this was last asked.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }
}

/// Checks and look-ups.
impl Agent {
    /// A server says how old its answer was when it sent it. On the way it has grown older, by no more than what has passed since it was
    /// asked for.
    fn on_peeked(&mut self, number: u64, found: Option<(Listing, Duration)>, context: &mut Context<'_>) {
        if let Some(Peek { directory, asked, age_max }) = self.peeks.remove(&number) {
            context.cancel_timer(AgentTimer::Peek(number));
            let way = self.config.rules.age_of_the_way(context.now().since(asked));
            let found = found.map(|(listing, age)| (listing, age + way)).filter(|(_, age)| *age <= age_max);
            self.news.push(News::Peeked { number, directory, found });
        }
    }

    /// Says how an instance is, if it is one of its own.
    fn report(&self, to: NodeId, key: Key, created: u64, context: &mut Context<'_>) {
        if self.registered.get(&key).is_some_and(|registered| registered.created == created) {
            context.send(to, Message::Report { key, created, is_well: self.is_well });
        }
    }

    fn report_all(&mut self, context: &mut Context<'_>) {
        let Some(every) = self.config.report else { return };
        context.set_timer(AgentTimer::Report, every);
        for (key, registered) in &self.registered {
            self.report(self.requests.best(), *key, registered.created, context);
        }
    }

    /// An operation of its own has taken effect.
    fn learn(&mut self, operation: &Operation, response: &Response, began: LocalTime, context: &mut Context<'_>) {
        match (operation, response) {
            (Operation::Grant { .. }, Response::Granted(lease)) => self.on_granted(*lease, began, context),
            (Operation::Grant { .. }, Response::Exists(lease)) => self.on_exists(*lease, context),
            (Operation::Put { key, value: Value::Instance(Instance { .. }), lease, .. }, Response::Put { created }) => {
                self.registered.insert(*key, Registered { created: *created, lease: *lease });
            }
            (Operation::Delete { key, .. }, Response::Deleted) => {
                self.registered.remove(key);
            }
            _ => {}
        }
    }
}
