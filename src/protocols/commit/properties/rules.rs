//! The ways in which atomic commit can go wrong.

use crate::check::Rule;

/// A commit without the yes of a participant. Which rule tells it depends on what came first: the commit, a no, or a crash that took the
/// yes.
const WITHOUT_YES: &str = "committed-without-yes";

pub(super) static BEGAN_TWICE: Rule = Rule::new("began-twice", "{node} began {txn} twice: the second time at {at}");
pub(super) static REFUSED_AFTER_COMMIT: Rule =
    Rule::new("refused-after-commit", "{node} voted no on {txn} at {at}, which {by} had committed at {since}").of_kind(WITHOUT_YES);
pub(super) static ABORTED_THOUGH_ALL_YES: Rule =
    Rule::new("aborted-though-all-yes", "{node} aborted {txn} at {at}, though all had voted for it");
pub(super) static ABORTED_FOR_NO_NO: Rule =
    Rule::new("aborted-for-no-no", "{node} aborted {txn} at {at} for a no of {by}, which never gave it");
pub(super) static ABORTED_ALONE: Rule =
    Rule::new("aborted-alone", "{node} had voted yes on {txn}, and aborted at {at} though no server had decided so");
pub(super) static REVERSED: Rule = Rule::new("reversed", "{node} decided {before} on {txn} at {since}, and {decision} at {at}");
pub(super) static DISAGREE: Rule =
    Rule::new("disagree", "{by} decided {before} on {txn} at {since}, and {node} decided {decision} at {at}");
pub(super) static TOLD_THE_OPPOSITE: Rule =
    Rule::new("told-the-opposite", "the client of {txn} was told the opposite before {node} decided {decision} at {at}");
pub(super) static COMMITTED_AGAINST: Rule =
    Rule::new("committed-against-a-no", "{node} committed {txn} at {at} although {participant}, which takes part in it, had voted no")
        .of_kind(WITHOUT_YES);
pub(super) static COMMITTED_WITHOUT: Rule =
    Rule::new("committed-without-a-vote", "{node} committed {txn} at {at} without the vote of {participant}, which takes part in it")
        .of_kind(WITHOUT_YES);
pub(super) static COMMITTED_UNLOCKED: Rule =
    Rule::new("committed-unlocked", "{node} committed {txn} at {at}, though {participant} had lost its locks in a crash at {lost}");
pub(super) static LOCKED_AFTER_RELEASE: Rule =
    Rule::new("locked-after-release", "{txn} committed at {at}, but {node} had locked {key} for it after {by} had given locks up");
pub(super) static PRESUMED_THE_OPPOSITE: Rule = Rule::new(
    "presumed-the-opposite",
    "{node} presumed {decision} of {txn} at {at}, of which {by} had decided {before} at {since}, with {doubtful} in doubt",
);
pub(super) static FORGOT_EARLY: Rule =
    Rule::new("forgot-early", "{node} forgot at {at} to have decided {decision} on {txn}, while {doubtful} is in doubt");
pub(super) static TOLD_WRONG: Rule = Rule::new("told-wrong", "{node} told the client of {txn} at {at}: {decision}, which is not so");
pub(super) static BOTH_LOCKED: Rule =
    Rule::new("both-locked", "{node} gave {txn} {key} {mode} at {at}, which {other} has held {held} since {since}");
pub(super) static RELEASED_EARLY: Rule =
    Rule::new("released-early", "{node} released the locks of {txn} at {at}, and did not know what was decided");
pub(super) static FORGOT_ITS_YES: Rule =
    Rule::new("forgot-its-yes", "{node} had voted yes on {txn}, which {by} committed at {since}, and knows nothing of it at {at}")
        .of_kind(WITHOUT_YES);
pub(super) static CAME_BACK_UNLOCKED: Rule =
    Rule::new("came-back-unlocked", "{node}, in doubt of {txn}, came back at {at} without its lock on {key}");
pub(super) static IN_DOUBT_AGAIN: Rule =
    Rule::new("in-doubt-again", "{node} is in doubt of {txn} again at {at}: {decision} was decided, and is forgotten");
pub(super) static LEFT_IN_DOUBT: Rule = Rule::new("left-in-doubt", "at the end {node} is in doubt of {txn}");
pub(super) static SOME_LEFT_IN_DOUBT: Rule =
    Rule::new("some-left-in-doubt", "at the end {node} is in doubt of {txn}; other cases like it: {others}").of_kind("left-in-doubt");
pub(super) static LEFT_LOCKED: Rule = Rule::new("left-locked", "at the end {node} has {key} locked for {txn}");
