//! Stepping one process by hand, without an engine: for protocol tests as exact transcripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Buffer, ClientProcess, Context, Effect, FileName, Files, Process, Release, SyncToken, Write};
use crate::base::{Change, Duration, LocalTime, Measure, NodeId, Stream};

/// A process on a bench: deliver, fire, sync, crash, and see what it does.
///
/// Writes stay in the disk's cache until [`sync`](Self::sync); [`crash`](Self::crash) loses them.
pub struct Harness<P: Process> {
    me: NodeId,
    config: P::Config,
    process: P,
    now: LocalTime,
    random: Stream,
    next_sync: u64,
    buffer: Buffer<P::Message, P::Timer, P::Note>,
    timers: BTreeMap<P::Timer, LocalTime>,
    durable: Files,
    /// Writes and syncs not yet carried out, in order.
    cache: Vec<Cached>,
    held: Vec<Held<P::Message, P::Note>>,
    sent: Vec<(NodeId, P::Message)>,
    notes: Vec<P::Note>,
    measures: Vec<Measure>,
    transcript: String,
}

enum Cached {
    /// A write, and the bytes of the buffer that held it.
    Write(FileName, Write, Vec<u8>),
    Sync(SyncToken),
}

/// What waits for the writes before it.
enum Held<M, N> {
    Message(NodeId, M),
    Note(N),
}

impl<P: Process> Harness<P> {
    /// Boots the process with an empty disk and random words that are all zero.
    pub fn boot(me: NodeId, config: P::Config) -> Self {
        Self::boot_with(me, config, Files::new(), Stream::scripted([]))
    }

    /// Boots the process with this disk and these random words.
    pub fn boot_with(me: NodeId, config: P::Config, disk: Files, mut random: Stream) -> Self {
        let (mut buffer, mut next_sync, now) = (Buffer::default(), 0, LocalTime::default());
        buffer.collect_measures();
        let process = P::boot(&config, &disk, &mut Context::new(me, now, &mut random, &mut next_sync, &mut buffer));
        let mut harness = Self {
            me,
            config,
            process,
            now,
            random,
            next_sync,
            buffer,
            timers: BTreeMap::new(),
            durable: disk,
            cache: Vec::new(),
            held: Vec::new(),
            sent: Vec::new(),
            notes: Vec::new(),
            measures: Vec::new(),
            transcript: String::new(),
        };
        harness.apply("boot");
        harness
    }

    /// The process.
    pub fn process(&self) -> &P {
        &self.process
    }

    /// What is on disk for certain.
    pub fn durable(&self) -> &Files {
        &self.durable
    }

    /// The timers that are set, with the local times at which they fire.
    pub fn timers(&self) -> &BTreeMap<P::Timer, LocalTime> {
        &self.timers
    }

    /// What has left the node since this was last asked.
    pub fn take_sent(&mut self) -> Vec<(NodeId, P::Message)> {
        std::mem::take(&mut self.sent)
    }

    /// What the process has noted since this was last asked.
    pub fn take_notes(&mut self) -> Vec<P::Note> {
        std::mem::take(&mut self.notes)
    }

    /// What the process has measured since this was last asked.
    pub fn take_measures(&mut self) -> Vec<Measure> {
        std::mem::take(&mut self.measures)
    }

    /// All that has happened since this was last asked, a line each.
    pub fn take_transcript(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }

    /// Delivers a message.
    pub fn deliver(&mut self, from: NodeId, message: P::Message) {
        let title = format!("{from} → {} {message:?}", self.me);
        self.step(&title, |process, context| process.on_message(from, message, context));
    }

    /// Fires a timer, whether or not it is set; the clock moves on to its time if it is.
    pub fn fire(&mut self, timer: P::Timer) {
        if let Some(at) = self.timers.remove(&timer) {
            self.now = self.now.max(at);
        }
        self.step(&format!("timer {timer:?}"), |process, context| process.on_timer(timer, context));
    }

