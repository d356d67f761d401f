//! The places that a good sweep passes sometimes. All can be reached by crashes, and all by partitions.

/// A candidate won.
pub(super) const LEADER_ELECTED: &str = "leader elected";
/// A candidate won where another had led before: that leader was lost.
pub(super) const LEADER_LOST: &str = "leader lost";
/// A living leader learned of a higher term.
pub(super) const LEADER_DEPOSED: &str = "leader deposed";
/// A candidate's election timed out.
pub(super) const ELECTION_WITHOUT_WINNER: &str = "election without a winner";
/// A candidate's log was less complete than the voter's.
pub(super) const REFUSED_LOG_BEHIND: &str = "vote refused: log behind";
/// A candidate came second to a voter.
pub(super) const REFUSED_VOTE_GIVEN: &str = "vote refused: already voted";
/// A follower dropped entries for the leader's.
pub(super) const CONFLICT_REPAIRED: &str = "log conflict repaired";
/// A leader's commit took entries of earlier leaders along.
pub(super) const OLD_TERM_COMMITTED: &str = "old-term entry committed indirectly";
/// A retry came after its first attempt was applied.
pub(super) const RETRY_ANSWERED: &str = "retry answered from session";
/// A retry came before its first attempt was applied, so that the log has both.
pub(super) const REPEATED_ENTRY_SKIPPED: &str = "repeated entry skipped";
/// A read came while a round was under way.
pub(super) const READ_WAITED: &str = "read waited for its round";
/// A read came before its leader had committed an entry of its own term.
pub(super) const READ_BEFORE_COMMIT: &str = "read waited for a commit of its term";
/// A read's leader was deposed.
pub(super) const READ_REDIRECTED: &str = "read redirected: leadership lost";

/// All of them.
pub(super) const ALL: &[&str] = &[
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
pub const OF_THE_LOG: &[&str] = ALL.split_at(8).0;
