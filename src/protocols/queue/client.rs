//! Who uses the queue: what publishers and consumers have in common.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::consumer::Consumer;
use super::publisher::Publication;
use super::{Consuming, Message, Publishing, QueueStep, Rules, mark};
use crate::base::{ClientId, Duration, NodeId, OperationId, Stream, StreamOp, Streamed};
use crate::history::{Event, Outcome};
use crate::process::{self, ClientProcess, Files, Mark, Misfit, Process, Steps, SyncToken, TakesSteps};

pub(super) type Context<'a> = process::Context<'a, Client>;

/// A publisher or a consumer.
///
/// To publish is a send of the history. A consumer subscribes, and invokes one poll after another: each ends with a message, once that is
/// processed, or with none, once it has waited for long. All consumers, also those of dead letters, are one group: a message is for one
/// of them.
#[derive(Debug)]
pub struct Client {
    pub(super) config: ClientConfig,
    life: u32,
    /// That it has started once more is on its way to disk.
    numbered: Option<SyncToken>,
    /// How many operations of its own it has begun, or planned.
    pub(super) begun: u32,
    pub(super) open: Option<StreamOp>,
    /// If it publishes: what is open, and what it was handed.
    pub(super) publication: Option<Publication>,
    pub(super) steps: Steps<QueueStep>,
    pub(super) quiet: bool,
    /// The server that it takes to be the leader.
    leader: u32,
    /// Whether it has been told so since it asked last.
    was_told: bool,
    pub(super) consumer: Consumer,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// How many servers the queue has.
    pub servers: u32,
    /// How long it waits for an answer of the queue.
    pub answer: Duration,
    /// What it does.
    pub role: Role,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It publishes.
    Publisher(Publishing),
    /// It consumes.
    Consumer(Consuming),
}

/// A timer of a client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientTimer {
    /// This message is due.
    Due(OperationId),
    /// The queue has not answered in time, or another server is to be asked.
    Overdue,
    /// A message is processed.
    Worked,
    /// No message has come for so long.
    Nothing,
    /// It is time to say that the consumer is there.
    Beat,
}

/// Which message is due is not shown, nor written, with the timer, but with what is published.
impl Debug for ClientTimer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ClientTimer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = match self {
            Self::Due(_) => 0,
            Self::Overdue => 1,
            Self::Worked => 2,
            Self::Nothing => 3,
            Self::Beat => 4,
        };
        serializer.serialize_unit_variant("ClientTimer", number, self.name())
    }
}

impl ClientTimer {
    fn name(self) -> &'static str {
        match self {
            Self::Due(_) => "Due",
            Self::Overdue => "Overdue",
            Self::Worked => "Worked",
            Self::Nothing => "Nothing",
            Self::Beat => "Beat",
        }
    }
}

/// What random words are for.
pub(super) const THINK: u64 = 1;
pub(super) const MESSAGE: u64 = 2;
pub(super) const WORK: u64 = 3;

/// A byte for each start. Only its length counts: unlike a number, it cannot be torn into a smaller one by a crash.
const LIVES: &str = "lives";
/// How many polls in a row must show nothing until all is quiet.
pub(super) const QUIET: u32 = 3;
/// How long it waits before it asks the server that it was sent to.
const MOVE: Duration = Duration::from_millis(5);
/// The key of the queue in the history.
pub(super) const KEY: u64 = 0;

impl Client {
    fn session(&self, context: &Context<'_>) -> ClientId {
        ClientId { client: context.me().index() as u32, session: self.life }
    }

    pub(super) fn id(&self, context: &Context<'_>) -> OperationId {
        OperationId { client: context.me().index() as u32, life: self.life, nth: self.begun }
    }

    pub(super) fn drawn(&self, purpose: u64, identity: u64, context: &mut Context<'_>) -> Stream {
        context.random().fork(purpose, identity)
    }

    pub(super) fn invoke(&mut self, id: OperationId, op: StreamOp, context: &mut Context<'_>) {
        context.note(Event::Invoke { client: self.session(context), id, op: op.clone() });
        self.open = Some(op);
    }

    pub(super) fn complete(&mut self, outcome: Outcome<Streamed>, context: &mut Context<'_>) {
        context.note(Event::Complete { client: self.session(context), outcome });
        self.open = None;
    }

    /// Begins what comes next.
    pub(super) fn go_on(&mut self, context: &mut Context<'_>) {
        match self.config.role {
            Role::Publisher(publishing) => self.go_on_publishing(publishing, context),
            Role::Consumer(consuming) => {
                self.begun += 1;
                self.consume(consuming, context);
            }
        }
    }

    /// Whether it can begin something.
    pub(super) fn is_free(&self) -> bool {
        self.numbered.is_none() && self.open.is_none()
    }

    pub(super) fn tell(&self, message: Message, context: &mut Context<'_>) {
        context.send(NodeId::server(self.leader), message);
    }

    /// Asks the leader for what is open, and waits for the answer.
    pub(super) fn ask(&mut self, context: &mut Context<'_>) {
        let question = match (&self.open, self.config.role) {
            (Some(StreamOp::Acts(_)), Role::Publisher(_)) => match self.publication {
                Some(publication) => publication.message(),
                None => return,
            },
            (Some(StreamOp::Subscribe { .. }), Role::Consumer(consuming)) => self.subscription(consuming, context),
            _ => return,
        };
        self.tell(question, context);
        context.set_timer(ClientTimer::Overdue, self.config.answer);
    }

