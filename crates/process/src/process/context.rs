//! The ordered buffer of effects through which a process acts.

use std::collections::VecDeque;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{FileName, Files, Mark, Process};
use crate::base::{Amount, Change, Duration, Labelled, LocalTime, Measure, NodeId, Stream};

/// Names a sync of the disk within one incarnation of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SyncToken(pub u64);

/// Whether a message leaves, or a note is made, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// At once.
    Now,
    /// When all that was written before it is on disk.
    Durable,
}

/// A change of one file. Byte ranges refer to the buffer that holds the effect: see [`Buffer::split`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Bytes at the end.
    Append(Range<usize>),
    /// Bytes at an offset, over what is there; a gap is filled with zeros.
    At(u64, Range<usize>),
    /// Cut to this length, or fill up to it with zeros.
    Truncate(u64),
}

impl Write {
    /// The change, with its bytes out of those of the buffer.
    pub fn change<'a>(&self, bytes: &'a [u8]) -> Change<'a> {
        match self {
            Self::Append(range) => Change::Append(&bytes[range.clone()]),
            Self::At(offset, range) => Change::At(*offset, &bytes[range.clone()]),
            Self::Truncate(length) => Change::Truncate(*length),
        }
    }
}

/// One thing that a process did.
#[derive(Clone, Debug)]
pub enum Effect<M, T, N> {
    /// Sent a message.
    Send {
        /// Receiver.
        to: NodeId,
        /// What is sent.
        message: M,
        /// When it leaves.
        release: Release,
    },
    /// Set a timer to fire after this long by the node's own clock, or moved it there.
    SetTimer(T, Duration),
    /// Cancelled a timer.
    CancelTimer(T),
    /// Changed a file; not durable until a later sync completes.
    Write(FileName, Write),
    /// Asked for all writes so far to be made durable.
    Sync(SyncToken),
    /// Said something about itself.
    Note {
        /// What it said.
        note: N,
        /// When that counts as said.
        release: Release,
    },
    /// Passed a place that a good sweep should pass sometimes.
    Sometimes(&'static str),
    /// Asked for a node to be started anew.
    Restart(NodeId),
}

/// How many bytes most records take at most.
const RECORD_BYTES: usize = 256;

/// Effects in order, with the bytes of their writes.
#[derive(Clone, Debug)]
pub struct Buffer<M, T, N> {
    effects: VecDeque<Effect<M, T, N>>,
    bytes: Vec<u8>,
    effects_max: usize,
    bytes_max: usize,
    /// What was measured, if that is collected. It is no effect: what a process does is the same with and without.
    measured: Option<Box<Measured>>,
}

/// What was measured, in order.
#[derive(Clone, Debug, Default)]
struct Measured(Vec<Measure>);

impl<M, T, N> Default for Buffer<M, T, N> {
    fn default() -> Self {
        Self { effects: VecDeque::new(), bytes: Vec::new(), effects_max: usize::MAX, bytes_max: usize::MAX, measured: None }
    }
}

impl<M, T, N> Buffer<M, T, N> {
    /// A buffer for at most so many effects of one step, and so many bytes of its writes. A process that does more panics, so that one that
    /// acts without end comes to one. The [usual](Self::default) buffer has no bounds.
    pub fn bounded(effects: u64, bytes: u64) -> Self {
        let [effects_max, bytes_max] = [effects, bytes].map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        Self { effects_max, bytes_max, ..Self::default() }
    }

    /// From now on what the process measures is collected: see [`take_measures`](Self::take_measures).
    pub fn collect_measures(&mut self) {
        self.measured.get_or_insert_default();
    }

    /// What was measured since this was last asked, in order; nothing if that is not collected.
    pub fn take_measures(&mut self) -> Vec<Measure> {
        self.measured.as_mut().map(|measured| std::mem::take(&mut measured.0)).unwrap_or_default()
    }

    #[inline]
    fn push(&mut self, effect: Effect<M, T, N>) {
        assert!(self.effects.len() < self.effects_max, "more than {} effects in one step", self.effects_max);
        self.effects.push_back(effect);
    }

    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    fn check_bytes(&self) {
        assert!(self.bytes.len() <= self.bytes_max, "more than {} bytes written in one step", self.bytes_max);
    }