    /// Lets the clock go on, firing what is due in order of time.
    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        while let Some((&timer, _)) = self.timers.iter().filter(|(_, at)| **at <= until).min_by_key(|(timer, at)| (**at, **timer)) {
            self.fire(timer);
        }
        self.now = until;
    }

    /// Makes all writes so far durable, releases what waited for that, and tells the process of each sync that it asked for.
    pub fn sync(&mut self) {
        let mut completed = Vec::new();
        for cached in std::mem::take(&mut self.cache) {
            match cached {
                Cached::Write(file, write, bytes) => write.change(&bytes).apply(self.durable.content_mut(&file)),
                Cached::Sync(token) => completed.push(token),
            }
        }
        self.transcript.push_str("disk synced\n");
        for held in std::mem::take(&mut self.held) {
            match held {
                Held::Message(to, message) => self.leave(to, message),
                Held::Note(note) => self.note(note),
            }
        }
        for token in completed {
            self.step(&format!("synced {}", token.0), |process, context| process.on_synced(token, context));
        }
    }

    /// Crashes the node, which loses all that is not durable, and boots it again.
    pub fn crash(&mut self) {
        self.cache.clear();
        self.held.clear();
        self.timers.clear();
        self.next_sync = 0;
        self.process = P::boot(
            &self.config,
            &self.durable,
            &mut Context::new(self.me, self.now, &mut self.random, &mut self.next_sync, &mut self.buffer),
        );
        self.apply("crash and boot");
    }

    fn step(&mut self, title: &str, handler: impl FnOnce(&mut P, &mut Context<'_, P>)) {
        let mut context = Context::new(self.me, self.now, &mut self.random, &mut self.next_sync, &mut self.buffer);
        handler(&mut self.process, &mut context);
        self.apply(title);
    }

    fn apply(&mut self, title: &str) {
        let _ = writeln!(self.transcript, "{title}");
        let mut buffer = std::mem::take(&mut self.buffer);
        self.measures.append(&mut buffer.take_measures());
        let (effects, bytes) = buffer.split();
        for effect in effects {
            self.carry(effect, bytes);
        }
        buffer.clear();
        self.buffer = buffer;
    }

    fn carry(&mut self, effect: Effect<P::Message, P::Timer, P::Note>, bytes: &[u8]) {
        match effect {
            Effect::Send { to, message, release: Release::Durable } if !self.cache.is_empty() => {
                let _ = writeln!(self.transcript, "  when durable → {to} {message:?}");
                self.held.push(Held::Message(to, message));
            }
            Effect::Send { to, message, .. } => self.leave(to, message),
            Effect::SetTimer(timer, after) => {
                let _ = writeln!(self.transcript, "  set {timer:?} in {after}");
                self.timers.insert(timer, self.now + after);
            }
            Effect::CancelTimer(timer) => {
                let _ = writeln!(self.transcript, "  cancel {timer:?}");
                self.timers.remove(&timer);
            }
            Effect::Write(file, write) => {
                let text = match write.change(bytes) {
                    Change::Append(bytes) => format!("append {} bytes", bytes.len()),
                    Change::At(offset, bytes) => format!("{} bytes at {offset}", bytes.len()),
                    Change::Truncate(length) => format!("truncate to {length}"),
                };
                let _ = writeln!(self.transcript, "  write {file}: {text}");
                self.cache.push(Cached::Write(file, write, bytes.to_vec()));
            }
            Effect::Sync(token) => {
                let _ = writeln!(self.transcript, "  sync {}", token.0);
                self.cache.push(Cached::Sync(token));
            }
            Effect::Note { note, release: Release::Durable } if !self.cache.is_empty() => {
                let _ = writeln!(self.transcript, "  when durable note {note:?}");
                self.held.push(Held::Note(note));
            }
            Effect::Note { note, .. } => self.note(note),
            Effect::Sometimes(mark) => {
                let _ = writeln!(self.transcript, "  sometimes {mark}");
            }
            Effect::Restart(node) => {
                let _ = writeln!(self.transcript, "  restart {node}");
            }
        }
    }

    fn note(&mut self, note: P::Note) {
        let _ = writeln!(self.transcript, "  note {note:?}");
        self.notes.push(note);
    }

    fn leave(&mut self, to: NodeId, message: P::Message) {
        let _ = writeln!(self.transcript, "  → {to} {message:?}");
        self.sent.push((to, message));
    }
}

impl<P: ClientProcess> Harness<P> {
    /// Tells the client to invoke nothing new.
    pub fn quiesce(&mut self) {
        self.step("quiesce", |process, context| process.quiesce(context));
    }
}
