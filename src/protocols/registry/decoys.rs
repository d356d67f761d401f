//! Odd, and right: variants that no judge may complain of. A judge that does has raised a false alarm.

use super::{Mutant, Rules};
use crate::base::Duration;

/// All decoys. They have the shape of mutants; no property may catch them.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "registry/proposes-again",
        rules: &ProposesAgain,
        source: "a lease ends once, however often its end is in the log",
        needs: &[],
        property: None,
        about: "Leaders propose the end of a lease again and again until it is applied.",
    },
    Mutant {
        name: "registry/sends-twice",
        rules: &SendsTwice,
        source: "etcd's guarantees of watches: what is sent again is recognised by its revision",
        needs: &[],
        property: None,
        about: "Changes are sent twice to each who watches.",
    },
    Mutant {
        name: "registry/keeps-alive-often",
        rules: &KeepsAliveOften,
        source: "Gray and Cheriton 1989: a lease may be extended at any time",
        needs: &[],
        property: None,
        about: "Holders keep their leases alive four times as often as they are to.",
    },
    Mutant {
        name: "registry/tells-less",
        rules: &TellsLess,
        source: "Gray and Cheriton 1989: a holder may believe that its lease ends earlier",
        needs: &[],
        property: None,
        about: "Holders are told half of what is left of their leases.",
    },
    Mutant {
        name: "registry/tells-older",
        rules: &TellsOlder,
        source: "an age is a bound: the answer may be younger",
        needs: &[],
        property: None,
        about: "Answers are said to be twice as old as they may be.",
    },
];

#[derive(Debug)]
struct ProposesAgain;

impl Rules for ProposesAgain {
    fn proposes_again(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct SendsTwice;

impl Rules for SendsTwice {
    fn sends(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct KeepsAliveOften;

impl Rules for KeepsAliveOften {
    fn keep_alives(&self) -> u32 {
        4
    }
}

#[derive(Debug)]
struct TellsLess;

impl Rules for TellsLess {
    fn told_remaining(&self, remaining: Duration) -> Duration {
        Duration::from_nanos(remaining.as_nanos() / 2)
    }
}

#[derive(Debug)]
struct TellsOlder;

impl Rules for TellsOlder {
    fn told_age(&self, age: Duration) -> Duration {
        age * 2
    }
}
