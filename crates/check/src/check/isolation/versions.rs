//! Which versions each key had, in which order, who wrote and who read them: the dependencies of data, and what is wrong without any cycle.

use std::ops::Range;

use super::assumptions::{Choice, INITIAL, Unordered};
use super::evidence::Evidence;
use super::findings::Findings;
use super::graph::{Dependency, Edge, Why};
use super::transactions::{Key, ObservedAct, Transactions};
use crate::base::Time;
use crate::check::verdict::{Anomaly, Fate, LeftOut, Phenomenon};

/// No write, no position.
const NONE: u32 = u32::MAX;

/// What is known of the versions of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// Their order, but for those that were not read.
    List,
    /// Their order was given.
    Ordered,
    /// Only what was read before it was written over.
    Register,
    /// As a register, but it had some value more than once, and so it is not always known whose a reader saw.
    Ambiguous,
    /// The reads of it contradict each other.
    Broken,
    LeftOut(LeftOut),
}

/// One append or write.
#[derive(Clone, Copy, Debug)]
struct Write {
    value: i64,
    transaction: u32,
    act: u32,
    /// Where it stands in the order of its key.
    position: u32,
    /// Whether its transaction writes no more to this key.
    last: bool,
}

/// What follows from what was read and written.
#[derive(Debug)]
pub(super) struct Versions {
    pub(super) edges: Vec<Edge>,
    /// How many nodes the edges speak of: transactions, and then some that stand between many and many.
    pub(super) nodes: u32,
    /// Which transactions did commit.
    pub(super) committed: Vec<bool>,
    pub(super) findings: Findings,
    pub(super) left_out: Vec<(u32, LeftOut)>,
    /// The registers, and the last elements of lists, of which the order is not known.
    pub(super) unordered: Vec<Unordered>,
    /// Who wrote over what the other had read before it wrote, too.
    pub(super) lost: Vec<(u32, u32)>,
}

/// A read of one version, by a transaction that may have written the key thereafter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reader {
    key: u32,
    /// The write that made the version; [`NONE`] for what was there at first.
    version: u32,
    transaction: u32,
    /// Whether it then wrote the key.
    overwrites: bool,
}

/// One version of a register: who wrote and read it, and when it must have been there.
#[derive(Clone, Copy, Debug)]
struct Zone {
    /// When one of them ended first.
    first_end: Time,
    /// When one of them began last.
    last_begin: Time,
    writer: u32,
    /// Where among those of the key.
    readers: (usize, usize),
}

/// Infers all that can be.
pub(super) fn infer(transactions: &Transactions) -> Versions {
    let mut inference = Inference::new(transactions);
    inference.place_lists();
    inference.mark_committed();
    inference.orders();
    for transaction in 0..transactions.len() as u32 {
        if transactions.entries[transaction as usize].fate == Fate::Committed {
            inference.reads(transaction);
        }
        inference.own_order(transaction);
    }
    inference.overwritten();
    inference.finish()
}

/// All writes, by key and in the order of the acts, and where those of each key begin.
fn writes_by_key(transactions: &Transactions) -> (Vec<Write>, Vec<u32>) {
    let keys = transactions.keys.len();
    let mut starts = vec![0; keys + 1];
    for act in &transactions.acts {
        if act.written().is_some() {
            starts[act.key() as usize + 1] += 1;
        }
    }
    for key in 0..keys {
        starts[key + 1] += starts[key];
    }
    let absent = Write { value: 0, transaction: 0, act: 0, position: NONE, last: true };
    let mut writes = vec![absent; starts[keys] as usize];
    let mut next = starts.clone();
    let mut start = 0;
    for (place, entry) in transactions.entries.iter().enumerate() {
        let acts = &transactions.acts[start..entry.acts_end as usize];
        for (offset, act) in acts.iter().enumerate() {
            let Some(value) = act.written() else { continue };
            let key = act.key();
            let last = !acts[offset + 1..].iter().any(|later| later.key() == key && later.written().is_some());
            let free = &mut next[key as usize];
            let act = (start + offset) as u32;
            writes[*free as usize] = Write { value, transaction: place as u32, act, position: NONE, last };
            *free += 1;
        }
        start = entry.acts_end as usize;
    }
    (writes, starts)
}

