//! The ways in which a detector of failures, a choice of leaders or a supervisor can go wrong.

use crate::check::Rule;

pub(super) static TOO_HIGH: Rule =
    Rule::new("incarnation-too-high", "{node} holds {member} to be of incarnation {incarnation}, which has had {own} at most");
pub(super) static RAISED: Rule =
    Rule::new("raised-from-the-dead", "{node} declared {member} dead in incarnation {buried}, and holds it {state} in {incarnation} again");
pub(super) static UNAWARE: Rule = Rule::new("unaware", "{node} does not suspect {of}, which was destroyed");
pub(super) static TRUSTED_LATE: Rule = Rule::new("trusted-late", "{node} trusted {of} again, which was down, as late as at {at}");
pub(super) static SUSPECTED_LATE: Rule = Rule::new("suspected-late", "{node} suspected {of}, which lived, as late as at {at}");
pub(super) static SLOW: Rule = Rule::new("slow", "a crash was detected after {length}, not within {most}");
pub(super) static MISSED_CRASH: Rule = Rule::new("missed-crash", "{node} did not notice the crash of {of} at {since}, for all of {length}");
pub(super) static MISSED_STALL: Rule =
    Rule::new("missed-stall", "{node} did not notice the stalled disk of {of} at {since}, for all of {length}");
pub(super) static MISTAKES: Rule = Rule::new("many-mistakes", "{count} mistakes, one in {mean} of each pair, not at most one in {least}");
pub(super) static DOUBTS: Rule =
    Rule::new("many-doubts", "{count} doubts of living members, one in {mean} of each pair, not at most one in {least}");
pub(super) static LONG_MISTAKES: Rule = Rule::new("long-mistakes", "a mistake lasts {mean} in the mean, not at most {most}");

pub(super) static FOLLOWS_NONE: Rule = Rule::new("follows-none", "{node} follows no leader");
pub(super) static FOLLOWED_LATE: Rule = Rule::new("followed-late", "{node} followed another leader, {leader}, as late as at {since}");
pub(super) static FOLLOWS_THE_DEAD: Rule = Rule::new("follows-the-dead", "{node} follows {leader}, which is down");
pub(super) static TWO_FOLLOWED: Rule = Rule::new("two-followed", "{node} follows {leader}, and {by} follows {other}");

pub(super) static NO_WORKER: Rule = Rule::new("no-worker", "no node does job {job}");
pub(super) static MOVED_LATE: Rule = Rule::new("moved-late", "job {job} went to {node} as late as at {at}");
pub(super) static TWO_WORKERS: Rule = Rule::new("two-workers", "job {job} is done by {nodes}");
