//! The judges of streams against a reference, on small histories at random, and on planted violations of each kind.
//!
//! The reference says of each anomaly what it means, over all pairs of operations, and keeps nothing from one to the next. What is
//! demanded: both find the same anomalies, of the same keys and messages, and as often do not know.
//!
//! `cargo test` takes a sample. All 20,000: `cargo test --release --test checks streams -- --ignored`.

use std::cell::RefCell;
use std::collections::BTreeSet;

use stormglass::base::{ClientId, Holder, RunKey, Shown, Stream, StreamAct, StreamOp, StreamRecord, Streamed, Tenure, Time};
use stormglass::check::isolation::Fate;
use stormglass::check::recorded::streams::check_text;
use stormglass::check::streams::{Attempt, Demands, Promise, StreamAnomaly, StreamNames, StreamReport, check};
use stormglass::check::{Fact, Verdict};

/// An anomaly, and of which key and message it is, if of any.
type Found = BTreeSet<(StreamAnomaly, String)>;

/// A broker with a log for each key that mostly does what it should, and its clients.
struct Broker<'r> {
    random: &'r mut Stream,
    logs: [Vec<i64>; 2],
    /// Where each client stands in each log.
    stands: [[usize; 2]; 3],
    clients: [ClientId; 3],
    sent: i64,
    /// One in so many things that are shown is wrong.
    wrong: u64,
}

impl Broker<'_> {
    fn lies(&mut self) -> bool {
        self.random.below(self.wrong) == 0
    }

    fn key(&mut self) -> usize {
        self.random.below(2) as usize
    }

    fn send(&mut self, fate: Fate) -> (StreamAct, Shown) {
        let key = self.key();
        self.sent += i64::from(!self.lies());
        let is_there = match fate {
            Fate::Committed => !self.lies(),
            Fate::Aborted => self.lies(),
            Fate::Unknown => self.random.below(2) == 0,
        };
        // Some are tombstones.
        let value = if self.sent % 5 == 4 { -self.sent } else { self.sent };
        let mut offset = self.logs[key].len();
        if is_there {
            self.logs[key].push(value);
            if self.lies() {
                self.logs[key].push(value);
            }
        }
        if self.lies() {
            offset = self.random.below(4) as usize;
        }
        let told = fate == Fate::Committed && self.random.below(5) > 0;
        (StreamAct::Send { key: key as u64, value }, Shown::Sent(told.then_some(offset as u64)))
    }

    fn poll(&mut self, client: usize) -> Shown {
        let mut batches = Vec::new();
        for key in 0..2 {
            if self.random.below(4) == 0 {
                continue;
            }
            let mut records = Vec::new();
            for _ in 0..self.random.below(4) {
                if self.lies() {
                    self.stands[client][key] = self.random.below(4) as usize;
                }
                let at = self.stands[client][key];
                let Some(value) = self.logs[key].get(at).copied() else { break };
                // Anything, or what is sent next.
                let wrong = if self.random.below(2) == 0 { self.random.below(6) as i64 } else { self.sent + 1 };
                let value = if self.lies() { wrong } else { value };
                let offset = (self.random.below(6) > 0).then_some(at as u64);
                records.push(StreamRecord { offset, value });
                self.stands[client][key] += 1;
            }
            batches.push((key as u64, records));
        }
        Shown::Polled(batches)
    }

    fn keys(&mut self) -> Vec<u64> {
        [vec![0], vec![1], vec![0, 1], vec![0, 1]][self.random.below(4) as usize].clone()
    }

    fn attempt(&mut self, client: usize, at: u64) -> Attempt {
        let fate = [Fate::Committed, Fate::Committed, Fate::Committed, Fate::Committed, Fate::Aborted, Fate::Unknown]
            [self.random.below(6) as usize];
        let mut shown = Vec::new();
        let op = match self.random.below(12) {
            0 => StreamOp::Assign { keys: self.keys(), from_beginning: self.random.below(2) == 0 },
            1 => StreamOp::Subscribe { group: [None, Some(1), Some(1), Some(2)][self.random.below(4) as usize], keys: self.keys() },
            2 if self.random.below(2) == 0 => StreamOp::Crash,
            2 => StreamOp::Commit { offsets: vec![(0, 1)] },
            choice => {
                let mut acts = Vec::new();
                for _ in 0..1 + self.random.below(2) {
                    let polls = if choice < 7 { true } else { choice < 9 && self.random.below(2) == 0 };
                    let (act, told) = if polls { (StreamAct::Poll, self.poll(client)) } else { self.send(fate) };
                    acts.push(taken(act, &told, self.random.below(3) == 0));
                    shown.push(told);
                }
                StreamOp::Acts(acts)
            }
        };
        match &op {
            StreamOp::Assign { from_beginning: true, .. } | StreamOp::Subscribe { .. } | StreamOp::Crash => self.stands[client] = [0; 2],
            _ => {}
        }
        if fate != Fate::Committed && self.random.below(3) > 0 {
            shown.clear();
        }
        let rebalanced = if self.random.below(10) == 0 { self.keys() } else { Vec::new() };
        let of = [Holder::Group(1), Holder::Producer(1)][self.random.below(2) as usize];
        let late = if self.lies() { self.random.below(3) } else { 0 };
        let tenures = if self.random.below(3) == 0 { vec![Tenure { of, number: (at / 4).saturating_sub(late) }] } else { Vec::new() };
        let completed = (self.random.below(10) > 0).then(|| Time::from_nanos(at + self.random.below(4)));
        let gone = if self.random.below(8) == 0 { vec![(self.key() as u64, self.random.below(4))] } else { Vec::new() };
        let streamed = Streamed { shown, rebalanced, gone, tenures };
        Attempt { client: self.clients[client], invoked: Time::from_nanos(at), completed, fate, op, streamed }
    }
}

