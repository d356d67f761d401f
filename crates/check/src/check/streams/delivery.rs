//! Whether what was sent comes, only that, and how often.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::StreamAnomaly;
use super::logs::Message;
use super::report::Finder;
use crate::base::{ClientId, StreamOp, StreamRecord, Time};
use crate::check::verdict::{Fact, Fate, Rule};

static TWO_VALUES: Rule = Rule::new("two-values", "{key} has {values} at one offset, {offset}");
static TWO_OFFSETS: Rule = Rule::new("two-offsets", "{value} of {key} is there {count} times, at {offsets}");
static NOT_SENT: Rule = Rule::new("not-sent", "{client} polled {value} of {key}, which no producer sent");
static SEND_FAILED: Rule = Rule::new("send-failed", "{client} polled {value} of {key}, the send of which failed, by {sender}");
static OWN_SEND: Rule = Rule::new("own-send", "{client} polled {value} of {key} in the transaction that sent it");
static TAKEN_TWICE: Rule = Rule::new("taken-twice", "{whose} took {value} of {key} twice: {first} did, and then {client}");
static NEVER_TAKEN: Rule = Rule::new(
    "never-taken",
    "{value} of {key}, at {offset}, was acknowledged to {sender} and never polled by {whose}, though {reader} polled {later}, at {behind}",
);
static NOT_SEEN: Rule = Rule::new(
    "not-seen",
    "{value} of {key} was acknowledged to {sender} and never polled by {whose}, though {reader} polled once all sends to {key} were over",
);

/// Finds what is wrong with single messages.
pub(super) fn messages(finder: &mut Finder<'_>) {
    for (key, log) in &finder.logs.keys {
        for (offset, values) in log.iter().filter(|(_, values)| values.len() > 1) {
            let names = values.iter().map(|value| finder.names.value(*value)).collect();
            let by: Vec<usize> = values.iter().filter_map(|value| shower(finder, (*key, *value), *offset)).collect();
            let evidence =
                TWO_VALUES.with("key", finder.names.key(*key)).with("values", Fact::All(names)).with("offset", Fact::Index(*offset));
            finder.found(StreamAnomaly::InconsistentOffsets, &by, evidence);
        }
    }
    for (key, value) in finder.logs.repeated() {
        let offsets: Vec<u64> = finder.logs.offsets((key, value)).collect();
        let by: Vec<usize> = offsets.iter().filter_map(|offset| shower(finder, (key, value), *offset)).collect();
        let evidence = finder.broken(&TWO_OFFSETS, key, value).with("count", offsets.len());
        let evidence = evidence.with("offsets", Fact::All(offsets.into_iter().map(Fact::Index).collect()));
        finder.found(StreamAnomaly::Duplicate, &by, evidence);
    }
    for (index, attempt) in finder.attempts.iter().enumerate() {
        let mut told = FxHashSet::default();
        for (key, StreamRecord { value, .. }) in attempt.polled().filter(|(key, record)| told.insert((*key, record.value))) {
            let (client, writers) = (finder.client(index), finder.logs.writers.get(&(key, value)));
            let Some(writers) = writers else {
                let evidence = finder.broken(&NOT_SENT, key, value).with("client", client);
                finder.found(StreamAnomaly::GarbageRead, &[index], evidence);
                continue;
            };
            if writers.iter().all(|(writer, _)| finder.attempts[*writer].fate == Fate::Aborted) {
                let (writer, _) = writers[0];
                let evidence = finder.broken(&SEND_FAILED, key, value).with("client", client.clone()).with("sender", finder.client(writer));
                finder.found(StreamAnomaly::AbortedRead, &[writer, index], evidence);
            }
            if writers.iter().any(|(writer, _)| *writer == index) {
                let evidence = finder.broken(&OWN_SEND, key, value).with("client", client);
                finder.found(StreamAnomaly::PrecommittedRead, &[index], evidence);
            }
        }
    }
}

/// The first attempt that shows this message at this offset.
fn shower(finder: &Finder<'_>, message: Message, offset: u64) -> Option<usize> {
    let readers = finder.logs.readers.get(&message).into_iter().flatten().copied();
    let shows = |index: &usize| {
        finder.attempts[*index].polled().any(|(key, record)| (key, record.value) == message && record.offset == Some(offset))
    };
    let sent = || finder.logs.writers.get(&message).into_iter().flatten().find(|(_, at)| *at == Some(offset)).map(|(index, _)| *index);
    readers.into_iter().find(shows).or_else(sent)
}

