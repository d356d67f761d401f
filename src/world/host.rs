//! A node: a process, which a crash drops, on the machine that carries out what it does.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::UNSYNCED_LOST;
use super::core::{Bounds, Core, Excess};
use super::keys::{Entity, Keys};
use super::machine::Machine;
use super::setup::{ClientNote as _, Cluster, Script};
use super::slab::{MessageHandle, MessageSlab};
use super::view::{self, NodeView, Standing};
use crate::base::{Duration, Incarnation, MessageId, NodeId, Stream, Time};
use crate::environment::Clock;
use crate::process::{Buffer, Context, Files, Process};
use crate::trace::Event;

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It has crashed, or not started yet.
    Down,
    /// It runs.
    Up,
    /// It stands still with its state.
    Paused,
}

/// A kind of nodes: servers or clients.
pub(super) trait NodeKind<C: Cluster> {
    /// What runs on them.
    type Process: Process<Message = C::Message>;

    /// How their notes are recorded.
    fn note(node: NodeId, note: &<Self::Process as Process>::Note) -> Event<'_, C>;

    /// Hands the operation with this place in the script to one of them, if they take any: the timer that fires for it.
    fn hand(_: &mut Self::Process, _: &dyn Script<C>, _: u32) -> Option<<Self::Process as Process>::Timer> {
        None
    }
}

pub(super) struct Servers;

impl<C: Cluster> NodeKind<C> for Servers {
    type Process = C::Server;

    #[inline]
    fn note(node: NodeId, note: &<C::Server as Process>::Note) -> Event<'_, C> {
        Event::Note { node, note }
    }
}

pub(super) struct Clients;

impl<C: Cluster> NodeKind<C> for Clients {
    type Process = C::Client;

    #[inline]
    fn note(node: NodeId, event: &<C::Client as Process>::Note) -> Event<'_, C> {
        match event.told() {
            Ok(event) => Event::Client { node, event },
            Err(note) => Event::ClientNote { node, note },
        }
    }

    fn hand(client: &mut C::Client, script: &dyn Script<C>, operation: u32) -> Option<<C::Client as Process>::Timer> {
        Some(script.hand(operation as usize, client))
    }
}

type Config<C, K> = <<K as NodeKind<C>>::Process as Process>::Config;
type Effects<P> = Buffer<<P as Process>::Message, <P as Process>::Timer, <P as Process>::Note>;

pub(super) struct Host<C: Cluster, K: NodeKind<C>> {
    config: Config<C, K>,
    process: Option<K::Process>,
    machine: Machine<K::Process>,
    state: NodeState,
    /// Whether nothing starts it again.
    destroyed: bool,
    random: Stream,
    next_sync: u64,
    /// What came while the node was paused, in order.
    deferred: VecDeque<Deferred>,
    /// How often it was paused, and by which strike it is now: a later pause is not ended by an earlier one's end.
    pauses: u32,
    paused_by: Option<u32>,
    /// The number of the strike that paused it last.
    struck_by: u32,
    /// The timer that fired last, for the report of a panic or of a run that spins.
    fired: Option<<K::Process as Process>::Timer>,
    buffer: Effects<K::Process>,
    /// How often in a row it was started anew at the request of a process, each time within a moment of the last; and when that was.
    restarts: u32,
    restarted: Option<Time>,
}

/// How often in a row a node may be started anew at the request of a process, each time within a [`MOMENT`] of the last: time goes on only
/// by nanoseconds then, and the run spins.
pub(super) const RESTARTS: u32 = 10_000;
const MOMENT: Duration = Duration::from_micros(1);

enum Deferred {
    Deliver { id: MessageId, handle: MessageHandle },
    Timer { slot: u32, generation: u32 },
    Hand { operation: u32 },
    Synced { through: u64 },
}

