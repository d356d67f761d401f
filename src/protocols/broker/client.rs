//! A client of a broker: a producer, or a consumer.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::consumer::{Consumer, Consuming};
use super::producer::{BrokerStep, Producer, Producing};
use super::{Layout, Message, Rules, mark};
use crate::base::{ClientId, Duration, DurationRange, NodeId, OperationId, Stream, StreamOp, Streamed};
use crate::history::{Event, Outcome};
use crate::process::{Claim, ClientProcess, Context, Files, Mark, Misfit, Process, Role, Steps, SyncToken, TakesSteps};

/// A client of a broker.
#[derive(Debug)]
pub struct Client {
    pub(super) config: ClientConfig,
    life: u32,
    /// That it has started once more is on its way to disk.
    numbered: Option<SyncToken>,
    nth: u32,
    /// How many operations it has begun that it was handed.
    handed: u32,
    pub(super) steps: Steps<BrokerStep>,
    /// The broker that each partition is asked of: who leads it, as far as it knows.
    leaders: Vec<u32>,
    pub(super) quiet: bool,
    open: bool,
    work: Work,
}

/// What it does.
#[derive(Debug)]
enum Work {
    Produces(Producer),
    Consumes(Consumer),
}

/// What a client is built from.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// What all agree on.
    pub layout: Arc<Layout>,
    /// How long it thinks between two operations.
    pub think: DurationRange,
    /// How long a broker is given to answer, before it is asked again.
    pub request_timeout: Duration,
    /// How long an operation may take.
    pub patience: Duration,
    /// How long a consumer goes on polling when no more is sent: by then all is over that was under way.
    pub tail: Duration,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
    /// What it does.
    pub role: ClientRole,
}

/// What a client does.
#[derive(Clone, Debug)]
pub enum ClientRole {
    /// It sends.
    Produces(Producing),
    /// It polls.
    Consumes(Consuming),
}

/// A client's timers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientTimer {
    /// This operation of a producer is due.
    Due(OperationId),
    /// A consumer's next poll is due.
    Poll,
    /// What is not answered is asked again.
    Again,
    /// What was polled is processed.
    Worked,
    /// It tells the group that it is there, or joins it.
    Beat,
}

/// Which operation is due is not shown, nor written, with the timer, but with its invocation; and that of a consumer as that of a producer.
impl Debug for ClientTimer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ClientTimer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = match self {
            Self::Due(_) | Self::Poll => 0,
            Self::Again => 1,
            Self::Worked => 2,
            Self::Beat => 3,
        };
        serializer.serialize_unit_variant("ClientTimer", number, self.name())
    }
}

impl ClientTimer {
    fn name(self) -> &'static str {
        match self {
            Self::Due(_) | Self::Poll => "Due",
            Self::Again => "Again",
            Self::Worked => "Worked",
            Self::Beat => "Beat",
        }
    }
}

/// The consumers.
pub const CONSUMER: Role = Role::new("Consumer", "A client that polls; of several, the one that has been given most.");

/// The processors.
pub const PROCESSOR: Role =
    Role::new("Processor", "A client that makes other messages of those it polls; of several, the one that has been given most.");

/// A byte for each start. Only its length counts: unlike a number, it cannot be torn into a smaller one by a crash.
const LIVES: &str = "lives";
/// The numbers of operations that it was handed begin behind this one: those of its own are the same without them.
const HANDED: u32 = 1 << 31;

impl Client {
    /// As whom it acts.
    pub(super) fn session(&self, context: &Context<'_, Self>) -> ClientId {
        ClientId { client: context.me().index() as u32, session: self.life }
    }

    /// A number for what it asks next.
    pub(super) fn next(&mut self) -> u32 {
        self.nth += 1;
        self.nth
    }

    /// Begins an operation: which one.
    pub(super) fn invoke(&mut self, op: StreamOp, context: &mut Context<'_, Self>) -> u32 {
        let id = self.following(context);
        self.invoke_as(id, false, op, context)
    }

    /// Begins the operation with this identity, which it was handed, or is the next of its own: a number for it.
    pub(super) fn invoke_as(&mut self, id: OperationId, is_handed: bool, op: StreamOp, context: &mut Context<'_, Self>) -> u32 {
        self.open = true;
        context.note(Event::Invoke { client: self.session(context), id, op });
        match is_handed {
            false => self.next(),
            // One that it made up once has the number that it had.
            true if id.life == self.life => id.nth,
            true => {
                self.handed += 1;
                HANDED + self.handed
            }
        }
    }

    /// The identity of the next operation of its own.
    pub(super) fn following(&self, context: &Context<'_, Self>) -> OperationId {
        OperationId::new(self.session(context), self.nth + 1)
    }

    /// It has ended so.
    pub(super) fn complete(&mut self, outcome: Outcome<Streamed>, context: &mut Context<'_, Self>) {
        if std::mem::take(&mut self.open) {
            context.note(Event::Complete { client: self.session(context), outcome });
        }
    }

    /// The next operation of its own is due when it has thought.
    pub(super) fn think(&mut self, context: &mut Context<'_, Self>) {
        let timer = match self.config.role {
            ClientRole::Produces(Producing { handed: true, .. }) => return,
            ClientRole::Produces(_) => ClientTimer::Due(self.following(context)),
            ClientRole::Consumes(_) => ClientTimer::Poll,
        };
        let after = self.drawn(1, context).within(self.config.think);
        context.set_timer(timer, after);
    }

    /// Whether it can begin something.
    pub(super) fn is_free(&self) -> bool {
        self.numbered.is_none() && !self.open
    }