    fn on_overdue(&mut self, context: &mut Context<'_>) {
        if matches!(self.open, Some(StreamOp::Acts(_))) {
            context.sometimes(mark::PUBLISHED_AGAIN);
        }
        self.seek();
        self.ask(context);
    }

    /// Takes the next server to be the leader, unless it was told which one is.
    pub(super) fn seek(&mut self) {
        if !std::mem::take(&mut self.was_told) {
            self.leader = (self.leader + 1) % self.config.servers;
        }
    }

    /// The server that it asked does not lead.
    fn on_elsewhere(&mut self, from: NodeId, hint: Option<NodeId>, context: &mut Context<'_>) {
        if from != NodeId::server(self.leader) {
            return;
        }
        let Some(hint) = hint.filter(|hint| *hint != from) else { return };
        (self.leader, self.was_told) = (hint.index() as u32, true);
        if self.awaits_answer() {
            context.set_timer(ClientTimer::Overdue, MOVE);
        } else if self.consumer.is_subscribed {
            context.set_timer(ClientTimer::Beat, MOVE);
        }
    }

    fn awaits_answer(&self) -> bool {
        matches!((&self.open, self.config.role), (Some(_), Role::Publisher(_)) | (Some(StreamOp::Subscribe { .. }), _))
    }
}

impl Process for Client {
    type Config = ClientConfig;
    type Message = Message;
    type Timer = ClientTimer;
    type Note = Event<StreamOp, Streamed>;

    const MARKS: &'static [Mark] = mark::OF_CLIENTS;

    fn boot(config: &ClientConfig, disk: &Files, context: &mut Context<'_>) -> Self {
        let life = disk.read(LIVES).map_or(0, <[u8]>::len) as u32;
        context.append(LIVES, b".");
        Self {
            config: config.clone(),
            life,
            numbered: Some(context.sync()),
            begun: 0,
            open: None,
            publication: None,
            steps: Steps::default(),
            quiet: false,
            leader: 0,
            was_told: false,
            consumer: Consumer::default(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        match message {
            Message::Confirm { id } => self.on_confirm(id, context),
            Message::Subscribed { consumer } => self.on_subscribed(consumer, context),
            Message::Deliver(delivery) => self.on_deliver(delivery, context),
            Message::Settled { consumer, tag } => self.consumer.settled(consumer, tag),
            Message::Alive { consumer } => self.consumer.heard_of(consumer),
            Message::Gone { consumer } => self.on_gone(consumer, context),
            Message::Elsewhere { hint } => self.on_elsewhere(from, hint, context),
            Message::Raft(_) | Message::Publish { .. } | Message::Subscribe { .. } | Message::Settle { .. } | Message::Beat { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: ClientTimer, context: &mut Context<'_>) {
        match (timer, self.config.role) {
            (ClientTimer::Due(message), Role::Publisher(publishing)) => {
                self.steps.wait(message);
                self.publish_next(publishing, context);
            }
            (ClientTimer::Overdue, _) => self.on_overdue(context),
            (ClientTimer::Worked, Role::Consumer(consuming)) => self.on_worked(consuming, context),
            (ClientTimer::Nothing, Role::Consumer(_)) => self.on_nothing(context),
            (ClientTimer::Beat, Role::Consumer(consuming)) => self.beat(consuming, context),
            _ => {}
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_>) {
        if self.numbered.take_if(|awaited| *awaited == token).is_some() {
            self.go_on(context);
        }
    }

    fn status(&self) -> String {
        match (&self.open, self.consumer.at_work()) {
            (_, Some(value)) => format!("processes {value}"),
            (Some(op), None) => op.to_string(),
            (None, None) => "idle".to_owned(),
        }
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}

impl ClientProcess for Client {
    fn quiesce(&mut self, context: &mut Context<'_>) {
        self.quiet = true;
        self.steps.clear();
        context.cancel_timer(ClientTimer::Due(self.id(context)));
    }

    fn under_way(&self) -> usize {
        let consumes = matches!(self.config.role, Role::Consumer(_));
        usize::from(self.open.is_some() || consumes && self.consumer.has_work(self.quiet))
    }
}

impl TakesSteps for Client {
    type Step = QueueStep;

    fn steps(&self) -> &Steps<QueueStep> {
        &self.steps
    }

    fn steps_mut(&mut self) -> &mut Steps<QueueStep> {
        &mut self.steps
    }

    fn due(step: OperationId) -> ClientTimer {
        ClientTimer::Due(step)
    }

    fn is_due(timer: &ClientTimer) -> Option<OperationId> {
        if let ClientTimer::Due(step) = timer { Some(*step) } else { None }
    }

    fn only_handed(config: &mut ClientConfig) {
        if let Role::Publisher(publishing) = &mut config.role {
            publishing.think = None;
        }
    }

    fn fits(config: &ClientConfig, QueueStep::Publish { .. }: &QueueStep) -> Result<(), Misfit> {
        match config.role {
            Role::Publisher(_) => Ok(()),
            Role::Consumer(_) => Err(Misfit {
                problem: "this client consumes, and publishes nothing".to_owned(),
                help: "the first clients publish; consumers take what comes, by themselves".to_owned(),
            }),
        }
    }
}
