//! What finds requests in the records of a run.

use crate::base::{ClientId, SortedMap, Time};
use crate::history::{self, Outcome};
use crate::trace::{Event, Record, Vocabulary};

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
    /// So many requests wait in a queue.
    Queued {
        /// The index of its service.
        of: u32,
        /// How many.
        length: u64,
    },
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
}

/// The operations of clients: a request is due when its client invokes it, and succeeds if it is known to have taken effect.
#[derive(Clone, Debug, Default)]
pub struct OfClients(SortedMap<ClientId, Time>);

impl<O, R, V: Vocabulary<Client = history::Event<O, R>>> Meter<V> for OfClients {
    fn look(&mut self, record: &Record<'_, V>, tell: &mut dyn FnMut(Reading)) {
        let Event::Client { event, .. } = record.event else { return };
        match event {
            history::Event::Invoke { client, .. } => {
                self.0.insert(*client, record.at);
            }
            history::Event::Complete { client, outcome } => {
                if let Some(due) = self.0.remove(client) {
                    tell(Reading::Ended { of: ALL, due, succeeded: matches!(outcome, Outcome::Done(_)), priority: 0 });
                }
            }
            // Its client had crashed: how long it would have waited is not known.
            history::Event::Recover { .. } => {}
        }
    }
}
