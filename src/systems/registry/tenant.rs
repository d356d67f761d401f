//! The clients of a registry: each runs an instance, and looks for others.

use std::fmt::{self, Debug, Formatter};

use serde::{Deserialize, Serialize, Serializer};

use super::{RegistryLoad, RegistryMix};
use crate::base::{ClientId, NodeId, OperationId, Stream, sample_exponential};
use crate::history::{Event, Noted, Outcome as Ended};
use crate::process::{self, ClientProcess, Embeds, Files, Mark, Misfit, NoNote, Process, Steps, SyncToken, TakesSteps};
use crate::protocols::registry::{
    Agent, AgentConfig, AgentNote, AgentTimer, Condition, Health, Instance, Key, Listing, Message, News, Operation, Outcome, Response,
    Value,
};
use crate::workload::Pace;

type Context<'a> = process::Context<'a, Tenant>;

/// What a client of a registry is built from.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    /// What its part is built from that speaks to the registry.
    pub agent: AgentConfig,
    /// When it does something.
    pub pace: Pace,
    /// How many clients there are.
    pub clients: u32,
    /// Whether it watches; else it lists once what it looks for.
    pub watch: bool,
    /// What it does.
    pub load: RegistryLoad,
}

/// A client of a registry. It runs one instance, which it registers under a lease, as often as it must; it watches services, and looks for
/// instances.
#[derive(Debug)]
pub struct Tenant {
    config: TenantConfig,
    agent: Agent,
    /// Its instance.
    key: Key,
    weight: u32,
    /// Whether its instance is to be registered.
    is_wanted: bool,
    is_well: bool,
    /// Whether it asks for the registration.
    is_asked: bool,
    /// Whether it has told that it is registered.
    is_told: bool,
    /// The registration that it is about to delete, by the revision at which it came to be.
    leaves: Option<u64>,
    /// The services that it watches, and the list of each if it does not watch but has listed them.
    watched: Vec<(u32, Option<Listing>)>,
    /// How many things it has done, how many of its own it has planned, and how many operations it has begun, in this life.
    done: u64,
    planned: u32,
    began: u32,
    /// The number of this life.
    life: u32,
    steps: Steps<RegistryStep>,
    is_quiet: bool,
}

/// The timers of a client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TenantTimer {
    /// One of its agent's.
    Agent(AgentTimer),
    /// It is time to do this.
    Due(OperationId),
}

/// What is due is not shown, nor written, with the timer.
impl Debug for TenantTimer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(timer) => f.debug_tuple("Agent").field(timer).finish(),
            Self::Due(_) => f.write_str("Due"),
        }
    }
}

impl Serialize for TenantTimer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Agent(timer) => serializer.serialize_newtype_variant("TenantTimer", 0, "Agent", timer),
            Self::Due(_) => serializer.serialize_unit_variant("TenantTimer", 1, "Due"),
        }
    }
}

/// What a client of a registry does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RegistryStep {
    /// It lists a service: what it finds is current.
    List {
        /// Which service, from 0.
        service: u32,
    },
    /// It asks any server for a service, and is told how old the answer is.
    Peek {
        /// Which service, from 0.
        service: u32,
    },
    /// It looks into its cache of what it watches.
    Look,
    /// It registers its instance once more, with this weight.
    Update {
        /// How much its instance is to be asked, against the others.
        weight: u32,
    },
    /// It deregisters its instance; if it is deregistered, it registers it again.
    Leave,
    /// It revokes its lease, and takes another.
    Revoke,
    /// Its instance gets sick; if it is sick, it gets well again.
    Sicken,
}

/// What random words are for.
const DEEDS: u64 = 1;

impl Process for Tenant {
    type Config = TenantConfig;
    type Message = Message;
    type Timer = TenantTimer;
    type Note = Noted<Operation, Response, AgentNote>;

    const MARKS: &'static [Mark] = Agent::MARKS;