impl Status {
    /// Of a key with these writes, in the order of their values.
    fn of(key: &Key, writes: &[Write]) -> Self {
        let use_ = key.use_;
        let is_register = use_.written || use_.numbered;
        let is_repeated = || {
            let written = writes.windows(2).any(|pair| pair[0].value == pair[1].value);
            written || key.initial.is_some_and(|initial| writes.binary_search_by_key(&initial, |write| write.value).is_ok())
        };
        if use_.added {
            Self::LeftOut(LeftOut::Added)
        } else if (use_.appended || use_.listed) && is_register {
            Self::LeftOut(LeftOut::Mixed)
        } else {
            match (is_register, key.given, is_repeated()) {
                (false, _, true) | (true, true, true) => Self::LeftOut(LeftOut::Repeated),
                (false, _, false) => Self::List,
                (true, true, false) => Self::Ordered,
                (true, false, false) => Self::Register,
                (true, false, true) => Self::Ambiguous,
            }
        }
    }
}

struct Inference<'a> {
    transactions: &'a Transactions,
    evidence: Evidence<'a>,
    /// By key, and by value within.
    writes: Vec<Write>,
    write_starts: Vec<u32>,
    /// For each act, its write.
    write_of: Vec<u32>,
    status: Vec<Status>,
    /// For each position in the order of each key that has one, its write; [`NONE`] if that did not commit.
    order: Vec<u32>,
    order_starts: Vec<u32>,
    readers: Vec<Reader>,
    /// Reads of which it is not known who wrote what they saw, each with its key.
    choices: Vec<(u32, Choice)>,
    made: Versions,
}

impl<'a> Inference<'a> {
    fn new(transactions: &'a Transactions) -> Self {
        let (mut writes, starts) = writes_by_key(transactions);
        let mut left_out = Vec::new();
        let mut status = Vec::with_capacity(transactions.keys.len());
        for (place, key) in transactions.keys.iter().enumerate() {
            let writes = &mut writes[starts[place] as usize..starts[place + 1] as usize];
            if !writes.is_sorted_by_key(|write| write.value) {
                writes.sort_unstable_by_key(|write| (write.value, write.act));
            }
            let found = Status::of(key, writes);
            if let Status::LeftOut(why) = found {
                left_out.push((place as u32, why));
            }
            status.push(found);
        }
        let mut write_of = vec![NONE; transactions.acts.len()];
        for (place, write) in writes.iter().enumerate() {
            write_of[write.act as usize] = place as u32;
        }
        let committed = transactions.entries.iter().map(|entry| entry.fate == Fate::Committed).collect();
        let made = Versions {
            edges: Vec::with_capacity(transactions.acts.len() * 3 / 2),
            nodes: transactions.len() as u32,
            committed,
            findings: Findings::default(),
            left_out,
            unordered: Vec::new(),
            lost: Vec::new(),
        };
        let evidence = Evidence::new(transactions);
        let (order, order_starts) = (Vec::new(), vec![0]);
        let (readers, choices) = (Vec::new(), Vec::new());
        Self { transactions, evidence, writes, write_starts: starts, write_of, status, order, order_starts, readers, choices, made }
    }

    /// All writes of a value to a key that had some value more than once.
    fn all_writes(&self, key: u32, value: i64) -> Range<u32> {
        let (start, end) = (self.write_starts[key as usize], self.write_starts[key as usize + 1]);
        let writes = &self.writes[start as usize..end as usize];
        let from = writes.partition_point(|write| write.value < value) as u32;
        let to = writes.partition_point(|write| write.value <= value) as u32;
        start + from..start + to
    }

