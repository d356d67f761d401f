//! A client: it has requests when they are due, in an open or a closed loop.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::agenda::{Alarm, Node, Timer};
use super::caller::{Caller, Over, Wanted};
use super::graph::Graph;
use super::mark;
use super::message::Message;
use super::note::Note;
use super::rules::Rules;
use crate::base::{Duration, LocalTime, NodeId, OperationId, Ratio, Stream};
use crate::history::Noted;
use crate::policies::SettingError;
use crate::policies::balancer::Load as Loaded;
use crate::policies::sampler::{Arrivals, Distribution, RateStep, Sampler, Spacing};
use crate::process::{ClientProcess, Context, Files, Mark, Misfit, NoNote, Process, Steps, TakesSteps};

/// A client.
pub struct Client {
    caller: Caller<Asker>,
    pace: Pace,
    important: Ratio,
    /// What else it asks for, and how often.
    mix: Vec<Ratio>,
    /// What its requests are about; of nothing in particular without.
    items: Option<Items>,
    is_quiet: bool,
    /// How many requests of its own it has had, in this life.
    requests: u32,
    /// When it started, which tells its lives apart.
    started: u32,
    steps: Steps<ServicesStep>,
}

/// What a client of services does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ServicesStep {
    /// It has a request for what its workload asks.
    Request {
        /// How important it is: those of a higher priority are shed last.
        #[serde(default)]
        priority: u8,
        /// Which of what its workload asks for: 0 is the first, the others are those of its mix.
        #[serde(default, skip_serializing_if = "is_first")]
        of: u16,
        /// What it is about, where services have items.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_first(of: &u16) -> bool {
    *of == 0
}

/// What a client is built from.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The graph of services, with the route of its requests.
    pub graph: Arc<Graph>,
    /// When it has requests.
    pub load: Load,
    /// How many of its requests are more important than the others.
    pub important: Ratio,
    /// How many of its requests are for the other routes of the graph, each in its turn; the others are for the first.
    pub mix: Vec<Ratio>,
    /// Which items its requests are about, where services have items.
    pub items: Items,
    /// Whether it has only those requests that it is handed, and no load of its own.
    pub handed: bool,
    /// What it goes by.
    pub rules: Arc<dyn Rules>,
}

/// Which items requests are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Items {
    /// How many there are, one at least.
    pub count: u32,
    /// How many of the requests are about the first one; the others are about each of the others as likely.
    pub hot: Ratio,
}

impl Items {
    fn draw(self, random: &mut Stream) -> u32 {
        if self.count < 2 || !self.hot.is_never() && random.chance(self.hot) {
            return 0;
        }
        let first = u32::from(!self.hot.is_never());
        first + random.below(u64::from(self.count - first)) as u32
    }
}

/// When a client has requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Load {
    /// In an open loop: they come however slow the answers are.
    Open(OpenLoop),
    /// At these times since the load began, in their order, however slow the answers are.
    Times(Arc<[Duration]>),
    /// In a closed loop: each user has one request at a time.
    Closed {
        /// How many users there are.
        users: u32,
        /// How long a user thinks after an answer.
        think: Distribution,
    },
}

impl Load {
    /// Whether requests are due after so long.
    pub fn lasts(&self, duration: Duration) -> bool {
        match self {
            Self::Open(OpenLoop { steps, period, .. }) => {
                period.is_some() || steps.last().is_none_or(|last| last.rate.is_some() || last.from > duration)
            }
            Self::Times(times) => times.last().is_some_and(|last| *last >= duration),
            Self::Closed { .. } => true,
        }
    }
}

/// When requests are due in an open loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLoop {
    /// How they are spaced.
    pub spacing: Spacing,
    /// How many come from when on.
    pub steps: Vec<RateStep>,
    /// After how long the steps begin anew; nothing if they do not.
    pub period: Option<Duration>,
}

impl OpenLoop {
    /// The times at which they are due.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn arrivals(&self) -> Result<Arrivals, SettingError> {
        let arrivals = Arrivals::new(self.spacing, self.steps.clone())?;
        match self.period {
            Some(period) => arrivals.repeating(period),
            None => Ok(arrivals),
        }
    }
}

enum Pace {
    Open {
        arrivals: Source,
        /// When the next request is due, since the load began.
        next: Option<Duration>,
    },
    Closed {
        think: Sampler,
    },
    Handed,
}

/// What says when requests are due.
enum Source {
    Rate(Arrivals),
    Times {
        times: Arc<[Duration]>,
        /// How many of them have come.
        come: usize,
    },
}

