//! A small system to try scenarios with: servers that take turns at leading, count on disk what they are sent, and clients that send.
//!
//! It promises little, but has what scenarios can name: roles, marks, messages of several kinds, files, a property and a planted bug.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::base::{ClientId, Duration, DurationRange, NodeId, OperationId};
use crate::check::{Budget, Property, PropertyReport};
use crate::history::{self, History};
use crate::notation::Form;
use crate::process::{self, Claim, ClientProcess, Context, Files, Mark, NoNote, Process, Role, SyncToken};
use crate::systems::{Mutant, Nodes, Population, Registry, System, Written};
use crate::world::Cluster;

/// The toy under its own name, the toy with a stricter sister, and a stand-in for a system that takes what `RaftKv` takes.
pub(super) fn registry() -> Registry {
    Registry::new().with::<Toy<Plain>>().with::<Toy<Sister>>().with::<Toy<Raftish>>()
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Message {
    Add { session: ClientId },
    Added { count: u64 },
    AppendEntries { term: u64 },
}
impl process::Message for Message {}

#[derive(Clone, Debug)]
pub(super) struct ServerConfig {
    servers: u32,
    heartbeat: Duration,
    forgets: bool,
}

/// Leads if it has heard of no leader for a while; counts what it is sent.
pub(super) struct Server {
    config: ServerConfig,
    term: u64,
    leads: bool,
    count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Bell {
    Heartbeat,
    Silence,
}

impl Server {
    const LEADER_LOST: &str = "leader lost";

    fn listen(&self, context: &mut Context<'_, Self>) {
        let patience = self.config.heartbeat * 2 + context.random().within(DurationRange::from(self.config.heartbeat));
        let more = context.random().below(self.config.heartbeat.as_nanos() + 1);
        context.set_timer(Bell::Silence, patience + Duration::from_nanos(more));
    }

    fn beat(&self, context: &mut Context<'_, Self>) {
        let me = context.me();
        for peer in (0..self.config.servers).map(NodeId::server).filter(|peer| *peer != me) {
            context.send(peer, Message::AppendEntries { term: self.term });
        }
        context.set_timer(Bell::Heartbeat, self.config.heartbeat);
    }

    fn follow(&mut self, term: u64, context: &mut Context<'_, Self>) {
        if term < self.term || (self.leads && term == self.term) {
            return;
        }
        if self.leads {
            self.leads = false;
            context.sometimes(Self::LEADER_LOST);
            context.cancel_timer(Bell::Heartbeat);
        }
        self.term = term;
        self.listen(context);
    }
}

const LEADER: Role = Role::new("Leader", "");
const FOLLOWER: Role = Role::new("Follower", "");

impl Process for Server {
    type Config = ServerConfig;
    type Message = Message;
    type Timer = Bell;
    type Note = NoNote;
    const ROLES: &'static [Role] = &[LEADER, FOLLOWER];
    const MARKS: &'static [Mark] = &[Mark::new(Self::LEADER_LOST, "")];

    fn boot(config: &ServerConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let read = |name| disk.read(name).map_or(0, |bytes| bytes.len() as u64);
        let server = Self { config: config.clone(), term: read("term"), leads: false, count: read("count") };
        server.listen(context);
        server
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match message {
            Message::Add { .. } => {
                self.count += 1;
                context.append("count", b"+");
                let count = if self.config.forgets { 0 } else { self.count };
                context.send_when_durable(from, Message::Added { count });
            }
            Message::AppendEntries { term } => self.follow(term, context),
            Message::Added { .. } => {}
        }
    }

    fn on_timer(&mut self, bell: Bell, context: &mut Context<'_, Self>) {
        if bell == Bell::Silence {
            self.term += 1;
            self.leads = true;
            context.append("term", b"+");
            context.sync();
        }
        if self.leads {
            self.beat(context);
        }
    }

    fn on_synced(&mut self, _: SyncToken, context: &mut Context<'_, Self>) {
        if self.leads {
            self.beat(context);
        }
    }

    fn role(&self) -> Option<Claim> {
        Some(if self.leads { LEADER } else { FOLLOWER }.ranked(self.term))
    }
}

/// Asks one server after the other, each time once it has an answer or none for a while.
pub(super) struct Client {
    me: ClientId,
    servers: u32,
    next: u32,
    asked: u32,
    waits: bool,
    quiet: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Add;

impl Client {
    fn complete(&mut self, outcome: history::Outcome<u64>, context: &mut Context<'_, Self>) {
        if std::mem::take(&mut self.waits) {
            context.note(history::Event::Complete { client: self.me, outcome });
        }
        let pause = context.random().below(20_000_000);
        context.set_timer((), Duration::from_nanos(1 + pause));
    }
}

impl Process for Client {
    type Config = (ClientId, u32);
    type Message = Message;
    type Timer = ();
    type Note = history::Event<Add, u64>;
    const MARKS: &'static [Mark] = &[Mark::new("client started", ""), Mark::new("client gave up", "")];

    fn boot(&(me, servers): &(ClientId, u32), _: &Files, context: &mut Context<'_, Self>) -> Self {
        // A session of its own for each boot: what an earlier one had open stays open.
        let session = context.random().below(1 << 30) as u32;
        context.sometimes("client started");
        context.set_timer((), Duration::from_millis(1));
        Self { me: ClientId { session, ..me }, servers, next: me.client, asked: 0, waits: false, quiet: false }
    }

    fn on_message(&mut self, _: NodeId, message: Message, context: &mut Context<'_, Self>) {
        if let (Message::Added { count }, true) = (message, self.waits) {
            self.complete(history::Outcome::Done(count), context);
        }
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        if self.waits {
            context.sometimes("client gave up");
            self.complete(history::Outcome::Unknown, context);
        } else if !self.quiet {
            self.waits = true;
            self.next = (self.next + 1) % self.servers;
            self.asked += 1;
            context.note(history::Event::Invoke { client: self.me, id: OperationId::new(self.me, self.asked), op: Add });
            context.send(NodeId::server(self.next), Message::Add { session: self.me });
            context.set_timer((), Duration::from_millis(60));
        }
    }
}

impl ClientProcess for Client {
    fn quiesce(&mut self, _: &mut Context<'_, Self>) {
        self.quiet = true;
    }

    fn under_way(&self) -> usize {
        usize::from(self.waits)
    }
}

/// The toy, under the name that `F` gives it.
pub(super) struct Toy<F>(PhantomData<F>);

/// How a toy is called, and what it takes.
pub(super) trait Flavour: 'static {
    const NAME: &'static str;
    const MUTANTS: &'static [Mutant];
    /// What more its own part of a scenario may hold.
    const SYSTEM: &'static [&'static str] = &[];
    const WORKLOAD: &'static [&'static str] = &[];
}