    /// The write of this value to this key.
    fn write(&self, key: u32, value: i64) -> Option<u32> {
        let (start, end) = (self.write_starts[key as usize], self.write_starts[key as usize + 1]);
        let writes = &self.writes[start as usize..end as usize];
        // Values are often the numbers from one on.
        let (first, last) = (writes.first()?.value, writes.last()?.value);
        let place = if last.wrapping_sub(first) == writes.len() as i64 - 1 {
            usize::try_from(value.checked_sub(first)?).ok().filter(|place| *place < writes.len())
        } else {
            writes.binary_search_by_key(&value, |write| write.value).ok()
        };
        place.map(|place| start + place as u32)
    }

    fn fate(&self, write: u32) -> Fate {
        self.transactions.entries[self.writes[write as usize].transaction as usize].fate
    }

    /// Whether the key holds this at first.
    fn is_initial(&self, key: u32, value: i64) -> bool {
        self.transactions.keys[key as usize].initial == Some(value)
    }

    fn has_order(&self, key: u32) -> bool {
        matches!(self.status[key as usize], Status::List | Status::Ordered)
    }

    /// Finds the write of each element of each list.
    fn place_lists(&mut self) {
        for key in 0..self.status.len() as u32 {
            if self.has_order(key) {
                for (position, value) in self.transactions.keys[key as usize].longest.iter().enumerate() {
                    let found = self.write(key, *value).unwrap_or(NONE);
                    self.order.push(found);
                    let Some(write) = self.writes.get_mut(found as usize) else { continue };
                    if write.position == NONE {
                        write.position = position as u32;
                    } else {
                        self.break_list(key, *value);
                    }
                }
            }
            self.order_starts.push(self.order.len() as u32);
            if self.has_order(key) && self.transactions.keys[key as usize].odd {
                self.status[key as usize] = Status::Broken;
            }
        }
    }

    fn break_list(&mut self, key: u32, value: i64) {
        self.status[key as usize] = Status::Broken;
        let evidence = self.evidence;
        self.made.findings.add_value(Phenomenon::DuplicateElement, key, value, || evidence.duplicate(key, value));
    }

    /// Whatever was read did commit, unless it is known not to have.
    fn mark_committed(&mut self) {
        for key in 0..self.status.len() as u32 {
            if matches!(self.status[key as usize], Status::LeftOut(_)) {
                continue;
            }
            for position in 0..self.order_of(key).len() {
                let write = self.order_of(key)[position];
                self.saw(key, self.transactions.keys[key as usize].longest[position], write);
            }
        }
        let (transactions, evidence) = (self.transactions, self.evidence);
        for act in &transactions.acts {
            match (*act, self.status[act.key() as usize]) {
                (ObservedAct::Number { key, value }, Status::Register | Status::Ordered) if !self.is_initial(key, value) => {
                    self.saw(key, value, self.write(key, value).unwrap_or(NONE));
                }
                (ObservedAct::Number { key, value }, Status::Ambiguous) => self.saw_one_of(key, value),
                (ObservedAct::Odd { key, list }, Status::Broken) => {
                    let longest = &transactions.keys[key as usize].longest;
                    for value in transactions.odd_list(list).iter().filter(|value| !longest.contains(value)) {
                        self.saw(key, *value, self.write(key, *value).unwrap_or(NONE));
                    }
                    self.made.findings.add(Anomaly::data(Phenomenon::IncompatibleOrder), || evidence.incompatible(key, list));
                }
                _ => {}
            }
        }
        for (key, known) in transactions.keys.iter().enumerate().filter(|(_, known)| known.contradicted.is_some()) {
            self.made.findings.add(Anomaly::data(Phenomenon::IncompatibleOrder), || evidence.contradicted(key as u32, known));
        }
    }

