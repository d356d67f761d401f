//! One run: nodes, their environment, a plan of faults, judges and sinks, put together.
//!
//! [`World::run`] takes a [`Setup`] and a seed and returns a [`Run`]: what happened, judged by the judges that were given, with the history
//! of what the clients saw. It is a pure function: the same setup and seed give the same digest, everywhere.

#[macro_use]
mod core;
mod calls;
mod host;
mod keys;
mod machine;
mod nemesis;
mod outcome;
mod recorder;
mod settle;
mod setup;
mod slab;
mod stage;
mod timers;
mod view;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::base::{Duration, KindDigest, MessageId, NodeId, Time};
use crate::check::{self, Panic, Pending, Property, PropertyReport};
use crate::engine::{Advance, Budget, Engine, Limit};
use crate::environment::Network;
use crate::process::{Mark, Message, Process};
use crate::trace::{Event, Judge, Sink};

pub use host::NodeState;
pub use keys::{Entity, Redraw, Whose};
pub use outcome::{FaultCount, MarkCount, Messages, Operations, Outcome, Run, ScriptCounts, StepCount, Stray};
pub use setup::{ClientNote, Cluster, Conditions, Counted, DiskModel, DueTimes, Reached, Script, Scripted, Setup};
pub use view::{DiskView, Load, MessageView, Moment, NodeView, Observer, Standing, View};

use self::core::{Bounds, Core, Excess};
use calls::Call;
use host::{Clients, Host, Servers};
use keys::Keys;
use nemesis::Nemesis;
use recorder::{Recorder, Watching};
use settle::Settling;
use slab::MessageHandle;
use stage::Stage;

/// No node's code panics.
pub const NO_PANIC: Property = Property::always("no-panic", "no node's code panics");
/// Time goes on.
pub const TIME_ADVANCES: Property = Property::always("time-advances", "simulated time goes on: no endless chain of events in one instant");
/// When the faults are over and everything is healed, a fresh operation completes, nothing stays under way, and the replicas agree.
pub const PROGRESS: Property = Property::eventually(
    "progress",
    "when the faults are over and everything is healed, a fresh operation completes, nothing stays under way, and the replicas agree",
);
/// Each client does one operation at a time.
pub const WELL_FORMED: Property =
    Property::always("well-formed-history", "each client does one operation at a time, but for those whose outcome it never learned");

/// No judge panics. It is reported on only where it is violated: a judge is no part of what it judges.
pub const JUDGE_PANICKED: Property = Property::always("judge-panicked", "no judge panics");

/// The properties that the world itself judges in every run.
pub const PROPERTIES: [Property; 4] = [PROGRESS, NO_PANIC, TIME_ADVANCES, WELL_FORMED];

/// A *sometimes* mark that the world itself sets: a crash lost writes that were not synced.
pub const UNSYNCED_LOST: Mark = Mark::new("unsynced write lost", "A crash lost writes that were not synced.");

/// The *sometimes* marks that the world itself sets, in a run whose plan has crashes.
pub const MARKS: &[Mark] = &[UNSYNCED_LOST];

/// What becomes of a run while it goes on.
pub struct World<'a, C: Cluster> {
    core: Core<'a, C>,
    script: Option<Box<dyn Script<C>>>,
    servers: Vec<Host<C, Servers>>,
    clients: Vec<Host<C, Clients>>,
    settling: Settling,
    keys: Keys,
    duration: Time,
    end: Time,
    /// What is being done, for the report of a panic or of a run that spins.
    activity: Activity,
    /// What the run came upon and its system does not list; each once.
    strays: Vec<Stray>,
    /// Whether the world looks after itself, or is looked at: a panic is a defect of its own then, and no node's.
    checking: bool,
    /// Who looks at the nodes between events, if anyone does, with what it has not been told of: the last event.
    observer: Option<(&'a mut dyn Observer, Moment)>,
    /// The node whose code has panicked.
    broken: Option<NodeId>,
}

/// What the world was doing when a node's code panicked, or last.
#[derive(Clone, Copy)]
struct Activity {
    node: NodeId,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Boot,
    Message(MessageId),
    Timer,
    Synced,
    Wake,
    Quiesce,
    /// It is taken down.
    Crashing,
    /// The run is over, and it is dropped.
    Ending,
    /// It is asked about itself: for its role, its fingerprint, ….
    Asked(&'static str),
}

impl<'a, C: Cluster> World<'a, C> {
    /// Runs the setup under this seed, watched by these judges and sinks. A panic of a node's code is a finding, and so is one of a judge:
    /// it violates [`JUDGE_PANICKED`], and no judge reports.
    ///
    /// # Panics
    /// If a sink does, or if the world itself is at fault.
    pub fn run(setup: Setup<C>, seed: u64, judges: Vec<Box<dyn Judge<C>>>, sinks: Vec<&'a mut dyn Sink>) -> Run<C> {
        Self::run_observed(setup, seed, judges, sinks, None)
    }

