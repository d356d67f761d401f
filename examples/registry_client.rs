//! A protocol of one's own that finds its peers in the registry: each peer registers itself under a lease, watches who else is there, and
//! greets one of them now and then. The registry's server and its client are parts of larger processes here, which speak more than the
//! registry does.
//!
//! `cargo run --example registry_client -- sweep examples/registry_client.ron --seeds 100`

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use stormglass::base::{Duration, DurationRange, NodeId, Time};
use stormglass::check::{Property, PropertyReport, Rule, Violations};
use stormglass::history;
use stormglass::notation::Form;
use stormglass::process::{self, ClientProcess, Context, Embeds, Files, NoNote, Process, SyncToken};
use stormglass::protocols::registry::{
    self, Agent, AgentConfig, AgentTimer, Condition, Health, Instance, Key, News, Operation, Outcome, Value,
};
use stormglass::systems::{Mutant, Nodes, Population, Registry, System, Written};
use stormglass::trace::{Event, Judge, Record, Vocabulary};
use stormglass::world::{Cluster, Conditions};

/// What nodes say: what the registry has to say, and greetings.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Registry(registry::Message),
    Hello,
}
impl process::Message for Message {}

// The servers: those of the registry, in messages of our own.

struct Host(registry::Server);

impl Embeds<registry::Server> for Host {
    const SCOPE: &'static str = "registry";

    fn wrap_message(message: registry::Message) -> Message {
        Message::Registry(message)
    }

    fn wrap_timer(timer: registry::Timer) -> registry::Timer {
        timer
    }

    fn wrap_note(_: registry::Note) -> Option<NoNote> {
        None
    }
}

impl Process for Host {
    type Config = registry::Config;
    type Message = Message;
    type Timer = registry::Timer;
    type Note = NoNote;

    const ROLES: &'static [process::Role] = registry::Server::ROLES;
    const MARKS: &'static [process::Mark] = registry::Server::MARKS;

    fn boot(config: &registry::Config, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        Self(Self::boot_inner(config, disk, context))
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        if let Message::Registry(message) = message {
            context.embed(|context| self.0.on_message(from, message, context));
        }
    }

    fn on_timer(&mut self, timer: registry::Timer, context: &mut Context<'_, Self>) {
        context.embed(|context| self.0.on_timer(timer, context));
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        context.embed(|context| self.0.on_synced(token, context));
    }

    fn role(&self) -> Option<process::Claim> {
        self.0.role()
    }
}

// The peers: each has an agent of the registry within.

struct Peer {
    agent: Agent,
}

/// Where peers are registered.
const PEERS: u32 = 0;
/// How often each greets one of them.
const GREET: Duration = Duration::from_millis(200);
/// How long a lease is: so long those who are gone may be greeted.
const LEASE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Timer {
    Agent(AgentTimer),
    Greet,
}

impl Embeds<Agent> for Peer {
    const SCOPE: &'static str = "agent";

    fn wrap_message(message: registry::Message) -> Message {
        Message::Registry(message)
    }

    fn wrap_timer(timer: AgentTimer) -> Timer {
        Timer::Agent(timer)
    }

    fn wrap_note(note: NoNote) -> Option<Self::Note> {
        match note {}
    }
}

impl Process for Peer {
    type Config = AgentConfig;
    type Message = Message;
    type Timer = Timer;
    type Note = history::Event<NoNote, NoNote>;

    const MARKS: &'static [process::Mark] = Agent::MARKS;

    fn boot(config: &AgentConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let mut agent = Self::boot_inner(config, disk, context);
        context.embed(|context| {
            agent.hold(context);
            agent.watch(PEERS, context);
        });
        context.set_timer(Timer::Greet, GREET);
        Self { agent }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        if let Message::Registry(message) = message {
            context.embed(|context| self.agent.on_message(from, message, context));
            self.catch_up(context);
        }
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_, Self>) {
        match timer {
            Timer::Agent(timer) => context.embed(|context| self.agent.on_timer(timer, context)),
            Timer::Greet => self.greet(context),
        }
        self.catch_up(context);
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        context.embed(|context| self.agent.on_synced(token, context));
        self.catch_up(context);
    }
}

impl Peer {
    /// Whenever it holds a lease, it registers itself under it: again if it is not known whether that was done, and when it was undone.
    fn catch_up(&mut self, context: &mut Context<'_, Self>) {
        loop {
            let news = self.agent.take_news();
            if news.is_empty() {
                return;
            }
            for news in news {
                match news {
                    News::Held(_) | News::Deregistered(_) => self.register(context),
                    News::Over { operation: Operation::Put { .. }, outcome: Outcome::Failed | Outcome::Unknown, .. } => {
                        self.register(context)
                    }
                    _ => {}
                }
            }
        }
    }