/// Who is to see each message: all together, or the members of a group.
#[derive(Debug, Default)]
struct Audience {
    /// Which group, if not all.
    group: Option<u64>,
    /// Of each key, since when its group consumes it.
    since: BTreeMap<u64, Time>,
    /// What was polled, and by which attempt first.
    polled: FxHashMap<Message, usize>,
    /// The highest of the first offsets of what was polled of each key: of which message, and by which attempt.
    high: FxHashMap<u64, (u64, i64, usize)>,
    /// The lowest offset at which something was polled of each key. A message that is there twice may have been polled at the later one.
    low: FxHashMap<u64, u64>,
    /// Before which offset of each key all is gone, as one of them was told that came too late.
    gone: FxHashMap<u64, u64>,
    /// The last poll of each key that took effect: when it began, and which it was.
    last_poll: FxHashMap<u64, (Time, usize)>,
}

/// What a client consumes.
#[derive(Debug, Default)]
struct Membership {
    group: Option<u64>,
    keys: BTreeSet<u64>,
}

impl Membership {
    fn told(&mut self, op: &StreamOp, fate: Fate) {
        match (op, fate) {
            (_, Fate::Aborted) | (StreamOp::Acts(_) | StreamOp::Commit { .. }, _) => {}
            (StreamOp::Assign { keys, .. }, Fate::Committed) => *self = Self { group: None, keys: keys.iter().copied().collect() },
            (StreamOp::Subscribe { group, keys }, Fate::Committed) => *self = Self { group: *group, keys: keys.iter().copied().collect() },
            (StreamOp::Assign { .. } | StreamOp::Subscribe { .. } | StreamOp::Crash, _) => *self = Self::default(),
        }
    }
}

/// Who took a message: a group or, of messages without an offset, a client as it is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Taker {
    Group(u64),
    Client(ClientId, usize),
}

/// Finds what was lost, and what was taken twice. Says of how many messages it is not known whether they would have been seen.
pub(super) fn audiences(finder: &mut Finder<'_>) -> usize {
    let mut audiences: BTreeMap<Option<u64>, Audience> = BTreeMap::from([(None, Audience::default())]);
    let mut members: FxHashMap<ClientId, (Membership, usize)> = FxHashMap::default();
    let mut are_all_of_groups = true;
    let mut taken: FxHashMap<(Taker, Message, Option<u64>), usize> = FxHashMap::default();
    for (index, attempt) in finder.attempts.iter().enumerate() {
        let (member, begun) = members.entry(attempt.client).or_default();
        member.told(&attempt.op, attempt.fate);
        let changes = !matches!(attempt.op, StreamOp::Acts(_) | StreamOp::Commit { .. }) && attempt.fate != Fate::Aborted;
        if changes {
            *begun = index;
        }
        if let (true, Some(group)) = (changes, member.group) {
            let audience = audiences.entry(Some(group)).or_insert_with(|| Audience { group: Some(group), ..Audience::default() });
            for key in &member.keys {
                let since = audience.since.entry(*key).or_insert(attempt.over());
                *since = attempt.over().min(*since);
            }
        }
        if !attempt.op.acts().iter().any(|act| act.is_poll()) {
            continue;
        }
        // One of which something was seen that it sent took effect as a whole: what it polled was delivered, too.
        let is_delivered = finder.logs.may_deliver(attempt, finder.demands.promise);
        let is_certain = finder.logs.is_certain(attempt, finder.demands.promise);
        let polled: Vec<(u64, StreamRecord)> = attempt.polled().collect();
        if is_delivered {
            member.keys.extend(polled.iter().map(|(key, _)| *key));
            are_all_of_groups &= member.group.is_some();
        }
        for (group, audience) in &mut audiences {
            if group.is_none() || *group == member.group {
                audience.misses_for_good(&attempt.streamed.gone);
            }
            let is_theirs = group.is_none() || is_delivered && *group == member.group;
            if is_theirs {
                audience.polls(index, finder, &polled, is_delivered.then_some(&member.keys));
            }
        }
        for (key, record) in polled.iter().filter(|_| is_certain) {
            let taker = match member.group {
                Some(group) => Taker::Group(group),
                None if record.offset.is_none() => Taker::Client(attempt.client, *begun),
                None => continue,
            };
            if let Some(first) = taken.insert((taker, (*key, record.value), record.offset), index) {
                let whose = match taker {
                    Taker::Group(group) => Fact::Text(format!("group {group}")),
                    Taker::Client(..) => finder.client(index),
                };
                let evidence = finder.broken(&TAKEN_TWICE, *key, record.value).with("whose", whose);
                let evidence = evidence.with("first", finder.client(first)).with("client", finder.client(index));
                finder.found(StreamAnomaly::Redelivery, &[first, index], evidence);
            }
        }
    }
    // Where all consumers are members of groups, nothing is owed to anyone else.
    if are_all_of_groups && audiences.len() > 1 {
        audiences.remove(&None);
    }
    let sent = Sent::of(finder);
    audiences.values().map(|audience| audience.misses(finder, &sent)).sum()
}

