//! What a process runs on: a disk, a clock, timers, and an outbox that holds messages back. It carries out what the process does.

use std::collections::VecDeque;

use super::calls::Call;
use super::core::{Core, Excess};
use super::host::{NodeKind, NodeState};
use super::setup::Cluster;
use super::slab::{MessageHandle, MessageSlab};
use super::timers::{Alarm, Timers, WakeUp};
use super::view::{self, DiskView, NodeView, Standing};
use crate::base::{Duration, Incarnation, NodeId, RunKey, Time};
use crate::environment::{Clock, ClockModel, Disk, Remains};
use crate::process::{Effect, Message as _, Process, Release, SyncToken};
use crate::trace::Event;

pub(super) struct Machine<P: Process> {
    pub(super) id: NodeId,
    pub(super) clock: Clock,
    pub(super) disk: Disk,
    /// The key of what is drawn for its disk.
    pub(super) disk_key: RunKey,
    /// How many bytes that may hold.
    disk_max: u64,
    pub(super) incarnation: Incarnation,
    timers: Timers<P::Timer>,
    /// The write that the sync under way covers, if one is under way.
    syncing: Option<u64>,
    /// The process, a message or a note waits for all writes up to this one to be durable.
    wanted: u64,
    /// What waits for the writes before it to be durable, in order.
    held: VecDeque<HeldBack<P::Note>>,
    /// Syncs that the process asked for, with what they must cover.
    tokens: VecDeque<(SyncToken, u64)>,
    /// How many syncs its disk has done.
    syncs: u64,
    /// While the disk stands still: the number of the strike that did it, and what the sync covers that would be complete.
    stalled: Option<(u32, Option<u64>)>,
}

/// What happens when these writes are durable, and the record in whose wake it was released.
struct HeldBack<N> {
    after: u64,
    cause: Option<u64>,
    what: Held<N>,
}

/// What happens when the writes before it are durable.
enum Held<N> {
    /// A message leaves.
    Message(NodeId, MessageHandle),
    /// A note is made.
    Note(N),
}

/// What a word is drawn for, apart from the purposes of the network.
pub(super) const CRASH: u64 = 1 << 40;
const SYNC: u64 = 1 << 41;

/// An incarnation or a node's number comes on top, of 32 bits.
const _: () = assert!(CRASH + (u32::MAX as u64) < SYNC && SYNC + (u32::MAX as u64) < ClockModel::PURPOSES_START, "purposes do not overlap");

impl<P: Process> Machine<P> {
    pub(super) fn new(id: NodeId, clock: Clock, disk_key: RunKey, disk_max: u64) -> Self {
        Self {
            id,
            clock,
            disk: Disk::default(),
            disk_key,
            disk_max,
            incarnation: Incarnation(0),
            timers: Timers::default(),
            syncing: None,
            wanted: 0,
            held: VecDeque::new(),
            tokens: VecDeque::new(),
            syncs: 0,
            stalled: None,
        }
    }

    /// Loses all but what the disk keeps, and says what that is.
    pub(super) fn crash<C: Cluster<Message = P::Message>>(&mut self, core: &mut Core<'_, C>) -> Remains {
        self.timers.clear();
        self.syncing = None;
        self.wanted = 0;
        for held in self.held.drain(..) {
            if let Held::Message(_, handle) = held.what {
                core.slab.take(handle);
            }
        }
        self.tokens.clear();
        if let Some((_, late)) = &mut self.stalled {
            *late = None;
        }
        self.disk.crash(self.disk_key.word(CRASH | u64::from(self.incarnation.0), u64::from(self.id.raw())))
    }

    /// The timer that a wake-up is for, if it fires now.
    #[inline]
    pub(super) fn fire<C: Cluster>(&mut self, slot: u32, generation: u32, core: &mut Core<'_, C>) -> Option<P::Timer> {
        match self.timers.fire(slot, generation, core.now()) {
            WakeUp::Stale => None,
            WakeUp::Later(alarm) => {
                self.arm(alarm, core);
                None
            }
            WakeUp::Fires(timer, set_by) => {
                core.recorder.cause = set_by;
                Some(timer)
            }
        }
    }

