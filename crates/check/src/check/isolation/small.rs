//! Histories of few transactions on keys of which versions cannot be told apart: decided by trying every order.
//!
//! Where dependencies of writes and reads form no cycle there is an order of all transactions that keeps to them, and the versions of each
//! key come in it. So transactions are put behind one another in every way, and each is looked at when its turn comes: what it read must
//! have been there, when it did or before, as the level says.

use std::collections::BTreeMap;

use super::model::is_same;
use super::transactions::{ObservedAct, Transactions};
use crate::base::Seen;
use crate::check::verdict::{Fate, Level};

/// How many transactions are few.
const FEW: usize = 8;

/// What keys hold.
type State = BTreeMap<u32, Seen>;

/// Which of the states before it a transaction may have read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The last.
    Last,
    /// One, since which nobody has written what it writes.
    Snapshot,
    /// For each read another; what came behind must not lead to it.
    Parallel,
    /// For each read another.
    Committed,
}

/// Transactions in an order, so far.
struct Row<'a> {
    transactions: &'a Transactions,
    reading: Reading,
    /// Which transactions must come before each, by their places among those that are tried.
    before: Vec<u32>,
    /// Those that are tried, and for each of them the keys that it writes.
    tried: Vec<(u32, Vec<u32>)>,
    /// Places among those that are tried.
    placed: Vec<usize>,
    /// What keys held before each that is placed, and after the last.
    states: Vec<State>,
    /// For each that is placed, those among the placed that lead to it by writes and reads.
    leading: Vec<u32>,
    steps: u64,
}

/// Whether a few transactions keep this level, and how many steps it took to find that out; nothing if they are too many, or if the order
/// of a key was given.
pub(super) fn keeps(transactions: &Transactions, level: Level) -> Option<(bool, u64)> {
    let entries = &transactions.entries;
    let counts: Vec<u32> = (0..entries.len() as u32).filter(|place| entries[*place as usize].fate != Fate::Aborted).collect();
    if counts.len() > FEW || transactions.keys.iter().any(|key| key.given) {
        return None;
    }
    let reading = match level {
        Level::StrictSerializable | Level::StrongSessionSerializable | Level::Serializable => Reading::Last,
        Level::StrongSnapshotIsolation | Level::StrongSessionSnapshotIsolation | Level::SnapshotIsolation => Reading::Snapshot,
        Level::ParallelSnapshotIsolation => Reading::Parallel,
        Level::ReadCommitted => Reading::Committed,
        // Whatever was read: writes can be put in some order.
        Level::ReadUncommitted => return Some((true, 0)),
    };
    let precedes = |one: u32, other: u32| {
        let (first, second) = (&entries[one as usize], &entries[other as usize]);
        let counts = first.fate == Fate::Committed;
        let in_session = counts && one < other && first.client == second.client;
        match level {
            Level::StrictSerializable | Level::StrongSnapshotIsolation => in_session || counts && first.ended < second.began,
            Level::StrongSessionSerializable | Level::StrongSessionSnapshotIsolation => in_session,
            _ => false,
        }
    };
    let before = |other: &u32| (0..).zip(&counts).map(|(place, one)| u32::from(precedes(*one, *other)) << place).sum::<u32>();
    let writes = |transaction: u32| -> Vec<u32> {
        let acts = transactions.acts_of(transaction).iter();
        acts.filter(|act| !is_read(**act)).map(|act| act.key()).collect()
    };
    let first = (0..).zip(&transactions.keys).filter_map(|(place, key)| Some((place, Seen::Number(key.initial?)))).collect();
    let mut row = Row {
        transactions,
        reading,
        before: counts.iter().map(before).collect(),
        tried: counts.iter().map(|place| (*place, writes(*place))).collect(),
        placed: Vec::new(),
        states: vec![first],
        leading: Vec::new(),
        steps: 0,
    };
    let kept = row.can_go_on();
    Some((kept, row.steps))
}

