//! `EventBus`: an event bus on one node, publishers and subscribers.
//!
//! ```ron
//! system: EventBus(delivery: AtLeastOnce, order: ByTopic, buffer: 100, full: Block, answer: "200ms"),
//! workload: (publishers: 2, subscribers: 3, topics: 2, think: "0s..50ms", work: "1ms..5ms", slow: "100ms..200ms"),
//! ```

use super::{Mutant, Nodes, Population, Scripting, System, Written};
use crate::base::{Duration, DurationRange, StreamOp, Streamed};
use crate::check::recorded::streams::spelling;
use crate::check::streams::{Demands, Promise, StreamAnomaly, judge};
use crate::check::{Budget, Property, PropertyReport};
use crate::history::History;
use crate::history::formats::Spelling;
use crate::notation::{Count, Form, Given, LengthRange, Maybe, OneOf, PositiveLength, Setting, Settings, Timed, Timing, settings};
use crate::protocols::bus::properties::{BOUNDED_BUFFERS, BufferJudge};
use crate::protocols::bus::{self, Bus, BusConfig, Delivery, Full, Message, Order, Party, PartyConfig, Publishing, Role, Subscribing};
use crate::trace::Judge;
use crate::world::{Cluster, Conditions};

/// An event bus, and those who use it.
#[derive(Clone, Copy, Debug)]
pub struct EventBus;

/// Its part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBusConfig {
    /// The bus.
    pub settings: BusSettings,
    /// Who uses it.
    pub work: BusWork,
}

static DELIVERIES: [(&str, &str, Delivery); 3] = [
    ("AtMostOnce", "Nothing is sent again; a message counts as delivered before it leaves.", Delivery::AtMostOnce),
    ("AtLeastOnce", "What is not answered is sent again; a message is acknowledged once it is processed.", Delivery::AtLeastOnce),
    ("ExactlyOnce", "The same, and the bus and its subscribers know by its id what they have had.", Delivery::ExactlyOnce),
];

const ORDERS: OneOf<Order> = OneOf(
    "an order",
    &[
        ("ByTopic", "The messages of a topic, one after another.", Order::ByTopic),
        ("ByKey", "The messages of a key, one after another; those of different keys may overtake each other.", Order::ByKey),
        ("No", "None: messages may overtake each other.", Order::No),
    ],
);

static FULLS: [(&str, &str, Full); 4] = [
    ("Block", "The message is not taken in, for any subscriber, until there is room.", Full::Block),
    ("DropOldest", "The oldest message in the buffer makes way.", Full::DropOldest),
    ("DropNewest", "The subscriber does not get the message.", Full::DropNewest),
    ("Disconnect", "The subscriber is cut off, with all in its buffer, and subscribes anew.", Full::Disconnect),
];

settings! {
    /// What a bus has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BusSettings {
        /// How often a message comes: what is sent again, and what is known by its id.
        delivery: Delivery = Delivery::AtLeastOnce, OneOf("a way to deliver", &DELIVERIES);
        /// In which order a subscriber gets messages: what has an order is on its way one at a time, else there are four.
        order: Order = Order::ByTopic, ORDERS;
        /// How many messages the buffer of a subscriber holds, besides what it has been given. Without it, any number.
        buffer: Option<u32> = None, Maybe(Count(1..=1_000_000));
        /// What happens to a message for which a buffer has no room.
        full: Full = Full::Block, OneOf("what a full buffer does", &FULLS);
        /// How long the bus waits until it takes a message for lost that was not acknowledged.
        answer: Duration = Duration::from_millis(200), Timed(PositiveLength, &[Timing::Answer]);
    }
}

settings! {
    /// Publishers and subscribers.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BusWork {
        /// How many clients publish: the first ones.
        publishers: u32 = 2, Count(1..=1000);
        /// How many clients subscribe, to all topics: those after them.
        subscribers: u32 = 2, Count(1..=1000);
        /// How many topics there are.
        topics: u32 = 2, Count(1..=1000);
        /// How many keys the messages of a topic have.
        keys: u32 = 1, Count(1..=1000);
        /// How long a publisher thinks between two messages.
        think: DurationRange = range("0ms..50ms"), LengthRange;
        /// How long a subscriber processes a message.
        work: DurationRange = range("1ms..5ms"), LengthRange;
        /// How long the last subscriber does, if it is slower than the others.
        slow: Option<DurationRange> = None, Maybe(LengthRange);
        /// How long the bus is given to answer, before a client asks again or gives up.
        request_timeout: Duration = Duration::from_millis(100), Timed(PositiveLength, &[Timing::Answer]);
        /// How long a subscriber waits for a message until its poll shows none.
        wait: Duration = Duration::from_millis(500), PositiveLength;
        /// What the bus is held to, if not to what its `delivery` promises.
        promise: Option<Promise> = None, Maybe(PROMISES);
        /// Which order it is held to, if not to its `order`.
        ordered: Option<Order> = None, Maybe(ORDERS);
    }
}

const PROMISES: OneOf<Promise> = OneOf(
    "a promise",
    &[
        ("AtMostOnce", "No message comes twice; one may be lost.", Promise::AtMostOnce),
        ("AtLeastOnce", "No message that was acknowledged is lost; one may come twice.", Promise::AtLeastOnce),
        ("ExactlyOnce", "No message that was acknowledged is lost, and none comes twice.", Promise::ExactlyOnce),
    ],
);

/// A range that is written here.
fn range(text: &str) -> DurationRange {
    text.parse().expect("a range of lengths")
}

