//! How an agent asks for operations: one at a time, in a session of Raft, so that each is applied once.

use std::collections::VecDeque;

use super::super::{Message, Operation, RaftMessage, Response};
use super::{Agent, AgentTimer, Context, News, Outcome};
use crate::base::{ClientId, LocalTime, NodeId, SortedSet};
use crate::process::{Files, Reply, SyncToken};

/// A byte for each session ever made: only its length counts, so that a crash cannot tear it into a smaller number.
const SESSIONS: &str = "sessions";

/// What is asked for.
#[derive(Debug)]
pub(super) struct Requests {
    servers: u32,
    best: NodeId,
    sessions_made: u32,
    session: Session,
    /// How many operations were asked for in the session.
    number: u64,
    waiting: VecDeque<(u64, Operation)>,
    tickets: u64,
    /// What is asked now.
    asked: Option<Asked>,
    /// Who was asked since the last pause or timeout.
    tried: SortedSet<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Session {
    /// Its number is on its way to disk.
    Numbered(SyncToken),
    Opening,
    Open,
}

#[derive(Debug)]
struct Asked {
    ticket: u64,
    operation: Operation,
    began: LocalTime,
}

impl Requests {
    pub(super) fn new(servers: u32, disk: &Files, context: &mut Context<'_>) -> Self {
        let sessions_made = disk.read(SESSIONS).map_or(0, <[u8]>::len) as u32;
        let best = NodeId::server(context.random().below(u64::from(servers)) as u32);
        let mut requests = Self {
            servers,
            best,
            sessions_made,
            session: Session::Open,
            number: 0,
            waiting: VecDeque::new(),
            tickets: 0,
            asked: None,
            tried: SortedSet::new(),
        };
        requests.make_session(context);
        requests
    }

    /// The session's name.
    pub(super) fn session(&self, me: NodeId) -> ClientId {
        ClientId { client: me.index() as u32, session: self.sessions_made - 1 }
    }

    /// Who is believed to lead.
    pub(super) fn best(&self) -> NodeId {
        self.best
    }

    pub(super) fn queue(&mut self, operation: Operation) -> u64 {
        self.tickets += 1;
        self.waiting.push_back((self.tickets, operation));
        self.tickets
    }

    /// This comes before all that waits.
    pub(super) fn queue_first(&mut self, operation: Operation) {
        self.tickets += 1;
        self.waiting.push_front((self.tickets, operation));
    }

    pub(super) fn under_way(&self) -> usize {
        self.waiting.len() + usize::from(self.asked.is_some())
    }

    fn make_session(&mut self, context: &mut Context<'_>) {
        context.append(SESSIONS, b".");
        self.session = Session::Numbered(context.sync());
        self.sessions_made += 1;
        self.number = 0;
    }

    /// A server was of no use: the next one may be.
    pub(super) fn failed(&mut self, server: NodeId) {
        if self.best == server {
            self.best = self.after(server);
        }
    }

    /// The server after this one.
    pub(super) fn after(&self, server: NodeId) -> NodeId {
        NodeId::server((server.index() as u32 + 1) % self.servers)
    }

    /// A server pointed to another, or to none. Says whether it is one to ask at once.
    pub(super) fn redirected(&mut self, from: NodeId, hint: Option<NodeId>) -> bool {
        match hint {
            Some(hint) if hint != from => {
                self.best = hint;
                true
            }
            _ => {
                self.failed(from);
                false
            }
        }
    }

    /// A server led.
    pub(super) fn answered(&mut self, server: NodeId) {
        self.best = server;
    }
}

impl Agent {
    pub(super) fn on_numbered(&mut self, token: SyncToken, context: &mut Context<'_>) {
        if self.requests.session == Session::Numbered(token) {
            self.requests.session = Session::Opening;
            self.ask_again(context);
        }
    }

