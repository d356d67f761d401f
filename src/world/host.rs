//! A node: the volatile half (its process, its timers, what it holds back) and the durable half (its disk, its clock).

use std::collections::VecDeque;

use super::UNSYNCED_LOST;
use super::calls::Call;
use super::core::Core;
use super::post::Letter;
use super::setup::Cluster;
use super::timers::{Alarm, Ring, Timers};
use crate::base::{Incarnation, MessageId, NodeId, RunKey, Stream, Time};
use crate::environment::{Clock, Disk};
use crate::process::{Buffer, Context, Effect, Files, Process, Release, SyncToken};
use crate::trace::Event;

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has crashed, or not started yet.
    Down,
    /// It runs.
    Up,
    /// It stands still with its state.
    Paused,
}

pub(super) struct Host<C: Cluster, P: Process<Message = C::Message>> {
    id: NodeId,
    config: P::Config,
    clock: Clock,
    disk: Disk,
    random: Stream,
    incarnation: Incarnation,
    state: State,
    /// How this node's notes are recorded: as a server's or as a client's.
    note: NoteRecord<C, P>,
    process: Option<P>,
    timers: Timers<P::Timer>,
    next_sync: u64,
    /// The write that the sync under way covers, if one is under way.
    syncing: Option<u64>,
    /// Somebody waits for all writes up to this one to be durable.
    wanted: u64,
    /// Messages that leave when the writes before them are durable, in order.
    held: VecDeque<(u64, NodeId, Letter)>,
    /// Syncs that the process asked for, with what they must cover.
    tokens: VecDeque<(SyncToken, u64)>,
    /// What came while the node was paused, in order.
    deferred: VecDeque<Deferred>,
    /// How often it was paused, and by which strike it is now: a later pause is not ended by an earlier one's end.
    pauses: u32,
    paused_by: Option<u32>,
    /// The number of the strike that paused it last.
    struck_by: u32,
    /// How many syncs its disk has done.
    syncs: u64,
    buffer: Buffer<P::Message, P::Timer, P::Note>,
}

type NoteRecord<C, P> = for<'n> fn(NodeId, &'n <P as Process>::Note) -> Event<'n, C>;

enum Deferred {
    Deliver { id: MessageId, letter: Letter },
    Timer { slot: u32, generation: u32 },
    Synced { through: u64 },
}

/// What a word is drawn for, apart from the purposes of the network.
const CRASH: u64 = 1 << 40;
const SYNC: u64 = 1 << 41;

