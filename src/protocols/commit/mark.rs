//! The places that a good sweep of a commit protocol passes sometimes.

use crate::process::Mark;

/// A transaction waited for a lock.
pub const WAITED: Mark = Mark::new("waited for a lock", "A transaction waited for a lock.");
/// A transaction gave way to another, so that none waits in a cycle.
pub const DEADLOCK_AVOIDED: Mark = Mark::new("deadlock avoided", "A transaction gave way to another, so that none waits in a cycle.");
/// A participant without writes left after the first phase.
pub const READ_ONLY: Mark = Mark::new("read-only participant", "A participant without writes left after the first phase.");
/// The only participant was handed the decision.
pub const ONE_PHASE: Mark = Mark::new("one-phase commit", "The only participant was handed the decision.");
/// A participant waited so long for the decision that it asked for it.
pub const IN_DOUBT: Mark = Mark::new("in doubt", "A participant waited so long for the decision that it asked for it.");
/// A participant came back from a crash in doubt.
pub const IN_DOUBT_AFTER_CRASH: Mark = Mark::new("in doubt after a crash", "A participant came back from a crash in doubt.");
/// A coordinator came back with decisions that some had not heard.
pub const COORDINATOR_RECOVERED: Mark =
    Mark::new("coordinator recovered", "A coordinator came back with decisions that some had not heard.");
/// A participant in doubt asked a coordinator that had forgotten, or had never decided before it crashed.
pub const PRESUMED: Mark = Mark::new(
    "decision presumed",
    "A participant in doubt asked a coordinator that had forgotten, or had never decided before it crashed.",
);
/// A participant learned the decision from another.
pub const COOPERATIVE: Mark = Mark::new("cooperative termination", "A participant learned the decision from another.");
/// A participant that had not voted aborted for the sake of one in doubt.
pub const ABORTED_FOR_PEER: Mark =
    Mark::new("aborted for a peer", "A participant that had not voted aborted for the sake of one in doubt.");
/// A coordinator did not get all votes in time.
pub const VOTES_LATE: Mark = Mark::new("votes overdue", "A coordinator did not get all votes in time.");
/// A coordinator sent a decision again.
pub const RESENT: Mark = Mark::new("decision sent again", "A coordinator sent a decision again.");
/// A participant aborted a transaction that it was not asked to prepare.
pub const ABANDONED: Mark = Mark::new("abandoned work aborted", "A participant aborted a transaction that it was not asked to prepare.");
/// Something was asked of a participant for a transaction that it had ended.
pub const LATE_FENCED: Mark = Mark::new("late message fenced", "Something was asked of a participant for a transaction that it had ended.");
/// A participant was asked to prepare what it had done in a former life.
pub const RESTART_NOTICED: Mark = Mark::new("restart noticed", "A participant was asked to prepare what it had done in a former life.");
/// A client's request arrived twice.
pub const REQUEST_REPEATED: Mark = Mark::new("repeated request dropped", "A client's request arrived twice.");

/// All of them.
pub const ALL: &[Mark] = &[
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