    /// The same, while this observer, if there is one, looks at the nodes.
    ///
    /// # Panics
    /// If a sink or the observer does, or if the world itself is at fault.
    pub fn run_observed(
        setup: Setup<C>,
        seed: u64,
        judges: Vec<Box<dyn Judge<C>>>,
        sinks: Vec<&'a mut dyn Sink>,
        observer: Option<&'a mut dyn Observer>,
    ) -> Run<C> {
        let mut world = Self::new(setup, seed, judges, sinks);
        world.observer = observer.map(|observer| (observer, Moment::first()));
        let ended = catch_unwind(AssertUnwindSafe(|| world.go()));
        let ending = match ended {
            Ok(ending) => ending,
            Err(panic) if world.core.recorder.watching == Watching::Sink || world.checking => resume_unwind(panic),
            Err(panic) if world.core.recorder.watching == Watching::Judge => RunEnd::JudgePanicked(world.judge_panicked(panic.as_ref())),
            Err(panic) => world.panicked(panic.as_ref()),
        };
        if world.observer.is_some() {
            world.observe_last();
        }
        let ending = world.end_processes(ending);
        world.finish(seed, ending)
    }

    /// Drops every process while a panic of one is a finding still.
    fn end_processes(&mut self, ending: RunEnd) -> RunEnd {
        let last = self.activity;
        let ended = catch_unwind(AssertUnwindSafe(|| {
            for index in 0..self.servers.len() {
                self.activity = Activity { node: NodeId::server(index as u32), what: What::Ending };
                self.servers[index].end();
            }
            for index in 0..self.clients.len() {
                self.activity = Activity { node: NodeId::client(index as u32), what: What::Ending };
                self.clients[index].end();
            }
        }));
        match ended {
            Ok(()) => {
                self.activity = last;
                ending
            }
            Err(panic) => {
                self.servers.iter_mut().for_each(Host::forget);
                self.clients.iter_mut().for_each(Host::forget);
                let late = self.panicked(panic.as_ref());
                if matches!(ending, RunEnd::Panic(_) | RunEnd::JudgePanicked(_)) { ending } else { late }
            }
        }
    }

    fn new(setup: Setup<C>, seed: u64, judges: Vec<Box<dyn Judge<C>>>, sinks: Vec<&'a mut dyn Sink>) -> Self {
        let Setup { servers, clients, conditions, script } = setup;
        let keys = Keys::new(seed, conditions.redraw);
        let mut network = Network::new(keys.of_most_links(), conditions.link, C::Message::kinds());
        for (from, to, link) in conditions.links {
            network.set_link(from, to, link);
        }
        for fixed in conditions.fates {
            network.set_fate(fixed);
        }
        for (from, to) in keys.named_links() {
            network.set_link_key(from, to, keys.of(Entity::Link(from, to)));
        }
        let clock = |node| conditions.clocks.clock(keys.of(Entity::Clock(node)), node);
        let bounds = Bounds { messages: conditions.messages, disk: conditions.disk_bytes, effects: conditions.effects };
        let server = |(config, id)| Host::new(id, config, clock(id), &keys, bounds);
        let mut servers: Vec<_> = servers.into_iter().zip((0..).map(NodeId::server)).map(server).collect();
        let invokes = invokes_late(script.as_deref(), &clients, conditions.duration);
        let client = |(config, id)| Host::new(id, config, clock(id), &keys, bounds);
        let mut clients: Vec<_> = clients.into_iter().zip((0..).map(NodeId::client)).map(client).collect();
        // Where nothing crashes, no write can be lost, and none is looked for.
        let crashes = conditions.faults.may_crash() || C::Server::RESTARTS || C::Client::RESTARTS;
        let duration = Time::ZERO + conditions.duration;
        let end = duration + conditions.settle;
        let budget = Budget { events: conditions.events, until: end, same_instant: conditions.same_instant };
        let marks = if crashes { MARKS } else { &[] };
        let recorder = Recorder::new(judges, sinks, marks, (conditions.clocks, keys.clone()), conditions.stop_at_violation);
        if recorder.collects {
            servers.iter_mut().for_each(Host::collect_measures);
            clients.iter_mut().for_each(Host::collect_measures);
        }
        let nemesis = Nemesis::new(conditions.faults, keys.of(Entity::Faults));
        Self {
            core: Core::new(Engine::new(budget), network, recorder, nemesis, conditions.disk, bounds),
            settling: Settling::new(conditions.settle, !clients.is_empty(), invokes),
            script,
            servers,
            clients,
            keys,
            duration,
            end,
            activity: Activity { node: NodeId::server(0), what: What::Boot },
            strays: Vec::new(),
            checking: false,
            observer: None,
            broken: None,
        }
    }

