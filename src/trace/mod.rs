//! Records of what happened in a run, in order: for judges, for the digest, and for sinks, which show it.
//!
//! A [`Record`] borrows what it is about: nothing is copied or turned into text until a sink asks. A [`Judge`] sees records with their
//! types; a [`Sink`] sees them with the types erased.

mod judge;
mod line;
mod listener;
mod recording;
mod sort;
mod table;
mod traced;

use std::any::Any;
use std::fmt::Debug;

use serde::Serialize;

use crate::base::{Change, Digest, Fate, Incarnation, Kind, KindDigest, LocalTime, MessageId, NodeId, Time};
use crate::check::Sighting;
use crate::fault;

pub use judge::Judge;
pub use line::Line;
pub use listener::{Listener, Said};
pub use recording::{OwnedRecord, Recording};
pub use sort::{Sort, Sorts};
pub use table::{Cell, Table, TableRow, Tables};
pub use traced::Traced;

/// The types that the records of one system speak of.
pub trait Vocabulary: 'static {
    /// What nodes send.
    type Message: Debug + Serialize + 'static;
    /// What servers say about themselves.
    type Note: Debug + Serialize + 'static;
    /// What clients note: invocations and completions.
    type Client: Debug + Serialize + 'static;
    /// What clients say about themselves besides.
    type ClientNote: Debug + Serialize + 'static;
}

/// One thing that happened.
#[derive(Debug)]
pub struct Record<'a, V: Vocabulary> {
    /// Place in the run, from 0.
    pub number: u64,
    /// When.
    pub at: Time,
    /// What.
    pub event: &'a Event<'a, V>,
}

impl<V: Vocabulary> Record<'_, V> {
    /// Its number and its time.
    pub const fn sighting(&self) -> Sighting {
        Sighting { record: self.number, at: self.at }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Event<'a, V: Vocabulary> {
    /// A node started, with this on its disk.
    Boot {
        /// Which node.
        node: NodeId,
        /// How often it has started.
        incarnation: Incarnation,
        /// The files it found, by name.
        files: &'a [(&'a str, &'a [u8])],
    },
    /// A node crashed: what it had in memory is gone, and of its unsynced writes only a prefix is left.
    Crash {
        /// Which node.
        node: NodeId,
        /// Bytes written and not synced when it struck.
        unsynced: u64,
        /// How many of these, from the first on, are on disk all the same.
        kept: u64,
    },
    /// A node stands still: its state stays, messages queue, timers fire late.
    Pause {
        /// Which node.
        node: NodeId,
    },
    /// A paused node goes on.
    Resume {
        /// Which node.
        node: NodeId,
    },
    /// A message was sent, and this became of it.
    Send {
        /// Its identity.
        id: MessageId,
        /// What the network does with it.
        fate: Fate,
        /// What was sent.
        message: &'a V::Message,
    },
    /// A message arrived and is about to be handled.
    Deliver {
        /// Its identity.
        id: MessageId,
        /// What arrived.
        message: &'a V::Message,
    },
    /// A message arrived at a node that is down.
    Discard {
        /// Its identity.
        id: MessageId,
    },
    /// A timer fired and is about to be handled.
    Timer {
        /// On which node.
        node: NodeId,
        /// Which.
        timer: &'a dyn Payload,
    },
    /// A file was changed; not durable until a later `Synced` covers it.
    Write {
        /// On which node.
        node: NodeId,
        /// The number of the write in this incarnation of the node, from 1.
        write: u64,
        /// Which file.
        file: &'a str,
        /// How.
        change: Change<'a>,
    },
    /// A sync completed.
    Synced {
        /// On which node.
        node: NodeId,
        /// All writes of this incarnation up to this one are durable.
        through: u64,
    },
    /// A server said something about itself.
    Note {
        /// Which.
        node: NodeId,
        /// What.
        note: &'a V::Note,
    },
    /// A client invoked an operation or learned its outcome.
    Client {
        /// Which.
        node: NodeId,
        /// What.
        event: &'a V::Client,
    },
    /// A client said something about itself.
    ClientNote {
        /// Which.
        node: NodeId,
        /// What.
        note: &'a V::ClientNote,
    },
    /// A *sometimes* mark was set.
    Mark {
        /// By which node.
        node: NodeId,
        /// Which.
        mark: &'static str,
    },
    /// A fault struck.
    Strike {
        /// Which, with nothing left open.
        strike: &'a fault::Strike,
    },
    /// A fault that was to last so long is over: a partition, say.
    Lift {
        /// Which: its number among all that struck, from 0.
        strike: u32,
    },
    /// The faults are over: everything is healed, and the run must settle.
    Settle,
    /// A node's code panicked.
    Panic {
        /// Which.
        node: NodeId,
        /// What it said.
        message: &'a str,
    },
}