    /// The disk stands still from now on, on account of the strike with this number, if it does not already.
    pub(super) fn stall(&mut self, strike: u32) {
        self.stalled.get_or_insert((strike, None));
    }

    /// The strike that holds back the sync which would be complete now, if the disk stands still.
    pub(super) fn holds_back(&mut self, through: u64) -> Option<u32> {
        let (strike, late) = self.stalled.as_mut()?;
        *late = Some(through);
        Some(*strike)
    }

    /// The disk goes on, if it stands still on account of this strike, or of any; returns what the sync covers that was held back, if one
    /// was.
    pub(super) fn free(&mut self, strike: Option<u32>) -> Option<Option<u64>> {
        let (_, late) = self.stalled.take_if(|(by, _)| strike.is_none_or(|strike| strike == *by))?;
        Some(late)
    }

    /// The disk has finished a sync: the messages that waited for it leave, and the notes are made.
    pub(super) fn synced<C, K>(&mut self, through: u64, core: &mut Core<'_, C>)
    where
        C: Cluster<Message = P::Message>,
        K: NodeKind<C, Process = P>,
    {
        self.disk.synced(through);
        self.syncing = None;
        core.record(&Event::Synced { node: self.id, through });
        let synced = core.recorder.cause;
        while let Some(HeldBack { cause, what, .. }) = self.held.pop_front_if(|held| held.after <= through) {
            core.recorder.cause = cause;
            match what {
                Held::Message(to, handle) => core.transmit(self.id, to, handle),
                Held::Note(note) => core.record(&K::note(self.id, &note)),
            }
        }
        core.recorder.cause = synced;
    }

    /// The next of the syncs that the process asked for and that is covered.
    pub(super) fn next_token(&mut self, through: u64) -> Option<SyncToken> {
        self.tokens.pop_front_if(|(_, after)| *after <= through).map(|(token, _)| token)
    }

    /// Carries out one thing that the process did.
    #[inline]
    pub(super) fn carry<C, K>(&mut self, effect: Effect<P::Message, P::Timer, P::Note>, bytes: &[u8], core: &mut Core<'_, C>)
    where
        C: Cluster<Message = P::Message>,
        K: NodeKind<C, Process = P>,
    {
        match effect {
            Effect::Send { to, message, release } => {
                let handle = core.post(self.id, message);
                if self.is_due(release) {
                    core.transmit(self.id, to, handle);
                } else {
                    self.hold(Held::Message(to, handle), core.recorder.cause);
                }
            }
            Effect::SetTimer(timer, after) => {
                let due = core.now() + self.clock.wait(after);
                if let Some(alarm) = self.timers.set(timer, due, core.recorder.cause) {
                    self.arm(alarm, core);
                }
            }
            Effect::CancelTimer(timer) => self.timers.cancel(&timer),
            Effect::Write(file, write) => {
                let change = write.change(bytes);
                let Some(number) = self.disk.write(self.disk_max, &file, change) else {
                    return core.exceed(Excess::Disk { node: self.id, file: file.into_owned(), most: self.disk_max });
                };
                core.record(&Event::Write { node: self.id, write: number, file: &file, change });
            }
            Effect::Sync(token) => {
                let written = self.disk.written();
                self.tokens.push_back((token, written));
                self.wanted = written;
            }
            Effect::Note { note, release } if self.is_due(release) => core.record(&K::note(self.id, &note)),
            Effect::Note { note, .. } => self.hold(Held::Note(note), core.recorder.cause),
            Effect::Restart(node) => {
                let cause = core.recorder.cause;
                core.engine.schedule(core.engine.now() + Duration::from_nanos(1), Call::Restart { node, cause });
            }
            Effect::Sometimes(mark) => core.record_rare(Event::Mark { node: self.id, mark }),
        }
    }

    /// One sync is under way at a time; the next covers all that was written by then.
    #[inline]
    pub(super) fn sync_if_wanted<C: Cluster>(&mut self, core: &mut Core<'_, C>) {
        let waited_for = self.wanted > self.disk.durable() || !self.tokens.is_empty();
        if waited_for && self.syncing.is_none() {
            self.sync(core);
        }
    }

    #[inline(never)]
    fn sync<C: Cluster>(&mut self, core: &mut Core<'_, C>) {
        let through = self.disk.written();
        self.syncing = Some(through);
        self.syncs += 1;
        let word = self.disk_key.word(SYNC | u64::from(self.id.raw()), self.syncs);
        let at = core.now() + core.sync_latency.sample(word);
        core.engine.schedule(at, Call::Synced { node: self.id, incarnation: self.incarnation, through });
    }

    /// Whether what was released so happens at once.
    #[inline]
    fn is_due(&self, release: Release) -> bool {
        release == Release::Now || self.disk.durable() == self.disk.written()
    }

    fn hold(&mut self, what: Held<P::Note>, cause: Option<u64>) {
        self.wanted = self.disk.written();
        self.held.push_back(HeldBack { after: self.wanted, cause, what });
    }

    /// How it stands, in numbers, but for what only its process or its host knows.
    pub(super) fn standing(&self) -> Standing {
        let (syncing, stalled) = (self.syncing.is_some(), self.stalled.is_some());
        Standing { state: NodeState::Down, claim: None, held: self.held.len(), deferred: 0, syncing, stalled }
    }

    /// How it stands, but for what only its process or its host knows, and for the messages under way.
    pub(super) fn view(&self, slab: &MessageSlab<P::Message>, at: Time, deep: bool) -> NodeView {
        let held = |held: &Held<P::Note>| match held {
            Held::Message(to, handle) => format!("{} to {to}", slab.read(*handle).kind()),
            Held::Note(note) => format!("note {note:?}"),
        };
        let files = self.disk.files().map(|(name, content)| (name.to_owned(), content.len() as u64, self.disk.unsynced(name)));
        let (mut durable, mut written) = (None, None);
        if deep {
            durable = view::told::<P>(self.disk.files());
            let mut later = self.disk.clone();
            later.synced(later.written());
            written = view::told::<P>(later.files()).filter(|written| Some(written) != durable.as_ref());
        }
        let (syncing, stalled) = (self.syncing.is_some(), self.stalled.is_some());
        NodeView {
            node: self.id,
            state: NodeState::Down,
            incarnation: self.incarnation,
            claim: None,
            status: String::new(),
            timers: self.timers.set_ones().map(|(timer, due)| (format!("{timer:?}"), due)).collect(),
            clock: self.clock,
            reads: self.clock.read(at),
            disk: DiskView { files: files.collect(), durable, written, syncing, stalled },
            held: self.held.iter().filter_map(|waits| view::asked(|| held(&waits.what))).collect(),
            deferred: 0,
            messages: Vec::new(),
            inner: None,
        }
    }

    /// How many messages it holds back.
    pub(super) fn held(&self) -> usize {
        self.held.iter().filter(|held| matches!(held.what, Held::Message(..))).count()
    }

    /// What holds between any two events; it costs a constant.
    pub(super) fn invariants(&self) {
        self.disk.invariants();
        self.timers.invariants();
        let (durable, written) = (self.disk.durable(), self.disk.written());
        assert!(self.syncing.is_none_or(|through| durable <= through && through <= written), "a sync covers what was written");
        assert!(self.wanted <= written, "no write is waited for that was not made");
        let waited_for = self.wanted > durable || !self.tokens.is_empty();
        assert!(self.syncing.is_some() || !waited_for, "a sync that is waited for is under way");
        assert!(
            self.held.front().is_none_or(|held| held.after > durable),
            "what is held back happens when the writes before it are durable"
        );
        assert!(self.held.back().is_none_or(|held| held.after <= self.wanted), "the writes before what waits are waited for");
        let late = self.stalled.and_then(|(_, late)| late);
        assert!(late.is_none() || late == self.syncing, "the sync that a disk holds back is the one under way");
    }

    #[inline]
    fn arm<C: Cluster>(&mut self, alarm: Alarm, core: &mut Core<'_, C>) {
        let Alarm { at, slot, generation } = alarm;
        let at: Time = at.max(core.now());
        core.engine.schedule(at, Call::Timer { node: self.id, slot, generation });
    }
}