    fn boot(config: &TenantConfig, disk: &Files, context: &mut Context<'_>) -> Self {
        let me = context.me().index() as u32;
        let RegistryLoad { services, watches, .. } = config.load;
        let agent = Self::boot_inner(&config.agent, disk, context);
        let life = agent.session(context.me()).session;
        let watched = (0..watches).map(|place| ((me + place) % services, None)).collect();
        let mut tenant = Self {
            config: config.clone(),
            agent,
            key: Key { directory: me % services, name: me },
            weight: 1,
            is_wanted: true,
            is_well: true,
            is_asked: false,
            is_told: false,
            leaves: None,
            watched,
            done: 0,
            planned: 0,
            began: 0,
            life,
            steps: Steps::default(),
            is_quiet: false,
        };
        tenant.begin(context);
        tenant.expect_next(context);
        tenant
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        context.embed(|context| self.agent.on_message(from, message, context));
        self.catch_up(context);
    }

    fn on_timer(&mut self, timer: TenantTimer, context: &mut Context<'_>) {
        match timer {
            TenantTimer::Agent(timer) => context.embed(|context| self.agent.on_timer(timer, context)),
            TenantTimer::Due(step) => self.act(step, context),
        }
        self.catch_up(context);
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_>) {
        context.embed(|context| self.agent.on_synced(token, context));
        self.catch_up(context);
    }

    fn status(&self) -> String {
        let registered = if self.is_told { "registered" } else { "not registered" };
        format!("{registered}, {}", self.agent.status())
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}

impl ClientProcess for Tenant {
    /// It does nothing new, but has its instance registered: every one that lives must be found.
    fn quiesce(&mut self, context: &mut Context<'_>) {
        self.is_quiet = true;
        self.steps.clear();
        context.cancel_timer(TenantTimer::Due(self.next(context)));
        self.is_wanted = true;
        if !self.is_told {
            self.register(context);
        }
        context.embed(|context| self.agent.confirm(context));
        self.catch_up(context);
    }

    fn under_way(&self) -> usize {
        let lists = self.config.watch.then(|| self.watched.iter().filter(|(service, _)| self.agent.revision(*service).is_none()).count());
        let registers = self.is_wanted && self.is_well && !self.is_told;
        self.agent.under_way() + usize::from(registers) + usize::from(self.agent.is_confirming()) + lists.unwrap_or(0)
    }
}

impl Embeds<Agent> for Tenant {
    const SCOPE: &'static str = "agent";

    fn wrap_message(message: Message) -> Message {
        message
    }

    fn wrap_timer(timer: AgentTimer) -> TenantTimer {
        TenantTimer::Agent(timer)
    }

    fn wrap_note(note: NoNote) -> Option<Self::Note> {
        match note {}
    }
}

/// Its instance.
impl Tenant {
    fn begin(&mut self, context: &mut Context<'_>) {
        context.embed(|context| self.agent.hold(context));
        for (service, _) in &self.watched {
            let directory = *service;
            if self.config.watch {
                context.embed(|context| self.agent.watch(directory, context));
            } else {
                context.embed(|context| self.agent.ask(Operation::List { directory }, context));
            }
        }
    }

    /// Asks for its registration, under the lease that it has.
    fn register(&mut self, context: &mut Context<'_>) {
        let Some((lease, _)) = self.agent.lease().filter(|_| self.is_wanted && !self.is_asked && self.leaves.is_none()) else { return };
        let instance = Instance { node: context.me(), weight: self.weight, metadata: self.done, health: Health::Passing };
        self.is_asked = true;
        let put = Operation::Put { key: self.key, value: Value::Instance(instance), lease: Some(lease), only: Condition::Always };
        context.embed(|context| self.agent.ask(put, context));
    }

    /// Deletes its registration: that one, and not what it may register later.
    ///
    /// 1. It asks to delete its registration, and hears nothing.
    /// 2. It asks again, and the registration is deleted. It registers anew.
    /// 3. The first message arrives late, and is about what is gone.
    fn leave(&mut self, created: u64, context: &mut Context<'_>) {
        self.leaves = Some(created);
        let delete = Operation::Delete { key: self.key, only: Condition::Created(created) };
        context.embed(|context| self.agent.ask(delete, context));
    }

    fn tell_registered(&mut self, created: Option<u64>, context: &mut Context<'_>) {
        let key = self.key;
        if let Some(created) = created {
            context.note(Noted::Own(AgentNote::Registered { key, created }));
        } else if self.is_told {
            context.note(Noted::Own(AgentNote::Unregistered { key }));
        }
        self.is_told = created.is_some();
    }
}

/// What it does.
impl Tenant {
    fn expect_next(&mut self, context: &mut Context<'_>) {
        self.planned += 1;
        let next = self.next(context);
        let mut random = random_of(next, context);
        let after = match self.config.pace {
            Pace::Open(rate) => sample_exponential(rate.gap(self.config.clients), random.word()),
            Pace::Closed { think } => random.within(think),
            Pace::Handed => return,
        };
        context.set_timer(TenantTimer::Due(next), after);
    }

