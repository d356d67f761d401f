//! The ways in which a lock can go wrong.

use crate::check::Rule;

pub(super) static INTERLEAVED: Rule = Rule::new(
    "interleaved",
    "{client} used what lock {lock} guards at {first} and again at {at}, both by {grant}, and in between, at {between}, {other} did so by \
     {by}",
);
pub(super) static OVERTAKEN: Rule = Rule::new(
    "overtaken",
    "{client} used what lock {lock} guards at {at} with token {token}, when {other} had done so with {highest}, at {before}",
)
// Two hold it: whether the one comes in between or afterwards is chance.
.of_kind(INTERLEAVED.kind);
pub(super) static TOKEN_SMALL: Rule = Rule::new(
    "token-too-small",
    "{client}, which asked at {since}, holds lock {lock} with token {token}, when {other} had held it before that with {highest}",
);
pub(super) static OUT_OF_ORDER: Rule = Rule::new(
    "out-of-order",
    "{client} holds lock {lock} by its key of revision {place}, and that of revision {other} is before it, there since {since}",
);
pub(super) static TWO_WOKE: Rule = Rule::new(
    "two-woke",
    "{client} woke at {at}, since one had left the queue of lock {lock}; {other} had done so for the same at {before}",
);
pub(super) static TWO_LEADERS: Rule =
    Rule::new("two-leaders", "{client} acted in term {term} at {at}, in which {other} had acted at {before}");
pub(super) static WENT_BACK: Rule =
    Rule::new("went-back", "{client} saw a leader of term {term} at {at}, and had seen one of term {earlier} at {seen}");
pub(super) static NOT_HAD: Rule = Rule::new(
    "not-had-again",
    "{client} has waited for lock {lock} since {since}, and at {now} none holds it; it was last held or left at {free}, and the last fault \
     was over at {until}",
);
