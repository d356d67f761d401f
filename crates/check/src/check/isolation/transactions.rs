//! The checker's own form of a history: flat arrays, keys by number, and each list that was read stored once.

use rustc_hash::FxHashMap;

use crate::base::{Act, ClientId, Committed, Seen, Time, Transaction};
use crate::check::verdict::Fate;
use crate::history::formats::ClientNames;
use crate::history::{History, Outcome};

/// Transactions as clients saw them, in little memory.
///
/// Transactions are added in the order in which they began, each with [`begin`](Self::begin) and then what it did. All that speaks of a
/// transaction by number means its place in this order; people read of it as `T1` and so on, counted from one. Adding allocates nothing but
/// the growth of a few arrays.
///
/// **Lists are shared.** A store that keeps its promises shows prefixes of one list for each key. So the longest list read of a key is
/// kept, and a read that saw a prefix of it is kept as a length. What fits in no such way is kept apart.
///
/// ```
/// use stormglass_check::base::{ClientId, Seen, Time};
/// use stormglass_check::check::isolation::{Fate, Level, Transactions, check};
///
/// let mut transactions = Transactions::new();
/// for (client, value) in [(0, 1), (1, 2)] {
///     transactions.begin(ClientId::new(client), Time::ZERO, Some(Time::from_nanos(9)), Fate::Committed);
///     transactions.read(7, Some(&Seen::Empty));
///     transactions.append(7, value);
/// }
/// let report = check(&transactions, 1_000);
/// assert_eq!(report.strongest(), [Level::ReadCommitted]);
/// assert_eq!(report.findings[0].anomaly.name(), "lost-update");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transactions {
    pub(super) entries: Vec<Entry>,
    pub(super) acts: Vec<ObservedAct>,
    pub(super) keys: Vec<Key>,
    numbers: FxHashMap<u64, u32>,
    /// Lists that are no prefix of their key's longest.
    odd: Vec<i64>,
    odd_ends: Vec<u32>,
    pub(in crate::check) labels: Labels,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) client: ClientId,
    pub(super) began: Time,
    /// [`Time::MAX`] if it never ended.
    pub(super) ended: Time,
    pub(super) fate: Fate,
    /// Where its acts end; they begin where those of the one before end.
    pub(super) acts_end: u32,
}

/// One act, and what it saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObservedAct {
    /// A read of which it is not known what it saw.
    Unseen {
        key: u32,
    },
    /// A read that saw nothing at all.
    Empty {
        key: u32,
    },
    /// A read that saw a number.
    Number {
        key: u32,
        value: i64,
    },
    /// A read that saw so much of the key's longest list.
    Prefix {
        key: u32,
        length: u32,
    },
    /// A read that saw the list with this number among the odd ones.
    Odd {
        key: u32,
        list: u32,
    },
    Append {
        key: u32,
        value: i64,
    },
    Write {
        key: u32,
        value: i64,
    },
    Add {
        key: u32,
        amount: i64,
    },
}

impl ObservedAct {
    pub(super) const fn key(self) -> u32 {
        match self {
            Self::Unseen { key }
            | Self::Empty { key }
            | Self::Number { key, .. }
            | Self::Prefix { key, .. }
            | Self::Odd { key, .. }
            | Self::Append { key, .. }
            | Self::Write { key, .. }
            | Self::Add { key, .. } => key,
        }
    }

    /// What it writes, if it does.
    pub(super) const fn written(self) -> Option<i64> {
        match self {
            Self::Append { value, .. } | Self::Write { value, .. } => Some(value),
            _ => None,
        }
    }
}

/// All that is known of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Key {
    pub(super) number: u64,
    /// The longest list that was read; where the order of a register's values was given, these.
    pub(super) longest: Vec<i64>,
    pub(super) use_: Use,
    /// Whether the order of its versions was given from outside.
    pub(super) given: bool,
    /// Whether a list was read that does not fit the others.
    pub(super) odd: bool,
    /// What it holds at first, if that is a value.
    pub(super) initial: Option<i64>,
    /// An order that was given and does not fit what was read.
    pub(super) contradicted: Option<Box<[i64]>>,
}

