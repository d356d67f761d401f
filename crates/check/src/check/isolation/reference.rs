//! The reference checker: tries every order, by the definition of each level. For histories of a handful of transactions.
//!
//! It shares no code with the checker. Serializability is a permutation that can be replayed. Snapshot isolation is an order of beginnings
//! and commits in which each transaction reads from the store as it was at its beginning, and commits only if none has written since to
//! what it writes. Read committed and parallel snapshot isolation are a version order for each key under which the cycles are absent that
//! the level forbids. Transactions of unknown outcome are tried as committed and as aborted.

use std::collections::{BTreeMap, BTreeSet};

use super::Level;
use crate::base::{Act, Committed, Seen, Transaction};
use crate::history::{History, Outcome};

/// The order in which values of keys were installed, where it is known.
pub type Orders = BTreeMap<u64, Vec<i64>>;

/// Whether the history keeps the level, with these orders if they are given. Of all levels but read uncommitted, for which there is no
/// definition that does not speak of what was observed.
///
/// Takes time that is exponential in the number of transactions.
pub fn keeps(level: Level, history: &History<Transaction, Committed>, orders: &Orders) -> bool {
    keeps_from(level, history, orders, &Orders::new())
}

/// The same where keys hold these at first.
pub fn keeps_from(level: Level, history: &History<Transaction, Committed>, orders: &Orders, first: &Orders) -> bool {
    let operations = history.operations();
    let unknown: Vec<usize> = (0..operations.len()).filter(|index| operations[*index].outcome == Outcome::Unknown).collect();
    (0..1_u32 << unknown.len()).any(|chosen| {
        let took_effect = |index: &usize| match operations[*index].outcome {
            Outcome::Done(_) => true,
            Outcome::Failed => false,
            Outcome::Unknown => unknown.iter().position(|other| other == index).is_some_and(|place| chosen >> place & 1 == 1),
        };
        let committed: Vec<usize> = (0..operations.len()).filter(took_effect).collect();
        let reference = Reference { level, history, orders, first, committed };
        match level {
            Level::ReadUncommitted | Level::ReadCommitted | Level::ParallelSnapshotIsolation => reference.some_version_order(),
            _ if level.implies(Level::Serializable) => reference.serial(&mut Vec::new(), &mut first.clone()),
            _ => reference.snapshots(&mut BTreeMap::new(), &mut BTreeSet::new(), &mut first.clone()),
        }
    })
}

/// For each key, the values installed: all of them for a list, of which a register holds the last.
type Store = BTreeMap<u64, Vec<i64>>;

struct Reference<'a> {
    level: Level,
    history: &'a History<Transaction, Committed>,
    orders: &'a Orders,
    first: &'a Orders,
    committed: Vec<usize>,
}

