//! What a run is made of.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;

use super::keys::Redraw;
use crate::base::{Duration, FixedFate, NodeId, OperationId, SortedSet, Time};
use crate::environment::{ClockModel, Latency, LinkModel};
use crate::fault::FaultPlan;
use crate::history::{self, History};
use crate::process::{ClientProcess, Message, NoNote, Note, Process};
use crate::trace::Vocabulary;

/// The types of a system: what runs on servers and clients, and what they speak.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use stormglass::base::{Duration, NodeId};
/// # use stormglass::process::{self, Context, Files, NoNote, Process};
/// # use stormglass::workload::NoClient;
/// # use stormglass::world::Cluster;
/// # #[derive(Clone, Debug, Serialize, Deserialize)]
/// # struct Here;
/// # impl process::Message for Here {}
/// # struct Beacon;
/// # impl Process for Beacon {
/// #     type Config = NodeId;
/// #     type Message = Here;
/// #     type Timer = ();
/// #     type Note = NoNote;
/// #     fn boot(neighbour: &NodeId, _: &Files, context: &mut Context<'_, Self>) -> Self {
/// #         context.send(*neighbour, Here);
/// #         Self
/// #     }
/// #     fn on_message(&mut self, _: NodeId, Here: Here, _: &mut Context<'_, Self>) {}
/// #     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
/// # }
/// /// Servers that tell each other that they are there; nobody asks them anything.
/// struct Beacons;
///
/// impl Cluster for Beacons {
///     type Message = Here;
///     type Operation = NoNote;
///     type Response = NoNote;
///     type Server = Beacon;
///     type Client = NoClient<Here>;
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what runs in a world",
    label = "this names no servers and clients",
    note = "implement `Cluster`: the message type, what runs on servers, and what runs on clients"
)]
pub trait Cluster: 'static {
    /// The one message type of servers and clients.
    type Message: Message;
    /// What clients ask for.
    type Operation: Clone + Debug + Serialize + 'static;
    /// What they are told.
    type Response: Clone + Debug + Serialize + 'static;
    /// What runs on servers.
    type Server: Process<Message = Self::Message>;
    /// What runs on clients: it notes what it invoked and learned.
    type Client: ClientProcess<Message = Self::Message, Note: ClientNote<Self::Operation, Self::Response>>;

    /// A digest of the state that all servers must agree on when the run has settled; nothing if they need not.
    fn fingerprint(server: &Self::Server) -> Option<u64> {
        let _ = server;
        None
    }

    /// How far the server has come on the way to that state; nothing if that is not known. Where servers have not settled, those that lag
    /// are told from those that differ.
    fn reached(server: &Self::Server) -> Option<Reached> {
        let _ = server;
        None
    }

    /// What a client's own note says of an operation, where those are counted and no history is kept; nothing if it is about another thing.
    fn counted(note: &<<Self::Client as Process>::Note as ClientNote<Self::Operation, Self::Response>>::Own) -> Option<Counted> {
        let _ = note;
        None
    }

    /// The number that stands for the operation that such a note is about, alike at its start and at its end, and which no other operation
    /// of the run has; nothing if there is none. Those who follow operations through a run need it.
    fn counted_as(note: &<<Self::Client as Process>::Note as ClientNote<Self::Operation, Self::Response>>::Own) -> Option<u64> {
        let _ = note;
        None
    }

    /// Whether a client of this configuration invokes anything after so long: if none does, nothing fresh need complete once the faults
    /// are over.
    fn invokes_after(client: &<Self::Client as Process>::Config, duration: Duration) -> bool {
        let _ = (client, duration);
        true
    }

    /// What the server must bring to an end before the run has settled, in words: `2 transactions in doubt`. Nothing if it is done.
    fn unsettled(server: &Self::Server) -> Option<String> {
        let _ = server;
        None
    }
}