    /// Takes the effects and their bytes apart, so that the bytes can be read while the effects are applied.
    #[inline]
    pub fn split(&mut self) -> (impl Iterator<Item = Effect<M, T, N>> + '_, &[u8]) {
        let Self { effects, bytes, .. } = self;
        (std::iter::from_fn(|| effects.pop_front()), bytes)
    }

    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.effects.clear();
        self.bytes.clear();
    }
}

/// What a process acts through: an ordered buffer of effects, with its node's clock and the next random words in reach.
pub struct Context<'a, P: Process> {
    me: NodeId,
    now: LocalTime,
    random: &'a mut Stream,
    next_sync: &'a mut u64,
    buffer: &'a mut Buffer<P::Message, P::Timer, P::Note>,
}

impl<'a, P: Process> Context<'a, P> {
    /// A context for one step of the process on node `me`. `next_sync` numbers the syncs of this incarnation.
    pub fn new(
        me: NodeId,
        now: LocalTime,
        random: &'a mut Stream,
        next_sync: &'a mut u64,
        buffer: &'a mut Buffer<P::Message, P::Timer, P::Note>,
    ) -> Self {
        Self { me, now, random, next_sync, buffer }
    }

    /// The node that this process runs on.
    pub fn me(&self) -> NodeId {
        self.me
    }

    /// What the node's clock reads.
    pub fn now(&self) -> LocalTime {
        self.now
    }

    /// The node's random words.
    pub fn random(&mut self) -> &mut Stream {
        self.random
    }

    /// Sends a message at once. A node may send to itself; that, too, passes through the network.
    pub fn send(&mut self, to: NodeId, message: P::Message) {
        self.release(Release::Now, to, message);
    }

    /// Sends a message as soon as all that was written before is on disk; starts a sync if none that covers it is under way.
    pub fn send_when_durable(&mut self, to: NodeId, message: P::Message) {
        self.release(Release::Durable, to, message);
    }

    /// Sends a message at once or when durable, where that is itself a decision: a rule of a protocol that a mutant may break.
    pub fn release(&mut self, release: Release, to: NodeId, message: P::Message) {
        self.buffer.push(Effect::Send { to, message, release });
    }

    /// Sets a timer to fire after this long by the node's own clock. One that is already set is moved.
    pub fn set_timer(&mut self, timer: P::Timer, after: Duration) {
        self.buffer.push(Effect::SetTimer(timer, after));
    }

    /// Cancels a timer; nothing happens if it is not set.
    pub fn cancel_timer(&mut self, timer: P::Timer) {
        self.buffer.push(Effect::CancelTimer(timer));
    }

    /// Writes bytes at the end of a file, which is made if there is none.
    pub fn append(&mut self, file: impl Into<FileName>, bytes: &[u8]) {
        let range = self.hold(bytes);
        self.buffer.push(Effect::Write(file.into(), Write::Append(range)));
    }

    /// Writes a record at the end of a file, as a line of JSON; [`Files::records`](super::Files::records) reads them. Use a struct, a tuple
    /// or an array: a part of a number, torn off by a crash, is a number too.
    ///
    /// # Panics
    /// If the record cannot be written as JSON: a map whose keys are not strings, say.
    pub fn append_record<T: Serialize>(&mut self, file: impl Into<FileName>, record: &T) {
        let start = self.buffer.bytes.len();
        // Most records fit, and so the buffer does not grow bit by bit.
        self.buffer.bytes.reserve(RECORD_BYTES);
        // The line break comes first, so that what follows a torn record begins a line of its own.
        self.buffer.bytes.push(b'\n');
        serde_json::to_writer(&mut self.buffer.bytes, record).expect("the record can be written as JSON");
        self.buffer.check_bytes();
        let range = start..self.buffer.bytes.len();
        self.buffer.push(Effect::Write(file.into(), Write::Append(range)));
    }

    /// Writes bytes at an offset of a file, over what is there.
    pub fn write_at(&mut self, file: impl Into<FileName>, offset: u64, bytes: &[u8]) {
        let range = self.hold(bytes);
        self.buffer.push(Effect::Write(file.into(), Write::At(offset, range)));
    }

    /// Cuts a file to this length.
    pub fn truncate(&mut self, file: impl Into<FileName>, length: u64) {
        self.buffer.push(Effect::Write(file.into(), Write::Truncate(length)));
    }

    /// Asks for all that was written so far to be made durable; [`Process::on_synced`] tells when it is.
    pub fn sync(&mut self) -> SyncToken {
        let token = SyncToken(*self.next_sync);
        *self.next_sync += 1;
        self.buffer.push(Effect::Sync(token));
        token
    }

