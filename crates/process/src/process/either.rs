//! Servers of different kinds in one system.

use std::fmt::{self, Debug, Formatter};

use serde::{Serialize, Serializer};

use super::{Claim, Context, Files, Joined, Mark, Process, Role, SyncToken};
use crate::base::{Metric, NodeId};

/// Fills what is left over of a list.
const BLANK: Metric = Metric::counter("blank", "", "It is not seen.");

/// One of two: a process of this kind or of that, its configuration, a timer or a note of it. Of three kinds, one is an `Either` itself.
///
/// What each server of a system is says its configuration. The two kinds speak one type of messages; nothing else needs to fit, and in
/// records and reports a timer or a note looks as if it stood alone.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stormglass_process::base::NodeId;
/// use stormglass_process::process::{Context, Either, Files, Harness, Message, NoNote, Process};
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// enum Talk {
///     Ask,
///     Pass(NodeId),
///     Answer,
/// }
/// impl Message for Talk {}
///
/// /// Passes questions on to a store.
/// struct Front(NodeId);
///
/// impl Process for Front {
///     type Config = NodeId;
///     type Message = Talk;
///     type Timer = ();
///     type Note = NoNote;
///
///     fn boot(store: &NodeId, _: &Files, _: &mut Context<'_, Self>) -> Self {
///         Self(*store)
///     }
///
///     fn on_message(&mut self, from: NodeId, message: Talk, context: &mut Context<'_, Self>) {
///         if let Talk::Ask = message {
///             context.send(self.0, Talk::Pass(from));
///         }
///     }
///
///     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
/// }
///
/// /// Answers who asked a front.
/// struct Store;
///
/// impl Process for Store {
///     type Config = ();
///     type Message = Talk;
///     type Timer = ();
///     type Note = NoNote;
///
///     fn boot(_: &(), _: &Files, _: &mut Context<'_, Self>) -> Self {
///         Self
///     }
///
///     fn on_message(&mut self, _: NodeId, message: Talk, context: &mut Context<'_, Self>) {
///         if let Talk::Pass(client) = message {
///             context.send(client, Talk::Answer);
///         }
///     }
///
///     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
/// }
///
/// type Server = Either<Front, Store>;
/// let (n1, n2, c1) = (NodeId::server(0), NodeId::server(1), NodeId::client(0));
/// let mut front = Harness::<Server>::boot(n1, Either::First(n2));
/// let mut store = Harness::<Server>::boot(n2, Either::Second(()));
/// front.deliver(c1, Talk::Ask);
/// let (to, passed) = front.take_sent().remove(0);
/// assert_eq!(to, n2);
/// store.deliver(n1, passed);
/// assert!(matches!(store.take_sent()[..], [(to, Talk::Answer)] if to == c1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Either<A, B> {
    /// Of the first kind.
    First(A),
    /// Of the second.
    Second(B),
}

impl<A: Debug, B: Debug> Debug for Either<A, B> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(first) => first.fmt(f),
            Self::Second(second) => second.fmt(f),
        }
    }
}

impl<A: Serialize, B: Serialize> Serialize for Either<A, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::First(first) => first.serialize(serializer),
            Self::Second(second) => second.serialize(serializer),
        }
    }
}

impl<A: Process, B: Process<Message = A::Message>> Either<A, B> {
    const ALL_ROLES: Joined<Role> = Joined::of(Role::new("", ""), [A::ROLES, B::ROLES]);
    const ALL_MARKS: Joined<Mark> = Joined::of(Mark::new("", ""), [A::MARKS, B::MARKS]);
    const ALL_METRICS: Joined<Metric> = Joined::of(BLANK, [A::METRICS, B::METRICS]);
}

impl<A: Process, B: Process<Message = A::Message>> Process for Either<A, B> {
    type Config = Either<A::Config, B::Config>;
    type Message = A::Message;
    type Timer = Either<A::Timer, B::Timer>;
    type Note = Either<A::Note, B::Note>;

    const ROLES: &'static [Role] = Self::ALL_ROLES.list();
    const MARKS: &'static [Mark] = Self::ALL_MARKS.list();
    const METRICS: &'static [Metric] = Self::ALL_METRICS.list();
    const RESTARTS: bool = A::RESTARTS || B::RESTARTS;

    fn boot(config: &Self::Config, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        match config {
            Either::First(config) => Self::First(context.stand_for(Either::First, Either::First, |context| A::boot(config, disk, context))),
            Either::Second(config) => {
                Self::Second(context.stand_for(Either::Second, Either::Second, |context| B::boot(config, disk, context)))
            }
        }
    }

    fn on_message(&mut self, from: NodeId, message: A::Message, context: &mut Context<'_, Self>) {
        match self {
            Self::First(process) => context.stand_for(Either::First, Either::First, |context| process.on_message(from, message, context)),
            Self::Second(process) => {
                context.stand_for(Either::Second, Either::Second, |context| process.on_message(from, message, context))
            }
        }
    }

    fn on_timer(&mut self, timer: Self::Timer, context: &mut Context<'_, Self>) {
        // The timers of a process are its own, so the kinds agree.
        match (self, timer) {
            (Self::First(process), Either::First(timer)) => {
                context.stand_for(Either::First, Either::First, |context| process.on_timer(timer, context));
            }
            (Self::Second(process), Either::Second(timer)) => {
                context.stand_for(Either::Second, Either::Second, |context| process.on_timer(timer, context));
            }
            (Self::First(_), Either::Second(_)) | (Self::Second(_), Either::First(_)) => {}
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        match self {
            Self::First(process) => context.stand_for(Either::First, Either::First, |context| process.on_synced(token, context)),
            Self::Second(process) => context.stand_for(Either::Second, Either::Second, |context| process.on_synced(token, context)),
        }
    }

    fn role(&self) -> Option<Claim> {
        match self {
            Self::First(process) => process.role(),
            Self::Second(process) => process.role(),
        }
    }

    fn status(&self) -> String {
        match self {
            Self::First(process) => process.status(),
            Self::Second(process) => process.status(),
        }
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        match self {
            Self::First(process) => process.inspect(),
            Self::Second(process) => process.inspect(),
        }
    }

    fn read_disk(disk: &Files) -> Option<String> {
        A::read_disk(disk).or_else(|| B::read_disk(disk))
    }

    fn read_records(file: &str, bytes: &[u8]) -> Option<String> {
        A::read_records(file, bytes).or_else(|| B::read_records(file, bytes))
    }
}