impl<V: Vocabulary> Clone for Event<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V: Vocabulary> Copy for Event<'_, V> {}

/// A value whose type is erased: it can be folded into a digest, printed, and written as JSON.
pub trait Payload: Debug {
    /// Folds the value in its serialised form.
    fn fold(&self, digest: &mut Digest);

    /// The digest of the value by which the fate of a message can be fixed.
    fn content(&self) -> u64;

    /// Writes the value as JSON at the end of a text.
    fn write_json(&self, text: &mut Vec<u8>);

    /// The value as JSON.
    fn json(&self) -> serde_json::Value {
        let mut text = Vec::new();
        self.write_json(&mut text);
        read_json(&text)
    }

    /// The value, for those who know its type.
    fn any(&self) -> &dyn Any;
}

impl<T: Debug + Serialize + 'static> Payload for T {
    fn fold(&self, digest: &mut Digest) {
        digest.value(self);
    }

    fn content(&self) -> u64 {
        Digest::content(self)
    }

    fn write_json(&self, text: &mut Vec<u8>) {
        let start = text.len();
        if serde_json::to_writer(&mut *text, self).is_err() {
            // What JSON cannot hold (a map whose keys are no strings) is shown as Rust prints it.
            text.truncate(start);
            text.extend(serde_json::Value::from(format!("{self:?}")).to_string().into_bytes());
        }
    }

    fn any(&self) -> &dyn Any {
        self
    }
}

/// Reads back what a payload wrote. A value that is made so, and not by a serialiser of its own, is one less to compile for each type.
fn read_json(text: &[u8]) -> serde_json::Value {
    serde_json::from_slice(text).expect("it was written as JSON")
}

/// What bytes that were written to a file say, in a line, if they are records of the process.
pub type ReadRecords = fn(file: &str, bytes: &[u8]) -> Option<String>;

/// A record with its types erased, as sinks see it.
pub struct UntypedRecord<'a> {
    /// Place in the run, from 0.
    pub number: u64,
    /// When.
    pub at: Time,
    /// What sort of record: the name of a [`Sort`], `send`, `deliver`, `timer`, ….
    pub sort: &'static str,
    /// The node it is about: the receiver of a delivery, the sender of a message. Faults are about no single node.
    pub node: Option<NodeId>,
    /// What that node's clock reads, in a run in which clocks are off.
    pub clock: Option<LocalTime>,
    /// The message's identity and kind, for records of messages.
    pub message: Option<(MessageId, Kind)>,
    /// What became of a message that was sent.
    pub fate: Option<Fate>,
    /// A name that goes with it: a file, a mark, a panic's message.
    pub name: Option<&'a str>,
    /// Numbers that go with it, named.
    pub numbers: Vec<(&'static str, u64)>,
    /// The message, timer, note or fault itself.
    pub payload: Option<&'a dyn Payload>,
    /// The bytes of a write.
    pub bytes: Option<&'a [u8]>,
    /// How the node's process reads what is written to a file: see `Process::read_records`.
    pub reads: Option<ReadRecords>,
    /// The run's digest up to and including this record.
    pub digest: u64,
    /// The record in whose wake it happened, where the network does not tell: of what a node did, the message that it handled, the timer
    /// that fired, its start or the completed sync; of a timer, where it was set; of what waited for the disk, where it was let go; of
    /// what a fault did, the fault.
    pub cause: Option<u64>,
    /// The numbers, among all that struck, of the faults that made a difference to it: that lost the message, say.
    pub blamed: &'a [u32],
    /// What it says of the operation of a client, or of a request, if it does.
    pub traced: Option<Traced>,
}

impl UntypedRecord<'_> {
    /// All sorts of records.
    pub const SORTS: &'static [&'static str] = Sort::NAMES;
}