/// What a client notes: the events of its history ([`history::Event`]), and perhaps more ([`history::Noted`]).
///
/// ```
/// use stormglass::history::{Event, Noted, Outcome};
/// use stormglass::base::ClientId;
/// use stormglass::world::ClientNote;
///
/// let event = Event::<u64, u64>::Complete { client: ClientId::new(0), outcome: Outcome::Failed };
/// assert_eq!(Noted::<_, _, &str>::Event(event.clone()).told(), Ok(&event));
/// assert_eq!(Noted::<u64, u64, _>::Own("gave up").told(), Err(&"gave up"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell the history of a client",
    label = "operations of type `{O}` and responses of type `{R}` are to be told",
    note = "a client's `Note` is `history::Event<{O}, {R}>`, or `history::Noted<{O}, {R}, …>` if it has more to say"
)]
pub trait ClientNote<O, R>: Note {
    /// What it notes besides.
    type Own: Note;

    /// Which of the two this is.
    fn told(&self) -> Result<&history::Event<O, R>, &Self::Own>;
}

impl<O, R> ClientNote<O, R> for history::Event<O, R>
where
    Self: Note,
{
    type Own = NoNote;

    fn told(&self) -> Result<&Self, &NoNote> {
        Ok(self)
    }
}

impl<O, R, N: Note> ClientNote<O, R> for history::Noted<O, R, N>
where
    Self: Note,
{
    type Own = N;

    fn told(&self) -> Result<&history::Event<O, R>, &N> {
        match self {
            Self::Event(event) => Ok(event),
            Self::Own(note) => Err(note),
        }
    }
}

/// An operation that is counted, and not kept: see [`Cluster::counted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    /// One is invoked.
    Invoked,
    /// One has ended.
    Ended {
        /// How.
        outcome: history::Outcome<()>,
        /// How long it took.
        took: Duration,
    },
}

/// How far a server has come on a way that all take alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// How many steps it has taken.
    pub count: u64,
    /// What a step is, in the plural: `applied entries`.
    pub of: &'static str,
}

impl<C: Cluster> Vocabulary for C {
    type Message = C::Message;
    type Note = <C::Server as Process>::Note;
    type Client = history::Event<C::Operation, C::Response>;
    type ClientNote = <<C::Client as Process>::Note as ClientNote<C::Operation, C::Response>>::Own;
}

/// How disks behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskModel {
    /// From asking for a sync to its completion.
    pub sync: Latency,
}

/// All that surrounds the system of a run: its environment, its faults, its budgets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// How links behave.
    pub link: LinkModel,
    /// Links that behave otherwise, in one direction each.
    pub links: Vec<(NodeId, NodeId, LinkModel)>,
    /// Messages whose fate is fixed.
    pub fates: Vec<FixedFate>,
    /// How disks behave.
    pub disk: DiskModel,
    /// How far off clocks are.
    pub clocks: ClockModel,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// How long faults may strike.
    pub duration: Duration,
    /// How long the run may then take to settle. Zero: it need not.
    pub settle: Duration,
    /// At most this many events.
    pub events: u64,
    /// At most this many events without time advancing.
    pub same_instant: u64,
    /// At most this many messages under way at once.
    pub messages: u64,
    /// At most this many bytes on each node's disk.
    pub disk_bytes: u64,
    /// At most this many effects of one step of a process; one more is a panic of its.
    pub effects: u64,
    /// Whether the run stops as soon as a judge knows that something is violated. What a run does until then does not depend on it.
    pub stop_at_violation: bool,
    /// Chance that is drawn afresh, to ask what hangs on it: none, mostly, and no file says so.
    pub redraw: Option<Redraw>,
}

impl Default for Conditions {
    /// Ten seconds without faults over links of a millisecond, then up to ten seconds to settle.
    fn default() -> Self {
        Self {
            link: LinkModel::default(),
            links: Vec::new(),
            fates: Vec::new(),
            disk: DiskModel { sync: Latency::Constant(Duration::from_micros(200)) },
            clocks: ClockModel::default(),
            faults: FaultPlan::default(),
            duration: Duration::from_secs(10),
            settle: Duration::from_secs(10),
            events: Self::EVENTS,
            same_instant: Self::SAME_INSTANT,
            messages: Self::MESSAGES,
            disk_bytes: Self::DISK_BYTES,
            effects: Self::EFFECTS,
            stop_at_violation: false,
            redraw: None,
        }
    }
}