impl Broker<'_> {
    /// Two transactions, each of which polls what the other sends.
    fn circle(&mut self, at: u64) -> [Attempt; 2] {
        let keys = [self.key(), self.key()];
        let sent = [self.sent + 1, self.sent + 2];
        self.sent += 2;
        let mut place = |nth: usize| {
            let offset = self.logs[keys[nth]].len() as u64;
            self.logs[keys[nth]].push(sent[nth]);
            offset
        };
        let offsets = [place(0), place(1)];
        [0, 1].map(|nth| {
            let other = 1 - nth;
            let fate = [Fate::Committed, Fate::Committed, Fate::Unknown, Fate::Aborted][self.random.below(4) as usize];
            let polled = StreamRecord { offset: Some(offsets[other]), value: sent[other] };
            let op = StreamOp::Acts(vec![StreamAct::Poll, StreamAct::Send { key: keys[nth] as u64, value: sent[nth] }]);
            let shown = vec![Shown::Polled(vec![(keys[other] as u64, vec![polled])]), Shown::Sent(Some(offsets[nth]))];
            let streamed = Streamed { shown, ..Streamed::default() };
            let (invoked, completed) = (Time::from_nanos(at), Some(Time::from_nanos(at + 2)));
            Attempt { client: self.clients[nth], invoked, completed, fate, op, streamed }
        })
    }
}

/// A poll of one message, as one that was made before the operation began, perhaps.
fn taken(act: StreamAct, told: &Shown, before: bool) -> StreamAct {
    match told {
        Shown::Polled(batches) if before => {
            match batches.iter().flat_map(|(key, records)| records.iter().map(move |record| (key, record))).collect::<Vec<_>>()[..] {
                [(key, StreamRecord { offset: Some(offset), value })] => StreamAct::Take { key: *key, offset: *offset, value: *value },
                _ => act,
            }
        }
        _ => act,
    }
}

fn sample(random: &mut Stream) -> (Demands, Vec<Attempt>) {
    let promise = Promise::ALL[random.below(3) as usize];
    let (ordered, forgets, isolated) = (random.below(4) > 0, random.below(6) == 0, random.below(3) == 0);
    let compacts = (random.below(3) == 0).then_some(2);
    let demands = Demands { promise, ordered, forgets, isolated, compacts };
    let (count, wrong) = (3 + random.below(12), [6, 20, 1000][random.below(3) as usize]);
    let clients = [0, 1, 2].map(ClientId::new);
    let mut broker = Broker { random, logs: [vec![], vec![]], stands: [[0; 2]; 3], clients, sent: 0, wrong };
    let mut at = 0;
    let mut attempts = Vec::new();
    for _ in 0..count {
        at += broker.random.below(3);
        let client = broker.random.below(3) as usize;
        attempts.push(broker.attempt(client, at));
    }
    if broker.random.below(6) == 0 {
        attempts.extend(broker.circle(at + 3));
    }
    (demands, attempts)
}

/// The reference.
struct Reference<'a> {
    promise: Promise,
    compacts: Option<u32>,
    attempts: &'a [Attempt],
    found: RefCell<Found>,
    links: Links,
}

/// Of each operation and each other, whether the other polled what it sent, and whether something of the other is next to it in a log.
#[derive(Default)]
struct Links {
    read: BTreeSet<(usize, usize)>,
    behind: BTreeSet<(usize, usize)>,
}

/// A record that was taken: by whom of which group, as which consumer, with its key.
type Taken = (Option<u64>, ClientId, Option<usize>, u64, StreamRecord);

