//! What each node is, holds and waits for at a moment of a run, for people: looked at between two events, on demand, and changing nothing.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::calls::Call;
use super::host::NodeState;
use super::setup::Cluster;
use super::{World, kind_name};
use crate::base::{Incarnation, LocalTime, MessageId, NodeId, Time, sort_by_key};
use crate::environment::Clock;
use crate::process::{Claim, Files, Process};

/// It is told of every moment of a run, and looks at those that it wants. A run has the same digest with and without it.
///
/// ```
/// use stormglass::base::{NodeId, Time};
/// use stormglass::world::{Moment, NodeView, Observer, View};
///
/// /// What the first server is at the end of the first second.
/// #[derive(Default)]
/// struct AfterOneSecond(Option<NodeView>);
///
/// impl Observer for AfterOneSecond {
///     fn observe(&mut self, moment: &Moment, view: &dyn View) {
///         let second = Time::from_nanos(1_000_000_000);
///         if moment.lasts_at(second) {
///             self.0 = Some(view.node(NodeId::server(0), second, true));
///         }
///     }
/// }
/// # let mut looked = AfterOneSecond::default();
/// # let _: &mut dyn Observer = &mut looked;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot look at the nodes of a run",
    label = "this sees no moments",
    note = "implement `Observer`: `observe` is called between any two events of the run"
)]
pub trait Observer {
    /// Sees this moment, and whatever it asks for of it.
    fn observe(&mut self, moment: &Moment, view: &dyn View);
}

/// From an event of a run to the next: while nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When the event was; the start, before the first.
    pub after: Time,
    /// When the next one is; the end of the run, after the last.
    pub until: Time,
    /// Whether it is the last.
    pub is_last: bool,
    /// How many records there were before the event, and how many there are now: those between are of the event.
    pub records: (u64, u64),
    /// The one node that the event was of, and that alone may have changed but for what is under way; nothing if it may have changed
    /// others.
    pub node: Option<NodeId>,
}

impl Moment {
    /// Before anything has happened.
    pub(super) const fn first() -> Self {
        Self { after: Time::ZERO, until: Time::ZERO, is_last: false, records: (0, 0), node: None }
    }

    /// Whether this is how things stand at this time: all that happens at it has happened.
    pub fn lasts_at(&self, at: Time) -> bool {
        self.after <= at && (at < self.until || self.is_last)
    }
}

/// The nodes of a run, to look at.
pub trait View {
    /// How many servers there are, and how many clients.
    fn population(&self) -> (u32, u32);

    /// A node, as it stands; its clock as it reads at this time. In depth, its process also shows its state, and tells of its disk, if it
    /// opts in: that costs as much as they are large.
    ///
    /// # Panics
    /// If there is no such node.
    fn node(&self, node: NodeId, at: Time, deep: bool) -> NodeView;

    /// How much there is to do.
    fn load(&self) -> Load;

    /// A node, as it stands, in numbers: what of [`node`](Self::node) costs next to nothing.
    ///
    /// # Panics
    /// If there is no such node.
    fn standing(&self, node: NodeId) -> Standing;

    /// All nodes, servers first.
    fn nodes(&self, at: Time, deep: bool) -> Vec<NodeView> {
        let (servers, clients) = self.population();
        let all = (0..servers).map(NodeId::server).chain((0..clients).map(NodeId::client));
        all.map(|node| self.node(node, at, deep)).collect()
    }
}

/// How much a run has to do at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Events handled so far.
    pub events: u64,
    /// Events that are scheduled.
    pub scheduled: usize,
    /// Messages under way, those among them that wait for a disk, or for a pause to end.
    pub messages: usize,
}

/// A node at a moment, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it runs.
    pub state: NodeState,
    /// What it believes to be.
    pub claim: Option<Claim>,
    /// How many messages and notes wait for its disk.
    pub held: usize,
    /// How much waits for its pause to end.
    pub deferred: usize,
    /// Whether a sync is under way.
    pub syncing: bool,
    /// Whether its disk stands still, because of a fault.
    pub stalled: bool,
}