impl<C: Cluster, K: NodeKind<C>> Host<C, K> {
    pub(super) fn new(id: NodeId, config: Config<C, K>, clock: Clock, keys: &Keys, bounds: Bounds) -> Self {
        Self {
            config,
            process: None,
            machine: Machine::new(id, clock, keys.of(Entity::Disk(id)), bounds.disk),
            state: NodeState::Down,
            destroyed: false,
            random: own_draws(id, keys),
            next_sync: 0,
            deferred: VecDeque::new(),
            pauses: 0,
            paused_by: None,
            struck_by: 0,
            fired: None,
            buffer: Buffer::bounded(bounds.effects, bounds.disk),
            restarts: 0,
            restarted: None,
        }
    }

    /// From now on the words for it come from these keys.
    pub(super) fn take_keys(&mut self, keys: &Keys) {
        let id = self.machine.id;
        self.machine.disk_key = keys.of(Entity::Disk(id));
        if keys.is_afresh(Entity::Node(id)) {
            self.random = own_draws(id, keys);
        }
    }

    pub(super) fn state(&self) -> NodeState {
        self.state
    }

    /// Whether nothing starts it again.
    pub(super) fn is_destroyed(&self) -> bool {
        self.destroyed
    }

    /// From now on nothing starts it again; returns whether that is new.
    pub(super) fn destroy(&mut self) -> bool {
        !std::mem::replace(&mut self.destroyed, true)
    }

    pub(super) fn incarnation(&self) -> Incarnation {
        self.machine.incarnation
    }

    pub(super) fn process(&self) -> Option<&K::Process> {
        self.process.as_ref()
    }

    /// How often the node was paused: the number of its last pause.
    pub(super) fn pauses(&self) -> u32 {
        self.pauses
    }

    pub(super) fn is_paused_by(&self, pause: u32) -> bool {
        self.paused_by == Some(pause)
    }

    /// Starts the node with what is on its disk.
    pub(super) fn boot(&mut self, core: &mut Core<'_, C>) {
        let machine = &mut self.machine;
        machine.incarnation.0 += 1;
        self.state = NodeState::Up;
        self.next_sync = 0;
        let found: Vec<(&str, &[u8])> = machine.disk.files().collect();
        core.record_rare(Event::Boot { node: machine.id, incarnation: machine.incarnation, files: &found });
        let mut files = Files::new();
        for (name, content) in found {
            files.insert(name.to_owned(), content.to_vec());
        }
        let now = machine.clock.read(core.now());
        let mut context = Context::new(machine.id, now, &mut self.random, &mut self.next_sync, &mut self.buffer);
        self.process = Some(K::Process::boot(&self.config, &files, &mut context));
        if core.recorder.collects {
            self.hand_over_measures(core);
        }
        self.apply(core);
    }

    /// Takes the node down: everything volatile is gone. Returns whether it was up.
    pub(super) fn crash(&mut self, core: &mut Core<'_, C>) -> bool {
        if self.state == NodeState::Down {
            return false;
        }
        self.state = NodeState::Down;
        self.process = None;
        self.paused_by = None;
        for call in self.deferred.drain(..) {
            if let Deferred::Deliver { handle, .. } = call {
                core.slab.take(handle);
            }
        }
        let node = self.machine.id;
        let remains = self.machine.crash(core);
        core.record_rare(Event::Crash { node, unsynced: remains.unsynced, kept: remains.kept });
        if remains.kept < remains.unsynced {
            core.record_rare(Event::Mark { node, mark: UNSYNCED_LOST.name });
        }
        true
    }

    /// Takes note that a process has asked for it to be started anew.
    pub(super) fn count_restart(&mut self, core: &mut Core<'_, C>) {
        let now = core.now();
        let is_soon = self.restarted.is_some_and(|last| now <= last + MOMENT);
        self.restarts = if is_soon { self.restarts + 1 } else { 0 };
        self.restarted = Some(now);
        if self.restarts >= RESTARTS {
            core.exceed(Excess::Restarts { node: self.machine.id, at: now });
        }
    }

    /// Drops the process, since the run is over.
    pub(super) fn end(&mut self) {
        self.process = None;
    }

    /// Leaves the process as it is: it has panicked while it was dropped, or would be dropped after one that has.
    pub(super) fn forget(&mut self) {
        std::mem::forget(self.process.take());
    }