    /// Says something about the process to those who judge and explain the run.
    pub fn note(&mut self, note: P::Note) {
        self.buffer.push(Effect::Note { note, release: Release::Now });
    }

    /// The same as soon as all that was written before is on disk, as [`send_when_durable`](Self::send_when_durable) does with a message. A
    /// crash before that takes the note along: what a judge is told so, no crash undoes.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use stormglass_process::base::NodeId;
    /// # use stormglass_process::process::{Context, Files, Harness, Message, Process};
    /// # #[derive(Clone, Debug, Serialize, Deserialize)]
    /// # struct Vote;
    /// # impl Message for Vote {}
    /// # struct Voter;
    /// #[derive(Debug, PartialEq, Serialize)]
    /// struct Voted;
    ///
    /// # impl Process for Voter {
    /// # type Config = ();
    /// # type Message = Vote;
    /// # type Timer = ();
    /// # type Note = Voted;
    /// # fn boot(_: &(), _: &Files, _: &mut Context<'_, Self>) -> Self { Self }
    /// # fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
    /// fn on_message(&mut self, _: NodeId, Vote: Vote, context: &mut Context<'_, Self>) {
    ///     context.append("votes", b"yes");
    ///     context.note_when_durable(Voted);
    /// }
    /// # }
    ///
    /// let mut voter = Harness::<Voter>::boot(NodeId::server(0), ());
    /// voter.deliver(NodeId::server(1), Vote);
    /// voter.crash();
    /// voter.sync();
    /// assert_eq!(voter.take_notes(), [], "the crash took the vote, and what was to be said of it");
    /// voter.deliver(NodeId::server(1), Vote);
    /// voter.sync();
    /// assert_eq!(voter.take_notes(), [Voted]);
    /// ```
    pub fn note_when_durable(&mut self, note: P::Note) {
        self.buffer.push(Effect::Note { note, release: Release::Durable });
    }

    /// Marks that this place was passed: one of [`Process::MARKS`]. A sweep in which it is never set fails only where the scenario's
    /// `expect` demands it; otherwise it is reported as never seen.
    pub fn sometimes(&mut self, mark: impl Into<Mark>) {
        self.buffer.push(Effect::Sometimes(mark.into().name));
    }