    /// A transaction saw this value.
    fn saw(&mut self, key: u32, value: i64, write: u32) {
        let evidence = self.evidence;
        if write == NONE {
            if evidence.was_read(key, value) {
                self.made.findings.add_value(Phenomenon::GarbageRead, key, value, || evidence.garbage(key, value));
            }
            return;
        }
        let writer = self.writes[write as usize].transaction;
        match self.fate(write) {
            Fate::Committed => {}
            Fate::Unknown => self.made.committed[writer as usize] = true,
            Fate::Aborted => {
                if evidence.was_read(key, value) {
                    self.made.findings.add_value(Phenomenon::AbortedRead, key, value, || evidence.aborted(key, value, writer));
                }
            }
        }
    }

    /// A transaction saw this value, which several may have written. Those of unknown outcome did commit then, since it makes no difference
    /// if they did so last, and nobody saw it.
    fn saw_one_of(&mut self, key: u32, value: i64) {
        let writes = self.all_writes(key, value);
        if writes.is_empty() && !self.is_initial(key, value) {
            self.saw(key, value, NONE);
        }
        for write in writes.filter(|write| self.fate(*write) == Fate::Unknown).collect::<Vec<u32>>() {
            self.saw(key, value, write);
        }
    }

    fn order_of(&self, key: u32) -> &[u32] {
        &self.order[self.order_starts[key as usize] as usize..self.order_starts[key as usize + 1] as usize]
    }

    fn edge(&mut self, from: u32, to: u32, kind: Dependency, key: u32) {
        if from != to {
            self.made.edges.push(Edge { from, to, why: Why::new(kind, key) });
        }
    }

    /// Who wrote which version after whom.
    fn orders(&mut self) {
        for key in 0..self.status.len() as u32 {
            if !self.has_order(key) {
                continue;
            }
            let mut before: Option<u32> = None;
            let mut aborted: Option<u32> = None;
            for place in self.order_starts[key as usize]..self.order_starts[key as usize + 1] {
                let write = self.order[place as usize];
                if write == NONE {
                    continue;
                }
                let writer = self.writes[write as usize].transaction;
                if self.fate(write) == Fate::Aborted {
                    aborted = Some(writer);
                    self.order[place as usize] = NONE;
                    continue;
                }
                if let Some(lost) = aborted.take() {
                    let evidence = self.evidence;
                    self.made.findings.add(Anomaly::data(Phenomenon::DirtyUpdate), || evidence.dirty(key, lost, writer));
                }
                if let Some(before) = before {
                    self.edge(before, writer, Dependency::WriteWrite, key);
                }
                before = Some(writer);
            }
            let open_end = self.open_end(key);
            for writer in &open_end {
                if let Some(before) = before {
                    self.edge(before, *writer, Dependency::WriteWrite, key);
                }
            }
            if open_end.len() > 1 {
                self.made.unordered.push(Unordered { key, writers: open_end, ..Unordered::default() });
            }
        }
    }

    /// Who made the last writes to a key with an order that have no place in it: they come after all that have.
    fn open_end(&self, key: u32) -> Vec<u32> {
        let writes = &self.writes[self.write_starts[key as usize] as usize..self.write_starts[key as usize + 1] as usize];
        let open = |write: &&Write| write.position == NONE && write.last && self.made.committed[write.transaction as usize];
        writes.iter().filter(open).map(|write| write.transaction).collect()
    }

    /// What a transaction read.
    fn reads(&mut self, transaction: u32) {
        let acts = self.transactions.acts_of(transaction);
        let start = self.transactions.entries[transaction as usize].acts_end as usize - acts.len();
        for (place, act) in acts.iter().enumerate() {
            let key = act.key();
            match (*act, self.status[key as usize]) {
                (ObservedAct::Empty { .. }, Status::List | Status::Ordered) => self.read_position(transaction, start, place, 0),
                (ObservedAct::Prefix { length, .. }, Status::List) => self.read_position(transaction, start, place, length),
                (ObservedAct::Empty { .. }, Status::Register | Status::Ambiguous) => self.read_value(transaction, start, place, NONE),
                (ObservedAct::Number { value, .. }, Status::Register) if self.is_initial(key, value) => {
                    self.read_value(transaction, start, place, NONE);
                }
                (ObservedAct::Number { value, .. }, Status::Ordered) if self.is_initial(key, value) => {
                    self.read_position(transaction, start, place, 0);
                }
                (ObservedAct::Number { value, .. }, Status::Register) => {
                    if let Some(write) = self.write(key, value) {
                        self.read_value(transaction, start, place, write);
                    }
                }
                (ObservedAct::Number { value, .. }, Status::Ambiguous) => self.read_one_of(transaction, start, place, value),
                (ObservedAct::Number { value, .. }, Status::Ordered) => {
                    if let Some(write) = self.write(key, value) {
                        self.read_ordered(transaction, start, place, write);
                    }
                }
                _ => {}
            }
        }
    }