    /// What it does next by itself, or has done last.
    fn next(&self, context: &Context<'_>) -> OperationId {
        OperationId { client: context.me().index() as u32, life: self.life, nth: self.planned }
    }

    fn act(&mut self, id: OperationId, context: &mut Context<'_>) {
        let is_handed = self.steps.is_handed(id);
        let mut random = random_of(id, context);
        let RegistryLoad { mix, services, .. } = self.config.load;
        let step = self.steps.begin(id, context.now(), || {
            let _ = random.word();
            chosen(mix, services, &mut random)
        });
        self.done += 1;
        if !is_handed {
            self.expect_next(context);
        }
        match step {
            RegistryStep::List { service: directory } => {
                context.embed(|context| self.agent.ask(Operation::List { directory }, context));
            }
            RegistryStep::Peek { service } => {
                let age_max = self.config.load.age_max;
                context.embed(|context| self.agent.peek(service, age_max, context));
            }
            RegistryStep::Look => self.look(context),
            RegistryStep::Update { weight } => {
                self.weight = weight;
                self.register(context);
            }
            RegistryStep::Leave if self.is_wanted => {
                self.is_wanted = false;
                let created = self.agent.registered().find(|(key, _)| *key == self.key).map(|(_, created)| created);
                if let Some(created) = created.filter(|_| self.is_told) {
                    self.leave(created, context);
                }
                self.tell_registered(None, context);
            }
            RegistryStep::Leave => {
                self.is_wanted = true;
                self.register(context);
            }
            RegistryStep::Revoke if self.agent.lease().is_some() => context.embed(|context| {
                self.agent.let_go(context);
                self.agent.hold(context);
            }),
            RegistryStep::Revoke => {}
            RegistryStep::Sicken => self.set_well(!self.is_well, context),
        }
    }

    fn set_well(&mut self, is_well: bool, context: &mut Context<'_>) {
        self.is_well = is_well;
        self.agent.set_well(is_well);
        context.note(Noted::Own(AgentNote::Health { is_well }));
        if is_well {
            // It may have been deregistered.
            self.register(context);
        }
    }

    /// Looks into its cache.
    fn look(&self, context: &mut Context<'_>) {
        let now = context.now();
        for (service, listed) in &self.watched {
            let found = match (listed, self.agent.cache(*service, now)) {
                (Some(listing), _) => Some((listing.clone(), None)),
                (None, Some(cache)) => {
                    let items = cache.items.iter().map(|(name, item)| (*name, *item)).collect();
                    Some((Listing { revision: cache.revision, items }, cache.age))
                }
                (None, None) => None,
            };
            if let Some((listing, age)) = found {
                context.note(Noted::Own(AgentNote::Looked { directory: *service, listing, age }));
            }
        }
    }
}

/// What has come of it.
impl Tenant {
    fn catch_up(&mut self, context: &mut Context<'_>) {
        loop {
            let news = self.agent.take_news();
            if news.is_empty() {
                return;
            }
            for news in news {
                self.on_news(news, context);
            }
        }
    }

    fn on_news(&mut self, news: News, context: &mut Context<'_>) {
        match news {
            News::Began { client, operation, .. } => {
                let id = OperationId::new(ClientId { client: client.client, session: client.session }, self.began + 1);
                self.began += 1;
                context.note(Noted::Event(Event::Invoke { client, id, op: operation }));
            }
            News::Over { client, operation, outcome, .. } => self.on_over(client, &operation, outcome, context),
            News::Held(_) => self.register(context),
            News::Lost(_) => self.tell_registered(None, context),
            News::Deregistered(_) => {
                self.tell_registered(None, context);
                if self.is_well {
                    self.register(context);
                }
            }
            News::Listed(directory, listing) => context.note(Noted::Own(AgentNote::Listed { directory, listing })),
            News::Compacted(directory, through) => context.note(Noted::Own(AgentNote::Compacted { directory, through })),
            News::Changed(change) => context.note(Noted::Own(AgentNote::Saw(change))),
            News::Peeked { directory, found: Some((listing, age)), .. } => {
                context.note(Noted::Own(AgentNote::Shown { directory, listing, age }));
            }
            News::Peeked { found: None, .. } => {}
        }
    }

