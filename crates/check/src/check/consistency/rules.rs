//! What shows that a guarantee was not kept, and why it may not be known.

use crate::check::verdict::Rule;

pub(super) static NO_ORDER: Rule = Rule::new("no-order", "no order of {key}");
pub(super) static BUDGET: Rule = Rule::new("budget", "the budget ended first");

pub(super) static NOT_CAUSAL: Rule = Rule::new("not-causal", "it is not even causal");
pub(super) static KEY_ALONE: Rule = Rule::new("key-alone", "key {key} alone has no order that keeps to each client's own");
pub(super) static KEYS_TOGETHER: Rule = Rule::new("keys-together", "no order of all keys together keeps to each client's own");
pub(super) static NO_OWN_ORDER: Rule = Rule::new("no-own-order", "no order keeps to each client's own");
pub(super) static UNDECIDED: Rule =
    Rule::new("undecided", "undecided after {states} states: keys cannot be judged apart here, so that histories must be short");
pub(super) static NO_ROOM: Rule = Rule::new(
    "no-room",
    "undecided after {states} states, which hold {bytes} bytes: keys cannot be judged apart here, so that histories must be short",
);

pub(super) static NEVER_WRITTEN: Rule = Rule::new("never-written", "{reader} saw what no operation wrote");
pub(super) static MISSED: Rule = Rule::new("missed", "{reader} saw less than it had to: {known} was known there");
pub(super) static OLDER: Rule = Rule::new("older", "{older} is older than {newer}, as {shown} shows");
pub(super) static CIRCULAR: Rule = Rule::new("circular", "each of these saw what only came of it: {readers}");
pub(super) static ADDED_TWICE: Rule =
    Rule::new("added-twice", "an element is added twice, so that it cannot be said which of the two was seen");
pub(super) static UNOBSERVABLE: Rule =
    Rule::new("unobservable", "{operation} is neither a read nor a write of a register, nor of a set that only grows");
pub(super) static REPEATED: Rule =
    Rule::new("repeated", "{value} is written more than once, or was there at first: it cannot be said which write a read saw");
