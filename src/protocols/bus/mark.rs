//! The places that a good sweep of a bus passes sometimes.

use crate::process::Mark;

/// A publisher asked again.
pub(super) const PUBLISHED_AGAIN: Mark = Mark::new("published again", "A publisher was not answered in time, and asked again.");
/// The bus was asked again.
pub(super) const REPEATED: Mark =
    Mark::new("publication repeated", "The bus was asked for what it had taken in before, and did not take it in again.");
/// A subscriber did not acknowledge.
pub(super) const DELIVERED_AGAIN: Mark =
    Mark::new("delivered again", "A subscriber did not acknowledge a message in time, and got it again.");
/// A subscriber was told twice.
pub(super) const HAD_BEFORE: Mark =
    Mark::new("delivery repeated", "A subscriber was given what it had had before, and did not process it again.");
/// A message went nowhere.
pub(super) const GIVEN_UP: Mark =
    Mark::new("delivery given up", "A subscriber did not acknowledge a message in time, and got the next one.");
/// There was no room.
pub(super) const BLOCKED: Mark = Mark::new("publisher blocked", "A message was not taken in because the buffer of a subscriber was full.");
/// A message was dropped.
pub(super) const DROPPED: Mark = Mark::new("message dropped", "The buffer of a subscriber was full, and a message was dropped.");
/// A subscriber was cut off.
pub(super) const DISCONNECTED: Mark = Mark::new("subscriber disconnected", "The buffer of a subscriber was full, and it was cut off.");

/// Those of the bus.
pub(super) const OF_THE_BUS: &[Mark] = &[REPEATED, DELIVERED_AGAIN, GIVEN_UP, BLOCKED, DROPPED, DISCONNECTED];

/// Those of publishers and subscribers.
pub(super) const OF_PARTIES: &[Mark] = &[PUBLISHED_AGAIN, HAD_BEFORE];