/// It is shown every record: a trace file, a replay on the terminal.
///
/// ```
/// use stormglass::trace::{Sink, UntypedRecord};
///
/// /// Counts records.
/// struct Count(u64);
///
/// impl Sink for Count {
///     fn record(&mut self, _: &UntypedRecord<'_>) {
///         self.0 += 1;
///     }
/// }
/// # let mut count = Count(0);
/// # let _: &mut dyn Sink = &mut count;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shown records",
    label = "this is no sink",
    note = "implement `Sink`; a judge that needs the types of records implements `Judge` instead"
)]
pub trait Sink {
    /// Shows one record.
    fn record(&mut self, entry: &UntypedRecord<'_>);

    /// Tells that a node is about to take a step that no record begins: it is asked to come to an end.
    fn unrecorded_step(&mut self, node: NodeId, at: Time) {
        let _ = (node, at);
    }
}

impl<'a, V: Vocabulary> Event<'a, V> {
    /// A digest of all that the record says.
    ///
    /// Inlined for its caller's sake, who most often knows which event it is.
    #[inline(always)]
    pub fn digest(&self, at: Time) -> Digest {
        let mut digest = Digest::new();
        digest.word(at.as_nanos());
        self.fold(&mut digest);
        digest
    }

    /// Whether what comes next is in its wake: a node handles it, or the nemesis carries it out.
    #[inline(always)]
    pub(crate) const fn begins(&self) -> bool {
        matches!(
            self,
            Self::Boot { .. }
                | Self::Crash { .. }
                | Self::Resume { .. }
                | Self::Deliver { .. }
                | Self::Timer { .. }
                | Self::Synced { .. }
                | Self::Strike { .. }
                | Self::Lift { .. }
                | Self::Settle
        )
    }

    #[inline(always)]
    fn fold(&self, digest: &mut Digest) {
        match self {
            Self::Send { id, fate, message } => {
                fold_id(1, id, digest);
                fold_fate(fate, digest);
                digest.value(*message);
            }
            // What was sent is folded already; a payload changed in flight would be folded here.
            Self::Deliver { id, .. } => fold_id(2, id, digest),
            Self::Discard { id } => fold_id(3, id, digest),
            Self::Timer { node, timer } => {
                fold_node(4, *node, digest);
                timer.fold(digest);
            }
            Self::Write { node, write, file, change } => {
                fold_node(5, *node, digest);
                digest.word(*write);
                digest.bytes(file.as_bytes());
                fold_change(change, digest);
            }
            Self::Synced { node, through } => {
                fold_node(6, *node, digest);
                digest.word(*through);
            }
            Self::Note { node, note } => {
                fold_node(7, *node, digest);
                digest.value(*note);
            }
            Self::Client { node, event } => {
                fold_node(8, *node, digest);
                digest.value(*event);
            }
            Self::ClientNote { node, note } => {
                fold_node(18, *node, digest);
                digest.value(*note);
            }
            Self::Mark { node, mark } => {
                fold_node(9, *node, digest);
                digest.bytes(mark.as_bytes());
            }
            Self::Strike { strike } => {
                digest.word(10);
                Payload::fold(*strike, digest);
            }
            Self::Boot { node, incarnation, files } => {
                fold_node(11, *node, digest);
                digest.word(u64::from(incarnation.0));
                for (name, content) in *files {
                    digest.bytes(name.as_bytes());
                    digest.bytes(content);
                }
            }
            Self::Crash { node, unsynced, kept } => {
                fold_node(12, *node, digest);
                digest.word(*unsynced);
                digest.word(*kept);
            }
            Self::Settle => digest.word(16),
            Self::Lift { strike } => {
                digest.word(17);
                digest.word(u64::from(*strike));
            }
            Self::Pause { node } => fold_node(13, *node, digest),
            Self::Resume { node } => fold_node(14, *node, digest),
            Self::Panic { node, message } => {
                fold_node(15, *node, digest);
                digest.bytes(message.as_bytes());
            }
        }
    }

    /// What sort of record it is.
    #[inline(always)]
    pub const fn sort(&self) -> Sort {
        match self {
            Self::Boot { .. } => Sort::Boot,
            Self::Crash { .. } => Sort::Crash,
            Self::Pause { .. } => Sort::Pause,
            Self::Resume { .. } => Sort::Resume,
            Self::Send { .. } => Sort::Send,
            Self::Deliver { .. } => Sort::Deliver,
            Self::Discard { .. } => Sort::Discard,
            Self::Timer { .. } => Sort::Timer,
            Self::Write { .. } => Sort::Write,
            Self::Synced { .. } => Sort::Synced,
            Self::Note { .. } | Self::ClientNote { .. } => Sort::Note,
            Self::Client { .. } => Sort::Client,
            Self::Mark { .. } => Sort::Mark,
            Self::Strike { .. } => Sort::Fault,
            Self::Lift { .. } => Sort::Lift,
            Self::Settle => Sort::Settle,
            Self::Panic { .. } => Sort::Panic,
        }
    }