impl Row<'_> {
    fn fate(&self, place: usize) -> Fate {
        self.transactions.entries[self.tried[place].0 as usize].fate
    }

    /// Whether those that are left can be put behind those that are placed. One of unknown outcome need not have taken effect.
    fn can_go_on(&mut self) -> bool {
        let left: Vec<usize> = (0..self.tried.len()).filter(|place| !self.placed.contains(place)).collect();
        if left.iter().all(|place| self.fate(*place) != Fate::Committed) {
            return true;
        }
        left.into_iter().any(|place| {
            self.steps += 1;
            let Some((after, leading)) = self.follows(place) else { return false };
            self.placed.push(place);
            self.states.push(after);
            self.leading.push(leading);
            let found = self.can_go_on();
            self.placed.pop();
            self.states.pop();
            self.leading.pop();
            found
        })
    }

    /// What keys hold after this one, and what leads to it, if it can come next.
    fn follows(&self, place: usize) -> Option<(State, u32)> {
        let (transaction, writes) = &self.tried[place];
        let mut after = self.states[self.placed.len()].clone();
        // What it read before it wrote the key itself.
        let mut reads: Vec<ObservedAct> = Vec::new();
        for (number, act) in self.transactions.acts_of(*transaction).iter().enumerate() {
            let is_own = self.transactions.acts_of(*transaction)[..number].iter().any(|own| own.key() == act.key() && !is_read(*own));
            match (is_read(*act), is_own) {
                (false, _) => change(&mut after, *act)?,
                (true, true) if !self.fits(*act, &after) => return None,
                (true, true) => {}
                (true, false) => reads.push(*act),
            }
        }
        let placed = self.placed.iter().map(|placed| 1 << placed).sum::<u32>();
        let last = self.placed.len();
        let is_before = |length: usize| self.before[place] & !self.placed[..length].iter().map(|placed| 1 << placed).sum::<u32>() == 0;
        let fit = |length: usize| reads.iter().all(|read| self.fits(*read, &self.states[length]));
        let leading = match self.reading {
            Reading::Last => (is_before(last) && fit(last)).then_some(placed),
            Reading::Snapshot => {
                let is_free =
                    |length: usize| self.placed[length..].iter().all(|other| self.tried[*other].1.iter().all(|key| !writes.contains(key)));
                (0..=last).any(|length| is_before(length) && is_free(length) && fit(length)).then_some(placed)
            }
            Reading::Committed => {
                reads.iter().all(|read| (0..=last).any(|length| self.fits(*read, &self.states[length]))).then_some(placed)
            }
            Reading::Parallel => {
                let written = writes.iter().fold(0, |led, key| led | self.leads(*key, last));
                self.parallel(&reads, written, &mut Vec::new())
            }
        };
        leading.map(|leading| (after, leading))
    }

    /// All that leads to who reads the versions of a key that there are among the first so many, and those themselves.
    fn leads(&self, key: u32, length: usize) -> u32 {
        let writers = (0..length).filter(|place| self.tried[self.placed[*place]].1.contains(&key));
        writers.fold(0, |led, place| led | self.leading[place] | 1 << self.placed[place])
    }

    /// What leads to a transaction that sees some versions, if none that it misses does: of these reads, and of others by so many.
    fn parallel(&self, reads: &[ObservedAct], led: u32, seen: &mut Vec<(u32, usize)>) -> Option<u32> {
        let Some((read, rest)) = reads.split_first() else {
            let last = self.placed.len();
            let missed = |(key, length): &(u32, usize)| {
                self.placed[*length..last]
                    .iter()
                    .filter(|place| self.tried[**place].1.contains(key))
                    .fold(0, |missed, place| missed | 1 << place)
            };
            return seen.iter().all(|read| missed(read) & led == 0).then_some(led);
        };
        let key = read.key();
        // Of one version, the last state that has it misses least.
        (0..=self.placed.len()).rev().filter(|length| self.fits(*read, &self.states[*length])).find_map(|length| {
            let is_unread = matches!(read, ObservedAct::Unseen { .. });
            seen.push((key, if is_unread { self.placed.len() } else { length }));
            let led = if is_unread { led } else { led | self.leads(key, length) };
            let found = self.parallel(rest, led, seen);
            seen.pop();
            found
        })
    }

    /// Whether this can have been read of such keys.
    fn fits(&self, read: ObservedAct, state: &State) -> bool {
        let held = state.get(&read.key()).unwrap_or(&Seen::Empty);
        match read {
            ObservedAct::Unseen { .. } => true,
            ObservedAct::Empty { .. } => is_same(&Seen::Empty, held),
            ObservedAct::Number { value, .. } => is_same(&Seen::Number(value), held),
            list => self.transactions.list_of(list).is_some_and(|list| is_same(&Seen::List(list.to_vec()), held)),
        }
    }
}

const fn is_read(act: ObservedAct) -> bool {
    !matches!(act, ObservedAct::Write { .. } | ObservedAct::Append { .. } | ObservedAct::Add { .. })
}

/// What becomes of a key; nothing if that cannot be.
fn change(state: &mut State, act: ObservedAct) -> Option<()> {
    let held = state.entry(act.key()).or_insert(Seen::Empty);
    match (act, &mut *held) {
        (ObservedAct::Append { value, .. }, Seen::List(list)) => list.push(value),
        (ObservedAct::Append { value, .. }, _) => *held = Seen::List(vec![value]),
        (ObservedAct::Write { value, .. }, _) => *held = Seen::Number(value),
        (ObservedAct::Add { amount, .. }, Seen::Number(number)) => *number = number.checked_add(amount).filter(|after| *after >= 0)?,
        (ObservedAct::Add { amount, .. }, _) => *held = Seen::Number(Some(amount).filter(|after| *after >= 0)?),
        _ => {}
    }
    Some(())
}
