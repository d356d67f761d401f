//! The contract that protocol code is written against.
//!
//! A [`Process`] owns volatile state only. It is built by [`Process::boot`] from its configuration and what its disk holds, at first start
//! and at every recovery alike; a crash drops the value. Its handlers take a message, a timer or a completed sync, and answer through a
//! [`Context`]: an ordered buffer of effects, applied one at a time. A process performs no input or output, holds no clock and no random
//! generator, and cannot tell whether it is simulated.
//!
//! *Durability order is part of the interface.* [`Context::send_when_durable`] holds a message back until all that the process has written
//! so far is on disk, so that "persist before you answer" can be read in the code, and broken by a fault.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use stormglass_process::base::{Duration, NodeId};
//! use stormglass_process::process::{Context, Files, Harness, Message, NoNote, Process};
//!
//! /// Counts what it is sent, on disk, and says how many it has seen once that is durable.
//! struct Counter(u64);
//!
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! enum Count {
//!     Add,
//!     Seen(u64),
//! }
//! impl Message for Count {}
//!
//! impl Process for Counter {
//!     type Config = ();
//!     type Message = Count;
//!     type Timer = ();
//!     type Note = NoNote;
//!
//!     fn boot(_: &(), disk: &Files, _: &mut Context<'_, Self>) -> Self {
//!         Self(disk.read("ticks").map_or(0, |bytes| bytes.len() as u64))
//!     }
//!
//!     fn on_message(&mut self, from: NodeId, message: Count, context: &mut Context<'_, Self>) {
//!         if let Count::Add = message {
//!             self.0 += 1;
//!             context.append("ticks", b".");
//!             context.send_when_durable(from, Count::Seen(self.0));
//!         }
//!     }
//!
//!     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
//! }
//!
//! let mut counter = Harness::<Counter>::boot(NodeId::server(0), ());
//! counter.deliver(NodeId::client(0), Count::Add);
//! assert!(counter.take_sent().is_empty(), "not durable yet");
//! counter.sync();
//! assert!(matches!(counter.take_sent()[..], [(_, Count::Seen(1))]));
//! ```

mod context;
mod either;
mod files;
mod harness;
mod joined;
mod mark;
mod message;
mod mutant;
mod role;
mod service;
mod steps;

use std::fmt::Debug;

use serde::Serialize;

use crate::base::{Metric, NodeId};

pub use context::{Buffer, Context, Effect, Embeds, Release, SyncToken, Write};
pub use either::Either;
pub use files::{FileName, Files};
pub use harness::Harness;
pub use joined::Joined;
pub use mark::Mark;
pub use message::Message;
pub use mutant::{Mutant, Planted, rules};
pub use role::{Claim, Role};
pub use service::{Reply, Service};
pub use steps::{Misfit, Steps, TakesSteps};

/// Code that runs on a node: a server of a protocol, or a client of it.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stormglass_process::base::{Duration, NodeId};
/// use stormglass_process::process::{Context, Files, Harness, Message, NoNote, Process};
///
/// /// Says to its neighbour that it is there, again and again.
/// struct Beacon {
///     neighbour: NodeId,
///     heard: u64,
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Here;
/// impl Message for Here {}
///
/// impl Process for Beacon {
///     type Config = NodeId;
///     type Message = Here;
///     type Timer = ();
///     type Note = NoNote;
///
///     fn boot(neighbour: &NodeId, _: &Files, context: &mut Context<'_, Self>) -> Self {
///         context.set_timer((), Duration::from_millis(50));
///         Self { neighbour: *neighbour, heard: 0 }
///     }
///
///     fn on_message(&mut self, _: NodeId, Here: Here, _: &mut Context<'_, Self>) {
///         self.heard += 1;
///     }
///
///     fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
///         context.send(self.neighbour, Here);
///         context.set_timer((), Duration::from_millis(50));
///     }
/// }
///
/// let mut beacon = Harness::<Beacon>::boot(NodeId::server(0), NodeId::server(1));
/// beacon.deliver(NodeId::server(1), Here);
/// assert_eq!(beacon.process().heard, 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not run on a node",
    label = "this is no process",
    note = "implement `Process` for the type that holds a node's state: what it is built from, and what it does with a message and a timer"
)]
pub trait Process: Sized + 'static {
    /// What it is built from: members, timeouts, rules. The same at every boot.
    type Config: 'static;
    /// The one message type of the system, shared by its servers and clients.
    type Message: Message;
    /// Its timers: an enum, say. Setting one that is already set moves it.
    type Timer: Timer;
    /// What it says about itself to those who judge and explain the run. [`NoNote`] if nothing.
    type Note: Note;

    /// The roles that [`role`](Self::role) may name; faults are aimed at them.
    const ROLES: &'static [Role] = &[];
    /// The marks that [`Context::sometimes`] may set. One that is listed and never set is reported as never seen; a sweep fails for it only
    /// where the scenario's `expect` demands it.
    const MARKS: &'static [Mark] = &[];
    /// What [`Context::count`], [`Context::gauge`] and [`Context::observe`] may measure.
    const METRICS: &'static [Metric] = &[];
    /// Whether it may have nodes started anew, by [`Context::restart`]: then nodes crash where no fault crashes them.
    const RESTARTS: bool = false;

    /// Builds the process, at first start and at every recovery alike: all that it knows is its configuration and its disk.
    fn boot(config: &Self::Config, disk: &Files, context: &mut Context<'_, Self>) -> Self;

    /// A message has arrived.
    fn on_message(&mut self, from: NodeId, message: Self::Message, context: &mut Context<'_, Self>);

    /// A timer has fired. It is no longer set.
    fn on_timer(&mut self, timer: Self::Timer, context: &mut Context<'_, Self>);

    /// All that was written before the [`Context::sync`] that returned this token is on disk.
    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        let _ = (token, context);
    }

    /// What this process believes its role to be.
    fn role(&self) -> Option<Claim> {
        None
    }

    /// One line on where it stands, for a person who asks why the run does not settle: `follower, term 7, applied 120 of 134`.
    fn status(&self) -> String {
        String::new()
    }

    /// Its whole state, for a person who looks at a run closely: `Some(self)` where it derives [`Debug`]. By default it is not shown.
    fn inspect(&self) -> Option<&dyn Debug> {
        None
    }

    /// What is on such a disk, in a line, for the same person: `term 3, voted for n2, entries 1 to 5`. By default, and where these are not
    /// its files, it does not tell.
    fn read_disk(disk: &Files) -> Option<String> {
        let _ = disk;
        None
    }

    /// What these bytes say, which were written to this file at once, in a line, for the same person: `vote for n2 in term 3`. By default,
    /// and where they are no records of its own, it does not tell: text is then shown as it is, and anything else in hexadecimal digits.
    fn read_records(file: &str, bytes: &[u8]) -> Option<String> {
        let _ = (file, bytes);
        None
    }
}

/// A process that does a client's work: invokes operations and notes what it saw.
///
/// Most clients are a `Client` of the crate `stormglass`, which is one already. One by hand:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stormglass_process::base::NodeId;
/// use stormglass_process::process::{ClientProcess, Context, Files, Harness, Message, NoNote, Process};
///
/// /// Asks one question, once. A client that is to be judged notes the events of its history instead of nothing.
/// struct Asks {
///     under_way: bool,
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// enum Talk {
///     Question,
///     Answer,
/// }
/// impl Message for Talk {}
///
/// impl Process for Asks {
///     type Config = NodeId;
///     type Message = Talk;
///     type Timer = ();
///     type Note = NoNote;
///
///     fn boot(server: &NodeId, _: &Files, context: &mut Context<'_, Self>) -> Self {
///         context.send(*server, Talk::Question);
///         Self { under_way: true }
///     }
///
///     fn on_message(&mut self, _: NodeId, message: Talk, _: &mut Context<'_, Self>) {
///         self.under_way &= !matches!(message, Talk::Answer);
///     }
///
///     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
/// }
///
/// impl ClientProcess for Asks {
///     fn quiesce(&mut self, _: &mut Context<'_, Self>) {}
///
///     fn under_way(&self) -> usize {
///         usize::from(self.under_way)
///     }
/// }
///
/// let mut client = Harness::<Asks>::boot(NodeId::client(0), NodeId::server(0));
/// assert_eq!(client.process().under_way(), 1);
/// client.deliver(NodeId::server(0), Talk::Answer);
/// assert_eq!(client.process().under_way(), 0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not do a client's work",
    label = "this is no client",
    note = "a client is a `Process` that also implements `ClientProcess`; `workload::Client` is one for any `Service`, and `workload::NoClient` for systems without clients"
)]
pub trait ClientProcess: Process {
    /// Whether it invokes anything at all: what is demanded of clients' requests can be demanded only where there are some.
    const INVOKES: bool = true;

    /// From now on, invoke nothing new. What is under way goes on.
    fn quiesce(&mut self, context: &mut Context<'_, Self>);

    /// How many operations are under way.
    fn under_way(&self) -> usize;
}

/// A name for a timer within its process: small, comparable, printable.
pub trait Timer: Copy + Ord + Debug + Serialize + 'static {}
impl<T: Copy + Ord + Debug + Serialize + 'static> Timer for T {}

/// Something that a process says about itself: for judges, traces and reports.
pub trait Note: Debug + Serialize + 'static {}
impl<T: Debug + Serialize + 'static> Note for T {}

/// The note of a process that has none to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum NoNote {}