impl Source {
    /// When the next request is due after one that was due then.
    fn next(&mut self, after: Duration, context: &mut Context<'_, Client>) -> Option<Duration> {
        match self {
            Self::Rate(arrivals) => arrivals.next(after, context.random().word()),
            Self::Times { times, come } => {
                let next = times.get(*come).copied();
                *come += 1;
                next
            }
        }
    }
}
/// What the random words of a request are for that was handed.
const REQUEST: u64 = 1;

/// Who asks: a user of a closed loop, or no one in particular.
type Asker = Option<u32>;

/// The load begins when clocks read zero.
const BEGINNING: LocalTime = LocalTime::from_nanos(0);

impl Node for Client {
    fn noted(note: Note) -> Noted<NoNote, NoNote, Note> {
        Noted::Own(note)
    }
}

impl Process for Client {
    type Config = ClientConfig;
    type Message = Message;
    type Timer = Timer;
    type Note = Noted<NoNote, NoNote, Note>;

    const MARKS: &'static [Mark] = mark::OF_CALLERS;

    fn boot(config: &ClientConfig, _: &Files, context: &mut Context<'_, Self>) -> Self {
        const VALID: &str = "settings were looked at when they were read";
        let ClientConfig { graph, load, important, mix, items, handed, rules } = config;
        let caller = Caller::new(graph, graph.roots(), rules, context.now());
        let items = graph.has_items().then_some(*items);
        let pace = match load {
            _ if *handed => Pace::Handed,
            Load::Open(open) => Pace::Open { arrivals: Source::Rate(open.arrivals().expect(VALID)), next: None },
            // What was due before it started is not asked for.
            Load::Times(times) => {
                let come = times.partition_point(|time| *time < since_beginning(context.now()));
                Pace::Open { arrivals: Source::Times { times: Arc::clone(times), come }, next: None }
            }
            Load::Closed { think, .. } => Pace::Closed { think: Sampler::new(think.clone()).expect(VALID) },
        };
        let started = (context.now().as_nanos().max(0) / 1_000_000) as u32;
        let (important, mix, steps) = (*important, mix.clone(), Steps::default());
        let mut client = Self { caller, pace, important, mix, items, is_quiet: false, requests: 0, started, steps };
        client.caller.discover(context);
        match load {
            _ if *handed => {}
            Load::Open(_) | Load::Times(_) => {
                client.draw_next(since_beginning(context.now()), context);
                client.await_next(context);
            }
            Load::Closed { users, .. } => (0..*users).for_each(|user| client.think(user, context)),
        }
        client
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match message {
            Message::Reply { attempt, answer, value, .. } => self.caller.answered(attempt, answer, value, context),
            Message::Granted { channel, limit } => self.caller.granted(from, channel, limit, context),
            Message::Listed { site, at, instances } => self.caller.listed(site, at, instances, context),
            Message::Load { site, in_flight, latency } => self.caller.loaded(site, from, Loaded { in_flight, latency }, context.now()),
            Message::Request(_)
            | Message::Cancel { .. }
            | Message::Blocked { .. }
            | Message::Register { .. }
            | Message::LookUp { .. }
            | Message::Probe { .. } => {}
        }
        self.go_on(context);
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_, Self>) {
        match timer {
            Timer::Arrive => self.arrive(context),
            Timer::Due(request) => {
                let made_up = self.made_up(&mut context.random().fork(REQUEST, request.word()));
                self.ask(request, made_up, (None, context.now()), context);
            }
            Timer::Wake => {
                while let Some(alarm) = self.caller.agenda.take(context) {
                    match alarm {
                        Alarm::User(_) if self.is_quiet => {}
                        Alarm::User(user) => self.ask_of_its_own((Some(user), context.now()), context),
                        of_a_call => self.caller.alarmed(of_a_call, context),
                    }
                }
            }
            Timer::Work(_) => {}
        }
        self.go_on(context);
    }

    fn status(&self) -> String {
        format!("{} requests under way", self.caller.under_way())
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}

impl Debug for Client {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("under_way", &self.caller.under_way()).field("is_quiet", &self.is_quiet).finish()
    }
}

impl ClientProcess for Client {
    fn quiesce(&mut self, context: &mut Context<'_, Self>) {
        self.is_quiet = true;
        self.steps.clear();
        context.cancel_timer(Timer::Arrive);
        self.tell_idle(context);
    }

    fn under_way(&self) -> usize {
        self.caller.under_way()
    }
}