impl<C: Cluster, P: Process<Message = C::Message>> Host<C, P> {
    pub(super) fn new(id: NodeId, config: P::Config, clock: Clock, key: RunKey, note: NoteRecord<C, P>) -> Self {
        Self {
            id,
            config,
            clock,
            disk: Disk::default(),
            random: key.stream("node", u64::from(id.raw())),
            incarnation: Incarnation(0),
            state: State::Down,
            note,
            process: None,
            timers: Timers::default(),
            next_sync: 0,
            syncing: None,
            wanted: 0,
            held: VecDeque::new(),
            tokens: VecDeque::new(),
            deferred: VecDeque::new(),
            pauses: 0,
            paused_by: None,
            struck_by: 0,
            syncs: 0,
            buffer: Buffer::default(),
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    pub(super) fn process(&self) -> Option<&P> {
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
        self.incarnation.0 += 1;
        self.state = State::Up;
        self.next_sync = 0;
        let found: Vec<(&str, &[u8])> = self.disk.files().map(|(name, content)| (name.as_ref(), content)).collect();
        core.record(&Event::Boot { node: self.id, incarnation: self.incarnation, files: &found });
        let mut files = Files::new();
        for (name, content) in self.disk.files() {
            files.insert(name.clone(), content.to_vec());
        }
        let now = self.clock.read(core.now());
        let mut context = Context::new(self.id, now, &mut self.random, &mut self.next_sync, &mut self.buffer);
        self.process = Some(P::boot(&self.config, &files, &mut context));
        self.apply(core);
    }

    /// Takes the node down: everything volatile is gone. Returns whether it was up.
    pub(super) fn crash(&mut self, core: &mut Core<'_, C>) -> bool {
        if self.state == State::Down {
            return false;
        }
        let word = core.key.word(CRASH | u64::from(self.incarnation.0), u64::from(self.id.raw()));
        let remains = self.disk.crash(word);
        self.state = State::Down;
        self.process = None;
        self.timers.clear();
        self.syncing = None;
        self.wanted = 0;
        self.held.drain(..).for_each(|(.., letter)| drop(core.post.take(letter)));
        self.tokens.clear();
        for call in self.deferred.drain(..) {
            if let Deferred::Deliver { letter, .. } = call {
                core.post.take(letter);
            }
        }
        self.paused_by = None;
        core.record(&Event::Crash { node: self.id, unsynced: remains.unsynced, kept: remains.kept });
        if remains.kept < remains.unsynced {
            core.record(&Event::Mark { node: self.id, mark: UNSYNCED_LOST });
        }
        true
    }

    /// Makes the node stand still; returns the number of the pause, or nothing if it does not run.
    pub(super) fn pause(&mut self, core: &mut Core<'_, C>, strike: u32) -> Option<u32> {
        if self.state != State::Up {
            return None;
        }
        self.state = State::Paused;
        self.pauses += 1;
        self.paused_by = Some(self.pauses);
        self.struck_by = strike;
        core.record(&Event::Pause { node: self.id });
        Some(self.pauses)
    }

    /// Lets a paused node go on, with all that has come in the meantime.
    pub(super) fn wake(&mut self, core: &mut Core<'_, C>) {
        self.state = State::Up;
        self.paused_by = None;
        core.record(&Event::Resume { node: self.id });
        let deferred = std::mem::take(&mut self.deferred);
        if !deferred.is_empty() {
            core.nemesis.bite(self.struck_by);
        }
        for call in deferred {
            match call {
                Deferred::Deliver { id, letter } => self.deliver(id, letter, core),
                Deferred::Timer { slot, generation } => self.timer(slot, generation, core),
                Deferred::Synced { through } => self.synced(self.incarnation, through, core),
            }
        }
    }

    #[inline]
    pub(super) fn deliver(&mut self, id: MessageId, letter: Letter, core: &mut Core<'_, C>) {
        match self.state {
            State::Up => {
                core.scribe.messages.delivered += 1;
                let message = core.post.take(letter);
                core.record(&Event::Deliver { id, message: &message });
                self.step(core, |process, context| process.on_message(id.from, message, context));
            }
            State::Paused => self.deferred.push_back(Deferred::Deliver { id, letter }),
            State::Down => {
                core.scribe.messages.dropped += 1;
                core.post.take(letter);
                core.record(&Event::Discard { id });
            }
        }
    }

    #[inline]
    pub(super) fn timer(&mut self, slot: u32, generation: u32, core: &mut Core<'_, C>) {
        if self.state == State::Paused {
            self.deferred.push_back(Deferred::Timer { slot, generation });
            return;
        }
        match self.timers.ring(slot, generation, core.now()) {
            Ring::Stale => {}
            Ring::Later(alarm) => self.arm(alarm, core),
            Ring::Fires(timer) => {
                core.record(&Event::Timer { node: self.id, timer: &timer });
                self.step(core, |process, context| process.on_timer(timer, context));
            }
        }
    }

    /// The disk has finished a sync: what waited for it happens, in order, and the next sync begins if one is wanted.
    pub(super) fn synced(&mut self, incarnation: Incarnation, through: u64, core: &mut Core<'_, C>) {
        if incarnation != self.incarnation || self.state == State::Down {
            return;
        }
        if self.state == State::Paused {
            self.deferred.push_back(Deferred::Synced { through });
            return;
        }
        self.disk.synced(through);
        self.syncing = None;
        core.record(&Event::Synced { node: self.id, through });
        while let Some((_, to, letter)) = self.held.pop_front_if(|(after, ..)| *after <= through) {
            core.transmit(self.id, to, letter);
        }
        while let Some((token, _)) = self.tokens.pop_front_if(|(_, after)| *after <= through) {
            self.step(core, |process, context| process.on_synced(token, context));
        }
        self.sync_if_wanted(core);
    }

    /// Takes a step of the process and applies what it did.
    #[inline]
    pub(super) fn step(&mut self, core: &mut Core<'_, C>, handler: impl FnOnce(&mut P, &mut Context<'_, P>)) {
        let Some(process) = &mut self.process else { return };
        let now = self.clock.read(core.now());
        let mut context = Context::new(self.id, now, &mut self.random, &mut self.next_sync, &mut self.buffer);
        handler(process, &mut context);
        self.apply(core);
    }

    #[inline]
    fn apply(&mut self, core: &mut Core<'_, C>) {
        if self.buffer.is_empty() {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let (effects, bytes) = buffer.split();
        for effect in effects {
            self.carry(effect, bytes, core);
        }
        buffer.clear();
        self.buffer = buffer;
        self.sync_if_wanted(core);
    }

    #[inline]
    fn carry(&mut self, effect: Effect<P::Message, P::Timer, P::Note>, bytes: &[u8], core: &mut Core<'_, C>) {
        match effect {
            Effect::Send { to, message, release } => {
                let letter = core.post.put(message);
                let written = self.disk.written();
                if release == Release::Now || self.disk.durable() == written {
                    core.transmit(self.id, to, letter);
                } else {
                    self.held.push_back((written, to, letter));
                    self.wanted = written;
                }
            }
            Effect::SetTimer(timer, after) => {
                let due = core.now() + self.clock.wait(after);
                if let Some(alarm) = self.timers.set(timer, due) {
                    self.arm(alarm, core);
                }
            }
            Effect::CancelTimer(timer) => self.timers.cancel(&timer),
            Effect::Write(file, write) => {
                let change = write.change(bytes);
                let number = self.disk.write(&file, change);
                core.record(&Event::Write { node: self.id, write: number, file: &file, change });
            }
            Effect::Sync(token) => {
                let written = self.disk.written();
                self.tokens.push_back((token, written));
                self.wanted = written;
            }
            Effect::Note(note) => core.record(&(self.note)(self.id, &note)),
            Effect::Sometimes(mark) => core.record(&Event::Mark { node: self.id, mark }),
        }
    }

    /// One sync is under way at a time; the next covers all that was written by then.
    #[inline]
    fn sync_if_wanted(&mut self, core: &mut Core<'_, C>) {
        let waited_for = self.wanted > self.disk.durable() || !self.tokens.is_empty();
        if self.syncing.is_some() || !waited_for {
            return;
        }
        let through = self.disk.written();
        self.syncing = Some(through);
        self.syncs += 1;
        let word = core.key.word(SYNC | u64::from(self.id.raw()), self.syncs);
        let at = core.now() + core.sync_latency.sample(word);
        core.engine.schedule(at, Call::Synced { node: self.id, incarnation: self.incarnation, through });
    }

    #[inline]
    fn arm(&mut self, alarm: Alarm, core: &mut Core<'_, C>) {
        let Alarm { at, slot, generation } = alarm;
        let at: Time = at.max(core.now());
        core.engine.schedule(at, Call::Timer { node: self.id, slot, generation });
    }
}
