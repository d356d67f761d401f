//! The places that a good sweep passes sometimes, beside those of Raft.

use super::super::mark;

/// A decision came that was no longer to be made.
pub const DECISION_FENCED: &str = "later decision fenced";
/// A new leader found transactions that the last one had not brought to an end.
pub const TAKEN_OVER: &str = "transactions taken over";
/// A client asked a server of another group than the one that coordinates its transaction.
pub const SENT_ON: &str = "client sent to another group";

/// All of them, those among the marks of all commit protocols that can be set here included.
pub const ALL: [&str; 10] = [
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
