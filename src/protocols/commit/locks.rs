//! Two-phase locking with a queue for each key, in which no transactions wait for each other in a cycle.
//!
//! After *System Level Concurrency Control for Distributed Database Systems* (Rosenkrantz, Stearns and Lewis, 1978). A request that must
//! wait looks at all it would wait for: those who hold the key in a mode that does not go with its own, and those who wait for it before
//! itself. Under [`Policy::WaitDie`] it waits only for younger ones, under [`Policy::WoundWait`] only for older ones, so that no cycle can
//! close, whatever other servers do.

use std::collections::VecDeque;

use crate::base::{SortedMap, SortedSet};
use serde::{Deserialize, Serialize};

use super::{Age, TxnId};

/// How a key is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// For reading: others may read it too.
    Shared,
    /// For writing: no other may do anything.
    Exclusive,
}

impl Mode {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        }
    }

    /// Whether two transactions may hold a key in these modes at once.
    pub fn goes_with(self, other: Self) -> bool {
        self == Self::Shared && other == Self::Shared
    }
}

/// Who gives way when two transactions want the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Policy {
    /// An older one waits for a younger; a younger one that would wait for an older dies.
    WaitDie,
    /// A younger one waits for an older; an older one that would wait for a younger makes that one abort, unless it has voted yes.
    WoundWait,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The lock is held.
    Granted,
    /// The request is in the queue. These must abort, unless they have voted yes: it waits for them although it is older.
    Waits {
        /// Younger transactions in the way; empty under wait-die.
        wounds: Vec<TxnId>,
    },
    /// The transaction must abort; the request is not in the queue.
    Dies,
}

/// The locks of one server.
#[derive(Clone, Debug)]
pub struct Locks {
    policy: Policy,
    keys: SortedMap<u64, Key>,
    /// On which keys a transaction holds locks or waits.
    touched: SortedMap<TxnId, SortedSet<u64>>,
}

#[derive(Clone, Debug, Default)]
struct Key {
    holders: SortedMap<TxnId, (Age, Mode)>,
    /// In order of arrival.
    queue: VecDeque<(Age, Mode)>,
}

impl Locks {
    /// Nothing is locked.
    pub fn new(policy: Policy) -> Self {
        Self { policy, keys: SortedMap::new(), touched: SortedMap::new() }
    }

    /// Asks for a lock. One that is held already, in this mode or a stronger one, is granted again; a shared one can be made exclusive. A
    /// transaction asks for a key again only when an earlier request for it was granted.
    pub fn acquire(&mut self, age: Age, key: u64, mode: Mode) -> Answer {
        let state = self.keys.entry(key).or_default();
        if state.holders.get(&age.txn).is_some_and(|(_, held)| *held >= mode) {
            return Answer::Granted;
        }
        let blockers = state.blockers(age, mode, state.queue.len());
        if blockers.is_empty() {
            state.holders.insert(age.txn, (age, mode));
            self.touched.entry(age.txn).or_default().insert(key);
            return Answer::Granted;
        }
        let wounds = match self.policy {
            Policy::WaitDie if blockers.iter().any(|blocker| *blocker < age) => {
                self.tidy(key);
                return Answer::Dies;
            }
            Policy::WaitDie => Vec::new(),
            Policy::WoundWait => blockers.iter().filter(|blocker| **blocker > age).map(|blocker| blocker.txn).collect(),
        };
        state.queue.push_back((age, mode));
        self.touched.entry(age.txn).or_default().insert(key);
        Answer::Waits { wounds }
    }

    /// Takes a lock that a transaction held before a crash. Only for transactions that have voted yes, and before anything else is asked.
    pub fn restore(&mut self, age: Age, key: u64, mode: Mode) {
        self.keys.entry(key).or_default().holders.insert(age.txn, (age, mode));
        self.touched.entry(age.txn).or_default().insert(key);
    }

    /// Releases all locks of a transaction and takes its requests back. Returns the locks that others were granted by that, in order.
    pub fn release(&mut self, txn: TxnId) -> Vec<(TxnId, u64, Mode)> {
        let keys = self.touched.remove(&txn).unwrap_or_default();
        let mut granted = Vec::new();
        for key in keys {
            if let Some(state) = self.keys.get_mut(&key) {
                state.holders.remove(&txn);
                state.queue.retain(|(age, _)| age.txn != txn);
            }
            self.grant(key, &mut granted);
        }
        granted
    }

    /// Releases the shared locks of a transaction that waits for none. Returns the locks that others were granted by that.
    pub fn release_shared(&mut self, txn: TxnId) -> Vec<(TxnId, u64, Mode)> {
        let held = self.held(txn).filter(|(_, mode)| *mode == Mode::Shared).map(|(key, _)| key).collect::<Vec<_>>();
        let mut granted = Vec::new();
        for key in held {
            if let Some(state) = self.keys.get_mut(&key) {
                state.holders.remove(&txn);
            }
            if let Some(touched) = self.touched.get_mut(&txn) {
                touched.remove(&key);
            }
            self.grant(key, &mut granted);
        }
        granted
    }

