//! One run: nodes, their environment, a plan of faults, judges and sinks, put together.
//!
//! [`World::run`] takes a [`Setup`] and a seed and returns a [`Run`]: what happened, judged by the judges that were given, with the history
//! of what the clients saw. It is a pure function: the same setup and seed give the same digest, everywhere.

#[macro_use]
mod core;
mod calls;
mod host;
mod machine;
mod nemesis;
mod outcome;
mod recorder;
mod settle;
mod setup;
mod slab;
mod timers;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::base::{Incarnation, KindDigest, MessageId, NodeId, RunKey, Time};
use crate::check::{self, Panic, Pending, Property};
use crate::engine::{Advance, Budget, Engine, Limit};
use crate::environment::Network;
use crate::process::{Mark, Message, Process};
use crate::trace::{Event, Judge, Sink};

pub use outcome::{FaultCount, MarkCount, Messages, Operations, Outcome, Run, StepCount};
pub use setup::{Cluster, Conditions, DiskModel, Reached, Setup};

use self::core::Core;
use calls::Call;
use host::{Clients, Host, NodeState, Servers};
use nemesis::Nemesis;
use recorder::Recorder;
use settle::Settling;
use slab::MessageHandle;

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

/// The properties that the world itself judges in every run.
pub const PROPERTIES: [Property; 4] = [PROGRESS, NO_PANIC, TIME_ADVANCES, WELL_FORMED];

/// A *sometimes* mark that the world itself sets: a crash lost writes that were not synced.
pub const UNSYNCED_LOST: Mark = Mark::new("unsynced write lost", "A crash lost writes that were not synced.");

/// The *sometimes* marks that the world itself sets, in a run whose plan has crashes.
pub const MARKS: &[Mark] = &[UNSYNCED_LOST];

/// What becomes of a run while it goes on.
pub struct World<'a, C: Cluster> {
    core: Core<'a, C>,
    servers: Vec<Host<C, Servers>>,
    clients: Vec<Host<C, Clients>>,
    settling: Settling,
    duration: Time,
    end: Time,
    /// What is being done, for the report of a panic or of a run that spins.
    activity: Activity,
    /// Whether the world looks after itself: a panic is a defect of its own then, and no node's.
    checking: bool,
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
    /// It is asked about itself: for its role, its fingerprint, ….
    Asked(&'static str),
}

impl<'a, C: Cluster> World<'a, C> {
    /// Runs the setup under this seed, watched by these judges and sinks. A panic of a node's code is a finding.
    ///
    /// # Panics
    /// If a judge does: that is a defect of the judge and no finding about the system.
    pub fn run(setup: Setup<C>, seed: u64, judges: Vec<Box<dyn Judge<C>>>, sinks: Vec<&'a mut dyn Sink>) -> Run<C> {
        let mut world = Self::new(setup, seed, judges, sinks);
        let ended = catch_unwind(AssertUnwindSafe(|| world.go()));
        let ending = match ended {
            Ok(ending) => ending,
            Err(panic) if world.core.recorder.judging || world.checking => resume_unwind(panic),
            Err(panic) => world.panicked(panic.as_ref()),
        };
        world.finish(seed, ending)
    }

    fn new(setup: Setup<C>, seed: u64, judges: Vec<Box<dyn Judge<C>>>, sinks: Vec<&'a mut dyn Sink>) -> Self {
        let Setup { servers, clients, conditions } = setup;
        let key = RunKey::from_seed(seed);
        let mut network = Network::new(key, conditions.link, C::Message::kinds());
        for (from, to, link) in conditions.links {
            network.set_link(from, to, link);
        }
        for fixed in conditions.fates {
            network.set_fate(fixed);
        }
        let clock = |node| conditions.clocks.clock(key, node);
        let server = |(config, id)| Host::new(id, config, clock(id), key);
        let servers: Vec<_> = servers.into_iter().zip((0..).map(NodeId::server)).map(server).collect();
        let client = |(config, id)| Host::new(id, config, clock(id), key);
        let clients: Vec<_> = clients.into_iter().zip((0..).map(NodeId::client)).map(client).collect();
        // Where nothing crashes, no write can be lost, and none is looked for.
        let crashes = conditions.faults.may_crash() || C::Server::RESTARTS || C::Client::RESTARTS;
        let duration = Time::ZERO + conditions.duration;
        let end = duration + conditions.settle;
        let budget = Budget { events: conditions.events, until: end, same_instant: conditions.same_instant };
        let marks = if crashes { MARKS } else { &[] };
        let recorder = Recorder::new(judges, sinks, marks, conditions.stop_at_violation);
        let nemesis = Nemesis::new(conditions.faults, key);
        Self {
            core: Core::new(Engine::new(budget), network, recorder, nemesis, conditions.disk, key),
            settling: Settling::new(conditions.settle, !clients.is_empty()),
            servers,
            clients,
            duration,
            end,
            activity: Activity { node: NodeId::server(0), what: What::Boot },
            checking: false,
        }
    }

