//! The resource manager of one server: it locks, carries acts out, keeps what they change to itself, and makes it visible or forgets it.
//!
//! It knows nothing of messages or disks: a commit protocol tells it what to do, writes down what [`Manager::prepare`] returns, and
//! passes on what [`Happening`]s say.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::locks::{Answer, Locks, Mode, Policy};
use super::store::{self, Store, Workspace, Writes};
use super::{Age, Decision, HeldLock, TxnId};
use crate::base::{Act, Seen, SortedMap};

/// A server's values and the transactions under way on them.
#[derive(Clone, Debug)]
pub struct Manager {
    store: Store,
    locks: Locks,
    branches: SortedMap<TxnId, Branch>,
}

/// What a server does for one transaction.
#[derive(Clone, Debug)]
struct Branch {
    age: Age,
    acts: Vec<Act>,
    /// Locks that it needs yet; if any, it waits for the first.
    needs: VecDeque<(u64, Mode)>,
    /// What it has done, once it has all its locks.
    done: Option<Workspace>,
    prepared: bool,
}

/// What a server must remember of a transaction that it has voted yes for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// How old it is.
    pub age: Age,
    /// What it changes: the redo information.
    pub writes: Writes,
    /// What it has locked.
    pub locks: Vec<(u64, Mode)>,
}

/// Something that came to pass, of one's own doing or because another transaction gave way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A transaction got a lock.
    Locked(TxnId, HeldLock),
    /// A transaction waits for a lock.
    Waits(TxnId),
    /// A transaction has all its locks and has carried out its acts.
    Executed(TxnId),
    /// A transaction cannot go on: it has aborted, and its locks are released.
    Refused(TxnId, Refusal),
    /// All locks of a transaction are released, or all its shared ones.
    Released {
        /// Which.
        txn: TxnId,
        /// Whether only the shared ones are.
        shared_only: bool,
    },
}

/// Why a transaction cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It gives way to another.
    GaveWay,
    /// A number would have fallen below zero.
    Overdrawn,
}

impl Manager {
    /// Without values and transactions.
    pub fn new(policy: Policy) -> Self {
        Self { store: Store::default(), locks: Locks::new(policy), branches: SortedMap::new() }
    }

    /// Begins to carry out acts: locks what they need, key by key, and executes them once all is locked.
    ///
    /// # Panics
    /// If this transaction is under way here.
    pub fn begin(&mut self, age: Age, acts: Vec<Act>) -> Vec<Happening> {
        assert!(!self.branches.contains_key(&age.txn), "a transaction begins once");
        let needs = store::locks_of(&acts).into_iter().collect();
        self.branches.insert(age.txn, Branch { age, acts, needs, done: None, prepared: false });
        let mut news = Vec::new();
        self.advance(age.txn, &mut news);
        news
    }

    /// Whether this transaction is under way here.
    pub fn knows(&self, txn: TxnId) -> bool {
        self.branches.contains_key(&txn)
    }

    /// What a transaction has done, once it has executed.
    pub fn work(&self, txn: TxnId) -> Option<&Workspace> {
        self.branches.get(&txn)?.done.as_ref()
    }

    /// What a transaction that has executed saw.
    pub fn seen(&self, txn: TxnId) -> Option<&[Seen]> {
        Some(&self.work(txn)?.seen)
    }

    /// From now on the transaction aborts only when told to. Returns what must be written down before the vote is told; nothing if it
    /// has not executed.
    pub fn prepare(&mut self, txn: TxnId) -> Option<Prepared> {
        let branch = self.branches.get_mut(&txn)?;
        let writes = branch.done.as_ref()?.writes.clone();
        branch.prepared = true;
        Some(Prepared { age: branch.age, writes, locks: self.locks.held(txn).collect() })
    }

    /// Takes up a transaction that was prepared before a crash, with its locks.
    pub fn restore(&mut self, prepared: &Prepared) {
        for (key, mode) in &prepared.locks {
            self.locks.restore(prepared.age, *key, *mode);
        }
        let done = Some(Workspace { seen: Vec::new(), writes: prepared.writes.clone() });
        let branch = Branch { age: prepared.age, acts: Vec::new(), needs: VecDeque::new(), done, prepared: true };
        self.branches.insert(prepared.age.txn, branch);
    }

    /// Ends a transaction: makes its changes visible or forgets them, and releases its locks.
    pub fn end(&mut self, txn: TxnId, decision: Decision) -> Vec<Happening> {
        let mut news = Vec::new();
        let Some(branch) = self.branches.remove(&txn) else { return news };
        if let (Decision::Commit, Some(work)) = (decision, &branch.done) {
            self.store.apply(&work.writes);
        }
        self.release(txn, &mut news);
        news
    }

    /// Releases the shared locks of a transaction that has executed. Two-phase locking allows that once it needs no further lock anywhere.
    pub fn release_shared(&mut self, txn: TxnId) -> Vec<Happening> {
        let mut news = vec![Happening::Released { txn, shared_only: true }];
        let granted = self.locks.release_shared(txn);
        self.granted(granted, &mut news);
        news
    }

    /// Changes values outside of any transaction, as a server does that reads its disk.
    pub fn replay(&mut self, writes: &Writes) {
        self.store.apply(writes);
    }

    /// The locks that a transaction holds.
    pub fn held(&self, txn: TxnId) -> Vec<HeldLock> {
        self.locks.held(txn).map(|(key, mode)| HeldLock { key, mode }).collect()
    }

    /// The values.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How many transactions are under way here.
    pub fn under_way(&self) -> usize {
        self.branches.len()
    }

