//! One key's part of a history in numbers alone, so that one copy of the search serves every model.
//!
//! [`machine`] numbers states and kinds of operation, [`operations`] is what the search reads, and the other two make it: [`layout`] goes
//! through the key's events in time, [`classes`] sorts the operations of unknown outcome.

mod classes;
mod interner;
mod layout;
mod machine;
mod operations;

pub(super) use self::machine::{HIDDEN, INITIAL, InternedModel, InternedRole, ModelTable, Transition, Transitions, replay};
pub(in crate::check) use self::machine::{KindId, Object, StateId};
pub(super) use self::operations::{Completed, Encoding, EquivalenceClass, Indeterminate, NONE};
use super::partition::KeyEvents;

/// What is taken to happen first where one operation completes and another is invoked at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    /// Neither: they are concurrent, unless they are of one client.
    Concurrent,
    /// What was recorded first. Whatever has an order then has one.
    AsRecorded,
}

/// Encodes a key's part of a whole history. `places` is scratch: it has room for each operation of the history.
pub(super) fn encode(object: &mut dyn Object, events: &KeyEvents, ties: Ties, places: &mut [u32]) -> Encoding {
    let mut encoding = match ties {
        Ties::Concurrent => layout::by_time(object, events, places),
        Ties::AsRecorded => layout::as_recorded(object, events, places),
    };
    encoding.classify(&mut object.transitions());
    encoding
}

/// Encodes a part of a history that goes on: what an operation of unknown outcome is good for is not known yet.
pub(super) fn encode_unfinished(object: &mut dyn Object, events: &KeyEvents, places: &mut [u32]) -> Encoding {
    let mut encoding = layout::by_time(object, events, places);
    encoding.classify_all(object.table());
    encoding
}