    fn on_over(&mut self, client: ClientId, operation: &Operation, outcome: Outcome, context: &mut Context<'_>) {
        let ended = match &outcome {
            Outcome::Done(response) => Ended::Done(response.clone()),
            Outcome::Failed => Ended::Failed,
            Outcome::Unknown => Ended::Unknown,
        };
        context.note(Noted::Event(Event::Complete { client, outcome: ended }));
        match (operation, outcome) {
            (Operation::Put { lease, .. }, outcome) => {
                self.is_asked = false;
                let holds = self.agent.lease().map(|(lease, _)| lease) == *lease;
                match outcome {
                    Outcome::Done(Response::Put { created }) if holds && self.is_wanted && self.leaves.is_none() => {
                        self.tell_registered(Some(created), context);
                    }
                    Outcome::Done(Response::Put { created }) if self.leaves.is_none() && !self.is_wanted => self.leave(created, context),
                    // Of what became of it nothing is known, or the lease was over: it asks again, if it has another.
                    _ if !self.is_told => self.register(context),
                    _ => {}
                }
            }
            (Operation::List { directory }, Outcome::Done(Response::Listed(listing))) if !self.config.watch => {
                if let Some((_, listed)) = self.watched.iter_mut().find(|(service, listed)| service == directory && listed.is_none()) {
                    *listed = Some(listing);
                }
            }
            // It may have changed its mind meanwhile.
            (Operation::Delete { .. }, Outcome::Done(_)) => {
                self.leaves = None;
                self.register(context);
            }
            // What was to be deleted may be there yet: until that is known, nothing new is registered.
            (Operation::Delete { .. }, _) => {
                if let Some(created) = self.leaves {
                    self.leave(created, context);
                }
            }
            _ => {}
        }
    }
}

/// The random words of a step: no other hangs on them.
fn random_of(step: OperationId, context: &mut Context<'_>) -> Stream {
    let identity = if step.script_number().is_some() { step.word() } else { u64::from(step.nth.saturating_sub(1)) };
    context.random().fork(DEEDS, identity)
}

/// A step of this mix, about one of so many services.
fn chosen(mix: RegistryMix, services: u32, random: &mut Stream) -> RegistryStep {
    let RegistryMix { list, peek, look, update, leave, revoke, sicken } = mix;
    let mut part = random.below([list, peek, look, update, leave, revoke, sicken].iter().map(|count| u64::from(*count)).sum());
    let service = random.below(u64::from(services)) as u32;
    let weight = 1 + random.below(100) as u32;
    for (count, step) in [
        (list, RegistryStep::List { service }),
        (peek, RegistryStep::Peek { service }),
        (look, RegistryStep::Look),
        (update, RegistryStep::Update { weight }),
        (leave, RegistryStep::Leave),
        (revoke, RegistryStep::Revoke),
        (sicken, RegistryStep::Sicken),
    ] {
        if part < u64::from(count) {
            return step;
        }
        part -= u64::from(count);
    }
    RegistryStep::List { service }
}

impl TakesSteps for Tenant {
    type Step = RegistryStep;

    fn steps(&self) -> &Steps<RegistryStep> {
        &self.steps
    }

    fn steps_mut(&mut self) -> &mut Steps<RegistryStep> {
        &mut self.steps
    }

    fn due(step: OperationId) -> TenantTimer {
        TenantTimer::Due(step)
    }

    fn is_due(timer: &TenantTimer) -> Option<OperationId> {
        if let TenantTimer::Due(step) = timer { Some(*step) } else { None }
    }

    fn only_handed(config: &mut TenantConfig) {
        config.pace = Pace::Handed;
    }

    fn fits(config: &TenantConfig, step: &RegistryStep) -> Result<(), Misfit> {
        match step {
            RegistryStep::List { service } | RegistryStep::Peek { service } => {
                Misfit::below("service", u64::from(*service), u64::from(config.load.services))
            }
            _ => Ok(()),
        }
    }
}
