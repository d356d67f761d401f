//! The roles of servers that are coordinator and participant at once.

use crate::process::{Claim, Role};

const COORDINATOR: Role =
    Role::new("Coordinator", "It has asked for votes on a transaction and told no decision: its crash leaves others in doubt.");
const PARTICIPANT: Role = Role::new("Participant", "It is in doubt: it has voted yes on a transaction and knows no decision.");

/// Both.
pub(super) const ALL: &[Role] = &[COORDINATOR, PARTICIPANT];

/// What a server claims that asks for votes on so many transactions and is in doubt about so many. Who is both is called the coordinator.
pub(super) fn claim(asking: usize, doubtful: usize) -> Option<Claim> {
    match (asking, doubtful) {
        (0, 0) => None,
        (0, doubtful) => Some(PARTICIPANT.ranked(doubtful as u64)),
        (asking, _) => Some(COORDINATOR.ranked(asking as u64)),
    }
}