    /// Makes the node stand still; returns the number of the pause, or nothing if it does not run.
    pub(super) fn pause(&mut self, core: &mut Core<'_, C>, strike: u32) -> Option<u32> {
        if self.state != NodeState::Up {
            return None;
        }
        self.state = NodeState::Paused;
        self.pauses += 1;
        self.paused_by = Some(self.pauses);
        self.struck_by = strike;
        core.record_rare(Event::Pause { node: self.machine.id });
        Some(self.pauses)
    }

    /// Lets a paused node go on, with all that has come in the meantime.
    pub(super) fn wake(&mut self, script: Option<&dyn Script<C>>, core: &mut Core<'_, C>) {
        self.state = NodeState::Up;
        self.paused_by = None;
        core.record_rare(Event::Resume { node: self.machine.id });
        let deferred = std::mem::take(&mut self.deferred);
        if !deferred.is_empty() {
            core.nemesis.bite(self.struck_by);
        }
        for call in deferred {
            match call {
                Deferred::Deliver { id, handle } => self.deliver(id, handle, core),
                Deferred::Timer { slot, generation } => self.timer(slot, generation, core),
                Deferred::Hand { operation } => script.into_iter().for_each(|script| self.hand(script, operation, core)),
                Deferred::Synced { through } => self.synced(self.machine.incarnation, through, core),
            }
        }
    }

    #[inline]
    pub(super) fn deliver(&mut self, id: MessageId, handle: MessageHandle, core: &mut Core<'_, C>) {
        match self.state {
            NodeState::Up => {
                core.recorder.messages.delivered += 1;
                let message = core.slab.take(handle);
                core.record(&Event::Deliver { id, message: &message });
                self.step(core, |process, context| process.on_message(id.from, message, context));
            }
            NodeState::Paused => self.deferred.push_back(Deferred::Deliver { id, handle }),
            NodeState::Down => {
                core.recorder.messages.dropped += 1;
                core.slab.take(handle);
                core.record_rare(Event::Discard { id });
            }
        }
    }

    #[inline]
    pub(super) fn timer(&mut self, slot: u32, generation: u32, core: &mut Core<'_, C>) {
        if self.state == NodeState::Paused {
            self.deferred.push_back(Deferred::Timer { slot, generation });
            return;
        }
        self.fired = self.machine.fire(slot, generation, core);
        self.ring(core);
    }

    /// An operation of the script is due: a node that is down misses it.
    pub(super) fn hand(&mut self, script: &dyn Script<C>, operation: u32, core: &mut Core<'_, C>) {
        if self.state == NodeState::Paused {
            self.deferred.push_back(Deferred::Hand { operation });
            return;
        }
        self.fired = self.process.as_mut().and_then(|process| K::hand(process, script, operation));
        self.ring(core);
    }

    /// Lets the process handle the timer that has fired, if one has.
    #[inline]
    fn ring(&mut self, core: &mut Core<'_, C>) {
        if let Some(timer) = self.fired {
            core.record(&Event::Timer { node: self.machine.id, timer: &timer });
            self.step(core, |process, context| process.on_timer(timer, context));
        }
    }

    /// The timer that fired last, as it prints, if it does.
    pub(super) fn fired(&self) -> Option<String> {
        let timer = self.fired?;
        catch_unwind(AssertUnwindSafe(|| format!("{timer:?}"))).ok()
    }

    /// The disk completes no sync from now on, on account of the strike with this number. One that stands still already goes on doing so.
    pub(super) fn stall_disk(&mut self, strike: u32) {
        self.machine.stall(strike);
    }

    /// The disk goes on, if it stands still on account of this strike, or of any; returns whether it did.
    pub(super) fn free_disk(&mut self, core: &mut Core<'_, C>, strike: Option<u32>) -> bool {
        let Some(late) = self.machine.free(strike) else { return false };
        if let Some(through) = late {
            self.synced(self.machine.incarnation, through, core);
        }
        true
    }