    /// If it holds no lease now, it will hear when it does.
    fn register(&mut self, context: &mut Context<'_, Self>) {
        let Some((lease, _)) = self.agent.lease() else { return };
        let me = context.me();
        let instance = Instance { node: me, weight: 1, metadata: 0, health: Health::Passing };
        let put = Operation::Put {
            key: Key { directory: PEERS, name: me.index() as u32 },
            value: Value::Instance(instance),
            lease: Some(lease),
            only: Condition::Always,
        };
        context.embed(|context| self.agent.ask(put, context));
    }

    /// Greets one of those whom it knows of, by their weights: what it knows, the watch keeps fresh. What is too old it does not go by.
    fn greet(&self, context: &mut Context<'_, Self>) {
        context.set_timer(Timer::Greet, GREET);
        let cache = self.agent.cache(PEERS, context.now());
        let fresh = cache.filter(|cache| cache.age.is_some_and(|age| age <= LEASE));
        if let Some(peer) = fresh.and_then(|cache| cache.choose(context.random()))
            && peer.node != context.me()
        {
            context.send(peer.node, Message::Hello);
        }
    }
}

impl ClientProcess for Peer {
    fn quiesce(&mut self, _: &mut Context<'_, Self>) {}

    fn under_way(&self) -> usize {
        self.agent.under_way()
    }
}

// What must hold: nobody greets those who have been gone for long.

const NO_GHOSTS: Property =
    Property::always("no-ghosts", "no peer is greeted that has been down for more than three leases and two seconds");
static GREETED_A_GHOST: Rule = Rule::new("greeted-a-ghost", "{node} greeted {peer}, which is down since {since}");

#[derive(Default)]
struct Ghosts {
    down: BTreeMap<NodeId, Time>,
    found: Violations,
}

impl<V: Vocabulary<Message = Message>> Judge<V> for Ghosts {
    fn observe(&mut self, record: &Record<'_, V>) {
        match *record.event {
            Event::Crash { node, .. } => drop(self.down.insert(node, record.at)),
            Event::Boot { node, .. } => drop(self.down.remove(&node)),
            Event::Send { id, message: Message::Hello, .. } => {
                // A lease at the first leader, its full length anew at the next, and what is in caches may be as old.
                let most = LEASE * 3 + Duration::from_secs(2);
                if let Some(since) = self.down.get(&id.to).filter(|since| **since + most < record.at) {
                    let broken = GREETED_A_GHOST.with("node", id.from).with("peer", id.to).with("since", *since);
                    self.found.add(&NO_GHOSTS, record.sighting(), broken);
                }
            }
            _ => {}
        }
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.found.reports(&[NO_GHOSTS])
    }
}

// The system.

struct Greeters;

impl Cluster for Greeters {
    type Message = Message;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = Host;
    type Client = Peer;
}

impl System for Greeters {
    const NAME: &'static str = "Greeters";
    const ABOUT: &'static str = "peers that find each other in a registry, and greet each other";
    type Config = ();

    fn properties() -> Vec<Property> {
        vec![NO_GHOSTS]
    }

    /// The bugs of what it stands on can be planted here, too: this one makes ghosts.
    fn mutants() -> Vec<Mutant> {
        let known = Mutant::list(&[registry::MUTANTS]).into_iter();
        known
            .filter(|mutant| mutant.name == "registry/forgets-the-silent")
            .map(|mutant| Mutant { property: Some(NO_GHOSTS.name), ..mutant })
            .collect()
    }

    fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<()> {
        system.fields()?.finish();
        Some(())
    }

    fn write((): &()) -> Written {
        Written { system: "Greeters()".to_owned(), workload: None }
    }

    fn population((): &()) -> Population {
        Population { servers: 3, clients: 4 }
    }

    fn nodes((): &(), mutants: &[&'static str]) -> Nodes<Self> {
        let agent = AgentConfig {
            servers: 3,
            lease: LEASE,
            keep_alive: LEASE / 3,
            request_timeout: Duration::from_millis(250),
            operation_timeout: Duration::from_secs(2),
            pause: DurationRange::new(Duration::from_millis(10), Duration::from_millis(50)).expect("10 is below 50"),
            renew: Duration::from_secs(2),
            resumes: true,
            report: None,
            rules: registry::rules_of(mutants),
        };
        let server = registry::Config { rules: registry::rules_of(mutants), ..registry::Config::of(3) };
        Nodes { servers: vec![server; 3], clients: vec![agent; 4] }
    }

    fn judges((): &(), _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        vec![Box::new(Ghosts::default())]
    }
}

/// What it adds to the systems that scenarios can name.
pub(crate) fn registry() -> Registry {
    Registry::new().with::<Greeters>()
}

fn main() -> ExitCode {
    stormglass::cli::main_with(registry())
}