    /// A read of a register of which the order is given.
    fn read_ordered(&mut self, transaction: u32, start: usize, place: usize, write: u32) {
        let position = self.writes[write as usize].position;
        if position != NONE {
            self.read_position(transaction, start, place, position + 1);
        } else if self.is_consistent(transaction, start, place, Some(write)) {
            self.read_from(transaction, place, write);
        }
    }

    /// A read of the version that the first `length` in the order of its key make.
    fn read_position(&mut self, transaction: u32, start: usize, place: usize, length: u32) {
        let acts = self.transactions.acts_of(transaction);
        let key = acts[place].key();
        let is_list = self.status[key as usize] == Status::List;
        let order_start = self.order_starts[key as usize];
        let seen = length.checked_sub(1).map(|last| self.order[(order_start + last) as usize]);
        let consistent = if is_list {
            self.is_consistent_list(transaction, start, place, length)
        } else {
            self.is_consistent(transaction, start, place, seen.filter(|write| *write != NONE))
        };
        if !consistent {
            return;
        }
        if let Some(write) = seen.filter(|write| *write != NONE)
            && !self.read_from(transaction, place, write)
        {
            return;
        }
        // Its own next write, if it makes one, comes after this read.
        let own = (place + 1..acts.len())
            .map(|later| self.write_of[start + later])
            .find(|write| *write != NONE && acts[self.writes[*write as usize].act as usize - start].key() == key);
        let next = self.order_of(key)[length as usize..].iter().copied().find(|write| *write != NONE);
        let Some(next) = next else {
            self.readers.push(Reader { key, version: NONE, transaction, overwrites: own.is_some() });
            return;
        };
        let overwriter = self.writes[next as usize].transaction;
        self.edge(transaction, overwriter, Dependency::ReadWrite, key);
        let again = acts[..place].contains(&acts[place]);
        if own.is_some() && overwriter != transaction && !again {
            self.lost_update(key, overwriter, transaction);
        }
    }

    fn lost_update(&mut self, key: u32, overwriter: u32, transaction: u32) {
        let evidence = self.evidence;
        self.made.lost.push((overwriter, transaction));
        self.made.findings.add(Anomaly::data(Phenomenon::LostUpdate), || evidence.lost_update(key, overwriter, transaction));
    }

    /// A read of what another wrote. Whether that was the last that it wrote.
    fn read_from(&mut self, transaction: u32, place: usize, write: u32) -> bool {
        let Write { transaction: writer, last, value, .. } = self.writes[write as usize];
        if writer == transaction || self.fate(write) == Fate::Aborted {
            return false;
        }
        let key = self.transactions.acts_of(transaction)[place].key();
        if last {
            self.edge(writer, transaction, Dependency::WriteRead, key);
        } else {
            let evidence = self.evidence;
            let make = || evidence.intermediate(key, value, writer, transaction);
            self.made.findings.add(Anomaly::data(Phenomenon::IntermediateRead), make);
        }
        last
    }