    /// The whole run, up to its end or a limit.
    fn go(&mut self) -> RunEnd {
        self.begin();
        loop {
            match self.core.engine.next() {
                Advance::Event(call) => self.take(call),
                Advance::Idle | Advance::Later if !self.core.nemesis.is_idle() => self.strike_due(),
                Advance::Idle | Advance::Later => return self.complete(),
                Advance::Exhausted(limit) => return RunEnd::Limit(limit),
            }
            if cfg!(debug_assertions) {
                self.invariants();
            }
            if self.core.recorder.stopped {
                return RunEnd::Stopped;
            }
            if self.settling.is_over() && self.core.nemesis.is_idle() {
                return self.complete();
            }
        }
    }

    /// Boots every node, and puts the plan of faults and the healing into the queue.
    fn begin(&mut self) {
        for index in 0..self.servers.len() {
            self.boot(NodeId::server(index as u32));
        }
        for index in 0..self.clients.len() {
            self.boot(NodeId::client(index as u32));
        }
        // Before the plan: the last instant belongs to the healing, and no fault strikes in it.
        self.core.engine.schedule(self.duration, Call::FaultsEnd);
        self.plan_faults();
        self.hold_for_strikes();
    }

    #[inline]
    fn take(&mut self, call: Call) {
        match call {
            Call::Deliver { id, handle } => self.deliver(id, handle),
            Call::Timer { node, slot, generation } => {
                self.activity = Activity { node, what: What::Timer };
                on_host!(self, node, host, core => host.timer(slot, generation, core));
            }
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
                on_host!(self, node, host, core => {
                    if host.is_paused_by(pause) {
                        host.wake(core);
                    }
                });
            }
            Call::Lift { strike } => self.lift(strike),
            Call::Strike { step } => self.core.nemesis.fall_due(step),
            Call::FaultsEnd => self.end_faults(),
            Call::Restart { node } => self.restart(node),
            Call::Look => self.look(),
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
            return;
        }
        self.activity = Activity { node: id.to, what: What::Message(id) };
        on_host!(self, id.to, host, core => host.deliver(id, handle, core));
    }

    fn boot(&mut self, node: NodeId) {
        self.activity = Activity { node, what: What::Boot };
        on_host!(self, node, host, core => host.boot(core));
    }

    fn state(&self, node: NodeId) -> NodeState {
        look!(self, node, host => host.state())
    }

    fn is_destroyed(&self, node: NodeId) -> bool {
        look!(self, node, host => host.is_destroyed())
    }

    fn incarnation(&self, node: NodeId) -> Incarnation {
        look!(self, node, host => host.incarnation())
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
        let arriving = self.core.engine.scheduled().filter(|call| matches!(call, Call::Deliver { .. })).count();
        let held: usize = self.servers.iter().map(Host::messages_held).chain(self.clients.iter().map(Host::messages_held)).sum();
        assert_eq!(self.core.slab.len(), arriving + held, "each message under way has one handle");
        assert_eq!(self.core.network.sent(), self.core.recorder.messages.sent, "each message sent is one of its link's");
        self.checking = false;
    }

    fn panicked(&mut self, panic: &(dyn std::any::Any + Send)) -> RunEnd {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        let node = self.activity.node;
        let now = self.core.engine.now();
        self.core.recorder.record(now, &Event::Panic { node, message: &text });
        let (doing, event) = (self.what_it_does(), self.core.engine.events());
        RunEnd::Panic(Panic { node, doing, event, at: now, message: text, place: None })
    }

    /// What the node did last, or does.
    fn what_it_does(&self) -> check::Doing {
        let Activity { node, what } = self.activity;
        match what {
            What::Boot => check::Doing::Booting,
            What::Message(id) => {
                let kind = C::Message::kinds().iter().find(|name| KindDigest::of(name) == id.kind).unwrap_or(&"a message");
                check::Doing::Handling { kind, count: u64::from(id.count), from: id.from }
            }
            What::Timer => check::Doing::Fired(look!(self, node, host => host.fired())),
            What::Synced => check::Doing::Synced,
            What::Wake => check::Doing::Waking,
            What::Asked(what) => check::Doing::Asked(what),
            What::Quiesce => check::Doing::Quiescing,
        }
    }
}

/// Why a run ended.
enum RunEnd {
    /// All time has passed, or nothing is left to wait for; what has still not come to pass.
    Complete(Pending),
    Limit(Limit),
    Panic(Panic),
    /// A judge knows that something is violated, and no more is asked for.
    Stopped,
}
