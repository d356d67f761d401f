//! Bugs of locks and elections over a registry, planted one at a time: each overrides one rule.

use super::super::{Mutant, Rules};
use crate::base::LocalTime;

/// All mutants of locks over a registry, and of elections.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "lock/forgets-its-own-lease",
        rules: &ForgetsItsOwnLease,
        source: "etcd-io/etcd#11456; Jepsen, etcd 3.4.3 (2020)",
        needs: &["a client that waits, and whose lease ends meanwhile"],
        property: Some("mutual-exclusion"),
        about: "A client that has waited, and is first, takes the lock without looking whether its own key is there still: its lease may have \
                ended while it waited.",
    },
    Mutant {
        name: "lock/follows-the-one-before",
        rules: &FollowsTheOneBefore,
        source: "ZooKeeper recipes, Locks, step 5: when the one before has gone, look again who is first",
        needs: &["a client that leaves the queue before its turn"],
        property: Some("granted-in-order"),
        about: "A client takes the lock as soon as the one before it in the queue has gone, which may have waited itself.",
    },
    Mutant {
        name: "lock/wakes-the-herd",
        rules: &WakesTheHerd,
        source: "ZooKeeper recipes, Locks: \"each node is watched by exactly one client\", to avoid the herd effect",
        needs: &["several clients that wait"],
        property: Some("one-wakeup-per-release"),
        about: "All that wait for a lock wake at each release, and ask who is first: with n waiting, n questions for each release.",
    },
    Mutant {
        name: "lock/token-of-the-session",
        rules: &TokenOfTheSession,
        source: "a broken rule: a token grows with each grant; a session outlives many (etcd: the revision of the key, not the lease)",
        needs: &["two turns of one session"],
        property: Some("tokens-grow"),
        about: "The number of the session is the fencing token: a client that holds the lock again comes with its old one.",
    },
    Mutant {
        name: "lock/leaves-its-key-behind",
        rules: &LeavesItsKeyBehind,
        source: "a broken rule: what a client stops waiting for may take effect all the same",
        needs: &["a client that gives up waiting for a lock while its key is being put"],
        property: Some("lock-had-again"),
        about: "A client that has given up waiting for a lock does not delete its key when that is put after all. Its lease lives on, and \
                with it the key: none has the lock any more.",
    },
    Mutant {
        name: "lock/deletes-anothers-record",
        rules: &DeletesAnothersRecord,
        source: "a broken rule: lock-delay (Consul, Sessions)",
        needs: &["a holder that is cut off, and whose release is late", "a holder after it that does not release the lock"],
        property: Some("mutual-exclusion"),
        about: "All holders put down in one place that they hold the lock, and who releases it deletes whatever is there. A late release does \
                so when it is the next one's, and after that one nothing is waited for.",
    },
    Mutant {
        name: "lock/readers-pass-the-dead",
        rules: &ReadersPassTheDead,
        source: "a broken rule: lock-delay (Consul, Sessions)",
        needs: &["a holder that does not release the lock, and readers"],
        property: Some("mutual-exclusion"),
        about: "Readers know of no lock-delay: they do not wait when a writer did not release the lock, nor does a writer after them.",
    },
    Mutant {
        name: "election/acts-after-its-term",
        rules: &ActsAfterItsTerm,
        source: "kubernetes client-go, leaderelection: \"does not guarantee that only one client is acting as a leader (a.k.a. fencing)\"; \
                 Kleppmann, 2016",
        needs: &["a leader that is cut off from the registry for longer than its lease"],
        property: Some("mutual-exclusion"),
        about: "A leader does not stop when its lease is lost: cut off, it acts on while another leads.",
    },
    Mutant {
        name: "election/term-of-the-session",
        rules: &TokenOfTheSession,
        source: "a broken rule: a term is that of one election, and a session outlives many (etcd: the revision of the key, not the lease)",
        needs: &["a candidate that is elected twice in one session"],
        property: Some("one-leader-per-term"),
        about: "A leader takes the number of its session for its term: when it leads again, it acts in a term that was over.",
    },
    Mutant {
        name: "election/observes-who-waits",
        rules: &ObservesWhoWaits,
        source: "etcd concurrency.Election.Observe: the key with the least revision is the leader's; a broken rule",
        needs: &["a candidate that leaves before it has led"],
        property: Some("observed-forward"),
        about: "An observer takes the last in the queue for the leader: when that one leaves, it sees the one before it lead, and terms go back.",
    },
];

#[derive(Debug)]
struct ForgetsItsOwnLease;

impl Rules for ForgetsItsOwnLease {
    fn lease_at_last(&self, lease: Option<LocalTime>, full: LocalTime) -> Option<LocalTime> {
        lease.or(Some(full))
    }
}

#[derive(Debug)]
struct FollowsTheOneBefore;

impl Rules for FollowsTheOneBefore {
    fn looks_again(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct WakesTheHerd;

impl Rules for WakesTheHerd {
    fn wakes_for_its_own(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct TokenOfTheSession;

impl Rules for TokenOfTheSession {
    fn token(&self, _: u64, lease: u64) -> u64 {
        lease
    }
}

#[derive(Debug)]
struct LeavesItsKeyBehind;

impl Rules for LeavesItsKeyBehind {
    fn takes_back_late(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct DeletesAnothersRecord;

impl Rules for DeletesAnothersRecord {
    fn record(&self, _: u32) -> u32 {
        0
    }

    fn spares_others_records(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ReadersPassTheDead;

impl Rules for ReadersPassTheDead {
    fn minds_lock_delay(&self, shared: bool) -> bool {
        !shared
    }
}

#[derive(Debug)]
struct ActsAfterItsTerm;

impl Rules for ActsAfterItsTerm {
    fn minds_its_lease(&self) -> bool {
        false
    }

    fn stops(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct ObservesWhoWaits;

impl Rules for ObservesWhoWaits {
    fn leads(&self, _: Option<u64>, last: Option<u64>) -> Option<u64> {
        last
    }
}
