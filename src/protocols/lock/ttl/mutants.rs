//! Bugs of locks with a time to live and of what they guard, planted one at a time: each overrides one rule.

use super::super::{Mutant, Rules};
use crate::base::{Duration, LocalTime};

/// All mutants of locks with a time to live.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "lock/unlocks-anothers",
        rules: &UnlocksAnothers,
        source: "Redis documentation, Distributed locks: \"if the key exists and its value is still the random value\"; Redisson and others, \
                 class of bugs: a plain DEL",
        needs: &["work that outlasts its lease"],
        property: Some("mutual-exclusion"),
        about: "To unlock deletes the lock, whichever client has it: a holder that comes late deletes the next one's, and a third gets it.",
    },
    Mutant {
        name: "lock/counts-from-the-answer",
        rules: &CountsFromTheAnswer,
        source: "Gray and Cheriton, Leases, SOSP 1989, §2: the holder's term begins no later than the server's",
        needs: &["answers that take their time"],
        property: Some("mutual-exclusion"),
        about: "The client counts the time to live from the answer and not from the question: it believes to hold the lock when the servers \
                have given it to another.",
    },
    Mutant {
        name: "lock/a-half-is-enough",
        rules: &AHalfIsEnough,
        source: "Redlock: N/2+1; class of bugs: a quorum that is no majority",
        needs: &["two clients at once"],
        property: Some("mutual-exclusion"),
        about: "Fewer than a majority of the servers are enough: two clients hold the lock, by servers of which none is the other's.",
    },
    Mutant {
        name: "lock/one-value-for-all",
        rules: &OneValueForAll,
        source: "Redis documentation, Distributed locks: the value \"must be unique across all clients and all lock requests\"",
        needs: &["an unlock that comes late"],
        property: Some("mutual-exclusion"),
        about: "A client gives the same value each time: an unlock of its last turn that was under way for long deletes its next one, and \
                another client gets the lock.",
    },
    Mutant {
        name: "lock/extends-anothers",
        rules: &ExtendsAnothers,
        source: "Redis documentation, Distributed locks: extend \"if the key exists and its value is still the random value\"",
        needs: &["a lease that runs out although it is extended"],
        property: Some("mutual-exclusion"),
        about: "A server extends the lease, whichever client has it: a holder whose time is over extends the next one's, and takes it for its own.",
    },
    Mutant {
        name: "lock/believes-its-extension",
        rules: &BelievesItsExtension,
        source: "a broken rule: an extension counts when a majority has granted it (Redis documentation, Distributed locks)",
        needs: &["a partition, or loss"],
        property: Some("mutual-exclusion"),
        about: "A holder takes its lease to be extended as soon as it has asked for that: cut off, it works on while the lock is another's.",
    },
    Mutant {
        name: "lock/trusts-the-askers-clock",
        rules: &TrustsTheAskersClock,
        source: "Redis documentation, SETNX, Design pattern: locking with SETNX (withdrawn): the time of expiry is the asker's",
        needs: &["clocks that are apart"],
        property: Some("mutual-exclusion"),
        about: "The time at which a lock goes is reckoned by the asker's clock and read by the server's: where that is ahead, it goes at once.",
    },
    Mutant {
        name: "lock/never-looks-again",
        rules: &NeverLooksAgain,
        source: "Kleppmann, How to do distributed locking, 2016; apache/hbase (HBASE-2238), which he cites",
        needs: &["work that outlasts its lease"],
        property: Some("mutual-exclusion"),
        about: "A holder does not look whether its lease is over before it goes on: what takes long is done when another holds the lock.",
    },
    Mutant {
        name: "lock/reuses-tokens",
        rules: &ReusesTokens,
        source: "a broken rule: a fencing token grows with each grant (Kleppmann, 2016; Chubby's sequencers, OSDI 2006, §2.4)",
        needs: &["a crash of the lock server"],
        property: Some("tokens-grow"),
        about: "The server counts its grants from the beginning again after a crash: tokens that were given come again.",
    },
    Mutant {
        name: "lock/forgets-the-fence",
        rules: &ForgetsTheFence,
        source: "a broken rule: the resource remembers the highest token (Kleppmann, 2016)",
        needs: &["a pause of a holder", "a crash of the resource meanwhile"],
        property: Some("mutual-exclusion"),
        about: "The resource forgets the highest token when it crashes, and lets through the access of a holder whose time was over long ago.",
    },
];

#[derive(Debug)]
struct UnlocksAnothers;

impl Rules for UnlocksAnothers {
    fn may_unlock(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct CountsFromTheAnswer;

impl Rules for CountsFromTheAnswer {
    fn lease_begins(&self, _: LocalTime, answered: LocalTime) -> LocalTime {
        answered
    }
}

#[derive(Debug)]
struct AHalfIsEnough;

impl Rules for AHalfIsEnough {
    fn quorum(&self, servers: u32) -> u32 {
        (servers / 2).max(1)
    }
}

#[derive(Debug)]
struct OneValueForAll;

impl Rules for OneValueForAll {
    fn named(&self, _: u32) -> u32 {
        1
    }
}

#[derive(Debug)]
struct ExtendsAnothers;

impl Rules for ExtendsAnothers {
    fn may_extend(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct BelievesItsExtension;

impl Rules for BelievesItsExtension {
    fn is_extended(&self, _: u32, _: u32) -> bool {
        true
    }
}

#[derive(Debug)]
struct TrustsTheAskersClock;

impl Rules for TrustsTheAskersClock {
    fn expires(&self, asked: LocalTime, _: LocalTime, ttl: Duration) -> LocalTime {
        asked + ttl
    }
}

#[derive(Debug)]
struct NeverLooksAgain;

impl Rules for NeverLooksAgain {
    fn stops(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct ReusesTokens;

impl Rules for ReusesTokens {
    fn token_after_restart(&self, _: u64) -> u64 {
        0
    }
}

#[derive(Debug)]
struct ForgetsTheFence;

impl Rules for ForgetsTheFence {
    fn fence_after_restart(&self, _: u64) -> u64 {
        0
    }
}