    /// The whole run, up to its end or a limit.
    fn go(&mut self) -> RunEnd {
        self.begin();
        let end = self.end;
        loop {
            match self.core.engine.next() {
                Advance::Event(call) => {
                    if self.observer.is_some() {
                        self.observe(call.node());
                    }
                    self.take(call);
                }
                Advance::Idle | Advance::Later if !self.core.nemesis.is_idle() => {
                    if self.observer.is_some() {
                        self.observe(None);
                    }
                    self.stage().strike_due(end);
                }
                Advance::Idle | Advance::Later => return self.complete(),
                Advance::Exhausted(limit) => return RunEnd::Limit(limit),
            }
            if cfg!(debug_assertions) {
                self.invariants();
            }
            if let Some(excess) = self.core.excess.take() {
                return RunEnd::Excess(excess);
            }
            if self.core.recorder.halts && !self.goes_on() {
                return RunEnd::Stopped;
            }
            if self.settling.is_over() && self.core.nemesis.is_idle() {
                return self.complete();
            }
        }
    }

    /// Draws afresh, if that is why the run has halted; whether it goes on.
    #[cold]
    fn goes_on(&mut self) -> bool {
        if self.core.recorder.turns() {
            self.draw_afresh();
        }
        !self.core.recorder.halts
    }

    /// From now on what is drawn for the first time comes from other keys.
    fn draw_afresh(&mut self) {
        self.keys.turn();
        let Self { core, keys, servers, clients, .. } = self;
        core.network.set_key(keys.of_most_links());
        for (from, to) in keys.named_links() {
            core.network.set_link_key(from, to, keys.of(Entity::Link(from, to)));
        }
        core.nemesis.set_key(keys.of(Entity::Faults));
        servers.iter_mut().for_each(|host| host.take_keys(keys));
        clients.iter_mut().for_each(|host| host.take_keys(keys));
    }

    /// Boots every node, and puts the plan of faults and the healing into the queue.
    fn begin(&mut self) {
        let (servers, clients) = (self.servers.len() as u32, self.clients.len() as u32);
        for node in (0..servers).map(NodeId::server).chain((0..clients).map(NodeId::client)) {
            self.boot(node);
            if self.core.recorder.halts {
                self.goes_on();
            }
        }
        // What is written down comes first in its instant.
        for (scripted, operation) in self.script.iter().flat_map(|script| script.operations()).zip(0..) {
            self.core.engine.schedule(Time::ZERO + scripted.at, Call::Hand { client: scripted.client, operation });
        }
        // Before the plan: the last instant belongs to the healing, and no fault strikes in it.
        self.core.engine.schedule(self.duration, Call::FaultsEnd);
        self.stage().plan_faults();
        self.hold_for_strikes();
    }

    /// Shows the observer how things stand since the last event, now that the next is due, which is of this node alone.
    #[cold]
    fn observe(&mut self, node: Option<NodeId>) {
        let (now, records) = (self.core.engine.now(), self.core.recorder.records());
        let Some((observer, mut moment)) = self.observer.take() else { return };
        (moment.until, moment.records.1) = (now, records);
        self.show(observer, &moment);
        self.observer = Some((observer, Moment { after: now, until: now, is_last: false, records: (records, records), node }));
    }

    /// The same after the last event.
    #[cold]
    fn observe_last(&mut self) {
        let (now, records) = (self.core.engine.now(), self.core.recorder.records());
        let Some((observer, moment)) = self.observer.take() else { return };
        let moment = Moment { until: now, is_last: true, records: (moment.records.0, records), node: None, ..moment };
        self.show(observer, &moment);
    }