impl Reference<'_> {
    fn polled(&self, index: usize) -> Vec<(u64, StreamRecord)> {
        let batches = self.attempts[index].streamed.shown.iter().filter_map(|shown| match shown {
            Shown::Polled(batches) => Some(batches.clone()),
            Shown::Sent(_) => None,
        });
        let told = batches.flatten().flat_map(|(key, records)| records.into_iter().map(move |record| (key, record)));
        let taken = self.attempts[index].op.acts().iter().enumerate().filter_map(|(place, act)| match *act {
            StreamAct::Take { key, offset, value } if self.attempts[index].streamed.shown.get(place).is_none() => {
                Some((key, StreamRecord { offset: Some(offset), value }))
            }
            _ => None,
        });
        told.chain(taken).collect()
    }

    /// Whether an operation polls.
    fn has_polls(&self, index: usize) -> bool {
        self.attempts[index].op.acts().iter().any(|act| !matches!(act, StreamAct::Send { .. }))
    }

    /// Whether what an operation has polled was delivered by it: it took effect, or it is known that it must have.
    fn delivers(&self, index: usize) -> bool {
        let seen = || self.sends(index).iter().any(|(key, value, _)| self.is_polled(*key, *value));
        self.fate(index) == Fate::Committed || self.fate(index) == Fate::Unknown && self.promise == Promise::ExactlyOnce && seen()
    }

    fn sends(&self, index: usize) -> Vec<(u64, i64, Option<u64>)> {
        let attempt = &self.attempts[index];
        let mut sends = Vec::new();
        for (place, act) in attempt.op.acts().iter().enumerate() {
            if let StreamAct::Send { key, value } = act {
                let offset = if let Some(Shown::Sent(offset)) = attempt.streamed.shown.get(place) { *offset } else { None };
                sends.push((*key, *value, offset));
            }
        }
        sends
    }

    fn all(&self) -> std::ops::Range<usize> {
        0..self.attempts.len()
    }

    fn fate(&self, index: usize) -> Fate {
        self.attempts[index].fate
    }

    fn over(&self, index: usize) -> Time {
        self.attempts[index].completed.unwrap_or(self.attempts[index].invoked)
    }

    fn is_polled(&self, key: u64, value: i64) -> bool {
        self.all().any(|index| self.polled(index).iter().any(|(of, record)| (*of, record.value) == (key, value)))
    }

    fn is_certain(&self, index: usize) -> bool {
        let alone = |key: u64, value: i64| {
            let same = |at: &usize| self.sends(*at).iter().filter(|(of, sent, _)| (*of, *sent) == (key, value)).count();
            self.all().filter(|at| self.fate(*at) != Fate::Aborted).map(|at| same(&at)).sum::<usize>() == 1
        };
        let itself = |key: u64, value: i64| self.is_polled(key, value) && alone(key, value);
        let whole = || self.promise == Promise::ExactlyOnce && self.sends(index).iter().any(|(key, value, _)| itself(*key, *value));
        self.fate(index) == Fate::Committed || self.fate(index) == Fate::Unknown && whole()
    }

    /// Every offset and message of a key that is known.
    fn log(&self, key: u64) -> BTreeSet<(u64, i64)> {
        let mut log = BTreeSet::new();
        for index in self.all() {
            for (of, record) in self.polled(index) {
                log.extend(record.offset.filter(|_| of == key).map(|offset| (offset, record.value)));
            }
            for (of, value, offset) in self.sends(index) {
                let there = self.is_certain(index) || self.fate(index) == Fate::Unknown && self.is_polled(of, value);
                log.extend(offset.filter(|_| of == key && there).map(|offset| (offset, value)));
            }
        }
        log
    }

    fn offsets(&self, key: u64, value: i64) -> Vec<u64> {
        self.log(key).into_iter().filter(|(_, at)| *at == value).map(|(offset, _)| offset).collect()
    }

    fn position(&self, key: u64, offset: Option<u64>, value: i64) -> Option<u64> {
        offset.or_else(|| Some(self.offsets(key, value)).filter(|offsets| offsets.len() == 1).map(|offsets| offsets[0]))
    }

    /// Where the records of a key that an operation polled lie, as far as that is known.
    fn positions(&self, index: usize, key: u64) -> Vec<(u64, i64)> {
        let of_key = self.polled(index).into_iter().filter(|(of, _)| *of == key);
        of_key.filter_map(|(_, record)| self.position(key, record.offset, record.value).map(|at| (at, record.value))).collect()
    }

    fn note(&self, anomaly: StreamAnomaly, key: u64, what: i64) {
        self.found.borrow_mut().insert((anomaly, format!("k{key} {what}")));
    }

    fn messages(&self) {
        for key in 0..2 {
            let log = self.log(key);
            for (offset, value) in &log {
                for (other_offset, other) in &log {
                    if offset == other_offset && value != other {
                        self.note(StreamAnomaly::InconsistentOffsets, key, *offset as i64);
                    }
                    if offset != other_offset && value == other {
                        self.note(StreamAnomaly::Duplicate, key, *value);
                    }
                }
            }
        }
        for index in self.all() {
            for (key, record) in self.polled(index) {
                let value = record.value;
                let is_of = |writer: &usize| self.sends(*writer).iter().any(|(of, sent, _)| (*of, *sent) == (key, value));
                let writers: Vec<usize> = self.all().filter(is_of).collect();
                if writers.is_empty() {
                    self.note(StreamAnomaly::GarbageRead, key, value);
                } else if writers.iter().all(|writer| self.fate(*writer) == Fate::Aborted) {
                    self.note(StreamAnomaly::AbortedRead, key, value);
                }
                if writers.contains(&index) {
                    self.note(StreamAnomaly::PrecommittedRead, key, value);
                }
            }
        }
    }

    /// Whether after one and up to another operation the client that did both may have come to stand elsewhere in a key.
    fn moved(&self, key: u64, after: usize, until: usize) -> bool {
        let client = self.attempts[until].client;
        let others = (after + 1..=until).filter(|index| self.attempts[*index].client == client);
        others.into_iter().any(|index| {
            let Attempt { op, fate, streamed, .. } = &self.attempts[index];
            let has_polls = self.has_polls(index);
            let is_left = match op {
                StreamOp::Assign { keys, from_beginning } => *from_beginning || !keys.contains(&key) || *fate == Fate::Unknown,
                StreamOp::Subscribe { .. } | StreamOp::Crash => true,
                StreamOp::Acts(_) => has_polls && *fate == Fate::Unknown,
                StreamOp::Commit { .. } => false,
            };
            is_left && *fate != Fate::Aborted || streamed.rebalanced.contains(&key)
        })
    }

    /// The last operation with which a client said what it consumes, before this.
    fn said(&self, index: usize) -> Option<usize> {
        let is_said = |op: &StreamOp| matches!(op, StreamOp::Assign { .. } | StreamOp::Subscribe { .. } | StreamOp::Crash);
        (0..index).rev().find(|at| {
            self.attempts[*at].client == self.attempts[index].client && is_said(&self.attempts[*at].op) && self.fate(*at) != Fate::Aborted
        })
    }

    fn order(&self, index: usize, key: u64) {
        let log = self.log(key);
        let stays = |(at, value): &(u64, i64)| !self.is_superseded(key, *value, *at);
        let between = |low: u64, high: u64| log.iter().any(|there| there.0 > low && there.0 < high && stays(there));
        let positions = self.positions(index, key);
        if !self.attempts[index].streamed.rebalanced.contains(&key) {
            for pair in positions.windows(2) {
                if pair[1].0 <= pair[0].0 {
                    self.note(StreamAnomaly::IntNonmonotonicPoll, key, pair[1].1);
                } else if between(pair[0].0, pair[1].0) {
                    self.note(StreamAnomaly::IntPollSkip, key, pair[1].1);
                }
            }
        }
        let moved_about = self.said(index).is_some_and(|at| matches!(self.attempts[at].op, StreamOp::Subscribe { group: None, .. }));
        if self.fate(index) != Fate::Committed || moved_about {
            return;
        }
        let client = self.attempts[index].client;
        let earlier = (0..index).filter(|at| self.attempts[*at].client == client && self.fate(*at) == Fate::Committed);
        let earlier = earlier.filter(|at| !self.moved(key, *at, index) && !self.attempts[*at].op.acts().is_empty());
        let stood = earlier.flat_map(|at| self.positions(at, key)).map(|(at, _)| at).max();
        if let (Some(stood), Some((first, value))) = (stood, positions.first().copied()) {
            if first <= stood {
                self.note(StreamAnomaly::NonmonotonicPoll, key, value);
            } else if log.iter().any(|there| there.0 > stood && there.0 < first && stays(there) && !self.had_before(index, key, there.0)) {
                self.note(StreamAnomaly::PollSkip, key, value);
            }
        }
    }

    /// Whether compaction may have removed this: it is a tombstone, or a later message of the same key is known.
    fn is_superseded(&self, key: u64, value: i64, offset: u64) -> bool {
        let same = |keys: u32, other: i64| other.abs() % i64::from(keys) == value.abs() % i64::from(keys);
        self.compacts.is_some_and(|keys| value < 0 || self.log(key).iter().any(|(at, other)| *at > offset && same(keys, *other)))
    }

    /// Whether all together, or one of a group, were told that this is gone.
    fn is_gone(&self, group: Option<u64>, key: u64, offset: u64) -> bool {
        let theirs = |index: &usize| self.has_polls(*index) && (group.is_none() || self.group(*index) == group);
        let mut told = self.all().filter(theirs).flat_map(|index| &self.attempts[index].streamed.gone);
        told.any(|(of, before)| *of == key && offset < *before)
    }

    /// Whether the group of the client that does this had polled what lies there before.
    fn had_before(&self, index: usize, key: u64, offset: u64) -> bool {
        let theirs = |at: &usize| self.fate(*at) == Fate::Committed && self.group(*at) == self.group(index);
        let has = |at: usize| self.positions(at, key).iter().any(|(had, _)| *had == offset);
        self.group(index).is_some() && (0..index).filter(theirs).any(has)
    }

    fn sent_at(&self, index: usize, key: u64) -> Vec<(u64, i64)> {
        let sends = self.sends(index).into_iter().filter(|(of, ..)| *of == key);
        sends.filter_map(|(_, value, offset)| self.position(key, offset, value).map(|at| (at, value))).collect()
    }

    fn send_order(&self, index: usize, key: u64) {
        if self.fate(index) == Fate::Aborted {
            return;
        }
        let sent = self.sent_at(index, key);
        for pair in sent.windows(2).filter(|pair| pair[1].0 <= pair[0].0) {
            self.note(StreamAnomaly::IntNonmonotonicSend, key, pair[1].1);
        }
        let client = self.attempts[index].client;
        let crashed = |at: usize| {
            (at..index).any(|other| {
                self.attempts[other].client == client && self.attempts[other].op == StreamOp::Crash && self.fate(other) != Fate::Aborted
            })
        };
        let last = (0..index)
            .rev()
            .find(|at| self.attempts[*at].client == client && self.fate(*at) == Fate::Committed && !self.sent_at(*at, key).is_empty());
        if let (Some(last), Some((at, value))) = (last.filter(|last| !crashed(*last)), sent.first().copied())
            && self.sent_at(last, key).last().is_some_and(|(stood, _)| at <= *stood)
        {
            self.note(StreamAnomaly::NonmonotonicSend, key, value);
        }
    }

    fn zombies(&self) {
        for index in self.all().filter(|index| self.fate(*index) == Fate::Committed) {
            let later = |of: Holder, number: u64| {
                self.all().any(|other| {
                    let tenures = &self.attempts[other].streamed.tenures;
                    self.fate(other) == Fate::Committed
                        && self.over(other) < self.attempts[index].invoked
                        && tenures.iter().any(|tenure| tenure.of == of && tenure.number > number)
                })
            };
            if self.attempts[index].streamed.tenures.iter().any(|tenure| later(tenure.of, tenure.number)) {
                self.found.borrow_mut().insert((StreamAnomaly::Zombie, String::new()));
            }
        }
    }

    /// The group that the client is a member of when it does this.
    fn group(&self, index: usize) -> Option<u64> {
        let said = self.said(index).filter(|at| self.fate(*at) == Fate::Committed)?;
        if let StreamOp::Subscribe { group, .. } = self.attempts[said].op { group } else { None }
    }

    /// Whether this operation is a poll of somebody who consumes this key.
    fn consumes(&self, index: usize, key: u64) -> bool {
        let said = self.said(index);
        let asked = said.filter(|at| self.fate(*at) == Fate::Committed).is_some_and(|at| match &self.attempts[at].op {
            StreamOp::Assign { keys, .. } | StreamOp::Subscribe { keys, .. } => keys.contains(&key),
            _ => false,
        });
        let client = self.attempts[index].client;
        let since = said.map_or(0, |at| at + 1);
        let polled = (since..=index).any(|at| {
            self.attempts[at].client == client
                && self.has_polls(at)
                && self.delivers(at)
                && self.polled(at).iter().any(|(of, _)| *of == key)
        });
        self.has_polls(index) && self.delivers(index) && (asked || polled)
    }

    /// What all together, or a group, missed. Says whether something of that is not known.
    fn missed(&self, group: Option<u64>) -> bool {
        let theirs: Vec<usize> = self
            .all()
            .filter(|index| group.is_none() || self.delivers(*index) && self.group(*index) == group)
            .filter(|index| self.has_polls(*index))
            .collect();
        let mut is_open = false;
        for index in self.all().filter(|index| self.is_certain(*index)) {
            for (key, value, _) in self.sends(index) {
                let polled: Vec<i64> =
                    theirs.iter().flat_map(|at| self.polled(*at)).filter(|(of, _)| *of == key).map(|(_, record)| record.value).collect();
                let firsts: Vec<u64> = polled.iter().filter_map(|value| self.offsets(key, *value).first().copied()).collect();
                let offset = self.offsets(key, value).last().copied();
                let sender =
                    self.all().find(|at| self.is_certain(*at) && self.sends(*at).iter().any(|(of, sent, _)| (*of, *sent) == (key, value)));
                let sent = self.attempts[sender.unwrap_or(index)].invoked;
                let since = self.all().any(|at| match &self.attempts[at].op {
                    StreamOp::Subscribe { group: of, keys } => {
                        group.is_some() && *of == group && keys.contains(&key) && self.fate(at) == Fate::Committed && self.over(at) < sent
                    }
                    _ => false,
                });
                let places: Vec<u64> = theirs
                    .iter()
                    .flat_map(|at| self.polled(*at))
                    .filter(|(of, _)| *of == key)
                    .filter_map(|(_, record)| self.position(key, record.offset, record.value))
                    .collect();
                let behind = offset.is_some_and(|offset| places.iter().any(|place| offset > *place));
                if polled.contains(&value) || !(group.is_none() || since || behind) {
                    continue;
                }
                if offset.is_some_and(|offset| self.is_gone(group, key, offset) || self.is_superseded(key, value, offset)) {
                    continue;
                }
                if offset.is_some_and(|offset| firsts.iter().any(|first| offset <= *first)) {
                    self.note(StreamAnomaly::LostWrite, key, value);
                    continue;
                }
                let sends = self.all().filter(|at| self.sends(*at).iter().any(|(of, ..)| *of == key));
                let over = sends.map(|at| self.over(at)).max().unwrap_or_default();
                if theirs.iter().any(|at| self.attempts[*at].invoked > over && self.consumes(*at, key)) {
                    self.note(StreamAnomaly::Unseen, key, value);
                } else {
                    is_open = true;
                }
            }
        }
        is_open
    }

    fn redelivered(&self) {
        let mut taken: Vec<Taken> = Vec::new();
        for index in self.all().filter(|index| self.has_polls(*index) && self.is_certain(*index)) {
            for (key, record) in self.polled(index) {
                let (group, client, said) = (self.group(index), self.attempts[index].client, self.said(index));
                let same = |other: &&Taken| {
                    let whose = if group.is_some() { other.0 == group } else { other.0.is_none() && (other.1, other.2) == (client, said) };
                    whose && (other.3, other.4) == (key, record) && (group.is_some() || record.offset.is_none())
                };
                if taken.iter().any(|other| same(&other)) {
                    self.note(StreamAnomaly::Redelivery, key, record.value);
                }
                taken.push((group, client, said, key, record));
            }
        }
    }

    /// The operation that sent a message, if it took effect and no other can have sent it.
    fn sole(&self, key: u64, value: i64) -> Option<usize> {
        let sent = |at: usize| self.sends(at).iter().filter(|(of, sent, _)| (*of, *sent) == (key, value)).count();
        let senders: Vec<usize> =
            self.all().filter(|at| self.fate(*at) != Fate::Aborted).flat_map(|at| std::iter::repeat_n(at, sent(at))).collect();
        if let [sender] = senders[..] { Some(sender).filter(|at| self.is_certain(*at)) } else { None }
    }

    fn links(&self) -> Links {
        let mut links = Links::default();
        for to in self.all().filter(|to| self.is_certain(*to)) {
            let senders = self.polled(to).into_iter().filter_map(|(key, record)| self.sole(key, record.value));
            links.read.extend(senders.filter(|from| *from != to).map(|from| (from, to)));
        }
        for key in 0..2 {
            let log = self.log(key);
            // All messages of which it is known who sent them and where they lie.
            let alone = |(offset, value): &(u64, i64)| {
                !log.iter().any(|(at, other)| at == offset && other != value || at != offset && other == value)
            };
            let senders: Vec<usize> = log.iter().copied().filter(alone).filter_map(|(_, value)| self.sole(key, value)).collect();
            links.behind.extend(senders.windows(2).filter(|pair| pair[0] != pair[1]).map(|pair| (pair[0], pair[1])));
        }
        links
    }

    fn is_read(&self, from: usize, to: usize) -> bool {
        self.links.read.contains(&(from, to))
    }

    fn is_behind(&self, from: usize, to: usize) -> bool {
        self.links.behind.contains(&(from, to))
    }

    /// The shortest way from each operation to each other by these links, if there is one.
    fn ways(&self, is_linked: impl Fn(usize, usize) -> bool) -> Vec<Vec<Option<usize>>> {
        let length = |from: usize, to: usize| if from == to { Some(0) } else { is_linked(from, to).then_some(1) };
        let mut ways: Vec<Vec<Option<usize>>> = self.all().map(|from| self.all().map(|to| length(from, to)).collect()).collect();
        for over in self.all() {
            for from in self.all() {
                for to in self.all() {
                    let sum = ways[from][over].zip(ways[over][to]).map(|(one, other)| one + other);
                    ways[from][to] = [ways[from][to], sum].into_iter().flatten().min();
                }
            }
        }
        ways
    }

    /// Of all that depend on each other and on this, the first, and how long the shortest cycle is.
    fn cycle_of(&self, index: usize, isolated: bool, anomaly: StreamAnomaly) -> Option<(usize, usize)> {
        let is_through = |from, to| if anomaly == StreamAnomaly::WriteCycle { self.is_behind(from, to) } else { self.is_read(from, to) };
        let ways = self.ways(|from, to| is_through(from, to) || isolated && self.is_behind(from, to));
        let mutual: Vec<usize> = self.all().filter(|other| ways[index][*other].is_some() && ways[*other][index].is_some()).collect();
        let pairs = mutual.iter().flat_map(|from| mutual.iter().map(move |to| (*from, *to)));
        let lengths = pairs.filter(|(from, to)| is_through(*from, *to)).filter_map(|(from, to)| ways[to][from]);
        lengths.min().map(|back| (mutual[0], back + 1))
    }

    fn cycles(&self, isolated: bool) {
        for anomaly in [StreamAnomaly::WriteCycle, StreamAnomaly::CircularFlow] {
            let found = self.all().filter_map(|index| self.cycle_of(index, isolated, anomaly));
            self.found.borrow_mut().extend(found.map(|(first, length)| (anomaly, format!("{first}: {length}"))));
        }
    }

    /// Judges all but cycles. Says whether something is not known.
    fn judge(&self) -> bool {
        self.messages();
        for index in self.all() {
            for key in 0..2 {
                self.order(index, key);
                self.send_order(index, key);
            }
        }
        self.zombies();
        self.redelivered();
        let polls = |index: &usize| self.has_polls(*index) && self.delivers(*index);
        let is_outside = self.all().filter(polls).any(|index| self.group(index).is_none());
        let is_grouped = self.all().any(|index| {
            matches!(self.attempts[index].op, StreamOp::Subscribe { group: Some(_), .. }) && self.fate(index) == Fate::Committed
        });
        let whose = [None, Some(1), Some(2)].into_iter().filter(|group| group.is_some() || is_outside || !is_grouped);
        whose.map(|group| self.missed(group)).fold(false, |one, other| one | other)
    }
}

