//! The places that a good sweep of a commit protocol passes sometimes.

/// A transaction waited for a lock.
pub const WAITED: &str = "waited for a lock";
/// A transaction gave way to another, so that none waits in a circle.
pub const DEADLOCK_AVOIDED: &str = "deadlock avoided";
/// A participant without writes left after the first phase.
pub const READ_ONLY: &str = "read-only participant";
/// The only participant was handed the decision.
pub const ONE_PHASE: &str = "one-phase commit";
/// A participant waited so long for the decision that it asked for it.
pub const IN_DOUBT: &str = "in doubt";
/// A participant came back from a crash in doubt.
pub const IN_DOUBT_AFTER_CRASH: &str = "in doubt after a crash";
/// A coordinator came back with decisions that some had not heard.
pub const COORDINATOR_RECOVERED: &str = "coordinator recovered";
/// A participant in doubt asked a coordinator that had forgotten, or had never decided before it crashed.
pub const PRESUMED: &str = "decision presumed";
/// A participant learned the decision from another.
pub const COOPERATIVE: &str = "cooperative termination";
/// A participant that had not voted aborted for the sake of one in doubt.
pub const ABORTED_FOR_PEER: &str = "aborted for a peer";
/// A coordinator did not get all votes in time.
pub const VOTES_LATE: &str = "votes overdue";
/// A coordinator sent a decision again.
pub const RESENT: &str = "decision sent again";
/// A participant aborted a transaction that nobody asked it to prepare.
pub const ABANDONED: &str = "abandoned work aborted";
/// Something was asked of a participant for a transaction that it had ended.
pub const LATE_FENCED: &str = "late message fenced";
/// A participant was asked to prepare what it had done in a former life.
pub const RESTART_NOTICED: &str = "restart noticed";
/// A client's request arrived twice.
pub const REQUEST_REPEATED: &str = "repeated request dropped";

/// All of them.
pub const ALL: &[&str] = &[
    WAITED,
    DEADLOCK_AVOIDED,
    READ_ONLY,
    ONE_PHASE,
    IN_DOUBT,
    IN_DOUBT_AFTER_CRASH,
    COORDINATOR_RECOVERED,
    PRESUMED,
    COOPERATIVE,
    ABORTED_FOR_PEER,
    VOTES_LATE,
    RESENT,
    ABANDONED,
    LATE_FENCED,
    RESTART_NOTICED,
    REQUEST_REPEATED,
];
