//! What finds requests in the records of a run.

use crate::base::{ClientId, NodeId, SortedMap, Time};
use crate::history::{self, Outcome};
use crate::trace::{Event, Record, Sort, Sorts, Vocabulary};

/// The requests of clients, whatever service they ask: what a requirement is about that names none.
pub const ALL: u32 = u32::MAX;

/// Something that requirements are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A request ended.
    Ended {
        /// Whose: the index of the service in [`Subjects::services`](super::Subjects::services), or [`ALL`].
        of: u32,
        /// When it was due.
        due: Time,
        /// Whether it succeeded.
        succeeded: bool,
        /// How important it was: 0 where the system tells none apart.
        priority: u8,
    },
    /// So many requests are in one place of a service.
    Counted {
        /// The index of the service.
        of: u32,
        /// Where.
        place: Place,
        /// How many.
        count: u64,
    },
}

/// Where requests are whose number can be bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the queue of an instance.
    Queue,
    /// At work on an instance, those among them whose worker is free again.
    Work,
    /// Before the bulkhead of one caller.
    Bulkhead,
}

/// A request that has begun and has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Whose: as in [`Reading::Ended`].
    pub of: u32,
    /// When it was due.
    pub due: Time,
    /// From when on it is open for longer than it may be, by its deadline and its time-outs; nothing if it has neither.
    pub late: Option<Time>,
}

/// Finds requests in the records of a run, and tells what becomes of them.
///
/// ```
/// use stormglass::require::{ALL, Meter, Reading};
/// use stormglass::trace::{Event, Record, Vocabulary};
///
/// /// Takes each message that is lost for a request that failed at once.
/// struct Losses;
///
/// impl<V: Vocabulary> Meter<V> for Losses {
///     fn look(&mut self, record: &Record<'_, V>, tell: &mut dyn FnMut(Reading)) {
///         if let Event::Discard { .. } = record.event {
///             tell(Reading::Ended { of: ALL, due: record.at, succeeded: false, priority: 0 });
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` finds no requests in the records of `{V}`",
    label = "this is no meter of such runs",
    note = "implement `Meter<{V}> for {Self}`; what clients note as a history `OfClients` understands"
)]
pub trait Meter<V: Vocabulary> {
    /// Looks at one record.
    fn look(&mut self, record: &Record<'_, V>, tell: &mut dyn FnMut(Reading));

    /// Which records it must see, as of a judge: see [`Judge::wants`](crate::trace::Judge::wants). By default all.
    fn wants(&self) -> Sorts {
        Sorts::ALL
    }

    /// Tells each request that has begun and has not ended, in any order. By default none is told, and what never ends is not judged.
    fn open(&self, tell: &mut dyn FnMut(Open)) {
        let _ = tell;
    }
}

/// The operations of clients: a request is due when its client invokes it, and succeeds if it is known to have taken effect.
#[derive(Clone, Debug, Default)]
pub struct OfClients(
    /// Of each session with an operation under way, its client, unless that has crashed since, and when the operation was due.
    SortedMap<ClientId, (Option<NodeId>, Time)>,
);

impl<O, R, V: Vocabulary<Client = history::Event<O, R>>> Meter<V> for OfClients {
    fn look(&mut self, record: &Record<'_, V>, tell: &mut dyn FnMut(Reading)) {
        let (node, event) = match record.event {
            Event::Client { node, event } => (node, event),
            // How long they would have waited is not known.
            Event::Crash { node, .. } if node.is_client() => {
                return self.0.values_mut().filter(|(of, _)| *of == Some(*node)).for_each(|(of, _)| *of = None);
            }
            _ => return,
        };
        match event {
            history::Event::Invoke { client, .. } => {
                self.0.insert(*client, (Some(*node), record.at));
            }
            history::Event::Complete { client, outcome } => {
                if let Some((_, due)) = self.0.remove(client) {
                    tell(Reading::Ended { of: ALL, due, succeeded: matches!(outcome, Outcome::Done(_)), priority: 0 });
                }
            }
            // Its client had crashed.
            history::Event::Recover { .. } => {}
        }
    }

    fn wants(&self) -> Sorts {
        Sorts::of(&[Sort::Client, Sort::Crash])
    }

    fn open(&self, tell: &mut dyn FnMut(Open)) {
        self.0.values().filter(|(of, _)| of.is_some()).for_each(|(_, due)| tell(Open { of: ALL, due: *due, late: None }));
    }
}