    /// Whether the list holds all that the transaction had appended by then, and nothing that it appended later.
    fn is_consistent_list(&mut self, transaction: u32, start: usize, place: usize, length: u32) -> bool {
        let acts = self.transactions.acts_of(transaction);
        let key = acts[place].key();
        for (other, act) in acts.iter().enumerate() {
            if act.key() != key {
                continue;
            }
            let Some(write) = self.writes.get(self.write_of[start + other] as usize) else { continue };
            let holds = write.position < length;
            if holds != (other < place) {
                let (evidence, value) = (self.evidence, write.value);
                self.made.findings.add(Anomaly::data(Phenomenon::Internal), || evidence.internal(transaction, key, place, value, holds));
                return false;
            }
        }
        true
    }

    /// Whether a register holds what the transaction last wrote to it, if it did, and nothing that it wrote later.
    fn is_consistent(&mut self, transaction: u32, start: usize, place: usize, seen: Option<u32>) -> bool {
        let acts = self.transactions.acts_of(transaction);
        let key = acts[place].key();
        let own = (0..place).rev().find(|earlier| acts[*earlier].key() == key && acts[*earlier].written().is_some());
        let (evidence, own) = (self.evidence, own.map(|earlier| self.write_of[start + earlier]));
        let seen_own = seen.filter(|write| self.writes[*write as usize].transaction == transaction);
        if own.is_some() && own != seen {
            let value = own.map_or(0, |write| self.writes[write as usize].value);
            self.made.findings.add(Anomaly::data(Phenomenon::Internal), || evidence.internal(transaction, key, place, value, false));
            return false;
        }
        if let (None, Some(write)) = (own, seen_own) {
            let value = self.writes[write as usize].value;
            self.made.findings.add(Anomaly::data(Phenomenon::Internal), || evidence.internal(transaction, key, place, value, true));
            return false;
        }
        true
    }

    /// A read of a register of which the order is not given.
    fn read_value(&mut self, transaction: u32, start: usize, place: usize, version: u32) {
        let seen = Some(version).filter(|write| *write != NONE);
        if !self.is_consistent(transaction, start, place, seen) {
            return;
        }
        if let Some(write) = seen
            && !self.read_from(transaction, place, write)
        {
            return;
        }
        let acts = self.transactions.acts_of(transaction);
        let key = acts[place].key();
        let overwrites = acts[place + 1..].iter().any(|act| act.key() == key && act.written().is_some());
        self.readers.push(Reader { key, version, transaction, overwrites });
    }

    /// A read of a register that had some value more than once.
    fn read_one_of(&mut self, transaction: u32, start: usize, place: usize, value: i64) {
        let acts = self.transactions.acts_of(transaction);
        let key = acts[place].key();
        let own = acts[..place].iter().rev().find(|earlier| earlier.key() == key && earlier.written().is_some());
        if own.is_some_and(|own| own.written() == Some(value)) {
            return;
        }
        let writes: Vec<u32> = self.all_writes(key, value).collect();
        let others = || writes.iter().copied().filter(|write| self.writes[*write as usize].transaction != transaction);
        let wrote = |write: u32| self.fate(write) != Fate::Aborted;
        let mut sources: Vec<u32> = others().filter(|write| wrote(*write) && self.writes[*write as usize].last).collect();
        if self.is_initial(key, value) {
            sources.push(NONE);
        }
        if own.is_some() || sources.len() == 1 {
            return self.read_value(transaction, start, place, sources.first().copied().unwrap_or(NONE));
        }
        if sources.is_empty() {
            // Whoever wrote it wrote over it, or aborted, or is the reader itself, later.
            let wrong = others().find(|write| wrote(*write)).or_else(|| others().next()).or_else(|| writes.first().copied());
            let Some(wrong) = wrong else { return };
            if wrote(wrong) {
                return self.read_value(transaction, start, place, wrong);
            }
            let (evidence, writer) = (self.evidence, self.writes[wrong as usize].transaction);
            return self.made.findings.add_value(Phenomenon::AbortedRead, key, value, || evidence.aborted(key, value, writer));
        }
        let source = |write: &u32| if *write == NONE { INITIAL } else { self.writes[*write as usize].transaction };
        let sources = sources.iter().map(source).collect();
        self.choices.push((key, Choice { reader: transaction, sources }));
    }