    /// Counts: one of [`Process::METRICS`], in one of its series if it has labels. Nothing is done where nothing is collected, and
    /// a run is the same whether it is collected or not.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use stormglass_process::base::{Metric, NodeId};
    /// # use stormglass_process::process::{Context, Files, Harness, Message, NoNote, Process};
    /// # #[derive(Clone, Debug, Serialize, Deserialize)]
    /// # struct Hello;
    /// # impl Message for Hello {}
    /// const GREETINGS: Metric = Metric::counter("greetings", "", "Greetings that have come in.").by(&["from"]);
    ///
    /// # struct Host;
    /// impl Process for Host {
    ///     const METRICS: &'static [Metric] = &[GREETINGS];
    /// #   type Config = ();
    /// #   type Message = Hello;
    /// #   type Timer = ();
    /// #   type Note = NoNote;
    /// #   fn boot(_: &(), _: &Files, _: &mut Context<'_, Self>) -> Self { Self }
    /// #   fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
    ///
    ///     fn on_message(&mut self, from: NodeId, Hello: Hello, context: &mut Context<'_, Self>) {
    ///         context.count(GREETINGS.with(&[if from.is_client() { "client" } else { "server" }]), 1);
    ///     }
    /// }
    ///
    /// let mut host = Harness::<Host>::boot(NodeId::server(0), ());
    /// host.deliver(NodeId::client(0), Hello);
    /// assert_eq!(host.take_measures()[0].labels, ["client"]);
    /// ```
    #[inline]
    pub fn count<'l>(&mut self, counter: impl Into<Labelled<'l>>, by: u64) {
        if self.buffer.measured.is_some() {
            self.measure(counter.into(), Amount::Count(by));
        }
    }

    /// Says how much there is now of something: one of [`Process::METRICS`], a gauge. See [`count`](Self::count).
    #[inline]
    pub fn gauge<'l>(&mut self, gauge: impl Into<Labelled<'l>>, amount: impl Into<Amount>) {
        if self.buffer.measured.is_some() {
            self.measure(gauge.into(), amount.into());
        }
    }

    /// Takes note of how large something was, or how long it took: one of [`Process::METRICS`], a histogram. See [`count`](Self::count).
    #[inline]
    pub fn observe<'l>(&mut self, histogram: impl Into<Labelled<'l>>, amount: impl Into<Amount>) {
        if self.buffer.measured.is_some() {
            self.measure(histogram.into(), amount.into());
        }
    }

    #[cold]
    fn measure(&mut self, Labelled { metric, labels }: Labelled<'_>, amount: Amount) {
        if let Some(measured) = &mut self.buffer.measured {
            measured.0.push(Measure { metric, labels: labels.iter().map(|&label| label.to_owned()).collect(), amount });
        }
    }

    /// Asks for a node to be started anew, as the supervisor of the machines does: one that runs or stands still is taken down first, as by
    /// a crash. The request takes another way than messages, so that no partition stops it. It is in vain if the node was destroyed.
    ///
    /// What does so says so: see [`Process::RESTARTS`].
    pub fn restart(&mut self, node: NodeId) {
        const { assert!(P::RESTARTS, "a process that starts nodes anew declares it: const RESTARTS: bool = true") }
        self.buffer.push(Effect::Restart(node));
    }

    /// Takes a step of an embedded process, and wraps what it did into effects of this one.
    pub fn embed<C: Process, R>(&mut self, step: impl FnOnce(&mut Context<'_, C>) -> R) -> R
    where
        P: Embeds<C>,
    {
        const { assert!(P::RESTARTS || !C::RESTARTS, "a process starts nodes anew if one within it does: const RESTARTS: bool = true") }
        let wrap = Wrap { scope: Some(P::SCOPE), message: P::wrap_message, timer: P::wrap_timer, note: P::wrap_note };
        self.wrapped(&wrap, step)
    }

    /// Takes a step of the process that this one is in truth: it speaks the same messages, and writes the same files.
    pub(super) fn stand_for<C: Process<Message = P::Message>, R>(
        &mut self,
        timer: fn(C::Timer) -> P::Timer,
        note: fn(C::Note) -> P::Note,
        step: impl FnOnce(&mut Context<'_, C>) -> R,
    ) -> R {
        let wrap = Wrap { scope: None, message: |message| message, timer, note: |said| Some(note(said)) };
        self.wrapped(&wrap, step)
    }

    fn wrapped<C: Process, R, N>(&mut self, wrap: &Wrap<C, P, N>, step: impl FnOnce(&mut Context<'_, C>) -> R) -> R
    where
        N: Fn(C::Note) -> Option<P::Note>,
    {
        let Buffer { effects_max, bytes_max, .. } = *self.buffer;
        // It writes where this one does, so that no bytes are copied.
        let bytes = std::mem::take(&mut self.buffer.bytes);
        let measured = self.buffer.measured.take();
        let mut inner = Buffer { effects: VecDeque::new(), bytes, effects_max, bytes_max, measured };
        let result = step(&mut Context::new(self.me, self.now, self.random, self.next_sync, &mut inner));
        self.buffer.bytes = inner.bytes;
        self.buffer.measured = inner.measured;
        for effect in inner.effects {
            let wrapped = match effect {
                Effect::Send { to, message, release } => Effect::Send { to, message: (wrap.message)(message), release },
                Effect::SetTimer(timer, after) => Effect::SetTimer((wrap.timer)(timer), after),
                Effect::CancelTimer(timer) => Effect::CancelTimer((wrap.timer)(timer)),
                Effect::Write(file, write) => match wrap.scope {
                    Some(scope) => Effect::Write(format!("{scope}/{file}").into(), write),
                    None => Effect::Write(file, write),
                },
                Effect::Sync(token) => Effect::Sync(token),
                Effect::Note { note, release } => match (wrap.note)(note) {
                    Some(note) => Effect::Note { note, release },
                    None => continue,
                },
                Effect::Sometimes(mark) => Effect::Sometimes(mark),
                Effect::Restart(node) => Effect::Restart(node),
            };
            self.buffer.push(wrapped);
        }
        result
    }

    fn hold(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.buffer.bytes.len();
        self.buffer.bytes.extend_from_slice(bytes);
        self.buffer.check_bytes();
        start..self.buffer.bytes.len()
    }
}

/// How what a process `C` does becomes what `P` does.
struct Wrap<C: Process, P: Process, N> {
    /// Below which name its files lie.
    scope: Option<&'static str>,
    message: fn(C::Message) -> P::Message,
    timer: fn(C::Timer) -> P::Timer,
    note: N,
}

/// A process that runs another within itself, as two-phase commit runs over Raft: see [`Context::embed`].
///
/// Sync tokens are shared: the parent passes each completed one on, and each process knows its own. The child's files lie under
/// `SCOPE/`: it is booted by [`boot_inner`](Self::boot_inner), which sees to that.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stormglass_process::base::{Duration, NodeId};
/// use stormglass_process::process::{Context, Embeds, Files, Harness, Message, NoNote, Process};
///
/// /// Beats.
/// struct Heart;
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Beat;
/// impl Message for Beat {}
///
/// impl Process for Heart {
///     type Config = ();
///     type Message = Beat;
///     type Timer = ();
///     type Note = NoNote;
///
///     fn boot(_: &(), _: &Files, context: &mut Context<'_, Self>) -> Self {
///         context.send(NodeId::server(1), Beat);
///         context.set_timer((), Duration::from_secs(1));
///         Self
///     }
///
///     fn on_message(&mut self, _: NodeId, Beat: Beat, _: &mut Context<'_, Self>) {}
///
///     fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
///         context.send(NodeId::server(1), Beat);
///         context.set_timer((), Duration::from_secs(1));
///     }
/// }
///
/// /// Has a heart, and messages of its own.
/// struct Body {
///     heart: Heart,
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// enum Talk {
///     Heart(Beat),
///     Hello,
/// }
/// impl Message for Talk {}
///
/// impl Embeds<Heart> for Body {
///     const SCOPE: &'static str = "heart";
///
///     fn wrap_message(message: Beat) -> Talk {
///         Talk::Heart(message)
///     }
///
///     fn wrap_timer((): ()) {}
///
///     fn wrap_note(note: NoNote) -> Option<NoNote> {
///         Some(note)
///     }
/// }
///
/// impl Process for Body {
///     type Config = ();
///     type Message = Talk;
///     type Timer = ();
///     type Note = NoNote;
///
///     fn boot(_: &(), disk: &Files, context: &mut Context<'_, Self>) -> Self {
///         Self { heart: Self::boot_inner(&(), disk, context) }
///     }
///
///     fn on_message(&mut self, from: NodeId, message: Talk, context: &mut Context<'_, Self>) {
///         if let Talk::Heart(beat) = message {
///             context.embed(|context| self.heart.on_message(from, beat, context));
///         }
///     }
///
///     fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
///         context.embed(|context| self.heart.on_timer((), context));
///     }
/// }
///
/// let mut body = Harness::<Body>::boot(NodeId::server(0), ());
/// assert!(matches!(body.take_sent()[..], [(_, Talk::Heart(Beat))]));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how it embeds `{C}`",
    label = "the effects of `{C}` cannot become effects of this process",
    note = "implement `Embeds<{C}> for {Self}`: how a message, a timer and a note of `{C}` are wrapped"
)]
pub trait Embeds<C: Process>: Process {
    /// Under which name the child's files lie on the parent's disk.
    const SCOPE: &'static str;

    /// Wraps a message of the child.
    fn wrap_message(message: C::Message) -> Self::Message;

    /// Wraps a timer of the child.
    fn wrap_timer(timer: C::Timer) -> Self::Timer;

    /// Wraps a note of the child, or drops it.
    fn wrap_note(note: C::Note) -> Option<Self::Note>;

    /// The name by which the child knows a file of the parent's disk, if it is one of the child's.
    fn inner_file(file: &str) -> Option<&str> {
        file.strip_prefix(Self::SCOPE)?.strip_prefix('/')
    }

    /// Boots the child, with its files on the parent's disk.
    fn boot_inner(config: &C::Config, disk: &Files, context: &mut Context<'_, Self>) -> C {
        let disk = disk.scoped(Self::SCOPE);
        context.embed(|context| C::boot(config, &disk, context))
    }

    /// What [`Process::read_disk`] says of the child's files on the parent's disk.
    fn read_inner_disk(disk: &Files) -> Option<String> {
        C::read_disk(&disk.scoped(Self::SCOPE))
    }

    /// What [`Process::read_records`] says of what was written to a file of the parent's disk, if it is one of the child's.
    fn read_inner_records(file: &str, bytes: &[u8]) -> Option<String> {
        C::read_records(Self::inner_file(file)?, bytes)
    }
}