impl Client {
    /// Requests are due, more than one if the node stood still.
    fn arrive(&mut self, context: &mut Context<'_, Self>) {
        while let Some(next) = self.next().filter(|next| BEGINNING + *next <= context.now()) {
            self.ask_of_its_own((None, BEGINNING + next), context);
            self.draw_next(next, context);
        }
        self.await_next(context);
    }

    /// When the next request is due, since the load began.
    fn next(&self) -> Option<Duration> {
        if let Pace::Open { next, .. } = &self.pace { *next } else { None }
    }

    /// Draws when the next request is due after this time.
    fn draw_next(&mut self, after: Duration, context: &mut Context<'_, Self>) {
        if let Pace::Open { arrivals, next } = &mut self.pace {
            *next = arrivals.next(after, context);
        }
    }

    fn await_next(&self, context: &mut Context<'_, Self>) {
        if let Some(next) = self.next() {
            context.set_timer(Timer::Arrive, (BEGINNING + next).since(context.now()));
        }
    }

    fn think(&mut self, user: u32, context: &mut Context<'_, Self>) {
        let Pace::Closed { think } = &self.pace else { return };
        let at = context.now() + think.draw(context.random());
        self.caller.agenda.set(at, Alarm::User(user), context);
    }

    /// Has a request that it makes up: for whom, and when it was due.
    fn ask_of_its_own(&mut self, wish: (Asker, LocalTime), context: &mut Context<'_, Self>) {
        self.requests += 1;
        let id = OperationId { client: context.me().index() as u32, life: self.started, nth: self.requests };
        let made_up = self.made_up(context.random());
        self.ask(id, made_up, wish, context);
    }

    /// A request with these random words: its own id, and what it is.
    fn made_up(&self, random: &mut Stream) -> (u64, ServicesStep) {
        let root = random.word();
        let priority = u8::from(!self.important.is_never() && random.chance(self.important));
        let of = self.mix.iter().position(|share| random.chance(*share)).map_or(0, |place| place as u16 + 1);
        let item = self.items.map(|items| items.draw(random));
        (root, ServicesStep::Request { priority, of, item })
    }

    fn ask(
        &mut self,
        id: OperationId,
        (root, made_up): (u64, ServicesStep),
        (asker, due): (Asker, LocalTime),
        context: &mut Context<'_, Self>,
    ) {
        let ServicesStep::Request { priority, of, item } = self.steps.begin(id, context.now(), || made_up);
        // What is written down need not name an item.
        let item = self.items.map(|_| item.unwrap_or(0));
        let deadline = self.caller.own_deadline(of, context.now());
        context.note(Self::noted(Note::Begun { service: self.caller.service(of), call: root, deadline, item }));
        let wanted = Wanted { root, call: root, priority, deadline: None, due, item, when_durable: false };
        self.caller.begin(of, asker, wanted, context);
    }

    /// Users whose requests are over think.
    fn go_on(&mut self, context: &mut Context<'_, Self>) {
        while let Some(Over { token: asker, .. }) = self.caller.take_over() {
            if let Some(user) = asker {
                self.think(user, context);
            }
        }
        self.tell_idle(context);
    }

    fn tell_idle(&self, context: &mut Context<'_, Self>) {
        if self.is_quiet && self.caller.under_way() == 0 {
            context.note(Self::noted(Note::Idle));
        }
    }
}

fn since_beginning(now: LocalTime) -> Duration {
    if now > BEGINNING { now.since(BEGINNING) } else { Duration::ZERO }
}

impl TakesSteps for Client {
    type Step = ServicesStep;

    fn steps(&self) -> &Steps<ServicesStep> {
        &self.steps
    }

    fn steps_mut(&mut self) -> &mut Steps<ServicesStep> {
        &mut self.steps
    }

    fn due(step: OperationId) -> Timer {
        Timer::Due(step)
    }

    fn is_due(timer: &Timer) -> Option<OperationId> {
        if let Timer::Due(step) = timer { Some(*step) } else { None }
    }

    fn only_handed(config: &mut ClientConfig) {
        config.handed = true;
    }

    fn fits(config: &ClientConfig, ServicesStep::Request { of, item, .. }: &ServicesStep) -> Result<(), Misfit> {
        Misfit::below("thing that its clients ask for", u64::from(*of), config.mix.len() as u64 + 1)?;
        match item {
            Some(_) if !config.graph.has_items() => {
                Err(Misfit { problem: "its services have no items".to_owned(), help: "leave the item out".to_owned() })
            }
            Some(item) => Misfit::below("item", u64::from(*item), u64::from(config.items.count.max(1))),
            None => Ok(()),
        }
    }
}