/// What a key was used as.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Use {
    pub(super) appended: bool,
    pub(super) written: bool,
    pub(super) added: bool,
    pub(super) listed: bool,
    pub(super) numbered: bool,
}

/// What keys and values are called, where they are no numbers, and clients: in the file that the transactions were read from.
#[derive(Clone, Debug, Default)]
pub(in crate::check) struct Labels {
    /// By key.
    pub(in crate::check) keys: FxHashMap<u64, Box<str>>,
    /// By value.
    pub(in crate::check) values: FxHashMap<i64, Box<str>>,
    /// What clients are called in their file.
    pub(in crate::check) clients: Option<ClientNames>,
    /// Of a file without times: the lines on which each transaction begins and ends.
    pub(in crate::check) lines: Option<Vec<(u64, Option<u64>)>>,
}

impl Transactions {
    /// No transactions yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the next one, which began and ended at these times, and became this. Transactions are concurrent if one ends in the instant
    /// in which the other begins.
    pub fn begin(&mut self, client: ClientId, began: Time, ended: Option<Time>, fate: Fate) {
        let acts_end = self.acts.len() as u32;
        self.entries.push(Entry { client, began, ended: ended.unwrap_or(Time::MAX), fate, acts_end });
    }

    /// One more act of the transaction that was begun last. There must be one.
    fn push(&mut self, act: ObservedAct) {
        if let Some(entry) = self.entries.last_mut() {
            self.acts.push(act);
            entry.acts_end = self.acts.len() as u32;
        }
    }

    /// It read this key, and saw this, if that is known. What a transaction saw that did not commit counts for nothing.
    pub fn read(&mut self, key: u64, seen: Option<&Seen>) {
        let key = self.key(key);
        let seen = seen.filter(|_| self.entries.last().is_some_and(|entry| entry.fate == Fate::Committed));
        match seen {
            None => self.push(ObservedAct::Unseen { key }),
            Some(Seen::Empty) => self.push(ObservedAct::Empty { key }),
            Some(Seen::Number(value)) => {
                self.keys[key as usize].use_.numbered = true;
                self.push(ObservedAct::Number { key, value: *value });
            }
            Some(Seen::List(list)) => self.read_list(key, list),
        }
    }

    fn read_list(&mut self, key: u32, list: &[i64]) {
        let known = &mut self.keys[key as usize];
        known.use_.listed = true;
        let common = known.longest.len().min(list.len());
        let act = if known.longest[..common] == list[..common] {
            known.longest.extend_from_slice(&list[common..]);
            ObservedAct::Prefix { key, length: list.len() as u32 }
        } else {
            known.odd = true;
            self.odd.extend_from_slice(list);
            self.odd_ends.push(self.odd.len() as u32);
            ObservedAct::Odd { key, list: self.odd_ends.len() as u32 - 1 }
        };
        self.push(act);
    }

    /// It appended this to the list of this key.
    pub fn append(&mut self, key: u64, value: i64) {
        let key = self.key(key);
        self.keys[key as usize].use_.appended = true;
        self.push(ObservedAct::Append { key, value });
    }

    /// It wrote this to this key, over whatever there was.
    pub fn write(&mut self, key: u64, value: i64) {
        let key = self.key(key);
        self.keys[key as usize].use_.written = true;
        self.push(ObservedAct::Write { key, value });
    }

    /// It changed the number of this key by so much. Keys that are added to are not judged: many ways lead to one sum.
    pub fn add(&mut self, key: u64, amount: i64) {
        let key = self.key(key);
        self.keys[key as usize].use_.added = true;
        self.push(ObservedAct::Add { key, amount });
    }