impl Conditions {
    /// The usual bound on events: hours of a busy cluster.
    pub const EVENTS: u64 = 1_000_000_000;
    /// The usual bound on events in one instant. A hundred thousand nodes may boot or fire at once; a run that does more is spinning.
    pub const SAME_INSTANT: u64 = 1_000_000;
    /// The usual bound on messages under way at once: memory is sure to hold them, unless each is large.
    pub const MESSAGES: u64 = 5_000_000;
    /// The usual bound on the bytes on a disk: 256 MiB.
    pub const DISK_BYTES: u64 = 256 << 20;
    /// The usual bound on the effects of a step: a message to each of as many nodes as a system may have, and much besides.
    pub const EFFECTS: u64 = 1_000_000;

    /// What two clocks of the run differ at most, but for faults of clocks.
    pub fn clocks_apart(&self) -> Duration {
        let run = self.duration + self.settle;
        let drift = u128::from(run.as_nanos()) * 2 * u128::from(self.clocks.drift_ppm) / 1_000_000;
        self.clocks.offset * 2 + Duration::from_nanos(u64::try_from(drift).unwrap_or(u64::MAX))
    }
}

/// An operation that is written down and not drawn: who invokes it, and when.
///
/// It goes the way of every other: its client may be busy with as many as it may have, and then sheds it. If the client is down at that
/// time, or the clients of a run that settles invoke nothing new any more, it is not invoked at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripted<O = String> {
    /// Its identity, which no other has: what is drawn for it hangs on it.
    pub id: OperationId,
    /// How long after the start of the run it is due.
    pub at: Duration,
    /// The client that invokes it.
    pub client: NodeId,
    /// What it asks for; where the types of the system are erased, in RON. Nothing: what the workload generates for its identity.
    pub op: Option<O>,
}

/// What clients are to do, operation by operation, and what they do. What an operation is made of is its own affair.
pub trait Script<C: Cluster> {
    /// When each is due, and to whom: in any order. Of those that are due at one instant, the first comes first.
    fn operations(&self) -> &[Scripted<()>];

    /// Whether clients also invoke what is not written down.
    fn generates(&self) -> bool;

    /// Whether clients do more than is written down, though nothing is generated: then they are told when the faults are over that they are
    /// to come to an end.
    fn goes_on(&self) -> bool;

    /// Hands the operation with this place to its client: the timer that fires at once, and says to it that the operation is due.
    fn hand(&self, place: usize, client: &mut C::Client) -> <C::Client as Process>::Timer;

    /// Takes note of what this client has begun, after each event that may have changed it, and was at this time.
    fn watch(&mut self, at: Time, node: NodeId, client: &C::Client);

    /// All that was invoked in a run with this history, and by which client.
    fn invoked(&self, history: &History<C::Operation, C::Response>) -> SortedSet<(NodeId, OperationId)>;

    /// All that was invoked, what was not written down too, as a scenario writes it down; and what was due and was not. The times are those
    /// at which each was due: to which client, and by which record.
    fn observed(&self, due: DueTimes, history: &History<C::Operation, C::Response>) -> Vec<Scripted>;
}

/// When operations were due: of each client and identity the number of the record, and the time.
pub type DueTimes = BTreeMap<(NodeId, OperationId), (u64, Time)>;

/// All that a run depends on, but for its seed.
pub struct Setup<C: Cluster> {
    /// The servers' configurations, in order.
    pub servers: Vec<<C::Server as Process>::Config>,
    /// The clients' configurations, in order.
    pub clients: Vec<<C::Client as Process>::Config>,
    /// What surrounds them.
    pub conditions: Conditions,
    /// What clients are to do, where that is written down; what they do by themselves, where it is not.
    pub script: Option<Box<dyn Script<C>>>,
}