    /// The disk has finished a sync: what waited for it happens, in order, and the next sync begins if one is wanted.
    pub(super) fn synced(&mut self, incarnation: Incarnation, through: u64, core: &mut Core<'_, C>) {
        if incarnation != self.machine.incarnation || self.state == NodeState::Down {
            return;
        }
        if let Some(strike) = self.machine.holds_back(through) {
            core.nemesis.bite(strike);
            return;
        }
        if self.state == NodeState::Paused {
            self.deferred.push_back(Deferred::Synced { through });
            return;
        }
        self.machine.synced::<C, K>(through, core);
        while let Some(token) = self.machine.next_token(through) {
            self.step(core, |process, context| process.on_synced(token, context));
        }
        self.machine.sync_if_wanted(core);
    }

    /// Takes a step of the process and applies what it did.
    #[inline]
    pub(super) fn step(&mut self, core: &mut Core<'_, C>, handler: impl FnOnce(&mut K::Process, &mut Context<'_, K::Process>)) {
        let Some(process) = &mut self.process else { return };
        let now = self.machine.clock.read(core.now());
        let mut context = Context::new(self.machine.id, now, &mut self.random, &mut self.next_sync, &mut self.buffer);
        handler(process, &mut context);
        if core.recorder.collects {
            self.hand_over_measures(core);
        }
        if !self.buffer.is_empty() {
            self.apply(core);
        }
    }

    /// From now on what its process measures is collected.
    pub(super) fn collect_measures(&mut self) {
        self.buffer.collect_measures();
    }

    #[cold]
    fn hand_over_measures(&mut self, core: &mut Core<'_, C>) {
        let measures = self.buffer.take_measures();
        core.recorder.measured(core.engine.now(), self.machine.id, &measures);
    }

    /// How it stands, in numbers; what only its process can say is left out unless it may be asked.
    pub(super) fn standing(&self, ask: bool) -> Standing {
        let process = self.process.as_ref().filter(|_| ask);
        Standing {
            state: self.state,
            claim: process.and_then(|process| view::asked(|| process.role())?),
            deferred: self.deferred.len(),
            ..self.machine.standing()
        }
    }

    /// How it stands, but for the messages under way; what only its process can say is left out unless it may be asked.
    pub(super) fn view(&self, slab: &MessageSlab<C::Message>, at: Time, ask: bool, deep: bool) -> NodeView {
        let process = self.process.as_ref().filter(|_| ask);
        let mut view = self.machine.view(slab, at, deep);
        view.state = self.state;
        view.claim = process.and_then(|process| view::asked(|| process.role())?);
        view.status = process.and_then(|process| view::asked(|| process.status())).unwrap_or_default();
        view.inner = process.filter(|_| deep).and_then(|process| view::asked(|| view::inner(process))?);
        view.deferred = self.deferred.len();
        view
    }

    /// How many messages wait here: for the disk, or for a pause to end.
    pub(super) fn messages_held(&self) -> usize {
        self.machine.held() + self.deferred.iter().filter(|call| matches!(call, Deferred::Deliver { .. })).count()
    }

    /// What holds between any two events; it costs a constant.
    pub(super) fn invariants(&self) {
        self.machine.invariants();
        assert!(self.buffer.is_empty(), "all that the process did is applied");
        assert_eq!(self.process.is_some(), self.state != NodeState::Down, "a node that is down has no process, any other has one");
        assert!(self.state == NodeState::Down || self.machine.incarnation.0 > 0, "what runs has booted");
        assert!(self.state == NodeState::Down || !self.destroyed, "nothing starts a destroyed node");
        let pause = (self.state == NodeState::Paused).then_some(self.pauses);
        assert_eq!(self.paused_by, pause, "a paused node is paused by its last pause");
        assert!(self.state == NodeState::Paused || self.deferred.is_empty(), "nothing waits for a node that is not paused");
    }

    fn apply(&mut self, core: &mut Core<'_, C>) {
        let (effects, bytes) = self.buffer.split();
        for effect in effects {
            self.machine.carry::<C, K>(effect, bytes, core);
        }
        self.buffer.clear();
        self.machine.sync_if_wanted(core);
    }
}

/// What a node draws itself comes from here.
fn own_draws(id: NodeId, keys: &Keys) -> Stream {
    keys.of(Entity::Node(id)).stream("node", u64::from(id.raw()))
}