/// What the judges found, in the words of the reference. Each operation of a cycle must be linked to the next.
fn found(report: &StreamReport, reference: &Reference<'_>) -> Found {
    let text = |fact: Option<&Fact>| fact.map(ToString::to_string).unwrap_or_default();
    let word = |finding: &stormglass::check::streams::StreamFinding| {
        let (evidence, isolated) = (&finding.evidence, report.demands.isolated);
        let what = match finding.anomaly {
            StreamAnomaly::Zombie => String::new(),
            StreamAnomaly::WriteCycle | StreamAnomaly::CircularFlow => {
                let is_write = finding.anomaly == StreamAnomaly::WriteCycle;
                let way = finding.operations.iter().zip(finding.operations.iter().cycle().skip(1));
                for (from, to) in way {
                    let is_linked = (is_write || isolated) && reference.is_behind(*from, *to) || !is_write && reference.is_read(*from, *to);
                    assert!(is_linked, "{from} and {to} are linked: {finding:?}");
                }
                let first = reference.cycle_of(finding.operations[0], isolated, finding.anomaly).map(|(first, _)| first);
                format!("{}: {}", first.expect("there is a cycle"), finding.operations.len())
            }
            StreamAnomaly::InconsistentOffsets => format!("{} {}", text(evidence.fact("key")), text(evidence.fact("offset"))),
            _ => format!("{} {}", text(evidence.fact("key")), text(evidence.fact("value"))),
        };
        (finding.anomaly, what)
    };
    report.findings.iter().map(word).collect()
}

