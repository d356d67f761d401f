//! The ways in which a registry can go wrong.

use crate::check::Rule;

pub(super) static ENDED_EARLY: Rule =
    Rule::new("ended-early", "lease {lease} expired at {at}; its holder was told at {told} that it lasts until {until}")
        .of_kind("ended-early");
pub(super) static TOLD_TOO_MUCH: Rule =
    Rule::new("told-too-much", "a holder was told that lease {lease}, which expired at {at}, lasts until {until}").of_kind("ended-early");

pub(super) static EXPIRED_ALIVE: Rule = Rule::new("expired-alive", "lease {lease} expired at {at}, though its holder {node} lives");

pub(super) static DEAD_STAYS: Rule = Rule::new(
    "dead-stays",
    "the instance of {node} in service {service} is still registered at {at}; {node} crashed at {since}, and {bound} are allowed",
);
pub(super) static SICK_STAYS: Rule = Rule::new(
    "sick-stays",
    "the instance of {node} in service {service} is still registered at {at}; it is not well since {since}, and {bound} are allowed",
);

pub(super) static NEVER_HELD: Rule =
    Rule::new("never-held", "{node} listed service {directory} at revision {revision}, which held something else then");
pub(super) static LISTED_UNASKED: Rule = Rule::new(
    "listed-unasked",
    "{node} listed service {directory} anew at revision {revision}: it had seen all through {seen}, and was not told that changes are forgotten",
);
pub(super) static WENT_BACK: Rule =
    Rule::new("went-back", "{node} went back to revision {revision} of service {directory}, of which it had seen all through {seen}");
pub(super) static SKIPPED: Rule = Rule::new("skipped", "{node} saw {change}, but not {missing} before it");
pub(super) static REPEATED: Rule = Rule::new("repeated", "{node} saw {change} again, though it had seen all through {seen}");
pub(super) static NEVER_WAS: Rule = Rule::new("never-was", "{node} saw {change}, which no server has applied");

pub(super) static ANSWER_NEVER_HELD: Rule =
    Rule::new("answer-never-held", "{node} was shown service {directory} at revision {revision}, which held something else then");
pub(super) static OLDER_THAN_TOLD: Rule = Rule::new(
    "older-than-told",
    "{node} was shown service {directory} at revision {revision}, {age} old at most; {missing} was applied before that, at {since}",
);
pub(super) static CACHE_TOO_OLD: Rule = Rule::new(
    "cache-too-old",
    "{node} found service {directory} at revision {revision} in its cache; {missing} was applied at {since}, more than {most} before",
);

pub(super) static NOT_FOUND: Rule =
    Rule::new("not-found", "the instance of {node} in service {service}, which lives and believes to be registered, is not");
pub(super) static GONE: Rule = Rule::new(
    "gone",
    "the instance of {node} in service {service}, which lives and believes to be registered, is gone since {since}, by revision {revision}",
)
.of_kind("not-found");
pub(super) static LAGS: Rule =
    Rule::new("lags", "{node} watches service {directory}, and has not seen {missing}, which was applied at {since}");