    fn show(&mut self, observer: &mut dyn Observer, moment: &Moment) {
        // A panic of the observer goes on through the run; a process that is asked panics unseen.
        self.checking = true;
        observer.observe(moment, self);
        self.checking = false;
    }

    #[inline]
    fn take(&mut self, call: Call) {
        self.core.recorder.cause = None;
        let client = if self.script.is_some() { call.node() } else { None };
        match call {
            Call::Deliver { id, handle } => self.deliver(id, handle),
            Call::Timer { node, slot, generation } => {
                self.activity = Activity { node, what: What::Timer };
                on_host!(self, node, host, core => host.timer(slot, generation, core));
            }
            Call::Hand { client, operation } => self.hand(client, operation),
            Call::Synced { node, incarnation, through } => {
                self.activity = Activity { node, what: What::Synced };
                on_host!(self, node, host, core => host.synced(incarnation, through, core));
            }
            Call::Boot { node, incarnation } => {
                if self.incarnation(node) == incarnation && self.state(node) == NodeState::Down && !self.is_destroyed(node) {
                    self.boot(node);
                }
            }
            Call::Wake { node, pause } => {
                self.activity = Activity { node, what: What::Wake };
                let script = self.script.as_deref();
                on_host!(self, node, host, core => {
                    if host.is_paused_by(pause) {
                        host.wake(script, core);
                    }
                });
            }
            Call::Lift { strike } => self.stage().lift(strike),
            Call::Strike { step } => self.core.nemesis.fall_due(step),
            Call::FaultsEnd => self.stage().end_faults(),
            Call::Restart { node, cause } => {
                self.core.recorder.cause = cause;
                self.stage().restart(node);
            }
            Call::Look => self.look(),
        }
        if let Some(client) = client {
            self.watch_client(client);
        }
        self.hold_for_strikes();
    }

    /// Strikes come last in their instant: if any is due, holds the clock until nothing else is.
    #[inline]
    fn hold_for_strikes(&mut self) {
        if !self.core.nemesis.is_idle() {
            self.core.engine.set_until(self.core.engine.now());
        }
    }

    #[inline]
    fn deliver(&mut self, id: MessageId, handle: MessageHandle) {
        if !self.exists(id.to) {
            self.core.slab.take(handle);
            self.note_stray(Stray::Message { kind: kind_name::<C>(id.kind), to: id.to });
            return;
        }
        self.activity = Activity { node: id.to, what: What::Message(id) };
        on_host!(self, id.to, host, core => host.deliver(id, handle, core));
    }

    /// A client is due to be handed an operation, unless no client is to invoke anything new.
    fn hand(&mut self, client: NodeId, operation: u32) {
        let (Some(script), false) = (&self.script, self.settling.is_quiet()) else { return };
        self.activity = Activity { node: client, what: What::Timer };
        if let Some(host) = self.clients.get_mut(client.index()) {
            host.hand(&**script, operation, &mut self.core);
        }
    }

    /// Has the script take note of what this client has begun.
    fn watch_client(&mut self, node: NodeId) {
        let client = self.clients.get(node.index()).filter(|_| node.is_client()).and_then(Host::process);
        if let (Some(script), Some(client)) = (&mut self.script, client) {
            script.watch(self.core.engine.now(), node, client);
        }
    }

    fn boot(&mut self, node: NodeId) {
        self.activity = Activity { node, what: What::Boot };
        self.core.recorder.cause = None;
        on_host!(self, node, host, core => host.boot(core));
    }

    /// The world as faults see it.
    fn stage(&mut self) -> &mut dyn Stage {
        self
    }

    fn exists(&self, node: NodeId) -> bool {
        node.index() < if node.is_client() { self.clients.len() } else { self.servers.len() }
    }

    /// What holds between any two events. It costs next to nothing: of the hosts, only the one that was at work last is looked at.
    fn invariants(&mut self) {
        self.checking = true;
        self.core.invariants();
        assert!(self.core.engine.now() <= self.end, "nothing happens after the end");
        assert!(!self.settling.has_begun() || self.core.network.is_calm(), "no fault is in force in the quiet tail");
        on_host!(self, self.activity.node, host, _core => host.invariants());
        self.checking = false;
    }

