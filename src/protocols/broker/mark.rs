//! The places that a good sweep of a broker passes sometimes.

use crate::process::Mark;

/// The controller chose another leader.
pub const ELECTED: Mark = Mark::new("partition leader elected", "The controller chose another leader for a partition.");
/// It chose one that may lack what was committed.
pub const UNCLEAN: Mark = Mark::new("unclean election", "The controller chose a leader that was not in sync.");
/// A partition has no leader.
pub const LEADERLESS: Mark = Mark::new("partition without leader", "No replica of a partition that may lead it is there.");
/// It took the request of a leader that was over.
pub const STALE_ISR: Mark =
    Mark::new("stale change of the in-sync set", "The controller refused what a leader of the past wanted to be in sync.");
/// A replica left those in sync.
pub const SHRANK: Mark = Mark::new("in-sync set shrank", "A leader had a replica taken out of those in sync, since it lagged.");
/// One came back.
pub const GREW: Mark = Mark::new("in-sync set grew", "A leader had a replica counted as in sync again.");
/// A follower's log was cut.
pub const TRUNCATED: Mark = Mark::new("log truncated", "A follower cut what its leader does not have.");
/// Too few were in sync.
pub const NOT_ENOUGH: Mark = Mark::new("not enough in sync", "A message was refused since too few replicas were in sync.");
/// A message was sent again that was there.
pub const REPEATED: Mark = Mark::new("message repeated", "A message was sent again that the log had, and was not appended again.");
/// A message came before its time.
pub const OUT_OF_ORDER: Mark =
    Mark::new("message out of order", "A message was refused since one of the same producer was missing before it.");
/// A message came of an epoch that is over.
pub const OLD_EPOCH: Mark = Mark::new("old epoch of a producer", "A message was refused since its producer had begun another epoch.");
/// A generation began.
pub const GENERATION: Mark = Mark::new("generation began", "The partitions were divided anew among the members of the group.");
/// A member was given up.
pub const EXPIRED: Mark = Mark::new("member expired", "A member of the group was not heard for the length of a session, and given up.");
/// A zombie was fenced.
pub const FENCED: Mark = Mark::new("commit fenced", "What a member of an earlier generation had processed was not noted.");
/// A producer sent again.
pub const RESENT: Mark = Mark::new("message sent again", "A producer was not answered in time, and sent again.");
/// A producer gave up.
pub const GAVE_UP: Mark = Mark::new("send given up", "A producer was not answered in time, and does not know what came of its messages.");

/// A transaction was committed.
pub const COMMITTED: Mark = Mark::new("transaction committed", "The coordinator has decided to commit a transaction.");
/// A transaction was aborted.
pub const ABORTED: Mark = Mark::new("transaction aborted", "The coordinator has decided to abort a transaction.");
/// One was open for too long.
pub const TIMED_OUT: Mark = Mark::new("transaction timed out", "The coordinator aborted a transaction that was open for too long.");
/// One was left open.
pub const ABORTED_FOR_ANOTHER: Mark =
    Mark::new("open transaction aborted", "A producer began, and what it had left open before was aborted.");
/// A producer of the past was fenced.
pub const PRODUCER_FENCED: Mark = Mark::new("producer fenced", "The coordinator of transactions refused a producer of an earlier epoch.");
/// A marker of the past was refused.
pub const OLD_MARKER: Mark = Mark::new("stale marker", "A partition refused a marker of an earlier epoch of its producer or coordinator.");
/// A member had to wait.
pub const UNSTABLE: Mark =
    Mark::new("unstable offset", "A member asked where it goes on while a transaction was open that says so, and had to wait.");

/// A log was trimmed.
pub const RETAINED: Mark = Mark::new("segments deleted", "A replica let go of the beginning of its log, by retention.");
/// A log was compacted.
pub const COMPACTED: Mark = Mark::new("log compacted", "A replica removed messages of which a later one of the same key is there.");
/// A follower began anew.
pub const RESTARTED: Mark =
    Mark::new("follower began anew", "A follower lacked what its leader had no more, and began anew where its leader's log begins.");
/// A consumer came too late.
pub const OUT_OF_RANGE: Mark =
    Mark::new("offset out of range", "A consumer wanted what was gone, and went on where auto.offset.reset says.");

/// Those of the controller.
pub(super) const OF_CONTROLLERS: &[Mark] = &[ELECTED, UNCLEAN, LEADERLESS, STALE_ISR];
/// Those of brokers.
pub(super) const OF_BROKERS: &[Mark] = &[
    SHRANK,
    GREW,
    TRUNCATED,
    NOT_ENOUGH,
    REPEATED,
    OUT_OF_ORDER,
    OLD_EPOCH,
    GENERATION,
    EXPIRED,
    FENCED,
    COMMITTED,
    ABORTED,
    TIMED_OUT,
    ABORTED_FOR_ANOTHER,
    PRODUCER_FENCED,
    OLD_MARKER,
    UNSTABLE,
    RETAINED,
    COMPACTED,
    RESTARTED,
];
/// Those of clients.
pub(super) const OF_CLIENTS: &[Mark] = &[RESENT, GAVE_UP, OUT_OF_RANGE];
