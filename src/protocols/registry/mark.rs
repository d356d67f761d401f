//! The places that a good sweep passes sometimes, beside those of Raft.

use crate::process::Mark;

pub(super) const LEASE_EXPIRED: Mark = Mark::new("lease expired", "A lease was not kept alive, and its end was applied.");
pub(super) const KEPT_TOO_LATE: Mark = Mark::new("lease kept alive too late", "A keep-alive came when the end of the lease was proposed.");
pub(super) const KEEPER_DEPOSED: Mark =
    Mark::new("keep-alive without proof", "A leader was deposed before it could prove that it led, and keep-alives waited for that.");
pub(super) const LEASES_RESTARTED: Mark = Mark::new("leases restarted", "A new leader gave every lease its full length anew.");
pub(super) const WATCH_RESUMED: Mark = Mark::new("watch resumed", "A client went on watching where changes had passed it by.");
pub(super) const WATCH_COMPACTED: Mark = Mark::new("watch compacted", "A client was to be told of changes that were no longer remembered.");
pub(super) const WATCHED_AHEAD: Mark = Mark::new("watch ahead of its server", "A client had seen more than the server that it asked.");
pub(super) const TOO_OLD: Mark = Mark::new("stale look-up refused", "A server knew nothing as young as it was asked for.");
pub(super) const CRITICAL: Mark = Mark::new("instance critical", "So many checks went wrong that an instance is not to be used.");
pub(super) const DEREGISTERED: Mark = Mark::new("instance deregistered", "An instance was critical for too long.");

/// Those of servers. Raft's come besides.
pub(super) const ALL: &[Mark] = &[
    LEASE_EXPIRED,
    KEPT_TOO_LATE,
    KEEPER_DEPOSED,
    LEASES_RESTARTED,
    WATCH_RESUMED,
    WATCH_COMPACTED,
    WATCHED_AHEAD,
    TOO_OLD,
    CRITICAL,
    DEREGISTERED,
];

pub(super) const GAP_FOUND: Mark = Mark::new("gap found", "Changes came before others that one who watches had not seen.");
pub(super) const REPEAT_PASSED_OVER: Mark = Mark::new("repeat passed over", "Changes came that one who watches had seen.");
pub(super) const OLDER_LIST_REFUSED: Mark = Mark::new("older list refused", "A list was older than what one who watches had seen.");
pub(super) const LISTED_ANEW: Mark = Mark::new("listed anew", "Changes were no longer remembered, and a client listed anew.");
pub(super) const LEASE_LOST: Mark = Mark::new("lease lost", "A holder learned that its lease was over, or could not know that it was not.");

/// Those of clients.
pub(super) const OF_AGENTS: &[Mark] = &[GAP_FOUND, REPEAT_PASSED_OVER, OLDER_LIST_REFUSED, LISTED_ANEW, LEASE_LOST];
