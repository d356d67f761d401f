//! The server: Raft replicates the contents of the queue; while this server leads, it confirms and delivers, and looks for consumers that
//! are silent and for messages that have expired.

use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;

use super::{Change, Contents, Death, Delivery, Message, Note, Operation, Output, Policy, RaftMessage, Rules, mark};
use crate::base::{Duration, DurationRange, LocalTime, NodeId, OperationId, SortedMap};
use crate::process::{self, Claim, Embeds, Files, Joined, Mark, Process, Role, SyncToken};
use crate::protocols::raft::{self, Hosted, Raft, Turn};

type Context<'a> = process::Context<'a, Server>;

/// A server of a queue.
#[derive(Clone, Debug)]
pub struct Server {
    config: Rc<ServerConfig>,
    hosted: Hosted<Contents>,
    /// When it started.
    started: LocalTime,
    /// When it heard of each consumer last, while it leads.
    leading: Option<SortedMap<OperationId, LocalTime>>,
}

/// What a server is built from.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// How many servers there are: the first so many nodes. One is a queue on one node.
    pub servers: u32,
    /// How long a server waits to hear of a leader before it campaigns: drawn anew each time.
    pub election_timeout: DurationRange,
    /// How often a leader shows that it lives.
    pub heartbeat: Duration,
    /// How many entries one message of Raft carries at most; at least 1.
    pub batch: u32,
    /// How often a leader looks for what is due.
    pub tick: Duration,
    /// After which silence a consumer is gone.
    pub session: Duration,
    /// What is done with messages that consumers do not just take.
    pub policy: Policy,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// A server's timers.
pub type Timer = raft::HostedTimer;

static MARKS: Joined<Mark> = Joined::of(Mark::new("", ""), [mark::OF_SERVERS, Raft::<Contents>::MARKS]);

impl Process for Server {
    type Config = ServerConfig;
    type Message = Message;
    type Timer = Timer;
    type Note = Note;

    const ROLES: &'static [Role] = Raft::<Contents>::ROLES;
    const MARKS: &'static [Mark] = MARKS.list();

    fn boot(config: &ServerConfig, disk: &Files, context: &mut Context<'_>) -> Self {
        let raft = raft::Config {
            members: (0..config.servers).map(NodeId::server).collect(),
            election_timeout: config.election_timeout,
            heartbeat: config.heartbeat,
            batch_max: config.batch as usize,
            machine: Contents::new(config.policy, Arc::clone(&config.rules)),
            rules: Arc::new(raft::Correct),
        };
        let hosted = Hosted::boot(&raft, disk, context);
        context.set_timer(Timer::Tick, config.tick);
        Self { config: Rc::new(config.clone()), hosted, started: context.now(), leading: None }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        match message {
            Message::Raft(message) => self.hosted.on_message(from, message, context),
            asked => self.on_asked(from, asked, context),
        }
        self.catch_up(context);
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_>) {
        match timer {
            Timer::Raft(timer) => self.hosted.on_timer(timer, context),
            Timer::Tick => self.tick(context),
        }
        self.catch_up(context);
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_>) {
        self.hosted.on_synced(token, context);
        self.catch_up(context);
    }

    fn role(&self) -> Option<Claim> {
        self.raft().role()
    }

    fn status(&self) -> String {
        let (ready, held, dead) = self.contents().counts();
        format!("{}; {ready} ready, {held} unacknowledged, {dead} dead letters", self.raft().status())
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        Self::read_inner_disk(disk)
    }

    fn read_records(file: &str, bytes: &[u8]) -> Option<String> {
        Self::read_inner_records(file, bytes)
    }
}

impl Embeds<Raft<Contents>> for Server {
    const SCOPE: &'static str = "raft";

    fn wrap_message(message: RaftMessage) -> Message {
        Message::Raft(message)
    }

    fn wrap_timer(timer: raft::Timer) -> Timer {
        Timer::Raft(timer)
    }

    fn wrap_note(note: raft::Note) -> Option<Note> {
        Some(Note::Raft(note))
    }
}

/// What may be asked of a server by what runs it.
impl Server {
    /// What the queue holds, as far as this server knows.
    pub fn contents(&self) -> &Contents {
        self.hosted.machine()
    }

    /// Its part of Raft.
    pub fn raft(&self) -> &Raft<Contents> {
        self.hosted.raft()
    }

    /// What is still to be delivered or settled, in words.
    pub fn unsettled(&self) -> Option<String> {
        let left = self.contents().left();
        (left > 0).then(|| format!("{left} messages that are not acknowledged"))
    }
}

/// What clients ask for.
impl Server {
    fn on_asked(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        let Some(heard) = &mut self.leading else {
            return context.send(from, Message::Elsewhere { hint: self.raft().follows() });
        };
        if let Message::Subscribe { consumer, .. } | Message::Settle { consumer, .. } | Message::Beat { consumer, .. } = message
            && let Some(heard) = heard.get_mut(&consumer)
        {
            *heard = context.now();
        }
        match message {
            Message::Publish { id, body } => {
                if !self.config.rules.confirms_when_committed() {
                    context.send(from, Message::Confirm { id });
                }
                self.propose(Change::Publish { id, body }, context);
            }
            Message::Subscribe { consumer, .. } if self.contents().knows(consumer) => {
                context.send(from, Message::Subscribed { consumer });
            }
            Message::Subscribe { consumer, source, prefetch, acknowledge } => {
                self.propose(Change::Subscribe { consumer, source, prefetch, acknowledge }, context);
            }
            Message::Settle { consumer, tag, .. }
                if self.config.rules.settles_from_memory() && self.contents().holder(consumer, tag).is_none() =>
            {
                context.send(from, Message::Settled { consumer, tag });
            }
            // Also of a delivery of which this server knows nothing: another may lead, and have given it out.
            Message::Settle { consumer, tag, settlement } => self.propose(Change::Settle { consumer, tag, settlement }, context),
            Message::Beat { consumer, through } => self.on_beat(from, consumer, through, context),
            Message::Raft(_)
            | Message::Confirm { .. }
            | Message::Subscribed { .. }
            | Message::Deliver(_)
            | Message::Settled { .. }
            | Message::Alive { .. }
            | Message::Gone { .. }
            | Message::Elsewhere { .. } => {}
        }
    }

