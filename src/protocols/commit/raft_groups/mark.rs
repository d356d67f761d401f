//! The places that a good sweep passes sometimes, beside those of Raft.

use super::super::mark;
use crate::process::Mark;

/// A decision came that was no longer to be made.
pub const DECISION_FENCED: Mark = Mark::new("later decision fenced", "A decision came that was no longer to be made.");
/// A new leader found transactions that the last one had not brought to an end.
pub const TAKEN_OVER: Mark =
    Mark::new("transactions taken over", "A new leader found transactions that the last one had not brought to an end.");
/// A client asked a server of another group than the one that coordinates its transaction.
pub const SENT_ON: Mark =
    Mark::new("client sent to another group", "A client asked a server of another group than the one that coordinates its transaction.");

/// All of them, those among the marks of all commit protocols that can be set here included.
pub const ALL: [Mark; 10] = [
    mark::WAITED,
    mark::DEADLOCK_AVOIDED,
    mark::ONE_PHASE,
    mark::VOTES_LATE,
    mark::RESENT,
    mark::LATE_FENCED,
    mark::REQUEST_REPEATED,
    DECISION_FENCED,
    TAKEN_OVER,
    SENT_ON,
];