    /// What holds at the end of a run that nothing cut short. It looks at everything once.
    fn invariants_at_end(&mut self) {
        self.checking = true;
        self.servers.iter().for_each(Host::invariants);
        self.clients.iter().for_each(Host::invariants);
        let arriving = self.core.engine.scheduled().filter(|(_, call)| matches!(call, Call::Deliver { .. })).count();
        let held: usize = self.servers.iter().map(Host::messages_held).chain(self.clients.iter().map(Host::messages_held)).sum();
        assert_eq!(self.core.slab.len(), arriving + held, "each message under way has one handle");
        assert_eq!(self.core.network.sent(), self.core.recorder.messages.sent, "each message sent is one of its link's");
        self.checking = false;
    }

    /// No judge is asked for anything any more: what one of them knew is lost, and the others have not seen all.
    fn judge_panicked(&mut self, panic: &(dyn Any + Send)) -> Panic {
        self.core.recorder.dismiss_judges();
        Panic { event: Some(self.core.engine.events()), ..judge_panic(panic, self.core.engine.now()) }
    }

    fn panicked(&mut self, panic: &(dyn Any + Send)) -> RunEnd {
        let text = said(panic);
        let node = self.activity.node;
        self.broken = Some(node);
        let now = self.core.engine.now();
        self.core.record_rare(Event::Panic { node, message: &text });
        let (doing, event) = (self.what_it_does(), Some(self.core.engine.events()));
        RunEnd::Panic(Panic { node: Some(node), doing, event, at: now, message: text, died: false, place: None })
    }

    #[cold]
    fn note_stray(&mut self, stray: Stray) {
        if !self.strays.contains(&stray) {
            self.strays.push(stray);
        }
    }

    /// Looks whether each node's role is one of those listed.
    fn look_at_roles(&mut self) {
        let nodes = (0..self.servers.len() as u32).map(NodeId::server).chain((0..self.clients.len() as u32).map(NodeId::client));
        for node in nodes {
            self.activity = Activity { node, what: What::Asked("role") };
            let listed = if node.is_client() { C::Client::ROLES } else { C::Server::ROLES };
            let claim = look!(self, node, host => host.process().and_then(Process::role));
            if let Some(claim) = claim.filter(|claim| listed.iter().all(|role| role.name != claim.role.name)) {
                self.note_stray(Stray::Role { name: claim.role.name });
            }
        }
    }

    /// What the node did last, or does.
    fn what_it_does(&self) -> check::Doing {
        let Activity { node, what } = self.activity;
        match what {
            What::Boot => check::Doing::Booting,
            What::Message(id) => {
                let kind = kind_name::<C>(id.kind);
                check::Doing::Handling { kind, count: u64::from(id.count), from: id.from }
            }
            What::Timer => check::Doing::Fired(look!(self, node, host => host.fired())),
            What::Synced => check::Doing::Synced,
            What::Wake => check::Doing::Waking,
            What::Asked(what) => check::Doing::Asked(what),
            What::Quiesce => check::Doing::Quiescing,
            What::Crashing => check::Doing::Crashing,
            What::Ending => check::Doing::Ending,
        }
    }
}

/// Whether clients invoke anything after the faults.
fn invokes_late<C: Cluster>(script: Option<&dyn Script<C>>, clients: &[<C::Client as Process>::Config], duration: Duration) -> bool {
    let generates = || clients.iter().any(|client| C::invokes_after(client, duration));
    match script {
        Some(script) => script.generates() && generates() || script.operations().iter().any(|scripted| scripted.at >= duration),
        None => generates(),
    }
}

/// What is reported if this judge, or that of the history, panics.
///
/// # Errors
/// A report of [`JUDGE_PANICKED`].
pub fn judged<T>(at: Time, judge: impl FnOnce() -> T) -> Result<T, PropertyReport> {
    catch_unwind(AssertUnwindSafe(judge)).map_err(|panic| PropertyReport::violated(&JUDGE_PANICKED, at, judge_panic(panic.as_ref(), at)))
}

fn kind_name<C: Cluster>(kind: KindDigest) -> &'static str {
    C::Message::kinds().iter().find(|name| KindDigest::of(name) == kind).unwrap_or(&"a message")
}

fn judge_panic(panic: &(dyn Any + Send), at: Time) -> Panic {
    Panic { node: None, doing: check::Doing::Judging, event: None, at, message: said(panic), died: false, place: None }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// Why a run ended.
enum RunEnd {
    /// All time has passed, or nothing is left to wait for; what has still not come to pass.
    Complete(Pending),
    Limit(Limit),
    Panic(Panic),
    JudgePanicked(Panic),
    /// A budget of the world's own ended.
    Excess(Excess),
    /// A judge knows that something is violated, and no more is asked for.
    Stopped,
}