    /// How many keys are locked.
    pub fn locked(&self) -> usize {
        self.locks.locked()
    }

    /// Takes the locks that a transaction needs yet, as far as they can be had; executes it if it has all.
    fn advance(&mut self, txn: TxnId, news: &mut Vec<Happening>) {
        while let Some(branch) = self.branches.get(&txn)
            && let Some((key, mode)) = branch.needs.front().copied()
        {
            match self.locks.acquire(branch.age, key, mode) {
                Answer::Granted => self.got(txn, key, mode, news),
                Answer::Dies => return self.refuse(txn, Refusal::GaveWay, news),
                Answer::Waits { wounds } => {
                    news.push(Happening::Waits(txn));
                    for wounded in wounds {
                        if self.branches.get(&wounded).is_some_and(|branch| !branch.prepared) {
                            self.refuse(wounded, Refusal::GaveWay, news);
                        }
                    }
                    return;
                }
            }
        }
        self.execute(txn, news);
    }

    fn got(&mut self, txn: TxnId, key: u64, mode: Mode, news: &mut Vec<Happening>) {
        if let Some(branch) = self.branches.get_mut(&txn) {
            branch.needs.pop_front();
            news.push(Happening::Locked(txn, HeldLock { key, mode }));
        }
    }

    fn execute(&mut self, txn: TxnId, news: &mut Vec<Happening>) {
        let Some(branch) = self.branches.get_mut(&txn) else { return };
        if branch.done.is_some() {
            return;
        }
        match self.store.execute(&branch.acts) {
            Ok(work) => {
                branch.done = Some(work);
                news.push(Happening::Executed(txn));
            }
            Err(_) => self.refuse(txn, Refusal::Overdrawn, news),
        }
    }

    fn refuse(&mut self, txn: TxnId, why: Refusal, news: &mut Vec<Happening>) {
        if self.branches.remove(&txn).is_some() {
            news.push(Happening::Refused(txn, why));
            self.release(txn, news);
        }
    }

    fn release(&mut self, txn: TxnId, news: &mut Vec<Happening>) {
        news.push(Happening::Released { txn, shared_only: false });
        let granted = self.locks.release(txn);
        self.granted(granted, news);
    }

    /// Others got locks that were given up: they go on. All are noted first, for going on may take locks away again.
    fn granted(&mut self, granted: Vec<(TxnId, u64, Mode)>, news: &mut Vec<Happening>) {
        for (txn, key, mode) in &granted {
            self.got(*txn, *key, *mode, news);
        }
        for (txn, ..) in granted {
            self.advance(txn, news);
        }
    }
}

#[cfg(test)]
mod tests {
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

    fn add(key: u64, amount: i64) -> Act {
        Act::Add { key, amount }
    }

    fn executed(news: &[Happening], number: u64) -> bool {
        news.contains(&Happening::Executed(txn(number)))
    }

    #[test]
    fn the_older_waits_and_goes_on() {
        let mut manager = Manager::new(Policy::WaitDie);
        assert!(executed(&manager.begin(age(2), vec![add(1, 5)]), 2));
        assert_eq!(manager.begin(age(1), vec![Act::Read { key: 1 }]), [Happening::Waits(txn(1))]);
        let news = manager.begin(age(3), vec![add(1, 1)]);
        assert_eq!(news[0], Happening::Refused(txn(3), Refusal::GaveWay));
        assert!(manager.prepare(txn(2)).is_some());
        assert!(executed(&manager.end(txn(2), Decision::Commit), 1));
        assert_eq!(manager.seen(txn(1)), Some(&[Seen::Number(5)][..]));
    }

    #[test]
    fn the_older_wounds_whoever_has_not_voted() {
        let mut manager = Manager::new(Policy::WoundWait);
        manager.begin(age(3), vec![add(1, 5)]);
        let news = manager.begin(age(2), vec![add(1, 7)]);
        assert!(news.contains(&Happening::Refused(txn(3), Refusal::GaveWay)));
        assert!(executed(&news, 2));
        assert!(manager.prepare(txn(2)).is_some());
        assert_eq!(manager.begin(age(1), vec![add(1, 9)]), [Happening::Waits(txn(1))], "who has voted yes is waited for");
        assert!(executed(&manager.end(txn(2), Decision::Abort), 1));
        manager.end(txn(1), Decision::Commit);
        assert_eq!(manager.store().get(1), Some(&store::Value::Number(9)));
    }

    #[test]
    fn what_was_prepared_comes_back_with_its_locks() {
        let mut manager = Manager::new(Policy::WoundWait);
        manager.begin(age(2), vec![add(1, 5), Act::Read { key: 2 }]);
        let prepared = manager.prepare(txn(2)).expect("it has executed");
        let mut manager = Manager::new(Policy::WoundWait);
        manager.restore(&prepared);
        assert_eq!(manager.held(txn(2)).len(), 2);
        assert_eq!(manager.begin(age(1), vec![add(2, 1)]), [Happening::Waits(txn(1))]);
        assert!(executed(&manager.end(txn(2), Decision::Commit), 1));
        assert_eq!(manager.store().get(1), Some(&store::Value::Number(5)));
    }

    #[test]
    fn an_overdrawn_account_aborts() {
        let mut manager = Manager::new(Policy::WaitDie);
        let news = manager.begin(age(1), vec![add(1, -1)]);
        assert!(news.contains(&Happening::Refused(txn(1), Refusal::Overdrawn)));
        assert!(!manager.knows(txn(1)));
        assert_eq!(manager.locked(), 0);
    }
}