    /// A transaction's own writes to a list stand in it in the order in which it made them.
    fn own_order(&mut self, transaction: u32) {
        if !self.made.committed[transaction as usize] {
            return;
        }
        let acts = self.transactions.acts_of(transaction);
        let start = self.transactions.entries[transaction as usize].acts_end as usize - acts.len();
        for (place, act) in acts.iter().enumerate() {
            let ObservedAct::Append { key, value } = *act else { continue };
            if self.status[key as usize] != Status::List {
                continue;
            }
            let position = self.writes[self.write_of[start + place] as usize].position;
            let earlier = (0..place).rev().find(|earlier| matches!(acts[*earlier], ObservedAct::Append { key: other, .. } if other == key));
            let Some(earlier) = earlier.map(|earlier| self.writes[self.write_of[start + earlier] as usize]) else { continue };
            if position != NONE && earlier.position > position {
                let evidence = self.evidence;
                let make = || evidence.out_of_order(transaction, key, earlier.value, value);
                self.made.findings.add(Anomaly::data(Phenomenon::IncompatibleOrder), make);
            }
        }
    }

    /// Who wrote over what others had read, where that is not the next version in an order: the last version of a list, and all versions
    /// of a register.
    fn overwritten(&mut self) {
        let mut readers = std::mem::take(&mut self.readers);
        readers.sort_unstable();
        for group in readers.chunk_by(|a, b| (a.key, a.version) == (b.key, b.version)) {
            let (key, version) = (group[0].key, group[0].version);
            let any_write = version == NONE;
            let candidates: Vec<u32> = match (self.has_order(key), any_write) {
                (true, _) => self.open_end(key),
                (false, true) => self.final_writers(key),
                (false, false) => Vec::new(),
            };
            self.overwritten_version(key, group, candidates);
        }
        let mut choices = std::mem::take(&mut self.choices);
        choices.sort_unstable_by(|(key, one), (other, another)| {
            (key, one.reader, &one.sources).cmp(&(other, another.reader, &another.sources))
        });
        choices.dedup();
        let mut choices = choices.into_iter().peekable();
        for key in 0..self.status.len() as u32 {
            let is_register = matches!(self.status[key as usize], Status::Register | Status::Ambiguous);
            let mut writers = if is_register { self.final_writers(key) } else { Vec::new() };
            let choices: Vec<Choice> = std::iter::from_fn(|| choices.next_if(|(of, _)| *of == key)).map(|(_, choice)| choice).collect();
            if writers.len() > 1 || !choices.is_empty() {
                let from = readers.partition_point(|reader| reader.key < key);
                let to = readers.partition_point(|reader| reader.key <= key);
                if self.status[key as usize] == Status::Register {
                    self.zones(key, &readers[from..to]);
                }
                writers.sort_unstable();
                let read = |reader: &Reader| (self.writes[reader.version as usize].transaction, reader.transaction);
                let mut readers: Vec<(u32, u32)> = readers[from..to].iter().filter(|reader| reader.version != NONE).map(read).collect();
                readers.sort_unstable();
                readers.dedup();
                self.made.unordered.push(Unordered { key, writers, readers, choices });
            }
        }
    }