/// What was sent for certain.
struct Sent {
    /// Each message, and which attempt was told first that it was sent.
    messages: FxHashMap<Message, usize>,
    /// Of each key, when the last send that ended did so.
    over: FxHashMap<u64, Time>,
}

impl Sent {
    fn of(finder: &Finder<'_>) -> Self {
        let mut sent = Self { messages: FxHashMap::default(), over: FxHashMap::default() };
        for (index, attempt) in finder.attempts.iter().enumerate() {
            let is_certain = finder.logs.is_certain(attempt, finder.demands.promise);
            for (key, value, _) in attempt.sends() {
                let over = sent.over.entry(key).or_default();
                *over = (*over).max(attempt.over());
                if is_certain {
                    sent.messages.entry((key, value)).or_insert(index);
                }
            }
        }
        sent
    }
}

impl Audience {
    /// One of them polled this; if it was delivered, as a consumer of these keys.
    fn polls(&mut self, index: usize, finder: &Finder<'_>, polled: &[(u64, StreamRecord)], keys: Option<&BTreeSet<u64>>) {
        for (key, record) in polled {
            self.polled.entry((*key, record.value)).or_insert(index);
            let first = finder.logs.offsets((*key, record.value)).next();
            if let Some(first) = first {
                let high = self.high.entry(*key).or_insert((first, record.value, index));
                if high.0 < first {
                    *high = (first, record.value, index);
                }
            }
            if let Some(offset) = finder.logs.position(*key, *record) {
                let low = self.low.entry(*key).or_insert(offset);
                *low = offset.min(*low);
            }
        }
        let attempt = &finder.attempts[index];
        for key in keys.into_iter().flatten() {
            let last = self.last_poll.entry(*key).or_insert((attempt.invoked, index));
            *last = (*last).max((attempt.invoked, index));
        }
    }

    /// One of them was told that all before these offsets is gone.
    fn misses_for_good(&mut self, gone: &[(u64, u64)]) {
        for (key, before) in gone {
            let known = self.gone.entry(*key).or_default();
            *known = (*known).max(*before);
        }
    }

    /// Finds what they never polled and should have. Says of how many messages that is not known.
    fn misses(&self, finder: &mut Finder<'_>, sent: &Sent) -> usize {
        let whose = || self.group.map_or_else(|| Fact::Text("anyone".to_owned()), |group| Fact::Text(format!("group {group}")));
        let mut undecided = 0;
        let missing = sent.messages.iter().filter(|(message, _)| !self.polled.contains_key(*message));
        let mut missing: Vec<(Message, usize)> = missing.map(|(message, sender)| (*message, *sender)).collect();
        missing.sort_unstable();
        for ((key, value), sender) in missing {
            let offset = finder.logs.offsets((key, value)).next_back();
            let is_gone = |offset: u64| {
                self.gone.get(&key).is_some_and(|before| offset < *before) || finder.logs.may_be_compacted(key, value, offset)
            };
            if !self.is_due(key, offset, finder.attempts[sender].invoked) || offset.is_some_and(is_gone) {
                continue;
            }
            if let (Some(offset), Some((behind, later, reader))) = (offset, self.high.get(&key).copied())
                && offset <= behind
            {
                let evidence = finder.broken(&NEVER_TAKEN, key, value).with("offset", Fact::Index(offset));
                let evidence = evidence.with("sender", finder.client(sender)).with("whose", whose()).with("reader", finder.client(reader));
                let evidence = evidence.with("later", finder.names.value(later)).with("behind", Fact::Index(behind));
                finder.found(StreamAnomaly::LostWrite, &[sender, reader], evidence);
                continue;
            }
            match self.last_poll.get(&key).copied().filter(|(begun, _)| *begun > sent.over[&key]) {
                Some((_, reader)) => {
                    let evidence = finder.broken(&NOT_SEEN, key, value).with("sender", finder.client(sender));
                    let evidence = evidence.with("whose", whose()).with("reader", finder.client(reader));
                    finder.found(StreamAnomaly::Unseen, &[sender, reader], evidence);
                }
                None => undecided += 1,
            }
        }
        undecided
    }

    /// Whether they are to see a message of this key that has this offset and was sent then. All together are; a group sees what comes once
    /// it has begun: once its first member subscribed, or behind what it polled first.
    fn is_due(&self, key: u64, offset: Option<u64>, sent: Time) -> bool {
        let has_begun = self.since.get(&key).is_some_and(|since| *since < sent);
        let lies_behind = offset.zip(self.low.get(&key)).is_some_and(|(offset, low)| offset > *low);
        self.group.is_none() || has_begun || lies_behind
    }
}