/// A node at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Which.
    pub node: NodeId,
    /// Whether it runs.
    pub state: NodeState,
    /// How often it has started.
    pub incarnation: Incarnation,
    /// What it believes to be.
    pub claim: Option<Claim>,
    /// What it says of where it stands: see [`Process::status`].
    pub status: String,
    /// Its timers that are set, in their order: what each is, as it prints, and when it is due.
    pub timers: Vec<(String, Time)>,
    /// Its clock.
    pub clock: Clock,
    /// What that reads.
    pub reads: LocalTime,
    /// Its disk.
    pub disk: DiskView,
    /// The messages and notes that wait for its disk, in their order, as they print in short.
    pub held: Vec<String>,
    /// How much waits for its pause to end.
    pub deferred: usize,
    /// The messages under way to and from it, by when they arrive.
    pub messages: Vec<MessageView>,
    /// Its whole state, as it prints over several lines, if that was asked for and it shows it: see [`Process::inspect`].
    pub inner: Option<String>,
}

/// A disk at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskView {
    /// Its files, in the order in which they appeared: the name, how many bytes are durable, and how many of the writes to it are not
    /// synced.
    pub files: Vec<(String, u64, u64)>,
    /// What the process tells of it as it would be after a crash that loses all that is not synced: see [`Process::read_disk`].
    pub durable: Option<String>,
    /// The same once all is synced; nothing if that makes no difference.
    pub written: Option<String>,
    /// Whether a sync is under way.
    pub syncing: bool,
    /// Whether it stands still, because of a fault.
    pub stalled: bool,
}

/// A message under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// When it arrives.
    pub due: Time,
    /// Its identity.
    pub id: MessageId,
    /// The name of its kind.
    pub kind: &'static str,
}

impl<C: Cluster> View for World<'_, C> {
    fn population(&self) -> (u32, u32) {
        (self.servers.len() as u32, self.clients.len() as u32)
    }

    fn node(&self, node: NodeId, at: Time, deep: bool) -> NodeView {
        // A process that has panicked is in no state to be asked.
        let ask = self.broken != Some(node);
        let mut view = look!(self, node, host => host.view(&self.core.slab, at, ask, deep));
        let under_way = self.core.engine.scheduled().filter_map(|(due, call)| match call {
            Call::Deliver { id, .. } if id.from == node || id.to == node => {
                Some(MessageView { due, id: *id, kind: kind_name::<C>(id.kind) })
            }
            _ => None,
        });
        view.messages = by_arrival(under_way.collect());
        view
    }

    fn load(&self) -> Load {
        let engine = &self.core.engine;
        Load { events: engine.events(), scheduled: engine.pending(), messages: self.core.slab.len() }
    }

    fn standing(&self, node: NodeId) -> Standing {
        let ask = self.broken != Some(node);
        look!(self, node, host => host.standing(ask))
    }
}

/// Messages by when they arrive, and then by what they are.
fn by_arrival(mut messages: Vec<MessageView>) -> Vec<MessageView> {
    sort_by_key(&mut messages, |message| (message.due, message.id.from, message.id.to, message.kind, message.id.count));
    messages
}

/// What a process says of itself, if it can: a panic of one that is merely looked at must change nothing.
pub(super) fn asked<T>(ask: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(ask)).ok()
}

/// A process's whole state, as it prints: not more than a person would ever read.
pub(super) fn inner<P: Process>(process: &P) -> Option<String> {
    let mut text = Limited { text: String::new(), left: INNER_MOST };
    match write!(text, "{:#?}", process.inspect()?) {
        Ok(()) => Some(text.text),
        Err(_) => Some(text.text + "…"),
    }
}

const INNER_MOST: usize = 1 << 18;

struct Limited {
    text: String,
    left: usize,
}

impl std::fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.left = self.left.checked_sub(text.len()).ok_or(std::fmt::Error)?;
        self.text.push_str(text);
        Ok(())
    }
}

/// What the process tells of these files.
pub(super) fn told<'f, P: Process>(found: impl Iterator<Item = (&'f str, &'f [u8])>) -> Option<String> {
    let mut files = Files::new();
    for (name, content) in found {
        files.insert(name.to_owned(), content.to_vec());
    }
    asked(|| P::read_disk(&files)).flatten()
}