pub(super) struct Plain;
impl Flavour for Plain {
    const NAME: &'static str = "Toy";
    const MUTANTS: &'static [Mutant] = &[mutant("toy/forgets")];
}

pub(super) struct Sister;
impl Flavour for Sister {
    const NAME: &'static str = "Sister";
    const MUTANTS: &'static [Mutant] = &[mutant("sister/forgets")];
}

pub(super) struct Raftish;
impl Flavour for Raftish {
    const NAME: &'static str = "RaftKv";
    const MUTANTS: &'static [Mutant] = &[mutant("raft/forgets-vote"), mutant("raft/commits-old-term")];
    const SYSTEM: &'static [&'static str] = &["election_timeout"];
    const WORKLOAD: &'static [&'static str] = &["keys", "rate", "mix"];
}

const fn mutant(name: &'static str) -> Mutant {
    Mutant { name, property: Some(COUNTS.name), about: "answers zero", source: "made up", needs: &["nothing"], rules: () }
}

const COUNTS: Property = Property::always("counts", "who adds is told a count above zero");

#[derive(Clone, Debug)]
pub(super) struct Config {
    servers: u32,
    clients: u32,
    heartbeat: Duration,
    /// What the flavour takes and the toy does not use, as it is written.
    system: Vec<(&'static str, String)>,
    workload: Vec<(&'static str, String)>,
}

impl<F: 'static> Cluster for Toy<F> {
    type Message = Message;
    type Operation = Add;
    type Response = u64;
    type Server = Server;
    type Client = Client;
}

impl<F: Flavour> System for Toy<F> {
    const NAME: &'static str = F::NAME;
    const ABOUT: &'static str = "Servers that count, and take turns at leading.";
    type Config = Config;

    fn properties() -> Vec<Property> {
        vec![COUNTS]
    }

    fn mutants() -> Vec<Mutant> {
        F::MUTANTS.to_vec()
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<Config> {
        let (mut clients, mut load) = (2, vec![]);
        if let Some(mut fields) = workload.and_then(Form::fields) {
            clients = fields.read_or("clients", clients, |count| count.count(0..=1_000_000));
            for name in F::WORKLOAD {
                load.extend(fields.take(*name).map(|form| (*name, form.raw().to_owned())));
            }
            fields.finish();
        }
        let mut fields = system.fields()?;
        let servers = fields.read_or("nodes", Some(5), |nodes| Some(nodes.count(1..=1_000_000)));
        let heartbeat = fields.read_or("heartbeat", Duration::from_millis(50), Form::duration_positive);
        let mut more = vec![];
        for name in F::SYSTEM {
            more.extend(fields.take(*name).map(|form| (*name, form.raw().to_owned())));
        }
        fields.finish();
        Some(Config { servers: servers?, clients, heartbeat, system: more, workload: load })
    }

    fn write(config: &Config) -> Written {
        let more = |fields: &[(&str, String)]| fields.iter().map(|(name, value)| format!(", {name}: {value}")).collect::<String>();
        let system = format!("{}(nodes: {}, heartbeat: \"{}\"{})", F::NAME, config.servers, config.heartbeat, more(&config.system));
        Written { system, workload: Some(format!("(clients: {}{})", config.clients, more(&config.workload))) }
    }

    fn population(config: &Config) -> Population {
        Population { servers: config.servers, clients: config.clients }
    }

    fn nodes(config: &Config, mutants: &[&'static str]) -> Nodes<Self> {
        let server = ServerConfig { servers: config.servers, heartbeat: config.heartbeat, forgets: !mutants.is_empty() };
        Nodes {
            servers: vec![server; config.servers as usize],
            clients: (0..config.clients).map(|client| (ClientId::new(client), config.servers)).collect(),
        }
    }

    fn judge_history(_: &Config, history: &History<Add, u64>, budget: Budget) -> Vec<PropertyReport> {
        assert!(budget.states > Some(0), "a budget");
        let wrong = history.operations().iter().find(|operation| operation.result() == Some(&0));
        let told = |client| format!("{client} added, and was told that the count is 0");
        vec![wrong.map_or(PropertyReport::holds(&COUNTS), |wrong| PropertyReport::violated(&COUNTS, wrong.invoked, told(wrong.client)))]
    }
}