    /// Asks for the next operation, if none is under way.
    pub(super) fn ask_next(&mut self, context: &mut Context<'_>) {
        if self.requests.session != Session::Open || self.requests.asked.is_some() {
            return;
        }
        let Some((ticket, operation)) = self.requests.waiting.pop_front() else { return };
        self.requests.number += 1;
        self.requests.asked = Some(Asked { ticket, operation, began: context.now() });
        self.news.push(News::Began { client: self.requests.session(context.me()), ticket, operation });
        context.set_timer(AgentTimer::GiveUp, self.config.operation_timeout);
        self.ask_again(context);
    }

    /// Asks who is believed to lead.
    pub(super) fn ask_again(&mut self, context: &mut Context<'_>) {
        let (session, server) = (self.requests.session(context.me()), self.requests.best);
        let request = match (&self.requests.session, &self.requests.asked) {
            (Session::Opening, _) => RaftMessage::Open { session },
            (Session::Open, Some(asked)) => RaftMessage::Request { session, number: self.requests.number, operation: asked.operation },
            _ => return,
        };
        self.requests.tried.insert(server);
        context.send(server, Message::Raft(request));
        context.cancel_timer(AgentTimer::Again);
        context.set_timer(AgentTimer::Overdue, self.config.request_timeout);
    }

    pub(super) fn on_overdue(&mut self, context: &mut Context<'_>) {
        self.requests.tried.clear();
        self.requests.failed(self.requests.best);
        self.ask_again(context);
    }

    pub(super) fn on_answer(&mut self, from: NodeId, id: ClientId, number: u64, reply: Reply<Response>, context: &mut Context<'_>) {
        let opens = self.requests.session == Session::Opening;
        let is_asked = if opens { number == 0 } else { self.requests.asked.is_some() && number == self.requests.number };
        if id != self.requests.session(context.me()) || !is_asked {
            return;
        }
        match reply {
            Reply::Redirect(hint) => {
                let asks_on = self.requests.redirected(from, hint) && !self.requests.tried.contains(&self.requests.best);
                if asks_on {
                    return self.ask_again(context);
                }
                self.requests.tried.clear();
                let pause = context.random().within(self.config.pause);
                context.cancel_timer(AgentTimer::Overdue);
                context.set_timer(AgentTimer::Again, pause);
            }
            Reply::Opened if opens => {
                self.requests.answered(from);
                self.requests.session = Session::Open;
                self.rest(context);
                self.ask_next(context);
            }
            Reply::Done(response) if !opens => {
                self.requests.answered(from);
                self.over(Outcome::Done(response), context);
                self.ask_next(context);
            }
            // The session is unknown where it was answered that it is open: nothing took effect, and another is needed.
            Reply::Refused if !opens => {
                self.over(Outcome::Failed, context);
            }
            Reply::Opened | Reply::Done(_) | Reply::Refused => {}
        }
    }

    /// The operation may have taken effect or may yet do so: no other may follow it in its session.
    pub(super) fn give_up(&mut self, context: &mut Context<'_>) {
        if self.requests.asked.is_some() {
            self.over(Outcome::Unknown, context);
        }
    }

    fn rest(&mut self, context: &mut Context<'_>) {
        self.requests.tried.clear();
        context.cancel_timer(AgentTimer::Overdue);
        context.cancel_timer(AgentTimer::Again);
    }

    fn over(&mut self, outcome: Outcome, context: &mut Context<'_>) {
        self.rest(context);
        context.cancel_timer(AgentTimer::GiveUp);
        let Some(Asked { ticket, operation, began }) = self.requests.asked.take() else { return };
        let client = self.requests.session(context.me());
        self.news.push(News::Over { client, ticket, operation, outcome: outcome.clone() });
        match outcome {
            Outcome::Done(response) => self.learn(&operation, &response, began, context),
            Outcome::Failed | Outcome::Unknown => {
                // The session first: what is wanted next must not begin in the one that is over.
                self.requests.make_session(context);
                self.not_done(&operation, context);
            }
        }
    }
}
