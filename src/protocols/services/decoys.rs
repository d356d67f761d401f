//! What looks odd and is legal: planted like a mutant, and no judge may complain.

use super::{Mutant, Rules};
use crate::base::Duration;
use crate::policies::balancer::{BalancerSettings, Policy as Balance};
use crate::policies::retry::{Again, Backoff};

/// All decoys. No property may be violated on their account: a report on one is a false alarm.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "service/decoy-keys-spread",
        rules: &KeysSpread,
        source: "an idempotency key is any value that all attempts of a call have, and no other call",
        needs: &[],
        property: None,
        about: "The key of a call is another than the id of the call: all attempts have the same still.",
    },
    Mutant {
        name: "service/decoy-sends-twice",
        rules: &SendsTwice,
        source: "networks duplicate, too",
        needs: &[],
        property: None,
        about: "Each request is sent twice at once. What stores knows it by its key.",
    },
    Mutant {
        name: "service/decoy-retries-at-once",
        rules: &RetriesAtOnce,
        source: "a back-off is a courtesy, and a budget what bounds retries",
        needs: &[],
        property: None,
        about: "A call that is tried again is tried at once, whatever the back-off says.",
    },
    Mutant {
        name: "service/decoy-lets-copies-go-on",
        rules: &LetsCopiesGoOn,
        source: "Dean and Barroso, The tail at scale, CACM 56(2), 2013: cancelling copies saves work, and nothing rests on it",
        needs: &[],
        property: None,
        about: "Copies of a call that was answered go on: their answers are not waited for.",
    },
    Mutant {
        name: "service/decoy-loads-for-each",
        rules: &LoadsForEach,
        source: "RFC 9111, §4: a cache may forward any request that it has no fresh answer to",
        needs: &[],
        property: None,
        about: "Each request that misses a cache loads the value itself: that is more work for the store, and answers are the same.",
    },
    Mutant {
        name: "service/decoy-keeps-nothing",
        rules: &KeepsNothing,
        source: "RFC 9111, §3: a cache may keep what it is allowed to, and need not",
        needs: &[],
        property: None,
        about: "Caches keep nothing: each answer is loaded.",
    },
    Mutant {
        name: "service/decoy-all-important",
        rules: &AllImportant,
        source: "Google, Site Reliability Engineering (2016), ch. 21: without criticality all requests are shed alike",
        needs: &[],
        property: None,
        about: "All requests wait as if they were important. It is no promise that the others give way, unless a scenario demands it.",
    },
    Mutant {
        name: "service/decoy-picks-at-random",
        rules: &PicksAtRandom,
        source: "which instance is asked decides how long it takes, and nothing else",
        needs: &[],
        property: None,
        about: "Whatever the balance, an instance is asked at random.",
    },
    Mutant {
        name: "service/decoy-refuses-early",
        rules: &RefusesEarly,
        source: "a bound is the most that may wait, and refusing is always allowed",
        needs: &[],
        property: None,
        about: "A queue takes one request where it may take many, and refuses the rest.",
    },
    Mutant {
        name: "service/decoy-waits-longest",
        rules: &WaitsLongest,
        source: "a back-off says how long to wait at least; the cap is as right as anything below it",
        needs: &[],
        property: None,
        about: "Before each retry it is waited as long as the back-off ever says.",
    },
];

#[derive(Debug)]
struct PicksAtRandom;

impl Rules for PicksAtRandom {
    fn balance(&self, settings: BalancerSettings) -> BalancerSettings {
        BalancerSettings { policy: Balance::Random, ..settings }
    }
}

#[derive(Debug)]
struct RefusesEarly;

impl Rules for RefusesEarly {
    fn bound(&self, bound: u32) -> u32 {
        bound.min(1)
    }
}

#[derive(Debug)]
struct WaitsLongest;

impl Rules for WaitsLongest {
    fn backoff(&self, backoff: Backoff) -> Backoff {
        match backoff {
            Backoff::None | Backoff::Constant(_) => backoff,
            Backoff::Exponential { cap, .. }
            | Backoff::Equal { cap, .. }
            | Backoff::Full { cap, .. }
            | Backoff::Decorrelated { cap, .. } => Backoff::Constant(cap),
        }
    }
}

#[derive(Debug)]
struct KeysSpread;

impl Rules for KeysSpread {
    fn key_of_attempt(&self, key: u64, _: u16) -> u64 {
        key.rotate_left(17)
    }
}

#[derive(Debug)]
struct SendsTwice;

impl Rules for SendsTwice {
    fn copies(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct RetriesAtOnce;

impl Rules for RetriesAtOnce {
    fn again(&self, said: Again) -> Again {
        if matches!(said, Again::After(_)) { Again::After(Duration::ZERO) } else { said }
    }
}

#[derive(Debug)]
struct LetsCopiesGoOn;

impl Rules for LetsCopiesGoOn {
    fn cancels_copies(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct LoadsForEach;

impl Rules for LoadsForEach {
    fn one_load_for_all(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct KeepsNothing;

impl Rules for KeepsNothing {
    fn caches(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct AllImportant;

impl Rules for AllImportant {
    fn priority(&self, _: u8) -> u8 {
        1
    }
}