fn compare(seed: u64, count: usize) {
    let mut random = RunKey::from_seed(seed).stream("streams", 0);
    let mut seen = BTreeSet::new();
    let (mut verdicts, mut open) = (BTreeSet::new(), 0);
    for place in 0..count {
        let (demands, attempts) = sample(&mut random);
        let report = check(demands, &attempts, &StreamNames::default());
        let Demands { promise, compacts, .. } = demands;
        let mut reference = Reference { promise, compacts, attempts: &attempts, found: RefCell::default(), links: Links::default() };
        let is_open = reference.judge();
        reference.links = reference.links();
        reference.cycles(demands.isolated);
        assert_eq!((found(&report, &reference), report.undecided > 0), (reference.found.take(), is_open), "history {place}: {attempts:#?}");
        seen.extend(report.findings.iter().map(|finding| finding.anomaly));
        verdicts.insert(report.verdict());
        open += usize::from(is_open);
    }
    assert_eq!((seen.len(), verdicts.len()), (StreamAnomaly::ALL.len(), 3), "every anomaly and every verdict comes: {seen:?} {verdicts:?}");
    assert!(open > 0);
}

#[test]
fn judges_agree_with_the_reference_on_a_sample() {
    compare(1, 1_500);
}

#[test]
#[ignore = "20,000 histories"]
fn judges_agree_with_the_reference_on_all() {
    compare(2, 20_000);
}