    /// A consumer that is there is sent again what it has not had: a delivery may have been lost on the way, or with the leader.
    fn on_beat(&mut self, from: NodeId, consumer: OperationId, through: u64, context: &mut Context<'_>) {
        if !self.contents().knows(consumer) {
            return context.send(from, Message::Gone { consumer });
        }
        context.send(from, Message::Alive { consumer });
        for output in self.contents().held_after(consumer, through) {
            self.deliver(output, context);
        }
    }

    fn propose(&mut self, change: Change, context: &mut Context<'_>) {
        let at = self.config.rules.time(context.now(), self.started);
        self.hosted.propose(Operation { at, change }, context);
    }
}

/// What was decided, and what follows from it here.
impl Server {
    fn catch_up(&mut self, context: &mut Context<'_>) {
        for (number, output) in self.hosted.take_outputs() {
            context.note(Note::Applied { number, output });
            self.set_marks(output, context);
            if self.leading.is_some() {
                self.follow_up(output, context);
            }
        }
        match self.hosted.turn() {
            Some(Turn::TookOver) => self.take_over(context),
            Some(Turn::SteppedDown) => self.leading = None,
            None => {}
        }
    }

    /// A new leader does not know when consumers were heard last. It sends them what they hold when they have said what they have had.
    fn take_over(&mut self, context: &mut Context<'_>) {
        context.note(Note::TookOver);
        let now = context.now();
        self.leading = Some(self.contents().consumers().map(|consumer| (consumer, now)).collect());
        if self.contents().counts().1 > 0 {
            context.sometimes(mark::TOOK_OVER_HELD);
        }
    }

    fn follow_up(&mut self, output: Output, context: &mut Context<'_>) {
        match output {
            Output::Enqueued { id, .. } => self.confirm(id, context),
            Output::Repeated { id, .. } if self.config.rules.confirms_again() => self.confirm(id, context),
            Output::Subscribed { consumer, .. } => {
                if let Some(heard) = &mut self.leading {
                    heard.insert(consumer, context.now());
                }
                context.send(NodeId::client(consumer.client), Message::Subscribed { consumer });
            }
            Output::Cancelled { consumer } => {
                if let Some(heard) = &mut self.leading {
                    heard.remove(&consumer);
                }
                context.send(NodeId::client(consumer.client), Message::Gone { consumer });
            }
            Output::Refused { consumer } => context.send(NodeId::client(consumer.client), Message::Gone { consumer }),
            Output::Assigned { .. } => self.deliver(output, context),
            Output::Settled { consumer, tag, .. } | Output::NotHeld { consumer, tag } => {
                context.send(NodeId::client(consumer.client), Message::Settled { consumer, tag });
            }
            Output::Repeated { .. } | Output::Returned { .. } | Output::Died { .. } | Output::Buried { .. } => {}
        }
    }

    fn confirm(&self, id: OperationId, context: &mut Context<'_>) {
        for _ in 0..self.config.rules.confirms() {
            context.send(NodeId::client(id.client), Message::Confirm { id });
        }
    }

    fn deliver(&self, output: Output, context: &mut Context<'_>) {
        let Output::Assigned { consumer, tag, position, body, redelivered, .. } = output else { return };
        let delivery = Delivery { consumer, tag, position, value: body.value, is_poison: body.is_poison, redelivered };
        for _ in 0..self.config.rules.deliveries() {
            context.send(NodeId::client(consumer.client), Message::Deliver(delivery));
        }
    }

    fn set_marks(&self, output: Output, context: &mut Context<'_>) {
        match output {
            Output::Repeated { .. } => context.sometimes(mark::REPEATED),
            Output::Returned { .. } => context.sometimes(mark::RETURNED),
            Output::NotHeld { .. } => context.sometimes(mark::SETTLED_LATE),
            Output::Died { death: Death::Rejected, .. } => context.sometimes(mark::REJECTED),
            Output::Died { death: Death::Expired, .. } => context.sometimes(mark::EXPIRED),
            Output::Died { death: Death::DeliveryLimit, .. } => context.sometimes(mark::LIMIT),
            Output::Assigned { redelivered: true, .. } => context.sometimes(mark::REDELIVERED),
            _ => {}
        }
    }
}

/// What is due.
impl Server {
    fn tick(&mut self, context: &mut Context<'_>) {
        context.set_timer(Timer::Tick, self.config.tick);
        let now = context.now();
        let Some(heard) = &mut self.leading else { return };
        let silent: Vec<OperationId> =
            heard.iter().filter(|(_, heard)| now.since(**heard) >= self.config.session).map(|(consumer, _)| *consumer).collect();
        // What is proposed is committed if this server goes on to lead. If not, another looks for itself.
        heard.retain(|consumer, _| !silent.contains(consumer));
        for consumer in silent {
            context.sometimes(mark::SILENT);
            self.propose(Change::Cancel { consumer }, context);
        }
        let time = self.config.rules.time(now, self.started);
        if self.contents().expires().is_some_and(|expires| expires <= time) {
            self.propose(Change::Expire, context);
        }
    }
}