    /// The record with its types erased. `kinds` are the names of the kinds of messages.
    pub fn entry(&self, number: u64, at: Time, digest: u64, kinds: &[&'static str]) -> UntypedRecord<'_> {
        let named = |id: &MessageId| {
            let index = kinds.iter().position(|name| KindDigest::of(name) == id.kind);
            let name = index.map_or("message", |index| kinds[index]);
            Some((*id, Kind { index: index.unwrap_or_default() as u16, name }))
        };
        let blank = |node| UntypedRecord {
            number,
            at,
            sort: self.sort().name(),
            node,
            clock: None,
            message: None,
            fate: None,
            name: None,
            numbers: Vec::new(),
            payload: None,
            bytes: None,
            reads: None,
            digest,
            cause: None,
            blamed: &[],
            traced: None,
        };
        match self {
            Self::Boot { node, incarnation, files } => {
                UntypedRecord { numbers: vec![("incarnation", incarnation.0.into()), ("files", files.len() as u64)], ..blank(Some(*node)) }
            }
            Self::Crash { node, unsynced, kept } => {
                UntypedRecord { numbers: vec![("unsynced", *unsynced), ("kept", *kept)], ..blank(Some(*node)) }
            }
            Self::Pause { node } => blank(Some(*node)),
            Self::Resume { node } => blank(Some(*node)),
            Self::Send { id, fate, message } => {
                UntypedRecord { message: named(id), fate: Some(*fate), payload: Some(*message), ..blank(Some(id.from)) }
            }
            Self::Deliver { id, message } => UntypedRecord { message: named(id), payload: Some(*message), ..blank(Some(id.to)) },
            Self::Discard { id } => UntypedRecord { message: named(id), ..blank(Some(id.to)) },
            Self::Timer { node, timer } => UntypedRecord { payload: Some(*timer), ..blank(Some(*node)) },
            Self::Write { node, write, file, change } => {
                let (number, bytes) = match change {
                    Change::Append(bytes) => (("append", bytes.len() as u64), Some(*bytes)),
                    Change::At(offset, bytes) => (("offset", *offset), Some(*bytes)),
                    Change::Truncate(length) => (("truncate", *length), None),
                };
                UntypedRecord { name: Some(file), numbers: vec![("write", *write), number], bytes, ..blank(Some(*node)) }
            }
            Self::Synced { node, through } => UntypedRecord { numbers: vec![("through", *through)], ..blank(Some(*node)) },
            Self::Note { node, note } => UntypedRecord { payload: Some(*note), ..blank(Some(*node)) },
            Self::Client { node, event } => UntypedRecord { payload: Some(*event), ..blank(Some(*node)) },
            Self::ClientNote { node, note } => UntypedRecord { payload: Some(*note), ..blank(Some(*node)) },
            Self::Mark { node, mark } => UntypedRecord { name: Some(mark), ..blank(Some(*node)) },
            Self::Settle => blank(None),
            Self::Lift { strike } => UntypedRecord { numbers: vec![("strike", u64::from(*strike))], ..blank(None) },
            Self::Strike { strike } => UntypedRecord { payload: Some(*strike), ..blank(None) },
            Self::Panic { node, message } => UntypedRecord { name: Some(message), ..blank(Some(*node)) },
        }
    }
}

#[inline]
fn fold_node(tag: u64, node: NodeId, digest: &mut Digest) {
    digest.word((tag << 32) | u64::from(node.raw()));
}

#[inline]
fn fold_id(tag: u64, id: &MessageId, digest: &mut Digest) {
    // No run has 2²⁸ servers: the tag has room above their numbers.
    digest.word((tag << 60) ^ (u64::from(id.from.raw()) << 32) ^ u64::from(id.to.raw()));
    digest.word((u64::from(id.kind.raw()) << 32) | u64::from(id.count));
}

#[inline]
fn fold_fate(fate: &Fate, digest: &mut Digest) {
    match fate {
        Fate::Deliver(delay) => digest.word(delay.as_nanos()),
        Fate::Duplicate(first, second) => {
            digest.word(u64::MAX);
            digest.word(first.as_nanos());
            digest.word(second.as_nanos());
        }
        Fate::Lost(reason) => {
            digest.word(u64::MAX - 1);
            digest.word(*reason as u64);
        }
    }
}

#[inline]
fn fold_change(change: &Change<'_>, digest: &mut Digest) {
    match change {
        Change::Append(bytes) => {
            digest.word(u64::MAX);
            digest.bytes(bytes);
        }
        Change::At(offset, bytes) => {
            digest.word(*offset);
            digest.bytes(bytes);
        }
        Change::Truncate(length) => {
            digest.word(u64::MAX - 1);
            digest.word(*length);
        }
    }
}