/// What is wrong with this file, of all that can be.
fn planted(lines: &[&str]) -> BTreeSet<&'static str> {
    let text = lines.join("\n");
    let report = check_text(text.as_bytes(), None, Demands::of(Promise::ExactlyOnce)).expect("a history");
    report.report.findings.iter().map(|finding| finding.anomaly.name()).collect()
}

/// A line for each: the process, how it goes, what is done, with which value.
macro_rules! lines {
    ($($process:literal $kind:ident $f:ident $value:literal)*) => {
        [$(concat!("{:process ", $process, ", :type :", stringify!($kind), ", :f :", stringify!($f), ", :value ", $value, "}")),*]
    };
}

#[test]
fn each_kind_is_caught_where_it_is_planted() {
    let sent = lines! {
        0 invoke send "[[:send 0 :a]]" 0 ok send "[[:send 0 [0 :a]]]"
        0 invoke send "[[:send 0 :b]]" 0 ok send "[[:send 0 [1 :b]]]"
        0 invoke send "[[:send 0 :c]]" 0 ok send "[[:send 0 [2 :c]]]"
    };
    let with = |more: &[&'static str]| planted(&[&sent[..], more].concat());
    let is = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
    let all = lines! { 1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b] [2 :c]]}]]" };
    assert_eq!(with(&all), is(&[]), "nothing is wrong");
    let cases: [(&[&'static str], &[&'static str]); 15] = [
        (&lines! { 1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [2 :c]]}]]" }, &["int-poll-skip", "lost-write"]),
        (
            &lines! {
                1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a]]}]]"
                1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[2 :c]]}]]"
            },
            &["lost-write", "poll-skip"],
        ),
        (
            &lines! {
                1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b] [2 :c]]}]]"
                1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[1 :b]]}]]"
            },
            &["nonmonotonic-poll"],
        ),
        (
            &lines! { 1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [2 :c] [1 :b]]}]]" },
            &["int-nonmonotonic-poll", "int-poll-skip"],
        ),
        (&lines! { 1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b]]}]]" }, &["unseen"]),
        (
            &lines! {
                2 invoke send "[[:send 0 :d]]" 2 info send "[[:send 0 :d]]"
                1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b] [2 :d]]}]]"
            },
            &["inconsistent-offsets", "lost-write"],
        ),
        (&lines! { 1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b] [2 :c] [3 :z]]}]]" }, &["garbage-read"]),
        (
            &lines! {
                2 invoke send "[[:send 0 :d]]" 2 fail send "[[:send 0 :d]]"
                1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b] [2 :c] [3 :d]]}]]"
            },
            &["aborted-read"],
        ),
        (&lines! { 1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b] [2 :c] [3 :a]]}]]" }, &["duplicate"]),
        (
            &lines! {
                2 invoke txn "[[:poll] [:send 0 :d]]" 2 ok txn "[[:poll {0 [[0 :a] [1 :b] [2 :c] [3 :d]]}] [:send 0 [3 :d]]]"
            },
            &["precommitted-read"],
        ),
        (
            &lines! {
                2 invoke txn "[[:poll] [:send 1 :d]]" 3 invoke txn "[[:poll] [:send 2 :e]]"
                2 ok txn "[[:poll {2 [[0 :e]]}] [:send 1 [0 :d]]]" 3 ok txn "[[:poll {1 [[0 :d]]}] [:send 2 [0 :e]]]"
                1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b] [2 :c]], 1 [[0 :d]], 2 [[0 :e]]}]]"
            },
            &["circular-flow"],
        ),
        (
            &lines! {
                2 invoke txn "[[:send 1 :d] [:send 2 :e]]" 3 invoke txn "[[:send 2 :f] [:send 1 :g]]"
                2 ok txn "[[:send 1 [0 :d]] [:send 2 [1 :e]]]" 3 ok txn "[[:send 2 [0 :f]] [:send 1 [1 :g]]]"
                1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b] [2 :c]], 1 [[0 :d] [1 :g]], 2 [[0 :f] [1 :e]]}]]"
            },
            &["write-cycle"],
        ),
        (
            &lines! {
                0 invoke send "[[:send 1 :d] [:send 1 :e]]" 0 ok send "[[:send 1 [5 :d]] [:send 1 [4 :e]]]"
                0 invoke send "[[:send 1 :f]]" 0 ok send "[[:send 1 [3 :f]]]"
                1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a] [1 :b] [2 :c]], 1 [[3 :f] [4 :e] [5 :d]]}]]"
            },
            &["int-nonmonotonic-send", "nonmonotonic-send"],
        ),
        (
            &[
                "{:process 1, :type :invoke, :f :subscribe, :value [0], :group 1}",
                "{:process 1, :type :ok, :f :subscribe, :value [0]}",
                "{:process 1, :type :invoke, :f :poll, :value [[:poll]]}",
                "{:process 1, :type :ok, :f :poll, :value [[:poll {0 [[0 :a] [1 :b] [2 :c]]}]], :tenures [[:group 1 4]]}",
                "{:process 2, :type :invoke, :f :subscribe, :value [0], :group 1}",
                "{:process 2, :type :ok, :f :subscribe, :value [0]}",
                "{:process 2, :type :invoke, :f :poll, :value [[:poll]]}",
                "{:process 2, :type :ok, :f :poll, :value [[:poll {0 [[2 :c]]}]], :tenures [[:group 1 3]]}",
            ],
            &["redelivery", "zombie"],
        ),
        // What lies between where a message lay first and where the group polled it again was there before the group began.
        (
            &[
                "{:process 1, :type :invoke, :f :subscribe, :value [0], :group 1}",
                "{:process 1, :type :ok, :f :subscribe, :value [0]}",
                "{:process 1, :type :invoke, :f :poll, :value [[:poll]]}",
                "{:process 1, :type :ok, :f :poll, :value [[:poll {0 [[3 :a]]}]]}",
            ],
            &["duplicate"],
        ),
    ];
    for (lines, names) in cases {
        assert_eq!(with(lines), is(names), "{lines:#?}");
    }
}

#[test]
fn an_unknown_send_may_be_there_or_not_and_what_no_one_polled_is_unknown() {
    let open = lines! { 0 invoke send "[[:send 0 :a]]" 0 info send "[[:send 0 :a]]" 1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {}]]" };
    assert_eq!(planted(&open), BTreeSet::new());
    let seen =
        lines! { 0 invoke send "[[:send 0 :a]]" 0 info send "[[:send 0 :a]]" 1 invoke poll "[[:poll]]" 1 ok poll "[[:poll {0 [[0 :a]]}]]" };
    assert_eq!(planted(&seen), BTreeSet::new());
    let verdict = |lines: &[&str], promise| check_text(lines.join("\n").as_bytes(), None, Demands::of(promise)).expect("a history").verdict;
    let sent = lines! { 0 invoke send "[[:send 0 :a]]" 0 ok send "[[:send 0 [0 :a]]]" };
    assert_eq!(verdict(&sent, Promise::AtLeastOnce), Verdict::Unknown, "no one polled since");
    assert_eq!(verdict(&sent, Promise::AtMostOnce), Verdict::Holds, "it may be lost");
    assert_eq!(verdict(&open[..2], Promise::AtMostOnce), Verdict::Unknown, "nothing was judged");
}