    /// This key holds this value at first; else it holds nothing. Whether a read saw that, or what a transaction wrote, is searched for.
    /// A read that saw nothing saw what was there at first.
    pub fn initially(&mut self, key: u64, value: i64) {
        let key = self.key(key) as usize;
        self.keys[key].initial = Some(value);
    }

    /// The run itself knows in which order the values of this key were installed, the oldest first. All its transactions must have been
    /// added. With the order of every key, verdicts are complete.
    ///
    /// For a list: the list as it is in the end. For a register: the last value that each transaction wrote. A transaction of unknown fate
    /// whose value is among these did commit.
    pub fn order(&mut self, key: u64, values: &[i64]) {
        let key = self.key(key) as usize;
        let known = &mut self.keys[key];
        known.given = true;
        if known.use_.listed {
            let common = known.longest.len().min(values.len());
            if known.longest[..common] != values[..common] || values.len() < known.longest.len() {
                // What was read and what was given contradict each other: both are kept, and it is told.
                known.odd = true;
                known.contradicted = Some(values.into());
                return;
            }
        }
        values.clone_into(&mut known.longest);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn key(&mut self, number: u64) -> u32 {
        let next = self.keys.len() as u32;
        let key = *self.numbers.entry(number).or_insert(next);
        if key == next {
            self.keys.push(Key { number, ..Key::default() });
        }
        key
    }

    pub(super) fn acts_of(&self, transaction: u32) -> &[ObservedAct] {
        let place = transaction as usize;
        let start = if place == 0 { 0 } else { self.entries[place - 1].acts_end as usize };
        &self.acts[start..self.entries[place].acts_end as usize]
    }

    pub(super) fn odd_list(&self, list: u32) -> &[i64] {
        let place = list as usize;
        let start = if place == 0 { 0 } else { self.odd_ends[place - 1] as usize };
        &self.odd[start..self.odd_ends[place] as usize]
    }

    /// The list that a read saw, if it saw one.
    pub(super) fn list_of(&self, act: ObservedAct) -> Option<&[i64]> {
        match act {
            ObservedAct::Prefix { key, length } => Some(&self.keys[key as usize].longest[..length as usize]),
            ObservedAct::Odd { list, .. } => Some(self.odd_list(list)),
            _ => None,
        }
    }

    /// What people call a key.
    pub(super) fn key_name(&self, key: u32) -> String {
        let number = self.keys[key as usize].number;
        self.labels.keys.get(&number).map_or_else(|| format!("k{number}"), |label| label.to_string())
    }

    /// What people call a client.
    pub(super) fn client_name(&self, client: ClientId) -> String {
        self.labels.clients.as_ref().map_or_else(|| client.to_string(), |names| names.of(client))
    }

    /// What people call a value.
    pub(super) fn value_name(&self, value: i64) -> String {
        self.labels.values.get(&value).map_or_else(|| value.to_string(), |label| label.to_string())
    }
}

impl From<&History<Transaction, Committed>> for Transactions {
    fn from(history: &History<Transaction, Committed>) -> Self {
        let mut transactions = Self::new();
        for operation in history.operations() {
            let fate = match operation.outcome {
                Outcome::Done(_) => Fate::Committed,
                Outcome::Failed => Fate::Aborted,
                Outcome::Unknown => Fate::Unknown,
            };
            transactions.begin(operation.client, operation.invoked, operation.completed, fate);
            let mut seen = operation.result().map(|committed| committed.seen.iter());
            for act in &operation.op.acts {
                match act {
                    Act::Read { key } => transactions.read(*key, seen.as_mut().and_then(Iterator::next)),
                    Act::Write { key, value } => transactions.write(*key, *value),
                    Act::Append { key, value } => transactions.append(*key, *value),
                    Act::Add { key, amount } => transactions.add(*key, *amount),
                }
            }
        }
        transactions
    }
}