    /// The locks that a transaction holds, by key.
    pub fn held(&self, txn: TxnId) -> impl Iterator<Item = (u64, Mode)> {
        let keys = self.touched.get(&txn).into_iter().flatten();
        keys.filter_map(move |key| Some((*key, self.keys.get(key)?.holders.get(&txn)?.1)))
    }

    /// How many keys are held.
    pub fn locked(&self) -> usize {
        self.keys.values().filter(|key| !key.holders.is_empty()).count()
    }

    /// Gives a key to those at the head of its queue who can have it now.
    fn grant(&mut self, key: u64, granted: &mut Vec<(TxnId, u64, Mode)>) {
        if let Some(state) = self.keys.get_mut(&key) {
            while let Some((age, mode)) = state.queue.front().copied()
                && state.blockers(age, mode, 0).is_empty()
            {
                state.queue.pop_front();
                state.holders.insert(age.txn, (age, mode));
                granted.push((age.txn, key, mode));
            }
        }
        self.tidy(key);
    }

    fn tidy(&mut self, key: u64) {
        if self.keys.get(&key).is_some_and(|state| state.holders.is_empty() && state.queue.is_empty()) {
            self.keys.remove(&key);
        }
    }
}

impl Key {
    /// Whom a request would wait for: holders, and those among the first `ahead` of the queue, whose modes do not go with its own.
    fn blockers(&self, age: Age, mode: Mode, ahead: usize) -> Vec<Age> {
        let holders = self.holders.values().filter(|(other, held)| other.txn != age.txn && !mode.goes_with(*held));
        let waiting = self.queue.iter().take(ahead).filter(|(other, wanted)| other.txn != age.txn && !mode.goes_with(*wanted));
        holders.chain(waiting).map(|(other, _)| *other).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Epoch;
    use super::*;
    use crate::base::{LocalTime, NodeId};

    fn age(number: u64) -> Age {
        let txn = TxnId { coordinator: NodeId::server(0), epoch: Epoch(1), number };
        Age { began: LocalTime::from_nanos(number as i64), txn }
    }

    fn txn(number: u64) -> TxnId {
        age(number).txn
    }

    #[test]
    fn readers_share_and_writers_do_not() {
        let mut locks = Locks::new(Policy::WoundWait);
        assert_eq!(locks.acquire(age(1), 7, Mode::Shared), Answer::Granted);
        assert_eq!(locks.acquire(age(2), 7, Mode::Shared), Answer::Granted);
        assert_eq!(locks.acquire(age(3), 7, Mode::Exclusive), Answer::Waits { wounds: vec![] });
        assert_eq!(locks.acquire(age(4), 7, Mode::Shared), Answer::Waits { wounds: vec![] }, "behind the writer, or it would starve");
        assert_eq!(locks.release(txn(1)), []);
        assert_eq!(locks.release(txn(2)), [(txn(3), 7, Mode::Exclusive)]);
        assert_eq!(locks.release(txn(3)), [(txn(4), 7, Mode::Shared)]);
        assert_eq!(locks.release(txn(4)), []);
        assert_eq!(locks.locked(), 0);
    }

    #[test]
    fn the_younger_dies() {
        let mut locks = Locks::new(Policy::WaitDie);
        assert_eq!(locks.acquire(age(2), 7, Mode::Exclusive), Answer::Granted);
        assert_eq!(locks.acquire(age(3), 7, Mode::Shared), Answer::Dies);
        assert_eq!(locks.acquire(age(1), 7, Mode::Shared), Answer::Waits { wounds: vec![] });
        assert_eq!(locks.release(txn(2)), [(txn(1), 7, Mode::Shared)]);
    }

    #[test]
    fn the_older_wounds() {
        let mut locks = Locks::new(Policy::WoundWait);
        assert_eq!(locks.acquire(age(2), 7, Mode::Exclusive), Answer::Granted);
        assert_eq!(locks.acquire(age(3), 7, Mode::Exclusive), Answer::Waits { wounds: vec![] });
        assert_eq!(locks.acquire(age(1), 7, Mode::Shared), Answer::Waits { wounds: vec![txn(2), txn(3)] });
        assert_eq!(locks.release(txn(2)), [(txn(3), 7, Mode::Exclusive)]);
        assert_eq!(locks.release(txn(3)), [(txn(1), 7, Mode::Shared)]);
    }

    #[test]
    fn a_reader_may_become_the_writer() {
        let mut locks = Locks::new(Policy::WaitDie);
        locks.acquire(age(1), 7, Mode::Shared);
        assert_eq!(locks.acquire(age(1), 7, Mode::Exclusive), Answer::Granted);
        assert_eq!(locks.acquire(age(1), 7, Mode::Shared), Answer::Granted);
        assert_eq!(locks.held(txn(1)).collect::<Vec<_>>(), [(7, Mode::Exclusive)]);
        locks.acquire(age(1), 8, Mode::Shared);
        assert_eq!(locks.release_shared(txn(1)), []);
        assert_eq!(locks.held(txn(1)).collect::<Vec<_>>(), [(7, Mode::Exclusive)]);
    }

    /// The obvious twin: lists of who holds and who waits, looked through whole.
    #[derive(Default)]
    struct Twin {
        holds: Vec<(u64, u64, Mode)>,
        waits: Vec<(u64, u64, Mode)>,
    }

    impl Twin {
        fn conflicts(list: &[(u64, u64, Mode)], owner: u64, key: u64, mode: Mode) -> Vec<u64> {
            let against = |other: &&(u64, u64, Mode)| {
                other.1 == key && other.0 != owner && (mode == Mode::Exclusive || other.2 == mode.max(Mode::Exclusive))
            };
            list.iter().filter(against).map(|other| other.0).collect()
        }

        fn acquire(&mut self, policy: Policy, owner: u64, key: u64, mode: Mode) -> &'static str {
            if self.holds.iter().any(|held| held.0 == owner && held.1 == key && held.2 >= mode) {
                return "granted";
            }
            let mut ahead = Self::conflicts(&self.holds, owner, key, mode);
            ahead.extend(Self::conflicts(&self.waits, owner, key, mode));
            if ahead.is_empty() {
                self.holds.retain(|held| (held.0, held.1) != (owner, key));
                self.holds.push((owner, key, mode));
                "granted"
            } else if policy == Policy::WaitDie && ahead.iter().any(|other| *other < owner) {
                "dies"
            } else {
                self.waits.push((owner, key, mode));
                "waits"
            }
        }

        fn release(&mut self, owner: u64) {
            self.holds.retain(|held| held.0 != owner);
            self.waits.retain(|wait| wait.0 != owner);
            // Again and again: a transaction that waits, with none in its way any more, gets its lock.
            while let Some(place) = (0..self.waits.len()).find(|place| {
                let (owner, key, mode) = self.waits[*place];
                Self::conflicts(&self.holds, owner, key, mode).is_empty()
                    && Self::conflicts(&self.waits[..*place], owner, key, mode).is_empty()
            }) {
                let (owner, key, mode) = self.waits.remove(place);
                self.holds.retain(|held| (held.0, held.1) != (owner, key));
                self.holds.push((owner, key, mode));
            }
        }

        /// Who waits for whom, as the locks stand.
        fn edges(&self) -> Vec<(u64, u64)> {
            let mut edges = Vec::new();
            for (place, (owner, key, mode)) in self.waits.iter().enumerate() {
                for other in Self::conflicts(&self.holds, *owner, *key, *mode) {
                    edges.push((*owner, other));
                }
                for other in Self::conflicts(&self.waits[..place], *owner, *key, *mode) {
                    edges.push((*owner, other));
                }
            }
            edges
        }
    }