impl Reference<'_> {
    /// Whether one must come before the other at this level.
    fn precedes(&self, a: usize, b: usize) -> bool {
        let operations = self.history.operations();
        match self.level {
            Level::StrictSerializable | Level::StrongSnapshotIsolation => self.history.precedes(a, b),
            Level::StrongSessionSerializable | Level::StrongSessionSnapshotIsolation => {
                operations[a].client == operations[b].client && self.history.precedes(a, b)
            }
            _ => false,
        }
    }

    /// Runs a transaction on this store. What it installs, if it could have read what it did.
    fn run(&self, index: usize, store: &Store) -> Option<Store> {
        let operation = &self.history.operations()[index];
        let mut seen = operation.result().map(|committed| committed.seen.iter());
        let mut own: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        for act in &operation.op.acts {
            match act {
                Act::Read { key } => {
                    let Some(seen) = seen.as_mut().and_then(Iterator::next) else { continue };
                    let before = store.get(key).into_iter().flatten();
                    let values: Vec<i64> = before.chain(own.get(key).into_iter().flatten()).copied().collect();
                    let fits = match seen {
                        Seen::Empty => values.is_empty(),
                        Seen::Number(number) => values.last() == Some(number),
                        Seen::List(list) => *list == values,
                    };
                    if !fits {
                        return None;
                    }
                }
                Act::Append { key, value } => own.entry(*key).or_default().push(*value),
                Act::Write { key, value } => {
                    own.insert(*key, vec![*value]);
                }
                Act::Add { .. } => return None,
            }
        }
        Some(own)
    }

    /// Whether all that was installed fits the orders.
    fn fits(&self, store: &Store) -> bool {
        self.orders.iter().all(|(key, order)| store.get(key).map_or(order.is_empty(), |values| values.starts_with(order)))
    }

    fn serial(&self, done: &mut Vec<usize>, store: &mut Store) -> bool {
        if done.len() == self.committed.len() {
            return self.fits(store);
        }
        let left: Vec<usize> = self.committed.iter().copied().filter(|index| !done.contains(index)).collect();
        left.iter().any(|index| {
            if left.iter().any(|other| other != index && self.precedes(*other, *index)) {
                return false;
            }
            let Some(own) = self.run(*index, store) else { return false };
            let mut after = store.clone();
            own.into_iter().for_each(|(key, values)| after.entry(key).or_default().extend(values));
            done.push(*index);
            let found = self.serial(done, &mut after);
            done.pop();
            found
        })
    }

    /// Begins or commits one more. `open` has what each will install, and how many values each of its keys had when it began.
    fn snapshots(&self, open: &mut BTreeMap<usize, (Store, Store)>, done: &mut BTreeSet<usize>, store: &mut Store) -> bool {
        if done.len() == self.committed.len() {
            return self.fits(store);
        }
        let can_begin = |index: &&usize| {
            let before = |other: &usize| self.precedes(*other, **index) && !done.contains(other);
            !open.contains_key(index) && !done.contains(index) && !self.committed.iter().any(before)
        };
        // None need begin while another can commit: to begin later is to see more, which others may not want; so both are tried.
        let beginning: Vec<usize> = self.committed.iter().filter(can_begin).copied().collect();
        for index in beginning {
            if let Some(own) = self.run(index, store) {
                open.insert(index, (own, store.clone()));
                if self.snapshots(open, done, store) {
                    return true;
                }
                open.remove(&index);
            }
        }
        let committing: Vec<usize> = open.keys().copied().collect();
        for index in committing {
            let Some((own, snapshot)) = open.remove(&index) else { continue };
            if own.keys().all(|key| snapshot.get(key) == store.get(key)) {
                let mut after = store.clone();
                own.iter().for_each(|(key, values)| after.entry(*key).or_default().extend(values));
                done.insert(index);
                if self.snapshots(open, done, &mut after) {
                    return true;
                }
                done.remove(&index);
            }
            open.insert(index, (own, snapshot));
        }
        false
    }

    /// Whether there is an order of the versions of each key that explains all reads, and in which no cycle is forbidden.
    fn some_version_order(&self) -> bool {
        let mut writers: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for index in &self.committed {
            let acts = &self.history.operations()[*index].op.acts;
            let keys: BTreeSet<u64> = acts.iter().filter(|act| !act.is_read()).map(Act::key).collect();
            keys.into_iter().for_each(|key| writers.entry(key).or_default().push(*index));
        }
        let keys: Vec<u64> = writers.keys().copied().collect();
        self.order_keys(&keys, &mut writers)
    }

    /// Tries every order of the writers of these keys.
    fn order_keys(&self, keys: &[u64], writers: &mut BTreeMap<u64, Vec<usize>>) -> bool {
        let Some((key, rest)) = keys.split_first() else { return self.is_allowed(writers) };
        let mut orders = Vec::new();
        permutations(&mut Vec::new(), &writers[key], &mut orders);
        orders.into_iter().any(|order| {
            writers.insert(*key, order);
            self.order_keys(rest, writers)
        })
    }

    /// What a transaction installs in a key.
    fn installs(&self, index: usize, key: u64) -> Vec<i64> {
        let mut values = Vec::new();
        for act in &self.history.operations()[index].op.acts {
            match act {
                Act::Append { key: other, value } if *other == key => values.push(*value),
                Act::Write { key: other, value } if *other == key => values = vec![*value],
                _ => {}
            }
        }
        values
    }

    fn is_allowed(&self, writers: &BTreeMap<u64, Vec<usize>>) -> bool {
        let count = self.history.len();
        let (mut depends, misses) = (vec![vec![false; count]; count], vec![vec![false; count]; count]);
        let mut installed = Store::new();
        for (key, order) in writers {
            installed.insert(*key, order.iter().flat_map(|index| self.installs(*index, *key)).collect());
            for (place, writer) in order.iter().enumerate() {
                order[place + 1..].iter().for_each(|later| depends[*writer][*later] = true);
            }
        }
        if !self.fits(&installed) {
            return false;
        }
        let mut reads = Vec::new();
        for index in &self.committed {
            let Some(found) = self.versions_read(*index, writers) else { return false };
            reads.extend(found);
        }
        self.some_versions(&reads, writers, &depends, &misses)
    }

    /// What each read of a transaction may have seen of a key: so many versions, of which there are several if a value is there again. The
    /// reads of what it wrote itself are left out. Nothing if it cannot have read what it did.
    fn versions_read(&self, index: usize, writers: &BTreeMap<u64, Vec<usize>>) -> Option<Vec<(usize, u64, Vec<usize>)>> {
        let operation = &self.history.operations()[index];
        let mut seen = operation.result().map(|committed| committed.seen.iter());
        let mut own: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        let mut found = Vec::new();
        for act in &operation.op.acts {
            match act {
                Act::Append { key, value } => own.entry(*key).or_default().push(*value),
                Act::Write { key, value } => drop(own.insert(*key, vec![*value])),
                Act::Add { .. } => return None,
                Act::Read { key } => {
                    let Some(seen) = seen.as_mut().and_then(Iterator::next) else { continue };
                    let order = writers.get(key).map_or(&[][..], Vec::as_slice);
                    let mine = own.get(key);
                    // What so many writers installed, or its own in its place.
                    let fits = |length: &usize| {
                        let before = order[..*length].iter().flat_map(|writer| self.installs(*writer, *key));
                        let first = self.first.get(key).into_iter().flatten().copied();
                        let values: Vec<i64> = first.chain(before).chain(mine.into_iter().flatten().copied()).collect();
                        let in_place = match mine {
                            Some(_) => order.get(*length) == Some(&index),
                            None => !order[..*length].contains(&index),
                        };
                        in_place
                            && match seen {
                                Seen::Empty => values.is_empty(),
                                Seen::Number(number) => values.last() == Some(number),
                                Seen::List(list) => *list == values,
                            }
                    };
                    let versions: Vec<usize> = (0..=order.len()).filter(fits).collect();
                    if versions.is_empty() {
                        return None;
                    }
                    if mine.is_none() {
                        found.push((index, *key, versions));
                    }
                }
            }
        }
        Some(found)
    }

    /// Whether these reads can each have seen one of these versions.
    fn some_versions(
        &self,
        reads: &[(usize, u64, Vec<usize>)],
        writers: &BTreeMap<u64, Vec<usize>>,
        depends: &[Vec<bool>],
        misses: &[Vec<bool>],
    ) -> bool {
        let Some(((index, key, versions), rest)) = reads.split_first() else {
            let mut depends = depends.to_vec();
            close(&mut depends);
            let count = self.history.len();
            let circular = (0..count).any(|index| depends[index][index]);
            let missed = (0..count).any(|a| (0..count).any(|b| misses[a][b] && depends[b][a]));
            return !(circular || missed && self.level == Level::ParallelSnapshotIsolation);
        };
        let order = writers.get(key).map_or(&[][..], Vec::as_slice);
        versions.iter().any(|version| {
            let (mut depends, mut misses) = (depends.to_vec(), misses.to_vec());
            order[..*version].last().into_iter().for_each(|writer| depends[*writer][*index] = true);
            order[*version..].iter().filter(|later| *later != index).for_each(|later| misses[*index][*later] = true);
            self.some_versions(rest, writers, &depends, &misses)
        })
    }
}

fn permutations(chosen: &mut Vec<usize>, all: &[usize], found: &mut Vec<Vec<usize>>) {
    if chosen.len() == all.len() {
        found.push(chosen.clone());
    }
    for item in all {
        if !chosen.contains(item) {
            chosen.push(*item);
            permutations(chosen, all, found);
            chosen.pop();
        }
    }
}

/// The transitive closure (S. Warshall, 1962).
fn close(reaches: &mut [Vec<bool>]) {
    let count = reaches.len();
    for middle in 0..count {
        for from in 0..count {
            if reaches[from][middle] {
                let beyond = reaches[middle].clone();
                reaches[from].iter_mut().zip(beyond).for_each(|(reached, also)| *reached |= also);
            }
        }
    }
}