    /// What real time shows of the order in which a register's versions were written, if it is kept: a version comes before another if
    /// a transaction that wrote or read it ended before one began that wrote or read the other.
    fn zones(&mut self, key: u32, readers: &[Reader]) {
        let entries = &self.transactions.entries;
        let mut zones: Vec<Zone> = Vec::new();
        for place in self.write_starts[key as usize]..self.write_starts[key as usize + 1] {
            let Write { transaction, last, .. } = self.writes[place as usize];
            if !last || !self.made.committed[transaction as usize] {
                continue;
            }
            let from = readers.partition_point(|reader| reader.version < place);
            let to = readers.partition_point(|reader| reader.version <= place);
            let mut zone = Zone { first_end: Time::MAX, last_begin: Time::ZERO, writer: transaction, readers: (from, to) };
            for user in readers[from..to].iter().map(|reader| reader.transaction).chain([transaction]) {
                let entry = &entries[user as usize];
                if entry.fate == Fate::Committed {
                    zone.first_end = zone.first_end.min(entry.ended);
                }
                zone.last_begin = zone.last_begin.max(entry.began);
            }
            zones.push(zone);
        }
        zones.sort_by_key(|zone| (u128::from(zone.first_end.as_nanos()) + u128::from(zone.last_begin.as_nanos()), zone.writer));
        // Each is compared with its neighbours, and with the nearest on either side that is there for a while.
        let lasts = |zone: &Zone| zone.first_end < zone.last_begin;
        let mut pairs: Vec<(usize, usize)> = (1..zones.len()).map(|place| (place - 1, place)).collect();
        let mut before = None;
        for (place, zone) in zones.iter().enumerate() {
            pairs.extend(before.map(|before| (before, place)));
            if lasts(zone) {
                before = Some(place);
            }
        }
        let mut after = None;
        for (place, zone) in zones.iter().enumerate().rev() {
            pairs.extend(after.map(|after| (place, after)));
            if lasts(zone) {
                after = Some(place);
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        for (one, other) in pairs.into_iter().flat_map(|(one, other)| [(one, other), (other, one)]) {
            let (early, late) = (zones[one], zones[other]);
            if early.first_end < late.last_begin {
                self.edge(early.writer, late.writer, Dependency::TimedWrite, key);
                for reader in &readers[early.readers.0..early.readers.1] {
                    self.edge(reader.transaction, late.writer, Dependency::TimedMiss, key);
                }
            }
        }
    }

    fn final_writers(&self, key: u32) -> Vec<u32> {
        let writes = &self.writes[self.write_starts[key as usize] as usize..self.write_starts[key as usize + 1] as usize];
        let committed = |write: &&Write| write.last && self.made.committed[write.transaction as usize];
        writes.iter().filter(committed).map(|write| write.transaction).collect()
    }

    /// One version, the transactions that read it, and those known to have written over it at some time, whether or not they read it.
    fn overwritten_version(&mut self, key: u32, readers: &[Reader], mut writers: Vec<u32>) {
        let mut reading: Vec<u32> = readers.iter().map(|reader| reader.transaction).collect();
        reading.dedup();
        writers.sort_unstable();
        // Transactions that read the version and wrote the key: each must be the next to write it, so there should be but one.
        let mut updating: Vec<u32> = readers.iter().filter(|reader| reader.overwrites).map(|reader| reader.transaction).collect();
        updating.extend(writers.iter().filter(|writer| reading.binary_search(writer).is_ok()));
        updating.sort_unstable();
        updating.dedup();
        writers.retain(|writer| updating.binary_search(writer).is_err());
        if let [first, others @ ..] = &updating[..] {
            for other in others {
                self.lost_update(key, *first, *other);
            }
            for (place, updater) in updating.iter().enumerate() {
                self.edge(*updater, updating[(place + 1) % updating.len()], Dependency::ReadWrite, key);
            }
            for reader in reading.iter().filter(|reader| updating.binary_search(reader).is_err()) {
                self.edge(*reader, *first, Dependency::ReadWrite, key);
            }
        }
        if reading.len() < 2 || writers.len() < 2 {
            for reader in &reading {
                for writer in &writers {
                    self.edge(*reader, *writer, Dependency::ReadWrite, key);
                }
            }
        } else {
            let between = self.made.nodes;
            self.made.nodes += 1;
            for reader in &reading {
                self.edge(*reader, between, Dependency::ReadWrite, key);
            }
            for writer in &writers {
                self.edge(between, *writer, Dependency::Via, key);
            }
        }
    }

    fn finish(self) -> Versions {
        self.made
    }
}