/// The anomalies that a bus can show.
const ANOMALIES: [StreamAnomaly; 9] = [
    StreamAnomaly::InconsistentOffsets,
    StreamAnomaly::GarbageRead,
    StreamAnomaly::Duplicate,
    StreamAnomaly::Redelivery,
    StreamAnomaly::LostWrite,
    StreamAnomaly::Unseen,
    StreamAnomaly::NonmonotonicPoll,
    StreamAnomaly::PollSkip,
    StreamAnomaly::NonmonotonicSend,
];

impl BusSettings {
    /// Reports what does not fit together.
    fn fits(&self, given: &Given<'_>) {
        if self.full != Full::Block
            && self.buffer.is_none()
            && let Some(form) = given.complain(&["full"])
        {
            form.report(form.problem("a buffer without a bound is never full").help("say how much it holds: buffer: 100"));
        }
    }
}

impl EventBusConfig {
    /// What is demanded: what the settings promise, or what the workload holds the bus to.
    fn demands(&self) -> Demands {
        let Self { settings, work } = self;
        let promised = match settings.delivery {
            Delivery::AtMostOnce => Promise::AtMostOnce,
            Delivery::AtLeastOnce => Promise::AtLeastOnce,
            Delivery::ExactlyOnce => Promise::ExactlyOnce,
        };
        let forgets = settings.buffer.is_some() && settings.full != Full::Block;
        Demands { ordered: self.held_to() != Order::No, forgets, ..Demands::of(work.promise.unwrap_or(promised)) }
    }

    fn held_to(&self) -> Order {
        self.work.ordered.unwrap_or(self.settings.order)
    }
}

impl Cluster for EventBus {
    type Message = Message;
    type Operation = StreamOp;
    type Response = Streamed;
    type Server = Bus;
    type Client = Party;

    fn unsettled(server: &Bus) -> Option<String> {
        server.unsettled()
    }
}

impl System for EventBus {
    const NAME: &'static str = "EventBus";
    const ABOUT: &'static str = "an event bus on one node, that delivers at most, at least or exactly once, in order or not, from buffers \
                                 with or without bound; publishers, and subscribers of which one may be slow";

    type Config = EventBusConfig;

    fn properties() -> Vec<Property> {
        ANOMALIES.into_iter().map(|anomaly| *anomaly.property()).chain([BOUNDED_BUFFERS]).collect()
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[bus::MUTANTS, bus::DECOYS])
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<EventBusConfig> {
        let work = match workload {
            None => BusWork::default(),
            Some(form) => {
                let mut fields = form.fields()?;
                let (work, _) = BusWork::read(&mut fields);
                fields.finish();
                work
            }
        };
        let mut fields = system.fields()?;
        let (settings, given) = BusSettings::read(&mut fields);
        settings.fits(&given);
        fields.finish();
        Some(EventBusConfig { settings, work })
    }

    fn write(config: &EventBusConfig) -> Written {
        let workload = Some(format!("({})", config.work.written()));
        Written { system: format!("{}({})", Self::NAME, config.settings.written()), workload }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, BusSettings::declared()), ("workload", BusWork::declared())]
    }

    fn population(config: &EventBusConfig) -> Population {
        Population { servers: 1, clients: config.work.publishers + config.work.subscribers }
    }

    fn nodes(config: &EventBusConfig, mutants: &[&'static str]) -> Nodes<Self> {
        let rules = bus::rules_of(mutants);
        let (held_to, BusSettings { delivery, order, buffer, full, answer }) = (config.held_to(), config.settings.clone());
        let BusWork { publishers, subscribers, topics, keys, think, work, slow, request_timeout, wait, .. } = config.work;
        let party = |role| {
            let (topics, keys, rules) = (u64::from(topics), u64::from(keys), rules.clone());
            PartyConfig { delivery, order, held_to, topics, keys, answer: request_timeout, role, rules }
        };
        let subscriber = |nth: u32| {
            let work = slow.filter(|_| nth + 1 == subscribers).unwrap_or(work);
            party(Role::Subscriber(Subscribing { work, wait }))
        };
        let publishers = (0..publishers).map(|_| party(Role::Publisher(Publishing { think: Some(think) })));
        let clients = publishers.chain((0..subscribers).map(subscriber)).collect();
        Nodes { servers: vec![BusConfig { delivery, order, buffer, full, answer, rules: rules.clone() }], clients }
    }

    fn judged(config: &EventBusConfig, _: &Conditions) -> Vec<Property> {
        let BusSettings { buffer, .. } = config.settings;
        let demands = config.demands();
        let forbidden = ANOMALIES.into_iter().filter(|anomaly| demands.forbid(*anomaly)).map(|anomaly| *anomaly.property());
        forbidden.chain(buffer.map(|_| BOUNDED_BUFFERS)).collect()
    }

    fn judges(config: &EventBusConfig, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        if config.settings.buffer.is_some() { vec![Box::new(BufferJudge::default())] } else { Vec::new() }
    }

    fn judge_history(config: &EventBusConfig, history: &History<StreamOp, Streamed>, _: Budget) -> Vec<PropertyReport> {
        let mut reports = judge(config.demands(), history);
        reports.retain(|report| ANOMALIES.iter().any(|anomaly| anomaly.name() == report.name));
        reports
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_steps())
    }

    fn spelling(_: &EventBusConfig) -> Option<Spelling<StreamOp, Streamed>> {
        Some(spelling())
    }
}
