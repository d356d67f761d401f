//! The places that a good sweep passes sometimes. All can be reached by crashes, and all by partitions.

use crate::process::Mark;

pub(super) const LEADER_ELECTED: Mark = Mark::new("leader elected", "A candidate won.");
pub(super) const LEADER_LOST: Mark = Mark::new("leader lost", "A candidate won where another had led before: that leader was lost.");
pub(super) const LEADER_DEPOSED: Mark = Mark::new("leader deposed", "A living leader learned of a higher term.");
pub(super) const ELECTION_WITHOUT_WINNER: Mark = Mark::new("election without a winner", "A candidate's election timed out.");
pub(super) const REFUSED_LOG_BEHIND: Mark = Mark::new("vote refused: log behind", "A candidate's log was less complete than the voter's.");
pub(super) const REFUSED_VOTE_GIVEN: Mark = Mark::new("vote refused: already voted", "A candidate came second to a voter.");
pub(super) const CONFLICT_REPAIRED: Mark = Mark::new("log conflict repaired", "A follower dropped entries for the leader's.");
pub(super) const OLD_TERM_COMMITTED: Mark =
    Mark::new("old-term entry committed indirectly", "A leader's commit took entries of earlier leaders along.");
pub(super) const RETRY_ANSWERED: Mark = Mark::new("retry answered from session", "A retry came after its first attempt was applied.");
pub(super) const REPEATED_ENTRY_SKIPPED: Mark =
    Mark::new("repeated entry skipped", "A retry came before its first attempt was applied, so that the log has both.");
pub(super) const READ_WAITED: Mark = Mark::new("read waited for its round", "A read came while a round was under way.");
pub(super) const READ_BEFORE_COMMIT: Mark =
    Mark::new("read waited for a commit of its term", "A read came before its leader had committed an entry of its own term.");
pub(super) const READ_REDIRECTED: Mark = Mark::new("read redirected: leadership lost", "A read's leader was deposed.");

/// All of them.
pub(super) const ALL: &[Mark] = &[
    LEADER_ELECTED,
    LEADER_LOST,
    LEADER_DEPOSED,
    ELECTION_WITHOUT_WINNER,
    REFUSED_LOG_BEHIND,
    REFUSED_VOTE_GIVEN,
    CONFLICT_REPAIRED,
    OLD_TERM_COMMITTED,
    RETRY_ANSWERED,
    REPEATED_ENTRY_SKIPPED,
    READ_WAITED,
    READ_BEFORE_COMMIT,
    READ_REDIRECTED,
];

/// Those of elections and of the log, which any state machine can see: without reads and sessions.
pub const OF_THE_LOG: &[Mark] = ALL.split_at(8).0;