    /// Random words for the next operation.
    pub(super) fn drawn(&self, purpose: u64, context: &mut Context<'_, Self>) -> Stream {
        let id = self.following(context);
        context.random().fork(purpose, id.word())
    }

    /// The broker to ask of a partition.
    pub(super) fn leader(&self, partition: u32) -> NodeId {
        NodeId::server(self.leaders[partition as usize])
    }

    /// That one leads; or another than was thought, if that is not known.
    pub(super) fn learn(&mut self, partition: u32, leader: Option<u32>) {
        let Layout { brokers, .. } = *self.config.layout;
        let known = &mut self.leaders[partition as usize];
        *known = leader.unwrap_or((*known + 1) % brokers);
    }

    /// A step of the producer, or of the consumer, that this client is.
    fn work(
        &mut self,
        context: &mut Context<'_, Self>,
        produce: impl FnOnce(&mut Producer, &mut Self, &mut Context<'_, Self>),
        consume: impl FnOnce(&mut Consumer, &mut Self, &mut Context<'_, Self>),
    ) {
        // It is put back below: what it does with its client, it does not do with itself.
        match std::mem::replace(&mut self.work, Work::Produces(Producer::default())) {
            Work::Produces(mut producer) => {
                produce(&mut producer, self, context);
                self.work = Work::Produces(producer);
            }
            Work::Consumes(mut consumer) => {
                consume(&mut consumer, self, context);
                self.work = Work::Consumes(consumer);
            }
        }
    }
}

impl Process for Client {
    type Config = ClientConfig;
    type Message = Message;
    type Timer = ClientTimer;
    type Note = Event<StreamOp, Streamed>;

    const ROLES: &'static [Role] = &[CONSUMER, PROCESSOR];
    const MARKS: &'static [Mark] = mark::OF_CLIENTS;

    fn boot(config: &ClientConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let life = disk.read(LIVES).map_or(0, <[u8]>::len) as u32;
        context.append(LIVES, b".");
        let numbered = Some(context.sync());
        let layout = &config.layout;
        let leaders = layout.all().map(|partition| partition % layout.brokers).collect();
        let work = match &config.role {
            ClientRole::Produces(_) => Work::Produces(Producer::default()),
            ClientRole::Consumes(_) => Work::Consumes(Consumer::default()),
        };
        let steps = Steps::default();
        Self { config: config.clone(), life, numbered, nth: 0, handed: 0, steps, leaders, quiet: false, open: false, work }
    }

    fn on_message(&mut self, _: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match &self.work {
            Work::Produces(_) => {
                self.work(context, |producer, client, context| producer.on_message(client, message, context), |_, _, _| {})
            }
            Work::Consumes(_) => {
                self.work(context, |_, _, _| {}, |consumer, client, context| consumer.on_message(client, message, context))
            }
        }
    }

    fn on_timer(&mut self, timer: ClientTimer, context: &mut Context<'_, Self>) {
        match timer {
            ClientTimer::Due(operation) => {
                self.steps.wait(operation);
                self.work(context, Producer::begin_next, |_, _, _| {});
            }
            ClientTimer::Poll => self.work(context, |_, _, _| {}, Consumer::begin),
            ClientTimer::Again => self.work(context, Producer::again, Consumer::again),
            ClientTimer::Worked => self.work(context, |_, _, _| {}, Consumer::worked),
            ClientTimer::Beat => self.work(context, |_, _, _| {}, Consumer::beat),
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        if self.numbered.take_if(|awaited| *awaited == token).is_some() {
            self.work(context, Producer::start, Consumer::start);
        }
    }

    fn role(&self) -> Option<Claim> {
        match &self.work {
            Work::Produces(_) => None,
            Work::Consumes(consumer) => {
                let role = if Consumer::is_processor(self) { PROCESSOR } else { CONSUMER };
                Some(role.ranked(consumer.given()))
            }
        }
    }

    fn status(&self) -> String {
        match &self.work {
            Work::Produces(producer) => producer.status(),
            Work::Consumes(consumer) => consumer.status(),
        }
    }
}

impl ClientProcess for Client {
    fn quiesce(&mut self, context: &mut Context<'_, Self>) {
        self.quiet = true;
        self.steps.clear();
        let next = ClientTimer::Due(self.following(context));
        self.work(context, |_, _, context| context.cancel_timer(next), Consumer::quiesce);
    }

    fn under_way(&self) -> usize {
        match &self.work {
            Work::Produces(producer) => usize::from(producer.is_busy()),
            Work::Consumes(consumer) => usize::from(!self.quiet || consumer.is_busy()),
        }
    }
}

impl TakesSteps for Client {
    type Step = BrokerStep;

    fn steps(&self) -> &Steps<BrokerStep> {
        &self.steps
    }

    fn steps_mut(&mut self) -> &mut Steps<BrokerStep> {
        &mut self.steps
    }

    fn due(step: OperationId) -> ClientTimer {
        ClientTimer::Due(step)
    }

    fn is_due(timer: &ClientTimer) -> Option<OperationId> {
        if let ClientTimer::Due(step) = timer { Some(*step) } else { None }
    }

    fn only_handed(config: &mut ClientConfig) {
        if let ClientRole::Produces(producing) = &mut config.role {
            producing.handed = true;
        }
    }

    fn fits(config: &ClientConfig, step: &BrokerStep) -> Result<(), Misfit> {
        match &config.role {
            ClientRole::Produces(producing) => producing.fits(&config.layout, step),
            ClientRole::Consumes(_) => Err(Misfit {
                problem: "this client polls, and sends nothing of its own".to_owned(),
                help: "the first clients are the producers; processors and consumers poll by themselves".to_owned(),
            }),
        }
    }
}