    fn mode() -> impl Strategy<Value = Mode> {
        prop_oneof![Just(Mode::Shared), Just(Mode::Exclusive)]
    }

    proptest! {
        /// Random requests and releases: the same answers as the twin, never two holders that exclude each other, and no cycle: under
        /// wait-die each waits for younger ones only, under wound-wait for older ones once the wounded are gone.
        #[test]
        fn locks_do_as_their_twin(
            wound in any::<bool>(),
            steps in proptest::collection::vec((1..9_u64, 0..4_u64, mode(), 0..4_u8), 1..80),
        ) {
            let policy = if wound { Policy::WoundWait } else { Policy::WaitDie };
            let (mut locks, mut twin) = (Locks::new(policy), Twin::default());
            for (owner, key, mode, what) in steps {
                let waiting = twin.waits.iter().any(|wait| wait.0 == owner);
                let mut gone = Vec::new();
                if what == 0 {
                    gone.push(owner);
                } else if !waiting {
                    let answer = locks.acquire(age(owner), key, mode);
                    let expected = twin.acquire(policy, owner, key, mode);
                    match answer {
                        Answer::Granted => prop_assert_eq!(expected, "granted"),
                        Answer::Dies => {
                            prop_assert_eq!(expected, "dies");
                            gone.push(owner);
                        }
                        Answer::Waits { wounds } => {
                            prop_assert_eq!(expected, "waits");
                            gone.extend(wounds.iter().map(|txn| txn.number));
                        }
                    }
                }
                for owner in gone {
                    locks.release(txn(owner));
                    twin.release(owner);
                }
                let mut held: Vec<_> = (1..9).flat_map(|owner| locks.held(txn(owner)).map(move |(key, mode)| (owner, key, mode))).collect();
                twin.holds.sort_unstable();
                held.sort_unstable();
                prop_assert_eq!(&held, &twin.holds);
                for one in &held {
                    for other in &held {
                        prop_assert!(one.0 == other.0 || one.1 != other.1 || one.2.goes_with(other.2));
                    }
                }
                for (waiter, other) in twin.edges() {
                    prop_assert!(if wound { other < waiter } else { waiter < other }, "{} waits for {}", waiter, other);
                }
            }
        }
    }
}
